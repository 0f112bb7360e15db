# SPDX-License-Identifier: GPL-2.0-or-later
"""Which rules were real kernels seen to keep?  `recorded/seen.json`, made from traces that travel with the catalogue.

A rule is seen on a kernel when a trace of that kernel was accepted and the simulator cites the rule for it. Traces are
the recorded ones and, where they are at hand, the golden ones: rule -> {target: release, level, number of traces}.
`pfnlab run --record` keeps the file up to date; `python -m hwtests.recorded_seen --golden` makes all of it anew.
"""

from __future__ import annotations

import json
import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import TypeAlias, TypedDict

from hwtests.language import parse_file
from hwtests.recorded import ROOT, Recording, read_recordings
from hwtests.selection import catalogue
from hwtests.trace import Trace
from hwtests.verdict import judge_trace, with_lines_of
from simulator import load_profile

NAME = "seen.json"
GOLDEN = "golden:"  # what the targets of golden records begin with


class On(TypedDict):
    """On which kernel of a target, and in how many traces."""

    release: str
    level: str
    traces: int


Table: TypeAlias = dict[str, dict[str, On]]


def read_seen(path: Path = ROOT / NAME) -> Table:
    """Rule -> target -> kernel and number of traces; nothing where there is no file."""
    if not path.exists():
        return {}
    found: Table = json.loads(path.read_text("utf-8"))
    return found


def seen_in(recordings: Sequence[Recording], programs: Mapping[str, Path]) -> Table:
    """What recorded traces show; one of another text than the program's, or that is not accepted, shows nothing."""
    parsed = {name: parse_file(path) for name, path in programs.items()}
    counts: Counter[tuple[str, str]] = Counter()
    kernels: dict[str, tuple[str, str]] = {}
    for recording in recordings:
        for name, trace in recording.traces.items():
            program = parsed.get(name)
            if program is None or trace.header.program.hash != program.hash:
                continue
            judged = judge_trace(with_lines_of(trace, program), program)
            if judged.judgement.verdict == "agree" and judged.allowed is not None:
                target = recording.provenance.target
                kernels[target] = (trace.header.kernel.release, trace.header.kernel.level)
                counts.update((rule, target) for rule in rules_of(judged.allowed))
    return _table(counts, kernels)


def seen_in_golden() -> Table:
    """What the golden records show that the simulator reproduces; nothing where they are not at hand."""
    if find_spec("hwtests.golden") is None:
        return {}
    from hwtests.golden.check import check
    from hwtests.golden.records import PROFILES

    counts: Counter[tuple[str, str]] = Counter()
    kernels: dict[str, tuple[str, str]] = {}
    for kernel, name in PROFILES.items():
        target, profile = f"{GOLDEN}{kernel}", load_profile(name)
        kernels[target] = (profile.release, profile.level)
        for checked in check(kernel):
            if not checked.differences:
                counts.update((rule, target) for rule in checked.rules)
    return _table(counts, kernels)


def rules_of(trace: Trace) -> set[str]:
    """The rules that a simulated trace cites."""
    return {rule for line in trace.lines for rule in line.rules}


def _table(counts: Counter[tuple[str, str]], kernels: Mapping[str, tuple[str, str]]) -> Table:
    table: Table = {}
    for (rule, target), traces in sorted(counts.items()):
        release, level = kernels[target]
        table.setdefault(rule, {})[target] = On(release=release, level=level, traces=traces)
    return table


def merged(*tables: Table) -> Table:
    """Several tables as one, in the order of the rules' and the targets' names; of two entries the later counts."""
    found: Table = {}
    for table in tables:
        for rule, on in table.items():
            found.setdefault(rule, {}).update(on)
    return {rule: dict(sorted(on.items())) for rule, on in sorted(found.items())}


def dump(seen: Table) -> str:
    """The file's text: a line for each rule and target."""
    rules = []
    for rule, on in seen.items():
        lines = ",\n".join(f"  {json.dumps(target)}: {json.dumps(entry)}" for target, entry in on.items())
        rules.append(f" {json.dumps(rule)}: {{\n{lines}\n }}")
    return "{\n" + ",\n".join(rules) + "\n}\n"


def update(root: Path = ROOT, golden: bool = False) -> Table:
    """Judge the recorded traces under `root` again, with `golden` those too (minutes), and write its seen.json."""
    path = root / NAME
    before = read_seen(path)
    kept = {rule: {t: one for t, one in on.items() if t.startswith(GOLDEN)} for rule, on in before.items()}
    seen = merged(seen_in_golden() if golden else kept, seen_in(read_recordings(root), catalogue()))
    seen = {rule: on for rule, on in seen.items() if on}
    path.write_text(dump(seen), "utf-8")
    return seen


if __name__ == "__main__":
    made = update(golden="--golden" in sys.argv[1:])
    print(f"{ROOT / NAME}: {len(made)} rules, on {len({target for on in made.values() for target in on})} targets")
