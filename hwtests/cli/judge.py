# SPDX-License-Identifier: GPL-2.0-or-later
"""`pfnlab judge`: stored traces against today's specification."""

import json
import sys
from argparse import Namespace
from pathlib import Path
from typing import Any

from hwtests.errors import UsageError
from hwtests.language import ProgramError
from hwtests.recorded import read_recording
from hwtests.results import exit_status
from hwtests.trace import Trace, TraceError, read_traces
from hwtests.verdict import differences_of, judge_trace


def main(arguments: Namespace) -> int:
    rows: list[dict[str, Any]] = []
    for word in arguments.traces:
        for trace in _traces(Path(word)):
            rows.append(_row(word, trace))
            if not arguments.json:
                _print(rows[-1])
    if arguments.json:
        print(json.dumps(rows, indent=2))
    elif not rows:
        print(f"pfnlab: no observed traces in {', '.join(arguments.traces)}", file=sys.stderr)
    return exit_status(row["verdict"] for row in rows)


def _traces(path: Path) -> list[Trace]:
    try:
        if path.name.endswith(".gz"):
            return list(read_recording(path).traces.values())
        if not path.is_dir():
            return read_traces(path)
        files = sorted((path / "traces").rglob("*.observed.jsonl"))
        if not files and not (path / "traces").is_dir():
            raise UsageError(f"{path}: expected a results directory, found no traces/ in it")
        return [trace for file in files for trace in read_traces(file)]
    except TraceError as error:
        raise UsageError(str(error)) from None


def _row(where: str, trace: Trace) -> dict[str, Any]:
    header = trace.header
    row: dict[str, Any] = {
        "name": header.program.name,
        "target": header.target,
        "kernel": header.kernel.release,
        "region": " ".join(str(region.get("kind", name)) for name, region in header.regions.items()),
        "file": where,
    }
    try:
        judged = judge_trace(trace)
    except (ProgramError, TraceError) as error:
        raise UsageError(f"{where}: {error}") from None
    return {
        **row,
        "verdict": judged.judgement.verdict.value,
        "profile": judged.profile,
        "assumed": judged.assumed,
        "why": judged.judgement.why,
        "differences": [
            {"line": one.line, "text": one.text, "said": one.sentence()} for one in differences_of(judged.judgement)
        ],
    }


def _print(row: dict[str, Any]) -> None:
    assumed = " (assumed)" if row["assumed"] else ""
    print(
        f"{row['verdict']} {row['name']} on {row['target']} {row['region']}: {row['kernel']}, {row['profile']}{assumed}"
    )
    for difference in row["differences"]:
        print(f"  line {difference['line']}: {difference['text']}: {difference['said']}")
    if row["why"] and not row["differences"]:
        print(f"  {row['why']}")
