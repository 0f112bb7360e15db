# SPDX-License-Identifier: GPL-2.0-or-later
"""Which rules were seen to hold on which kernels?  The table of rules by kernels, from the results of a run.

A rule counts where it decided what a program was allowed to observe: `agree` if all such programs came out so, else the
worst verdict that names it. A rule that no program came to on a kernel has no entry there: it was not checked.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from textwrap import wrap

from hwtests.report.model import TargetView
from hwtests.results import Result

#: One sign a verdict, so that a table is read without colours.
SIGNS = {"agree": "✓", "mismatch": "✗", "unpredicted": "?", "crash": "!", "timeout": "T", "skip": "–", "error": "E"}
#: Of what names a rule, the worst first: a mismatch may also be of another rule's making, and then does not count.
_WORST = ("crash", "mismatch", "timeout", "unpredicted", "agree")
NOTHING = "·"


@dataclass(frozen=True, slots=True)
class Seen:
    """A rule on one kernel: the worst verdict, and how many results came to it."""

    verdict: str
    results: int


@dataclass(frozen=True, slots=True)
class Row:
    """A rule and what became of it on each kernel; None: not checked there."""

    rule: str
    seen: tuple[Seen | None, ...]

    @property
    def signs(self) -> str:
        return "".join(SIGNS[one.verdict] if one else NOTHING for one in self.seen)

    @property
    def bad(self) -> bool:
        return any(one is not None and one.verdict != "agree" for one in self.seen)


def kernels_of(targets: Iterable[TargetView]) -> list[TargetView]:
    """The targets that a table of kernels has a column for: those with a real kernel that ran something."""
    return [one for one in targets if one.name != "sim" and any(result.rules for result in one.results)]


def rule_table(targets: Sequence[TargetView]) -> list[Row]:
    """A row a rule that any of the targets came to, the rules in the order of their names."""
    columns = [_verdicts(target.results) for target in targets]
    rules = sorted({rule for column in columns for rule in column})
    return [Row(rule, tuple(_seen(column.get(rule, [])) for column in columns)) for rule in rules]


def _verdicts(results: Iterable[Result]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for result in results:
        named = {rule for difference in result.differences for rule in difference.rules}
        for rule in {*result.rules, *named}:
            if result.verdict in ("mismatch", "unpredicted") and rule not in named:
                continue  # the program went wrong elsewhere: that says nothing of this rule
            found.setdefault(rule, []).append(result.verdict)
    return found


def _seen(verdicts: Sequence[str]) -> Seen | None:
    worst = next((verdict for verdict in _WORST if verdict in verdicts), None)
    return Seen(worst, len(verdicts)) if worst else None


def table_text(targets: Sequence[TargetView], width: int) -> list[str]:
    """The table for a terminal: rules of one family with the same signs share a line; what needs a look comes first."""
    kernels = kernels_of(targets)
    rows = rule_table(kernels)
    if len(kernels) < 2 or not rows:
        return []
    letters = "abcdefghijklmnopqrstuvwxyz"
    names = "  ".join(f"{letters[number % 26]} {kernel.name}" for number, kernel in enumerate(kernels))
    lines = ["rules by kernels"]
    lines += wrap(names, width, initial_indent="  ", subsequent_indent="  ", break_on_hyphens=False)
    lines.append("  " + "".join(letters[number % 26] for number in range(len(kernels))))
    groups: dict[tuple[bool, str, str], list[str]] = {}
    for row in rows:
        family, _, name = row.rule.partition(".")
        groups.setdefault((not row.bad, family, row.signs), []).append(name)
    for (good, family, signs), rules in sorted(groups.items(), key=lambda item: item[0][:2]):
        text = f"{family}: {', '.join(rules)}"
        hanging = " " * (len(kernels) + 6)
        lines += wrap(
            text, width, initial_indent=f"{'  ' if good else '! '}{signs}  ", subsequent_indent=hanging,
            break_on_hyphens=False,
        )  # fmt: skip
    signs = f"{SIGNS['agree']} held, {SIGNS['mismatch']} broken, {NOTHING} not come to"
    return [*lines, f"  {signs}; counts are in the report"]
