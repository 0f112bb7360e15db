# SPDX-License-Identifier: GPL-2.0-or-later
"""Which lines and branches of the simulator run when the recorded traces of real kernels are judged, and by whose?

Needs the `coverage` library (`pip install pfnlab[test]`).
"""

from __future__ import annotations

import ast
import json
import tempfile
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import simulator
from hwtests.errors import UsageError
from hwtests.language import parse_file
from hwtests.recorded import Recording, read_recordings
from hwtests.selection import catalogue
from hwtests.verdict import judge_trace, with_lines_of

if TYPE_CHECKING:
    from coverage import Coverage

ROOM = Path(simulator.__file__).parent


def branch_rows(recordings: Sequence[Recording] | None = None) -> list[dict[str, Any]]:
    """A row for each file of the simulator: `file`; of its functions how many `lines` and `branches` there are and how
    many ran (`lines_run`, `branches_run`); `by`: the same for each target; `not_run`: the lines, and `not_taken`: the
    branches (from line, to line; to one below 0: out of the function) that no recorded trace has run."""
    watch = _watch()
    try:
        watch.start()
        for recording in read_recordings() if recordings is None else recordings:
            watch.switch_context(recording.provenance.target)
            _judge(recording)
    finally:
        watch.stop()
    return [_row(watch, path, found) for path, found in _report(watch)]


def _watch() -> Coverage:
    try:
        from coverage import Coverage
    except ImportError:
        raise UsageError(
            "--branches needs the library `coverage`, which is not installed; cure: pip install 'pfnlab[test]'"
        ) from None
    return Coverage(data_file=None, branch=True, config_file=False, source=[str(ROOM)], omit=[f"{ROOM}/tests/*"])


def _judge(recording: Recording) -> None:
    programs = catalogue()
    for name, trace in recording.traces.items():
        program = parse_file(programs[name]) if name in programs else None
        if program is not None and program.hash == trace.header.program.hash:
            judge_trace(with_lines_of(trace, program), program)


def _report(watch: Coverage) -> Iterable[tuple[Path, dict[str, Any]]]:
    with tempfile.NamedTemporaryFile("r", suffix=".json") as file:
        watch.json_report(outfile=file.name)
        found = json.load(file)["files"]
    for name, entry in sorted(found.items()):
        yield Path(name).resolve(), entry


def _row(watch: Coverage, path: Path, found: dict[str, Any]) -> dict[str, Any]:
    inside = in_functions(path.read_text("utf-8"))
    lines = {line for line in [*found["executed_lines"], *found["missing_lines"]] if line in inside}
    branches = {(a, b) for a, b in [*found["executed_branches"], *found["missing_branches"]] if a in inside}
    data = watch.get_data()
    by = {}
    for target in sorted(data.measured_contexts() - {""}):
        data.set_query_context(target)
        arcs = set(data.arcs(str(path)) or ())
        ran = {line for arc in arcs for line in arc}
        by[target] = {"lines": len(lines & ran), "branches": len(branches & arcs)}
    data.set_query_contexts(None)
    return {
        "file": path.name,
        "lines": len(lines),
        "lines_run": len(lines) - len(lines.intersection(found["missing_lines"])),
        "branches": len(branches),
        "branches_run": len(branches) - len(found["missing_branches"]),
        "by": by,
        "not_run": sorted(lines.intersection(found["missing_lines"])),
        "not_taken": sorted(map(list, branches & {(a, b) for a, b in found["missing_branches"]})),
    }


def in_functions(text: str) -> set[int]:
    """The lines of a module that lie in the bodies of functions: what else there is ran before anybody watched."""
    return {
        line
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.FunctionDef)
        for line in range(node.body[0].lineno, (node.end_lineno or node.lineno) + 1)
    }
