# SPDX-License-Identifier: GPL-2.0-or-later
"""What the kernels of November 2005 did otherwise (6aab341e0a28 and its neighbours)."""

import errno
from typing import Any

import pytest

from simulator import Region, Stopped
from simulator.tests.conftest import FILL, HERE, PAGE, PRIVATE, RO, RW, SHARED, THERE

SEED, PARENT, FINAL, OLD = "2.6.15-rc3", "unpaged", "2.6.15", "2.6.14"
TAG, FIXED, DAY = "2.6.15-rc2", "2.6.15-rc4", "arbitrary-shared"
GATE = 0xFFFFFFFFFF600000 - (1 << 64)
PIECES: dict[str, Any] = {"backing": "reserved", "chunk_pages": 1, "pgoff": "zero"}


def stops(call, *arguments):
    with pytest.raises(Stopped) as stopped:
        call(*arguments)
    return stopped.value.outcome


@pytest.mark.parametrize("name", [PARENT, OLD])
def test_private_write_without_a_struct_page_killed(machine, name):
    m = machine(name)
    m.map()

    assert m.k.store(m.t, HERE, 1, 0x41).signal == "SIGKILL"
    assert not m.t.alive
    assert m.t.death == "SIGKILL"


@pytest.mark.parametrize("name", [PARENT, OLD])
def test_the_same_by_the_kernel_is_efault(machine, name):
    m = machine(name)
    m.map()

    assert m.k.read_into(m.t, HERE, b"A") == -errno.EFAULT
    assert m.t.alive


def test_commit_shifted_an_unaligned_copy(machine):
    m = machine(SEED)
    m.map()
    m.k.poke(m.r, 0x18, 1, 0x77)
    m.k.store(m.t, HERE + 8, 1, 0x41)

    assert m.k.load(m.t, HERE + 8, 1) == 0x41
    assert m.k.load(m.t, HERE + 0x10, 1) == 0x77
    assert m.k.load(m.t, HERE + 0x18, 1) == FILL


def test_commit_zeroed_an_unaligned_copy_of_the_last_page(machine):
    m = machine(SEED)
    m.map(pages=1)
    m.k.store(m.t, HERE + 8, 1, 0x41)

    assert m.k.load(m.t, HERE, 1) == 0
    assert m.k.load(m.t, HERE + 8, 1) == 0x41


def test_grown_shared_mapping_let_the_zero_page_be_written(machine):
    m = machine(SEED)
    m.map(SHARED, pages=2)
    assert m.k.mremap(m.t, HERE, 2 * PAGE, 3 * PAGE, 0, 0) == HERE
    assert m.k.load(m.t, HERE + 2 * PAGE, 1) == 0
    assert m.k.store(m.t, HERE + 2 * PAGE, 1, 0x41) == 0
    m.anon()

    assert m.k.load(m.t, THERE, 1) == 0x41
    m.k.reset()
    fresh = m.k.spawn()
    m.k.mmap(fresh, THERE, PAGE, 3, 0x32, None, 0)
    assert m.k.load(fresh, THERE, 1) == 0


def test_final_refuses_growth(machine):
    m = machine(FINAL)
    m.map(SHARED, pages=2)

    assert m.k.mremap(m.t, HERE, 2 * PAGE, 3 * PAGE, 1, 0) == -errno.EFAULT


def test_hole_of_the_parent_was_an_anonymous_page_even_for_a_read(machine):
    m = machine(PARENT)
    m.map(pages=2)
    m.k.mremap(m.t, HERE, 2 * PAGE, 3 * PAGE, 0, 0)
    m.k.load(m.t, HERE + 2 * PAGE, 1)

    assert m.k.rss(m.t)[:2] == (1, 0)


def test_hole_of_the_commit_was_a_counted_zero_page(machine):
    m = machine(SEED)
    m.map(pages=2)
    m.k.mremap(m.t, HERE, 2 * PAGE, 3 * PAGE, 0, 0)
    m.k.load(m.t, HERE + 2 * PAGE, 1)

    assert m.k.rss(m.t)[:2] == (0, 1)


