# SPDX-License-Identifier: GPL-2.0-or-later
"""Are kernels named, found and kept as docs/kernels.md says?  No test here reaches a network."""

from __future__ import annotations

import gzip
import hashlib
import os
import stat
from pathlib import Path

import pytest

from hwtests.kernels import apt, cache, config, fetch, glibc, packages
from hwtests.kernels.errors import KernelError
from hwtests.kernels.names import KNOWN, KernelName, package_of, parse_name, suites_for

INDEX = """\
Created-By: Packages
Repo-URI: file:/mirror/debian/
Release: bookworm
Component: main
Sourcesentry: {sources}:1

Created-By: Translations
Repo-URI: file:/mirror/debian/
Release: bookworm
Component: main
Sourcesentry: {sources}:1

Created-By: Packages
Repo-URI: file:/mirror/security/
Release: bookworm-security
Component: main
Sourcesentry: {sources}:2
"""
SOURCES = """\
Types: deb
# a comment
URIs: file:/mirror/debian
Suites: bookworm
Components: main
Signed-By: /keys/archive.gpg

Types: deb
URIs: file:/mirror/security
Suites: bookworm-security
Components: main
"""


@pytest.fixture
def tools(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An apt that is a few shell scripts: what they print lies in files beside them."""
    (tmp_path / "debian.sources").write_text(SOURCES)
    (tmp_path / "indextargets").write_text(INDEX.format(sources=tmp_path / "debian.sources"))
    (tmp_path / "show").write_text("")
    scripts = {
        "apt-get": f'case "$*" in *indextargets*) cat {tmp_path}/indextargets;; *update*) exit 0;; *) exit 1;; esac',
        "apt-cache": f"cat {tmp_path}/show",
        "apt-config": "echo 'Acquire::http::Proxy \"p\";'; echo 'Acquire::IndexTargets \"\";'; echo 'Dir \"/\";'",
        "dpkg-deb": "exit 1",
    }
    for name, body in scripts.items():
        path = tmp_path / "bin" / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(f"#!/bin/sh\n{body}\n")
        path.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:{os.environ['PATH']}")
    monkeypatch.setattr(apt, "own_codename", lambda: "bookworm")
    monkeypatch.setattr(fetch, "own_codename", lambda: "bookworm")
    monkeypatch.setenv("PFNLAB_CACHE", str(tmp_path / "cache"))
    return tmp_path


@pytest.mark.parametrize("text", [str(item.name) for item in KNOWN])
def test_a_known_name_reads_back(text):
    assert str(parse_name(text)) == text


@pytest.mark.parametrize("text", ["uml", "uml:6", "vbox:6.1", "uml:6.1-arm64", "qemu:6.1-", "uml:6.1 "])
def test_a_name_that_is_none_is_refused(text):
    with pytest.raises(KernelError, match="uml") as refused:
        parse_name(text)

    assert refused.value.cure


def test_the_package_follows_from_what_the_kernel_is():
    assert package_of(KernelName("uml", "6.12")) == "user-mode-linux"
    assert package_of(KernelName("qemu", "6.1", "arm64")) == "linux-image-cloud-arm64"


def test_the_machines_own_suite_is_asked_first_and_each_once():
    suites = suites_for(KernelName("uml", "6.12"), "bookworm")

    assert suites[:2] == ["bookworm", "trixie"]
    assert len(suites) == len(set(suites))


def test_sources_come_from_the_machines_own_configuration(tools):
    own = apt.own_sources()

    assert [(s.uri, s.release, s.signed_by) for s in own] == [
        ("file:/mirror/debian/", "bookworm", "/keys/archive.gpg"),
        ("file:/mirror/security/", "bookworm-security", None),
    ]


def test_another_suite_is_read_from_the_same_mirror_with_the_same_key(tools):
    apt.PrivateApt(tools / "apt", "trixie", "amd64").update()

    written = (tools / "apt" / "trixie-amd64" / "etc" / "pfnlab.sources").read_text()
    assert "Suites: trixie\n" in written
    assert "Signed-By: /keys/archive.gpg" in written
    assert "security" not in written


def test_the_private_configuration_touches_nothing_outside_its_folder(tools):
    private = apt.PrivateApt(tools / "apt", "trixie", "amd64")
    private.update()

    conf = (private.folder / "apt.conf").read_text()
    paths = [line.split('"')[1] for line in conf.splitlines() if line.startswith("Dir::")]
    assert all(path in ("", "/dev/null") or path.startswith(str(private.folder)) for path in paths)
    assert 'Acquire::http::Proxy "p";' in conf
    assert "IndexTargets" not in conf
    assert stat.S_IMODE((private.folder / "apt.conf").stat().st_mode) == 0o600


def test_without_a_source_for_the_suite_the_cause_is_said(tools):
    (tools / "indextargets").write_text("")

    with pytest.raises(KernelError, match="no source for suite bookworm"):
        apt.PrivateApt(tools / "apt", "trixie", "amd64").update()


def test_without_apt_the_cure_is_said(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("PFNLAB_CACHE", str(tmp_path))

    with pytest.raises(KernelError, match="no apt-get in PATH") as refused:
        fetch.fetch(parse_name("uml:6.12"))

    assert "uml:PATH" in refused.value.cure


def test_offline_the_first_suites_failure_is_said(tools):
    failing = tools / "bin" / "apt-get"
    failing.write_text(
        f'#!/bin/sh\ncase "$*" in *indextargets*) cat {tools}/indextargets;; '
        "*) echo 'E: Could not resolve' \"'http://mirror.example/debian'\" >&2; exit 100;; esac\n"
    )

    with pytest.raises(KernelError, match="signed index of bookworm") as refused:
        fetch.fetch(parse_name("uml:6.12"))

    assert "mirror.example" not in str(refused.value)


def test_a_version_that_no_suite_has_tells_what_they_have(tools):
    (tools / "show").write_text("Package: user-mode-linux\nVersion: 6.1um4\nSize: 1\nSHA256: 00\n")

    with pytest.raises(KernelError, match=r"bookworm: 6\.1um4"):
        fetch.fetch(parse_name("uml:6.2"))


def test_a_series_is_not_taken_for_one_that_begins_like_it(tools):
    (tools / "show").write_text("Package: user-mode-linux\nVersion: 6.12um1\nSize: 1\nSHA256: 00\n")

    with pytest.raises(KernelError, match=r"6\.12um1"):
        fetch.fetch(parse_name("uml:6.1"))


def test_a_cached_kernel_is_not_fetched_again(tmp_path, monkeypatch):
    monkeypatch.setenv("PFNLAB_CACHE", str(tmp_path))
    monkeypatch.setenv("PATH", str(tmp_path))
    folder = cache.kernel_folder(parse_name("uml:6.12"))
    folder.mkdir(parents=True)
    (folder / "linux").write_bytes(b"")
    record = cache.Record("uml:6.12", "user-mode-linux", "6.12um1", "trixie", "00", 1, "2026-01-01", "6.12.1")
    cache.write_record(folder, record)

    assert fetch.fetch(parse_name("uml:6.12")).record == record


def test_a_folder_without_a_whole_record_is_no_kernel(tmp_path, monkeypatch):
    monkeypatch.setenv("PFNLAB_CACHE", str(tmp_path))
    folder = cache.kernel_folder(parse_name("uml:6.12"))
    folder.mkdir(parents=True)
    (folder / "linux").write_bytes(b"")
    (folder / "kernel.json").write_text('{"name": "uml')

    assert cache.cached(parse_name("uml:6.12")) is None


def test_options_that_are_not_set_are_n():
    parsed = config.parse("# CONFIG_KSM is not set\nCONFIG_SWAP=y\nCONFIG_NR_CPUS=4\n")

    assert config.matter(parsed, ("CONFIG_KSM", "CONFIG_SWAP")) == {"CONFIG_KSM": "n", "CONFIG_SWAP": "y"}


def test_of_a_kernel_that_tells_nothing_nothing_is_said():
    assert config.matter({}) == {}


def test_a_configuration_is_found_inside_a_kernel(tmp_path):
    kernel = tmp_path / "linux"
    kernel.write_bytes(
        b"\x7fELF" + bytes(100) + b"IKCFG_ST" + gzip.compress(b"CONFIG_SWAP=y\n") + b"IKCFG_ED" + bytes(9)
    )

    assert config.read(kernel) == {"CONFIG_SWAP": "y"}


def test_a_packed_configuration_is_read(tmp_path):
    (tmp_path / "config.gz").write_bytes(gzip.compress(b"CONFIG_SWAP=y\n"))

    assert config.read(tmp_path / "config.gz") == {"CONFIG_SWAP": "y"}


def test_a_program_that_does_not_start_has_no_release(tmp_path):
    assert glibc.release_of(tmp_path, "missing") is None


def test_a_missing_patchelf_is_said_with_its_cure(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))

    def unpacked(package: str) -> Path:
        raise KernelError(package, "offline", "")

    with pytest.raises(KernelError) as refused:
        glibc.find_patchelf(unpacked)

    assert refused.value.cure == "apt-get install patchelf"


def test_a_package_of_another_hash_is_refused(tmp_path, monkeypatch):
    deb = tmp_path / "p.deb"
    deb.write_bytes(b"not what was signed")
    private = apt.PrivateApt(tmp_path, "trixie", "amd64")
    monkeypatch.setattr(private, "download", lambda wanted, into: [deb])
    wanted = apt.Package("p", "1", "trixie", 3, hashlib.sha256(b"what was signed").hexdigest(), "")

    with pytest.raises(KernelError, match="as the signed index has it"):
        packages.unpack(private, [wanted], tmp_path, lambda said: None)
