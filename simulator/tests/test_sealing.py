# SPDX-License-Identifier: GPL-2.0-or-later
"""What may still be done to a PFN mapping, and to anonymous memory, once it is sealed?"""

import errno

import pytest

from simulator import Fault
from simulator.tests.conftest import ANON, HERE, NONE, PAGE, PRIVATE, RO, RW, THERE

SEALING = ["x86_64-6.12", "x86_64-7.2", "uml-6.12", "uml-7.2"]
ALL = 4 * PAGE
DONTNEED, COLD, DONTFORK = 4, 20, 10


@pytest.fixture(params=SEALING)
def m(machine, request):
    m = machine(request.param)
    m.map()
    assert m.k.mseal(m.t, HERE, ALL) == 0
    return m


def test_a_sealed_mapping_is_not_unmapped_protected_or_moved(m):
    k, t = m.k, m.t

    assert k.munmap(t, HERE, ALL) == -errno.EPERM
    assert k.munmap(t, HERE + PAGE, PAGE) == -errno.EPERM
    assert k.mprotect(t, HERE, ALL, RW) == -errno.EPERM
    assert k.mprotect(t, HERE, PAGE, NONE) == -errno.EPERM
    assert k.mremap(t, HERE, ALL, PAGE, 0, 0) == -errno.EPERM
    assert k.mremap(t, HERE, ALL, ALL, 3, THERE) == -errno.EPERM


def test_nothing_is_mapped_over_a_sealed_mapping(m):
    assert m.k.mmap(m.t, HERE, PAGE, RW, ANON, None, 0) == -errno.EPERM
    assert m.k.mmap(m.t, HERE, PAGE, RW, PRIVATE, ("region", m.r), 0) == -errno.EPERM


def test_nothing_is_moved_over_a_sealed_mapping(m):
    m.anon()

    assert m.k.mremap(m.t, THERE, ALL, ALL, 3, HERE) == -errno.EPERM
    assert m.k.load(m.t, THERE, 1) == 0


def test_a_sealed_mapping_is_still_copied_on_write(m):
    assert m.k.store(m.t, HERE, 1, 0x41) == 0
    assert m.k.load(m.t, HERE, 1) == 0x41
    assert m.device() == 0x5A


def test_advice_is_refused_as_before_by_what_the_mapping_is(m):
    assert m.k.madvise(m.t, HERE, ALL, DONTNEED) == -errno.EINVAL
    assert m.k.madvise(m.t, HERE, ALL, DONTFORK) == 0


def test_the_seal_shows_in_vmflags_and_is_inherited(m):
    child = m.k.fork(m.t)

    assert m.smaps()[0]["VmFlags"][-1] == "sl"
    assert m.k.munmap(child, HERE, ALL) == -errno.EPERM


def test_sealing_a_part_splits(machine):
    """
    m   AABB     the second page is sealed
    """
    m = machine("x86_64-6.12")
    m.map()

    assert m.k.mseal(m.t, HERE + PAGE, PAGE) == 0
    assert len(m.smaps()) == 3
    assert m.k.munmap(m.t, HERE, PAGE) == 0
    assert m.k.munmap(m.t, HERE + 2 * PAGE, 2 * PAGE) == 0
    assert m.k.munmap(m.t, HERE, ALL) == -errno.EPERM


def test_a_range_with_a_hole_is_not_sealed_at_all(machine):
    m = machine("x86_64-6.12")
    m.map()
    m.k.munmap(m.t, HERE + PAGE, PAGE)

    assert m.k.mseal(m.t, HERE, ALL) == -errno.ENOMEM
    assert m.k.munmap(m.t, HERE, PAGE) == 0


@pytest.mark.parametrize(("at", "length", "error"), [(1, ALL, errno.EINVAL), (0, -1, errno.EINVAL), (0, 0, 0)])
def test_arguments(machine, at, length, error):
    m = machine("x86_64-6.12")
    m.map()

    assert m.k.mseal(m.t, HERE + at, length - 2 * PAGE if length < 0 else length) == -error


@pytest.mark.parametrize("name", ["x86_64-5.10", "x86_64-6.1", "uml-6.1", "arm-6.1", "2.6.15"])
def test_before_610_there_is_no_mseal(machine, name):
    m = machine(name)
    m.map()

    assert m.k.mseal(m.t, HERE, ALL) == -errno.ENOSYS


@pytest.mark.parametrize(("prot", "error"), [(RW, 0), (RO, errno.EPERM)])
@pytest.mark.parametrize("name", SEALING)
def test_read_only_anonymous_memory_is_not_discarded(machine, name, prot, error):
    m = machine(name)
    m.anon(prot=prot)
    m.k.mseal(m.t, THERE, ALL)

    assert m.k.madvise(m.t, THERE, ALL, DONTNEED) == -error
    assert m.k.madvise(m.t, THERE, ALL, COLD) == 0


@pytest.mark.parametrize(("name", "error"), [("x86_64-6.12", errno.EPERM), ("x86_64-7.2", errno.EINVAL)])
def test_a_special_mapping_without_a_file_counted_as_anonymous_on_612(machine, name, error):
    m = machine(name, premapped="[vvar]", has_file=False, insert="fault", maywrite=False, pgoff="zero")
    m.k.map_default(m.t, m.r, HERE, 0)
    m.k.mseal(m.t, HERE, ALL)

    assert m.k.madvise(m.t, HERE, ALL, DONTNEED) == -error


def test_a_sealed_page_still_faults(m):
    assert isinstance(m.k.load(m.t, THERE, 1), Fault)
