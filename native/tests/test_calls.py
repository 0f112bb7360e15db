# SPDX-License-Identifier: GPL-2.0-or-later
"""Does each numbered call do on this machine's kernel what its row of the table says?  On anonymous memory."""

import errno
import signal
import struct

import pytest

from native.tests.programs import (
    FIXED,
    PAGE,
    PLACE,
    PRIVATE,
    R,
    W,
    address,
    counters,
    fork,
    last,
    load,
    mapping,
    rss,
    run,
    store,
    word,
)  # fmt: skip
from native.wire import Stage

SEGV_MAPERR, SEGV_ACCERR = 1, 2


def test_mapping_is_where_the_program_placed_it(actor):
    obs = last(actor, mapping(4))

    assert (obs.ret, obs.handle_address, obs.handle_length) == (address(0), address(0), 4 * PAGE)


def test_failed_mapping_still_names_its_place(actor):
    obs = last(actor, ("mmap", 0, 0, (0, 0, R, PRIVATE | FIXED, -3, PLACE + 1, PAGE, 0)))

    assert (obs.ret, obs.handle_address) == (-errno.EINVAL, address(0, 1))


@pytest.mark.parametrize("width", [1, 2, 4, 8])
def test_store_and_load_of_every_width(actor, width):
    obs = last(actor, mapping(), store(0x10, 0x1122334455667788, width), load(0x10, width))

    assert word(obs) == 0x1122334455667788 & ((1 << 8 * width) - 1)
    assert len(obs.payload) == width


def test_access_across_a_page_boundary_is_one_access(actor):
    obs = last(actor, mapping(), store(PAGE - 3, 0x1122334455667788, 8), load(PAGE - 3, 8))

    assert word(obs) == 0x1122334455667788


def test_page_store_fills_the_whole_page_and_no_more(actor):
    result = run(actor, mapping(), store(PAGE, 0x41, 0), load(PAGE, 0), load(2 * PAGE), load(PAGE - 1))

    assert [o.payload for o in result.observations[2:]] == [b"\x41" * PAGE, b"\0", b"\0"]


def test_load_before_the_start_faults_at_that_address(actor):
    obs = last(actor, mapping(), load(-1))

    assert (obs.stage, obs.signal, obs.code, obs.address) == (Stage.FAULT, signal.SIGSEGV, SEGV_MAPERR, address(0, -1))


def test_crossing_load_faults_at_the_first_byte_that_is_not_there(actor):
    obs = last(actor, mapping(1), load(PAGE - 3, 8))

    assert (obs.stage, obs.address) == (Stage.FAULT, address(1))


def test_store_to_a_read_only_mapping_is_an_access_error(actor):
    obs = last(actor, mapping(prot=R), store(5, 1))

    assert (obs.stage, obs.signal, obs.code, obs.address) == (Stage.FAULT, signal.SIGSEGV, SEGV_ACCERR, address(0, 5))


def test_process_goes_on_after_a_fault(actor):
    result = run(actor, mapping(1), load(PAGE), store(0, 7), load(PAGE), load(0))

    assert [o.stage for o in result.observations] == [Stage.CALL, Stage.FAULT, Stage.CALL, Stage.FAULT, Stage.CALL]
    assert result.observations[-1].payload == b"\x07"


def test_value_read_is_used_later(actor):
    obs = last(
        actor, mapping(), store(0, 0x1234, 8), load(0, 8, value=0), ("store", 0, -1, (0, 8, 8, 1, 0)), load(8, 8)
    )

    assert word(obs) == 0x1234


def test_munmap_of_the_middle_leaves_a_hole(actor):
    result = run(actor, mapping(3), ("munmap", 0, -1, (0, PAGE, PAGE)), load(0), load(PAGE), load(2 * PAGE))

    assert [o.stage for o in result.observations[2:]] == [Stage.CALL, Stage.FAULT, Stage.CALL]


def test_mremap_moves_handle_and_content(actor):
    to = PLACE + 64 * PAGE
    result = run(
        actor, mapping(2), store(0, 0x41), ("mremap", 0, 1, (0, 0, -1, 2 * PAGE, 3, -3, to)), load(0, handle=1), load(0)
    )
    moved = result.observations[2]

    assert (moved.ret, moved.handle_length) == (address(64), 2 * PAGE)
    assert result.observations[3].payload == b"\x41"
    assert result.observations[4].stage == Stage.FAULT


