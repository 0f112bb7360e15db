# SPDX-License-Identifier: GPL-2.0-or-later
"""How is an operation read: `p: m = mmap dev private rw pages=2`?"""

from __future__ import annotations

from collections.abc import Callable
from typing import NoReturn

from .cursor import Cursor
from .errors import nearest, quoted
from .nodes import UNWRITTEN, Address, Name, Number, Op, Operand, Range
from .scope import Scope
from .verbs import ENDS, MAX_PAGES, MAX_VALUE, VERBS, Option, Slot, Verb
from .words import FORBIDDEN_ADVICE

MAX_OFFSET = 1 << 40  # bytes beside a page


def parse_operation(cursor: Cursor, scope: Scope) -> Op:
    """The operation of a line, its names checked and its results entered into the scope."""
    return _Operation(cursor, scope).parse()


class _Operation:
    def __init__(self, cursor: Cursor, scope: Scope) -> None:
        self.cursor = cursor
        self.scope = scope
        self.process: str | None = None  # that executes it
        self.memory: str | None = None  # whose memory an address is of

    def parse(self) -> Op:
        cursor = self.cursor
        process_column = cursor.column
        if cursor.is_word() and cursor.is_mark(":", 1):
            self.process = cursor.take("word", "a process").text
            cursor.at += 1
            self.scope.use(self.process, ("process",), None, self._failing(process_column))
        result_column = cursor.column
        result = None
        if cursor.is_word() and cursor.is_mark("=", 1):
            result = cursor.take("word", "a name").text
            cursor.at += 1
        verb_column = cursor.column
        verb = self._verb()
        self._check_process(verb, process_column, verb_column)
        self._check_result(verb, result, result_column, verb_column)
        self.memory = self.process
        operands = self._operands(verb)
        options = self._options(verb)
        cursor.finish("an option" if verb.options else "the end of the line")
        self._enter(verb, result, self._failing(result_column))
        return Op(self.process, result, verb.name, operands, options)

    def _failing(self, column: int) -> Callable[[str], NoReturn]:
        return lambda message: self.cursor.fail(message, column)

    def _verb(self) -> Verb:
        column = self.cursor.column
        word = self.cursor.take("word", "an operation").text
        verb = VERBS.get(word)
        if verb is None:
            if self.cursor.is_mark(":"):
                self.cursor.fail(f"'{word}:' where an operation belongs, expected NAME: [NAME =] OPERATION", column)
            self.cursor.fail(
                f"unknown operation '{word}'{nearest(word, VERBS)}, expected one of {', '.join(VERBS)}", column
            )
        return verb

    def _check_process(self, verb: Verb, process_column: int, verb_column: int) -> None:
        if verb.process == "one" and self.process is None:
            self.cursor.fail(f"'{verb.name}' without a process, expected 'NAME:' before it", verb_column)
        if verb.process == "none" and self.process is not None:
            self.cursor.fail(f"'{verb.name}' is done from outside, expected no process before it", process_column)

    def _check_result(self, verb: Verb, result: str | None, column: int, verb_column: int) -> None:
        if result is not None and verb.result is None:
            self.cursor.fail(f"'{verb.name}' gives nothing that can be named, expected no '{result} ='", column)
        if result is None and verb.result_needed:
            self.cursor.fail(
                f"'{verb.name}' without a name for what it gives, expected 'NAME =' before it", verb_column
            )

    def _enter(self, verb: Verb, result: str | None, fail: Callable[[str], NoReturn]) -> None:
        if verb.name == "fork" and result is not None and self.process is not None:
            self.scope.fork(self.process, result, fail)
        elif result is not None and verb.result is not None:
            self.scope.set(result, verb.result, self.process, fail)
        if verb.name in ENDS and self.process is not None:
            self.scope.exit(self.process)

    def _operands(self, verb: Verb) -> tuple[Operand, ...]:
        found: list[Operand] = []
        for slot in verb.slots:
            operand = self._operand(slot)
            if operand is not None:
                found.append(operand)
        return tuple(found)

    def _operand(self, slot: Slot) -> Operand | None:
        match slot.kind:
            case "word":
                return self._word(slot)
            case "number":
                return self._optional_number(slot)
            case "region" | "fd" | "mapping" | "process":
                return self._name((slot.kind,), slot)
            case "source":
                if (token := self.cursor.peek()) is not None and token.text == "anon":
                    self.cursor.at += 1
                    return Name("anon")
                return self._name(("region", "fd"), slot)
            case "address":
                return self._address(("mapping",), absolute=True)
            case "region-address":
                return self._address(("region",), absolute=False)
            case "range":
                return self._range("mapping")
            case "pfns":
                return self._range("region" if self.process is None else "mapping")
            case "value":
                return self._value()
        raise AssertionError(slot.kind)

    def _word(self, slot: Slot) -> Operand | None:  # noqa: RET503 - `unexpected` does not return
        token = self.cursor.peek()
        if token is not None and token.kind == "word" and token.text in slot.words:
            self.cursor.at += 1
            return Name(token.text)
        if slot.default is not None:
            return None
        if slot.limit is not None and token is not None and token.kind == "number":
            column = self.cursor.column
            number = self.cursor.number(f"a number for {slot.name}", slot.limit)
            if slot.name == "advice" and number in FORBIDDEN_ADVICE:
                self.cursor.fail(f"advice {number} would poison a page of the machine, expected another", column)
            return number
        near = nearest(token.text, slot.words) if token else ""
        self.cursor.unexpected(f"{slot.name}: {quoted(slot.words)}{near}")

    def _optional_number(self, slot: Slot) -> Operand | None:
        if self.cursor.peek() is None and slot.default is not None:
            return None
        return self.cursor.number(f"a number for {slot.name}", slot.limit or MAX_VALUE)

    def _name(self, kinds: tuple[str, ...], slot: Slot) -> Name:
        column = self.cursor.column
        name = self.cursor.take("word", "a " + " or ".join({"fd": "descriptor"}.get(kind, kind) for kind in kinds)).text
        self.scope.use(name, kinds, self.process, self._failing(column))
        if slot.kind == "process":
            self.memory = name
        return Name(name)

    def _value(self) -> Operand:
        if not self.cursor.is_word():
            return self.cursor.number("a value: a number or the name of one")
        column = self.cursor.column
        name = self.cursor.take("word", "a value").text
        owner = self.process if self.process is not None else next(iter(self.scope.roots), None)
        self.scope.use(name, ("value",), owner, self._failing(column))
        return Name(name)

    def _address(self, kinds: tuple[str, ...], *, absolute: bool) -> Address:
        cursor = self.cursor
        if absolute and not cursor.is_word():
            return Address(None, UNWRITTEN, cursor.number("an address: a mapping or a number"))
        column = cursor.column
        name = cursor.take("word", f"an address in a {' or '.join(kinds)}").text
        self.scope.use(name, kinds, self.memory, self._failing(column))
        page = UNWRITTEN
        if cursor.skip_mark("["):
            page = cursor.number("a page number", MAX_PAGES, -MAX_PAGES)
            if cursor.is_mark(":"):
                cursor.fail("a range where one address is meant, expected ']'")
            cursor.mark("]", "']'")
        return Address(name, page, cursor.byte(MAX_OFFSET))

    def _range(self, kind: str) -> Range:
        cursor = self.cursor
        column = cursor.column
        name = cursor.take("word", f"a range of a {kind}").text
        self.scope.use(name, (kind,), self.memory, self._failing(column))
        first: Number | None = None
        last: Number | None = None
        if cursor.skip_mark("["):
            first = cursor.number("a page number", MAX_PAGES, -MAX_PAGES)
            if cursor.skip_mark(":"):
                column = cursor.column
                last = cursor.number("a page number", MAX_PAGES, -MAX_PAGES)
                if last < first:
                    cursor.fail(f"range ends at page {last}, before it starts, expected {first} or more", column)
            cursor.mark("]", "']' or ':'" if last is None else "']'")
        return Range(name, first, last, cursor.byte(MAX_OFFSET))

    def _options(self, verb: Verb) -> tuple[tuple[str, Operand | None], ...]:
        found: list[tuple[str, Operand | None]] = []
        names = [option.name for option in verb.options]
        end = self.cursor.column
        while self.cursor.peek() is not None:
            column = self.cursor.column
            if not self.cursor.is_word():
                self.cursor.unexpected(f"an option: {quoted(names)}" if names else "the end of the line")
            word = self.cursor.take("word", "an option").text
            option = verb.option(word)
            if option is None:
                expected = quoted(names) if names else "the end of the line"
                self.cursor.fail(
                    f"'{verb.name}' has no option '{word}'{nearest(word, names)}, expected {expected}", column
                )
            if any(name == word for name, _ in found):
                self.cursor.fail(f"option '{word}' given twice, expected it once", column)
            found.append((word, self._option(option)))
            end = self.cursor.column
        if verb.name == "mremap" and "to" in dict(found) and not {"fixed", "dontunmap", "flags"} & set(dict(found)):
            self.cursor.fail("'to=' without 'fixed', expected 'fixed' or 'dontunmap' too", end)
        return tuple(found)

    def _option(self, option: Option) -> Operand | None:
        cursor = self.cursor
        if option.kind == "flag":
            if cursor.is_mark("="):
                cursor.fail(f"'{option.name}' takes no value, expected a space or the end of the line")
            return None
        cursor.mark("=", f"'=' and a value for '{option.name}'")
        if option.kind == "number":
            return cursor.number(f"a number for '{option.name}'", option.limit)
        if option.kind == "offset":
            pages = cursor.number("an offset in pages", option.limit)
            return (
                Address(None, pages, cursor.byte(MAX_OFFSET)) if cursor.is_mark("+") or cursor.is_mark("-") else pages
            )
        token = cursor.peek()
        if option.name == "at" and token is not None and token.text == "any":
            cursor.at += 1
            return Name("any")
        self.memory = self.process
        return self._address(("mapping",), absolute=True)
