# SPDX-License-Identifier: GPL-2.0-or-later
"""Is the plan told without touching what it is about?"""

import json

import pytest

from hwtests.cli.main import main
from hwtests.language import parse
from hwtests.planned_touch import planned_touch
from hwtests.regions.named import parse_named
from hwtests.targets import host, host_regions
from hwtests.targets.base import Region

HEAD = "pfn 1\nregion dev pages=2\nprocess p\n"


def touch(words, body, allow_write=False):
    traits = parse_named(f"/dev/x,length=64K{words}", 4096, allow_write=allow_write).traits
    return planned_touch(Region(traits, 16), [parse(HEAD + body, "x.pfn")])


@pytest.fixture
def untouched(monkeypatch):
    def fail(*_, **__):
        raise AssertionError("something was opened")

    monkeypatch.setattr(host, "Actor", fail)
    monkeypatch.setattr(host_regions, "probe_file", fail)


@pytest.mark.usefixtures("untouched")
def test_a_dry_run_of_a_named_file_opens_nothing(tmp_path, capsys):
    device = tmp_path / "device"
    device.write_bytes(bytes(65536))

    assert main(["run", "--on", "host", "--region", f"{device},width=4", "--dry-run", "--json", "mapping"]) == 0

    region, *programs = json.loads(capsys.readouterr().out)
    assert (region["kind"], region["name"], region["stored"]) == ("region", str(device), "nothing")
    assert region["mapped"].startswith("16 pages")
    assert {row["kind"] for row in programs} == {"program"}


@pytest.mark.usefixtures("untouched")
def test_nor_does_one_that_names_nothing(capsys):
    assert main(["run", "--on", "host", "--dry-run", "--json", "mapping"]) == 0
    assert json.loads(capsys.readouterr().out)


def test_without_allow_write_it_is_opened_read_only_and_nothing_is_stored():
    said = touch("", "p: m = mmap dev shared r\np: load u32 m[1]\n")

    assert (said["opened"], said["read"], said["stored"]) == ("/dev/x, read-only", "loads of 4 bytes", "nothing")
    assert "--allow-write was not given" in said["never"]


def test_with_it_the_fill_is_told_and_each_store():
    said = touch("", "p: m = mmap dev shared rw\np: store m[1] 1\npoke dev[0] 1\n", allow_write=True)

    assert said["opened"] == "/dev/x, read and write"
    assert said["stored"] == "all of it, before each program (fill); by 2 operations of programs"


def test_what_lies_outside_of_the_mapping_is_no_read_of_the_device():
    assert (
        touch("", "p: m = mmap dev shared r\np: load m[2]\np: a = mmap anon private rw\np: load a\n")["read"]
        == "nothing"
    )


def test_a_copy_on_write_is_told_as_what_it_is():
    said = touch("", "p: m = mmap dev private rw\np: store m[1] 1\n", allow_write=True)

    assert said["read"] == "whole pages by the kernel, where a private mapping is stored to"


def test_what_page_reads_forbids_is_told():
    assert "page-reads was not given" in touch(",registers", "")["never"]
    assert "page-reads" not in touch(",registers,page-reads", "")["never"]
