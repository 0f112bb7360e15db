# SPDX-License-Identifier: GPL-2.0-or-later
"""A run on a real kernel survives what is done to it: the kernel killed, pfnlab killed, a signal to end."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

import psutil
import pytest

from hwtests.results import read_results
from hwtests.results.directory import read_run
from hwtests.targets.registry import expand, make_target

ROOT = Path(__file__).parents[2]
pytestmark = [pytest.mark.real, pytest.mark.slow]


@pytest.fixture
def uml() -> str:
    name = expand("uml")[0]
    if cause := make_target(name).probe():
        if os.environ.get("PFNLAB_FORCE") == "1":
            pytest.fail(str(cause))
        pytest.skip(str(cause))
    return name


@pytest.fixture
def guests():
    """Where guests keep their files. Not pytest's folder: a guest runs as another user, who may not enter that."""
    with tempfile.TemporaryDirectory(prefix="pfn-test-") as name:
        Path(name).chmod(0o755)
        yield Path(name)


@pytest.fixture
def start(tmp_path, uml, guests):
    """Starts a run of the catalogue, waits until it has some results; gives the process and its results directory."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "TMPDIR": str(guests)}
    environment.pop("PFNLAB_RESULTS", None)
    command = [sys.executable, "-m", "hwtests", "run", "--quiet"]
    started: list[subprocess.Popen[bytes]] = []

    def start(*arguments: str) -> subprocess.Popen[bytes]:
        started.append(subprocess.Popen([*command, *arguments], cwd=tmp_path, env=environment))
        return started[-1]

    yield start
    for process in started:
        process.kill()
        process.wait()


def in_mid_run(folder: Path, process: subprocess.Popen[bytes]) -> tuple[Path, list[psutil.Process]]:
    """The results directory, and the processes of the run, once its guest has run some programs."""
    latest = folder / "results" / "latest"
    until = time.monotonic() + 60
    while time.monotonic() < until and process.poll() is None:
        if latest.exists() and any(one.trace for one in read_results(latest).results):
            return latest, psutil.Process(process.pid).children(recursive=True)
        time.sleep(0.02)
    raise AssertionError("the run did not get that far")


def gone(processes: list[psutil.Process]) -> bool:
    return not psutil.wait_procs(processes, timeout=10)[1]


def missing(path: Path) -> list[tuple[str, ...]]:
    done = read_results(path).latest()
    return [tuple(key) for key in read_run(path)["planned"] if tuple(key) not in done]


def test_a_killed_kernel_is_one_error_and_every_program_has_its_verdict(start, uml, tmp_path):
    run = start("--on", uml, "cow", "fork", "vma")
    path, processes = in_mid_run(tmp_path, run)
    next(one for one in processes if "mem=64M" in one.cmdline() and one.name() == "linux").kill()

    assert run.wait(120) == 2
    verdicts = Counter(result.verdict for result in read_results(path).latest().values())
    assert verdicts["error"] == 1
    assert missing(path) == []
    assert gone(processes)


def test_a_killed_pfnlab_leaves_nothing_behind_and_is_resumed(start, uml, tmp_path, guests):
    run = start("--on", uml, "cow", "fork", "vma")
    path, processes = in_mid_run(tmp_path, run)
    run.send_signal(signal.SIGKILL)
    run.wait()

    assert gone(processes)
    assert list(guests.iterdir()) == []
    assert missing(path) != []
    before = len(read_results(path).results)
    assert start("--resume", str(path)).wait(120) == 0
    assert missing(path) == []
    assert len(read_results(path).results) == len(read_results(path).latest()) > before


def test_a_run_that_is_told_to_end_leaves_nothing_behind(start, uml, tmp_path):
    run = start("--on", uml, "cow", "fork", "vma")
    path, processes = in_mid_run(tmp_path, run)
    run.send_signal(signal.SIGTERM)

    assert run.wait(60) == 130
    assert gone(processes)
    assert (path / "report.html").exists()
    assert read_run(path)["status"] == 130


def test_two_random_orders_give_the_same_verdicts(start, uml, tmp_path):
    seen = []
    for seed in ("1", "2"):
        assert start("--on", uml, "cow", "fork", "--seed", seed, "--results", f"{tmp_path}/{seed}").wait(120) == 0
        results = read_results(tmp_path / seed / "latest").latest()
        seen.append({key: result.verdict for key, result in results.items()})

    assert seen[0] == seen[1]
