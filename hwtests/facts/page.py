# SPDX-License-Identifier: GPL-2.0-or-later
"""How is the ledger read?  docs/facts.md: a table a section, a row a fact."""

from __future__ import annotations

from hwtests.facts.ledger import GROUPS, Fact, facts, sections

HEAD = """\
<!-- SPDX-License-Identifier: GPL-2.0-or-later -->
<!-- Generated from hwtests/facts/*.toml by python -m hwtests.facts -->
# Facts: what real kernels were seen to do, and the program that says it

Each row was seen on the kernels that it names (2.6.x: built from their sources, under emulation; `uml-…`: User-Mode
Linux; the others x86-64). A row that has no program has the reason why the language cannot say it.
"""


def page() -> str:
    """The text of docs/facts.md."""
    lines = [HEAD, summary(), "\n"]
    for section in sections():
        lines.append(f"\n## {section.number} {section.title}\n\n")
        lines.append("| fact | seen on | program, or why there is none |\n|---|---|---|\n")
        lines += [_row(fact) for fact in section.facts]
    return "".join(lines)


def summary() -> str:
    """One line: how many facts there are, and what became of them."""
    said = [fact for fact in facts() if fact.programs]
    programs = {name for fact in said for name in fact.programs}
    total = sum(1 for _ in facts())
    return (
        f"{total} facts: {len(said)} are said by {len(programs)} programs, {total - len(said)} have a reason instead."
    )


def _row(fact: Fact) -> str:
    name = fact.id.partition("/")[2]
    told = ", ".join(f"`{program}`" for program in fact.programs) or fact.why
    return f"| **{name}**: {_cell(fact.says)} | {_kernels(fact)} | {_cell(told)} |\n"


def _kernels(fact: Fact) -> str:
    left = list(fact.kernels)
    words = []
    for word in ("2005", "now", "uml"):
        if set(GROUPS[word]) <= set(left):
            words.append({"2005": "2.6.14 to 2.6.15", "now": "5.10 to 7.3", "uml": "uml"}[word])
            left = [kernel for kernel in left if kernel not in GROUPS[word]]
    return ", ".join(words + left)


def _cell(text: str) -> str:
    return text.replace("|", "\\|")
