# SPDX-License-Identifier: GPL-2.0-or-later
"""Which mutants may live, and why?  Those that change nothing that can be observed, each argued in `survivors.toml`.

    [[survivor]]
    file = "cpu.py"
    function = "load"
    before = "if pte & READABLE == READABLE_IS"
    after = ["if False"]
    why = "A fast path: without it the walk below gives the same answer."

`after` lists the changes of one statement that one argument holds for; `occurrence` (1 if left out) counts the same
statement in the same function.
"""

from __future__ import annotations

import tomllib
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path

import msgspec

from hwtests.errors import LabError
from hwtests.mutation.mutant import Key

FILE = Path(__file__).with_name("survivors.toml")


class Argued(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One entry of the file."""

    file: str
    function: str
    before: str
    after: list[str]
    why: str
    occurrence: int = 1

    def mutants(self) -> Iterator[Key]:
        for after in self.after:
            yield Key(self.file, self.function, self.before, after, self.occurrence)


def read_argued(text: str | None = None) -> dict[Key, str]:
    """The arguments by mutant. Raises LabError for a file that is not of this form, or argues one twice."""
    try:
        data = tomllib.loads(FILE.read_text(encoding="utf-8") if text is None else text)
        entries = msgspec.convert(data.get("survivor", []), list[Argued])
    except (tomllib.TOMLDecodeError, msgspec.ValidationError) as error:
        raise LabError(f"{FILE}: {error}") from None
    found: dict[Key, str] = {}
    for entry in entries:
        if not entry.why.strip():
            raise LabError(f"{FILE}: {entry.file} {entry.function}: expected an argument, found none")
        for key in entry.mutants():
            if key in found:
                raise LabError(f"{FILE}: argued twice: {key}")
            found[key] = entry.why
    return found


def stale(
    argued: Mapping[Key, str], there: Collection[Key], killed: Collection[Key], files: Collection[str]
) -> list[str]:
    """What is wrong with the file: entries that no mutant of these files matches any more, and killed ones."""
    of_these = [key for key in argued if key.file in files]
    return [f"argued, but there is no such mutant: {key}" for key in of_these if key not in there] + [
        f"argued, but killed: {key}" for key in of_these if key in killed
    ]
