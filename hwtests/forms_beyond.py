# SPDX-License-Identifier: GPL-2.0-or-later
"""How is written in a trace what move_pages, PAGEMAP_SCAN, numa_maps and a core dump say?

The rest of the normal forms of docs/internals.md, section 2; as in forms.py, what a target saw and what the simulator
allows are written by the same functions. No function here knows a rule.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from hwtests.forms import errno_name, value_text

# include/uapi/linux/fs.h, PAGE_IS_*, by their bits
SCAN_WORDS = ("wpallowed", "written", "file", "present", "swapped", "pfnzero", "huge", "soft-dirty", "guard")
NUMA_COUNTS = ("anon", "dirty", "mapped", "N0")
ROLLUP = ("Rss", "Anonymous", "Locked", "Swap")


def status_texts(status: Iterable[int]) -> list[str]:
    """What move_pages(2) says of each page: the node, or the errno's name."""
    return [errno_name(one) if one < 0 else str(one) for one in status]


def scan_words(categories: int) -> list[str]:
    """The categories of a PAGEMAP_SCAN range by name; a bit without a name is `bit9`."""
    bits = [bit for bit in range(64) if categories >> bit & 1]
    return [SCAN_WORDS[bit] if bit < len(SCAN_WORDS) else f"bit{bit}" for bit in bits]


def scan_form(start: int, end: int, words: Iterable[str], base: int, page_size: int) -> dict[str, Any]:
    """One range of PAGEMAP_SCAN; addresses in bytes, `base` is where the mapping starts."""
    given = set(words)
    ordered = [word for word in SCAN_WORDS if word in given] + sorted(given - set(SCAN_WORDS))
    return {"first": (start - base) // page_size, "pages": (end - start) // page_size, "is": " ".join(ordered)}


def numa_form(start: int, policy: str, counts: Mapping[str, Any], base: int, page_size: int) -> dict[str, Any]:
    """One line of numa_maps: counts in pages, 0 where the line does not say."""
    return {
        "first": (start - base) // page_size,
        "policy": policy,
        **{name: counts.get(name, 0) for name in NUMA_COUNTS},
    }


def numa_line(line: str, base: int, page_size: int) -> dict[str, Any] | None:
    """A line of numa_maps as printed: `1000008000 default file=/dev/mem anon=1 dirty=1 N0=1`; None for another."""
    words = line.split()
    if len(words) < 2:
        return None
    counts = {name: int(value) for name, _, value in (word.partition("=") for word in words[2:]) if value.isdigit()}
    return numa_form(int(words[0], 16), words[1], counts, base, page_size)


def rollup_form(before: str, now: str, page_size: int) -> dict[str, Any]:
    """How much more smaps_rollup says `now` than `before`, in pages."""
    old, new = _kilobytes(before), _kilobytes(now)
    return {name: (new.get(name, 0) - old.get(name, 0)) * 1024 // page_size for name in ROLLUP}


def _kilobytes(text: str) -> dict[str, int]:
    found: dict[str, int] = {}
    for line in text.splitlines():
        name, _, rest = line.partition(":")
        words = rest.split()
        if len(words) == 2 and words[1] == "kB" and words[0].isdigit():
            found[name] = int(words[0])
    return found


def segment_form(start: int, end: int, perms: str, data: bytes, base: int, page_size: int) -> dict[str, Any]:
    """One PT_LOAD segment of a core: `perms` as `rw-`; `data`, what the core holds of it."""
    return {
        "first": (start - base) // page_size,
        "pages": (end - start) // page_size,
        "perms": perms,
        "file": len(data) // page_size,
        "data": value_text(data),
    }


def segment_perms(flags: int) -> str:
    """p_flags of a program header: PF_R 4, PF_W 2, PF_X 1."""
    return "".join(letter if flags & bit else "-" for bit, letter in ((4, "r"), (2, "w"), (1, "x")))
