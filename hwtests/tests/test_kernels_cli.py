# SPDX-License-Identifier: GPL-2.0-or-later
"""Does `pfnlab kernels` say what is there, how large, and whether the lab's driver can be built for it?"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from hwtests.cli import kernels
from hwtests.cli.main import main
from hwtests.kernels import fetch, kbuild
from hwtests.kernels.cache import kernel_folder
from hwtests.kernels.names import KNOWN, parse_name
from hwtests.tests.archive import Archive


@pytest.fixture
def archive(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Archive:
    """An archive with one kernel, qemu:6.1-amd64, and any compiler fits."""
    monkeypatch.setenv("PFNLAB_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(fetch, "own_codename", lambda: "bookworm")
    monkeypatch.setattr(kbuild, "fits", lambda tree, compiler: True)
    (tmp_path / "archive").mkdir()
    archive = Archive(tmp_path / "archive")
    archive.use(monkeypatch)
    archive.add_kernel("6.1.9-1", "6.1.0-9-cloud-amd64")
    return archive


def listed(capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    capsys.readouterr()
    assert main(["kernels", "--json"]) == 0
    return {row["name"]: row for row in json.loads(capsys.readouterr().out)}


def test_every_known_kernel_is_listed_and_how_it_is_had(archive, capsys):
    rows = listed(capsys)

    assert list(rows) == [str(item.name) for item in KNOWN]
    assert rows["uml:6.1"]["cure"] == "pfnlab kernels fetch uml:6.1"


def test_a_fetched_kernel_has_the_driver_and_its_compiler(archive, capsys):
    assert main(["kernels", "fetch", "qemu:6.1-amd64"]) == 0

    row = listed(capsys)["qemu:6.1-amd64"]

    assert row["state"] == "cached"
    assert row["driver"]["usable"] is True
    assert "gcc" in row["driver"]["compiler"]


def test_without_headers_the_listing_says_what_would_bring_them(archive, capsys):
    main(["kernels", "fetch", "--no-headers", "qemu:6.1-amd64"])

    driver = listed(capsys)["qemu:6.1-amd64"]["driver"]
    assert driver["usable"] is False
    assert driver["cure"] == "pfnlab kernels fetch qemu:6.1-amd64"
    main(["kernels"])
    assert "needs headers of 6.1.0-9-cloud-amd64, for the lab's driver" in capsys.readouterr().out


def test_the_size_is_that_of_the_files(archive, capsys):
    main(["kernels", "fetch", "qemu:6.1-amd64"])

    size = listed(capsys)["qemu:6.1-amd64"]["size"]

    folder = kernel_folder(parse_name("qemu:6.1-amd64"))
    on_disk = sum(path.lstat().st_size for path in folder.rglob("*") if path.is_file())
    written_after_the_count = (folder / "headers" / "tools.json", folder / "headers" / "compiler.json")
    assert size == on_disk - sum(path.stat().st_size for path in written_after_the_count)


@pytest.mark.parametrize(
    ("text", "kinds"), [("uml:all", {"uml"}), ("qemu:all", {"qemu"}), ("all", {"uml", "qemu"})], ids=str
)
def test_all_means_all_that_are_known(text, kinds):
    assert kernels._named(text) == [item.name for item in KNOWN if item.name.kind in kinds]


def test_several_names_are_each_fetched_once(archive, monkeypatch):
    fetched: list[str] = []

    def record(name, say, *, with_headers):
        fetched.append(str(name))
        return fetch.fetch(parse_name("qemu:6.1-amd64"))

    monkeypatch.setattr(kernels, "fetch", record)

    main(["kernels", "fetch", "uml:6.12", "uml:all", "uml:6.12"])

    assert fetched[0] == "uml:6.12"
    assert sorted(fetched) == sorted(str(item.name) for item in KNOWN if item.name.kind == "uml")
