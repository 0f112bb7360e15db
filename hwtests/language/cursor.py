# SPDX-License-Identifier: GPL-2.0-or-later
"""How is a line's row of tokens read: which comes next, was it the right one, and where does an error point?"""

from __future__ import annotations

from typing import NoReturn

from .errors import ProgramError
from .lexer import LexedLine, Token
from .nodes import UNWRITTEN, Number
from .verbs import MAX_VALUE


class Cursor:
    """The tokens of one line, read from left to right."""

    def __init__(self, lexed: LexedLine, path: str, line: int) -> None:
        self.tokens = lexed.tokens
        self.path = path
        self.line = line
        self.at = 0
        self._end = sum(len(token.space) + len(token.text) for token in lexed.tokens) + 1

    def peek(self, ahead: int = 0) -> Token | None:
        place = self.at + ahead
        return self.tokens[place] if place < len(self.tokens) else None

    def is_mark(self, text: str, ahead: int = 0) -> bool:
        token = self.peek(ahead)
        return token is not None and token.kind == "mark" and token.text == text

    def is_word(self, ahead: int = 0) -> bool:
        token = self.peek(ahead)
        return token is not None and token.kind == "word"

    @property
    def column(self) -> int:
        token = self.peek()
        return token.column if token else self._end

    def fail(self, message: str, column: int | None = None) -> NoReturn:
        raise ProgramError(self.path, self.line, self.column if column is None else column, message)

    def unexpected(self, expected: str) -> NoReturn:
        token = self.peek()
        self.fail(f"unexpected '{token.text}', expected {expected}" if token else f"line ends, expected {expected}")

    def take(self, kind: str, expected: str) -> Token:
        token = self.peek()
        if token is None or token.kind != kind:
            self.unexpected(expected)
        self.at += 1
        return token

    def mark(self, text: str, expected: str) -> None:
        if not self.is_mark(text):
            self.unexpected(expected)
        self.at += 1

    def skip_mark(self, text: str) -> bool:
        if self.is_mark(text):
            self.at += 1
            return True
        return False

    def number(self, expected: str, high: int = MAX_VALUE, low: int = 0) -> Number:
        """An unsigned number; with `low` below 0 a minus sign may stand before it."""
        column = self.column
        negative = low < 0 and self.skip_mark("-")
        token = self.take("number", expected)
        value = int(token.text, 0 if token.text[:2] in ("0x", "0X") else 10)
        value = -value if negative else value
        if not low <= value <= high:
            self.fail(
                f"{'-' if negative else ''}{token.text} is out of range, expected {expected} from {low} to {high}",
                column,
            )
        return Number(value, f"-{token.text}" if negative else token.text)

    def byte(self, high: int) -> Number:
        """`+0x10`, `-8` or nothing: the byte part of an address."""
        if self.skip_mark("+"):
            return self.number("a number of bytes", high)
        return self.number("a number of bytes", high, -high) if self.is_mark("-") else UNWRITTEN

    def finish(self, expected: str) -> None:
        if self.peek() is not None:
            self.unexpected(expected)
