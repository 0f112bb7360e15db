# SPDX-License-Identifier: GPL-2.0-or-later
"""What do clear_refs and userfaultfd do to a PFN mapping, and to the pages beside it?"""

import errno

import pytest

from simulator.tests.conftest import HERE, NONE, PAGE, RO, RW, SHARED, THERE

ALL = 4 * PAGE
X86 = ["x86_64-5.10", "x86_64-6.1", "x86_64-6.12", "x86_64-7.2"]
MISSING, WP, MINOR = 1, 2, 4


def soft_dirty(m, at=HERE, pages=4):
    return ["soft-dirty" in words for words, _ in m.k.pagemap(m.t, at, pages * PAGE)]


def pte(m, at=HERE):
    entry = m.k.ptes(m.t, at, PAGE)[0]
    assert entry is not None
    return entry[0]


def referenced(m, at=HERE):
    return m.smaps(at)[0]["Referenced"]


@pytest.mark.parametrize("name", X86)
def test_a_pfn_mapping_is_soft_dirty_by_its_vma_and_no_write_brings_it_back(machine, name):
    m = machine(name)
    m.map()

    assert soft_dirty(m) == [True] * 4
    m.k.clear_refs(m.t, 4)
    m.k.store(m.t, HERE, 1, 1)
    assert soft_dirty(m) == [False] * 4
    assert "sd" not in m.smaps()[0]["VmFlags"]


@pytest.mark.parametrize("name", X86)
def test_afterwards_mprotect_leaves_shared_raw_ptes_read_only_until_a_write(machine, name):
    m = machine(name)
    m.map(SHARED)
    m.k.clear_refs(m.t, 4)

    assert "write" in pte(m)
    m.k.mprotect(m.t, HERE, ALL, RO)
    m.k.mprotect(m.t, HERE, ALL, RW)
    assert "write" not in pte(m)
    assert m.k.store(m.t, HERE, 1, 0x41) == 0
    assert "write" in pte(m)
    assert m.device() == 0x41


def test_a_new_mapping_is_soft_dirty_and_not_tracked(machine):
    m = machine()
    m.k.clear_refs(m.t, 4)
    m.map(SHARED)
    m.k.mprotect(m.t, HERE, ALL, RO)
    m.k.mprotect(m.t, HERE, ALL, RW)

    assert "write" in pte(m)


@pytest.mark.parametrize("name", X86)
def test_anonymous_memory_tells_what_was_written_since(machine, name):
    m = machine(name)
    m.anon()
    for page in range(2):
        m.k.store(m.t, THERE + page * PAGE, 1, 1)
    m.k.clear_refs(m.t, 4)

    assert soft_dirty(m, THERE) == [False] * 4
    m.k.store(m.t, THERE, 1, 2)
    assert soft_dirty(m, THERE) == [True, False, False, False]


def test_a_move_makes_pages_soft_dirty(machine):
    m = machine("x86_64-6.1")
    m.anon()
    m.k.store(m.t, THERE, 1, 1)
    m.k.clear_refs(m.t, 4)
    m.k.mremap(m.t, THERE, ALL, ALL, 3, 2 * THERE)

    assert soft_dirty(m, 2 * THERE) == [True, False, False, False]


@pytest.mark.parametrize("name", ["uml-6.12", "arm-6.1"])
def test_without_soft_dirty_4_changes_nothing(machine, name):
    m = machine(name)
    m.anon()
    m.k.store(m.t, THERE, 1, 1)
    before = m.k.ptes(m.t, THERE, ALL)

    assert m.k.clear_refs(m.t, 4) == 0
    assert m.k.ptes(m.t, THERE, ALL) == before


@pytest.mark.parametrize("name", ["x86_64-6.12", "x86_64-7.2"])
@pytest.mark.parametrize(("number", "anon", "file"), [(1, 0, 0), (2, 0, 4), (3, 4, 0)])
def test_1_2_and_3_make_pages_old_by_their_kind_of_vma(machine, name, number, anon, file):
    m = machine(name)
    m.anon()
    m.k.mmap(m.t, HERE, PAGE, RW, 0x31, None, 0)
    for at in (HERE, THERE):
        m.k.store(m.t, at, 1, 1)

    assert m.k.clear_refs(m.t, number) == 0
    assert (referenced(m, THERE), referenced(m, HERE)) == (anon, file)


def test_whether_the_next_access_makes_a_page_young_is_the_tlb_s(machine):
    m = machine("x86_64-6.12")
    m.anon()
    m.k.store(m.t, THERE, 1, 1)
    m.k.clear_refs(m.t, 1)
    m.k.load(m.t, THERE, 1)

    assert referenced(m, THERE) == (0, 4)
    assert "young?" in pte(m, THERE)


