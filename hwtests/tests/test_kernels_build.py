# SPDX-License-Identifier: GPL-2.0-or-later
"""Is a module built once for each kernel, and is it said why when it cannot be?

The kernels here are folders with a Makefile of a few lines that does what kbuild does for `make M=SOURCES modules`.
"""

from __future__ import annotations

import json
import os
import time
from pathlib import Path

import pytest

from hwtests.kernels import build_tree, headers, kbuild, modules
from hwtests.kernels.cache import Kernel, Record
from hwtests.kernels.errors import KernelError
from hwtests.kernels.toolchain import Compiler
from hwtests.targets.base import Unusable

RECORD = Record(
    "qemu:6.1-amd64", "linux-image-6.1.0-9-cloud-amd64", "6.1.9-1", "bookworm", "00", 1, "2026-01-01", "6.1.0-9"
)
MAKEFILE = """\
modules:
\t@echo "  CC [M]  $(M)/main.o"
\t@grep -q broken $(M)/*.c && { echo "$(M)/main.c:1: error: it is broken" >&2; exit 1; } || true
\t@echo built >> "$(COUNT)"
\t@for name in $$(sed -n 's/obj-m := //p' $(M)/Kbuild); do echo $(CC) $(ARCH) $(LLVM) > $(M)/$${name%.o}.ko; done
"""


