# SPDX-License-Identifier: GPL-2.0-or-later
"""Do the calls by which mappings meet the rest of mm do what their row of the table says?  Here and on UML."""

import errno
import re
import struct

import pytest

from native.tests.programs import PAGE, address, counters, fork, last, load, mapping, rss, run, store
from native.wire import Kind, RawObs, Stage

WILLNEED, DONTNEED, COLD = 3, 4, 20
EVERYTHING = (0, 0, -1)


def test_mlockall_locks_and_fills_what_the_program_has_and_nothing_else(link):
    result = run(link, rss(), mapping(4), ("mlockall", 0, -1, (3,)), rss(), mapping(2, handle=1), rss())

    assert result.observations[2].ret == 0
    assert [counters(result.observations[i]) for i in (0, 3, 5)] == [(0, 0, 0, 0), (4, 0, 4, 4), (6, 0, 6, 6)]


def test_munlockall_unlocks_what_is_and_what_comes(link):
    unlock = ("munlockall", 0, -1, ())
    result = run(link, mapping(4), ("mlockall", 0, -1, (3,)), unlock, rss(), mapping(2, handle=1), rss())

    assert [counters(result.observations[i]) for i in (3, 5)] == [(4, 0, 4, 0), (4, 0, 6, 0)]


def test_fsync_of_no_descriptor_is_refused_by_the_kernel(link):
    assert last(link, ("fsync", 0, -1, (0,))).ret in (-errno.EBADF, -errno.EINVAL)


def test_process_madvise_advises_the_childs_range(link):
    good, bad = (("process_madvise", 0, -1, (1, *EVERYTHING, advice)) for advice in (COLD, DONTNEED))
    _, _, advised, refused = run(link, mapping(4), fork(), good, bad).observations

    assert (advised.ret, refused.ret) in {(4 * PAGE, -errno.EINVAL), (4 * PAGE, 4 * PAGE)}


def test_process_madvise_of_nobody_is_no_process(link):
    assert last(link, mapping(1), ("process_madvise", 0, -1, (1, *EVERYTHING, COLD))).stage == Stage.NO_PROCESS


def test_sealed_mapping_is_not_unmapped(link):
    _, sealed, unmapped, loaded = run(
        link, mapping(2), ("mseal", 0, -1, EVERYTHING), ("munmap", 0, -1, EVERYTHING), load(0)
    ).observations

    assert (sealed.ret, unmapped.ret, loaded.stage) == (0, -errno.EPERM, Stage.CALL)


def test_remap_file_pages_shows_the_page_that_is_asked_for(actor, tmp_path):
    (tmp_path / "region").write_bytes(b"".join(bytes([0x40 + page]) * PAGE for page in range(4)))
    actor.region(0, Kind.FILE, str(tmp_path / "region"), pages=4)
    remap = ("remap_file_pages", 0, -1, (0, 0, PAGE, 0, 3 * PAGE))
    result = run(actor, mapping(4, region=0, flags=1), remap, load(0), load(PAGE))

    assert result.observations[1].ret == 0
    assert [o.payload for o in result.observations[2:]] == [b"\x43", b"\x41"]


@pytest.mark.parametrize(
    ("mode", "flags", "ret"), [(0, 0, 0), (1, 0, 0), (2, 1, 0), (3, 2, 0), (4, 0, 0), (9, 0, -errno.EINVAL)]
)
def test_mbind_takes_every_policy(actor, mode, flags, ret):
    assert last(actor, mapping(2), ("mbind", 0, -1, (*EVERYTHING, mode, flags))).ret == ret


@pytest.mark.parametrize("node", [-1, 0])
def test_move_pages_tells_the_node_of_a_page_that_is_there(actor, node):
    obs = last(actor, mapping(2), store(PAGE, 1), ("move_pages", 0, -1, (*EVERYTHING, node)))

    assert (obs.ret, struct.unpack("<2i", obs.payload)) == (0, (-errno.ENOENT, 0))


@pytest.mark.slow
@pytest.mark.real
def test_kernel_without_nodes_says_so(uml):
    for call in (("mbind", 0, -1, (*EVERYTHING, 0, 0)), ("move_pages", 0, -1, (*EVERYTHING, -1))):
        assert last(uml, mapping(1), call).ret == -errno.ENOSYS


