# SPDX-License-Identifier: GPL-2.0-or-later
"""Errno by errno: mmap, munmap, mprotect, mremap, madvise, mlock, msync, mincore on PFN mappings and beside them."""

import errno

import pytest

from simulator.tests.conftest import ANON, HERE, NONE, PAGE, PRIVATE, RO, RW, SHARED, THERE

MAYMOVE, FIXED, DONTUNMAP = 1, 3, 5
ALL = 4 * PAGE


@pytest.fixture
def m(machine):
    return machine()


def hole(m, first=1):
    """
    m   AA BB     a page is missing
    """
    m.map()
    assert m.k.munmap(m.t, HERE + first * PAGE, PAGE) == 0


# mmap


@pytest.mark.parametrize(
    ("length", "flags", "offset", "error"),
    [
        (0, PRIVATE, 0, errno.EINVAL),
        (ALL, PRIVATE, 7, errno.EINVAL),
        (ALL, 0x10, 0, errno.EINVAL),
        (1 << 57, PRIVATE, 0, errno.ENOMEM),  # more than five levels of page tables reach
    ],
)
def test_mmap_refuses(m, length, flags, offset, error):
    assert m.k.mmap(m.t, HERE, length, RW, flags, ("region", m.r), offset) == -error


def test_mmap_fixed_at_an_unaligned_place(m):
    assert m.k.mmap(m.t, HERE + 1, ALL, RW, PRIVATE, ("region", m.r), 0) == -errno.EINVAL


def test_mmap_of_a_closed_descriptor(m):
    fd = m.k.open(m.t, m.r, 2)
    m.k.close(m.t, fd)

    assert m.k.mmap(m.t, HERE, ALL, RW, PRIVATE, ("fd", fd), 0) == -errno.EBADF


@pytest.mark.parametrize(
    ("mode", "flags", "prot", "error"),
    [
        (0, SHARED, RW, errno.EACCES),
        (0, SHARED, RO, 0),
        (0, PRIVATE, RW, 0),
        (1, SHARED, RW, errno.EACCES),
        (1, PRIVATE, RO, errno.EACCES),
        (2, SHARED, RW, 0),
    ],
)
def test_mmap_asks_the_descriptor_s_mode(m, mode, flags, prot, error):
    fd = m.k.open(m.t, m.r, mode)
    got = m.k.mmap(m.t, HERE, ALL, prot, flags, ("fd", fd), 0)

    assert got == (-error or HERE)


def test_shared_mapping_of_a_read_only_descriptor_never_becomes_writable(m):
    fd = m.k.open(m.t, m.r, 0)
    m.k.mmap(m.t, HERE, ALL, RO, SHARED, ("fd", fd), 0)

    assert m.k.mprotect(m.t, HERE, PAGE, RW) == -errno.EACCES
    assert m.smaps()[0]["perms"] == "r--s"
    assert "sh" not in m.smaps()[0]["VmFlags"]


def test_mmap_fixed_replaces(m):
    m.map()
    m.k.store(m.t, HERE, 1, 1)
    assert m.k.mmap(m.t, HERE, PAGE, RW, ANON, None, 0) == HERE

    assert m.k.rss(m.t) == (0, 0, 4, 0)
    assert len(m.smaps()) == 2


def test_refused_mode_leaves_what_was_there(m):
    m.map()
    fd = m.k.open(m.t, m.r, 0)
    m.k.mmap(m.t, HERE, ALL, RW, SHARED, ("fd", fd), 0)

    assert len(m.smaps()) == 1


def test_locked_and_populated_mapping_is_neither(m):
    m.map(PRIVATE | 0x2000 | 0x8000)

    assert m.k.rss(m.t) == (0, 0, 4, 0)
    assert "lo" not in m.smaps()[0]["VmFlags"]


def test_populate_of_anonymous_memory_faults_it_in(m):
    m.k.mmap(m.t, THERE, 100 * PAGE, RW, ANON | 0x8000, None, 0)

    assert m.k.rss(m.t)[0] == 100


