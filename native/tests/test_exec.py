# SPDX-License-Identifier: GPL-2.0-or-later
"""Is a process that executes the agent anew still the program's, with nothing left of its memory?  Here and on UML."""

import errno
import struct

from native.tests.programs import PAGE, address, compiled, counters, fork, last, load, mapping, rss, run, store
from native.wire import Kind, ProcessOptions, Stage


def execute(process: int = 0):
    return ("exec", process, -1, ())


def test_memory_is_gone_and_a_handle_still_names_its_place(link):
    *_, done, faulted, again, loaded = run(
        link, mapping(1), store(0, 5), execute(), load(0), mapping(1), load(0)
    ).observations

    assert (done.stage, done.ret) == (Stage.CALL, 0)
    assert (faulted.stage, faulted.address, faulted.handle_length) == (Stage.FAULT, address(0), PAGE)
    assert (again.ret, loaded.payload) == (address(0), b"\0")


def test_memory_of_the_child_is_its_own(link):
    assert last(link, mapping(1), store(0, 5), fork(), execute(), load(0, process=1)).payload == b"\5"


def test_counters_start_anew(link):
    result = run(link, mapping(4), store(0, 1), rss(), execute(), rss(), mapping(2), store(0, 1), rss())

    assert [counters(result.observations[i]) for i in (2, 4, 7)] == [(1, 0, 4, 0), (0, 0, 0, 0), (1, 0, 2, 0)]


def test_locks_on_what_comes_are_gone(link):
    result = run(link, ("mlockall", 0, -1, (2,)), execute(), mapping(2), rss())

    assert counters(result.observations[-1]) == (0, 0, 2, 0)


def test_executing_process_still_forks_and_is_waited_for(link):
    result = run(
        link, execute(), mapping(1), store(0, 7), fork(), execute(1), load(0, process=1), ("exit", 1, -1, (3,)),
        ("wait", 0, -1, (1,)), load(0),
    )  # fmt: skip

    assert result.observations[5].stage == Stage.FAULT
    assert struct.unpack("<I", result.observations[7].payload) == (3 << 8,)
    assert result.observations[8].payload == b"\7"


def test_others_read_the_new_memory(link):
    result = run(
        link, fork(), execute(1), mapping(1, process=1), store(0, 9, process=1), ("mem_read", 0, 0, (1, 0, 0, 1))
    )

    assert result.observations[-1].payload == b"\t"


def test_anybody_executes(link):
    program = compiled(mapping(1), execute(), load(0))
    _, done, loaded = link.run(program, options={"p": ProcessOptions(uid=65534)}).observations

    assert (done.ret, loaded.stage) == (0, Stage.FAULT)


def test_descriptors_and_values_are_gone_and_regions_are_not(actor, tmp_path):
    (tmp_path / "region").write_bytes(b"\x41" * PAGE)
    actor.region(0, Kind.FILE, str(tmp_path / "region"), pages=1)
    from_value = ("store", 0, -1, (0, 0, 1, 1, 0))
    result = run(
        actor, ("open", 0, 0, (0, 2)), mapping(1, region=0, flags=2), load(0, value=0), execute(),
        ("fsync", 0, -1, (0,)), mapping(1, region=0, flags=2), load(0), from_value, load(0),
    )  # fmt: skip

    assert result.observations[4].ret == -errno.EBADF
    assert [result.observations[i].payload for i in (6, 8)] == [b"\x41", b"\0"]