@pytest.fixture
def count(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A file with a line for each time that something was built."""
    monkeypatch.setenv("PFNLAB_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("COUNT", str(tmp_path / "count"))
    (tmp_path / "count").touch()
    return tmp_path / "count"


@pytest.fixture
def kernel(count: Path, tmp_path: Path) -> Kernel:
    """A kernel with headers; the compiler that fits is the first that is tried."""
    headers_of(tmp_path / "kernel")
    return Kernel("qemu:6.1-amd64", tmp_path / "kernel", "vmlinuz", RECORD)


def headers_of(folder: Path) -> Path:
    tree = folder / "headers" / "usr" / "src" / "linux-headers-6.1.0-9"
    tree.mkdir(parents=True)
    (tree / "Makefile").write_text(MAKEFILE)
    wanted = {"gcc": 1, "suite": "bookworm", "arch": "amd64", "host": "amd64"}
    said = {"folder": tree.name, "wanted": wanted, "packages": ["linux-headers-6.1.0-9 6.1.9-1"]}
    (folder / "headers" / "tools.json").write_text(json.dumps(said))
    return tree


def sources(folder: Path, text: str = "int it;\n", makes: str = "main.o") -> Path:
    folder.mkdir(exist_ok=True)
    (folder / "main.c").write_text(text)
    (folder / "Kbuild").write_text(f"obj-m := {makes}\n")
    return folder


def own_kernel(tree: Path, config: str = "# Linux/x86 6.9.0 Kernel Configuration\n") -> Kernel:
    """A kernel where make left it, in a tree of its own."""
    image = tree / "arch" / "x86" / "boot" / "bzImage"
    for path in (image, tree / "include" / "config" / "kernel.release"):
        path.parent.mkdir(parents=True, exist_ok=True)
    (tree / "Makefile").write_text(MAKEFILE)
    (tree / "Module.symvers").touch()
    (tree / ".config").write_text(config)
    (tree / "include" / "config" / "kernel.release").write_text("6.9.0-mine\n")
    image.write_bytes(b"")
    return Kernel(f"qemu:{image}", image.parent, str(image), None)


def test_a_module_is_built_once(kernel, tmp_path, count):
    first = modules.build_module(kernel, sources(tmp_path / "driver"))
    built = count.read_text()
    second = modules.build_module(kernel, tmp_path / "driver")

    assert isinstance(first, Path)
    assert first == second
    assert first.name == "main.ko"
    assert count.read_text() == built


def test_other_sources_are_another_module(kernel, tmp_path):
    first = modules.build_module(kernel, sources(tmp_path / "driver"))
    second = modules.build_module(kernel, sources(tmp_path / "driver", "long it;\n"))

    assert first != second


def test_what_an_earlier_make_left_is_no_source(kernel, tmp_path):
    first = modules.build_module(kernel, sources(tmp_path / "driver"))
    (tmp_path / "driver" / "main.mod.c").write_text("int generated;\n")

    assert modules.build_module(kernel, tmp_path / "driver") == first


def test_nothing_is_written_among_the_sources(kernel, tmp_path):
    modules.build_module(kernel, sources(tmp_path / "driver"))

    assert {path.name for path in (tmp_path / "driver").iterdir()} == {"main.c", "Kbuild"}


def test_what_the_compiler_says_is_the_cause(kernel, tmp_path):
    refused = modules.build_module(kernel, sources(tmp_path / "driver", "broken\n"))

    assert isinstance(refused, Unusable)
    assert refused.found == "main.c:1: error: it is broken"
    log = refused.cure.removeprefix("mend it; ").split(" has ")[0]
    assert "CC [M]" in Path(log).read_text()


def test_the_cause_does_not_tell_the_users_home(kernel, tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))

    refused = modules.build_module(kernel, sources(tmp_path / "driver", "broken\n"))

    assert isinstance(refused, Unusable)
    assert refused.cure.startswith("mend it; ~/cache/modules/6.1.0-9/driver-")


def test_a_build_that_failed_is_tried_again(kernel, tmp_path, monkeypatch):
    folder = sources(tmp_path / "driver")
    with monkeypatch.context() as broken:
        broken.setattr(kbuild, "build", lambda *arguments: kbuild.Built(2, "*** no space\n", {}))
        assert isinstance(modules.build_module(kernel, folder), Unusable)

    assert isinstance(modules.build_module(kernel, folder), Path)


def test_what_another_session_built_meanwhile_stays(kernel, tmp_path, monkeypatch):
    folder = sources(tmp_path / "driver")
    first = modules.build_module(kernel, folder)
    assert isinstance(first, Path)
    content = first.read_bytes()
    first.unlink()

    def build_as_another_does(*arguments):
        first.write_bytes(content)
        return kbuild.Built(0, "", {"main.ko": b"mine"})

    monkeypatch.setattr(kbuild, "build", build_as_another_does)

    assert modules.build_module(kernel, folder) == first
    assert first.read_bytes() == content


def test_a_folder_that_makes_two_modules_makes_no_one_module(kernel, tmp_path):
    folder = sources(tmp_path / "driver", makes="main.o other.o")

    both = modules.build_modules(kernel, folder)
    one = modules.build_module(kernel, folder)

    assert isinstance(both, list)
    assert [path.name for path in both] == ["main.ko", "other.ko"]
    assert isinstance(one, Unusable)
    assert one.found == "main.ko, other.ko"


def test_a_folder_without_a_kbuild_is_no_modules(kernel, tmp_path):
    refused = modules.build_module(kernel, tmp_path / "kernel")

    assert isinstance(refused, Unusable)
    assert refused.found.startswith("no Kbuild or Makefile in")


def test_without_headers_the_cure_is_to_fetch_the_kernel(count, tmp_path):
    refused = modules.lab_module(Kernel("qemu:6.1-amd64", tmp_path, "vmlinuz", RECORD))

    assert refused == Unusable("headers of 6.1.0-9", "none in the cache", "pfnlab kernels fetch qemu:6.1-amd64")


def test_without_a_compiler_that_fits_the_one_that_would_is_named(kernel, monkeypatch):
    monkeypatch.setattr(kbuild, "fits", lambda tree, compiler: False)

    with pytest.raises(KernelError, match="fits gcc-1, which built") as refused:
        build_tree.tree_of(kernel)

    assert refused.value.cure == "pfnlab kernels fetch qemu:6.1-amd64"


def test_without_make_the_cure_is_make(kernel, tmp_path, monkeypatch):
    build_tree.tree_of(kernel)  # the compiler is chosen
    monkeypatch.setattr(kbuild.shutil, "which", lambda name: None)  # type: ignore[attr-defined]
    monkeypatch.setattr(headers, "fitting_compiler", lambda found: Compiler("gcc", ""))

    refused = modules.build_module(kernel, sources(tmp_path / "driver"))

    assert isinstance(refused, Unusable)
    assert refused.cure == "apt-get install make"


def test_user_mode_linux_has_no_headers(tmp_path):
    refused = modules.lab_module(Kernel("uml:6.1", tmp_path, "linux", RECORD))

    assert isinstance(refused, Unusable)
    assert refused.found == "none for User-Mode Linux"


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The compilers that had to build something, to see whether they fit; gcc does."""
    tried: list[str] = []

    def fits(tree: Path, compiler: Compiler) -> bool:
        tried.append(compiler.cc)
        return compiler.cc == "gcc"

    monkeypatch.setattr(kbuild, "fits", fits)
    return tried


def test_whether_a_compiler_fits_is_asked_once(kernel, asked):
    found = headers.cached_headers(kernel)
    assert found is not None
    first, second = headers.fitting_compiler(found), headers.fitting_compiler(found)

    assert first == second == Compiler("gcc", "")
    assert asked == ["gcc"]


def test_a_compiler_that_changed_is_asked_again(kernel, asked, monkeypatch):
    found = headers.cached_headers(kernel)
    assert found is not None
    headers.fitting_compiler(found)
    monkeypatch.setattr(Compiler, "version", lambda self: "gcc 99")

    headers.fitting_compiler(found)

    assert asked == ["gcc", "gcc"]


def test_a_path_that_make_would_split_is_refused(count, tmp_path):
    tree = headers_of(tmp_path / "a kernel")

    with pytest.raises(KernelError, match="without blanks"):
        kbuild.build(tree, sources(tmp_path / "driver"), None)


def test_for_a_kernel_of_ones_own_the_tree_is_the_one_it_lies_in(count, tmp_path):
    kernel = own_kernel(tmp_path / "linux")

    made = modules.build_module(kernel, sources(tmp_path / "driver"))

    assert isinstance(made, Path)
    assert made.parent.parent.name == "6.9.0-mine"


def test_a_kernel_of_ones_own_that_was_made_again_gets_a_module_of_its_own(count, tmp_path):
    kernel = own_kernel(tmp_path / "linux")
    folder = sources(tmp_path / "driver")
    first = modules.build_module(kernel, folder)
    os.utime(kernel.file, (1, 1))

    assert modules.build_module(kernel, folder) != first


def test_a_tree_for_another_machine_is_told_so(count, tmp_path):
    config = "# Linux/arm 6.9.0 Kernel Configuration\nCONFIG_CC_IS_CLANG=y\n"

    tree = build_tree.tree_of(own_kernel(tmp_path / "linux", config))

    assert set(tree.variables) == {"ARCH=arm", "CROSS_COMPILE=arm-linux-gnueabihf-", "LLVM=1"}


def test_a_kernel_without_its_tree_has_no_modules(tmp_path):
    (tmp_path / "bzImage").touch()

    refused = modules.lab_module(Kernel("qemu:/x/bzImage", tmp_path, "bzImage", None))

    assert isinstance(refused, Unusable)
    assert "Module.symvers" in refused.found


def test_the_configuration_of_ones_own_kernel_is_that_of_its_tree(tmp_path):
    kernel = own_kernel(tmp_path / "linux", "# Linux/x86 6.9.0 Kernel Configuration\nCONFIG_KSM=y\n")

    assert kernel.config() == {"CONFIG_KSM": "y"}


def test_a_configuration_that_was_changed_since_is_not_the_kernels(tmp_path):
    kernel = own_kernel(tmp_path / "linux", "CONFIG_KSM=y\n")
    later = time.time() + 60
    os.utime(tmp_path / "linux" / ".config", (later, later))

    assert kernel.config() == {}


def test_the_configuration_beside_an_installed_kernel_is_its_own(tmp_path):
    (tmp_path / "vmlinuz-6.9").write_bytes(bytes(1024))
    (tmp_path / "config-6.9").write_text("CONFIG_KSM=y\n")

    assert Kernel("qemu:/boot/vmlinuz-6.9", tmp_path, "vmlinuz-6.9", None).config() == {"CONFIG_KSM": "y"}
