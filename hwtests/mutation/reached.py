# SPDX-License-Identifier: GPL-2.0-or-later
"""Which statements of the simulator does a case reach?  A mutant that it never reaches is not its to kill.

Every function's code is replaced by one that marks each statement before it executes it, until the marks are taken out.
"""

from __future__ import annotations

import ast
import copy
import inspect
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from types import CodeType, FunctionType

from hwtests.mutation.live import all_functions, code_of, forget
from hwtests.mutation.sites import Source

_MARKS = "__reached__"


class _Marked(ast.NodeTransformer):
    def __init__(self, numbers: dict[int, int], copies: dict[int, int]) -> None:
        self.numbers = {copies[old]: number for old, number in numbers.items() if old in copies}

    def generic_visit(self, node: ast.AST) -> ast.AST:
        for field in ("body", "orelse", "finalbody"):
            statements = getattr(node, field, None)
            if isinstance(statements, list) and statements and isinstance(statements[0], ast.stmt):
                setattr(node, field, [one for statement in statements for one in self._with_mark(statement)])
        for child in ast.iter_child_nodes(node):
            self.generic_visit(child)
        return node

    def _with_mark(self, statement: ast.stmt) -> list[ast.stmt]:
        number = self.numbers.get(id(statement))
        if number is None:
            return [statement]
        mark = ast.parse(f"{_MARKS}[{number}] = 1").body[0]
        return [ast.copy_location(mark, statement), statement]


@contextmanager
def marks(sources: Sequence[Source]) -> Iterator[bytearray]:
    """While it is entered, executing statement n of the sources sets byte n."""
    reached = bytearray(sources[-1].end if sources else 0)
    before: list[tuple[FunctionType, CodeType]] = []
    for source, name, tree, function in all_functions(sources):
        function.__globals__[_MARKS] = reached
        before.append((function, function.__code__))
        function.__code__ = code_of(_marked(tree, source.numbers), name, function.__code__)
    forget()
    try:
        yield reached
    finally:
        for function, code in before:
            function.__code__ = code
            function.__globals__.pop(_MARKS, None)
        forget()


def _marked(tree: ast.FunctionDef, numbers: dict[int, int]) -> ast.FunctionDef:
    marked = copy.deepcopy(tree)
    copies = {id(old): id(new) for old, new in zip(ast.walk(tree), ast.walk(marked), strict=True)}
    for node in ast.walk(marked):
        ast.fix_missing_locations(node)
    result = _Marked(numbers, copies).generic_visit(marked)
    assert isinstance(result, ast.FunctionDef)
    return result


def unmarked(function: FunctionType) -> bool:
    """Has the function its own code?"""
    return _MARKS not in inspect.unwrap(function).__code__.co_names
