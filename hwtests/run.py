# SPDX-License-Identifier: GPL-2.0-or-later
"""How does a run go?  Programs onto targets, traces to the judge, verdicts into the results directory, one by one.

Every selected program yields exactly one verdict on every target and region, whatever happens to the kernel. It is
judged, and written to the disk, while the kernel runs the program after it.
"""

from __future__ import annotations

import os
import random
import time
from collections import deque
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any, Literal, Protocol

import msgspec

from hwtests import asked
from hwtests.behind import Behind
from hwtests.judge import Verdict
from hwtests.not_tried import not_tried
from hwtests.opening import Opening
from hwtests.plan import Job, Place, Selected, gathered, jobs_of
from hwtests.private import public_path
from hwtests.recorded import Recording
from hwtests.results import Result, ResultsDir
from hwtests.results.directory import safe
from hwtests.silent import silent
from hwtests.targets.base import Target, TargetError, TargetLost, Unusable
from hwtests.targets.level import level
from hwtests.targets.schedule import schedule
from hwtests.trace import Kernel, Trace
from hwtests.verdict import Judged, differences_of, judge_trace, promises_of, rules_of

Key = tuple[str, str, str]
DEAD = 2  # boots in a row that fail before the rest of the target's programs is given up


class Progress(Protocol):
    """Who is told how a run goes."""

    def target(self, name: str, about: str, jobs: int) -> None: ...
    def result(self, result: Result) -> None: ...
    def note(self, text: str) -> None: ...


@dataclass(frozen=True, slots=True)
class Request:
    """What is to be run. `regions`: only these (empty: all); `force`: a target that cannot be used is an error."""

    programs: Sequence[Selected]
    regions: Collection[str] = ()
    allowed_hazards: Collection[str] = ()
    seed: int | None = None
    force: bool = False


