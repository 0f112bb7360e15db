# SPDX-License-Identifier: GPL-2.0-or-later
"""What does a run on `sim` show?  The simulator is not compared with itself: its traces must keep every promise of the
program, and it must accept what real kernels did, the recorded traces that travel with the catalogue.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache

from hwtests.language.conditions import Condition, parse_condition
from hwtests.language.nodes import Program
from hwtests.language.promise import promised, version
from hwtests.language.settings import program_needs
from hwtests.needs import Skip
from hwtests.plan import Selected
from hwtests.promises import Kept, check_promises
from hwtests.recorded import Recording
from hwtests.regions.traits import RegionTraits, load_traits
from hwtests.results import Difference, PromiseResult, Result
from hwtests.simulated import Prepared
from hwtests.trace import Trace
from hwtests.verdict import broken_promise, differences_of, judge_trace, with_lines_of, worse
from simulator import Profile, load_profile, profile_names

#: Linux kernel commit 6aab341e0a28 ("mm: re-architect the VM_UNPAGED logic") (in v2.6.15-rc3): up to it, memory with
#: and without a struct page are different things, so that a region of each is simulated.
THE_COMMIT = version("2.6.15-rc3")
#: Somebody's own program speaks of the kernels since that change and its fixes, unless it names an earlier one; the
#: catalogue's speak of all.
SETTLED = version("2.6.16")
SHOWN = 20  # differences that a result keeps
#: Verdicts on recorded traces, the worst first: the result's own verdict is the first that occurs.
WORST = ("error", "crash", "mismatch", "timeout", "unpredicted")


@dataclass
class Shown:
    """What came of one program on `sim`."""

    differences: list[Difference] = field(default_factory=list)
    promises: dict[tuple[int, int], PromiseResult] = field(default_factory=dict)
    recorded: dict[str, int] = field(default_factory=dict)
    kernels: set[str] = field(default_factory=set)
    verdicts: set[str] = field(default_factory=set)
    why: str = ""
    skip: Skip | None = None
    simulated: int = 0
    trace: Trace | None = None  # the newest profile's, for the report


def result_on_sim(selected: Selected, recordings: Sequence[Recording]) -> tuple[Result, Trace | None]:
    """The verdict on one program, and the simulator's trace that the report shows."""
    started = time.perf_counter()
    shown = Shown()
    _hold_against_recorded(selected, recordings, shown)
    _hold_against_promises(selected, shown)
    verdict = next((name for name in WORST if name in shown.verdicts), "agree")
    checked = shown.simulated + shown.recorded.get("accepted", 0)
    skip = shown.skip if not checked and verdict == "agree" else None
    result = Result(
        program=selected.name,
        hash=selected.program.hash,
        target="sim",
        kernel="",
        region="",
        verdict="skip" if skip else verdict,  # type: ignore[arg-type]
        seconds=round(time.perf_counter() - started, 6),
        theme=selected.theme,
        hazard=selected.hazard,
        why=shown.why,
        needs=skip.needs if skip else "",
        found=skip.found if skip else "",
        cure=skip.cure if skip else "",
        differences=shown.differences[:SHOWN],
        promises=list(shown.promises.values()),
        recorded=shown.recorded,
        recorded_kernels=sorted(shown.kernels),
    )
    return result, shown.trace


def _hold_against_recorded(selected: Selected, recordings: Sequence[Recording], shown: Shown) -> None:
    for recording in recordings:
        trace = recording.traces.get(selected.name)
        if trace is None:
            continue
        if trace.header.program.hash != selected.program.hash:
            _count(shown, "stale")
            continue
        judged = judge_trace(with_lines_of(trace, selected.program), selected.program)
        verdict = judged.judgement.verdict.value
        shown.kernels.add(trace.header.kernel.release)
        if verdict == "agree":
            _count(shown, "accepted")
            continue
        _count(shown, "refused")
        shown.verdicts.add(verdict)
        shown.differences += differences_of(judged.judgement, f"the recorded trace of {recording.label}")
        shown.why = shown.why or f"recorded trace of {recording.label}: {judged.judgement.why}"