@pytest.mark.parametrize("private", [0, 1])
def test_futex_waits_for_its_value_only_and_not_for_long(link, private):
    wait = [("futex_wait", 0, -1, (0, 0, 0, value, private)) for value in (5, 6)]
    _, _, waited, other, woken = run(
        link, mapping(1), store(0, 5, 4), *wait, ("futex_wake", 0, -1, (0, 0, private))
    ).observations

    assert (waited.ret, other.ret, woken.ret) == (-errno.ETIMEDOUT, -errno.EAGAIN, 0)


def test_futex_in_a_hole_is_a_fault(link):
    assert last(link, mapping(1), ("futex_wait", 0, -1, (0, PAGE, 0, 0, 0))).ret == -errno.EFAULT


def test_userfaultfd_is_registered_and_gone_again(link):
    *_, registered, loaded, smaps = run(
        link, mapping(2), ("uffd_register", 0, -1, (*EVERYTHING, 1)), load(0), ("smaps", 0, -1, (0,))
    ).observations

    if registered.stage == Stage.OPEN:
        assert registered.ret == -errno.ENOSYS  # CONFIG_USERFAULTFD
    else:
        assert registered.ret == 0
    assert loaded.payload == b"\0"
    assert b" um" not in smaps.payload


def test_clear_refs_takes_the_young_bits(link):
    result = run(link, mapping(1), store(0, 1), ("clear_refs", 0, -1, (1,)), ("smaps", 0, -1, (0,)))
    cleared, smaps = result.observations[2:]

    assert (cleared.stage, cleared.ret) == (Stage.CALL, 0)
    assert b"Referenced:            0 kB" in smaps.payload


def test_clear_refs_of_no_number_that_there_is_is_refused(link):
    assert last(link, ("clear_refs", 0, -1, (9,))).ret == -errno.EINVAL


def test_read_of_dev_zero_overwrites_memory(link):
    *_, got, inside, after = run(
        link, mapping(2), store(0, 0x41, 0), ("read_zero", 0, -1, (0, 8, 100)), load(107), load(108)
    ).observations

    assert (got.ret, inside.payload, after.payload) == (100, b"\0", b"\x41")


def test_read_of_dev_zero_into_a_hole_is_a_fault(link):
    assert last(link, mapping(1), ("read_zero", 0, -1, (0, PAGE, 8))).ret == -errno.EFAULT


def test_pagemap_scan_tells_of_every_page(link):
    obs = last(link, mapping(3), store(PAGE, 1), ("pagemap_scan", 0, -1, EVERYTHING))
    found = [struct.unpack_from("<3Q", obs.payload, at) for at in range(0, len(obs.payload), 24)]
    present = 1 << 3

    assert obs.ret == len(found) > 0
    assert sum(end - start for start, end, categories in found if categories & present) == PAGE


def rollup_of(obs: RawObs) -> tuple[dict[str, int], ...]:
    """Pages by field, at the baseline and now."""
    return tuple(
        {name: int(kb) * 1024 // PAGE for name, kb in re.findall(r"^(\w+): +(\d+) kB", text.decode(), re.M)}
        for text in obs.payload.split(b"\0")
    )


def test_rollup_gains_what_the_program_has(link):
    then, now = rollup_of(last(link, mapping(4), store(0, 1), store(PAGE, 1), ("rollup", 0, -1, ())))

    assert {name: now[name] - then[name] for name in ("Rss", "Anonymous", "Locked")} == {
        "Rss": 2, "Anonymous": 2, "Locked": 0,
    }  # fmt: skip


def test_rollup_of_a_child_counts_from_its_parents_baseline(link):
    result = run(link, mapping(4), store(0, 1), fork(), store(PAGE, 1, process=1), ("rollup", 1, -1, ()))
    then, now = rollup_of(result.observations[-1])

    assert (now["Rss"] - then["Rss"], now["Anonymous"] - then["Anonymous"]) == (2, 2)


def test_numa_maps_tells_policy_and_pages_of_a_vma(actor):
    bind = ("mbind", 0, -1, (*EVERYTHING, 2, 0))
    obs = last(actor, mapping(4), bind, store(0, 1), ("numa_maps", 0, -1, (0,)))

    assert obs.payload.startswith(f"{address(0):08x} bind:0 anon=1 dirty=1".encode())
    assert obs.payload.count(b"\n") == 1


@pytest.mark.slow
@pytest.mark.real
def test_kernel_without_nodes_has_no_numa_maps(uml):
    obs = last(uml, mapping(1), ("numa_maps", 0, -1, (0,)))

    assert (obs.stage, obs.ret) == (Stage.OPEN, -errno.ENOENT)