@dataclass
class Run:
    """One run into one results directory. `done` are results that a resumed run keeps; `opening` is a target that is
    coming up already; `order`: the place of each target in the record."""

    request: Request
    kept: ResultsDir
    progress: Progress
    facts: dict[str, Any]
    done: Mapping[Key, Result] = field(default_factory=dict)
    results: dict[Key, Result] = field(default_factory=dict)
    opening: Opening | None = None
    order: Mapping[str, int] = field(default_factory=dict)
    _klog: list[str] = field(default_factory=list)
    _broken: set[str] = field(default_factory=set)

    # The record of the run.

    def begin(self) -> None:
        self.facts.setdefault("targets", [])
        self.facts.setdefault("planned", [])
        self.results.update(self.done)
        self._write()

    def finish(self, status: int) -> None:
        self.facts["finished"] = now()
        self.facts["status"] = status
        self._write()

    def _write(self) -> None:
        self.kept.write_json("run.json", self.facts)

    def about(self, about: dict[str, Any]) -> None:
        """What run.json says of a target."""
        self._plan(about, [])

    def _plan(self, about: dict[str, Any], keys: Iterable[Key]) -> None:
        targets = [one for one in self.facts["targets"] if one["name"] != about["name"]]
        targets.append(about)
        self.facts["targets"] = sorted(targets, key=lambda one: self.order.get(one["name"], 0))
        planned = {tuple(key): None for key in self.facts["planned"]}
        planned.update((key, None) for key in keys)
        self.facts["planned"] = [list(key) for key in planned]
        self._write()

    def learn(self, facts: dict[str, Any]) -> None:
        """What run.json shall say of the targets that another process ran."""
        for about in facts["targets"]:
            self._plan(about, map(tuple, facts["planned"]))

    def lost(self, target: str, why: str) -> None:
        """Whoever ran this target is gone: what has no result yet has no trace either."""
        self._rest(target, [], "error", why)

    def keep(self, result: Result) -> Result:
        """One result more."""
        self.kept.append(result)
        self.results[result.key] = result
        self.progress.result(result)
        return result

    def _is_done(self, selected: Selected, target: str, region: str) -> bool:
        before = self.done.get((selected.name, target, region))
        return before is not None and before.verdict != "error" and before.hash == selected.program.hash

    # The simulator.

    def on_sim(self, recordings: Sequence[Recording]) -> None:
        """Hold the simulator against the promises and the recorded traces of every program."""
        selected = [one for one in self.request.programs if not self._is_done(one, "sim", "")]
        self._plan({"name": "sim"}, [(one.name, "sim", "") for one in self.request.programs])
        self.progress.target("sim", "the simulator, against promises and recorded traces", len(selected))
        for one in selected:
            self.one_on_sim(one, recordings)

    def one_on_sim(self, selected: Selected, recordings: Sequence[Recording]) -> Result:
        """One program on the simulator; its result is kept."""
        from hwtests.on_sim import result_on_sim

        result, trace = result_on_sim(selected, recordings)
        name = self.kept.write_trace("allowed", trace, "") if trace is not None else ""
        return self.keep(msgspec.structs.replace(result, allowed=name))

    # A real kernel.

    def on_target(self, target: Target) -> None:
        """Run every program on every region of the target."""
        if cause := target.probe():
            self._unusable(target, cause)
            return
        try:
            self._open(target)
            try:
                self._opened(target)
            finally:
                target.close()
        except TargetLost as lost:
            if not self._rest(target.name, [], lost.kind, str(lost), lost.console):
                self._afterwards(target.name, lost)
        except TargetError as error:
            self._rest(target.name, [], "error", str(error))

    def _open(self, target: Target) -> None:
        if self.opening is not None and self.opening.target is target:
            self.opening.wait()
        else:
            target.open()

    def _opened(self, target: Target) -> None:
        about = target.inventory()
        offered = target.regions()
        regions = [region for region in offered if not self.request.regions or region.name in self.request.regions]
        if not regions:
            found = ", ".join(region.name for region in offered) or "none"
            wanted = ", ".join(self.request.regions)
            self._unusable(target, Unusable(f"region {wanted}", found, "name one that this target has"))
            return
        # A file that the user named is there to be checked: that it cannot be used is no reason to pass it over.
        self._broken = {region.name for region in regions if region.unusable and region.name.startswith(("/", "."))}
        place = place_of(target, about, self.request.allowed_hazards)
        jobs = jobs_of(self.request.programs, regions, place)
        if not self.request.regions:
            jobs = gathered(jobs, regions)
        left = [job for job in jobs if not self._is_done(job.selected, target.name, job.region)]
        about = {"name": target.name, **about, "regions": [region.as_dict() for region in offered]}
        about |= {"not_tried": groups} if (groups := not_tried(jobs)) else {}
        self._plan(about, [(job.selected.name, target.name, job.region) for job in jobs])
        usable = [region.name for region in regions if region.unusable is None]
        names = " ".join(usable) if len(usable) <= 5 else f"{len(usable)} regions"
        self.progress.target(target.name, f"{place.kernel.release}, {names or 'no usable region'}", len(left))
        try:
            self._jobs(target, place, left)
        finally:
            # What the run found out meanwhile (boots, restarts) belongs in the record too.
            self._plan({**about, **target.inventory()}, [])
            self._dmesg(target.name)

    def _jobs(self, target: Target, place: Place, jobs: Sequence[Job]) -> None:
        for job in jobs:
            if job.skip is not None and job.region in self._broken:
                self.failed(job, target.name, "error", f"region {job.region}: {job.skip}")
            elif job.skip is not None:
                self.skipped(job, target.name, job.skip, place.kernel.release)
        runnable = ordered([job for job in jobs if job.skip is None], self.request.seed)
        boots = schedule(runnable, lambda job: job.selected.hazard, own_kernel=target.own_kernel)
        left = deque(job for boot in boots for job in boot)
        dead = 0
        with Behind() as judging:
            for number, boot in enumerate(boots):
                if number:
                    judging.wait()
                    self._fresh(target)
                for job in boot:
                    left.popleft()
                    dead = 0 if self._tried(target, job, judging) else dead + 1
                    if dead == DEAD:
                        judging.wait()
                        self._rest(target.name, list(left), "error", f"{target.name} does not come up any more")
                        return

    def _fresh(self, target: Target) -> None:
        try:
            target.fresh()
        except TargetLost as lost:
            self._afterwards(target.name, lost)

    def _afterwards(self, target: str, lost: TargetLost) -> None:
        """What a kernel said when its last program had ended: that program's result is another now."""
        last = next((one for key, one in reversed(self.results.items()) if key[1] == target and one.trace), None)
        if last is not None:
            file = self._console(lost.console, target, last.region, last.program)
            kind: Literal["crash", "error"] = "crash" if lost.kind == "crash" else "error"
            why = f"after this program: {lost}"
            self.keep(msgspec.structs.replace(last, verdict=kind, why=why, console=file or last.console))

    def _tried(self, target: Target, job: Job, judging: Behind) -> bool:
        # Whether the target is still there afterwards. A trace is judged while the kernel runs the next program.
        try:
            seen = self._attempted(target, job, judging.wait)
        except TargetError as error:
            judging.wait()
            if isinstance(error, TargetLost):
                self.failed(job, target.name, error.kind, str(error), error.console)
                return False
            self.failed(job, target.name, "error", str(error))
        else:
            judging.then(lambda: self._judged(target, job, seen))
        return True

    def _attempted(self, target: Target, job: Job, waited: Callable[[], None] = lambda: None) -> Seen:
        """Run a program; anew, on a fresh kernel, until what it asks of the kernel is granted."""
        program = job.selected.program
        most = asked.tries(program)
        for number in range(1, most + 1):
            seen = _observed(target, job)
            if not asked.void(program, seen.trace):
                self.progress.note(f"{target.name}: {job.selected.name}: granted at try {number} of {most}")
                return Seen(asked.with_tries(program, seen.trace, number), seen.seconds, number)
            if number == most:
                return replace(seen, tries=number)
            waited()
            self._fresh(target)
        return _observed(target, job)

    def one(self, target: Target, job: Job) -> Result:
        """Run a job that has no cause to be skipped, and judge it; its result is kept. Raises TargetError."""
        return self._judged(target, job, self._attempted(target, job))

    def _judged(self, target: Target, job: Job, seen: Seen) -> Result:
        selected, trace = job.selected, seen.trace
        if cause := silent(selected.program, trace, seen.tries):
            return self.skipped(job, target.name, cause, trace.header.kernel.release, seen.tries)
        judged = judge_trace(trace, selected.program)
        if trace.end is not None:
            self._klog += [f"{selected.name} ({job.region}): {line}" for line in trace.end.klog]
        observed = self.kept.write_trace("observed", trace, job.region)
        allowed = self.kept.write_trace("allowed", judged.allowed, job.region) if judged.allowed else ""
        console = ""
        if trace.end is not None and trace.end.console:
            console = self._console("\n".join(trace.end.console), target.name, job.region, selected.name)
        return self.keep(_result(job, target.name, seen, judged, observed, allowed, console))

    # What goes wrong.

    def _unusable(self, target: Target, cause: Unusable) -> None:
        """The target cannot be used: what becomes of every program."""
        keys = [(one.name, target.name, "") for one in self.request.programs]
        found = public_path(cause.found)
        self._plan({"name": target.name, "needs": cause.needs, "found": found, "cure": cause.cure}, keys)
        self.progress.target(target.name, f"not usable: {cause}", len(keys))
        for one in self.request.programs:
            if self._is_done(one, target.name, ""):
                continue
            self.refused(Job(one, "", {}, cause), target.name)

    def refused(self, job: Job, target: str) -> Result:
        """The target cannot be used: a skip; an error with `force`, or where the user named the kernel's own file."""
        assert job.skip is not None
        if self.request.force or "/" in target:
            return self.failed(job, target, "error", str(job.skip))
        return self.skipped(job, target, job.skip)

    def skipped(self, job: Job, target: str, cause: Unusable, kernel: str = "", tries: int = 0) -> Result:
        """The program does not apply here."""
        result = Result(**_who(job, target), kernel=kernel, verdict="skip", seconds=0.0, tries=tries)
        said = {"needs": cause.needs, "found": public_path(cause.found), "cure": public_path(cause.cure)}
        return self.keep(msgspec.structs.replace(result, **said))

    def failed(self, job: Job, target: str, verdict: str, why: str, console: str = "", file: str = "") -> Result:
        """There is no trace of the program: an error, or a crash of the kernel, told in `console` (or `file`)."""
        file = file or self._console(console, target, job.region, job.selected.name)
        kind: Literal["crash", "error"] = "crash" if verdict == "crash" else "error"
        result = Result(**_who(job, target), kernel="", verdict=kind, seconds=0.0, console=file)
        return self.keep(msgspec.structs.replace(result, why=public_path(why)))

    def _rest(self, target: str, jobs: Sequence[Job], verdict: str, why: str, console: str = "") -> int:
        """These jobs have no trace; with none given, what the target has been asked for and has no result yet.

        Returns how many there were.
        """
        if not jobs:
            planned = [tuple(key) for key in self.facts["planned"] if key[1] == target]
            missing = [(name, region) for name, _, region in planned if (name, target, region) not in self.results]
            if not planned:
                self._plan({"name": target}, [(one.name, target, "") for one in self.request.programs])
                missing = [(one.name, "") for one in self.request.programs if not self._is_done(one, target, "")]
            selected = {one.name: one for one in self.request.programs}
            jobs = [Job(selected[name], region, {}) for name, region in missing]
        file = self._console(console, target, "", "boot")
        for job in jobs:
            self.failed(job, target, verdict, why, file=file)
        return len(jobs)

    def _console(self, text: str, target: str, region: str, program: str) -> str:
        if not text:
            return ""
        name = "-".join(safe(part) for part in (target, region, program) if part)
        return self.kept.write_text(f"console/{name}.txt", text.rstrip("\n") + "\n")

    def _dmesg(self, target: str) -> None:
        lines, self._klog = self._klog, []
        if lines:
            self.kept.write_text(f"dmesg/{safe(target)}.txt", "\n".join(lines) + "\n")


