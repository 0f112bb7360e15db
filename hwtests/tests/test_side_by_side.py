# SPDX-License-Identifier: GPL-2.0-or-later
"""Targets run side by side give what they give one after the other, and none of their processes is left."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil
import pytest

from hwtests.plan import Selected
from hwtests.pytest_lab import Quiet
from hwtests.results import ResultsDir, read_results, read_run
from hwtests.run import Request, Run
from hwtests.side_by_side import Workers
from hwtests.targets.base import TargetError, TargetLost
from hwtests.tests.fakes import FakeTarget, changed
from hwtests.tests.test_results_run import programs
from hwtests.trace import Trace

pytestmark = pytest.mark.slow  # each makes processes


def make_run(tmp_path: Path, selected: list[Selected]) -> Run:
    run = Run(Request(selected), ResultsDir.create(tmp_path / "results", "lab"), Quiet(), {"run": 1})
    run.begin()
    return run


def run_all(run: Run, targets: list[FakeTarget], count: int = 2) -> None:
    workers = Workers(run, targets, count)
    try:
        workers.run_all()
    finally:
        workers.end()
    run.finish(0)


def dying(do: Callable[[], Any]) -> Callable[[Trace], Trace]:
    def change(trace: Trace) -> Trace:
        do()
        return trace

    return change


def test_every_target_has_its_verdicts_in_one_results_file(tmp_path):
    run = make_run(tmp_path, programs(tmp_path, "a", "b"))

    run_all(run, [FakeTarget("uml:5.10"), FakeTarget("uml:6.1"), FakeTarget("uml:7.2", change=changed(value="0x41"))])

    found = {key[:2]: result.verdict for key, result in read_results(run.kept.path).latest().items()}
    agree = {(program, target): "agree" for program in "ab" for target in ("uml:5.10", "uml:6.1")}
    assert found == {**agree, ("a", "uml:7.2"): "mismatch", ("b", "uml:7.2"): "mismatch"}


def test_traces_are_where_the_results_say(tmp_path):
    run = make_run(tmp_path, programs(tmp_path, "a"))

    run_all(run, [FakeTarget("uml:5.10"), FakeTarget("uml:6.1")])

    names = [result.trace for result in read_results(run.kept.path).results]
    assert len(names) == 2
    assert all((run.kept.path / name).is_file() for name in names)


def test_the_record_has_the_targets_in_the_order_asked_for(tmp_path):
    run = make_run(tmp_path, programs(tmp_path, "a"))
    targets = [FakeTarget("uml:5.10"), FakeTarget("uml:6.1"), FakeTarget("uml:7.2")]
    targets[1].cost = 9.0  # started first
    run.order = {target.name: place for place, target in enumerate(targets)}

    run_all(run, targets)

    facts = read_run(run.kept.path)
    assert [one["name"] for one in facts["targets"]] == ["uml:5.10", "uml:6.1", "uml:7.2"]
    assert sorted(facts["planned"]) == [["a", target.name, "uml-mmapper"] for target in targets]


def test_a_worker_that_is_killed_costs_its_target_errors_and_no_other(tmp_path):
    run = make_run(tmp_path, programs(tmp_path, "a", "b"))
    kill = dying(lambda: os.kill(os.getpid(), signal.SIGKILL))

    run_all(run, [FakeTarget("uml:5.10", change=kill), FakeTarget("uml:6.1")])

    verdicts = {(result.program, result.target): result for result in run.results.values()}
    assert {key: result.verdict for key, result in verdicts.items()} == {
        ("a", "uml:5.10"): "error", ("b", "uml:5.10"): "error", ("a", "uml:6.1"): "agree", ("b", "uml:6.1"): "agree",
    }  # fmt: skip
    assert verdicts["a", "uml:5.10"].why == "the process that ran uml:5.10 ended: killed by SIGKILL"


def test_when_all_workers_are_killed_every_target_has_its_errors(tmp_path):
    run = make_run(tmp_path, programs(tmp_path, "a"))
    kill = dying(lambda: os.kill(os.getpid(), signal.SIGKILL))

    run_all(run, [FakeTarget(name, change=kill) for name in ("uml:5.10", "uml:6.1", "uml:6.12")])

    assert {result.target: result.verdict for result in run.results.values()} == {
        "uml:5.10": "error", "uml:6.1": "error", "uml:6.12": "error",
    }  # fmt: skip


def test_a_kernel_that_does_not_boot_is_an_error_of_its_target(tmp_path):
    run = make_run(tmp_path, programs(tmp_path, "a"))
    lost: dict[str, TargetError] = {"boot": TargetLost("error", "no boot")}

    run_all(run, [FakeTarget("uml:5.10", lost=lost), FakeTarget("uml:6.1")])

    assert {result.target: result.why for result in run.results.values()} == {"uml:5.10": "no boot", "uml:6.1": ""}


def test_what_goes_wrong_in_pfnlab_itself_is_raised_with_its_place(tmp_path):
    run = make_run(tmp_path, programs(tmp_path, "a"))

    with pytest.raises(ZeroDivisionError, match=r"test_side_by_side.py:\d+"):
        run_all(run, [FakeTarget("uml:5.10", change=dying(lambda: 1 // 0)), FakeTarget("uml:6.1")])


def test_no_process_is_left(tmp_path):
    run = make_run(tmp_path, programs(tmp_path, "a"))
    before = psutil.Process().children(recursive=True)

    run_all(run, [FakeTarget("uml:5.10"), FakeTarget("uml:6.1")])

    assert psutil.Process().children(recursive=True) == before
