# SPDX-License-Identifier: GPL-2.0-or-later
"""What does the simulator do where a mapping meets the rest of mm: policies, futexes, O_DIRECT, core dumps, exec?"""

from __future__ import annotations

from typing import Any

from hwtests import forms_beyond
from hwtests.language.nodes import Call
from simulator import Fault

from .memory import counted, received, sent
from .tables import Obs, Process, Tables, Verb, failed, fault, one_of, ret


def _plain(d: Tables, p: Process, call: Call) -> Obs:
    # mlockall, munlockall, clear_refs: numbers as they are.
    return failed(d, getattr(d.kernel, call.verb)(p.task, *call.args))


def _ranged(d: Tables, p: Process, call: Call) -> Obs:
    # mseal, mbind, uffd_register: a range, then numbers as they are.
    base, byte, length, *rest = call.args
    return failed(d, getattr(d.kernel, call.verb)(p.task, *d.span(p, base, byte, length), *rest))


def _fsync(d: Tables, p: Process, call: Call) -> Obs:
    return ret(d.kernel.fsync(p.task, p.fds.get(call.args[0], -1)))


def _process_madvise(d: Tables, p: Process, call: Call) -> Obs:
    slot, base, byte, length, advice = call.args
    target = d.alive(slot)
    got = d.kernel.process_madvise(p.task, target.task, *d.span(target, base, byte, length), advice)
    return ret(got) if got < 0 else {"ret": "ok", "bytes": got}


def _remap_file_pages(d: Tables, p: Process, call: Call) -> Obs:
    base, byte, length, region, to = call.args
    where = d.span(p, base, byte, length)
    return ret(d.kernel.remap_file_pages(p.task, *where, d.regions[region], to // d.page_size))


def _move_pages(d: Tables, p: Process, call: Call) -> Obs:
    base, byte, length, node = call.args
    got = d.kernel.move_pages(p.task, *d.span(p, base, byte, length), node)
    return ret(got) if isinstance(got, int) else {"ret": "ok", "status": forms_beyond.status_texts(got)}


def _futex(d: Tables, p: Process, call: Call) -> Obs:
    # futex_wait, futex_wake
    base, byte, *value, flags = call.args
    numbers = [d.value(p, *value)] if value else []
    return ret(getattr(d.kernel, call.verb)(p.task, d.address(p, base, byte), *numbers, flags))


def _read_zero(d: Tables, p: Process, call: Call) -> Obs:
    base, byte, length = call.args
    address = d.address(p, base, byte)
    return counted(d, d.kernel.read_zero(p.task, address, length), p.task, address)


def _call(d: Tables, p: Process, call: Call) -> Obs:
    base, byte = call.args
    got = d.kernel.call(p.task, d.address(p, base, byte))
    return fault(d, p, got, base) if isinstance(got, Fault) else ret(got)


def _pagemap_scan(d: Tables, p: Process, call: Call) -> Obs:
    base, byte, length = call.args
    got = d.kernel.pagemap_scan(p.task, *d.span(p, base, byte, length))
    if isinstance(got, int):
        return failed(d, got)
    start = d.handle(p, base)[0]
    ranges = [forms_beyond.scan_form(a, b, words, start, d.page_size) for a, b, words in got]
    return {"ret": "ok", "ranges": ranges}


def _rollup(d: Tables, p: Process, call: Call) -> Obs:
    got = d.kernel.rollup(p.task)
    if isinstance(got, int):
        return failed(d, got)
    return {"ret": "ok", **{name: _sizes(pages) for name, pages in got.items()}}


def _numa_maps(d: Tables, p: Process, call: Call) -> Obs:
    start, length = d.handle(p, call.args[0])
    found = d.kernel.numa_maps(p.task, start, start + (length or 1))
    if isinstance(found, int):
        return failed(d, found)
    return {"ret": "ok", "vmas": [_numa_vma(d, vma, start) for vma in found]}


def _numa_vma(d: Tables, vma: dict[str, Any], base: int) -> Obs:
    counts = {name: _sizes(vma.get(name, 0)) for name in forms_beyond.NUMA_COUNTS}
    return forms_beyond.numa_form(vma["start"], vma["policy"], counts, base, d.page_size)


def _coredump(d: Tables, p: Process, call: Call) -> Obs:
    handle, core_filter = call.args
    start, length = d.handle(p, handle)
    found = d.kernel.coredump(p.task, start, start + (length or 1), core_filter)
    if isinstance(found, int):
        return failed(d, found)
    segments = [
        forms_beyond.segment_form(one["start"], one["end"], one["perms"], one["data"], start, d.page_size)
        for one in found
    ]
    return {"ret": "died", "signal": p.task.death or "?", "segments": segments}


def _exec(d: Tables, p: Process, call: Call) -> Obs:
    got = d.kernel.exec(p.task)
    if got >= 0:
        p.values.clear()
        p.fds.clear()
    return ret(got)


def _release(d: Tables, p: None, call: Call) -> Obs:
    region, byte = call.args
    page, granted = byte // d.page_size, d.granted.get(call.index, False)
    if granted:
        d.choice = {"next allocation": f"{d.compiled.regions[region]}[{page}]"}
    d.kernel.release(d.regions[region], page, granted=granted)
    return {"ret": "ok"}


def _sizes(pages: int | tuple[int, ...]) -> Any:
    return one_of(pages) if isinstance(pages, tuple) else pages


VERBS: dict[str, Verb] = {
    "mlockall": _plain,
    "munlockall": _plain,
    "fsync": _fsync,
    "process_madvise": _process_madvise,
    "mseal": _ranged,
    "remap_file_pages": _remap_file_pages,
    "mbind": _ranged,
    "move_pages": _move_pages,
    "futex_wait": _futex,
    "futex_wake": _futex,
    "uffd_register": _ranged,
    "clear_refs": _plain,
    "read_zero": _read_zero,
    "direct_write": sent,
    "direct_read": received,
    "call": _call,
    "pagemap_scan": _pagemap_scan,
    "rollup": _rollup,
    "numa_maps": _numa_maps,
    "coredump": _coredump,
    "exec": _exec,
    "release": _release,
}