@dataclass(frozen=True, slots=True)
class Seen:
    """A trace, how long it took, and at which try (0: the program asks for nothing)."""

    trace: Trace
    seconds: float
    tries: int = 0


def _observed(target: Target, job: Job) -> Seen:
    started = time.perf_counter()
    trace = target.run(job.selected.program, job.binding, hazard=job.selected.hazard)
    return Seen(trace, time.perf_counter() - started)


def ordered(jobs: Iterable[Job], seed: int | None) -> list[Job]:
    """The jobs in the order that a seed gives; without one as they are, region by region."""
    found = list(jobs)
    if seed is None:
        places = {region: place for place, region in enumerate(dict.fromkeys(job.region for job in found))}
        return sorted(found, key=lambda job: places[job.region])
    found.sort(key=lambda job: (job.selected.name, job.region))
    random.Random(seed).shuffle(found)
    return found


def place_of(target: Target, about: Mapping[str, Any], allowed: Collection[str]) -> Place:
    """What a target's inventory says that decides which programs make sense on it."""
    said = about.get("kernel", {})
    release, version = str(said.get("release", "?")), str(said.get("version", ""))
    machine = str(said.get("machine", ""))
    kernel = Kernel(release, version, machine, str(said.get("arch", machine or "?")), level(release, version))
    uid = int(about.get("uid", 0 if target.own_kernel else os.geteuid()))
    return Place(kernel, uid, about.get("config", {}), target.own_kernel, allowed, about.get("modules", {}))


def now() -> str:
    """The time as run.json has it."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _result(job: Job, target: str, seen: Seen, judged: Judged, observed: str, allowed: str, console: str) -> Result:
    judgement = judged.judgement
    # A verdict that is not agreement says why; where differences say it, they say it better.
    shown = judgement.verdict in (Verdict.MISMATCH, Verdict.UNPREDICTED) and judgement.differences
    return Result(
        **_who(job, target),
        kernel=seen.trace.header.kernel.release,
        verdict=judgement.verdict.value,
        seconds=round(seen.seconds, 6),
        tries=seen.tries,
        assumed=judged.assumed,
        profile=judged.profile,
        why="" if shown else judgement.why,
        differences=differences_of(judgement),
        promises=promises_of(judgement),
        rules=rules_of(judged.allowed),
        trace=observed,
        allowed=allowed,
        console=console,
    )


def _who(job: Job, target: str) -> dict[str, Any]:
    return {
        "program": job.selected.name,
        "hash": job.selected.program.hash,
        "target": target,
        "region": job.region,
        "theme": job.selected.theme,
        "hazard": job.selected.hazard,
    }
