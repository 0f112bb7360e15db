# SPDX-License-Identifier: GPL-2.0-or-later
"""What could stand in the place of this piece of code?  One table of mistakes, for every kind of node.

Left alone: what is said to people (messages, the names of rules), checks (`assert`), annotations, numbers that only
name a bit (`VM_IO = 0x4000`), and what cannot but fail at once: the first assignment of a local name, a function's
last return.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from hwtests.mutation.mutant import Change

COMPARISONS: dict[type[ast.cmpop], tuple[type[ast.cmpop], ...]] = {
    ast.Eq: (ast.NotEq,),
    ast.NotEq: (ast.Eq,),
    ast.Lt: (ast.LtE, ast.GtE),
    ast.LtE: (ast.Lt, ast.Gt),
    ast.Gt: (ast.GtE, ast.LtE),
    ast.GtE: (ast.Gt, ast.Lt),
    ast.Is: (ast.IsNot,),
    ast.IsNot: (ast.Is,),
    ast.In: (ast.NotIn,),
    ast.NotIn: (ast.In,),
}
OPERATORS: dict[type[ast.operator], type[ast.operator]] = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.FloorDiv,
    ast.FloorDiv: ast.Mult,
    ast.Mod: ast.Mult,
    ast.LShift: ast.RShift,
    ast.RShift: ast.LShift,
    ast.BitAnd: ast.BitOr,
    ast.BitOr: ast.BitAnd,
    ast.BitXor: ast.BitOr,
}
ERRNO, OTHER_ERRNO = "EINVAL", "ENOMEM"
#: Texts that are data: names of signals, codes, flags, fields, values of words. A sentence, or a rule's id, is not.
DATA = re.compile(r"[A-Za-z0-9_?-]+")
SAYS = frozenset({"log", "warn_once", "append_rule"})  # calls whose texts are for people


def of_node(node: ast.AST, parents: list[ast.AST]) -> Iterator[tuple[str, Change]]:
    """(kind, change) of every mistake to be made at this node; `parents` from the module down."""
    match node:
        case ast.Compare():
            yield from _compare(node, parents)
        case ast.BoolOp():
            other = ast.Or() if isinstance(node.op, ast.And) else ast.And()
            yield "boolean", Change(node, "op", None, other)
            neutral = isinstance(node.op, ast.And)  # an operand that says nothing any more
            for index in range(len(node.values)):
                yield "boolean", Change(node, "values", index, _constant(neutral, node))
        case ast.UnaryOp(op=ast.Not() | ast.USub() | ast.Invert()) if not _of_errno(node, parents):
            kind = "boolean" if isinstance(node.op, ast.Not) else "arithmetic"
            yield kind, _instead(node, parents, node.operand)
        case ast.BinOp() | ast.AugAssign() if type(node.op) in OPERATORS and not _of_texts(node):
            yield "arithmetic", Change(node, "op", None, OPERATORS[type(node.op)]())
        case ast.If() | ast.IfExp():
            yield from _forced(node, "test", None, node.test, (True, False))
        case ast.While():
            yield from _forced(node, "test", None, node.test, (False,))
        case ast.comprehension():
            for index, test in enumerate(node.ifs):
                yield from _forced(node, "ifs", index, test, (True, False))
        case ast.Constant():
            for value in _other_constants(node, parents):
                yield "constant", _instead(node, parents, _constant(value, node))
        case ast.Attribute(value=ast.Name(id="errno")):
            other_name = OTHER_ERRNO if node.attr == ERRNO else ERRNO
            yield "constant", Change(node, "attr", None, other_name)
    if isinstance(node, ast.stmt):
        yield from _dropped(node, parents)


def rule_of(statement: ast.stmt) -> str | None:
    """The rule that `k.rules.append("id")` says; "" when the id is computed, None when it is no such call."""
    match statement:
        case ast.Expr(
            ast.Call(func=ast.Attribute(value=ast.Attribute(attr="rules"), attr="append" | "extend"), args=[said])
        ):
            return str(said.value) if isinstance(said, ast.Constant) else ""
    return None


def _compare(node: ast.Compare, parents: list[ast.AST]) -> Iterator[tuple[str, Change]]:
    # The opposite of a whole condition is told by whatever tells it from True or from False.
    whole = isinstance(parents[-1], ast.If | ast.IfExp | ast.While | ast.comprehension)
    for index, op in enumerate(node.ops):
        others = COMPARISONS[type(op)]
        for other in others[:1] if whole and len(others) > 1 else () if whole else others:
            yield "compare", Change(node, "ops", index, other())


def _forced(
    node: ast.AST, field: str, index: int | None, test: ast.expr, values: tuple[bool, ...]
) -> Iterator[tuple[str, Change]]:
    if not isinstance(test, ast.Constant) and not (isinstance(test, ast.Name) and test.id == "TYPE_CHECKING"):
        for value in values:
            yield "boolean", Change(node, field, index, _constant(value, test))


def _other_constants(node: ast.Constant, parents: list[ast.AST]) -> Iterator[object]:
    parent, value = parents[-1], node.value
    if isinstance(parent, ast.Expr | ast.JoinedStr | ast.FormattedValue | ast.keyword) and isinstance(value, str):
        return
    if isinstance(value, bool):
        yield not value
    elif isinstance(value, int):
        yield value + 1
        if value > 1:
            yield 0
    elif isinstance(value, str) and DATA.fullmatch(value) and _is_data(parents):
        yield f"{value}~"


def _is_data(parents: list[ast.AST]) -> bool:
    # Whether a text is compared, returned or stands in a table, rather than being said or looked up.
    for parent in reversed(parents):
        match parent:
            case ast.Call(func=ast.Attribute(attr=name)) if name in SAYS:
                return False
            case ast.Call(func=ast.Attribute(value=ast.Attribute(attr="rules"))) | ast.Raise() | ast.Assert():
                return False
            case ast.Assign(targets=[ast.Attribute(attr="unknown" | "lost")]):
                return False
            case ast.stmt():
                return True
    return False


def _dropped(node: ast.stmt, parents: list[ast.AST]) -> Iterator[tuple[str, Change]]:
    match node:
        case ast.Assign(targets=[ast.Name(id=name)]) | ast.AnnAssign(target=ast.Name(id=name)):
            if not _bound_before(name, node, parents):
                return
        case ast.AnnAssign(value=None):
            return
        case ast.Return():
            function = next(p for p in reversed(parents) if isinstance(p, ast.FunctionDef))
            if function.body[-1] is node:
                return
        case ast.Expr(value=ast.Call()) | ast.Assign() | ast.AnnAssign() | ast.AugAssign() | ast.Raise():
            pass
        case ast.Delete() | ast.Continue() | ast.Break():
            pass
        case _:
            return
    kind = "statement" if rule_of(node) is None else "rule"
    yield kind, _instead(node, parents, ast.copy_location(ast.Pass(), node))


def _bound_before(name: str, node: ast.stmt, parents: list[ast.AST]) -> bool:
    function = next((p for p in reversed(parents) if isinstance(p, ast.FunctionDef)), None)
    if function is None:
        return False
    arguments = function.args
    if name in {one.arg for one in [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs]}:
        return True
    names = (n for n in ast.walk(function) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store) and n.id == name)
    return any((one.lineno, one.col_offset) < (node.lineno, node.col_offset) for one in names)


def _of_errno(node: ast.UnaryOp, parents: list[ast.AST]) -> bool:
    # -errno.EINVAL: the sign is a form of the answer, what is answered has mutants of its own.
    match node.operand:
        case ast.Attribute(value=ast.Name(id="errno")):
            return True
    return False


def _of_texts(node: ast.BinOp | ast.AugAssign) -> bool:
    sides = (node.left, node.right) if isinstance(node, ast.BinOp) else (node.value,)
    return any(
        isinstance(one, ast.JoinedStr) or (isinstance(one, ast.Constant) and isinstance(one.value, str))
        for one in sides
    )


def _instead(node: ast.AST, parents: list[ast.AST], new: ast.AST) -> Change:
    parent = parents[-1]
    for field, value in ast.iter_fields(parent):
        if value is node:
            return Change(parent, field, None, new)
        if isinstance(value, list) and any(one is node for one in value):
            return Change(parent, field, next(i for i, one in enumerate(value) if one is node), new)
    raise ValueError(f"{ast.dump(node)} is no child of {ast.dump(parent)}")


def _constant(value: object, at: ast.expr) -> ast.Constant:
    return ast.copy_location(ast.Constant(value), at)  # type: ignore[arg-type]
