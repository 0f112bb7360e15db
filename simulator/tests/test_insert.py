# SPDX-License-Identifier: GPL-2.0-or-later
"""Pages and pfns that a driver inserts singly, at faults, in reverse and in part."""

import errno

import pytest

from simulator import Fault
from simulator.tests.conftest import HERE, PAGE, PRIVATE, RO, RW, SHARED, THERE

KERNELS = ["x86_64-5.10", "x86_64-6.1", "x86_64-6.12", "x86_64-7.2", "arm-6.1"]
PAGES = {"backing": "ram", "by": "page"}
MIXED = {"backing": "ram", "by": "mixed", "insert": "fault"}
NORMAL = {"backing": "ram", "by": "normal", "insert": "fault"}


def counts(m, page=0):
    refcount, mapcount, _ = m.k.page_state(m.k.region_pfn(m.r) + page)
    return refcount, mapcount


def bits(m, at=HERE):
    entry = m.k.ptes(m.t, at, PAGE)[0]
    return None if entry is None else entry[0]


@pytest.mark.parametrize("name", KERNELS)
def test_raw_page_keeps_one_reference_and_no_mapping(machine, name):
    m = machine(name, backing="ram")
    m.map(PRIVATE)
    m.map(SHARED, at=THERE)
    child = m.k.fork(m.t)
    m.k.store(m.t, THERE, 8, 1)
    m.k.store(child, HERE, 8, 2)

    assert counts(m) == (1, 0)
    m.k.exit(child, 0)
    assert counts(m) == (1, 0)


@pytest.mark.parametrize("name", KERNELS)
def test_inserted_page_counts_and_is_given_back(machine, name):
    m = machine(name, **PAGES)
    m.map(SHARED)

    assert counts(m) == (2, 1)
    assert m.k.rss(m.t)[:2] == (0, 4)
    m.k.fork(m.t)
    assert counts(m) == (3, 2)
    m.k.munmap(m.t, HERE, 4 * PAGE)
    assert counts(m) == (2, 1)


def test_private_write_to_inserted_page_drops_its_reference(machine):
    m = machine(**PAGES)
    m.map(PRIVATE)
    m.k.store(m.t, HERE, 8, 1)

    assert counts(m) == (1, 0)
    assert m.k.rss(m.t)[:2] == (1, 3)
    assert m.device() == 0x5A


def test_inserted_page_is_open_to_get_user_pages(machine):
    m = machine(**PAGES)
    m.map(SHARED)

    assert m.k.process_vm_readv(m.t, m.t, HERE, 2) == b"\x5a\x5a"
    assert m.k.process_vm_writev(m.t, m.t, HERE, b"A") == 1
    assert m.device() == 0x41


def test_dontneed_of_inserted_page_leaves_a_hole(machine):
    m = machine(**PAGES)
    m.map(SHARED)

    assert m.k.madvise(m.t, HERE, PAGE, 4) == 0
    assert isinstance(m.k.load(m.t, HERE, 1), Fault)


@pytest.mark.parametrize(("name", "counted"), [("x86_64-6.1", (1, 0)), ("arm-6.1", (2, 1))])
def test_mixed_pfn_is_a_page_where_the_pte_could_not_tell(machine, name, counted):
    m = machine(name, **MIXED)
    m.map(SHARED)
    m.k.load(m.t, HERE, 1)

    assert counts(m) == counted
    assert ("special" in bits(m)) == (counted == (1, 0))


def test_first_private_write_copies_the_page_of_the_fault_handler(machine):
    m = machine(**NORMAL)
    m.map(PRIVATE)
    m.k.store(m.t, HERE, 1, 0x41)

    assert counts(m) == (1, 0)
    assert (m.k.load(m.t, HERE, 1), m.k.load(m.t, HERE + 1, 1)) == (0x41, 0x5A)
    assert m.k.rss(m.t)[:2] == (1, 0)


def test_first_shared_write_makes_the_page_dirty(machine):
    m = machine(**NORMAL)
    m.map(SHARED)
    m.k.store(m.t, HERE, 1, 0x41)

    assert "dirty" in m.k.page_state(m.k.region_pfn(m.r))[2]
    assert counts(m) == (2, 1)


