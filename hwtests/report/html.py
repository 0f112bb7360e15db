# SPDX-License-Identifier: GPL-2.0-or-later
"""What page does a person open?  One HTML file of one or more runs, whole in itself: no script, no network."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Any

import jinja2

from hwtests.report.model import BAD, RunView, TargetView
from hwtests.report.rules import NOTHING, SIGNS, kernels_of, rule_table
from hwtests.report.steps import Steps, steps_of
from hwtests.report.summary import asked_sentence, assumed_sentence, many, recorded_sentence
from hwtests.results import VERDICTS, Result, ResultsError
from hwtests.version import tool

HERE = Path(__file__).parent
# Compiled when the module is loaded: in a run that is while the first kernel boots.
PAGE = jinja2.Environment(
    loader=jinja2.FileSystemLoader(HERE),
    autoescape=True,
    undefined=jinja2.StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
).get_template("page.html")


@dataclass(frozen=True, slots=True)
class Column:
    """One column of the matrix: a target and region of a run."""

    run: RunView
    target: TargetView
    region: str
    number: int


@dataclass(frozen=True, slots=True)
class Shown:
    """One result as the page shows it."""

    result: Result
    column: Column
    anchor: str
    steps: Steps
    console: str


@dataclass(frozen=True, slots=True)
class Program:
    """All results of one program, by column number; `worst` is the verdict that marks its heading."""

    name: str
    theme: str
    anchor: str
    cells: dict[int, Shown]
    worst: str
    text: str

    @property
    def groups(self) -> list[list[Shown]]:
        """The results, those together that have the same story: they agree step by step, or were skipped alike."""
        found: dict[object, list[Shown]] = {}
        for number, cell in self.cells.items():
            found.setdefault(_story(cell) or number, []).append(cell)
        return list(found.values())


def _story(cell: Shown) -> object:
    result = cell.result
    if result.verdict == "agree" and cell.steps.steps and not (cell.console or cell.steps.note or result.recorded):
        return repr(cell.steps)
    if result.verdict == "skip":
        return ("skip", result.needs, result.found, result.cure)
    return None


def write_html(runs: Sequence[RunView], path: Path) -> None:
    """Write the page. Raises ResultsError when it cannot be written."""
    try:
        path.write_text(html(runs), encoding="utf-8")
    except OSError as error:
        raise ResultsError(f"{path}: cannot write the report: {error.strerror}") from None


def html(runs: Sequence[RunView]) -> str:
    """The page's text."""
    columns = _columns(runs)
    programs = _programs(columns)
    shown = [cell for program in programs for cell in program.cells.values()]
    bad = sorted(
        (cell for cell in shown if cell.result.verdict in BAD), key=lambda cell: BAD.index(cell.result.verdict)
    )
    themes = [(theme, list(group)) for theme, group in groupby(programs, key=lambda program: program.theme)]
    kernels = kernels_of(target for run in runs for target in run.targets)
    return PAGE.render(
        kernels=kernels,
        rules=rule_table(kernels),
        nothing=NOTHING,
        runs=runs,
        columns=columns,
        themes=themes,
        programs=programs,
        bad=bad,
        verdicts=VERDICTS,
        signs=SIGNS,
        headline=_headline(runs, shown),
        recorded=recorded_sentence,
        assumed=assumed_sentence,
        asked=asked_sentence,
        tool=tool(),
        css=(HERE / "page.css").read_text(encoding="utf-8"),
    )


def _columns(runs: Sequence[RunView]) -> list[Column]:
    found: list[Column] = []
    for run in runs:
        for target in run.targets:
            for region in dict.fromkeys(result.region for result in target.results):
                found.append(Column(run, target, region, len(found)))
    return found


def _programs(columns: Sequence[Column]) -> list[Program]:
    cells: dict[str, dict[int, Shown]] = {}
    for column in columns:
        for result in column.target.results:
            if result.region == column.region:
                cells.setdefault(result.program, {})[column.number] = _shown(result, column)
    found = [_program(name, cells[name], number) for number, name in enumerate(sorted(cells))]
    return sorted(found, key=lambda program: program.theme)


def _program(name: str, cells: dict[int, Shown], number: int) -> Program:
    verdicts = [cell.result.verdict for cell in cells.values()]
    worst = next((verdict for verdict in BAD if verdict in verdicts), "agree" if "agree" in verdicts else "skip")
    text = next((cell.steps.text for cell in cells.values() if cell.steps.text), "")
    theme = next(iter(cells.values())).result.theme
    return Program(name, theme, f"p{number}", cells, worst, text)


def _shown(result: Result, column: Column) -> Shown:
    console = ""
    if result.console:
        try:
            console = (column.run.path / result.console).read_text(encoding="utf-8", errors="replace")
        except OSError as error:
            console = f"({result.console}: {error.strerror})"
    steps = steps_of(result, column.run.path)
    anchor = f"r{column.number}-{result.program}"
    return Shown(result, column, anchor, steps, console)


def _headline(runs: Sequence[RunView], shown: Sequence[Shown]) -> dict[str, Any]:
    """The one sentence on top, and the verdict that colours it."""
    verdicts = [cell.result.verdict for cell in shown]
    missing = sum(len(run.missing) for run in runs)
    worst = next((verdict for verdict in BAD if verdict in verdicts), "")
    if missing:
        return {"verdict": worst or "error", "text": f"Not finished: {many(missing, 'planned result')} missing."}
    if not verdicts:
        return {"verdict": "error", "text": "No results."}
    if worst:
        count = sum(1 for verdict in verdicts if verdict in BAD)
        return {"verdict": worst, "text": f"{count} of {len(verdicts)} results need a look."}
    agreed = verdicts.count("agree")
    if not agreed:
        return {"verdict": "skip", "text": "Everything was skipped: nothing has been checked."}
    skipped = f"; {verdicts.count('skip')} were skipped" if "skip" in verdicts else ""
    return {"verdict": "agree", "text": f"{agreed} of {len(verdicts)} results agree with what is allowed{skipped}."}
