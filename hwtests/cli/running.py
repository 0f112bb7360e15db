# SPDX-License-Identifier: GPL-2.0-or-later
"""What happens in a run once its targets are known?  Directory, facts, programs, reports, recordings.

Loaded while the first kernel comes up: it brings the judge, the simulator and the reports with it.
"""

from __future__ import annotations

import json
import os
import secrets
import shlex
import signal
import sys
from argparse import Namespace
from collections.abc import Sequence
from pathlib import Path
from types import FrameType
from typing import Any

from hwtests.cli.main import INTERRUPTED
from hwtests.cli.programs_of import read_programs
from hwtests.cli.progress import Live, Plain, Silent
from hwtests.errors import Interrupted
from hwtests.inventory import inventory
from hwtests.not_tried import not_tried_text
from hwtests.opening import Opening
from hwtests.private import public_path
from hwtests.recorded import ROOT, Provenance, record
from hwtests.recorded_seen import update as update_seen
from hwtests.regions.named import region_name
from hwtests.report import load, summary_text, write_html, write_junit
from hwtests.results import ResultsDir, Written, exit_status, read_run
from hwtests.run import Request, Run, now
from hwtests.side_by_side import on_one, workers
from hwtests.targets.base import Target
from hwtests.trace import Trace, read_trace
from hwtests.version import tool

RECORDED = ("agree", "mismatch", "unpredicted")


def go(
    arguments: Namespace,
    names: Sequence[str],
    targets: Sequence[Target | str],
    shown: Silent | Plain | Live,
    opening: Opening | None,
) -> int:
    """Do what `pfnlab run` was asked for; returns its exit status."""
    if arguments.shuffle and arguments.seed is None:
        arguments.seed = secrets.randbelow(1 << 31)
    request = Request(
        programs=read_programs(arguments.programs),
        regions=[region_name(region) for region in arguments.region],
        allowed_hazards=arguments.allow_hazard,
        seed=arguments.seed,
        force=os.environ.get("PFNLAB_FORCE") == "1",
    )
    if arguments.dry_run:
        from hwtests.dry_run import show

        return show(request, targets, arguments.json)
    return _run(arguments, request, names, targets, shown, opening)


def _run(
    arguments: Namespace,
    request: Request,
    names: Sequence[str],
    targets: Sequence[Target | str],
    shown: Silent | Plain | Live,
    opening: Opening | None,
) -> int:
    if request.seed is not None:
        shown.note(f"seed {request.seed}")
    kept, before = _directory(arguments, shown)
    facts = _facts(arguments, request, names, before)
    run = Run(request, kept, shown, facts, done=before.latest() if before else {}, opening=opening)
    run.order = {one if isinstance(one, str) else one.name: place for place, one in enumerate(targets)}
    interrupted = False
    # A run that is told to end does so as one that is interrupted: nothing is left behind.
    signal.signal(signal.SIGTERM, _interrupt)
    try:
        with workers(run, targets) as several:
            run.begin()
            if several is not None:
                several.run_all()
            else:
                for target in targets:
                    on_one(run, target)
        if arguments.record:
            for path in _record(run, arguments):
                shown.note(f"recorded: {path}")
            update_seen(ROOT)
    except KeyboardInterrupt:
        interrupted = True
    status = INTERRUPTED if interrupted else exit_status(result.verdict for result in run.results.values())
    shown.close()
    run.finish(status)
    _report(arguments, kept, status)
    kept.close()
    if interrupted:
        raise Interrupted(f"interrupted; what was done is in {kept.path}; go on with: pfnlab run --resume {kept.path}")
    return status


def _interrupt(number: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt


def _directory(arguments: Namespace, shown: Silent | Plain | Live) -> tuple[ResultsDir, Written | None]:
    if arguments.resume:
        kept, before = ResultsDir.resume(Path(arguments.resume))
        if before.torn:
            shown.note(before.torn)
        return kept, before
    root = Path(arguments.results or os.environ.get("PFNLAB_RESULTS") or "results")
    return ResultsDir.create(root, os.uname().nodename), None


def _facts(arguments: Namespace, request: Request, names: Sequence[str], before: Written | None) -> dict[str, Any]:
    if before is not None:
        facts = read_run(Path(arguments.resume))
        return {**facts, "resumed": [*facts.get("resumed", []), now()]}
    told = str if arguments.with_private else public_path
    return {
        "run": 1,
        "tool": tool(),
        "started": now(),
        "command": told(shlex.join(["pfnlab", *sys.argv[1:]])),
        "seed": request.seed,
        "request": {
            "programs": [
                told(str(Path(word).absolute())) if word.endswith(".pfn") else word for word in arguments.programs
            ],
            "on": list(names),
            "region": arguments.region,
            "module": [told(str(Path(module).absolute())) for module in arguments.module],
            "allow_write": arguments.allow_write,
            "allow_hazard": arguments.allow_hazard,
        },
        "inventory": inventory(private=arguments.with_private),
    }


def _record(run: Run, arguments: Namespace) -> list[Path]:
    groups: dict[tuple[str, str], list[Trace]] = {}
    for (_, target, region), result in run.results.items():
        if result.verdict in RECORDED and result.trace:
            groups.setdefault((target, region), []).append(read_trace(run.kept.path / result.trace))
    paths: list[Path] = []
    for (target, region), traces in groups.items():
        release = traces[-1].header.kernel.release
        how = f"pfnlab run --record --on {target}"
        made = now()[:10]
        provenance = Provenance(target=target, kernel=release, region=region, how=how, made=made, tool=tool())
        paths.append(record(ROOT, provenance, traces))
    return paths


def _report(arguments: Namespace, kept: ResultsDir, status: int) -> None:
    view = load(kept.path)
    write_junit(view, kept.path / "junit.xml")
    write_html([view], kept.path / "report.html")
    if arguments.json:
        targets = [
            {"name": target.name, "kernel": target.kernel, "regions": target.regions, "verdicts": target.counts}
            | ({"promises_held": target.promises_held, "recorded": target.recorded} if target.name == "sim" else {})
            for target in view.targets
        ]
        said = {"results": str(kept.path), "status": status, "seed": view.run.get("seed"), "targets": targets}
        print(json.dumps({**said, "missing": [list(key) for key in view.missing]}, indent=2))
    elif not arguments.quiet:
        print(not_tried_text(view.run.get("targets", [])), end="")
        print(summary_text(view), end="")
