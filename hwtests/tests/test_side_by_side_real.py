# SPDX-License-Identifier: GPL-2.0-or-later
"""Two kernels at once survive what is done to them, and leave nothing behind: a signal to end, a kill in the middle."""

from __future__ import annotations

import os
import signal
import time
from collections import Counter
from pathlib import Path

import psutil
import pytest

from hwtests.kernels.cache import cached
from hwtests.kernels.names import parse_name
from hwtests.results import read_results
from hwtests.results.directory import read_run
from hwtests.tests.test_results_real import gone, guests, missing, start, uml  # noqa: F401 - fixtures

pytestmark = [
    pytest.mark.real,
    pytest.mark.slow,
    pytest.mark.skipif(
        len(os.sched_getaffinity(0)) < 2, reason="needs two cores; found one; cure: run on a machine with more"
    ),
]
THEMES = ("cow", "fork", "vma")


@pytest.fixture
def two(uml: str) -> list[str]:  # noqa: F811
    """One kernel under two names: as two targets."""
    kernel = cached(parse_name(uml))
    assert kernel is not None
    return ["--on", uml, "--on", f"uml:{kernel.folder / kernel.file}"]


def both_running(folder: Path, run) -> tuple[Path, list[psutil.Process]]:
    """The results directory, and all processes of the run, once each of its targets has had results."""
    latest = folder / "results" / "latest"
    until = time.monotonic() + 60
    while time.monotonic() < until and run.poll() is None:
        if latest.exists() and len({one.target for one in read_results(latest).results if one.trace}) == 2:
            return latest, psutil.Process(run.pid).children(recursive=True)
        time.sleep(0.02)
    raise AssertionError("the run did not get that far")


def kernels(processes: list[psutil.Process]) -> list[psutil.Process]:
    return [one for one in processes if "mem=64M" in one.cmdline() and one.name() == "linux"]


def test_both_kernels_have_all_their_verdicts(start, two, tmp_path):  # noqa: F811
    run = start(*two, *THEMES)

    assert run.wait(120) == 0
    latest = tmp_path / "results" / "latest"
    counts = Counter((one.target, one.verdict) for one in read_results(latest).latest().values())
    (first, second) = two[1], two[3]
    assert counts[first, "agree"] == counts[second, "agree"] > 50
    assert missing(latest) == []
    assert [one["name"] for one in read_run(latest)["targets"]] == [first, second]


def test_a_killed_kernel_costs_one_error_and_the_other_nothing(start, two, tmp_path):  # noqa: F811
    run = start(*two, *THEMES)
    path, processes = both_running(tmp_path, run)
    kernels(processes)[0].kill()

    assert run.wait(120) == 2
    assert Counter(one.verdict for one in read_results(path).latest().values())["error"] == 1
    assert missing(path) == []
    assert gone(processes)


def test_a_killed_pfnlab_leaves_nothing_behind(start, two, tmp_path, guests):  # noqa: F811
    run = start(*two, *THEMES)
    _, processes = both_running(tmp_path, run)
    run.send_signal(signal.SIGKILL)
    run.wait()

    assert gone(processes)
    assert list(guests.iterdir()) == []


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_run_leaves_nothing_behind_and_goes_on(start, two, tmp_path, guests, number):  # noqa: F811
    run = start(*two)  # the whole catalogue: long enough to be interrupted
    path, processes = both_running(tmp_path, run)
    run.send_signal(number)

    assert run.wait(60) == 130
    assert gone(processes)
    assert list(guests.iterdir()) == []
    assert read_run(path)["status"] == 130
    assert start("--resume", str(path)).wait(120) == 0
    assert missing(path) == []


def test_a_killed_worker_costs_its_target_errors_and_leaves_nothing_behind(start, two, tmp_path, guests):  # noqa: F811
    run = start(*two, *THEMES)
    path, processes = both_running(tmp_path, run)
    psutil.Process(run.pid).children()[0].kill()

    assert run.wait(120) == 2
    found = read_results(path).latest().values()
    assert len({one.target for one in found if one.verdict == "error"}) == 1
    assert missing(path) == []
    assert gone(processes)
    assert list(guests.iterdir()) == []
