# SPDX-License-Identifier: GPL-2.0-or-later
"""What can a promise say of a field?  The values of promises, read; hwtests/promises.py holds them against a trace.

0x41            this value                1p  2kB         a size
EIO|EFAULT      one of these              0..2            from, to, both included
+pf +io -lo     these flags, not those    each none       every element of a list
a / b / c       a list, element by element
unchanged       as the same operation saw it the time before
same as v       the value that v got
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import TypeAlias

RET_WORD = re.compile(r"ok|died|hangs|no-process|E[A-Z0-9]{2,}|SIG[A-Z0-9]{2,}")
_SIZE = re.compile(r"(-?[0-9]+)p")
_RANGE = re.compile(r"(-?[0-9]+)p?\.\.(-?[0-9]+)p?")
_FLAG = re.compile(r"[+-][A-Za-z0-9][A-Za-z0-9_\[\]-]*")
_SAME = re.compile(r"same as ([A-Za-z_][A-Za-z0-9_]*)")


@dataclass(frozen=True, slots=True)
class Exactly:
    """A number (pages for a size) or a text."""

    value: int | str
    text: str


@dataclass(frozen=True, slots=True)
class Between:
    low: int
    high: int


@dataclass(frozen=True, slots=True)
class Flags:
    with_: frozenset[str]
    without: frozenset[str]


@dataclass(frozen=True, slots=True)
class Each:
    """Every element of a list."""

    element: Exactly | Between | Flags


@dataclass(frozen=True, slots=True)
class Elements:
    """A list, element by element."""

    elements: tuple[Exactly | Between | Flags, ...]


@dataclass(frozen=True, slots=True)
class Unchanged:
    pass


@dataclass(frozen=True, slots=True)
class SameAs:
    name: str


Expected: TypeAlias = Exactly | Between | Flags | Each | Elements | Unchanged | SameAs


@lru_cache(maxsize=1024)
def parse_expected(text: str) -> tuple[Expected, ...] | str:
    """The values, one of which must hold (`EIO|EFAULT`), or what is wrong with the text."""
    found: list[Expected] = []
    for part in text.split("|"):
        one = _one(" ".join(part.split()))
        if isinstance(one, str):
            return one
        found.append(one)
    return tuple(found)


def _one(text: str) -> Expected | str:
    if not text:
        return "empty value, expected what the field must be"
    if text == "unchanged":
        return Unchanged()
    if match := _SAME.fullmatch(text):
        return SameAs(match[1])
    if text == "each" or text.startswith("each "):
        return _each(text[len("each ") :])
    if " / " in f" {text} ":
        parts = tuple(part.strip() for part in f" {text} ".split(" / "))
        if not all(parts):
            return f"empty element in '{text}', expected values between the slashes"
        return _elements(parts)
    return _element(text)


def _elements(parts: tuple[str, ...]) -> Expected | str:
    found: list[Exactly | Between | Flags] = []
    for part in parts:
        element = _element(part)
        if isinstance(element, str):
            return element
        found.append(element)
    return Elements(tuple(found))


def _each(text: str) -> Expected | str:
    if not text:
        return "'each' without a value, expected what every element must be"
    element = _element(text)
    return element if isinstance(element, str) else Each(element)


def _element(text: str) -> Exactly | Between | Flags | str:
    if match := _RANGE.fullmatch(text):
        low, high = int(match[1]), int(match[2])
        return Between(low, high) if low <= high else f"range '{text}' ends before it starts, expected LOW..HIGH"
    words = text.split()
    if all(_FLAG.fullmatch(word) for word in words) and not text.lstrip("-").isdigit():
        return Flags(
            frozenset(word[1:] for word in words if word[0] == "+"),
            frozenset(word[1:] for word in words if word[0] == "-"),
        )
    return Exactly(as_number(text), text)


def as_number(text: str) -> int | str:
    """`0x41` and `65` as 65, `2p` as 2; any other text as it is."""
    if match := _SIZE.fullmatch(text):
        return int(match[1])
    try:
        return int(text, 0)
    except ValueError:
        return text
