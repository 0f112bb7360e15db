# SPDX-License-Identifier: GPL-2.0-or-later
"""Does a kernel come into the cache with all that belongs to it, and is the rest said?  The archive is a test's own."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from hwtests.kernels import apt, cache, fetch, headers, image, kbuild, packages, private_libs
from hwtests.kernels.errors import KernelError
from hwtests.kernels.names import KernelName, parse_name
from hwtests.tests.archive import Archive

NAME = parse_name("qemu:6.1-amd64")
LOADER = Path("/lib64/ld-linux-x86-64.so.2").resolve()


@pytest.fixture
def archive(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Archive:
    monkeypatch.setenv("PFNLAB_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(fetch, "own_codename", lambda: "bookworm")
    (tmp_path / "archive").mkdir()
    archive = Archive(tmp_path / "archive")
    archive.use(monkeypatch)
    return archive


def said_by(name: KernelName = NAME, *, with_headers: bool = True) -> tuple[cache.Kernel, str]:
    said: list[str] = []
    kernel = fetch.fetch(name, said.append, with_headers=with_headers)
    return kernel, "\n".join(said)


def test_a_kernel_comes_with_its_configuration_modules_and_headers(archive):
    archive.add_kernel("6.1.9-1", "6.1.0-9-cloud-amd64")

    kernel, _ = said_by()

    assert kernel.record is not None
    assert kernel.record.release == "6.1.0-9-cloud-amd64"
    assert kernel.config() == {"CONFIG_KSM": "y"}
    assert (kernel.folder / "modules" / "uio.ko").exists()
    found = headers.cached_headers(kernel)
    assert found is not None
    assert found.wanted.gcc == 1
    assert (found.folder / "Makefile").read_text() == "include ../linux-headers-6.1.0-9-common/Makefile\n"


def test_the_record_states_what_was_downloaded(archive):
    archive.add_kernel("6.1.9-1", "6.1.0-9-cloud-amd64")

    kernel, _ = said_by()

    package = archive.packages["linux-image-6.1.0-9-cloud-amd64"][0]
    assert kernel.record is not None
    assert (kernel.record.sha256, kernel.record.size) == (package.sha256, package.size)


def test_without_headers_a_kernel_is_only_itself(archive):
    archive.add_kernel("6.1.9-1", "6.1.0-9-cloud-amd64")

    kernel, said = said_by(with_headers=False)

    assert headers.cached_headers(kernel) is None
    assert "headers" not in said


def test_headers_are_fetched_later_for_the_kernel_that_is_there(archive):
    archive.add_kernel("6.1.9-1", "6.1.0-9-cloud-amd64")
    said_by(with_headers=False)

    kernel, said = said_by()

    assert headers.cached_headers(kernel) is not None
    assert "linux-image" not in said


def test_of_a_suite_that_went_on_the_kernel_is_fetched_anew(archive):
    archive.add_kernel("6.1.9-1", "6.1.0-9-cloud-amd64")
    said_by(with_headers=False)
    archive.packages.clear()
    archive.add_kernel("6.1.10-1", "6.1.0-10-cloud-amd64")

    kernel, _ = said_by()

    assert kernel.record is not None
    assert kernel.record.version == "6.1.10-1"
    assert headers.cached_headers(kernel) is not None


def test_without_headers_in_the_suite_the_kernel_is_there_and_the_cause_is_said(archive):
    archive.add_kernel("6.1.9-1", "6.1.0-9-cloud-amd64")
    archive.remove("linux-headers-6.1.0-9-cloud-amd64")

    kernel, said = said_by()

    assert (kernel.folder / "vmlinuz").exists()
    assert "no modules can be built for it: needs package linux-headers-6.1.0-9-cloud-amd64 6.1.9-1" in said


def test_where_no_compiler_fits_and_none_is_to_be_had_the_cause_is_said(archive, monkeypatch):
    archive.add_kernel("6.1.9-1", "6.1.0-9-cloud-amd64")
    monkeypatch.setattr(kbuild, "fits", lambda tree, compiler: False)

    _, said = said_by()

    assert "needs gcc-1 of bookworm; found no such package" in said


def test_a_kernel_cached_before_modules_were_kept_is_fetched_again(archive):
    archive.add_kernel("6.1.9-1", "6.1.0-9-cloud-amd64")
    kernel, _ = said_by()
    shutil.rmtree(kernel.folder / "modules")

    said_by()

    assert (kernel.folder / "modules" / "uio.ko").exists()


def test_a_kernel_of_which_too_few_modules_were_kept_is_fetched_again(archive):
    archive.add_kernel("6.1.9-1", "6.1.0-9-cloud-amd64")
    kernel, _ = said_by()
    (kernel.folder / "modules" / "sought").write_text("uio\n")

    _, said = said_by()

    assert "linux-image-6.1.0-9-cloud-amd64" in said


def test_a_kernel_in_parts_is_put_together(archive):
    release = "7.2.1+deb14-cloud-amd64"
    archive.add_kernel("7.2.1-1", release, files={}, depends=f"linux-base-{release}, linux-binary-{release}, dracut")
    archive.add(f"linux-base-{release}", "7.2.1-1", {f"usr/lib/modules/{release}/config": "CONFIG_KSM=y\n"})
    archive.add(f"linux-binary-{release}", "7.2.1-1", {f"usr/lib/modules/{release}/vmlinuz": "the kernel"})

    kernel, _ = said_by(parse_name("qemu:7.2-amd64"), with_headers=False)

    assert kernel.record is not None
    assert kernel.record.release == release
    assert kernel.config() == {"CONFIG_KSM": "y"}


def test_an_image_that_stands_for_nothing_is_said(archive, monkeypatch):
    package = archive.add("linux-image-cloud-amd64", "6.1.9-1", {}, "linux-base")

    with pytest.raises(KernelError, match="stands for"):
        image.image_packages(archive.use(monkeypatch), package)


def test_dependencies_are_followed_but_not_into_what_is_left_out(archive, monkeypatch):
    archive.add("gcc", "1", {}, "cpp (= 1) | other, libc6-dev, libmpc3")
    archive.add("cpp", "1", {}, "libmpc3, gcc")
    archive.add("libmpc3", "1", {})
    archive.add("libc6-dev", "1", {})

    found = packages.with_dependencies(archive.use(monkeypatch), ["gcc"], re.compile(r"libc6-.*"))

    assert [package.name for package in found] == ["cpp", "gcc", "libmpc3"]


def test_a_suite_is_read_without_its_security_archive_where_that_cannot_be(tmp_path, monkeypatch):
    private = apt.PrivateApt(tmp_path, "bookworm", "armhf")
    monkeypatch.setattr(private, "_sources", lambda: [("bookworm", "main\n"), ("bookworm-security", "security\n")])
    asked: list[str] = []

    def lists(sources: str) -> str:
        asked.append(sources)
        private.folder.mkdir(exist_ok=True)
        return "unexpected size" if "security" in sources else ""

    monkeypatch.setattr(private, "_fetch_lists", lists)
    private.update()
    private.update()

    assert asked == ["main\n\nsecurity\n", "main\n"] * 2  # and all are asked for the next time


@pytest.fixture
def elsewhere(tmp_path: Path) -> Path:
    """A program of another suite, unpacked: cat, and the loader and library that it runs with."""
    libc = subprocess.run(["ldd", "/bin/cat"], capture_output=True, text=True, check=True).stdout
    library = re.search(r"libc\.so\.6 => (\S+)", libc)
    assert library is not None
    target = tmp_path / "tree" / "usr" / "lib" / "x86_64-linux-gnu"
    target.mkdir(parents=True)
    shutil.copy2(library[1], target / "libc-2.so")
    (target / "libc.so.6").symlink_to("libc-2.so")
    shutil.copy2(LOADER, target / LOADER.name)
    (tmp_path / "tree" / "usr" / "lib64").mkdir()
    (tmp_path / "tree" / "usr" / "lib64" / "ld-linux-x86-64.so.2").symlink_to(
        "/usr/lib/x86_64-linux-gnu/" + LOADER.name
    )
    (tmp_path / "new" / "bin").mkdir(parents=True)
    shutil.copy2("/bin/cat", tmp_path / "new" / "bin" / "cat")
    private_libs.gather(tmp_path / "tree", tmp_path / "new" / "lib")
    return tmp_path / "new"


needs_amd64 = pytest.mark.skipif(not LOADER.exists(), reason="needs the loader of amd64; cure: run on one")


@needs_amd64
def test_a_program_runs_with_the_libraries_beside_it(elsewhere):
    private_libs.wrap(elsewhere / "bin" / "cat", elsewhere / "lib")

    mapped = subprocess.run([elsewhere / "bin" / "cat", "/proc/self/maps"], capture_output=True, text=True).stdout

    assert f"{elsewhere}/lib/libc.so.6" in mapped
    assert not re.search(r" /(usr/)?lib/\S+/libc\.so", mapped)


@needs_amd64
def test_it_still_runs_when_the_folder_was_moved_and_through_a_link(elsewhere, tmp_path):
    private_libs.wrap(elsewhere / "bin" / "cat", elsewhere / "lib")
    moved = elsewhere.rename(tmp_path / "moved")
    (moved / "link").symlink_to("bin")

    done = subprocess.run([moved / "link" / "cat"], input="text", capture_output=True, text=True)

    assert done.stdout == "text"


@needs_amd64
def test_a_program_runs_here_as_long_as_its_libraries_are_found(elsewhere):
    assert private_libs.runs_here(elsewhere / "bin" / "cat")

    program = (elsewhere / "bin" / "cat").read_bytes()
    (elsewhere / "bin" / "cat").write_bytes(program.replace(b"libc.so.6\0", b"libc.so.9\0"))

    assert not private_libs.runs_here(elsewhere / "bin" / "cat")


def test_a_script_is_no_program_for_a_loader(tmp_path):
    (tmp_path / "script").write_text("#!/bin/sh\n")
    (tmp_path / "script").chmod(0o755)

    assert not private_libs.is_program(tmp_path / "script")
    assert private_libs.is_program(Path(os.path.realpath("/bin/cat")))


@needs_amd64
def test_a_tool_of_kbuild_that_does_not_run_here_brings_its_libraries(archive, elsewhere, monkeypatch):
    archive.add_kernel("6.1.9-1", "6.1.0-9-cloud-amd64")
    library = elsewhere.parent / "tree" / "usr" / "lib" / "x86_64-linux-gnu"
    files = {f"usr/lib/x86_64-linux-gnu/{path.name}": path.read_bytes() for path in library.iterdir()}
    archive.add("libc6", "2.41-1", files)
    monkeypatch.setattr(headers, "runs_here", lambda program: False)

    kernel, _ = said_by()

    fixdep = kernel.folder / "headers" / "usr" / "lib" / "linux-kbuild-6.1" / "scripts" / "basic" / "fixdep"
    assert fixdep.read_bytes().startswith(b"#!/bin/sh")
    assert subprocess.run([fixdep]).returncode == 0
