# SPDX-License-Identifier: GPL-2.0-or-later
"""What does run.json say of the machine, and what not?"""

import json
import os
from pathlib import Path

import pytest

from hwtests.cli.main import main
from hwtests.inventory import inventory, lab_driver, memory_around
from hwtests.private import LEFT_OUT, here, public_cmdline, public_path
from hwtests.tests.machines import IOMEM

PROGRAM = "pfn 1\nprocess p\np: m = mmap anon private rw pages=1\n"


@pytest.fixture
def run_json(tmp_path, monkeypatch):
    home = tmp_path / "people" / "ada"
    home.mkdir(parents=True)
    (home / "mine.pfn").write_text(PROGRAM)
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setattr("sys.argv", ["pfnlab", "run", str(home / "mine.pfn")])
    monkeypatch.chdir(tmp_path)

    def run(*words):
        main(["run", "--on", "sim", "--quiet", "--results", str(tmp_path / "r"), *words, str(home / "mine.pfn")])
        return (tmp_path / "r" / "latest" / "run.json").read_text()

    return run


def test_neither_the_hosts_name_nor_the_users_home_is_told(run_json):
    text = run_json()
    said = json.loads(text)

    assert said["inventory"]["host"] == LEFT_OUT
    assert said["request"]["programs"] == ["~/mine.pfn"]
    assert "/people/ada" not in text


def test_both_are_told_when_they_are_asked_for(run_json):
    text = run_json("--with-private")

    assert json.loads(text)["inventory"]["host"] == os.uname().nodename
    assert "/people/ada/mine.pfn" in text


@pytest.mark.parametrize(
    ("text", "public"),
    [
        ("root=UUID=12345678-90ab-cdef-1234-567890abcdef ro", f"root=UUID={LEFT_OUT} ro"),
        ("ip=10.0.0.2::10.0.0.1:255.255.255.0:board", f"ip={LEFT_OUT}"),
        ("net.ifnames=0 macaddr=52:54:00:12:34:56", f"net.ifnames=0 macaddr={LEFT_OUT}"),
        ("systemd.machine_id=0123456789abcdef", f"systemd.machine_id={LEFT_OUT}"),
        ("mem=256M memmap=64K$0x10000000 iomem=relaxed", "mem=256M memmap=64K$0x10000000 iomem=relaxed"),
        ("mitigations=off nokaslr", "mitigations=off nokaslr"),
    ],
)
def test_what_identifies_a_machine_is_left_out_of_its_command_line(text, public):
    assert public_cmdline(text) == public


def test_a_home_is_put_back_where_it_is_needed(monkeypatch):
    monkeypatch.setenv("HOME", "/people/ada")

    assert public_path("pfnlab run /people/ada/x.pfn /people/adam/y.pfn") == "pfnlab run ~/x.pfn /people/adam/y.pfn"
    assert here(public_path("/people/ada/x.pfn")) == "/people/ada/x.pfn"


def test_the_memory_around_a_region_is_told_by_its_claims():
    assert memory_around(0xFE000000, 0xFE001000, IOMEM) == [
        "10000000-1000ffff : Reserved",
        "c0000000-febfffff : PCI Bus 0000:00",
        "  fe000000-fe003fff : 0000:00:03.0",
        "    fe000000-fe003fff : virtio-pci-modern",
        "fed00000-fed003ff : HPET 0",
    ]


def test_of_the_labs_driver_version_and_parameters_are_told(tmp_path):
    (tmp_path / "parameters").mkdir()
    (tmp_path / "parameters" / "pages").write_text("16\n")
    (tmp_path / "srcversion").write_text("ABC\n")

    assert lab_driver(tmp_path) == {"version": None, "srcversion": "ABC", "parameters": {"pages": "16"}}
    assert lab_driver(Path("/nothing/here")) is None


def test_the_kernel_and_what_decides_about_it_are_told():
    said = inventory()

    assert said["kernel"]["release"] == os.uname().release
    assert {"cmdline", "config", "lockdown", "settings", "cpu", "pfnlab", "lab_driver"} <= set(said)
    assert {"microcode", "mitigations"} <= set(said["cpu"])
