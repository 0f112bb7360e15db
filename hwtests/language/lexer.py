# SPDX-License-Identifier: GPL-2.0-or-later
"""Which tokens is a line of a program made of, and what stands between them?"""

from __future__ import annotations

import re
from dataclasses import dataclass

from .errors import ProgramError

MAX_LINE = 1000  # characters: a citation is a phrase, not a page

_TOKEN = re.compile(
    r"(?P<number>0[xX][0-9A-Fa-f]+|[0-9]+)(?![A-Za-z0-9_])|(?P<word>[A-Za-z_][A-Za-z0-9_]*)|(?P<mark>[:=\[\]+,-])"
)
_RAW = re.compile(r"[^ #]+")
_RAW_STATEMENTS = ("rule", "needs")  # their operands have dots, dashes and comparisons in them


@dataclass(frozen=True, slots=True)
class Token:
    """`space` is the white space before it, `column` counts from 1."""

    kind: str  # number | word | mark | raw
    text: str
    column: int
    space: str


@dataclass(frozen=True, slots=True)
class LexedLine:
    """The tokens of a line, the white space after the last of them, and what follows `#` (None: no comment)."""

    tokens: tuple[Token, ...]
    tail: str
    comment: str | None
    comment_column: int  # of the first character after the `#`

    @property
    def layout(self) -> tuple[str, ...]:
        return (*(token.space for token in self.tokens), self.tail)


def lex_line(text: str, path: str, number: int) -> LexedLine:
    """Raises ProgramError for a character that no token starts with."""
    if len(text) > MAX_LINE:
        raise ProgramError(path, number, MAX_LINE + 1, f"line too long, expected at most {MAX_LINE} characters")
    _check_characters(text, path, number)
    tokens: list[Token] = []
    at = 0
    while True:
        start = at
        while at < len(text) and text[at] == " ":
            at += 1
        space = text[start:at]
        if at == len(text):
            return LexedLine(tuple(tokens), space, None, at + 1)
        if text[at] == "#":
            return LexedLine(tuple(tokens), space, text[at + 1 :], at + 2)
        raw = bool(tokens) and tokens[0].text in _RAW_STATEMENTS
        match = (_RAW if raw else _TOKEN).match(text, at)
        if match is None:
            raise ProgramError(path, number, at + 1, _unreadable(text, at))
        tokens.append(Token("raw" if raw else str(match.lastgroup), match.group(), at + 1, space))
        at = match.end()


def _unreadable(text: str, at: int) -> str:
    bad = re.match(r"[0-9A-Za-z_]+|.", text[at:])
    shown = bad.group() if bad else text[at]
    if shown[0].isdigit():
        return f"'{shown}' is not a number, expected digits or 0x and hexadecimal digits"
    return f"unexpected character {shown!r}, expected a name, a number or one of : = [ ] + - ,"


def _check_characters(text: str, path: str, number: int) -> None:
    if text.isascii() and text.isprintable():
        return
    comment = text.find("#")
    for at, character in enumerate(text):
        code = ord(character)
        if character == "\t":
            raise ProgramError(path, number, at + 1, "tab, expected spaces")
        if character == "\r":
            raise ProgramError(path, number, at + 1, "carriage return, expected lines that end in a line feed only")
        if code < 32 or 127 <= code < 160 or code in (0x2028, 0x2029, 0xFEFF):
            raise ProgramError(path, number, at + 1, f"control character U+{code:04X}, expected text")
        if 0xD800 <= code < 0xE000:
            raise ProgramError(path, number, at + 1, "not UTF-8, expected text in UTF-8")
        if code >= 160 and not 0 <= comment < at:
            raise ProgramError(
                path,
                number,
                at + 1,
                f"character {character!r} outside a comment, expected ASCII letters, digits and marks",
            )
