# SPDX-License-Identifier: GPL-2.0-or-later
"""Does the agent ask the lab's driver, and say so where it is not loaded?"""

import errno
from pathlib import Path

import pytest

from native.tests.programs import PAGE, last, load, mapping, run, store
from native.wire import Fill, Kind, RegionFlag, RegionStage, Stage

WITHOUT_DRIVER = pytest.mark.skipif(
    Path("/dev/pfnlab").exists(), reason="needs no lab driver; found one; cure: modprobe -r pfnlab"
)


@WITHOUT_DRIVER
@pytest.mark.parametrize(
    "call",
    [
        ("ptes", 0, -1, (0, 0, -1)),
        ("page_state", 0, -1, (1, 0, 0, -1)),
        ("vma", 0, -1, (0,)),
    ],
)
def test_question_to_a_driver_that_is_not_loaded_fails_at_its_open(actor, call):
    obs = last(actor, mapping(1), call)

    assert (obs.stage, obs.ret, obs.payload) == (Stage.OPEN, -errno.ENOENT, b"")


@WITHOUT_DRIVER
def test_page_state_of_a_region_is_asked_by_the_agent_itself(actor, tmp_path):
    (tmp_path / "region").write_bytes(bytes(PAGE))
    actor.region(0, Kind.FILE, str(tmp_path / "region"))
    obs = last(actor, ("page_state", -1, -1, (0, 0, 0, 1)))

    assert (obs.stage, obs.ret) == (Stage.OPEN, -errno.ENOENT)


def test_file_that_is_no_region_of_the_driver_is_said_to_be_none(actor, tmp_path):
    (tmp_path / "region").write_bytes(bytes(PAGE))
    answer = actor.region(1, Kind.LAB, str(tmp_path / "region"))

    assert (answer.ret, answer.stage) == (-errno.ENOTTY, RegionStage.OPEN)


@pytest.fixture
def written(actor, tmp_path):
    path = tmp_path / "region"
    path.write_bytes(b"\x5a" * 4 * PAGE)
    view = RegionFlag.VIEW_READ | RegionFlag.VIEW_WRITE
    assert not actor.region(0, Kind.FILE, str(path), flags=view, base=PAGE, pages=2).ret
    return path


def test_view_by_write_fills_the_region_and_nothing_else(actor, written):
    actor.fill(0, Fill.PATTERN)
    content = written.read_bytes()

    assert content[:PAGE] == content[3 * PAGE :] == b"\x5a" * PAGE
    assert content[2 * PAGE + 8 : 2 * PAGE + 16] == (0xDE5F000000000000 | 1 << 16 | 8).to_bytes(8, "little")


def test_view_by_write_pokes_what_is_read_back(actor, written):
    poke, peek = ("poke", -1, -1, (0, PAGE + 4, 2, 0, 0x4142)), ("peek", -1, -1, (0, PAGE + 4, 4))
    poked, peeked = run(actor, poke, peek).observations

    assert (poked.ret, peeked.payload) == (0, b"\x42\x41\x5a\x5a")
    assert written.read_bytes()[2 * PAGE + 4 : 2 * PAGE + 7] == b"\x42\x41\x5a"


def test_view_by_write_pokes_a_page(actor, written):
    last(actor, ("poke", -1, -1, (0, 0, 0, 0, 0x141)))

    assert written.read_bytes()[PAGE : 2 * PAGE + 1] == b"\x41" * PAGE + b"\x5a"


def test_vmsplice_says_what_came_out_of_the_pipe(actor):
    calls = (mapping(2), store(PAGE - 1, 0x4142, 2), ("vmsplice", 0, 0, (0, PAGE - 1, 2)), load(0))
    obs = run(actor, *calls).observations[2]

    assert (obs.ret, obs.payload) == (2, b"\x42\x41")


def test_vmsplice_stops_before_the_page_it_may_not_have(actor):
    obs = run(actor, mapping(1), ("vmsplice", 0, -1, (0, PAGE - 3, 8))).observations[1]

    assert (obs.ret, obs.payload) == (3, bytes(3))


def test_vmsplice_of_a_hole_is_its_error(actor):
    assert last(actor, mapping(1), ("vmsplice", 0, -1, (0, PAGE, 8))).ret == -errno.EFAULT
