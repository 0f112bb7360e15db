# SPDX-License-Identifier: GPL-2.0-or-later
"""What does a results directory say, arranged for reading?  Runs, their targets, counts, skips by cause."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hwtests.results import VERDICTS, Result, read_results
from hwtests.results.directory import read_run

SAID = 3  # of what was found in skips of one cause
#: What a person has to look at, the worst first.
BAD = ("error", "crash", "mismatch", "timeout", "unpredicted")


@dataclass(frozen=True, slots=True)
class Skips:
    """Skips that have one need and one cure; `found` is what was found of each region in place of it."""

    needs: str
    cure: str
    found: str
    results: tuple[Result, ...]


@dataclass(frozen=True, slots=True)
class TargetView:
    """One target of one run; `facts` is what run.json says of it."""

    name: str
    facts: dict[str, Any]
    results: tuple[Result, ...]

    @property
    def counts(self) -> dict[str, int]:
        seen = Counter(result.verdict for result in self.results)
        return {verdict: seen[verdict] for verdict in VERDICTS}

    @property
    def kernel(self) -> str:
        found = sorted({result.kernel for result in self.results if result.kernel})
        return ", ".join(found) or str(self.facts.get("kernel", {}).get("release", ""))

    @property
    def regions(self) -> list[str]:
        return list(dict.fromkeys(result.region for result in self.results if result.region))

    @property
    def bad(self) -> list[Result]:
        """Results that need a look, the worst first."""
        found = [result for result in self.results if result.verdict in BAD]
        return sorted(found, key=lambda result: BAD.index(result.verdict))

    @property
    def skips(self) -> list[Skips]:
        """Skips grouped by cause, the largest group first."""
        groups: dict[tuple[str, str], list[Result]] = {}
        for result in self.results:
            if result.verdict == "skip":
                groups.setdefault((result.needs, result.cure), []).append(result)
        found = [Skips(needs, cure, _found(results), tuple(results)) for (needs, cure), results in groups.items()]
        return sorted(found, key=lambda group: -len(group.results))

    @property
    def promises_held(self) -> int:
        return sum(1 for result in self.results for promise in result.promises if promise.held)

    @property
    def recorded(self) -> dict[str, int]:
        """Recorded traces by what became of them: `accepted`, `refused`, `stale`."""
        total: Counter[str] = Counter()
        for result in self.results:
            total.update(result.recorded)
        return dict(total)

    @property
    def recorded_kernels(self) -> list[str]:
        return sorted({kernel for result in self.results for kernel in result.recorded_kernels})


@dataclass(frozen=True, slots=True)
class RunView:
    """One results directory; `missing` are (program, target, region) that were planned and have no result."""

    path: Path
    run: dict[str, Any]
    results: tuple[Result, ...]
    torn: str | None
    missing: tuple[tuple[str, str, str], ...]

    @property
    def id(self) -> str:
        """The last part of the directory's name, which has the host's name before it."""
        return self.path.resolve().name.rpartition("-")[2]

    @property
    def label(self) -> str:
        """How people tell it from others: when it was started, and its id."""
        return f"{self.run.get('started', '')} {self.id}".strip()

    @property
    def targets(self) -> list[TargetView]:
        facts = {target["name"]: target for target in self.run.get("targets", [])}
        names = dict.fromkeys([*facts, *(result.target for result in self.results)])
        return [
            TargetView(name, facts.get(name, {}), tuple(result for result in self.results if result.target == name))
            for name in names
        ]


def _found(results: Sequence[Result]) -> str:
    said = list(dict.fromkeys(result.found for result in results))
    more = f"; and {len(said) - SAID} more that differ" if len(said) > SAID else ""
    return "; ".join(said[:SAID]) + more


def load(path: Path) -> RunView:
    """Read a results directory. Raises ResultsError."""
    run = read_run(path)
    written = read_results(path)
    latest = written.latest()
    planned = [(str(program), str(target), str(region)) for program, target, region in run.get("planned", [])]
    missing = tuple(key for key in planned if key not in latest)
    return RunView(path, run, tuple(latest.values()), written.torn, missing)
