# SPDX-License-Identifier: GPL-2.0-or-later
"""What is a golden program in the program language?

One golden op becomes one line (an exit becomes two: exit, and its parent's wait); an op that every kernel had to leave
out (a second fork, a handle that the process never mapped) becomes none. Region page p is page p + 4 of a region of
twelve, the guard pages being in it too; `val(k)` is the number k.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from hwtests.golden.records import GUARD, REGION_PAGES, GoldenProgram
from hwtests.language.nodes import (
    Address,
    Hazard,
    Header,
    Line,
    Name,
    Needs,
    Number,
    Op,
    Operand,
    ProcessDecl,
    Program,
    Range,
    RegionDecl,
    Statement,
    Watch,
)

REGION = "dev"
PARENTS = {"B": "A", "C": "B"}
WORDS = (0, 0x120, 0xFF8)  # what the final reads look at in every page
DIRECT = {"rw": "dev", "ro": "f"}  # source of an mmap, by golden fd

Options = tuple[tuple[str, Operand | None], ...]


@dataclass(frozen=True, slots=True)
class Handle:
    """One golden handle of one process: its names, newest first, and how long it may be (growing may have failed)."""

    names: tuple[str, ...]
    pages: int

    @property
    def name(self) -> str:
        return self.names[0]


@dataclass(frozen=True, slots=True)
class Converted:
    """The program, and where in it to find what a record tells.

    `lines[i]`: numbers of the lines that golden op i became. `handles[i]`: after op i, per process, the names of each
    golden handle. `final[(process, handle)]`: per page, the lines that read its three words; `region`: the same for
    the region's pages.
    """

    program: Program
    lines: tuple[tuple[int, ...], ...]
    handles: tuple[dict[str, dict[int, tuple[str, ...]]], ...]
    final: dict[tuple[str, int], list[tuple[int, ...]]]
    region: list[tuple[int, ...]]


@dataclass
class _Writer:
    lines: list[Line] = field(default_factory=list)
    tables: dict[str, dict[int, Handle]] = field(default_factory=lambda: {"A": {}})
    fresh: int = 0

    def add(self, statement: Statement | None, comment: str | None = None) -> int:
        number = len(self.lines) + 1
        self.lines.append(Line(number, statement, comment))
        return number

    def op(
        self, process: str | None, verb: str, *operands: Operand, result: str | None = None, options: Options = ()
    ) -> int:
        return self.add(Op(process, result, verb, operands, options))

    def new_name(self, h: int) -> str:
        self.fresh += 1
        return f"m{h}_{self.fresh}"


def convert(golden: GoldenProgram) -> Converted:
    """The golden program as one of ours; the same text for every kernel and kind of region."""
    w = _Writer()
    w.add(Header(Number(1)))
    w.add(None, f" golden program {golden.id} ({golden.kind})")
    w.add(Hazard(_hazard(golden)))
    w.add(Needs(tuple(f"{REGION}.{c}" for c in ("offset", "cow", "shared-write", "view", "poke"))))
    w.add(Watch(("rss", "smaps")))
    w.add(RegionDecl(REGION, (("pages", Number(REGION_PAGES)), ("fill", Name("pattern")))))
    w.add(ProcessDecl("A"))
    if any(op.get("fd") == "ro" for op in golden.ops):
        w.op("A", "open", Name(REGION), Name("ro"), result="f")
    lines: list[tuple[int, ...]] = []
    handles = []
    for op in golden.ops:
        lines.append(_convert_op(w, op))
        handles.append({p: {h: handle.names for h, handle in table.items()} for p, table in w.tables.items()})
    final = {
        (process, h): [
            tuple(w.op(process, "load", Name("u64"), _address(table[h].name, page, word)) for word in WORDS)
            for page in range(table[h].pages)
        ]
        for process, table in sorted(w.tables.items())
        for h in sorted(table)
    }
    region = [
        tuple(w.op(None, "peek", Name("u64"), _address(REGION, GUARD + page, word)) for word in WORDS)
        for page in range(4)
    ]
    program = Program(f"golden-{golden.id}.pfn", tuple(w.lines))
    return Converted(program, tuple(lines), tuple(handles), final, region)


def _hazard(golden: GoldenProgram) -> str:
    # Reading a copied page through vm_ops->access warns once a boot ("ioremap on RAM", 6.1 and later).
    return "taints" if any(op["op"] in ("peek", "poke", "mem_read", "mem_write") for op in golden.ops) else "none"


def _address(name: str, page: int, byte: int) -> Address:
    return Address(name, Number(page), Number(byte, hex(byte))) if byte else Address(name, Number(page))


def _range(name: str, op: dict[str, Any]) -> Range:
    first, n = op["first"], op["n"]
    return Range(name, Number(first), None if n == 1 else Number(first + n))


def _convert_op(w: _Writer, op: dict[str, Any]) -> tuple[int, ...]:
    kind, process = op["op"], op.get("proc")
    if kind == "region_load":
        return (w.op(None, "peek", Name("u64"), _address(REGION, GUARD + op["page"], op["off"])),)
    if kind == "region_store":
        return (w.op(None, "poke", Name("u64"), _address(REGION, GUARD + op["page"], op["off"]), Number(op["val"])),)
    if process not in w.tables:  # never forked
        return ()
    if kind == "fork":
        return _fork(w, process)
    if kind == "exit":
        return (w.op(process, "exit", Number(0)), w.op(PARENTS[process], "wait", Name(process)))
    if kind == "mmap":
        return _mmap(w, op, w.tables[process])
    # The handle is that of the process whose memory is meant.
    target = op.get("target", process)
    handle = w.tables.get(target, {}).get(op["h"])
    if handle is None:
        return ()
    if kind in _ACCESS:
        verb, width, options = _ACCESS[kind]
        where = _address(handle.name, op["page"], op["off"])
        operands: list[Operand] = [*([Name(target)] if "target" in op else []), *map(Name, width), where]
        if "val" in op:
            operands.append(Number(op["val"]))
        return (w.op(process, verb, *operands, options=options),)
    if kind == "mremap_move":
        return (w.op(process, "mremap", _whole(handle), options=(("fixed", None),)),)
    if kind == "mremap_size":
        may_move: Options = (("maymove", None),) if op["maymove"] else ()
        # A growth may be refused: from here on the handle is at most this long. In place it is refused by every kernel
        # when what an older mapping left lies behind it.
        grows = op["pages"] > handle.pages
        if not grows or op["maymove"] or len(handle.names) == 1:
            w.tables[process][op["h"]] = Handle(handle.names, op["pages"])
        return (w.op(process, "mremap", _whole(handle), options=(("pages", Number(op["pages"])), *may_move)),)
    if kind == "msync":
        return (w.op(process, kind, _range(handle.name, op), options=((op["flags"], None),)),)
    return (w.op(process, kind, _range(handle.name, op), *(Name(op[k]) for k in ("prot", "advice") if k in op)),)


def _whole(handle: Handle) -> Range:
    return Range(handle.name)


def _fork(w: _Writer, process: str) -> tuple[int, ...]:
    child = next((c for c, parent in PARENTS.items() if parent == process), None)
    if child is None or child in w.tables:  # a second fork is left out
        return ()
    w.tables[child] = dict(w.tables[process])
    return (w.op(process, "fork", result=child),)


def _mmap(w: _Writer, op: dict[str, Any], table: dict[int, Handle]) -> tuple[int, ...]:
    h, pages = op["h"], op["pages"]
    old = table.get(h)
    refused = op["fd"] == "ro" and op["flags"] == "shared" and "w" in op["prot"]  # EACCES on every kernel
    if refused:
        name = w.new_name(h)  # the handle stays what it was
    elif old is not None and pages < old.pages:
        name = w.new_name(h)  # the old name goes on to name what is left of the old mapping
    else:
        name = old.name if old else f"m{h}"
    words: Sequence[str] = (DIRECT[op["fd"]], op["flags"], op["prot"])
    options: list[tuple[str, Operand | None]] = [("pages", Number(pages)), ("offset", Number(GUARD + op["pgoff"]))]
    if old is not None:
        options.append(("at", Address(old.name)))
    if not refused:
        names = old.names if old else ()
        table[h] = Handle((name, *(n for n in names if n != name)), pages)
    return (w.op(op["proc"], "mmap", *map(Name, words), result=name, options=tuple(options)),)


_LEN: Options = (("len", Number(8)),)
# golden op -> verb, width word, options
_ACCESS: dict[str, tuple[str, tuple[str, ...], Options]] = {
    "load": ("load", ("u64",), ()),
    "store": ("store", ("u64",), ()),
    "peek": ("peekdata", (), ()),
    "poke": ("pokedata", (), ()),
    "mem_read": ("mem_read", (), _LEN),
    "mem_write": ("mem_write", (), _LEN),
    "pvm_read": ("vm_readv", (), _LEN),
    "pvm_write": ("vm_writev", (), _LEN),
    "write_pipe": ("write", (), _LEN),
    "read_pipe": ("read", (), _LEN),
}
