# SPDX-License-Identifier: GPL-2.0-or-later
"""What does the simulator do where a program makes, changes and leaves mappings and processes?"""

from __future__ import annotations

from hwtests import forms
from hwtests.language.nodes import Call

from .tables import NoProcessError, Obs, Process, Tables, Verb, ret

MAP_FIXED = 0x10
MREMAP_FIXED = 2


def _open(d: Tables, p: Process, call: Call) -> Obs:
    region, flags = call.args
    fd = d.kernel.open(p.task, d.regions[region], flags)
    if fd >= 0:
        p.fds[call.result] = fd
    return ret(fd)


def _close(d: Tables, p: Process, call: Call) -> Obs:
    return ret(d.kernel.close(p.task, p.fds.pop(call.args[0], -1)))


def _mmap(d: Tables, p: Process, call: Call) -> Obs:
    kind, number, prot, flags, base, byte, length, offset = call.args
    source: tuple[str, int] | None = None
    if kind == 1:
        source = ("region", d.regions[number])
    elif kind == 2:
        source = ("fd", p.fds.get(number, -1))
    wanted = d.address(p, base, byte)
    got = d.kernel.mmap(p.task, wanted, length, prot, flags, source, offset)
    p.handles[call.result] = (wanted if got < 0 else got, length)
    if flags & MAP_FIXED or got < 0:
        return ret(got)
    return {"ret": "ok", "at": forms.placed(got, None, wanted)}


def _map(d: Tables, p: Process, call: Call) -> Obs:
    region, base, byte, length = call.args
    wanted = d.address(p, base, byte)
    got = d.kernel.map_default(p.task, d.regions[region], wanted, length)
    whole = d.compiled.region_pages[d.compiled.regions[region]] * d.page_size
    p.handles[call.result] = (wanted if got < 0 else got, length or whole)
    return ret(got)


def _mremap(d: Tables, p: Process, call: Call) -> Obs:
    base, byte, length, new, flags, to_base, to_byte = call.args
    old, length = d.span(p, base, byte, length)
    new = length if new == -1 else new
    wanted = d.address(p, to_base, to_byte)
    got = d.kernel.mremap(p.task, old, length, new, flags, wanted)
    if got < 0:
        if call.result >= 0:
            p.handles[call.result] = (wanted, new)
        return ret(got)
    if call.result >= 0:
        p.handles[call.result] = (got, new)
    elif base >= 0 and byte == 0:
        p.handles[base] = (got, new)
    return {"ret": "ok", "at": forms.placed(got, old, wanted if flags & MREMAP_FIXED else None)}


def _ranged(d: Tables, p: Process, call: Call) -> Obs:
    # munmap, mprotect, madvise, mlock, munlock, msync: a range, then perhaps one number.
    base, byte, length, *rest = call.args
    address, length = d.span(p, base, byte, length)
    return ret(getattr(d.kernel, call.verb)(p.task, address, length, *rest))


def _mincore(d: Tables, p: Process, call: Call) -> Obs:
    vector = d.kernel.mincore(p.task, *d.span(p, *call.args))
    return ret(vector) if isinstance(vector, int) else {"ret": "ok", "vec": forms.mincore_text(vector)}


def _fork(d: Tables, p: Process, call: Call) -> Obs:
    child = d.kernel.fork(p.task)
    if isinstance(child, int):
        return ret(child)
    d.processes[call.result] = p.forked(child)
    return {"ret": "ok"}


def _exit(d: Tables, p: Process, call: Call) -> Obs:
    d.kernel.exit(p.task, call.args[0])
    return {"ret": "ok"}


def _wait(d: Tables, p: Process, call: Call) -> Obs:
    child = d.processes.get(call.args[0])
    if child is None:
        raise NoProcessError
    status = d.kernel.wait(p.task, child.task)
    return ret(status) if status < 0 else {"ret": "ok", "status": forms.status_text(status)}


VERBS: dict[str, Verb] = {
    "open": _open,
    "close": _close,
    "mmap": _mmap,
    "map": _map,
    "munmap": _ranged,
    "mprotect": _ranged,
    "mremap": _mremap,
    "madvise": _ranged,
    "mlock": _ranged,
    "munlock": _ranged,
    "msync": _ranged,
    "mincore": _mincore,
    "fork": _fork,
    "exit": _exit,
    "wait": _wait,
}
