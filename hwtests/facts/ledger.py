# SPDX-License-Identifier: GPL-2.0-or-later
"""Which facts are there, and what became of each: a program that says it, or the reason why none can?

A file `NUMBER-name.toml` is a section: `section`, its title, and a table a fact. The fact's id is NUMBER/key.

    [peek-raw]
    says = "PTRACE_PEEKDATA of a raw page is answered by vm_ops->access."
    kernels = "now"                         # where it was seen: names of profiles without x86_64-, or GROUPS
    program = ["peek-reads-device-page"]    # or: why = "the reason"
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
FIELDS = frozenset({"says", "kernels", "program", "why"})
#: The kernels that most facts were seen on.
GROUPS: Mapping[str, tuple[str, ...]] = {
    "2005": ("2.6.14", "unpaged", "2.6.15-rc3", "2.6.15"),
    "since-rc3": ("2.6.15-rc3", "2.6.15"),
    "now": ("5.10", "6.1", "6.12", "7.2", "7.3"),
    "uml": ("uml-5.10", "uml-6.12", "uml-7.2"),
}


@dataclass(frozen=True)
class Fact:
    """One observation of a real kernel. Either `programs` or `why` is empty."""

    id: str
    says: str
    kernels: tuple[str, ...]
    programs: tuple[str, ...]
    why: str


@dataclass(frozen=True)
class Section:
    number: str
    title: str
    facts: tuple[Fact, ...]


@cache
def sections() -> tuple[Section, ...]:
    """The ledger, in the order of its sections."""
    return tuple(_section(path) for path in sorted(HERE.glob("*.toml"), key=lambda path: path.name))


def facts() -> Iterator[Fact]:
    """Every fact of the ledger."""
    for section in sections():
        yield from section.facts


def _section(path: Path) -> Section:
    tables = tomllib.loads(path.read_text())
    title = tables.pop("section")
    number = path.name.partition("-")[0]
    return Section(number, title, tuple(_fact(f"{number}/{key}", table) for key, table in tables.items()))


def _fact(fact: str, table: Mapping[str, Any]) -> Fact:
    if unknown := table.keys() - FIELDS:
        raise ValueError(f"{fact}: no such field: {', '.join(sorted(unknown))}")
    named = [kernel for word in table["kernels"].split() for kernel in GROUPS.get(word, (word,))]
    programs = tuple(table.get("program", ()))
    why = table.get("why", "")
    if bool(programs) == bool(why):
        raise ValueError(f"{fact}: either programs or a reason, not both and not neither")
    return Fact(fact, table["says"], tuple(dict.fromkeys(named)), programs, why)
