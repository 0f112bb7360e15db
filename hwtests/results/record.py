# SPDX-License-Identifier: GPL-2.0-or-later
"""What is one result?  A program on a target and a region came to exactly one verdict.

A line of results.jsonl is one `Result`; docs/results.schema.json is the same for machines (a test holds the two
together). The verdicts are those of docs/results.md; none is ever folded into another.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Literal, TypeAlias

import msgspec

Verdict: TypeAlias = Literal["agree", "mismatch", "unpredicted", "crash", "timeout", "skip", "error"]
VERDICTS: tuple[Verdict, ...] = ("agree", "mismatch", "unpredicted", "crash", "timeout", "skip", "error")


class Difference(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True, kw_only=True):
    """One place where a trace is outside what is allowed.

    `line` and `op` say where in the program (`op` -1: the kernel log or the taint), `field` which part of the
    observation, `observed` and `allowed` are texts; `kind` is `observation`, `promise` or `unpredicted`; `trace`
    names the trace it was seen on where that could be another than the result's own: a recorded one, and for a promise
    the kernel's or the simulator's.
    """

    kind: Literal["observation", "promise", "unpredicted"]
    line: int
    op: int
    text: str
    field: str
    observed: str
    allowed: list[str]
    rules: list[str] = msgspec.field(default_factory=list)
    citation: str = ""
    trace: str = ""

    def sentence(self) -> str:
        """`unexpected 0x41; allowed are only {0x5a}`, with where it was seen."""
        where = f" on {self.trace}" if self.trace else ""
        if self.kind == "unpredicted":
            return f"{self.field}: {self.observed}, and the specification is silent{where}"
        only = ", ".join(self.allowed)
        broken = "promise broken: " if self.kind == "promise" else ""
        return f"{broken}{self.field}: unexpected {self.observed}; allowed are only {{{only}}}{where}"


class PromiseResult(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True, kw_only=True):
    """One promise of the program. `held` None: no trace says anything of it; `traces`: on how many it was checked."""

    line: int
    op: int
    text: str
    held: bool | None
    citation: str = ""
    traces: int = 1


class Result(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True, kw_only=True):
    """One line of results.jsonl.

    `seconds` is wall time; `needs`, `found`, `cure` are always there for a skip; `why` is one line for people;
    `traces` and `console` are paths within the results directory; `rules` are those that decided what was allowed;
    `recorded` counts, for `sim`, the recorded traces of
    real kernels by what became of them (`accepted`, `refused`, `stale`); `tries`: how often a program was run that asks
    for a choice of the kernel's, until it was granted or, for a skip, to the last (0: it asks for none).
    """

    program: str
    hash: str
    target: str
    kernel: str
    region: str
    verdict: Verdict
    seconds: float
    theme: str = ""
    hazard: str = "none"
    assumed: bool = False
    profile: str = ""
    why: str = ""
    needs: str = ""
    found: str = ""
    cure: str = ""
    differences: list[Difference] = msgspec.field(default_factory=list)
    promises: list[PromiseResult] = msgspec.field(default_factory=list)
    rules: list[str] = msgspec.field(default_factory=list)
    recorded: dict[str, int] = msgspec.field(default_factory=dict)
    recorded_kernels: list[str] = msgspec.field(default_factory=list)
    trace: str = ""
    allowed: str = ""
    console: str = ""
    tries: int = 0

    @property
    def key(self) -> tuple[str, str, str]:
        """What there is one verdict of: program, target, region."""
        return (self.program, self.target, self.region)


def exit_status(verdicts: Iterable[str]) -> int:
    """The exit status that a set of verdicts asks for: the first of 2, 1, 3, 4, 0 that applies."""
    seen = set(verdicts)
    if "error" in seen:
        return 2
    if seen & {"mismatch", "crash", "timeout", "unpredicted"}:
        return 1
    if not seen:
        return 3
    return 4 if seen == {"skip"} else 0


def schema() -> dict[str, Any]:
    """The JSON schema of one line of results.jsonl: what docs/results.schema.json holds."""
    found = msgspec.json.schema(Result)
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": "One result of a pfnlab run", **found}
