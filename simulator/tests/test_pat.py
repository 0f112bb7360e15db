# SPDX-License-Identifier: GPL-2.0-or-later
"""What x86 has reserved of a cache type is given back by the vma: the whole of it, or its end; a part is invalid."""

import pytest

from simulator.tests.conftest import HERE as AT
from simulator.tests.conftest import PAGE, PRIVATE, SHARED, THERE

INVALID = "freeing invalid memtype"


@pytest.fixture
def mapped(machine):
    """A kernel, a process that has mapped four pages, and the first one's pfn."""

    def make(profile="x86_64-6.1", flags=SHARED, **traits):
        m = machine(profile, **traits)
        m.map(flags)
        return m.k, m.t, m.k.region_pfn(m.r)

    return make


def parts(k):
    """The first and the last page of each range that was told of as invalid."""
    ends = [line.split("[mem ")[1].rstrip("]").split("-") for line in k.klog if line.startswith(INVALID)]
    return [(int(first, 16) // PAGE, int(last, 16) // PAGE) for first, last in ends]


def test_a_remap_of_the_whole_vma_is_reserved_and_given_back(mapped):
    k, t, pfn = mapped()
    assert k.memtypes == [(pfn, pfn + 4)]
    assert k.munmap(t, AT, 4 * PAGE) == 0
    assert (k.memtypes, k.klog) == ([], [])


def test_the_end_can_be_given_back_first(mapped):
    k, t, pfn = mapped()
    assert k.munmap(t, AT + 3 * PAGE, PAGE) == 0
    assert k.memtypes == [(pfn, pfn + 3)]
    assert k.munmap(t, AT, 3 * PAGE) == 0
    assert (k.memtypes, k.klog) == ([], [])


def test_a_first_page_is_invalid_and_stays_reserved(mapped):
    k, t, pfn = mapped()
    assert k.munmap(t, AT, PAGE) == 0
    assert parts(k) == [(pfn, pfn)]
    assert k.munmap(t, AT + PAGE, 3 * PAGE) == 0
    assert k.memtypes == [(pfn, pfn + 1)]


def test_each_part_of_a_split_mapping_is_given_back_for_itself(mapped):
    k, t, pfn = mapped()
    assert k.mprotect(t, AT + PAGE, PAGE, 1) == 0
    assert k.munmap(t, AT, 4 * PAGE) == 0
    assert parts(k) == [(pfn, pfn), (pfn + 1, pfn + 1)]
    assert k.memtypes == [(pfn, pfn + 2)]


def test_a_child_reserves_the_range_once_more_and_exit_gives_it_back(mapped):
    k, t, pfn = mapped()
    child = k.fork(t)
    assert k.memtypes == [(pfn, pfn + 4)] * 2
    k.exit(child, 0)
    assert k.memtypes == [(pfn, pfn + 4)]


def test_a_move_takes_the_reservation_along(mapped):
    k, t, pfn = mapped()
    assert k.mremap(t, AT, 4 * PAGE, 4 * PAGE, 3, THERE) == THERE
    assert k.memtypes == [(pfn, pfn + 4)]
    assert k.munmap(t, THERE, 4 * PAGE) == 0
    assert (k.memtypes, k.klog) == ([], [])


def test_a_private_mapping_whose_first_page_is_a_copy_is_told_by_its_pgoff(mapped):
    k, t, _ = mapped(flags=PRIVATE)
    assert k.store(t, AT, 1, 0x41) == 0
    assert k.munmap(t, AT, 4 * PAGE) == 0
    assert (k.memtypes, k.klog) == ([], [])


@pytest.mark.parametrize(("profile", "left"), [("x86_64-5.10", 0), ("x86_64-6.1", 1)])
def test_a_fork_that_fails_gives_the_parents_back_before_the_fix_and_not_after_it(mapped, profile, left):
    k, t, _ = mapped(profile, PRIVATE)
    assert k.store(t, AT, 1, 0x41) == 0
    assert k.fork(t) == -12
    assert len(k.memtypes) == left
    assert k.munmap(t, AT, 4 * PAGE) == 0
    assert len(parts(k)) == 1 - left


@pytest.mark.parametrize(
    ("profile", "backing"), [("x86_64-6.1", "ram"), ("x86_64-7.2", "absent"), ("uml-6.1", "absent")]
)
def test_neither_ram_nor_another_architecture_nor_6_16_is_tracked_so(mapped, profile, backing):
    k, t, _ = mapped(profile, backing=backing)
    assert k.memtypes == []
    assert k.munmap(t, AT, PAGE) == 0
    assert k.klog == []
