# SPDX-License-Identifier: GPL-2.0-or-later
"""What stands behind a pytest session's programs?  One target, opened for the first of them, and one run of results."""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import pytest

from hwtests.cli.choose import check_regions, expand_one, make
from hwtests.errors import UsageError
from hwtests.plan import Job, Selected, jobs_of
from hwtests.recorded import Recording, read_recordings
from hwtests.regions.named import is_named, region_name
from hwtests.results import Result, ResultsDir
from hwtests.run import Request, Run, now, place_of
from hwtests.targets.base import Region, Target, TargetError, TargetLost, Unusable
from hwtests.version import tool


class Quiet:
    """Progress is pytest's to show."""

    def target(self, name: str, about: str, jobs: int) -> None: ...

    def result(self, result: Result) -> None: ...

    def note(self, text: str) -> None: ...


def check_target(name: str, regions: Sequence[str]) -> Target | str:
    """The target of a session; nothing is started. Raises pytest.UsageError for one that cannot be meant."""
    try:
        if any(is_named(region) for region in regions) and name != "host":
            raise UsageError("a file can be a region of the host only: expected --pfn-target host")
        check_regions(regions)
        return make(expand_one(name), regions, allow_write=False)
    except UsageError as error:
        raise pytest.UsageError(str(error)) from None


class Lab:
    """The target `name` of a session. `results`: where they are kept, if at all; `regions`: as the user named them."""

    def __init__(self, name: str, results: str | None, regions: Sequence[str]) -> None:
        root = results or os.environ.get("PFNLAB_RESULTS") or ""
        self._scratch = None if root else tempfile.TemporaryDirectory(prefix="pfnlab-pytest-")
        self._regions = regions
        self.target = check_target(name, regions)
        kept = ResultsDir.create(Path(root or (self._scratch.name if self._scratch else ".")), os.uname().nodename)
        force = os.environ.get("PFNLAB_FORCE") == "1"
        self._request = Request([], [region_name(region) for region in regions], force=force)
        self._run = Run(self._request, kept, Quiet(), self._facts())
        self._run.begin()
        self._recordings: list[Recording] | None = None
        self._open = False
        self._dead: Result | None = None
        self._offered: list[Region] = []

    def verdict(self, selected: Selected, region: str | None) -> Result:
        """Run one program, on `region` or the first that suits it, and judge it."""
        if isinstance(self.target, str):
            if self._recordings is None:
                self._recordings = read_recordings()
            return self._run.one_on_sim(selected, self._recordings)
        wanted = region_name(region) if region else None
        if cause := self._not_here(self.target):
            return self._run.refused(Job(selected, wanted or "", {}, cause), self.target.name)
        try:
            job = self._job(self.target, selected, wanted)
            if job.skip is not None:
                return self._run.skipped(job, self.target.name, job.skip)
            if selected.hazard != "none":
                self.target.fresh()
            result = self._run.one(self.target, job)
            if selected.hazard != "none":
                self.target.fresh()
            return result
        except TargetLost as lost:
            return self._run.failed(
                Job(selected, wanted or "", {}), self.target.name, lost.kind, str(lost), lost.console
            )
        except TargetError as error:
            return self._run.failed(Job(selected, wanted or "", {}), self.target.name, "error", str(error))

    def _not_here(self, target: Target) -> Unusable | None:
        return None if self._open else target.probe()

    def _job(self, target: Target, selected: Selected, region: str | None) -> Job:
        if not self._open:
            target.open()
            self._open = True
            self._offered = target.regions()
            self._run.about({"name": target.name, **target.inventory()})
        jobs = jobs_of([selected], self._offered, place_of(target, target.inventory(), ()))
        if region is not None:
            jobs = [job for job in jobs if job.region in ("", region)]
        if not jobs:
            names = ", ".join(one.name for one in self._offered) or "none"
            missing = Unusable(f"region {region}", names, "name one that this target has")
            return Job(selected, region or "", {}, missing)
        return next((job for job in jobs if job.skip is None), jobs[0])

    def _facts(self) -> dict[str, object]:
        from hwtests.inventory import inventory
        from hwtests.private import public_path

        name = self.target if isinstance(self.target, str) else self.target.name
        return {
            "run": 1,
            "tool": tool(),
            "started": now(),
            "command": public_path(" ".join(["pytest", *sys.argv[1:]])),
            "seed": None,
            "request": {"programs": [], "on": [name], "region": list(self._regions)},
            "inventory": inventory(),
        }

    def summary(self) -> str:
        """Where the results are, when they are kept."""
        return "" if self._scratch else f"report: {self._run.kept.path / 'report.html'}"

    def close(self) -> None:
        """End the target and write the reports. May be called more than once."""
        if not isinstance(self.target, str) and self._open:
            self.target.close()
            self._open = False
        if self._scratch is None:
            from hwtests.report import load, write_html, write_junit
            from hwtests.results import exit_status

            self._run.finish(exit_status(result.verdict for result in self._run.results.values()))
            view = load(self._run.kept.path)
            write_junit(view, self._run.kept.path / "junit.xml")
            write_html([view], self._run.kept.path / "report.html")
        self._run.kept.close()
        if self._scratch is not None:
            self._scratch.cleanup()
