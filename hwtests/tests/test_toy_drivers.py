# SPDX-License-Identifier: GPL-2.0-or-later
"""Is a driver with a fault in its mmap found out by name, as its author would do it?  Of native/kmod/toys."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from hwtests.cli.main import main
from hwtests.kernels.cache import cached
from hwtests.kernels.modules import LAB, build_modules
from hwtests.kernels.names import parse_name
from hwtests.targets.base import Unusable
from hwtests.targets.initramfs import file
from hwtests.tests.session.fixtures import KERNEL, SessionGuest, needs_session, results
from hwtests.tests.session.guest import Done

pytestmark = [pytest.mark.real, pytest.mark.slow, needs_session]

# Each toy, and the programs that have to tell its fault. What else meets it may be more: docs/howto-driver.md.
FAULTS = {
    "toy_good": set(),
    "toy_long": {"one-page-too-many"},
    "toy_pgoff": {"offset-is-counted-in-frames", "store-shows-at-its-offset", "offset-chooses-page"},
    "toy_noio": {"pfn-flags", "dofork-refused"},
    "toy_flags": {"pfn-flags", "dofork-refused"},
}


@pytest.fixture(scope="module")
def toys() -> dict[str, Path]:
    """The toys, built for the kernel that the tests use."""
    kernel = cached(parse_name(KERNEL))
    assert kernel is not None
    made = build_modules(kernel, LAB / "toys")
    if isinstance(made, Unusable):
        pytest.skip(f"needs {made.needs}; found {made.found}; cure: {made.cure}")
    return {path.stem: path for path in made}


def region(toy: str) -> str:
    return f"/dev/{toy},length=16K"


def told(found: list[dict[str, str]]) -> set[str]:
    """The programs with a verdict that is neither agreement nor a skip."""
    return {one["program"] for one in found if one["verdict"] not in ("agree", "skip")}


@pytest.mark.parametrize("toy", FAULTS)
def test_a_module_tried_in_a_guest_is_found_out(tmp_path, toys, toy):
    words = ["run", "--on", KERNEL, "--module", str(toys[toy]), "--region", region(toy), "--allow-write", "--quiet"]
    status = main([*words, "--results", str(tmp_path)])
    found = [json.loads(line) for line in (tmp_path / "latest" / "results.jsonl").read_text().splitlines()]

    assert status == (1 if FAULTS[toy] else 0)
    assert FAULTS[toy] <= told(found)
    assert bool(FAULTS[toy]) or told(found) == set()
    assert any(one["verdict"] == "agree" for one in found)
    assert {one["verdict"] for one in found} <= {"agree", "skip", "mismatch"}


@pytest.fixture(scope="module")
def guest(toys) -> Iterator[SessionGuest]:
    """A machine whose root has loaded the drivers."""
    with SessionGuest(entries=[file(f"modules/{path.name}", path.read_bytes()) for path in toys.values()]) as guest:
        for path in toys.values():
            assert guest.do("load", path=f"/modules/{path.name}") == "ok"
        yield guest


@pytest.fixture(scope="module")
def ran(guest: SessionGuest) -> Done:
    """What root is told of two of them."""
    asked = [word for toy in ("toy_good", "toy_long") for word in ("--region", region(toy))]
    return guest.pfnlab("run", "--on", "host", *asked, "--results", "/lab/toys", timeout=240.0)


def test_on_the_machine_itself_a_driver_is_found_out_by_name(guest, ran):
    found = results(guest, "/lab/toys")

    assert ran.status == 1, ran.err
    assert {(one["program"], one["region"]) for one in found if one["verdict"] not in ("agree", "skip")} == {
        ("one-page-too-many", "/dev/toy_long")
    }
    assert "one-page-too-many on /dev/toy_long" in ran.out


def test_what_was_not_tried_is_told_with_its_cure(guest, ran):
    groups = json.loads(guest.read("/lab/toys/latest/run.json"))["targets"][0]["not_tried"]

    assert "not tried on /dev/toy_good (host), and why:" in ran.out
    assert any("--allow-write" in group["cure"] for group in groups)


def test_a_driver_that_is_not_loaded_is_named_as_missing(guest):
    guest.evaluate("import os; os.rename('/dev/toy_noio', '/dev/away')")
    done = guest.pfnlab("regions", "--region", region("toy_noio"))

    assert "no /dev/toy_noio" in done.out + done.err
