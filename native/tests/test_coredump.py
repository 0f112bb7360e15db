# SPDX-License-Identifier: GPL-2.0-or-later
"""Does a core dump say what it holds of a mapping, and leave the kernel as it was?  On UML; a host's are not ours."""

import errno
import signal
import struct
from pathlib import Path

import pytest

from native.tests.guests import guest
from native.tests.programs import PAGE, R, address, compiled, fork, last, load, mapping, run, store
from native.wire import Kind, ProcessOptions, RawObs, RegionFlag, Stage

pytestmark = [pytest.mark.slow, pytest.mark.real]
EVERY, NOTHING = 0x33, 0
READ, WRITE = 4, 2


@pytest.fixture(scope="module")
def link():
    with guest("uml:6.12") as link:
        yield link


def segments(obs: RawObs) -> list[tuple[int, int, int, int, bytes]]:
    """(start, memsz, filesz, flags, content) of each."""
    told: list[tuple[int, int, int, int]] = []
    payload = obs.payload
    while len(payload) - 32 * len(told) != sum(filesz for _, _, filesz, _ in told):
        told.append(struct.unpack_from("<4Q", payload, 32 * len(told)))
    at, out = 32 * len(told), []
    for start, memsz, filesz, flags in told:
        out.append((start, memsz, filesz, flags, payload[at : at + filesz]))
        at += filesz
    return out


def dump(which: int = EVERY, *, process: int = 0):
    return ("coredump", process, -1, (0, which))


def test_segments_are_the_vmas_with_their_content(link):
    protect = ("mprotect", 0, -1, (0, 2 * PAGE, PAGE, R))
    obs = last(link, mapping(3), store(PAGE, 0x41), protect, dump())

    assert (obs.stage, obs.signal, obs.handle_address) == (Stage.DIED, signal.SIGABRT, address(0))
    assert segments(obs) == [
        (address(0), 2 * PAGE, 2 * PAGE, READ | WRITE, bytes(PAGE) + b"\x41" + bytes(PAGE - 1)),
        (address(2), PAGE, PAGE, READ, bytes(PAGE)),
    ]


def test_what_the_filter_leaves_out_is_a_segment_without_content(link):
    obs = last(link, mapping(3), store(0, 1), dump(NOTHING))

    assert segments(obs) == [(address(0), 3 * PAGE, 0, READ | WRITE, b"")]


def test_process_is_gone_and_its_child_is_not(link):
    result = run(link, mapping(1), store(0, 5), fork(), dump(), load(0), load(0, process=1))

    assert [o.stage for o in result.observations[3:5]] == [Stage.DIED, Stage.NO_PROCESS]
    assert result.observations[5].payload == b"\5"


def test_parent_sees_that_a_core_was_dumped(link):
    obs = last(link, mapping(1), fork(), dump(process=1), ("wait", 0, -1, (1,)))

    assert struct.unpack("<I", obs.payload) == (signal.SIGABRT | 0x80,)


def test_anybody_dumps_core(link):
    result = link.run(compiled(mapping(1), store(0, 5), dump()), options={"p": ProcessOptions(uid=65534)})

    assert len(segments(result.observations[-1])) == 1


def test_core_longer_than_a_payload_is_refused(link):
    obs = last(link, mapping(20), store(0, 1), dump())

    assert (obs.stage, obs.ret) == (Stage.REFUSED, -errno.EOVERFLOW)


def test_host_dumps_no_core(actor):
    dumped, loaded = run(actor, mapping(1), dump(), load(0)).observations[1:]

    assert (dumped.stage, dumped.ret) == (Stage.OPEN, -errno.EPERM)
    assert loaded.stage == Stage.CALL


def test_core_pattern_is_what_it_was(link):
    pattern = Path("/proc/sys/kernel/core_pattern")
    region = ("peek", -1, 0, (0, 0, 4))
    assert link.region(0, Kind.FILE, str(pattern), flags=RegionFlag.VIEW_READ, pages=1).ret == 0
    before, _, _, _, after = run(link, region, mapping(1), store(0, 1), dump(), region).observations

    assert before.payload == after.payload == b"core"
