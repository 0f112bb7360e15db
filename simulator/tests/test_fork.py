# SPDX-License-Identifier: GPL-2.0-or-later
"""kernel/fork.c dup_mmap(), mm/memory.c copy_page_range()."""

import errno

import pytest

from simulator.tests.conftest import FILL, HERE, PAGE, SHARED, THERE

DONTFORK, WIPEONFORK = 10, 18


def test_private_writes_of_parent_and_child_are_their_own(machine):
    m = machine("uml-6.12")
    m.map()
    child = m.k.fork(m.t)
    m.k.store(child, HERE, 1, 0x41)
    m.k.store(m.t, HERE, 1, 0x42)

    assert m.k.load(child, HERE, 1) == 0x41
    assert m.k.load(m.t, HERE, 1) == 0x42
    assert m.device() == FILL


def test_shared_write_of_a_child_is_the_device_s(machine):
    m = machine()
    m.map(SHARED)
    child = m.k.fork(m.t)
    m.k.store(child, HERE, 1, 0x41)

    assert m.k.load(m.t, HERE, 1) == 0x41
    assert m.device() == 0x41


def test_copied_page_is_shared_until_one_writes(machine):
    m = machine("uml-6.12")
    m.map()
    m.k.store(m.t, HERE, 1, 0x41)
    child = m.k.fork(m.t)
    shared = m.smaps()[0]
    m.k.store(child, HERE, 1, 0x42)
    alone = m.smaps()[0]

    assert (shared["Shared_Dirty"], shared["Private_Dirty"], shared["Pss"]) == (4, 0, 2)
    assert (alone["Shared_Dirty"], alone["Private_Dirty"], alone["Pss"]) == (0, 4, 4)
    assert m.k.load(m.t, HERE, 1) == 0x41


def test_raw_pages_are_not_counted_in_the_child(machine):
    m = machine(backing="reserved")
    m.map()
    child = m.k.fork(m.t)

    assert m.k.rss(child) == (0, 0, 4, 0)
    assert m.k.kpagecount(m.k.region_pfn(m.r)) == 0


def test_dontfork_vma_is_not_in_the_child(machine):
    m = machine()
    m.map()
    assert m.k.madvise(m.t, HERE, 4 * PAGE, DONTFORK) == 0
    child = m.k.fork(m.t)

    assert m.k.load(child, HERE, 1).code == "SEGV_MAPERR"
    assert m.k.rss(child)[2] == 0


def test_wipeonfork_memory_is_empty_in_the_child(machine):
    m = machine()
    m.anon()
    m.k.store(m.t, THERE, 1, 0x41)
    assert m.k.madvise(m.t, THERE, 4 * PAGE, WIPEONFORK) == 0
    child = m.k.fork(m.t)

    assert m.k.load(child, THERE, 1) == 0
    assert m.k.load(m.t, THERE, 1) == 0x41


@pytest.mark.parametrize(("name", "fails"), [("x86_64-6.1", True), ("x86_64-7.2", False), ("uml-6.1", False)])
def test_fork_with_a_copied_first_page(machine, name, fails):
    m = machine(name)
    m.map()
    m.k.store(m.t, HERE, 1, 0x41)
    child = m.k.fork(m.t)

    assert (child == -errno.ENOMEM) is fails


def test_fork_with_a_later_page_copied_works_on_x86(machine):
    m = machine("x86_64-6.1")
    m.map()
    m.k.store(m.t, HERE + PAGE, 1, 0x41)

    assert not isinstance(m.k.fork(m.t), int)


def test_failed_fork_leaves_the_counts_as_they_were(machine):
    m = machine("x86_64-6.1")
    m.map()
    m.anon(at=PAGE)
    m.k.store(m.t, PAGE, 1, 1)
    m.k.store(m.t, HERE, 1, 0x41)
    assert m.k.fork(m.t) == -errno.ENOMEM

    assert m.smaps(PAGE)[0]["Private_Dirty"] == 4


def test_touched_dontfork_page_stays_reachable_in_an_old_uml_child(machine):
    m = machine("uml-6.1")
    m.map()
    m.k.load(m.t, HERE, 1)
    m.k.madvise(m.t, HERE, 4 * PAGE, DONTFORK)
    child = m.k.fork(m.t)

    assert m.k.load(child, HERE, 1) == FILL
    assert m.k.load(child, HERE + PAGE, 1).signal == "SIGSEGV"
    assert m.k.write_from(child, HERE, 1) == -errno.EFAULT


def test_exit_status_is_told_once(machine):
    m = machine()
    child = m.k.fork(m.t)
    m.k.exit(child, 3)

    assert m.k.wait(m.t, child) == 3 << 8
    assert m.k.wait(m.t, child) == -errno.ECHILD