def _count(shown: Shown, what: str) -> None:
    shown.recorded[what] = shown.recorded.get(what, 0) + 1


def _hold_against_promises(selected: Selected, shown: Shown) -> None:
    program = selected.program
    prepared = Prepared(selected.name, program)
    since = () if selected.theme or _names_earlier(program) else SETTLED
    for profile, bound in circumstances(prepared, shown, since):
        try:
            trace = prepared.simulate(profile, bound)
        except Exception as error:  # what the simulator does not survive is pfnlab's fault
            shown.verdicts.add("error")
            shown.why = shown.why or f"the simulator failed on {profile.name}: {type(error).__name__}: {error}"
            continue
        shown.simulated += 1
        if shown.trace is None:
            shown.trace = trace
        where = " ".join([profile.name, *(traits.kind for traits in bound.values())])
        for kept in check_promises(prepared.compiled, trace, "simulator"):
            _keep(program, kept, where, shown)


def _keep(program: Program, kept: Kept, where: str, shown: Shown) -> None:
    key = (kept.op, kept.line)
    entry = shown.promises.get(key)
    shown.promises[key] = PromiseResult(
        line=kept.line,
        op=kept.op,
        text=_text(program, kept),
        held=worse(entry.held, kept.held) if entry else kept.held,
        citation=kept.citation,
        traces=(entry.traces if entry else 0) + (kept.held is not None),
    )
    if kept.held is False:
        shown.verdicts.add("mismatch")
        shown.differences.append(broken_promise(kept, where))
        shown.why = shown.why or f"line {kept.line}: promise broken by the simulator on {where}: {kept}"


def _text(program: Program, kept: Kept) -> str:
    # As the program has it, with all its spans: what holds of one kernel is not what holds of the next.
    texts = [
        promised(promise) for promise in program.lines[kept.line - 1].promises if promise.citation == kept.citation
    ]
    return texts[0] if len(texts) == 1 else f"{kept.field}={kept.promised}"


def _names_earlier(program: Program) -> bool:
    spans = [one for line in program.lines for promise in line.promises for one in promise.alternatives]
    conditions = [parse_condition(text) for text in program_needs(program)]
    named = {one.value for one in conditions if isinstance(one, Condition) and one.key == "kernel"}
    named |= {text for one in spans for text in (one.since, one.before) if text}
    return any(version(text) < SETTLED for text in named)


def circumstances(
    prepared: Prepared, shown: Shown, since: tuple[int, ...]
) -> Iterator[tuple[Profile, Mapping[str, RegionTraits]]]:
    """Profiles and regions that a program makes sense with: every profile with the first region that suits it, the
    newest profile of each architecture that has it with every region, and the kernels of 2005, where a struct page
    makes all the difference, with a region of each backing."""
    names = list(prepared.pages)
    seen: set[tuple[str, str]] = set()
    for profile in (one for one in profiles() if version(one.level) >= since):
        shown_backings: set[str] = set()
        for traits in kinds(profile.level) if names else [None]:
            bound = {name: traits for name in names if traits is not None}
            skip = prepared.unmet(profile, bound)
            if skip is not None:
                shown.skip = shown.skip or skip
                continue
            kind, backing = (traits.kind, traits.backing) if traits is not None else ("", "")
            told = (profile.arch, kind) in seen and (
                backing in shown_backings if version(profile.level) <= THE_COMMIT else bool(shown_backings)
            )
            seen.add((profile.arch, kind))
            if not told:
                shown_backings.add(backing)
                yield profile, bound


@cache
def profiles() -> list[Profile]:
    """The profiles that promises are held against, the newest kernel first."""
    return sorted(map(load_profile, profile_names()), key=lambda profile: version(profile.level), reverse=True)


@cache
def kinds(level: str) -> list[RegionTraits]:
    at = version(level)
    return [
        traits
        for traits in load_traits().values()
        if (not traits.since or version(traits.since) <= at) and (not traits.before or at < version(traits.before))
    ]