def test_reversed_pages(machine):
    m = machine(order="reversed")
    m.map(SHARED)
    m.k.store(m.t, HERE, 1, 0x41)

    assert (m.device(0), m.device(3)) == (0x5A, 0x41)
    assert m.k.mmap(m.t, THERE, 2 * PAGE, RW, PRIVATE, ("region", m.r), 0) == -errno.EINVAL


def test_what_the_driver_left_out_is_sigbus(machine):
    m = machine(mapped=2)
    m.map(SHARED)

    assert m.k.load(m.t, HERE + PAGE, 1) == 0x5A
    assert m.k.load(m.t, HERE + 2 * PAGE, 1).signal == "SIGBUS"


def test_a_fault_may_fill_the_vma(machine):
    m = machine(insert="fault", around=True)
    m.map(SHARED)
    m.k.load(m.t, HERE + PAGE, 1)

    assert None not in m.k.ptes(m.t, HERE, 4 * PAGE)


@pytest.mark.parametrize(("pages", "answer"), [(4, HERE), (3, -errno.EINVAL)])
def test_length_that_must_be_exact(machine, pages, answer):
    m = machine(length="exact")

    assert m.k.mmap(m.t, HERE, pages * PAGE, RO, SHARED, ("region", m.r), 0) == answer


def test_place_that_cannot_be_chosen(machine):
    m = machine(fixed=False)

    assert m.k.mmap(m.t, HERE, PAGE, RO, SHARED, ("region", m.r), 0) == -errno.EINVAL
    assert m.k.mmap(m.t, -m.k.arena, PAGE, RO, 1, ("region", m.r), 0) > 0


def test_copy_is_not_special_and_fork_makes_it_old_in_the_child(machine):
    m = machine()
    m.map(PRIVATE)
    m.k.store(m.t, HERE + PAGE, 8, 1)
    child = m.k.fork(m.t)

    assert bits(m, HERE + PAGE) == {"present", "dirty", "young?"}
    assert m.k.ptes(child, HERE, PAGE)[0][0] == {"present", "special"}


@pytest.mark.parametrize(("name", "write"), [("x86_64-5.10", False), ("x86_64-6.1", True), ("x86_64-7.2", True)])
def test_mprotect_makes_an_exclusive_copy_writable(machine, name, write):
    m = machine(name)
    m.map(PRIVATE)
    m.k.store(m.t, HERE, 8, 1)
    m.k.mprotect(m.t, HERE, PAGE, RO)
    m.k.mprotect(m.t, HERE, PAGE, RW)

    assert ("write" in bits(m)) == write


@pytest.mark.parametrize(("name", "answer"), [("x86_64-6.1", b"A\x5a"), ("arm-6.1", -errno.EFAULT)])
def test_vmsplice_takes_a_copy_by_its_pte(machine, name, answer):
    m = machine(name)
    m.map(PRIVATE)
    for _ in range(2):
        m.k.store(m.t, HERE, 1, 0x41)

    assert m.k.vmsplice(m.t, HERE, 2) == answer
    assert m.k.vmsplice(m.t, HERE + PAGE, 2) == -errno.EFAULT


def test_driver_s_flags_at_a_fault_are_its_own(machine):
    m = machine(insert="fault", flags_add=("de",))
    m.map(SHARED, prot=RO)

    assert m.k.vmas(m.t, HERE, HERE + PAGE)[0]["flags"] >= {"pfnmap", "dontexpand"}
    assert "io" not in m.k.vmas(m.t, HERE, HERE + PAGE)[0]["flags"]


def test_shared_raw_pte_is_clean_and_old_in_the_child_and_stays_as_it_was_in_the_parent(machine):
    m = machine()
    m.map(SHARED)
    m.k.store(m.t, HERE, 8, 1)
    child = m.k.fork(m.t)

    assert m.k.ptes(child, HERE, PAGE)[0][0] == {"present", "write", "special"}
    assert bits(m, HERE) == {"present", "write", "dirty", "young", "special"}
