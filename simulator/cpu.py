# SPDX-License-Identifier: GPL-2.0-or-later
"""What does a load or a store of the program's do, and the fetch of its code?"""

from __future__ import annotations

from typing import TYPE_CHECKING

from simulator import flags as f
from simulator.fault import Fault, access_allowed, do_user_fault, exec_only
from simulator.pgtable import P_DIRTY, P_NONE, P_PRESENT, P_TLB, P_WRITE, P_YOUNG, PFN_SHIFT
from simulator.physmem import NOWHERE, PAGE_MASK, PAGE_SHIFT, PAGE_SIZE, bytes_of

if TYPE_CHECKING:
    from simulator.kernel import Kernel
    from simulator.task import Task

READABLE = P_PRESENT | P_NONE | P_YOUNG | P_TLB
READABLE_IS = P_PRESENT | P_YOUNG | P_TLB
WRITABLE = READABLE | P_WRITE | P_DIRTY
WRITABLE_IS = READABLE_IS | P_WRITE | P_DIRTY
RETURNS = {8: b"\xc3", 4: b"\x1e\xff\x2f\xe1"}  # the one instruction that `call` may find, by the machine's word


def load(k: Kernel, task: Task, addr: int, width: int) -> int | bytes | Fault:
    """A load by the program: an int of `width` bytes (0: the bytes of a page), or Fault."""
    vma = task.last
    if vma is None or not vma.start <= addr < vma.end:
        vma = task.vma_lookup(addr)
    offset = addr & PAGE_MASK
    if vma is not None and width and offset + width <= PAGE_SIZE:
        pte = vma.view[(addr - vma.start) >> PAGE_SHIFT]
        if pte & READABLE == READABLE_IS and not k.mem.flags[pte >> PFN_SHIFT] & NOWHERE:
            k.rules.append("load.through-pte")
            start = (pte & ~PAGE_MASK) + offset
            return int.from_bytes(k.mem.view[start : start + width], "little")
    out = b""
    length = width or PAGE_SIZE
    while len(out) < length:
        here = addr + len(out)
        frame = _user_frame(k, task, here, False)
        if isinstance(frame, Fault):
            return frame
        out += k.read_frame(frame, here & PAGE_MASK, min(PAGE_SIZE - (here & PAGE_MASK), length - len(out)))
    return int.from_bytes(out, "little") if width else out


def store(k: Kernel, task: Task, addr: int, width: int, value: int) -> int | Fault:
    """A store by the program: 0, or Fault.  Width 0 fills a page's length with the low byte, upwards."""
    vma = task.last
    if vma is None or not vma.start <= addr < vma.end:
        vma = task.vma_lookup(addr)
    offset = addr & PAGE_MASK
    if vma is not None and width and offset + width <= PAGE_SIZE:
        pte = vma.view[(addr - vma.start) >> PAGE_SHIFT]
        if pte & WRITABLE == WRITABLE_IS and not k.mem.flags[pte >> PFN_SHIFT] & NOWHERE:
            k.rules.append("store.through-pte")
            start = (pte & ~PAGE_MASK) + offset
            k.mem.view[start : start + width] = bytes_of(value, width)
            return 0
    if not width:
        return _store_page(k, task, addr, value & 0xFF)
    data = bytes_of(value, width)
    pieces: list[tuple[int, int, bytes]] = []
    while data:
        here = addr + width - len(data)
        frame = _user_frame(k, task, here, True)
        if isinstance(frame, Fault):
            return frame
        count = min(PAGE_SIZE - (here & PAGE_MASK), len(data))
        pieces.append((frame, here & PAGE_MASK, data[:count]))
        data = data[count:]
    for frame, start, piece in pieces:  # a store that crosses into a page that faults writes nothing
        k.write_frame(frame, start, piece)
    return 0


