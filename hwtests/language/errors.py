# SPDX-License-Identifier: GPL-2.0-or-later
"""What does a person see who made a mistake in a program?  One line: file:line:column: what, and what was expected."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches


class ProgramError(Exception):
    """A program that cannot be read. `line` and `column` count from 1, the column in characters."""

    def __init__(self, path: str, line: int, column: int, message: str) -> None:
        super().__init__(path, line, column, message)
        self.path = path
        self.line = line
        self.column = column
        self.message = message

    def __str__(self) -> str:
        return f"{self.path}:{self.line}:{self.column}: {self.message}"


def nearest(word: str, known: Iterable[str]) -> str:
    """` (did you mean 'load'?)`, or nothing when no known word is near."""
    match = get_close_matches(word, list(known), n=1)
    return f" (did you mean '{match[0]}'?)" if match else ""


def quoted(words: Iterable[str]) -> str:
    """`'a', 'b' or 'c'`: the words that would have been right."""
    items = [f"'{word}'" for word in words]
    return items[0] if len(items) == 1 else f"{', '.join(items[:-1])} or {items[-1]}"