def test_parent_leaked_a_page_for_each_unaligned_write_after_fork(machine):
    m = machine(PARENT, backing="ram")
    m.map()
    m.k.store(m.t, HERE + 0x120, 1, 1)
    m.k.fork(m.t)
    m.k.store(m.t, HERE + 0x120, 1, 2)

    assert m.k.rss(m.t)[0] == 2
    m.k.munmap(m.t, HERE, 4 * PAGE)
    assert m.k.rss(m.t)[0] == 1


def test_2614_left_ordinary_ram_out(machine):
    m = machine(OLD, backing="ram")
    m.map(SHARED)

    assert m.k.load(m.t, HERE, 1) == 0
    assert m.k.store(m.t, HERE, 1, 0x41) == 0
    assert m.device() == FILL


def test_smaps_counted_raw_pages(machine):
    m = machine(FINAL)
    m.map()

    assert m.smaps()[0]["Rss"] == 16
    assert m.smaps()[0]["Private_Clean"] == 0  # no struct page: in none of the four
    assert m.smaps()[0]["VmFlags"] is None
    assert m.k.rss(m.t)[:2] == (0, 0)


@pytest.mark.parametrize(("name", "shown"), [(SEED, True), (FINAL, False), (PARENT, False)])
def test_offset_of_a_shared_mapping_was_the_pfn_in_the_commit_only(machine, name, shown):
    m = machine(name, pgoff="zero")
    m.map(SHARED)

    assert (m.smaps()[0]["pgoff"] == m.k.region_pfn(m.r) * PAGE) is shown


def test_proc_mem_of_another_needed_a_tracer_and_could_not_be_written(machine):
    m = machine(FINAL)
    m.anon()
    child = m.k.fork(m.t)

    assert m.k.mem_read(m.t, child, THERE, 8) == -errno.ESRCH
    assert m.k.mem_read(m.t, m.t, THERE, 8) == bytes(8)
    assert m.k.mem_write(m.t, m.t, THERE, b"A") == -errno.EINVAL


def test_private_partial_remap(machine):
    m = machine(FINAL, chunk_pages=2)

    assert m.k.mmap(m.t, HERE, 4 * PAGE, 1, PRIVATE, ("region", m.r), 0) == -errno.EINVAL
    assert m.k.mmap(m.t, HERE, 4 * PAGE, 1, SHARED, ("region", m.r), 0) == HERE


def test_pieces_of_the_commit_are_a_bug_when_they_go(machine):
    m = machine(SEED, **PIECES)
    m.map(SHARED)

    assert stops(m.k.munmap, m.t, HERE, 4 * PAGE) == "hangs"
    assert m.k.klog == ["Kernel BUG at mm/rmap.c"]
    assert m.k.lost


def test_many_pieces_are_the_same_bug(machine):
    m = machine(SEED, **PIECES)
    r = m.k.add_region(Region("many", 30, **PIECES))
    m.k.mmap(m.t, HERE, 30 * PAGE, RW, SHARED, ("region", r), 0)

    assert stops(m.k.munmap, m.t, HERE, 30 * PAGE) == "hangs"


@pytest.mark.parametrize("name", [OLD, PARENT, DAY, FINAL])
def test_pieces_of_others_go_without_a_word(machine, name):
    m = machine(name, **PIECES)
    m.map(SHARED)

    assert m.k.munmap(m.t, HERE, 4 * PAGE) == 0
    assert m.k.klog == []


def test_each_piece_without_a_page_is_told_of(machine):
    m = machine(SEED, backing="absent", chunk_pages=1)
    m.map(SHARED)
    m.k.munmap(m.t, HERE, 4 * PAGE)

    assert m.k.klog == ["Bad pte = "] * 4


