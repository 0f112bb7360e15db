# SPDX-License-Identifier: GPL-2.0-or-later
"""What does a text say, as a program?  Everything that can be wrong with it is said here, before anything runs."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import NoReturn

from .conditions import Condition, parse_condition
from .cursor import Cursor
from .declarations import parse_declaration
from .errors import ProgramError, nearest
from .expect import SameAs, Unchanged, parse_expected
from .lexer import lex_line
from .nodes import (
    End,
    Hazard,
    Header,
    Line,
    Needs,
    Op,
    ProcessDecl,
    Program,
    Promise,
    RegionDecl,
    Repeat,
    Rule,
    Statement,
    Watch,
)  # fmt: skip
from .operations import parse_operation
from .printer import print_statement, program_hash
from .promise import parse_promise
from .scope import Scope
from .verbs import ENDS, STATEMENTS, VERBS

MAX_TEXT = 1 << 20  # characters
MAX_LINES = 20_000
MAX_DEPTH = 8
MAX_CALLS = 60_000  # a program's calls, `repeat` expanded: their number must fit 16 bits
MAX_REGIONS = 16
MAX_PROCESSES = 64


def parse_file(path: str | os.PathLike[str]) -> Program:
    """The program in a file. Raises ProgramError (line and column 1 when the file cannot be read), never OSError."""
    name = os.fspath(path)
    try:
        data = Path(path).read_bytes()
    except OSError as error:
        raise ProgramError(name, 1, 1, f"cannot be read: {error.strerror}, expected a program file") from None
    try:
        text = data.decode()
    except UnicodeDecodeError as error:
        before = data[: error.start].decode()
        column = len(before) - (before.rfind("\n") + 1) + 1
        raise ProgramError(name, before.count("\n") + 1, column, "not UTF-8, expected text in UTF-8") from None
    return parse(text, name)


def parse(text: str, path: str = "<program>") -> Program:
    """The program that `text` says; `path` is for messages and becomes the program's path. Raises ProgramError."""
    if len(text) > MAX_TEXT:
        raise ProgramError(path, 1, 1, f"text of {len(text)} characters, expected at most {MAX_TEXT}")
    lines = text.split("\n")
    final_newline = len(lines) > 1 and lines[-1] == ""
    if final_newline:
        lines.pop()
    if len(lines) > MAX_LINES:
        raise ProgramError(path, MAX_LINES + 1, 1, f"{len(lines)} lines, expected at most {MAX_LINES}")
    state = _State(path)
    parsed = tuple(state.line(number, line) for number, line in enumerate(lines, 1))
    state.finish(len(lines))
    program = Program(path, parsed, final_newline=final_newline)
    return replace(program, hash=program_hash(program))


@dataclass(slots=True)
class _Block:
    # A `repeat` that is open: where it stands, how often it runs in all, and which forks and exits are in it.
    line: int
    times: int
    single: bool
    lives: list[tuple[int, int, Op]] = field(default_factory=list)


