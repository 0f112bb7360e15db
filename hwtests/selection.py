# SPDX-License-Identifier: GPL-2.0-or-later
"""Which programs are meant?  Names, files, themes and patterns of the command line, and the catalogue they pick from.

The catalogue is `hwtests/catalogue/<theme>/<name>.pfn`; a name belongs to one program.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from difflib import get_close_matches
from fnmatch import fnmatchcase
from pathlib import Path

from hwtests.errors import UsageError

CATALOGUE = Path(__file__).parent / "catalogue"


def catalogue(root: Path = CATALOGUE) -> dict[str, Path]:
    """Every program of the catalogue: name → file, theme by theme. Raises UsageError when two have one name."""
    return _named(sorted(root.rglob("*.pfn")))


def theme_of(path: Path, root: Path = CATALOGUE) -> str:
    """A program's theme: its folder in the catalogue; elsewhere it has none."""
    try:
        return path.resolve().relative_to(root.resolve()).parent.as_posix()
    except ValueError:
        return ""


def select(wanted: Sequence[str], root: Path = CATALOGUE) -> dict[str, Path]:
    """What is meant by `wanted` (nothing: the whole catalogue). Raises UsageError for a word that means no program."""
    known = catalogue(root)
    if not wanted:
        if not known:
            raise UsageError(f"{root}: the catalogue is empty: expected *.pfn files")
        return known
    meant: dict[Path, Path] = {}
    for word in wanted:
        for path in _meant(word, known, root):
            meant.setdefault(path.resolve(), path)
    return _named(meant.values())


def _named(paths: Iterable[Path]) -> dict[str, Path]:
    found: dict[str, Path] = {}
    for path in paths:
        if (other := found.setdefault(path.stem, path)) is not path:
            raise UsageError(f"{path}: another program is named {path.stem!r} too: {other}")
    return found


def _meant(word: str, known: dict[str, Path], root: Path) -> list[Path]:
    if not word:
        raise UsageError("an empty word: expected a program, file, theme or pattern")
    path = Path(word)
    if word.endswith(".pfn"):
        return [path]  # what is wrong with it, the parser says
    if found := [file for name, file in known.items() if _means(word, name, theme_of(file, root))]:
        return found
    if path.is_dir():
        if found := sorted(path.rglob("*.pfn")):
            return found
        raise UsageError(f"{word}: expected programs (*.pfn) in this folder, found none")
    if path.is_file():
        raise UsageError(f"{word}: expected a program, a file named *.pfn")
    themes = {theme_of(file, root) for file in known.values()}
    near = get_close_matches(word, [*known, *themes], 1, 0.5)
    hint = f"did you mean {near[0]!r}?" if near else "`pfnlab programs` lists them"
    raise UsageError(f"no program, file, theme or pattern {word!r}; {hint}")


def _means(word: str, name: str, theme: str) -> bool:
    full = f"{theme}/{name}"
    return word in (name, full, theme) or fnmatchcase(name, word) or fnmatchcase(full, word)
