# SPDX-License-Identifier: GPL-2.0-or-later
"""Which operations are there?  One table: the parser, the compiler, the promises and docs/language.md all follow it."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from .verb import COMMON_FIELDS, MAX_BYTE, MAX_PAGES, MAX_TRANSFER, MAX_VALUE, SMAPS_SIZES, SUMMED, Option, Slot, Verb
from .verbs_beyond import BEYOND
from .verbs_choice import CHOICE
from .verbs_ordinary import ORDINARY
from .words import ACCESS, WIDTHS

__all__ = [
    "COMMON_FIELDS", "ENDS", "MAX_BYTE", "MAX_PAGES", "MAX_TRANSFER", "MAX_VALUE", "RESERVED", "SMAPS_SIZES",
    "STATEMENTS", "SUMMED", "VERBS", "Option", "Slot", "Verb",
]  # fmt: skip

VERBS: Mapping[str, Verb] = MappingProxyType({verb.name: verb for verb in (*ORDINARY, *BEYOND, *CHOICE)})

# Operations whose process is no more.
ENDS = frozenset({"exit", "coredump"})

STATEMENTS = ("pfn", "rule", "hazard", "needs", "watch", "region", "process", "repeat", "end")
# A name may not be one of these: the line would read two ways, to the parser or to a person.
RESERVED = frozenset({*VERBS, *STATEMENTS, *WIDTHS, *ACCESS, "anon", "any"})