def test_mremap_in_place_changes_the_handles_length(actor):
    obs = last(actor, mapping(4), ("mremap", 0, -1, (0, 0, -1, PAGE, 0, -1, 0)), ("mincore", 0, -1, (0, 0, -1)))

    assert (obs.ret, len(obs.payload)) == (0, 1)


def test_mincore_has_a_byte_a_page(actor):
    obs = last(actor, mapping(4), store(PAGE, 1), ("mincore", 0, -1, (0, 0, -1)))

    assert obs.payload == b"\0\1\0\0"


@pytest.mark.parametrize("verb", ["mprotect", "madvise", "mlock", "msync"])
def test_unaligned_range_is_einval_or_rounded(actor, verb):
    extra = {"mprotect": R, "madvise": 0, "mlock": 0, "msync": 4}[verb]
    obs = last(actor, mapping(2), (verb, 0, -1, (0, 1, PAGE, extra)))

    assert obs.ret == (0 if verb == "mlock" else -errno.EINVAL)  # mlock rounds down, mm/mlock.c do_mlock()


def test_mlock_counts_in_vmlck_and_munlock_takes_it_back(actor):
    result = run(actor, mapping(3), ("mlock", 0, -1, (0, 0, -1, 0)), rss(), ("munlock", 0, -1, (0, 0, -1)), rss())

    assert counters(result.observations[2]) == (3, 0, 3, 3)
    assert counters(result.observations[4]) == (3, 0, 3, 0)


def test_rss_is_exact(actor):
    """No page of the executor itself comes or goes between two readings, whatever calls lie between."""
    calls = [rss(), mapping(100)]
    for page in range(100):
        calls += [store(page * PAGE, 1), rss()]
    result = run(
        actor,
        *calls,
        load(-1),
        ("smaps", 0, -1, (0,)),
        ("pagemap", 0, -1, (0, 0, -1)),
        rss(),
        ("munmap", 0, -1, (0, 0, -1)),
        rss(),
    )

    assert [counters(o)[0] for o in result.observations[3:203:2]] == list(range(1, 101))
    assert counters(result.observations[0]) == (0, 0, 0, 0)
    assert counters(result.observations[-3]) == (100, 0, 100, 0)
    assert counters(result.observations[-1]) == (0, 0, 0, 0)


def test_rss_of_a_forked_process_counts_from_its_parents_baseline(actor):
    result = run(actor, mapping(4), store(0, 1), fork(), rss(1), store(PAGE, 1, process=1), rss(1), rss(0))

    assert counters(result.observations[3]) == (1, 0, 4, 0)
    assert counters(result.observations[5]) == (2, 0, 4, 0)
    assert counters(result.observations[6]) == (1, 0, 4, 0)


def test_smaps_has_the_vmas_of_the_range_and_no_other(actor):
    obs = last(actor, mapping(3), ("mprotect", 0, -1, (0, PAGE, PAGE, R)), mapping(2, handle=1), ("smaps", 0, -1, (0,)))
    heads = [line for line in obs.payload.decode().splitlines() if line[0] in "0123456789abcdef"]

    assert [line.split()[:2] for line in heads] == [
        [f"{address(0):x}-{address(1):x}", "rw-p"],
        [f"{address(1):x}-{address(2):x}", "r--p"],
        [f"{address(2):x}-{address(3):x}", "rw-p"],
    ]
    assert obs.payload.count(b"VmFlags:") == 3


def test_maps_is_the_first_lines_of_smaps(actor):
    result = run(actor, mapping(3), ("maps", 0, -1, (0,)), ("smaps", 0, -1, (0,)))

    assert result.observations[2].payload.startswith(result.observations[1].payload)


def test_pagemap_has_a_word_a_page(actor):
    obs = last(actor, mapping(3), store(PAGE, 1), ("pagemap", 0, -1, (0, 0, -1)))
    entries = struct.unpack("<3Q", obs.payload)

    assert [entry >> 63 for entry in entries] == [0, 1, 0]


def test_fork_copies_memory_and_names(actor):
    result = run(
        actor, mapping(), store(0, 0x41), fork(), store(0, 0x42, process=1), load(0), load(0, process=1),
    )  # fmt: skip

    assert [o.payload for o in result.observations[-2:]] == [b"\x41", b"\x42"]


def test_wait_gives_the_exit_status(actor):
    result = run(actor, fork(), ("exit", 1, -1, (3,)), load(process=1), ("wait", 0, -1, (1,)), ("wait", 0, -1, (1,)))
    _, ended, gone, waited, again = result.observations

    assert (ended.stage, ended.ret) == (Stage.CALL, 0)
    assert gone.stage == Stage.NO_PROCESS
    assert struct.unpack("<I", waited.payload) == (3 << 8,)
    assert again.ret == -errno.ECHILD


