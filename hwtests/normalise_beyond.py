# SPDX-License-Identifier: GPL-2.0-or-later
"""What did the kernel do where a mapping meets the rest of mm?  The payloads of those calls, as a trace says them.

Each function takes what came over the wire (docs/internals.md, section 1: the payloads) and gives the fields beside
`ret`; `base` is the address where the operation's mapping starts, in bytes.
"""

from __future__ import annotations

import struct
from typing import Any

from hwtests import forms_beyond as forms

_SEGMENT = struct.Struct("<QQQQ")  # start, memsz, filesz, p_flags
_SCAN = struct.Struct("<QQQ")  # start, end, categories


def move_pages(payload: bytes) -> dict[str, Any]:
    """A status a page."""
    return {"status": forms.status_texts(struct.unpack(f"<{len(payload) // 4}i", payload[: len(payload) // 4 * 4]))}


def pagemap_scan(payload: bytes, base: int, page_size: int) -> dict[str, Any]:
    """A range after the other."""
    whole = payload[: len(payload) // _SCAN.size * _SCAN.size]
    found = [
        forms.scan_form(start, end, forms.scan_words(categories), base, page_size)
        for start, end, categories in _SCAN.iter_unpack(whole)
    ]
    return {"ranges": found}


def rollup(payload: bytes, page_size: int) -> dict[str, Any]:
    """smaps_rollup as it was, a NUL, and as it is."""
    before, _, now = payload.decode("ascii", errors="replace").partition("\0")
    return forms.rollup_form(before, now, page_size)


def numa_maps(payload: bytes, base: int, page_size: int) -> dict[str, Any]:
    """A vma a line."""
    lines = payload.decode("ascii", errors="replace").splitlines()
    return {"vmas": [form for line in lines if (form := forms.numa_line(line, base, page_size)) is not None]}


def coredump(payload: bytes, base: int, page_size: int) -> dict[str, Any]:
    """First the heads of all segments, then what the core holds of each: how many there are follows from the length."""
    heads: list[tuple[int, int, int, int]] = []
    while _SEGMENT.size * len(heads) + sum(head[2] for head in heads) < len(payload):
        heads.append(_SEGMENT.unpack_from(payload, _SEGMENT.size * len(heads)))
    at, segments = _SEGMENT.size * len(heads), []
    for start, memory, count, flags in heads:
        data, at = payload[at : at + count], at + count
        perms = forms.segment_perms(flags)
        segments.append(forms.segment_form(start, start + memory, perms, data, base, page_size))
    return {"segments": segments}