def test_unplaced_mappings_do_not_touch(m):
    first = m.k.mmap(m.t, 0, PAGE, RW, 2, ("region", m.r), 0)
    second = m.k.mmap(m.t, 0, PAGE, RW, 2, ("region", m.r), 0)

    assert abs(second - first) > PAGE


# munmap, mprotect


@pytest.mark.parametrize(("addr", "length"), [(HERE + 1, PAGE), (HERE, 0), (HERE, 1 << 57)])
def test_munmap_refuses(m, addr, length):
    assert m.k.munmap(m.t, addr, length) == -errno.EINVAL


def test_munmap_of_nothing_is_fine(m):
    assert m.k.munmap(m.t, THERE, PAGE) == 0


def test_munmap_splits_and_both_halves_keep_their_pfns(m):
    hole(m)
    pgoffs = [vma["pgoff"] // PAGE - m.k.region_pfn(m.r) for vma in m.smaps()]

    assert pgoffs == [0, 2]
    assert m.k.load(m.t, HERE + PAGE, 1).code == "SEGV_MAPERR"


def test_mprotect_changes_what_lies_before_a_hole(m):
    hole(m)

    assert m.k.mprotect(m.t, HERE, ALL, RO) == -errno.ENOMEM
    assert [vma["perms"] for vma in m.smaps()] == ["r--p", "rw-p"]


@pytest.mark.parametrize(
    ("addr", "length", "prot", "answer"),
    [
        (HERE + 1, PAGE, RO, -errno.EINVAL),
        (HERE, 0, RO, 0),
        (THERE, PAGE, RO, -errno.ENOMEM),
        (HERE, PAGE, 0x80, -errno.EINVAL),
        (HERE, 1, RO, 0),
    ],
)
def test_mprotect_answers(m, addr, length, prot, answer):
    m.map()

    assert m.k.mprotect(m.t, addr, length, prot) == answer


@pytest.mark.parametrize(("prot", "code"), [(NONE, "SEGV_ACCERR"), (RO, "SEGV_ACCERR")])
def test_store_against_the_protection(m, prot, code):
    m.map(SHARED, prot=prot)
    fault = m.k.store(m.t, HERE + 5, 1, 1)

    assert (fault.signal, fault.code, fault.addr) == ("SIGSEGV", code, HERE + 5)


def test_adjacent_pfn_mappings_never_merge(m):
    m.map(pages=2)
    m.map(pages=2, at=HERE + 2 * PAGE, first=2)

    assert len(m.smaps()) == 2


def test_anonymous_pieces_merge_again(m):
    m.anon()
    m.k.mprotect(m.t, THERE + PAGE, PAGE, RO)
    assert len(m.smaps(THERE)) == 3
    m.k.mprotect(m.t, THERE + PAGE, PAGE, RW)

    assert len(m.smaps(THERE)) == 1


# mremap


@pytest.mark.parametrize(
    ("old", "new", "flags", "to", "answer"),
    [
        (ALL, 5 * PAGE, 0, 0, -errno.EFAULT),
        (ALL, 5 * PAGE, MAYMOVE, 0, -errno.EFAULT),
        (ALL, 2 * PAGE, 0, 0, HERE),
        (ALL, ALL, FIXED, THERE, THERE),
        (ALL, ALL, 2, THERE, -errno.EINVAL),
        (ALL, ALL, FIXED, HERE + PAGE, -errno.EINVAL),
        (ALL, ALL, FIXED, THERE + 1, -errno.EINVAL),
        (ALL, 0, 0, 0, -errno.EINVAL),
        (0, ALL, MAYMOVE, 0, -errno.EINVAL),
        (ALL, ALL, DONTUNMAP, 0, -errno.EINVAL),
        (ALL, ALL, 8, 0, -errno.EINVAL),
    ],
)
def test_mremap_answers(m, old, new, flags, to, answer):
    m.map()

    assert m.k.mremap(m.t, HERE, old, new, flags, to) == answer


@pytest.mark.parametrize(("name", "answer"), [("uml-5.10", HERE), ("uml-6.1", -errno.EFAULT)])
def test_shrink_that_starts_in_a_hole(machine, name, answer):
    m = machine(name)
    hole(m, 0)

    assert m.k.mremap(m.t, HERE, ALL, PAGE, 0, 0) == answer


@pytest.mark.parametrize("name", ["uml-6.1", "x86_64-6.1"])
def test_moved_middle_keeps_copy_and_pfns(machine, name):
    m = machine(name)
    m.map()
    m.k.poke(m.r, 2 * PAGE, 1, 0x22)
    m.k.store(m.t, HERE + PAGE, 1, 0x41)
    assert m.k.mremap(m.t, HERE + PAGE, 2 * PAGE, 2 * PAGE, FIXED, THERE) == THERE

    assert m.k.load(m.t, THERE, 1) == 0x41
    assert m.k.load(m.t, THERE + PAGE, 1) == 0x22
    assert m.smaps(THERE)[0]["pgoff"] // PAGE == m.k.region_pfn(m.r) + 1
    assert m.k.rss(m.t) == (1, 0, 4, 0)
    m.k.munmap(m.t, THERE, ALL)
    assert m.k.rss(m.t) == (0, 0, 2, 0)


@pytest.mark.parametrize(("name", "answer"), [("x86_64-6.12", -errno.EFAULT), ("x86_64-7.2", THERE)])
def test_move_over_a_hole(machine, name, answer):
    m = machine(name)
    hole(m)

    assert m.k.mremap(m.t, HERE, ALL, ALL, FIXED, THERE) == answer


@pytest.mark.parametrize(("name", "answer"), [("uml-6.12", -errno.EFAULT), ("uml-7.2", THERE)])
def test_move_of_more_than_there_is(machine, name, answer):
    m = machine(name)
    m.map()

    assert m.k.mremap(m.t, HERE, 5 * PAGE, 5 * PAGE, FIXED, THERE) == answer


def test_anonymous_memory_grows(m):
    m.anon()

    assert m.k.mremap(m.t, THERE, ALL, 6 * PAGE, 0, 0) == THERE
    assert m.k.store(m.t, THERE + 5 * PAGE, 1, 1) == 0
    assert len(m.smaps(THERE)) == 1


# madvise

NORMAL, RANDOM, SEQUENTIAL, WILLNEED, DONTNEED, FREE, REMOVE, DONTFORK, DOFORK = 0, 1, 2, 3, 4, 8, 9, 10, 11
MERGEABLE, HUGEPAGE, DONTDUMP, DODUMP, WIPEONFORK, KEEPONFORK, COLD, PAGEOUT = 12, 14, 16, 17, 18, 19, 20, 21
POPULATE_READ, POPULATE_WRITE, DONTNEED_LOCKED, COLLAPSE, UNKNOWN = 22, 23, 24, 25, 77


@pytest.mark.parametrize(
    ("advice", "private", "shared"),
    [
        (NORMAL, 0, 0),
        (RANDOM, 0, 0),
        (SEQUENTIAL, 0, 0),
        (WILLNEED, 0, 0),
        (DONTNEED, errno.EINVAL, errno.EINVAL),
        (DONTNEED_LOCKED, errno.EINVAL, errno.EINVAL),
        (FREE, errno.EINVAL, errno.EINVAL),
        (REMOVE, errno.EACCES, errno.ENODEV),
        (DONTFORK, 0, 0),
        (DOFORK, errno.EINVAL, errno.EINVAL),
        (DONTDUMP, 0, 0),
        (DODUMP, errno.EINVAL, errno.EINVAL),
        (WIPEONFORK, errno.EINVAL, errno.EINVAL),
        (KEEPONFORK, 0, 0),
        (COLD, errno.EINVAL, errno.EINVAL),
        (PAGEOUT, errno.EINVAL, errno.EINVAL),
        (POPULATE_READ, errno.EINVAL, errno.EINVAL),
        (POPULATE_WRITE, errno.EINVAL, errno.EINVAL),
        (COLLAPSE, errno.EINVAL, errno.EINVAL),
        (UNKNOWN, errno.EINVAL, errno.EINVAL),
    ],
)
def test_madvise_of_a_pfn_mapping(m, advice, private, shared):
    m.map(PRIVATE)
    m.map(SHARED, at=THERE)

    assert m.k.madvise(m.t, HERE, ALL, advice) == -private
    assert m.k.madvise(m.t, THERE, ALL, advice) == -shared


@pytest.mark.parametrize("advice", [MERGEABLE, HUGEPAGE])
def test_madvise_of_a_pfn_mapping_where_the_configuration_knows_it(machine, advice):
    m = machine("x86_64-6.1")
    m.map(PRIVATE)

    assert m.k.madvise(m.t, HERE, ALL, advice) == 0


def test_madvise_goes_on_over_a_hole(m):
    hole(m)

    assert m.k.madvise(m.t, HERE, ALL, SEQUENTIAL) == -errno.ENOMEM
    assert all("sr" in vma["VmFlags"] for vma in m.smaps())


def test_advice_kept_as_a_flag_splits(m):
    m.map()
    m.k.madvise(m.t, HERE + PAGE, PAGE, RANDOM)

    assert ["rr" in vma["VmFlags"] for vma in m.smaps()] == [False, True, False]


def test_dontneed_drops_anonymous_memory(m):
    m.anon()
    m.k.store(m.t, THERE, 1, 1)

    assert m.k.madvise(m.t, THERE, ALL, DONTNEED) == 0
    assert m.k.load(m.t, THERE, 1) == 0
    assert m.k.rss(m.t)[0] == 0


def test_configuration_decides_what_advice_is_known(machine):
    m = machine("uml-6.1")
    m.map()

    assert m.k.madvise(m.t, HERE, ALL, HUGEPAGE) == -errno.EINVAL
    assert m.k.madvise(m.t, HERE, ALL, MERGEABLE) == -errno.EINVAL


# mlock, msync, mincore


def test_mlock_of_a_pfn_mapping_does_nothing(m):
    m.map()

    assert m.k.mlock(m.t, HERE, PAGE, 0) == 0
    assert len(m.smaps()) == 1
    assert m.k.rss(m.t)[3] == 0


def test_mlock_of_anonymous_memory_counts_and_faults_in(m):
    m.anon()

    assert m.k.mlock(m.t, THERE, PAGE, 0) == 0
    assert m.k.rss(m.t) == (1, 0, 4, 1)
    assert m.k.munlock(m.t, THERE, PAGE) == 0
    assert m.k.rss(m.t)[3] == 0


def test_mlock_on_fault_faults_nothing_in(m):
    m.anon()

    assert m.k.mlock(m.t, THERE, ALL, 1) == 0
    assert m.k.rss(m.t) == (0, 0, 4, 4)


def test_mlock_over_a_hole(m):
    hole(m)

    assert m.k.mlock(m.t, HERE, ALL, 0) == -errno.ENOMEM


@pytest.mark.parametrize(("limit", "answer"), [(0, -errno.EPERM), (PAGE, -errno.ENOMEM), (ALL, 0)])
def test_mlock_asks_the_limit_first(m, limit, answer):
    m.t = m.k.spawn(uid=65534, memlock=limit)
    m.map()

    assert m.k.mlock(m.t, HERE, ALL, 0) == answer


@pytest.mark.parametrize(
    ("flags", "private", "shared"),
    [(4, 0, errno.EINVAL), (1, 0, 0), (2, 0, 0), (5, errno.EINVAL, errno.EINVAL), (8, errno.EINVAL, errno.EINVAL)],
)
def test_msync(m, flags, private, shared):
    m.map(PRIVATE)
    m.map(SHARED, at=THERE)

    assert m.k.msync(m.t, HERE, ALL, flags) == -private
    assert m.k.msync(m.t, THERE, ALL, flags) == -shared


def test_msync_over_a_hole(m):
    hole(m)

    assert m.k.msync(m.t, HERE, ALL, 2) == -errno.ENOMEM


@pytest.mark.parametrize(("name", "vector"), [("x86_64-7.2", b"\0\0\0\0"), ("x86_64-7.3", b"\1\1\1\1")])
def test_mincore_of_a_pfn_mapping(machine, name, vector):
    m = machine(name)
    m.map()

    assert m.k.mincore(m.t, HERE, ALL) == vector


@pytest.mark.parametrize(("others_write", "vector"), [(False, b"\1\1\1\1"), (True, b"\0\0\0\0")])
def test_mincore_of_another_s_file_asks_whether_it_could_be_written(machine, others_write, vector):
    m = machine("x86_64-6.1", others_write=others_write)
    stranger = m.k.spawn(uid=65534)
    m.k.mmap(stranger, HERE, ALL, RO, SHARED, ("region", m.r), 0)

    assert m.k.mincore(stranger, HERE, ALL) == vector


def test_mincore_over_a_hole(m):
    hole(m)

    assert m.k.mincore(m.t, HERE, ALL) == -errno.ENOMEM
    assert m.k.mincore(m.t, HERE + 1, PAGE) == -errno.EINVAL


def test_mincore_of_anonymous_memory(m):
    m.anon()
    m.k.store(m.t, THERE + PAGE, 1, 1)

    assert m.k.mincore(m.t, THERE, ALL) == b"\0\1\0\0"


def test_access_across_two_pages(m):
    m.map()

    assert m.k.store(m.t, HERE + PAGE - 4, 8, 0x1122334455667788) == 0
    assert m.k.load(m.t, HERE + PAGE - 4, 8) == 0x1122334455667788
    assert m.k.rss(m.t)[0] == 2


def test_store_into_a_page_that_faults_writes_nothing(m):
    m.map(SHARED)
    fault = m.k.store(m.t, HERE + ALL - 4, 8, 0)

    assert fault.addr == HERE + ALL
    assert m.k.peek(m.r, ALL - 4, 4) == 0x5A5A5A5A


def test_untouched_piece_merges_with_a_touched_one_since_6_16_only(machine):
    for name, pieces in (("x86_64-6.1", 2), ("x86_64-7.2", 1)):
        m = machine(name)
        m.anon()
        m.k.mprotect(m.t, THERE, PAGE, RO)
        m.k.mprotect(m.t, THERE, PAGE, RW)
        assert len(m.smaps(THERE)) == 1
        m.k.madvise(m.t, THERE, PAGE, RANDOM)
        m.k.store(m.t, THERE, 1, 1)
        m.k.madvise(m.t, THERE, PAGE, NORMAL)

        assert len(m.smaps(THERE)) == pieces


def test_write_notified_mapping_is_write_protected_by_mprotect(machine):
    m = machine(access="phys", writenotify=True)
    m.map(SHARED, prot=RO)
    m.k.mprotect(m.t, HERE, ALL, RW)

    assert m.k.mem_write(m.t, m.t, HERE, b"A") == -errno.EIO
    assert m.k.store(m.t, HERE, 1, 1) == 0
    assert m.device() == 1
    assert m.k.mem_write(m.t, m.t, HERE, b"A") == 1


def test_locked_memory_cannot_be_freed(m):
    m.anon()
    m.k.mlock(m.t, THERE, ALL, 0)

    assert m.k.madvise(m.t, THERE, ALL, FREE) == -errno.EINVAL
    assert m.k.madvise(m.t, THERE, ALL, DONTNEED) == -errno.EINVAL


def test_shared_anonymous_memory_ends_where_it_was_made(m):
    m.k.mmap(m.t, THERE, PAGE, RW, 0x31, None, 0)
    assert m.k.mremap(m.t, THERE, PAGE, 2 * PAGE, 0, 0) == THERE

    assert m.k.load(m.t, THERE + PAGE, 1).signal == "SIGBUS"


def test_pin_for_reading_copies_a_shared_page(machine):
    for name, alone in (("x86_64-5.10", False), ("x86_64-6.1", True)):
        m = machine(name)
        m.anon()
        m.k.store(m.t, THERE, 1, 1)
        child = m.k.fork(m.t)
        m.k.process_vm_readv(m.t, child, THERE, 1)

        assert (m.smaps(THERE)[0]["Private_Dirty"] == 4) is alone


def test_execute_only_memory_is_the_cpu_s_affair(m):
    m.map(prot=4)
    m.k.load(m.t, HERE, 1)

    assert m.k.unknown
