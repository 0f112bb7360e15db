# SPDX-License-Identifier: GPL-2.0-or-later
"""How are the lines read that are no operations: `region dev pages=4`, `needs dev.cow`, `repeat 3`?"""

from __future__ import annotations

import re
from collections.abc import Callable

from .conditions import Condition, parse_condition
from .cursor import Cursor
from .errors import nearest, quoted
from .nodes import End, Hazard, Header, Name, Needs, Operand, ProcessDecl, RegionDecl, Repeat, Rule, Statement, Watch
from .verbs import MAX_PAGES
from .words import CAPABILITIES, HAZARDS, WATCHED

RULE = re.compile(r"[a-z][a-z0-9-]*(\.[a-z0-9][a-z0-9-]*)+")
MAX_REPEAT = 10_000
MAX_UID = (1 << 32) - 2
VERSION = 1

REGION_OPTIONS = ("pages", "fill")
PROCESS_OPTIONS = ("uid", "drop", "memlock")


def parse_declaration(word: str, cursor: Cursor) -> Statement:
    """What stands after the statement's word, up to the end of the line; names are not entered yet."""
    statement = _PARSERS[word](cursor)
    cursor.finish("the end of the line")
    return statement


def _header(cursor: Cursor) -> Header:
    column = cursor.column
    version = cursor.number("the version of the language")
    if version != VERSION:
        cursor.fail(f"version {version} of the language is unknown, expected {VERSION}", column)
    return Header(version)


def _rule(cursor: Cursor) -> Rule:
    ids: list[str] = []
    while not ids or cursor.peek() is not None:
        column = cursor.column
        text = cursor.take("raw", "a rule, like cow.private-write-copies").text
        if RULE.fullmatch(text) is None:
            cursor.fail(f"'{text}' is no rule, expected lower-case words with dashes, joined by dots", column)
        if text in ids:
            cursor.fail(f"rule '{text}' given twice, expected it once", column)
        ids.append(text)
    return Rule(tuple(ids))


def _hazard(cursor: Cursor) -> Hazard:
    column = cursor.column
    words = [cursor.take("word", quoted(HAZARDS)).text]
    while cursor.skip_mark("-"):
        words.append(cursor.take("word", quoted(HAZARDS)).text)
    kind = "-".join(words)
    if kind not in HAZARDS:
        cursor.fail(f"unknown hazard '{kind}'{nearest(kind, HAZARDS)}, expected {quoted(HAZARDS)}", column)
    return Hazard(kind)


def _needs(cursor: Cursor) -> Needs:
    conditions: list[str] = []
    while not conditions or cursor.peek() is not None:
        column = cursor.column
        text = cursor.take("raw", "a condition, like dev.cow or kernel>=5.14").text
        parsed = parse_condition(text)
        if not isinstance(parsed, Condition):
            cursor.fail(parsed, column)
        conditions.append(text)
    return Needs(tuple(conditions))


def _watch(cursor: Cursor) -> Watch:
    what: list[str] = []
    while not what or cursor.peek() is not None:
        column = cursor.column
        word = cursor.take("word", quoted(WATCHED)).text
        if word not in WATCHED:
            cursor.fail(f"'{word}' cannot be watched{nearest(word, WATCHED)}, expected {quoted(WATCHED)}", column)
        if word in what:
            cursor.fail(f"'{word}' is watched already, expected it once", column)
        what.append(word)
    return Watch(tuple(what))


def _region(cursor: Cursor) -> RegionDecl:
    name = cursor.take("word", "a name for the region").text
    return RegionDecl(name, _options(cursor, REGION_OPTIONS, _region_option))


def _region_option(name: str, cursor: Cursor) -> Operand:
    if name == "pages":
        return cursor.number("a number of pages", MAX_PAGES, 1)
    token = cursor.peek()
    if token is not None and token.text == "pattern":
        cursor.at += 1
        return Name("pattern")
    return cursor.number("a byte or 'pattern'", 255)


def _process(cursor: Cursor) -> ProcessDecl:
    name = cursor.take("word", "a name for the process").text
    return ProcessDecl(name, _options(cursor, PROCESS_OPTIONS, _process_option))


def _process_option(name: str, cursor: Cursor) -> Operand:
    if name == "uid":
        return cursor.number("a user id", MAX_UID)
    if name == "memlock":
        return cursor.number("a number of pages", MAX_PAGES)
    names: list[str] = []
    while not names or cursor.skip_mark(","):
        column = cursor.column
        word = cursor.take("word", "a capability, like sys_admin").text
        if word not in CAPABILITIES:
            cursor.fail(
                f"unknown capability '{word}'{nearest(word, CAPABILITIES)}, expected one of capabilities(7)", column
            )
        names.append(word)
    return Name(",".join(names))


def _options(
    cursor: Cursor, known: tuple[str, ...], parse: Callable[[str, Cursor], Operand]
) -> tuple[tuple[str, Operand], ...]:
    found: list[tuple[str, Operand]] = []
    while cursor.peek() is not None:
        column = cursor.column
        word = cursor.take("word", f"an option: {quoted(known)}").text
        if word not in known:
            cursor.fail(f"unknown option '{word}'{nearest(word, known)}, expected {quoted(known)}", column)
        if any(name == word for name, _ in found):
            cursor.fail(f"option '{word}' given twice, expected it once", column)
        cursor.mark("=", f"'=' and a value for '{word}'")
        found.append((word, parse(word, cursor)))
    return tuple(found)


def _repeat(cursor: Cursor) -> Repeat:
    return Repeat(cursor.number("a number of times", MAX_REPEAT, 1))


def _end(cursor: Cursor) -> End:
    return End()


_PARSERS: dict[str, Callable[[Cursor], Statement]] = {
    "pfn": _header, "rule": _rule, "hazard": _hazard, "needs": _needs, "watch": _watch, "region": _region,
    "process": _process, "repeat": _repeat, "end": _end,
}  # fmt: skip
