# SPDX-License-Identifier: GPL-2.0-or-later
"""What do the tables of docs/language.md say?  Printed from the tables that the parser follows: the page cannot drift.

`python -m hwtests.language.reference FILE` writes them into the page, between its markers.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from pathlib import Path

from .conditions import TRAITS
from .verbs import VERBS, Option, Slot, Verb
from .words import ADVICE

_SHOWN = {
    "region": "REGION",
    "fd": "DESCRIPTOR",
    "source": "(REGION | DESCRIPTOR | anon)",
    "mapping": "MAPPING",
    "range": "RANGE",
    "address": "ADDRESS",
    "region-address": "REGION-ADDRESS",
    "pfns": "(REGION-RANGE | RANGE)",
    "process": "PROCESS",
    "value": "VALUE",
    "number": "NUMBER",
}
_OPTION = {"number": "NUMBER", "offset": "OFFSET", "place": "ADDRESS"}


def tables() -> dict[str, str]:
    """The generated parts of the page by the names of their markers."""
    return {"verbs": "\n".join(_verbs()), "traits": ", ".join(f"`{trait}`" for trait in TRAITS)}


def _verbs() -> Iterator[str]:
    yield "| operation | options | fields of a promise | meaning |"
    yield "|---|---|---|---|"
    for verb in VERBS.values():
        options = " ".join(f"`{_option(option)}`" for option in verb.options)
        fields = ", ".join(f"**`{field}`**" if field == verb.main else f"`{field}`" for field in _fields(verb))
        yield f"| `{_form(verb)}` | {options} | {fields} | {verb.meaning.replace('|', chr(92) + '|')} |"


def _fields(verb: Verb) -> list[str]:
    # The sizes of smaps are many, and told below the table.
    fields = [
        field for field in verb.fields if not (verb.name == "smaps" and field[0].isupper() and field != "VmFlags")
    ]
    return ["ret", *fields]


def _form(verb: Verb) -> str:
    process = {"one": "p: ", "none": "", "either": "[p:] "}[verb.process]
    result = "" if verb.result is None else "NAME = " if verb.result_needed else "[NAME =] "
    operands = "".join(f" {_slot(slot)}" for slot in verb.slots)
    return f"{process}{result}{verb.name}{operands}".replace("|", "\\|")


def _slot(slot: Slot) -> str:
    if slot.kind == "word":
        words = list(slot.words)
        shown = "ADVICE" if slot.words is ADVICE else "PROT" if slot.name == "prot" else " | ".join(words)
        shown = f"{shown} | NUMBER" if slot.limit is not None else shown
        bare = len(words) == 1 or " " not in shown
        shown = shown if bare else f"({shown})"
    else:
        shown = _SHOWN[slot.kind]
    return f"[{shown.strip('()')}]" if slot.default is not None else shown


def _option(option: Option) -> str:
    return option.name if option.kind == "flag" else f"{option.name}={_OPTION[option.kind]}"


def filled(page: str) -> str:
    """The page with its generated parts as they must be. Raises ValueError when a marker is missing."""
    for name, table in tables().items():
        begin, end = f"<!-- {name}: generated -->\n", f"\n<!-- {name}: end -->"
        pattern = re.compile(re.escape(begin) + ".*?" + re.escape(end), re.DOTALL)
        if pattern.search(page) is None:
            raise ValueError(f"no marker for {name}")
        page = pattern.sub(lambda _, text=begin + table + end: text, page)  # type: ignore[misc]
    return page


def main(arguments: list[str]) -> int:
    """Fill the pages named."""
    for name in arguments:
        path = Path(name)
        path.write_text(filled(path.read_text(encoding="utf-8")), encoding="utf-8")
    return 0


__all__ = ["filled", "tables"]

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
