# SPDX-License-Identifier: GPL-2.0-or-later
"""mm/memory.c do_wp_page(), wp_page_copy()."""

import pytest

from simulator import profile_names
from simulator.tests.conftest import FILL, HERE, NONE, PAGE, RO, RW, SHARED, THERE

COPYING = [name for name in profile_names() if name not in ("unpaged", "2.6.14", "2.6.15-rc2")]


@pytest.mark.parametrize("name", COPYING)
def test_private_write_leaves_the_device_alone(machine, name):
    m = machine(name)
    m.map()

    assert m.k.store(m.t, HERE, 1, 0x41) == 0
    assert m.k.load(m.t, HERE, 1) == 0x41
    assert m.device() == FILL


@pytest.mark.parametrize("name", COPYING)
def test_aligned_copy_is_exact(machine, name):
    m = machine(name)
    m.map()
    m.k.poke(m.r, 0x123, 1, 0x77)
    m.k.store(m.t, HERE, 1, 0x41)

    assert m.k.load(m.t, HERE + 0x123, 1) == 0x77
    assert m.k.load(m.t, HERE + PAGE - 1, 1) == FILL


def test_shared_write_reaches_the_device(machine):
    m = machine()
    m.map(SHARED)
    m.k.store(m.t, HERE + PAGE, 1, 0x41)

    assert m.device(1) == 0x41
    assert m.k.rss(m.t)[:2] == (0, 0)


def test_neighbours_of_a_copied_page_stay_raw(machine):
    m = machine()
    m.map()
    m.k.store(m.t, HERE + PAGE, 1, 0x41)
    m.k.poke(m.r, 0, 1, 0x11)
    m.k.poke(m.r, PAGE, 1, 0x22)

    assert m.k.load(m.t, HERE, 1) == 0x11
    assert m.k.load(m.t, HERE + PAGE, 1) == 0x41


def test_copied_page_is_one_anonymous_page(machine):
    m = machine()
    m.map()
    m.k.store(m.t, HERE, 1, 0x41)
    m.k.store(m.t, HERE, 1, 0x42)

    assert m.k.rss(m.t) == (1, 0, 4, 0)
    assert m.k.munmap(m.t, HERE, 4 * PAGE) == 0
    assert m.k.rss(m.t) == (0, 0, 0, 0)


def test_copy_survives_prot_none(machine):
    m = machine()
    m.map()
    m.k.store(m.t, HERE, 1, 0x41)
    m.k.mprotect(m.t, HERE, PAGE, NONE)
    m.k.mprotect(m.t, HERE, PAGE, RW)

    assert m.k.load(m.t, HERE, 1) == 0x41


def test_raw_private_page_copies_after_it_was_made_writable(machine):
    m = machine()
    m.map(prot=RO)
    m.k.mprotect(m.t, HERE, PAGE, RW)
    m.k.store(m.t, HERE, 1, 0x41)

    assert m.device() == FILL
    assert m.k.rss(m.t)[0] == 1


def test_anonymous_memory_reads_zero_and_costs_nothing_until_written(machine):
    m = machine()
    m.anon()

    assert m.k.load(m.t, THERE, 8) == 0
    assert m.k.rss(m.t)[:2] == (0, 0)
    assert m.k.store(m.t, THERE, 8, 7) == 0
    assert m.k.rss(m.t)[:2] == (1, 0)


def test_old_pte_needs_two_faults_where_no_hardware_sets_the_accessed_bit(machine):
    # User-Mode Linux: read(2) into a raw page that the child has not touched writes to the device.
    m = machine("uml-6.1")
    m.map()
    child = m.k.fork(m.t)

    assert m.k.read_into(child, HERE + 8, b"A") == 1
    assert m.device() == FILL
    assert m.k.peek(m.r, 8, 1) == 0x41
    assert "uaccess.one-fault-only" in m.k.rules


def test_page_aligned_kernel_copy_of_uml_faults_twice(machine):
    m = machine("uml-6.1")
    m.map()
    child = m.k.fork(m.t)

    assert m.k.read_into(child, HERE, b"A") == 1
    assert m.device() == FILL


def test_page_that_lands_on_the_linear_pfn_is_taken_for_raw(machine):
    # The linear rule's blind spot, live on User-Mode Linux: the copy gets the very frame that it is a copy of.
    m = machine("uml-6.1", backing="ram")
    m.map()
    m.k.mem.preferred.append(m.k.region_pfn(m.r))
    m.k.store(m.t, HERE, 1, 0x41)

    assert m.device() == 0x41
    assert m.k.rss(m.t)[0] == 1
    m.k.munmap(m.t, HERE, 4 * PAGE)
    assert m.k.rss(m.t)[0] == 1  # never given back


def test_pte_special_has_no_such_blind_spot(machine):
    m = machine("x86_64-6.1", backing="ram")
    m.map()
    m.k.mem.preferred.append(m.k.region_pfn(m.r))
    m.k.store(m.t, HERE, 1, 0x41)
    m.k.munmap(m.t, HERE, 4 * PAGE)

    assert m.k.rss(m.t)[0] == 0
