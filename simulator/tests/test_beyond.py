# SPDX-License-Identifier: GPL-2.0-or-later
"""mlockall, process_madvise, remap_file_pages, fsync, exec and code: what they do to PFN mappings and beside them."""

import errno

import pytest

from simulator import Fault
from simulator.tests.conftest import ANON, HERE, NONE, PAGE, PRIVATE, RO, RW, SHARED, THERE

ALL = 4 * PAGE
CURRENT, FUTURE, ONFAULT = 1, 2, 4
COLD, WILLNEED, DONTFORK = 20, 3, 10
RX, RWX = 5, 7
IPC_LOCK, SYS_NICE = 1 << 14, 1 << 23
MODERN = ["x86_64-5.10", "x86_64-6.1", "x86_64-6.12", "x86_64-7.2", "uml-6.12", "arm-6.1"]


def locked(m, at):
    return "lo" in m.smaps(at)[0]["VmFlags"]


# mlockall


@pytest.mark.parametrize("name", MODERN)
def test_mlockall_locks_ordinary_memory_and_passes_a_pfn_mapping_over(machine, name):
    m = machine(name)
    m.map()
    m.anon()

    assert m.k.mlockall(m.t, CURRENT) == 0
    assert (locked(m, HERE), locked(m, THERE)) == (False, True)
    assert m.k.rss(m.t) == (4, 0, 8, 4)
    assert m.k.munlockall(m.t) == 0
    assert not locked(m, THERE)
    assert m.k.rss(m.t)[3] == 0


def test_in_2005_mlockall_counted_pfn_mappings_too(machine):
    m = machine("2.6.15")
    m.map()

    assert m.k.mlockall(m.t, CURRENT) == 0
    assert m.k.rss(m.t) == (0, 0, 4, 4)
    assert m.k.mlockall(m.t, CURRENT | ONFAULT) == -errno.EINVAL


def test_what_comes_after_mlockall_of_the_future_is_locked_but_for_pfn_mappings(machine):
    m = machine()
    m.k.mlockall(m.t, FUTURE)
    m.map()
    m.anon()

    assert (locked(m, HERE), locked(m, THERE)) == (False, True)
    assert m.k.rss(m.t) == (4, 0, 8, 4)
    child = m.k.fork(m.t)
    m.k.mmap(child, 2 * THERE, PAGE, RW, ANON, None, 0)
    assert m.k.rss(child)[3] == 0


def test_on_fault_locks_and_fills_nothing(machine):
    m = machine()
    m.anon()
    m.k.mlockall(m.t, CURRENT | ONFAULT)

    assert locked(m, THERE)
    assert m.k.rss(m.t) == (0, 0, 4, 4)


def test_locking_adjacent_mappings_that_merge(machine):
    """
    t   AAAABBBB     B is locked already, so A joins it
    """
    m = machine()
    m.anon()
    m.k.mmap(m.t, THERE + ALL, ALL, RW, ANON, None, 0)
    m.k.mlock(m.t, THERE + ALL, ALL, 0)
    m.k.mlockall(m.t, CURRENT)

    assert m.k.rss(m.t)[3] == 8
    assert len(m.smaps(THERE, 8)) == 1


@pytest.mark.parametrize("flags", [0, ONFAULT, 8])
def test_mlockall_refuses(machine, flags):
    m = machine()

    assert m.k.mlockall(m.t, flags) == -errno.EINVAL


def test_mlockall_asks_the_limit(machine):
    m = machine()
    none = m.k.spawn(drop_caps=IPC_LOCK, memlock=0)
    little = m.k.spawn(drop_caps=IPC_LOCK, memlock=2 * PAGE)

    assert m.k.mlockall(none, FUTURE) == -errno.EPERM
    assert m.k.mlockall(little, CURRENT) == -errno.ENOMEM
    assert m.k.mlockall(little, FUTURE) == 0
    assert m.k.mmap(little, HERE, ALL, RW, PRIVATE, ("region", m.r), 0) == -errno.EAGAIN
    assert m.k.mmap(little, HERE, PAGE, RW, PRIVATE, ("region", m.r), 0) == HERE


def test_a_limit_that_may_just_do_is_beyond_the_model(machine):
    m = machine()
    some = m.k.spawn(drop_caps=IPC_LOCK, memlock=64 * PAGE)
    m.k.mlockall(some, CURRENT)

    assert m.k.unknown


# process_madvise


