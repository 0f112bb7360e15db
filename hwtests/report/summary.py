# SPDX-License-Identifier: GPL-2.0-or-later
"""What does a person see at the end of a run?  At most 80 columns: counts, first differences, skips by cause."""

from __future__ import annotations

from textwrap import wrap

from hwtests.report.model import RunView, TargetView
from hwtests.report.rules import table_text
from hwtests.results import VERDICTS, Result

WIDTH = 80
SHOWN = 5
MANY = 3  # targets: from so many on, a target's skips get few lines
FEW = 2


def summary_text(run: RunView) -> str:
    """The summary of a run, ended by a newline."""
    lines: list[str] = []
    shown = SHOWN if len(run.targets) < MANY else FEW
    for target in run.targets:
        lines += _target(target, shown)
    lines += table_text(run.targets, WIDTH)
    if run.torn:
        lines += _block("", run.torn)
    if run.missing:
        lines += _block("", f"{many(len(run.missing), 'planned result')} missing: the run did not come to its end")
        lines += _block("", f"go on with: pfnlab run --resume {run.path}")
    lines.append(f"report: {run.path / 'report.html'}")
    return "\n".join(lines) + "\n"


def _target(target: TargetView, shown: int) -> list[str]:
    about = ", ".join(filter(None, [target.kernel, " ".join(target.regions)]))
    lines = _block("", f"{target.name}: {about}" if about else target.name)
    counts = target.counts
    if target.name == "sim" and target.results:
        # The simulator does not agree with itself: what it has shown is what it was held against.
        lines += _block("  ", recorded_sentence(target))
        lines += _block("  ", "  ".join(f"{verdict} {counts[verdict]}" for verdict in VERDICTS if verdict != "agree"))
    else:
        lines += _block("  ", "  ".join(f"{verdict} {counts[verdict]}" for verdict in VERDICTS))
    lines += _block("  ", assumed_sentence(target))
    lines += _block("  ", asked_sentence(target))
    groups = _alike(target.bad)
    for alike in groups[:SHOWN]:
        lines += _bad(alike[0], len(alike) - 1)
    if left := sum(map(len, groups[SHOWN:])):
        lines += _block("  ", f"and {left} more: see the report")
    for group in target.skips[:shown]:
        lines += _block("  ", f"skip {len(group.results)}: needs {group.needs}; found {group.found}", "    ")
        lines += _block("    ", f"cure: {group.cure}", "      ")
    if rest := target.skips[shown:]:
        skips = sum(len(group.results) for group in rest)
        lines += _block("  ", f"skip {skips}: for {many(len(rest), 'other cause')}: see the report")
    return lines


def assumed_sentence(target: TargetView) -> str:
    """How many verdicts rest on a profile of another kernel, and on which; empty when none does."""
    assumed = [result for result in target.results if result.assumed]
    if not assumed:
        return ""
    return f"{len(assumed)} assumed: judged by {assumed[0].profile}, which was not seen to hold for all of this kernel"


def asked_sentence(target: TargetView) -> str:
    """`6 choices asked for: granted in 6 of 7 tries`: how often the kernel chose so; empty where nobody asked."""
    asked = [result for result in target.results if result.tries]
    if not asked:
        return ""
    granted = sum(1 for result in asked if result.verdict != "skip")
    tries = sum(result.tries for result in asked)
    of = "1 try" if tries == 1 else f"{tries} tries"
    return f"{many(len(asked), 'choice')} asked for: granted in {granted} of {of}"


def recorded_sentence(target: TargetView) -> str:
    """`143 promises held, 212 recorded traces of 5 kernels accepted`: what a run on `sim` has shown."""
    recorded = target.recorded
    traces = many(recorded.get("accepted", 0), "recorded trace")
    said = [
        f"{many(target.promises_held, 'promise')} held",
        f"{traces} of {many(len(target.recorded_kernels), 'kernel')} accepted",
    ]
    if refused := recorded.get("refused", 0):
        said.append(f"{refused} refused")
    if stale := recorded.get("stale", 0):
        said.append(f"{stale} stale (made of another text; record them again with --record)")
    return ", ".join(said)


def many(count: int, noun: str) -> str:
    """`1 kernel`, `5 kernels`."""
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


def _alike(results: list[Result]) -> list[list[Result]]:
    # What has one reason that is no difference of its own (a kernel that did not boot) is said once.
    groups: dict[object, list[Result]] = {}
    for result in results:
        key = result.key if result.differences else (result.verdict, result.why)
        groups.setdefault(key, []).append(result)
    return list(groups.values())


def _bad(result: Result, others: int) -> list[str]:
    where = f" on {result.region}" if result.region else ""
    more = f" and {others} more" if others else ""
    lines = _block("  ", f"{result.verdict.upper()} {result.program}{more}{where}", "    ")
    for difference in result.differences[:1]:
        lines += _block("    ", f"line {difference.line}: {difference.text}", "      ")
        lines += _block("    ", difference.sentence(), "      ")
    if not result.differences or result.verdict in ("error", "crash", "timeout"):
        lines += _block("    ", result.why, "      ")
    if result.console:
        lines += _block("    ", f"console: {result.console}", "      ")
    return lines


def _block(indent: str, text: str, hanging: str | None = None) -> list[str]:
    return wrap(
        text,
        WIDTH,
        initial_indent=indent,
        subsequent_indent=(indent + "  ") if hanging is None else hanging,
        break_on_hyphens=False,
    )
