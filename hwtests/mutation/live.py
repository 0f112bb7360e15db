# SPDX-License-Identifier: GPL-2.0-or-later
"""How does a mutant come to life?  The function that is there gets another code; nothing is imported again.

A mutant is put into the process that calls apply() and is never taken out again: each lives in a process of its own.
"""

from __future__ import annotations
import __future__

import ast
import functools
import inspect
import sys
from collections.abc import Iterator, Sequence
from types import CodeType, FunctionType, ModuleType
from typing import Any

from hwtests import predict, verdict
from hwtests.mutation.mutant import MODULE, PROFILES, Change, Mutant
from hwtests.mutation.sites import Source, functions
from simulator import load_profile, profile_names

_FLAGS = __future__.annotations.compiler_flag
PACKAGE = "simulator"


def apply(mutant: Mutant) -> None:
    """Be this mutant from now on. Raises SyntaxError or LookupError where it cannot be made."""
    if mutant.key.file == PROFILES:
        assert isinstance(mutant.change, tuple)
        _set_word(mutant.key.function, *mutant.change)
    else:
        assert isinstance(mutant.change, Change)
        old = mutant.change.make()
        try:
            _renew(mutant)
        finally:
            mutant.change.undo(old)
    forget()


def _renew(mutant: Mutant) -> None:
    module = sys.modules[f"{PACKAGE}.{mutant.key.file.removesuffix('.py')}"]
    definition = mutant.definition
    assert definition is not None
    if mutant.key.function == MODULE:
        assert isinstance(definition, ast.stmt)
        _assign(module, definition)
    else:
        assert isinstance(definition, ast.FunctionDef)
        function = live(module, mutant.key.function)
        function.__code__ = code_of(definition, mutant.key.function, function.__code__)


def live(module: ModuleType, name: str) -> FunctionType:
    """The function of that qualified name. Raises LookupError."""
    found: Any = module
    for part in name.split("."):
        if part not in vars(found):
            raise LookupError(f"{module.__name__} has no {name}")
        found = vars(found)[part]
    if isinstance(found, property):
        found = found.fget
    found = inspect.unwrap(getattr(found, "__func__", found))
    if not isinstance(found, FunctionType):
        raise LookupError(f"{module.__name__}.{name} is no function")
    return found


def code_of(function: ast.FunctionDef, name: str, instead_of: CodeType) -> CodeType:
    """The code of a function's tree, for a function that has `instead_of` now."""
    bare = ast.copy_location(
        ast.FunctionDef(function.name, function.args, function.body, [], function.returns, None), function
    )
    body: ast.stmt = bare
    for outer in reversed(name.split(".")[:-1]):
        body = ast.copy_location(ast.ClassDef(outer, [], [], [body], []), function)
    module = ast.fix_missing_locations(ast.Module([body], []))
    code: CodeType = compile(module, instead_of.co_filename, "exec", flags=_FLAGS, dont_inherit=True)
    for _ in name.split("."):
        code = next(const for const in code.co_consts if isinstance(const, CodeType))
    return code


def _assign(module: ModuleType, statement: ast.stmt) -> None:
    # Who imported the value by name has the old one: it is given the new one too.
    targets = statement.targets if isinstance(statement, ast.Assign) else [statement.target]  # type: ignore[attr-defined]
    names = [target.id for target in targets if isinstance(target, ast.Name)]
    before = {name: vars(module)[name] for name in names}
    code = compile(ast.fix_missing_locations(ast.Module([statement], [])), "<mutant>", "exec", flags=_FLAGS)
    exec(code, vars(module))
    for other in list(sys.modules.values()):
        for name in names:
            if other is not module and vars(other).get(name, module) is before[name]:
                setattr(other, name, vars(module)[name])


def _set_word(word: str, before: Any, after: Any) -> None:
    for name in profile_names():
        profile = load_profile(name)
        if getattr(profile, word) == before:
            object.__setattr__(profile, word, after)


def forget() -> None:
    """Drop what was made before the mutant: the simulated machine, and answers that were kept."""
    predict.forget_machine()
    verdict._profile.cache_clear()
    for kept in caches():
        kept.cache_clear()


def caches() -> Iterator[Any]:
    """What the simulator keeps of its own answers; profiles and rules, which are data, aside."""
    data = {f"{PACKAGE}.{name}" for name in ("profile", "catalogue", "history", "version")}
    for name, module in list(sys.modules.items()):
        if name.partition(".")[0] == PACKAGE:  # the package itself has others' by name
            kept = (value for value in vars(module).values() if isinstance(value, functools._lru_cache_wrapper))
            yield from (value for value in kept if value.__wrapped__.__module__ not in data)


def all_functions(sources: Sequence[Source]) -> Iterator[tuple[Source, str, ast.FunctionDef, FunctionType]]:
    """Every function of the sources, its tree beside it. Raises LookupError for one that cannot be found."""
    for source in sources:
        module = sys.modules[f"{PACKAGE}.{source.path.stem}"]
        for name, tree, _ in functions(source.tree):
            yield source, name, tree, live(module, name)