@pytest.mark.parametrize(
    ("name", "willneed"), [("x86_64-5.10", -errno.EINVAL), ("x86_64-6.1", ALL), ("x86_64-7.2", ALL)]
)
def test_another_s_memory_takes_few_kinds_of_advice(machine, name, willneed):
    m = machine(name)
    m.map()
    child = m.k.fork(m.t)

    assert m.k.process_madvise(m.t, child, HERE, ALL, COLD) == -errno.EINVAL
    assert m.k.process_madvise(m.t, child, HERE, ALL, WILLNEED) == willneed
    assert m.k.process_madvise(m.t, child, HERE, ALL, DONTFORK) == -errno.EINVAL


@pytest.mark.parametrize(
    ("name", "answer"), [("x86_64-6.1", -errno.EINVAL), ("x86_64-6.12", -errno.EINVAL), ("x86_64-7.2", ALL)]
)
def test_one_s_own_memory_takes_any_since_613(machine, name, answer):
    m = machine(name)
    m.map()

    assert m.k.process_madvise(m.t, m.t, HERE, ALL, DONTFORK) == answer


@pytest.mark.parametrize(("name", "own"), [("x86_64-6.1", -errno.EPERM), ("x86_64-6.12", PAGE)])
def test_advice_needs_a_capability(machine, name, own):
    m = machine(name)
    t = m.k.spawn(drop_caps=SYS_NICE)
    m.k.mmap(t, THERE, PAGE, RW, ANON, None, 0)
    child = m.k.fork(t)

    assert m.k.process_madvise(t, child, THERE, PAGE, COLD) == -errno.EPERM
    assert m.k.process_madvise(t, t, THERE, PAGE, COLD) == own


def test_advice_on_what_one_may_not_trace_is_eacces(machine):
    m = machine()
    other, t = m.k.spawn(uid=1), m.k.spawn(uid=2)

    assert m.k.process_madvise(t, other, HERE, PAGE, COLD) == -errno.EACCES


@pytest.mark.parametrize(
    ("at", "length", "error"),
    [(HERE, -1, errno.EINVAL), (1 << 60, PAGE, errno.EFAULT), (HERE, PAGE, errno.ENOMEM), (HERE, 0, 0)],
)
def test_process_madvise_arguments(machine, at, length, error):
    m = machine()

    assert m.k.process_madvise(m.t, m.t, at, length, COLD) == -error


def test_there_was_no_process_madvise_in_2005(machine):
    m = machine("2.6.15")

    assert m.k.process_madvise(m.t, m.t, HERE, PAGE, COLD) == -errno.ENOSYS


# remap_file_pages


@pytest.mark.parametrize("name", MODERN)
def test_remap_file_pages_maps_a_page_anew(machine, name):
    m = machine(name)
    m.map(SHARED)
    m.k.poke(m.r, 2 * PAGE, 1, 0x41)

    assert m.k.remap_file_pages(m.t, HERE, PAGE, m.r, 2) == 0
    assert m.k.load(m.t, HERE, 1) == 0x41
    assert [vma["end"] - vma["start"] for vma in m.smaps()] == [PAGE, 3 * PAGE]
    assert m.k.warned == {"uses deprecated remap_file_pages() syscall"}


@pytest.mark.parametrize("name", [*MODERN, "2.6.15"])
def test_remap_file_pages_of_a_private_mapping_is_refused(machine, name):
    m = machine(name)
    m.map()

    assert m.k.remap_file_pages(m.t, HERE, PAGE, m.r, 2) == -errno.EINVAL
    assert m.k.remap_file_pages(m.t, THERE, PAGE, m.r, 2) == -errno.EINVAL
    assert m.k.remap_file_pages(m.t, HERE, PAGE - 1, m.r, 2) == -errno.EINVAL


def test_in_2005_no_driver_had_an_op_for_it(machine):
    m = machine("2.6.15")
    m.map(SHARED)

    assert m.k.remap_file_pages(m.t, HERE, PAGE, m.r, 2) == -errno.EINVAL


def test_remap_file_pages_goes_on_over_vmas_of_one_file_and_not_over_others(machine):
    m = machine()
    fd = m.k.open(m.t, m.r, 2)
    m.k.mmap(m.t, HERE, 2 * PAGE, RW, SHARED, ("fd", fd), 0)
    m.k.mmap(m.t, HERE + 2 * PAGE, 2 * PAGE, RW, SHARED, ("fd", fd), 0)

    assert m.k.remap_file_pages(m.t, HERE, ALL, m.r, 0) == 0
    assert len(m.smaps()) == 1
    m.k.mprotect(m.t, HERE, PAGE, RO)
    assert m.k.remap_file_pages(m.t, HERE, ALL, m.r, 0) == -errno.EINVAL
    m.k.munmap(m.t, HERE + PAGE, PAGE)
    assert m.k.remap_file_pages(m.t, HERE, 2 * PAGE, m.r, 0) == -errno.EINVAL


