# SPDX-License-Identifier: GPL-2.0-or-later
"""Which node are raw and copied pages on, may they be moved, and may a PFN mapping have a policy?"""

import errno

import pytest

from simulator.tests.conftest import HERE, NONE, PAGE, RW, THERE

ASK, NODE = -1, 0
OLD, NEW = ["x86_64-5.10", "x86_64-6.1"], ["x86_64-6.12", "x86_64-7.2"]
DEFAULT, BIND, LOCAL = 0, 2, 4
STRICT, MOVE, MOVE_ALL = 1, 2, 4
ALL = 4 * PAGE


def status(m, at=HERE, pages=4, node=ASK):
    return m.k.move_pages(m.t, at, pages * PAGE, node)


@pytest.mark.parametrize(("name", "raw"), [(n, -errno.EFAULT) for n in OLD] + [(n, -errno.ENOENT) for n in NEW])
def test_a_raw_page_has_no_node_and_a_copy_has(machine, name, raw):
    m = machine(name)
    m.map()
    m.k.store(m.t, HERE + PAGE, 1, 1)

    assert status(m) == [raw, 0, raw, raw]


@pytest.mark.parametrize("name", OLD + NEW)
def test_no_page_of_a_pfn_mapping_is_moved(machine, name):
    m = machine(name)
    m.map()
    m.k.store(m.t, HERE + PAGE, 1, 1)

    assert status(m, node=NODE) == [-errno.EFAULT] * 4


@pytest.mark.parametrize(("name", "never"), [(n, -errno.EFAULT) for n in OLD] + [(n, -errno.ENOENT) for n in NEW])
def test_of_anonymous_memory_what_was_written_has_a_node(machine, name, never):
    m = machine(name)
    m.anon()
    m.k.store(m.t, THERE, 1, 1)
    m.k.load(m.t, THERE + PAGE, 1)

    assert status(m, THERE) == [0, -errno.EFAULT, never, never]
    assert status(m, THERE, node=NODE) == [0, -errno.EFAULT, never, never]


def test_never_touched_shared_memory_is_enoent_as_a_fault_could_bring_it(machine):
    m = machine("x86_64-5.10")
    m.k.mmap(m.t, THERE, PAGE, RW, 0x31, None, 0)

    assert status(m, THERE, 1) == [-errno.ENOENT]


@pytest.mark.parametrize(("name", "answer"), [("x86_64-5.10", 0), ("x86_64-6.1", -errno.ENOENT), ("x86_64-6.12", 0)])
def test_a_page_without_access_is_not_found_on_61(machine, name, answer):
    m = machine(name)
    m.anon()
    m.k.store(m.t, THERE, 1, 1)
    m.k.mprotect(m.t, THERE, PAGE, NONE)

    assert status(m, THERE, 1) == [answer]


def test_a_hole_is_efault_and_another_node_enodev(machine):
    m = machine()
    m.map()

    assert status(m, THERE, 1) == [-errno.EFAULT]
    assert status(m, node=1) == -errno.ENODEV
    assert status(m, pages=0) == []


@pytest.mark.parametrize("name", ["uml-6.12", "arm-6.1", "2.6.15"])
def test_without_numa_there_is_no_move_pages(machine, name):
    m = machine(name)
    m.map()

    assert status(m) == -errno.ENOSYS


@pytest.mark.parametrize("name", [*OLD, *NEW, "2.6.14", "2.6.15"])
@pytest.mark.parametrize("flags", [0, STRICT, STRICT | MOVE])
def test_mbind_of_a_pfn_mapping_is_0(machine, name, flags):
    m = machine(name, backing="reserved")
    m.map()
    m.k.store(m.t, HERE, 1, 1)
    old = name.startswith("2.6")

    assert m.k.mbind(m.t, HERE, ALL, BIND, flags) == (-errno.EINVAL if old and flags & MOVE else 0)


def test_the_commit_s_parent_refuses_to_bind_a_pfn_mapping(machine):
    m = machine("unpaged")
    m.map()

    assert m.k.mbind(m.t, HERE, ALL, BIND, 0) == -errno.EACCES


def test_a_policy_splits_the_vma_and_keeps_it_apart(machine):
    m = machine()
    m.anon()
    vmas = lambda: len(m.k.maps(m.t, THERE, THERE + ALL))  # noqa: E731
    m.k.mbind(m.t, THERE + PAGE, PAGE, BIND, 0)

    assert vmas() == 3
    assert m.k.mbind(m.t, THERE, ALL, DEFAULT, 0) == 0
    assert vmas() == 1


@pytest.mark.parametrize(("mode", "error"), [(BIND, errno.EFAULT), (DEFAULT, 0)])
def test_only_the_default_policy_passes_over_holes(machine, mode, error):
    m = machine()
    m.map()
    m.k.munmap(m.t, HERE + PAGE, PAGE)

    assert m.k.mbind(m.t, HERE, ALL, mode, 0) == -error
    assert m.k.mbind(m.t, THERE, ALL, mode, 0) == -errno.EFAULT


def test_a_strict_local_policy_finds_copies_and_no_raw_page(machine):
    m = machine()
    m.map()

    assert m.k.mbind(m.t, HERE, ALL, LOCAL, STRICT) == 0
    m.k.store(m.t, HERE, 1, 1)
    assert m.k.mbind(m.t, HERE, ALL, LOCAL, STRICT) == -errno.EIO
    assert m.k.mbind(m.t, HERE, ALL, LOCAL, MOVE) == 0


def test_moving_all_needs_a_capability(machine):
    m = machine()
    other = m.k.spawn(uid=1)
    m.map(task=other)

    assert m.k.mbind(other, HERE, ALL, BIND, MOVE_ALL) == -errno.EPERM


@pytest.mark.parametrize(
    ("at", "length", "mode", "flags", "error"),
    [
        (1, ALL, BIND, 0, errno.EINVAL),
        (0, ALL, 7, 0, errno.EINVAL),
        (0, ALL, BIND, 8, errno.EINVAL),
        (0, 0, BIND, 0, 0),
    ],
)
def test_mbind_refuses(machine, at, length, mode, flags, error):
    m = machine()
    m.map()

    assert m.k.mbind(m.t, HERE + at, length, mode, flags) == -error


def test_a_mapping_that_cannot_be_split_has_one_policy(machine):
    m = machine(may_split=False)
    m.map()

    assert m.k.mbind(m.t, HERE, PAGE, BIND, 0) == -errno.EINVAL
    assert m.k.mbind(m.t, HERE, ALL, BIND, 0) == 0


def test_moving_anonymous_pages_within_a_node_is_beyond_the_model(machine):
    m = machine()
    m.anon()
    m.k.store(m.t, THERE, 1, 1)
    m.k.mbind(m.t, THERE, ALL, LOCAL, MOVE)

    assert m.k.lost


def test_without_numa_there_is_no_mbind(machine):
    m = machine("uml-6.12")
    m.map()

    assert m.k.mbind(m.t, HERE, ALL, BIND, 0) == -errno.ENOSYS