def test_pieces_were_inserted_for_two_weeks(machine):
    m = machine(FIXED, **PIECES)
    m.map(SHARED)
    child = m.k.fork(m.t)

    assert m.k.rss(m.t)[:2] == (0, 4)
    assert m.k.klog == ["does an incomplete pfn remapping"]
    assert m.k.rss(child)[:2] == (0, 0)
    assert m.k.load(child, HERE, 1) == 0


@pytest.mark.parametrize("backing", ["absent", "ram"])
def test_only_reserved_pages_could_be_inserted(machine, backing):
    m = machine(FIXED, backing=backing, chunk_pages=1)

    assert m.k.mmap(m.t, HERE, 4 * PAGE, RO, SHARED, ("region", m.r), 0) == -errno.EINVAL


def test_commit_s_gate_page_kills_the_debugger(machine):
    m = machine(SEED)
    child = m.k.fork(m.t)

    assert stops(m.k.ptrace_peek, m.t, child, GATE - m.k.arena) == "died"
    assert m.t.death == "SIGKILL"


@pytest.mark.parametrize(
    ("name", "backing", "answer"),
    [(PARENT, "ram", "reads"), (PARENT, "absent", "hangs"), (SEED, "ram", "hangs"), (FINAL, "ram", "refused")],
)
def test_debugger_where_the_driver_cleared_io(machine, name, backing, answer):
    m = machine(name, backing=backing, flags_del=("io",))
    m.map(SHARED)
    child = m.k.fork(m.t)

    if answer == "hangs":
        assert stops(m.k.ptrace_peek, m.t, child, HERE) == "hangs"
    else:
        got = m.k.ptrace_peek(m.t, child, HERE)
        assert got == (-errno.EIO if answer == "refused" else int.from_bytes(bytes([FILL]) * 8, "little"))


@pytest.mark.parametrize(("name", "counters"), [(OLD, (0, 0)), (PARENT, (4, 0)), (SEED, (0, 4)), (FINAL, (0, 4))])
def test_four_pages_of_zeros(machine, name, counters):
    m = machine(name, backing="reserved")
    m.map()

    assert m.k.read_zero(m.t, HERE, 4 * PAGE) == 4 * PAGE
    assert m.k.rss(m.t)[:2] == counters
    assert m.device() == FILL


def test_zeros_stop_where_nothing_may_be_written(machine):
    m = machine(SEED, backing="reserved")
    m.map(pages=2)

    assert m.k.read_zero(m.t, HERE, 4 * PAGE) == 2 * PAGE
    assert m.k.read_zero(m.t, THERE, 4 * PAGE) == -errno.EFAULT


@pytest.mark.parametrize(("name", "dies"), [(OLD, False), (TAG, False), (PARENT, True), (SEED, False), (FINAL, True)])
def test_driver_s_nopage_beside_a_remap(machine, name, dies):
    m = machine(name, backing="reserved", mapped=2, hole_op=True)
    m.map(SHARED)

    if dies:
        assert stops(m.k.load, m.t, HERE + 2 * PAGE, 1) == "died"
        assert m.t.death == "SIGSEGV"
    else:
        assert m.k.load(m.t, HERE + 2 * PAGE, 1) == FILL


def test_tag_gives_nothing_back_of_reserved_memory(machine):
    m = machine(TAG)
    m.map(SHARED, pages=2)
    m.k.mremap(m.t, HERE, 2 * PAGE, 3 * PAGE, 0, 0)
    m.k.store(m.t, HERE + 2 * PAGE, 1, 0x41)
    m.k.munmap(m.t, HERE, 3 * PAGE)

    assert m.k.rss(m.t)[:2] == (1, 0)


def test_tag_refuses_what_might_be_written(machine):
    m = machine(TAG)

    assert m.k.mmap(m.t, HERE, 4 * PAGE, RW, PRIVATE, ("region", m.r), 0) == -errno.EACCES
    m.map(PRIVATE, RO)
    assert m.k.mprotect(m.t, HERE, PAGE, RW) == -errno.EACCES
    m.map(SHARED, at=THERE)
    assert stops(m.k.mprotect, m.t, THERE, 4 * PAGE, 7) == "hangs"