class _State:
    def __init__(self, path: str) -> None:
        self.path = path
        self.scope = Scope()
        self.header = False
        self.seen: dict[type[Statement], int] = {}  # statements that stand once: their lines
        self.operations: Counter[str] = Counter()
        self.above: Op | None = None
        self.blocks: list[_Block] = []
        self.calls = 0
        self.conditions: list[tuple[int, int, Condition]] = []

    def line(self, number: int, text: str) -> Line:
        lexed = lex_line(text, self.path, number)
        cursor = Cursor(lexed, self.path, number)
        statement = self._statement(cursor) if lexed.tokens else None
        promises: tuple[Promise, ...] = ()
        if lexed.comment is not None:
            promises = self._promises(lexed.comment, statement, number, lexed.comment_column)
        if isinstance(statement, Op):
            self.operations[print_statement(statement)] += 1
        return Line(number, statement, lexed.comment, promises, lexed.layout)

    def finish(self, lines: int) -> None:
        if not self.header:
            raise ProgramError(self.path, lines, 1, "no header, expected 'pfn 1'")
        if self.blocks:
            raise ProgramError(
                self.path, self.blocks[-1].line, 1, "'repeat' without 'end', expected 'end' after what it repeats"
            )
        for line, column, condition in self.conditions:
            if condition.region is not None and self.scope.kinds.get(condition.region) != "region":
                regions = [name for name, kind in self.scope.kinds.items() if kind == "region"]
                near = nearest(condition.region, regions)
                message = f"'{condition.region}' is no region{near}, expected one that the program declares"
                raise ProgramError(self.path, line, column, message)

    def _statement(self, cursor: Cursor) -> Statement:
        first = cursor.tokens[0]
        keyword = first.text in STATEMENTS and not cursor.is_mark(":", 1) and not cursor.is_mark("=", 1)
        if not self.header and first.text != "pfn":
            cursor.fail(f"unexpected '{first.text}' before the header, expected 'pfn 1'")
        if keyword:
            cursor.at = 1
            statement = parse_declaration(first.text, cursor)
            self._declared(statement, cursor)
            return statement
        if first.kind != "word":
            cursor.unexpected("a statement")
        self._unknown(cursor)
        op = parse_operation(cursor, self.scope)
        self._operated(op, cursor)
        return op

    def _unknown(self, cursor: Cursor) -> None:
        # A first word that is neither a name with a mark after it nor an operation: a misspelt statement?
        word = cursor.tokens[0].text
        if word in VERBS or cursor.is_mark(":", 1) or cursor.is_mark("=", 1):
            return
        known = (*STATEMENTS, *VERBS)
        cursor.fail(
            f"unknown statement '{word}'{nearest(word, known)}, expected {', '.join(STATEMENTS)} or an operation"
        )

    def _declared(self, statement: Statement, cursor: Cursor) -> None:
        column = cursor.tokens[0].column
        if isinstance(statement, Header | Rule | Hazard | Watch):
            self._once(statement, cursor, column)
        if isinstance(statement, RegionDecl | ProcessDecl | Watch) and self.operations:
            cursor.fail(f"'{cursor.tokens[0].text}' after an operation, expected it before the first one", column)
        match statement:
            case Header():
                self.header = True
            case RegionDecl(name):
                self.scope.declare(name, "region", self._failing(cursor, cursor.tokens[1].column))
                self._limit("region", MAX_REGIONS, cursor)
            case ProcessDecl(name):
                self.scope.declare(name, "process", self._failing(cursor, cursor.tokens[1].column))
            case Needs():
                self._needed(cursor)
            case Repeat(count):
                self._open(count, cursor)
            case End():
                self._close(cursor)
            case _:
                pass

    def _failing(self, cursor: Cursor, column: int) -> Callable[[str], NoReturn]:
        return lambda message: cursor.fail(message, column)

    def _once(self, statement: Statement, cursor: Cursor, column: int) -> None:
        before = self.seen.setdefault(type(statement), cursor.line)
        if before != cursor.line:
            cursor.fail(f"second '{cursor.tokens[0].text}', expected only the one in line {before}", column)

    def _limit(self, kind: str, limit: int, cursor: Cursor) -> None:
        if sum(its == kind for its in self.scope.kinds.values()) > limit:
            cursor.fail(f"too many of '{kind}', expected at most {limit}", cursor.tokens[0].column)

    def _needed(self, cursor: Cursor) -> None:
        for token in cursor.tokens[1:]:
            condition = parse_condition(token.text)
            if isinstance(condition, Condition):
                self.conditions.append((cursor.line, token.column, condition))

    def _open(self, count: int, cursor: Cursor) -> None:
        if len(self.blocks) == MAX_DEPTH:
            cursor.fail(f"'repeat' {MAX_DEPTH + 1} deep, expected at most {MAX_DEPTH}", cursor.tokens[0].column)
        times = count * (self.blocks[-1].times if self.blocks else 1)
        self.blocks.append(_Block(cursor.line, times, count == 1))

    def _close(self, cursor: Cursor) -> None:
        if not self.blocks:
            cursor.fail("'end' without 'repeat', expected 'repeat N' before it", cursor.tokens[0].column)
        block = self.blocks.pop()
        if not block.single:  # what lives and what has ended must be right when it runs again, too
            for line, column, op in block.lives:
                again = _Again(self.path, line, column)
                if op.verb in ENDS and op.process is not None:
                    self.scope.exit(op.process)
                elif op.process is not None and op.result is not None:
                    self.scope.fork(op.process, op.result, again)
        if self.blocks:
            self.blocks[-1].lives += block.lives

    def _operated(self, op: Op, cursor: Cursor) -> None:
        self.above = op
        self._limit("process", MAX_PROCESSES, cursor)
        self.calls += self.blocks[-1].times if self.blocks else 1
        if self.calls > MAX_CALLS:
            cursor.fail(
                f"{self.calls} operations with 'repeat' expanded, expected at most {MAX_CALLS}", cursor.tokens[0].column
            )
        if self.blocks and op.verb in ("fork", *ENDS):
            self.blocks[-1].lives.append((cursor.line, cursor.tokens[0].column, op))

    def _promises(self, comment: str, statement: Statement | None, number: int, column: int) -> tuple[Promise, ...]:
        op = statement if isinstance(statement, Op) else self.above if statement is None else None
        promise = parse_promise(comment, VERBS[op.verb] if op else None, self.path, number, column)
        if promise is None or op is None:
            return ()
        for one in promise.alternatives:
            for expected in parse_expected(one.value):
                self._check_reference(expected, op, statement is None, number, column)
        return (promise,)

    def _check_reference(self, expected: object, op: Op, below: bool, number: int, column: int) -> None:
        def fail(message: str) -> NoReturn:
            raise ProgramError(self.path, number, column, message)

        if isinstance(expected, SameAs):
            self.scope.use(expected.name, ("value",), None, fail)
        if isinstance(expected, Unchanged):
            text = print_statement(op)
            if not self.blocks and self.operations[text] < (2 if below else 1):  # below: it has been counted itself
                fail(f"'unchanged' without '{text}' above, expected the same operation before")


class _Again:
    # Fails where an operation stands that cannot run a second time.
    def __init__(self, path: str, line: int, column: int) -> None:
        self.place = (path, line, column)

    def __call__(self, message: str) -> NoReturn:
        raise ProgramError(*self.place, f"when repeated: {message}")