def test_a_copy_in_a_pfn_mapping_stays_young(machine):
    m = machine("x86_64-6.12")
    m.map()
    m.k.store(m.t, HERE, 1, 1)
    m.k.clear_refs(m.t, 1)

    assert referenced(m) == 4


@pytest.mark.parametrize(("number", "answer"), [(0, -errno.EINVAL), (6, -errno.EINVAL), (5, 0)])
def test_the_numbers_are_1_to_5(machine, number, answer):
    m = machine("x86_64-6.1")
    m.map()

    assert m.k.clear_refs(m.t, number) == answer
    assert soft_dirty(m) == [True] * 4


def test_2005_had_no_clear_refs_and_no_userfaultfd(machine):
    m = machine("2.6.15")

    assert (m.k.clear_refs(m.t, 1), m.k.stage) == (-errno.ENOENT, "open")
    assert (m.k.uffd_register(m.t, HERE, PAGE, 1), m.k.stage) == (-errno.ENOSYS, "open")


@pytest.mark.parametrize("name", [*X86, "uml-5.10", "uml-7.2", "arm-6.1"])
@pytest.mark.parametrize("mode", [MISSING, WP, MINOR])
def test_a_pfn_mapping_is_no_userfaultfd_s(machine, name, mode):
    m = machine(name)
    m.map()

    assert m.k.uffd_register(m.t, HERE, ALL, mode) == -errno.EINVAL


@pytest.mark.parametrize(
    ("name", "anonymous", "shared"),
    [
        ("x86_64-5.10", MISSING | WP, MISSING),
        ("x86_64-6.1", MISSING | WP, MISSING | WP | MINOR),
        ("uml-5.10", MISSING | WP, MISSING),
        ("uml-6.1", MISSING, MISSING),
        ("arm-6.1", MISSING, MISSING),
    ],
)
def test_anonymous_memory_can_be_registered_in_the_modes_that_there_are(machine, name, anonymous, shared):
    m = machine(name)
    m.anon()
    m.k.mmap(m.t, HERE, ALL, RW, 0x31, None, 0)

    for mode in range(1, 8):
        assert m.k.uffd_register(m.t, THERE, ALL, mode) == (-errno.EINVAL if mode & ~anonymous else 0)
        assert m.k.uffd_register(m.t, HERE, ALL, mode) == (-errno.EINVAL if mode & ~shared else 0)


def test_a_driver_s_mapping_in_the_range_spoils_it_and_a_hole_does_not(machine):
    m = machine()
    m.anon()
    m.k.munmap(m.t, THERE + PAGE, PAGE)

    assert m.k.uffd_register(m.t, THERE, ALL, MISSING) == 0
    m.map(at=THERE + PAGE, pages=1)
    assert m.k.uffd_register(m.t, THERE, ALL, MISSING) == -errno.EINVAL
    assert m.k.uffd_register(m.t, HERE, ALL, MISSING) == -errno.EINVAL


@pytest.mark.parametrize(
    ("at", "length", "mode"), [(1, PAGE, 1), (0, PAGE + 1, 1), (0, 0, 1), (0, PAGE, 0), (0, PAGE, 8)]
)
def test_register_refuses(machine, at, length, mode):
    m = machine()
    m.anon()

    assert m.k.uffd_register(m.t, THERE + at, length, mode) == -errno.EINVAL


@pytest.mark.parametrize(("name", "write"), [("x86_64-5.10", True), ("x86_64-6.1", False), ("x86_64-6.12", True)])
def test_closing_a_write_protecting_userfaultfd_leaves_ptes_protected_on_61(machine, name, write):
    m = machine(name)
    m.anon()
    m.k.store(m.t, THERE, 1, 1)
    m.k.uffd_register(m.t, THERE, ALL, WP)

    assert ("write" in pte(m, THERE)) == write
    assert m.k.store(m.t, THERE, 1, 2) == 0


def test_what_a_fork_shares_is_not_made_writable_when_it_is_closed(machine):
    m = machine("x86_64-6.12")
    m.anon()
    m.k.store(m.t, THERE, 1, 1)
    m.k.fork(m.t)
    m.k.uffd_register(m.t, THERE, ALL, WP)

    assert "write" not in pte(m, THERE)


def test_no_access_stays_no_access(machine):
    m = machine("x86_64-6.12")
    m.anon()
    m.k.store(m.t, THERE, 1, 1)
    m.k.mprotect(m.t, THERE, ALL, NONE)
    m.k.uffd_register(m.t, THERE, ALL, WP)

    assert "write" not in pte(m, THERE)