def test_remap_file_pages_of_shared_memory_reads_another_page_of_it(machine):
    m = machine()
    m.k.mmap(m.t, THERE, ALL, RW, 0x31, None, 0)
    m.k.store(m.t, THERE + 2 * PAGE, 1, 0x41)
    first = -m.k.regions[m.r].first_pgoff

    assert m.k.remap_file_pages(m.t, THERE, PAGE, m.r, first + 2) == 0
    assert m.k.load(m.t, THERE, 1) == 0x41


def test_remap_file_pages_past_the_device_is_its_driver_s_refusal(machine):
    m = machine("x86_64-6.1")
    m.map(SHARED)

    assert m.k.remap_file_pages(m.t, HERE, PAGE, m.r, 4) == -errno.EINVAL
    assert isinstance(m.k.load(m.t, HERE, 1), Fault)  # what was there is gone


# fsync


@pytest.mark.parametrize(("fsync", "answer"), [(False, -errno.EINVAL), (True, 0)])
def test_fsync_is_the_file_s(machine, fsync, answer):
    m = machine(fsync=fsync)
    fd = m.k.open(m.t, m.r, 2)

    assert m.k.fsync(m.t, fd) == answer
    assert m.k.fsync(m.t, fd + 1) == -errno.EBADF


# exec


def test_exec_gives_copies_back_and_leaves_nothing(machine):
    m = machine()
    m.map()
    m.k.store(m.t, HERE, 1, 1)
    fd = m.k.open(m.t, m.r, 2)
    m.k.mlockall(m.t, FUTURE)

    assert m.k.exec(m.t) == 0
    assert m.k.rss(m.t) == (0, 0, 0, 0)
    assert m.k.load(m.t, HERE, 1) == Fault("SIGSEGV", "SEGV_MAPERR", HERE)
    assert m.k.fsync(m.t, fd) == -errno.EBADF
    m.anon()
    assert not locked(m, THERE)


def test_the_child_s_exec_leaves_the_parent_its_copy(machine):
    m = machine()
    m.map()
    m.k.store(m.t, HERE + PAGE, 1, 0x41)
    child = m.k.fork(m.t)
    m.k.exec(child)

    assert m.k.load(m.t, HERE + PAGE, 1) == 0x41


# code


def code(m, at=HERE, word=8):
    m.k.region_bytes(m.r)[:4] = [0xC3, 0, 0, 0] if word == 8 else [0x1E, 0xFF, 0x2F, 0xE1]
    return m.k.call(m.t, at)


@pytest.mark.parametrize("name", ["x86_64-6.1", "uml-6.12", "arm-6.1"])
def test_code_runs_from_the_device_and_from_a_copy(machine, name):
    m = machine(name)
    m.map(prot=RWX)

    assert code(m, word=m.k.profile.word) == 0
    m.k.store(m.t, HERE + 8, 1, 1)
    assert code(m, word=m.k.profile.word) == 0


@pytest.mark.parametrize("name", ["x86_64-6.1", "arm-6.1"])
@pytest.mark.parametrize("prot", [RW, NONE])
def test_code_does_not_run_where_the_vma_is_not_executable(machine, name, prot):
    m = machine(name)
    m.map(prot=prot)

    assert code(m, word=m.k.profile.word) == Fault("SIGSEGV", "SEGV_ACCERR", HERE)


@pytest.mark.parametrize(("prot", "runs"), [(RW, True), (NONE, False)])
def test_on_um_what_can_be_read_can_run(machine, prot, runs):
    m = machine("uml-6.12")
    m.map(prot=prot)

    assert (code(m) == 0) == runs


def test_a_call_of_nothing_and_of_a_hole(machine):
    m = machine()
    m.map(prot=RX)

    assert m.k.call(m.t, THERE) == Fault("SIGSEGV", "SEGV_MAPERR", THERE)


def test_code_that_does_something_is_beyond_the_model(machine):
    m = machine()
    m.map(prot=RX)
    m.k.call(m.t, HERE)

    assert m.k.unknown


def test_a_first_fetch_fills_as_a_read_does(machine):
    m = machine()
    m.anon(prot=RX)
    m.k.call(m.t, THERE)

    assert m.k.ptes(m.t, THERE, PAGE) != [None]
