# SPDX-License-Identifier: GPL-2.0-or-later
"""What must hold after any program: counts are what the page tables say, vmas are in order."""

from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simulator import flags as f
from simulator.normal import vm_normal_page
from simulator.pgtable import P_PRESENT
from simulator.physmem import PG_ANON, PG_PAGE, REGION_BASE, ZERO_PFN
from simulator.tests.programs import Run, programs, ways

# Kernels whose accounting is sound; 2005's commit and its parent leak by design of their rules (tests/test_2005.py).
SOUND = st.sampled_from(["x86_64-5.10", "x86_64-6.1", "x86_64-7.2", "uml-6.1", "uml-6.12", "arm-6.1"])


def pages_of(run, task):
    for vma in task.vmas:
        for index, pte in enumerate(vma.ptes.tolist()):
            page = vm_normal_page(run.k, vma, index, pte) if pte & P_PRESENT else 0
            if page:
                yield page


@pytest.mark.slow
@settings(max_examples=100, deadline=None)
@given(profile=SOUND, backing=ways, program=programs)
def test_counts_are_what_the_page_tables_say(profile, backing, program):
    run = Run(profile, backing).run(program)
    mem = run.k.mem
    mapped = Counter[int]()
    for task in run.alive():
        pages = list(pages_of(run, task))
        mapped.update(pages)
        anon = sum(bool(mem.flags[page] & PG_ANON) for page in pages)
        assert (task.anon_rss, task.file_rss) == (anon, len(pages) - anon)
    for pfn in range(ZERO_PFN + 1, mem.next):
        assert mem.mapcount[pfn] == mapped[pfn]
        assert mem.refcount[pfn] == mapped[pfn]
    for pfn in range(REGION_BASE, mem.next_region):
        assert mem.mapcount[pfn] == mapped[pfn]
        assert mem.refcount[pfn] == mapped[pfn] + bool(mem.flags[pfn] & PG_PAGE)


@pytest.mark.slow
@settings(max_examples=60, deadline=None)
@given(profile=SOUND, backing=ways, program=programs)
def test_vmas_are_in_order_and_cover_what_is_counted(profile, backing, program):
    run = Run(profile, backing).run(program)
    for task in run.alive():
        assert task.starts == [vma.start for vma in task.vmas]
        assert all(a.end <= b.start for a, b in zip(task.vmas, task.vmas[1:], strict=False))
        assert all(len(vma.ptes) == vma.pages > 0 for vma in task.vmas)
        assert task.total_vm == sum(vma.pages for vma in task.vmas)
        assert task.locked_vm == sum(vma.pages for vma in task.vmas if vma.flags & f.VM_LOCKED)


@pytest.mark.slow
@settings(max_examples=60, deadline=None)
@given(profile=SOUND, backing=ways, program=programs)
def test_every_page_comes_back_when_all_have_ended(profile, backing, program):
    run = Run(profile, backing).run(program)
    for task in run.alive():
        run.k.exit(task, 0)
        assert (task.anon_rss, task.file_rss, task.total_vm, task.locked_vm) == (0, 0, 0, 0)
    free = len(run.k.mem.free) + sum(count for _, count in run.k.mem.free_runs)

    assert free == run.k.mem.next - 2


@pytest.mark.slow
@settings(max_examples=40, deadline=None)
@given(profile=SOUND, program=programs)
def test_only_shared_mappings_change_the_device(profile, program):
    if profile.startswith("uml"):
        return  # a kernel copy may write through a private mapping there (uaccess.one-fault-only)
    private = [op for op in program if not (op[0] == "mmap" and op[2] == 0x11)]
    run = Run(profile, "absent").run(private)

    assert set(run.k.region_bytes(run.r).tobytes()) == {0x5A}