def test_process_that_was_never_forked_is_not_there(actor):
    result = run(actor, load(process=1), ("mem_read", 0, -1, (1, 0, 0, 8)))

    assert [o.stage for o in result.observations] == [Stage.NO_PROCESS, Stage.NO_PROCESS]


@pytest.mark.parametrize(
    "call",
    [
        ("mem_read", 0, -1, (1, 0, 0, 8)),
        ("vm_readv", 0, -1, (1, 0, 0, 8)),
        ("peekdata", 0, -1, (1, 0, 0)),
        load(process=1),
    ],
)
def test_ended_process_that_nobody_waited_for_is_not_there(actor, call):
    assert last(actor, mapping(), fork(), ("exit", 1, -1, (0,)), call).stage == Stage.NO_PROCESS


def test_slot_of_an_ended_process_can_be_forked_into_again(actor):
    again = [fork(), ("exit", 1, -1, (0,)), ("wait", 0, -1, (1,))]
    result = run(actor, *again, *again, *again)

    assert {o.stage for o in result.observations} == {Stage.CALL}


def test_ptrace_reads_and_writes_the_other_process(actor):
    result = run(
        actor, mapping(), store(8, 0x41, 8), fork(), store(8, 0x42, 8, process=1),
        ("peekdata", 0, 0, (1, 0, 8)), ("pokedata", 0, -1, (1, 0, 8, 0, 0x43)), load(8, process=1), load(8),
    )  # fmt: skip

    assert word(result.observations[4]) == 0x42
    assert [o.payload for o in result.observations[-2:]] == [b"\x43", b"\x41"]


def test_ptrace_of_oneself_fails_at_attach(actor):
    obs = last(actor, mapping(), ("peekdata", 0, -1, (0, 0, 0)))

    assert (obs.stage, obs.ret) == (Stage.OPEN, -errno.EPERM)


def test_peekdata_of_a_hole_is_eio(actor):
    obs = last(actor, mapping(1), fork(), ("peekdata", 0, -1, (1, 0, PAGE)))

    assert (obs.stage, obs.ret) == (Stage.CALL, -errno.EIO)


def test_proc_mem_reads_and_writes(actor):
    result = run(
        actor, mapping(), fork(), ("mem_write", 0, -1, (1, 0, 4, 6, 0, 0x4241)), ("mem_read", 0, 0, (1, 0, 0, 12)),
        ("mem_read", 0, -1, (0, 0, 0, 12)),
    )  # fmt: skip

    assert result.observations[2].ret == 6
    assert result.observations[3].payload == b"\0\0\0\0AB\0\0\0\0\0\0"
    assert result.observations[4].payload == bytes(12)


def test_vm_readv_and_writev(actor):
    result = run(
        actor, mapping(), fork(), ("vm_writev", 0, -1, (1, 0, 4, 4, 0, 0x41)), ("vm_readv", 0, 0, (1, 0, 4, 4)),
        load(4, 4, process=1),
    )  # fmt: skip

    assert [o.ret for o in result.observations[2:4]] == [4, 4]
    assert result.observations[3].payload == b"\x41\0\0\0"


def test_system_calls_read_and_write_the_mapping(actor):
    result = run(
        actor, mapping(1), ("read", 0, -1, (0, 0, 8, 0, 0x4142)), ("write", 0, 0, (0, 0, 8)),
        ("write", 0, -1, (0, PAGE, 8)),
    )  # fmt: skip

    assert result.observations[2].payload == (0x4142).to_bytes(8, "little")
    assert result.observations[3].ret == -errno.EFAULT


def test_two_root_processes_have_nothing_in_common(actor):
    from native.tests.programs import compiled

    program = compiled(mapping(), store(0, 1), load(0, process=1), mapping(process=1), load(0, process=1), roots=(0, 1))
    result = actor.run(program)

    assert [o.stage for o in result.observations] == [Stage.CALL, Stage.CALL, Stage.FAULT, Stage.CALL, Stage.CALL]
    assert result.observations[-1].payload == b"\0"


def test_a_page_for_writing_only_needs_prot_write(actor):
    obs = last(actor, mapping(prot=0), ("mprotect", 0, -1, (0, 0, -1, W)), store(0, 1))

    assert obs.stage == Stage.CALL
