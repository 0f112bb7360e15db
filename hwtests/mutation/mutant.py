# SPDX-License-Identifier: GPL-2.0-or-later
"""What is a mutant?  The simulator with one thing changed; its name survives other changes of the file."""

from __future__ import annotations

import ast
from dataclasses import dataclass
from typing import Any, NamedTuple

MODULE = "<module>"  # the function of what stands outside of any
PROFILES = "profiles"  # the file of a word


class Key(NamedTuple):
    """`before` and `after` are the text of the statement, or of a compound statement's head; `occurrence` counts
    from 1 the same change in the same function."""

    file: str
    function: str
    before: str
    after: str
    occurrence: int

    def __str__(self) -> str:
        again = f" (occurrence {self.occurrence})" if self.occurrence > 1 else ""
        return f"{self.file} {self.function}: {self.before}  ->  {self.after}{again}"


@dataclass(frozen=True, slots=True)
class Change:
    """The change itself: in `node`'s field (at `index`, if that is a list) stands `new`."""

    node: ast.AST
    field: str
    index: int | None
    new: Any

    def make(self) -> Any:
        """Change the tree; returns what stood there, for undo()."""
        if self.index is None:
            old = getattr(self.node, self.field)
            setattr(self.node, self.field, self.new)
        else:
            old = getattr(self.node, self.field)[self.index]
            getattr(self.node, self.field)[self.index] = self.new
        return old

    def undo(self, old: Any) -> None:
        if self.index is None:
            setattr(self.node, self.field, old)
        else:
            getattr(self.node, self.field)[self.index] = old


@dataclass(frozen=True, slots=True)
class Mutant:
    """`kind`: compare, boolean, constant, statement, arithmetic, rule or word; `line` of the file, 0 for a word.

    `statement` is the number of the statement that must be reached (reached.py); `definition` the tree of the function
    or, at module level, of the assignment. Of a word they are -1 and None; `change` is then (before, after) as values.
    """

    key: Key
    kind: str
    line: int
    statement: int = -1
    definition: ast.AST | None = None
    change: Change | tuple[Any, Any] | None = None
    rule: str = ""  # of kind rule: the id that is no longer said

    @property
    def where(self) -> str:
        return f"{self.key.file}:{self.line}" if self.line else f"{self.key.file} {self.key.function}"
