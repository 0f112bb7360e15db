# SPDX-License-Identifier: GPL-2.0-or-later
"""Which programs are meant?  Names, files, themes and patterns of the command line, and the catalogue they pick from.

The catalogue is `hwtests/catalogue/<theme>/<claim>.pfn`; a program's name is `<theme>/<claim>`.
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Sequence
from difflib import get_close_matches
from fnmatch import fnmatchcase
from pathlib import Path

from hwtests.errors import UsageError

CATALOGUE = Path(__file__).parent / "catalogue"


def catalogue(root: Path = CATALOGUE) -> dict[str, Path]:
    """Every program of the catalogue: name → file, in the order of names."""
    return {path.relative_to(root).with_suffix("").as_posix(): path for path in sorted(root.rglob("*.pfn"))}


def name_of(path: Path, root: Path = CATALOGUE) -> str:
    """A program's name: `theme/claim` in the catalogue, elsewhere the file's name without its ending."""
    try:
        return path.resolve().relative_to(root.resolve()).with_suffix("").as_posix()
    except ValueError:
        return path.stem


def select(wanted: Sequence[str], root: Path = CATALOGUE) -> dict[str, Path]:
    """What is meant by `wanted` (nothing: the whole catalogue). Raises UsageError for a word that means no program."""
    known = catalogue(root)
    if not wanted:
        if not known:
            raise UsageError(f"{root}: the catalogue is empty: expected *.pfn files")
        return known
    found: dict[str, Path] = {}
    for word in wanted:
        for name, path in _meant(word, known, root).items():
            if found.setdefault(name, path).resolve() != path.resolve():
                raise UsageError(f"{path}: another program of this run is named {name!r} too: {found[name]}")
    return found


def _meant(word: str, known: dict[str, Path], root: Path) -> dict[str, Path]:
    path = Path(word)
    if word.endswith(".pfn") and (path.exists() or not _matches(word, known)):
        return {name_of(path, root): path}
    found = _matches(word, known)
    if not found and path.is_dir():
        found = {name_of(file, root): file for file in sorted(path.rglob("*.pfn"))}
        if not found:
            raise UsageError(f"{word}: expected programs (*.pfn) in this directory, found none")
    if not found and path.is_file():
        raise UsageError(f"{word}: expected a program, a file named *.pfn")
    if not found:
        near = get_close_matches(word, [*known, *(name.split("/")[-1] for name in known), *_themes(known)], 1, 0.5)
        hint = f"; did you mean {near[0]!r}?" if near else "; `pfnlab programs` lists them"
        raise UsageError(f"no program, file, theme or pattern {word!r}{hint}")
    return found


def _matches(word: str, known: dict[str, Path]) -> dict[str, Path]:
    return {name: path for name, path in known.items() if _means(word, name)}


def _means(word: str, name: str) -> bool:
    return word in (name, name.split("/")[-1]) or name.startswith(word.rstrip("/") + "/") or fnmatchcase(name, word)


def _themes(known: Iterable[str]) -> set[str]:
    return {name.split("/")[0] for name in known}


def order(names: Iterable[str], seed: int | None) -> list[str]:
    """The order of a run: by name, or shuffled by a seed, which gives the same order everywhere."""
    found = sorted(names)
    if seed is not None:
        random.Random(seed).shuffle(found)
    return found
