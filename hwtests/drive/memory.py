# SPDX-License-Identifier: GPL-2.0-or-later
"""What does the simulator do where a program reads and writes memory: loads, ptrace, /proc/PID/mem, pipes?"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from hwtests import forms
from hwtests.language.nodes import Call
from simulator import Fault, Task

from .tables import Obs, Process, Tables, Verb, failed, fault, ret


def _load(d: Tables, p: Process, call: Call) -> Obs:
    base, byte, width = call.args
    address = d.address(p, base, byte)
    got = d.kernel.load(p.task, address, width)
    return fault(d, p, got, base) if isinstance(got, Fault) else valued(d, p, call, got, width, p.task, address)


def _store(d: Tables, p: Process, call: Call) -> Obs:
    base, byte, width, kind, value = call.args
    address = d.address(p, base, byte)
    got = d.kernel.store(p.task, address, width, d.value(p, kind, value))
    if isinstance(got, Fault):
        return fault(d, p, got, base)
    stored(d, p.task, address, width or d.page_size)
    return ret(got)


def valued(
    d: Tables, p: Process | None, call: Call, got: int | bytes, width: int, owner: Task | None, address: int
) -> Obs:
    # A value that was read at `address` of a task, or of physical memory.
    if isinstance(got, int):
        if got < 0:
            return ret(got)
        got = got.to_bytes(width, "little")
    text = settled(d, p, call, "value", owner, address, got)
    return {"ret": "ok", "value": text}


def settled(
    d: Tables, p: Process | None, call: Call, name: str, owner: Task | None, address: int, data: bytes
) -> str | dict[str, str]:
    # What was read, in words; where nobody but the kernel knows the content, as the observed trace has it.
    if d.kernel.unknown_content is not None:
        return {"unknown": d.kernel.unknown_content}
    if d.content is not None:
        settled, chosen = d.content.settle(call.index, name, owner, address, data)
        if settled is None:
            return {"unknown": "the content is not the lab's, and no trace says what was read"}
        data = settled
        if chosen:
            d.choice = {name: forms.value_text(data)}
    d.keep(p, call.result, int.from_bytes(data[:8], "little"))
    return forms.value_text(data)


def stored(d: Tables, owner: Task | None, address: int, count: int) -> None:
    if d.content is not None:
        d.content.stored(owner, address, count)


def _peekdata(d: Tables, p: Process, call: Call) -> Obs:
    slot, base, byte = call.args
    target = d.alive(slot)
    address = d.address(target, base, byte)
    got = d.kernel.ptrace_peek(p.task, target.task, address)
    return valued(d, p, call, got, 8, target.task, address)


def _pokedata(d: Tables, p: Process, call: Call) -> Obs:
    slot, base, byte, kind, value = call.args
    target = d.alive(slot)
    address = d.address(target, base, byte)
    got = d.kernel.ptrace_poke(p.task, target.task, address, d.value(p, kind, value))
    if got >= 0:
        stored(d, target.task, address, 8)
    return ret(got)


def transferred(d: Tables, p: Process, call: Call, got: bytes | int, owner: Task, address: int) -> Obs:
    # Bytes that came from mapped memory, by whatever way.
    if isinstance(got, int):
        return failed(d, got)
    return {"ret": "ok", "bytes": len(got), "data": settled(d, p, call, "data", owner, address, got)}


def counted(d: Tables, got: int, owner: Task, address: int) -> Obs:
    # How many bytes went into mapped memory.
    if got < 0:
        return failed(d, got)
    stored(d, owner, address, got)
    return {"ret": "ok", "bytes": got}


def _from_other(d: Tables, p: Process, call: Call) -> Obs:
    # mem_read, vm_readv
    slot, base, byte, length = call.args
    target = d.alive(slot)
    read = d.kernel.mem_read if call.verb == "mem_read" else d.kernel.process_vm_readv
    address = d.address(target, base, byte)
    return transferred(d, p, call, read(p.task, target.task, address, length), target.task, address)


def _to_other(d: Tables, p: Process, call: Call) -> Obs:
    # mem_write, vm_writev
    slot, base, byte, length, kind, value = call.args
    target = d.alive(slot)
    write = d.kernel.mem_write if call.verb == "mem_write" else d.kernel.process_vm_writev
    data = d.repeated(p, kind, value, length)
    address = d.address(target, base, byte)
    return counted(d, write(p.task, target.task, address, data), target.task, address)


def sent(d: Tables, p: Process, call: Call) -> Obs:
    """Memory that goes to a pipe or a disk: write, vmsplice, direct_write."""
    base, byte, length = call.args
    address = d.address(p, base, byte)
    return transferred(d, p, call, _kernels(d, call)(p.task, address, length), p.task, address)


def received(d: Tables, p: Process, call: Call) -> Obs:
    """What comes from a pipe or a disk into memory: read, direct_read."""
    base, byte, length, kind, value = call.args
    address = d.address(p, base, byte)
    return counted(d, _kernels(d, call)(p.task, address, d.repeated(p, kind, value, length)), p.task, address)


def _kernels(d: Tables, call: Call) -> Callable[[Task, int, Any], Any]:
    # The simulator's names for what Python has a word for already.
    called: Callable[[Task, int, Any], Any] = getattr(
        d.kernel, {"write": "write_from", "read": "read_into"}.get(call.verb, call.verb)
    )
    return called


def _peek(d: Tables, p: None, call: Call) -> Obs:
    region, byte, width = call.args
    got = d.kernel.peek(d.regions[region], byte, width)
    return valued(d, None, call, got, width, None, d.physical(region, byte))


def _poke(d: Tables, p: None, call: Call) -> Obs:
    region, byte, width, kind, value = call.args
    d.kernel.poke(d.regions[region], byte, width, d.value(None, kind, value))
    stored(d, None, d.physical(region, byte), width or d.page_size)
    return {"ret": "ok"}


VERBS: dict[str, Verb] = {
    "load": _load,
    "store": _store,
    "peekdata": _peekdata,
    "pokedata": _pokedata,
    "mem_read": _from_other,
    "mem_write": _to_other,
    "vm_readv": _from_other,
    "vm_writev": _to_other,
    "write": sent,
    "read": received,
    "vmsplice": sent,
    "peek": _peek,
    "poke": _poke,
}
