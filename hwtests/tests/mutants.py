# SPDX-License-Identifier: GPL-2.0-or-later
"""What if the simulator were wrong?  Deliberate mistakes, each applied by name, for tests that must see every one."""

import dataclasses
import functools
import sys
from collections.abc import Callable

import pytest

import simulator.fork
import simulator.mprotect
import simulator.mremap
import simulator.vma
import simulator.zap
from hwtests import predict
from simulator import Kernel, cow, fault, gup
from simulator import flags as f
from simulator.pgtable import P_PRESENT, P_WRITE, PFN_SHIFT
from simulator.physmem import PAGE_MASK, PAGE_SHIFT

MUTANTS: dict[str, Callable[[pytest.MonkeyPatch], None]] = {}


def apply(name: str, patch: pytest.MonkeyPatch) -> None:
    """Make the mistake `name` until `patch` is undone; the simulated machine is made anew on both sides."""
    patch.setattr(predict, "_machine", [])
    MUTANTS[name](patch)


def mutant(name):
    def register(make):
        MUTANTS[name] = make
        return make

    return register


def instead(patch, function, replacement):
    # A function is bound by name in every module that imported it.
    for module in [m for name, m in sys.modules.items() if name.partition(".")[0] == "simulator"]:
        for name, value in list(vars(module).items()):
            if value is function:
                patch.setattr(module, name, replacement)


def wrapped(patch, function):
    # Replace `function` by the decorated one, which is given the original.
    def decorate(around):
        instead(patch, function, functools.wraps(function)(functools.partial(around, function)))

    return decorate


def profiled(name, **changes):
    # A mistake in a profile: the wrong variant of a rule.
    def make(patch):
        original = Kernel.set_profile

        def set_profile(self, profile):
            original(self, dataclasses.replace(profile, **changes))
            self.profile = dataclasses.replace(profile, **changes)

        patch.setattr(Kernel, "set_profile", set_profile)

    MUTANTS[name] = make


profiled("mlock-locks-special-mappings", mlock_special="counted")
profiled("madvise-dontneed-allowed", madvise_dontneed_refuse=())
profiled("smaps-counts-raw-pages", smaps_raw="counted")
profiled("mremap-may-grow", mremap_grow_refuse=())
profiled("maps-offset-stays-the-file-offset", remap_pgoff="never")
profiled("get-user-pages-takes-raw-pages", gup_refuse=())
profiled("msync-succeeds-without-fsync", msync_nofsync=False)


@mutant("fork-does-not-write-protect")
def _(patch):
    @wrapped(patch, simulator.fork.copy_page_range)
    def copy_page_range(original, k, parent, child, vma, new):
        writable = [bool(pte & P_WRITE) for pte in vma.ptes.tolist()]
        original(k, parent, child, vma, new)
        for index, was in enumerate(writable):
            if was:
                vma.view[index] |= P_WRITE
                new.view[index] |= P_WRITE


@mutant("fork-copies-no-raw-pages")
def _(patch):
    @wrapped(patch, simulator.fork.copy_page_range)
    def copy_page_range(original, k, parent, child, vma, new):
        if not vma.flags & f.VM_PFNMAP:
            original(k, parent, child, vma, new)


@mutant("rss-counts-raw-pages")
def _(patch):
    original = Kernel.rss

    def rss(self, task):
        anon, file, size, locked = original(self, task)
        raw = sum(
            1 for vma in task.vmas if vma.flags & f.VM_PFNMAP for pte in vma.ptes.tolist()
            if pte & P_PRESENT and not self.is_anon(pte >> PFN_SHIFT)
        )  # fmt: skip
        return anon, file + raw, size, locked

    patch.setattr(Kernel, "rss", rss)


@mutant("mremap-forgets-pgoff")
def _(patch):
    @wrapped(patch, simulator.mremap.move_vma)
    def move_vma(original, k, task, vma, addr, *rest):
        to = original(k, task, vma, addr, *rest)
        moved = task.vma_lookup(to) if to >= 0 else None
        if moved is not None and moved.backing is not None:
            moved.pgoff = 0
        return to


@mutant("copy-of-a-raw-page-is-zeros")
def _(patch):
    @wrapped(patch, cow.cow_user_page)
    def cow_user_page(original, k, task, vma, new, *rest):
        k.mem.clear(new)


@mutant("copy-leaves-the-device-page-written")
def _(patch):
    # A private write reaches the device: do_wp_page() makes the raw pte writable.
    @wrapped(patch, cow.do_wp_page)
    def do_wp_page(original, k, task, vma, index, address):
        pte = vma.view[index]
        if vma.flags & f.VM_PFNMAP and not k.is_anon(pte >> PFN_SHIFT):
            vma.view[index] = pte | P_WRITE
            return 0
        return original(k, task, vma, index, address)


@mutant("ptrace-write-reaches-the-device-through-a-private-mapping")
def _(patch):
    original = Kernel.ptrace_poke

    def ptrace_poke(self, task, target, addr, value):
        vma = target.vma_lookup(addr)
        if vma is not None and vma.flags & f.VM_PFNMAP and vma.flags & f.VM_WRITE and not vma.flags & f.VM_SHARED:
            pfn = vma.view[(addr - vma.start) >> PAGE_SHIFT] >> PFN_SHIFT
            self.write_frame(pfn, addr & PAGE_MASK, value.to_bytes(8, "little"))
            return 0
        return original(self, task, target, addr, value)

    patch.setattr(Kernel, "ptrace_poke", ptrace_poke)


@mutant("zap-forgets-rss")
def _(patch):
    @wrapped(patch, simulator.zap.zap_pte_range)
    def zap_pte_range(original, k, task, *rest):
        before = task.anon_rss
        original(k, task, *rest)
        task.anon_rss = before


@mutant("copy-is-not-counted")
def _(patch):
    @wrapped(patch, cow.wp_page_copy)
    def wp_page_copy(original, k, task, *rest):
        before = task.anon_rss
        result = original(k, task, *rest)
        task.anon_rss = before
        return result


@mutant("split-forgets-pgoff")
def _(patch):
    @wrapped(patch, simulator.vma.split_vma)
    def split_vma(original, task, vma, address):
        upper = original(task, vma, address)
        upper.pgoff = vma.pgoff
        return upper


@mutant("faults-have-the-wrong-code")
def _(patch):
    original = fault.do_user_fault

    def do_user_fault(k, task, address, write):
        found = original(k, task, address, write)
        if found is not None and found.signal == "SIGSEGV":
            return dataclasses.replace(found, code="SEGV_MAPERR")
        return found

    instead(patch, original, do_user_fault)


@mutant("mprotect-makes-private-raw-pages-writable")
def _(patch):
    @wrapped(patch, simulator.mprotect.change_protection)
    def change_protection(original, k, vma, *rest):
        original(k, vma, *rest)
        for index, pte in enumerate(vma.ptes.tolist()):
            if pte & P_PRESENT and vma.flags & f.VM_WRITE:
                vma.view[index] = pte | P_WRITE


@mutant("populate-copies")
def _(patch):
    # MADV_POPULATE_WRITE does not refuse a PFN mapping.
    @wrapped(patch, gup.check_vma_flags)
    def check_vma_flags(original, k, vma, *rest):
        return 0 if vma.flags & f.VM_PFNMAP else original(k, vma, *rest)
