# SPDX-License-Identifier: GPL-2.0-or-later
"""What does the simulator say where a program looks: /proc, and the lab's own driver?"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import combinations
from typing import Any

from hwtests import forms
from hwtests.language.nodes import Call

from .tables import Obs, Process, Tables, Verb, one_of, ret


def _vmas(d: Tables, p: Process, call: Call) -> Obs:
    start, length = d.handle(p, call.args[0])
    show = d.kernel.smaps if call.verb == "smaps" else d.kernel.maps
    return {"ret": "ok", "vmas": [_vma(d, vma, start) for vma in show(p.task, start, start + (length or 1))]}


def _vma(d: Tables, vma: dict[str, Any], base: int) -> Obs:
    sizes = {name: value for name, value in vma.items() if name[0].isupper() and name != "VmFlags"}
    sets = {name: value for name, value in sizes.items() if isinstance(value, tuple)}  # several are allowed
    sizes |= {name: value[0] for name, value in sets.items()}
    form = forms.vma_form(
        start=vma["start"], end=vma["end"], perms=vma["perms"],
        offset=d.names.offset(vma["pgoff"], d.page_size), base=base, page_size=d.page_size,
        sizes=sizes or None, flags=vma.get("VmFlags"),
    )  # fmt: skip
    for name, values in sets.items():
        form[name] = {"any": [forms.size_value(value, d.page_size) for value in values]}
    return form


def _rss(d: Tables, p: Process, call: Call) -> Obs:
    anon, file, size, locked = d.kernel.rss(p.task)
    return {"ret": "ok", "RssAnon": anon, "RssFile": file, "VmSize": size, "VmLck": locked}


def _pagemap(d: Tables, p: Process, call: Call) -> Obs:
    entries = d.kernel.pagemap(p.task, *d.span(p, *call.args))
    if isinstance(entries, int):
        return ret(entries)
    return {"ret": "ok", "pages": [_pagemap_entry(d, *entry) for entry in entries]}


def _pagemap_entry(d: Tables, flags: frozenset[str], pfn: int | None) -> str:
    if "present" not in flags:
        return forms.pagemap_text(flags, None)
    return forms.pagemap_text(flags, "hidden" if pfn is None else d.names.name(pfn) or "anon")


def _pfns(d: Tables, p: Process | None, call: Call) -> list[int | None] | int:
    what, *where = call.args
    if what == 0:
        return list(range(*_region_pfns(d, *where)))
    assert p is not None
    entries = d.kernel.pagemap(p.task, *d.span(p, *where))
    return entries if isinstance(entries, int) else [pfn for _, pfn in entries]


def _kpagecount(d: Tables, p: Process | None, call: Call) -> Obs:
    pfns = _pfns(d, p, call)
    if isinstance(pfns, int):
        return ret(pfns)
    return {"ret": "ok", "counts": [None if pfn is None else d.kernel.kpagecount(pfn) for pfn in pfns]}


def _kpageflags(d: Tables, p: Process | None, call: Call) -> Obs:
    pfns = _pfns(d, p, call)
    if isinstance(pfns, int):
        return ret(pfns)
    found = [None if pfn is None else d.kernel.kpageflags(pfn) for pfn in pfns]
    flags = [None if words is None else forms.kpageflags_words(words) for words in found]
    return {"ret": "ok", "flags": flags}


def _ptes(d: Tables, p: Process, call: Call) -> Obs:
    found = d.kernel.ptes(p.task, *d.span(p, *call.args))
    return {"ret": "ok", "ptes": ["none" if pte is None else _pte(d, *pte) for pte in found]}


def _pte(d: Tables, flags: frozenset[str], pfn: int) -> Any:
    certain = {word for word in flags if not word.endswith("?")}
    name = d.names.name(pfn) or "anon"
    return one_of([forms.pte_text(name, [*certain, *more]) for more in _subsets(flags)])


def _page_state(d: Tables, p: Process | None, call: Call) -> Obs:
    pfns = _mapped_pfns(d, p, call)
    found = [None if pfn is None else d.kernel.page_state(pfn) for pfn in pfns]
    return {"ret": "ok", **forms.page_states([None if one is None else _page(*one) for one in found])}


def _mapped_pfns(d: Tables, p: Process | None, call: Call) -> list[int | None]:
    # Through the page tables, which know the pfn where pagemap says that there is no page.
    what, *where = call.args
    if what == 0:
        return list(range(*_region_pfns(d, *where)))
    assert p is not None
    return [None if pte is None else pte[1] for pte in d.kernel.ptes(p.task, *d.span(p, *where))]


def _region_pfns(d: Tables, region: int, first: int, pages: int) -> tuple[int, int]:
    start = d.kernel.region_pfn(d.regions[region]) + first
    return start, start + pages


def _raw_vmas(d: Tables, p: Process, call: Call) -> Obs:
    start, length = d.handle(p, call.args[0])
    found = d.kernel.vmas(p.task, start, start + (length or 1))
    return {"ret": "ok", "vmas": [_raw_vma(d, vma, start) for vma in found]}


def _raw_vma(d: Tables, vma: dict[str, Any], base: int) -> Obs:
    return forms.raw_vma_form(
        start=vma["start"], end=vma["end"], pgoff=d.names.offset(vma["pgoff"] * d.page_size, d.page_size),
        flags=vma["flags"], base=base, page_size=d.page_size,
    )  # fmt: skip


def _subsets(words: Iterable[str]) -> list[tuple[str, ...]]:
    # Every choice of the words that end in `?`: what may be, or not.
    free = sorted(word[:-1] for word in words if word.endswith("?"))
    return [chosen for count in range(len(free) + 1) for chosen in combinations(free, count)]


def _page(refcount: int | tuple[int, ...], mapcount: int, flags: frozenset[str]) -> tuple[Any, int, Any]:
    certain = {word for word in flags if not word.endswith("?")}
    texts = [forms.kpageflags_words([*certain, *more]) for more in _subsets(flags)]
    return one_of(refcount if isinstance(refcount, tuple) else (refcount,)), mapcount, one_of(texts)


VERBS: dict[str, Verb] = {
    "smaps": _vmas,
    "maps": _vmas,
    "rss": _rss,
    "pagemap": _pagemap,
    "kpagecount": _kpagecount,
    "kpageflags": _kpageflags,
    "ptes": _ptes,
    "page_state": _page_state,
    "vma": _raw_vmas,
}
