# SPDX-License-Identifier: GPL-2.0-or-later
"""What did the kernel do, in words that do not depend on where things happened to lie?

The agent's raw observations become the lines of a trace: the same forms (hwtests/forms.py) as the simulator's, so that
the two can be compared text by text. Addresses become mapping, page and byte: every process's table of places is
followed through mmap, mremap and fork. Pure functions of what came over the wire.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from hwtests import forms
from hwtests import normalise_beyond as beyond
from hwtests.language.nodes import Call, Compiled
from hwtests.targets.proctext import Vma, parse_vmas
from hwtests.trace import Line, Obs

__all__ = ["Raw", "Refusal", "normalise"]

ARENA = 0x1000000000
MAP_FIXED = 0x10
MREMAP_FIXED = 2
ABSOLUTE, FROM_ARENA = -1, -3

# native/wire.h, enum stage
STAGE_CALL, STAGE_OPEN, STAGE_FAULT, STAGE_NO_PROCESS, STAGE_DIED, STAGE_NOT_RUN, STAGE_REFUSED = range(7)


class Raw(Protocol):
    """An OBS frame (docs/internals.md, section 3)."""

    @property
    def call(self) -> int: ...
    @property
    def stage(self) -> int: ...
    @property
    def ret(self) -> int: ...
    @property
    def signal(self) -> int: ...
    @property
    def code(self) -> int: ...
    @property
    def address(self) -> int: ...
    @property
    def handle_address(self) -> int: ...
    @property
    def handle_length(self) -> int: ...
    @property
    def payload(self) -> bytes: ...


class Refusal(Exception):
    """The agent did not carry out a call: not something that the kernel did, so there is no trace of it."""


@dataclass
class _Places:
    # Where the handles of one process are; copied by fork, as memory is.
    compiled: Compiled
    arena: int
    handles: dict[int, tuple[int, int]] = field(default_factory=dict)

    def start(self, slot: int) -> int:
        if slot in self.handles:
            return self.handles[slot][0]
        return self.arena + (slot * self.compiled.stride + 8) * self.compiled.page_size

    def address(self, base: int, byte: int) -> int:
        if base >= 0:
            return self.start(base) + byte
        return byte + (self.arena if base == FROM_ARENA else 0)


def normalise(compiled: Compiled, raws: Sequence[Raw], names: forms.PfnNames, arena: int = ARENA) -> list[Line]:
    """The lines of the trace of `compiled`, one for each raw observation, up to the first call that was not run.

    `arena`: the address of the arena on the agent's machine, as its HELLO tells.
    Raises Refusal when the agent refused a call: no observation of the kernel, so no trace.
    """
    return _Normaliser(compiled, names, arena).lines(raws)


class _Normaliser:
    def __init__(self, compiled: Compiled, names: forms.PfnNames, arena: int) -> None:
        self.compiled = compiled
        self.arena = arena
        self.names = names
        self.page_size = compiled.page_size
        self.places = {slot: _Places(compiled, arena) for slot in compiled.roots}

    def lines(self, raws: Sequence[Raw]) -> list[Line]:
        out: list[Line] = []
        for raw in raws:
            if raw.stage == STAGE_NOT_RUN or raw.call != len(out):
                break
            call = self.compiled.calls[raw.call]
            process = self.compiled.processes[call.proc] if call.proc >= 0 else None
            out.append(Line(op=call.index, line=call.line, process=process, text=call.text, obs=self.obs(call, raw)))
        return out

    def obs(self, call: Call, raw: Raw) -> Obs:
        if raw.stage == STAGE_REFUSED:
            raise Refusal(f"line {call.line}: {call.text}: the agent refused: {forms.errno_name(raw.ret)}")
        if raw.stage == STAGE_NO_PROCESS:
            return {"ret": "no-process"}
        if raw.stage == STAGE_DIED and call.verb != "coredump":
            return {"ret": "died", "signal": forms.signal_name(raw.signal) if raw.signal else "?"}
        places = self.places.setdefault(call.proc, _Places(self.compiled, self.arena))
        if raw.stage == STAGE_FAULT:
            return self._fault(call, raw, places)
        return _FORMS.get(call.verb, _Normaliser._plain)(self, call, raw, places)

    def _plain(self, call: Call, raw: Raw, places: _Places) -> Obs:
        return {"ret": "ok" if raw.ret >= 0 else forms.errno_name(raw.ret)}

    def _fault(self, call: Call, raw: Raw, places: _Places) -> Obs:
        base = call.args[0]
        if base >= 0:
            where = forms.address_text(self.compiled.handles[base], raw.address - places.start(base), self.page_size)
        else:
            where = hex(raw.address)
        return {"ret": forms.signal_name(raw.signal), "code": forms.code_name(raw.signal, raw.code), "addr": where}

    def _mmap(self, call: Call, raw: Raw, places: _Places) -> Obs:
        obs = self._plain(call, raw, places)
        flags, base, byte = call.args[3:6]
        if raw.ret >= 0 and not flags & MAP_FIXED:
            obs["at"] = forms.placed(raw.handle_address, None, places.address(base, byte))
        places.handles[call.result] = (raw.handle_address, raw.handle_length)
        return obs

    def _map(self, call: Call, raw: Raw, places: _Places) -> Obs:
        places.handles[call.result] = (raw.handle_address, raw.handle_length)
        return self._plain(call, raw, places)

    def _mremap(self, call: Call, raw: Raw, places: _Places) -> Obs:
        obs = self._plain(call, raw, places)
        if raw.ret < 0:
            if call.result >= 0:  # the handle names its place all the same
                places.handles[call.result] = (raw.handle_address, raw.handle_length)
            return obs
        base, byte, _length, _new, flags, to_base, to_byte = call.args
        wanted = places.address(to_base, to_byte) if flags & MREMAP_FIXED else None
        obs["at"] = forms.placed(raw.ret, places.address(base, byte), wanted)
        if call.result >= 0:
            places.handles[call.result] = (raw.handle_address, raw.handle_length)
        elif base >= 0 and byte == 0:
            places.handles[base] = (raw.handle_address, raw.handle_length)
        return obs

    def _mincore(self, call: Call, raw: Raw, places: _Places) -> Obs:
        obs = self._plain(call, raw, places)
        if raw.ret >= 0:
            obs["vec"] = forms.mincore_text(raw.payload)
        return obs

    def _fork(self, call: Call, raw: Raw, places: _Places) -> Obs:
        if raw.ret >= 0:
            self.places[call.result] = _Places(self.compiled, self.arena, dict(places.handles))
        return self._plain(call, raw, places)

    def _wait(self, call: Call, raw: Raw, places: _Places) -> Obs:
        obs = self._plain(call, raw, places)
        if raw.ret >= 0:
            obs["status"] = forms.status_text(int.from_bytes(raw.payload[:4], "little"))
        return obs

    def _value(self, call: Call, raw: Raw, places: _Places) -> Obs:
        obs = self._plain(call, raw, places)
        if raw.ret >= 0:
            obs["value"] = forms.value_text(raw.payload)
        return obs

    def _data(self, call: Call, raw: Raw, places: _Places) -> Obs:
        # Bytes that came from mapped memory, by whatever way.
        obs = self._count(call, raw, places)
        if raw.ret >= 0:
            obs["data"] = forms.value_text(raw.payload[: raw.ret])
        return obs

    def _count(self, call: Call, raw: Raw, places: _Places) -> Obs:
        obs = self._failing(call, raw, places)
        if raw.ret >= 0:
            obs["bytes"] = raw.ret
        return obs

    def _vmas(self, call: Call, raw: Raw, places: _Places) -> Obs:
        obs = self._plain(call, raw, places)
        if raw.ret >= 0:
            base = places.start(call.args[0])
            vmas = parse_vmas(raw.payload.decode("ascii", errors="replace"))
            obs["vmas"] = [self._vma(vma, base) for vma in vmas]
        return obs

    def _vma(self, vma: Vma, base: int) -> dict[str, Any]:
        return forms.vma_form(
            start=vma.start, end=vma.end, perms=vma.perms, offset=self.names.offset(vma.offset, self.page_size),
            base=base, page_size=self.page_size, sizes=vma.sizes or None, flags=vma.flags,
        )  # fmt: skip

    def _rss(self, call: Call, raw: Raw, places: _Places) -> Obs:
        obs = self._plain(call, raw, places)
        if raw.ret >= 0:
            numbers = struct.unpack_from("<4q", raw.payload)
            obs.update(zip(("RssAnon", "RssFile", "VmSize", "VmLck"), numbers, strict=True))
        return obs

    def _pagemap(self, call: Call, raw: Raw, places: _Places) -> Obs:
        obs = self._plain(call, raw, places)
        if raw.ret >= 0:
            obs["pages"] = [forms.pagemap_entry_text(entry, self.names) for entry in _words(raw.payload)]
        return obs

    def _kpagecount(self, call: Call, raw: Raw, places: _Places) -> Obs:
        obs = self._plain(call, raw, places)
        if raw.ret >= 0:
            obs["counts"] = forms.kpagecounts(_words(raw.payload))
        return obs

    def _kpageflags(self, call: Call, raw: Raw, places: _Places) -> Obs:
        obs = self._plain(call, raw, places)
        if raw.ret >= 0:
            obs["flags"] = [forms.kpageflags_text(entry) for entry in _words(raw.payload)]
        return obs

    def _ptes(self, call: Call, raw: Raw, places: _Places) -> Obs:
        obs = self._count(call, raw, places)
        if raw.ret >= 0:
            del obs["bytes"]
            entries = struct.iter_unpack("<QII", _whole(raw.payload, 16))
            obs["ptes"] = [forms.pte_entry_text(pfn, bits, self.names) for pfn, bits, _ in entries]
        return obs

    def _page_state(self, call: Call, raw: Raw, places: _Places) -> Obs:
        obs = self._count(call, raw, places)
        if raw.ret >= 0:
            del obs["bytes"]
            entries = struct.iter_unpack("<iiQ", _whole(raw.payload, 16))
            obs |= forms.page_states([_page_state(*entry) for entry in entries])
        return obs

    def _failing(self, call: Call, raw: Raw, places: _Places) -> Obs:
        # An errno, and whether it is of what had to come first.
        obs = self._plain(call, raw, places)
        if raw.ret < 0 and raw.stage == STAGE_OPEN:
            obs["stage"] = "open"
        return obs

    def _raw_vmas(self, call: Call, raw: Raw, places: _Places) -> Obs:
        obs = self._count(call, raw, places)
        if raw.ret >= 0:
            del obs["bytes"]
            base = places.start(call.args[0])
            entries = struct.iter_unpack("<QQQQ", _whole(raw.payload, 32))
            obs["vmas"] = [self._raw_vma(base, *entry) for entry in entries]
        return obs

    def _raw_vma(self, base: int, start: int, end: int, pgoff: int, flags: int) -> dict[str, Any]:
        return forms.raw_vma_form(
            start=start, end=end, pgoff=self.names.offset(pgoff * self.page_size, self.page_size),
            flags=[name for name, bit in forms.VMA_BITS.items() if flags & bit], base=base, page_size=self.page_size,
        )  # fmt: skip

    # Beyond: hwtests/normalise_beyond.py.

    def _move_pages(self, call: Call, raw: Raw, places: _Places) -> Obs:
        obs = self._plain(call, raw, places)
        return obs if raw.ret < 0 else obs | beyond.move_pages(raw.payload)

    def _pagemap_scan(self, call: Call, raw: Raw, places: _Places) -> Obs:
        obs = self._failing(call, raw, places)
        if raw.ret >= 0:
            obs |= beyond.pagemap_scan(raw.payload, places.start(call.args[0]), self.page_size)
        return obs

    def _rollup(self, call: Call, raw: Raw, places: _Places) -> Obs:
        obs = self._failing(call, raw, places)
        return obs if raw.ret < 0 else obs | beyond.rollup(raw.payload, self.page_size)

    def _numa_maps(self, call: Call, raw: Raw, places: _Places) -> Obs:
        obs = self._failing(call, raw, places)
        if raw.ret >= 0:
            obs |= beyond.numa_maps(raw.payload, places.start(call.args[0]), self.page_size)
        return obs

    def _coredump(self, call: Call, raw: Raw, places: _Places) -> Obs:
        if raw.stage == STAGE_OPEN:
            return self._failing(call, raw, places)
        core = beyond.coredump(raw.payload, places.start(call.args[0]), self.page_size)
        return {"ret": "died", "signal": forms.signal_name(raw.signal) if raw.signal else "?", **core}


def _page_state(refcount: int, mapcount: int, flags: int) -> tuple[int, int, str | None] | None:
    # All ones: no struct page.
    return None if flags == forms.NO_PFN else (refcount, mapcount, forms.kpageflags_text(flags))


def _whole(payload: bytes, size: int) -> bytes:
    return payload[: len(payload) // size * size]


def _words(payload: bytes) -> tuple[int, ...]:
    return struct.unpack(f"<{len(payload) // 8}Q", payload[: len(payload) // 8 * 8])


_FORMS: dict[str, Callable[[_Normaliser, Call, Raw, _Places], Obs]] = {
    "mmap": _Normaliser._mmap,
    "map": _Normaliser._map,
    "mremap": _Normaliser._mremap,
    "mincore": _Normaliser._mincore,
    "fork": _Normaliser._fork,
    "wait": _Normaliser._wait,
    "load": _Normaliser._value,
    "peekdata": _Normaliser._value,
    "peek": _Normaliser._value,
    "mem_read": _Normaliser._data,
    "vm_readv": _Normaliser._data,
    "write": _Normaliser._data,
    "mem_write": _Normaliser._count,
    "vm_writev": _Normaliser._count,
    "read": _Normaliser._count,
    "smaps": _Normaliser._vmas,
    "maps": _Normaliser._vmas,
    "rss": _Normaliser._rss,
    "pagemap": _Normaliser._pagemap,
    "kpagecount": _Normaliser._kpagecount,
    "kpageflags": _Normaliser._kpageflags,
    "ptes": _Normaliser._ptes,
    "page_state": _Normaliser._page_state,
    "vma": _Normaliser._raw_vmas,
    "vmsplice": _Normaliser._data,
    "process_madvise": _Normaliser._count,
    "move_pages": _Normaliser._move_pages,
    "uffd_register": _Normaliser._failing,
    "clear_refs": _Normaliser._failing,
    "read_zero": _Normaliser._count,
    "direct_write": _Normaliser._data,
    "direct_read": _Normaliser._count,
    "pagemap_scan": _Normaliser._pagemap_scan,
    "rollup": _Normaliser._rollup,
    "numa_maps": _Normaliser._numa_maps,
    "coredump": _Normaliser._coredump,
}