def _store_page(k: Kernel, task: Task, addr: int, byte: int) -> int | Fault:
    # Words of 8 bytes, upwards, as the agent stores them: one that crosses into a page that faults is not stored.
    first = (PAGE_SIZE - (addr & PAGE_MASK)) & ~7
    fault = _fill(k, task, addr, first, byte)
    if fault is None and addr & 7:
        crossed = store(k, task, addr + first, 8, byte * 0x0101010101010101)
        if isinstance(crossed, Fault):
            return crossed
        first += 8
    if fault is None:
        fault = _fill(k, task, addr + first, PAGE_SIZE - first, byte)
    return fault or 0


def _fill(k: Kernel, task: Task, addr: int, length: int, byte: int) -> Fault | None:
    # Within one page.
    if length:
        frame = _user_frame(k, task, addr, True)
        if isinstance(frame, Fault):
            return frame
        k.write_frame(frame, addr & PAGE_MASK, bytes([byte]) * length)
    return None


def _user_frame(k: Kernel, task: Task, address: int, write: bool) -> int | Fault:
    # What the CPU does: look at the pte, fault, look again.
    while True:
        vma = task.vma_lookup(address)
        if vma is not None:
            index = (address - vma.start) >> PAGE_SHIFT
            pte = vma.view[index]
            allowed = pte & (P_PRESENT | P_NONE) == P_PRESENT and (not write or pte & P_WRITE)
            if allowed and (k.hw_young or pte & P_YOUNG):
                unseen = k.host_tlb == "lazy" and not pte & P_TLB and not vma.host_synced
                if unseen and not access_allowed(k, vma, write):
                    return Fault("SIGSEGV", "SEGV_ACCERR", address)
                vma.view[index] = pte | P_YOUNG | (P_DIRTY if write else 0)
                if not exec_only(k, vma):
                    vma.view[index] |= P_TLB
                k.rules.append("store.through-pte" if write else "load.through-pte")
                return int(pte >> PFN_SHIFT)
        elif task.stale is not None:
            pte = task.stale.get(address & ~PAGE_MASK, 0)
            if pte and (not write or pte & P_WRITE):
                k.rules.append("um.stale-host-mapping")
                return int(pte >> PFN_SHIFT)
        fault = do_user_fault(k, task, address, write)
        if fault is not None:
            return fault


def call(k: Kernel, task: Task, addr: int) -> int | Fault:
    """A call of the code at `addr`, which does nothing but return: 0, or Fault."""
    while True:
        vma = task.vma_lookup(addr)
        if vma is None:
            k.rules.append("fault.no-vma")
            return Fault("SIGSEGV", "SEGV_MAPERR", addr)
        index = (addr - vma.start) >> PAGE_SHIFT
        pte = vma.view[index]
        if pte & (P_PRESENT | P_NONE) == P_PRESENT and (k.hw_young or pte & P_YOUNG):
            if not vma.flags & f.VM_EXEC and k.profile.exec_bit:
                k.rules.append("call.needs-exec")
                return Fault("SIGSEGV", "SEGV_ACCERR", addr)
            k.rules.append("call.runs-what-is-there")
            vma.view[index] = pte | P_YOUNG | P_TLB
            must_return(k, int(pte >> PFN_SHIFT), addr & PAGE_MASK)
            return 0
        if vma.flags & f.VM_ACCESS_FLAGS == f.VM_EXEC and not pte & P_PRESENT:
            k.unknown = "a first fetch from execute-only memory"
        fault = do_user_fault(k, task, addr, False)
        if fault is not None:
            return fault


def must_return(k: Kernel, pfn: int, offset: int) -> None:
    code = RETURNS[k.profile.word]
    if k.read_frame(pfn, offset, len(code)) != code:
        k.unknown = "code that does more than return"


def frame(k: Kernel, task: Task, addr: int) -> int | None:
    """The frame that a load at `addr` reads without a fault, or None."""
    vma = task.vma_lookup(addr)
    if vma is None:
        return None
    pte = int(vma.view[(addr - vma.start) >> PAGE_SHIFT])
    return pte >> PFN_SHIFT if pte & (P_PRESENT | P_NONE) == P_PRESENT else None
