# SPDX-License-Identifier: GPL-2.0-or-later
"""What does a core dump hold of a mapping?  (fs/coredump.c vma_dump_size, mm/gup.c get_dump_page)"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from simulator import flags as f
from simulator.gup import check_vma_flags, faultin_page
from simulator.migrate import has_fault_op
from simulator.pgtable import P_PRESENT
from simulator.physmem import PAGE_SHIFT, PAGE_SIZE, ZERO_PFN
from simulator.task_mmu import maps_line

if TYPE_CHECKING:
    from simulator.kernel import Kernel
    from simulator.task import Task
    from simulator.vma import Vma

# /proc/PID/coredump_filter
ANON_PRIVATE, ANON_SHARED, MAPPED_PRIVATE, MAPPED_SHARED, ELF_HEADERS = (1 << bit for bit in range(5))
ELF_MAGIC = b"\x7fELF"


def coredump(k: Kernel, task: Task, start: int, end: int, core_filter: int) -> list[dict[str, Any]]:
    """The process dies of SIGABRT: one dict a vma that intersects [start, end): start, end, perms (`rw-`), data.

    `data` is what the core holds of the vma, from its start on.
    """
    out = []
    for vma in task.vmas_in(start, end):
        data = b"".join(dump_page(k, task, vma, index) for index in range(vma_dump_size(k, vma, core_filter)))
        out.append({"start": vma.start, "end": vma.end, "perms": maps_line(vma)["perms"][:3], "data": data})
    k.kill(task, "SIGABRT")
    return out


def vma_dump_size(k: Kernel, vma: Vma, core_filter: int) -> int:
    """How many pages of a vma the core holds, from its start on."""
    if vma.name:  # always_dump_vma()
        k.rules.append("coredump.named-always")
        return vma.pages
    if vma.flags & f.VM_DONTDUMP:
        k.rules.append("coredump.dontdump-left-out")
        return 0
    if vma.flags & f.VM_IO or (vma.flags & f.VM_RESERVED and k.profile.coredump_reserved == "left-out"):
        k.rules.append("coredump.io-left-out")
        return 0
    anonymous = vma.backing is None or vma.backing.region is None
    if vma.flags & f.VM_SHARED:
        k.rules.append("coredump.shared")
        return vma.pages if core_filter & (ANON_SHARED if anonymous else MAPPED_SHARED) else 0
    if vma.anon_vma and core_filter & ANON_PRIVATE:
        k.rules.append("coredump.anonymous")
        return vma.pages
    k.rules.append("coredump.never-written")
    if vma.backing is None:
        return 0
    if core_filter & MAPPED_PRIVATE:
        return vma.pages
    if core_filter & ELF_HEADERS and not vma.pgoff and vma.flags & f.VM_READ:
        k.unknown = "whether the file of a mapping from its start on is an executable"
    return 0


def dump_page(k: Kernel, task: Task, vma: Vma, index: int) -> bytes:
    """get_dump_page(): zeroes for what get_user_pages() does not give, and for what nobody ever touched."""
    nothing = bytes(PAGE_SIZE)
    if check_vma_flags(k, vma, False, True):
        return nothing
    if not vma.view[index] & P_PRESENT and not has_fault_op(vma):  # FOLL_DUMP
        return nothing
    pfn = faultin_page(k, task, vma, vma.start + (index << PAGE_SHIFT), False)
    return k.read_frame(pfn, 0, PAGE_SIZE) if pfn > ZERO_PFN else nothing
