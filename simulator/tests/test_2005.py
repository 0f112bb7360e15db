# SPDX-License-Identifier: GPL-2.0-or-later
"""What the kernels of November 2005 did otherwise (6aab341e0a28 and its neighbours)."""

import errno

import pytest

from simulator.tests.conftest import FILL, HERE, PAGE, PRIVATE, SHARED, THERE

SEED, PARENT, FINAL, OLD = "2.6.15-rc3", "unpaged", "2.6.15", "2.6.14"


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
