# SPDX-License-Identifier: GPL-2.0-or-later
"""Which mutants does a source file have?  Every place that a mistake can be made at, in the order of the file."""

from __future__ import annotations

import ast
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import simulator.kernel  # noqa: F401 - what is imported is mutated
from hwtests.mutation.mutant import MODULE, Change, Key, Mutant
from hwtests.mutation.operators import of_node, rule_of

SIMULATOR = Path(__file__).parents[2] / "simulator"
#: What no prediction depends on: these read the specification for its listings, and check what they read.
LISTINGS = frozenset({"__init__.py", "catalogue.py", "history.py", "profile.py", "zoo.py"})
HEADS = {ast.If: "if ", ast.While: "while ", ast.For: "for "}


@dataclass
class Source:
    """A file's tree, with its statements numbered from `first`: `numbers` by the statement's identity."""

    path: Path
    tree: ast.Module
    first: int
    numbers: dict[int, int] = field(default_factory=dict)

    @property
    def end(self) -> int:
        return self.first + len(self.numbers)


def files(root: Path = SIMULATOR) -> list[Path]:
    """The files that are mutated: those that a prediction imports."""
    return [
        path
        for path in sorted(root.glob("*.py"))
        if path.name not in LISTINGS and f"{root.name}.{path.stem}" in sys.modules
    ]


def read_sources(paths: Sequence[Path]) -> list[Source]:
    sources: list[Source] = []
    for path in paths:
        tree = ast.parse(path.read_text(encoding="utf-8"), str(path))
        source = Source(path, tree, sources[-1].end if sources else 0)
        for function in functions(tree):
            for node in ast.walk(function[1]):
                if isinstance(node, ast.stmt) and node is not function[1]:
                    source.numbers[id(node)] = source.end
        sources.append(source)
    return sources


def functions(tree: ast.Module) -> Iterator[tuple[str, ast.FunctionDef, ast.ClassDef | None]]:
    """Every function and method: (qualified name, tree, its class); what is defined inside of one belongs to it."""
    for node in tree.body:
        if isinstance(node, ast.FunctionDef):
            yield node.name, node, None
        elif isinstance(node, ast.ClassDef):
            for member in node.body:
                if isinstance(member, ast.FunctionDef):
                    yield f"{node.name}.{member.name}", member, node


def mutants_of(source: Source) -> Iterator[Mutant]:
    """All mutants of a file."""
    for name, function, _ in functions(source.tree):
        seen: Counter[tuple[str, str]] = Counter()
        for kind, change, carrier in _walk(function.body, function, [source.tree, function]):
            yield _mutant(source, name, function, kind, change, carrier, seen)
    seen = Counter()
    for node in source.tree.body:
        if _is_table(node):
            for kind, change, carrier in _walk([node], source.tree, [source.tree]):
                if not isinstance(change.new, ast.Pass):
                    yield _mutant(source, MODULE, node, kind, change, carrier, seen)


def _is_table(node: ast.stmt) -> bool:
    # An assignment of more than a number's name (`VM_IO = 0x4000`, `PAGE_SIZE = 1 << PAGE_SHIFT`).
    if not isinstance(node, ast.Assign | ast.AnnAssign) or node.value is None:
        return False
    match node.value:
        case ast.Constant() | ast.BinOp(op=ast.LShift()) | ast.BinOp(right=ast.Constant()):
            return False
        case ast.Call() | ast.Subscript() | ast.UnaryOp():
            return False
    return True


def _mutant(
    source: Source, function: str, definition: ast.AST, kind: str, change: Change, carrier: ast.stmt,
    seen: Counter[tuple[str, str]],
) -> Mutant:  # fmt: skip
    before = _text(carrier)
    if isinstance(change.new, ast.Pass):
        after = "pass"
    else:
        old = change.make()
        after = _text(carrier)
        change.undo(old)
    seen[before, after] += 1
    key = Key(source.path.name, function, before, after, seen[before, after])
    rule = rule_of(carrier) or "" if kind == "rule" else ""
    number = source.numbers.get(id(carrier), -1)
    return Mutant(key, kind, carrier.lineno, number, definition, change, rule)


def _walk(nodes: Sequence[ast.AST], parent: ast.AST, parents: list[ast.AST]) -> Iterator[tuple[str, Change, ast.stmt]]:
    for node in nodes:
        if isinstance(node, ast.Assert | ast.Import | ast.ImportFrom | ast.arguments) or _is_docstring(node, parent):
            continue
        for kind, change in of_node(node, parents):
            carrier = node if isinstance(node, ast.stmt) else _statement(parents)
            yield kind, change, carrier
        yield from _walk(_children(node), node, [*parents, node])


def _children(node: ast.AST) -> list[ast.AST]:
    found: list[ast.AST] = []
    for name, value in ast.iter_fields(node):
        if name in ("annotation", "returns", "decorator_list", "args") and not isinstance(node, ast.Call):
            continue
        found += [one for one in (value if isinstance(value, list) else [value]) if isinstance(one, ast.AST)]
    return found


def _is_docstring(node: ast.AST, parent: ast.AST) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)


def _statement(parents: list[ast.AST]) -> ast.stmt:
    return next(parent for parent in reversed(parents) if isinstance(parent, ast.stmt))


def _text(statement: ast.stmt) -> str:
    match statement:
        case ast.If() | ast.While():
            return HEADS[type(statement)] + ast.unparse(statement.test)
        case ast.For():
            return f"for {ast.unparse(statement.target)} in {ast.unparse(statement.iter)}"
    return " ".join(ast.unparse(statement).split())
