# SPDX-License-Identifier: GPL-2.0-or-later
"""Which numbers are the arguments of an operation's call?"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from .nodes import Address, Name, Number, Op, Operand, Range
from .places import Names, place
from .verbs import VERBS, Slot, Verb
from .words import CORE_FILTER, MAP_ANONYMOUS, MAP_FIXED, MREMAP_FIXED, SHARING

ABSOLUTE = -1
PLACE = -3  # counted from the arena's start
WHOLE = -1  # a length: the handle's own
SOURCES = ("anon", "region", "fd")
DEFAULT_MOVED = 8  # bytes
ASK = -1  # no node: move_pages only tells

Ints = tuple[int, ...]


class Arguments:
    """Encodes operations one after the other, in the order in which they run: a fresh place is given out each time."""

    def __init__(self, names: Names, pages: Mapping[str, int], stride: int, page_size: int) -> None:
        self.names = names
        self.pages = pages
        self.stride = stride
        self.page_size = page_size
        self._fresh = len(names.handles)
        self._computed: Mapping[str, Callable[[Op, dict[str, Operand | None]], Ints]] = {
            "=open": lambda op, found: (_word(VERBS["open"].slots[1], found["mode"]) | self._flag_bits(op),),
            "=mmap": self._mmap_flags,
            "=place": self._place,
            "=length": self._length,
            "=offset": self._offset,
            "=newlength": lambda op, found: (self._bytes(op, "pages", WHOLE),),
            "=flags": lambda op, found: (self._flag_bits(op),),
            "=to": self._to,
            "=len": lambda op, found: (_number(op, "len", DEFAULT_MOVED),),
            "=page": lambda op, found: (_number(op, "len", self.page_size),),
            "=node": lambda op, found: (_number(op, "to", ASK),),
            "=filter": lambda op, found: (_number(op, "filter", CORE_FILTER),),
        }

    def of(self, op: Op) -> Ints:
        """The arguments of `op`, each a signed 64-bit number."""
        verb = VERBS[op.verb]
        slots = {slot.name: slot for slot in verb.slots}
        found = bind(verb, op)
        numbers: list[int] = []
        for name in verb.args:
            numbers += (
                self._computed[name](op, found) if name in self._computed else self._slot(slots[name], found[name], op)
            )
        return tuple(signed(number) for number in numbers)

    def _slot(self, slot: Slot, operand: Operand | None, op: Op) -> Ints:
        match operand:
            case Address():
                return self._address(
                    operand, self.names.regions if slot.kind == "region-address" else self.names.handles
                )
            case Range() if slot.kind == "pfns":
                return self._pfns(operand, op)
            case Range():
                return self._range(operand, op)
            case Name(text) if slot.kind == "value":
                return (1, self.names.values[text])
            case Number() if slot.kind == "value":
                return (0, int(operand))
            case Name(text) if slot.kind == "source":
                return self._source(text)
            case Name(text) if slot.kind in ("region", "fd", "mapping", "process"):
                return (self._table(slot.kind)[text],)
        return (_word(slot, operand),)

    def _table(self, kind: str) -> Mapping[str, int]:
        names = self.names
        return {"region": names.regions, "fd": names.fds, "mapping": names.handles, "process": names.processes}[kind]

    def _source(self, name: str) -> Ints:
        if name == "anon":
            return (0, 0)
        return (1, self.names.regions[name]) if name in self.names.regions else (2, self.names.fds[name])

    def _address(self, address: Address, table: Mapping[str, int]) -> Ints:
        if address.base is None:
            return (ABSOLUTE, int(address.byte))
        return (table[address.base], address.page * self.page_size + address.byte)

    def _range(self, pages: Range, op: Op) -> Ints:
        handle = self.names.handles[pages.base]
        length = _number(op, "len", self._range_length(pages))
        return (handle, (pages.first or 0) * self.page_size + pages.byte, length)

    def _range_length(self, pages: Range) -> int:
        if pages.first is None:
            return WHOLE
        return self.page_size if pages.last is None else (pages.last - pages.first) * self.page_size

    def _pfns(self, pages: Range, op: Op) -> Ints:
        if op.process is not None:
            return (1, *self._range(pages, op))
        region = self.names.regions[pages.base]
        if pages.first is None:
            return (0, region, 0, self.pages[pages.base])
        return (0, region, int(pages.first), 1 if pages.last is None else pages.last - pages.first)

    def _mmap_flags(self, op: Op, found: dict[str, Operand | None]) -> Ints:
        flags = SHARING[_text(found["sharing"])] | self._flag_bits(op)
        if found["source"] == Name("anon"):
            flags |= MAP_ANONYMOUS
        return (flags if dict(op.options).get("at") == Name("any") else flags | MAP_FIXED,)

    def _place(self, op: Op, found: dict[str, Operand | None]) -> Ints:
        at = dict(op.options).get("at")
        if at == Name("any"):
            return (ABSOLUTE, 0)
        if isinstance(at, Address):
            return self._address(at, self.names.handles)
        return (PLACE, place(self.names.handles[_text_of(op.result)], self.stride, self.page_size))

    def _length(self, op: Op, found: dict[str, Operand | None]) -> Ints:
        if op.verb == "map":
            return (self._bytes(op, "pages", 0),)
        source = _text(found["source"])
        default = self.pages.get(source, max(self.pages.values(), default=1))
        return (self._bytes(op, "pages", default * self.page_size),)

    def _offset(self, op: Op, found: dict[str, Operand | None]) -> Ints:
        match dict(op.options).get("offset"):
            case Number() as pages:
                return (pages * self.page_size,)
            case Address(None, pages, byte):
                return (pages * self.page_size + byte,)
        return (0,)

    def _to(self, op: Op, found: dict[str, Operand | None]) -> Ints:
        to = dict(op.options).get("to")
        if isinstance(to, Address):
            return self._address(to, self.names.handles)
        if not self._flag_bits(op) & MREMAP_FIXED:
            return (ABSOLUTE, 0)
        self._fresh += 1
        return (PLACE, place(self._fresh - 1, self.stride, self.page_size))

    def _bytes(self, op: Op, option: str, default: int) -> int:
        value = dict(op.options).get(option)
        return value * self.page_size if isinstance(value, Number) else default

    def _flag_bits(self, op: Op) -> int:
        verb = VERBS[op.verb]
        bits = _number(op, "flags", 0)
        for name, value in op.options:
            option = verb.option(name)
            if value is None and option is not None:
                bits |= option.bits
        return bits


def bind(verb: Verb, op: Op) -> dict[str, Operand | None]:
    """The operands by the names of their slots; None for one that was left out."""
    left = list(op.operands)
    found: dict[str, Operand | None] = {}
    for slot in verb.slots:
        optional = slot.default is not None
        given = bool(left) and (not optional or slot.kind == "number" or _is_word(slot, left[0]))
        found[slot.name] = left.pop(0) if given else None
    return found


def signed(number: int) -> int:
    """The same 64 bits as a signed number."""
    return number - (1 << 64) if number >= 1 << 63 else number


def _is_word(slot: Slot, operand: Operand) -> bool:
    return isinstance(operand, Name) and operand.text in slot.words


def _word(slot: Slot, operand: Operand | None) -> int:
    if operand is None:
        return slot.default or 0
    return slot.words[operand.text] if isinstance(operand, Name) else int(operand) if isinstance(operand, Number) else 0


def _number(op: Op, option: str, default: int) -> int:
    value = dict(op.options).get(option)
    return int(value) if isinstance(value, Number) else default


def _text(operand: Operand | None) -> str:
    return operand.text if isinstance(operand, Name) else ""


def _text_of(name: str | None) -> str:
    return name or ""
