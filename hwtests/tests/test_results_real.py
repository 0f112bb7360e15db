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

from hwtests.results import Result, read_results
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
    # A shell's background job ignores SIGINT, and so would the runs; what has a handler here has the default there.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)

    def start(*arguments: str) -> subprocess.Popen[bytes]:
        started.append(subprocess.Popen([*command, *arguments], cwd=tmp_path, env=environment))
        return started[-1]

    yield start
    signal.signal(signal.SIGINT, before)
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


def descendants(process: subprocess.Popen[bytes], count: int) -> list[psutil.Process]:
    """The first `count` of them, as soon as there are so many, the oldest first."""
    until = time.monotonic() + 30
    while time.monotonic() < until:
        found = psutil.Process(process.pid).children(recursive=True)
        if len(found) == count:
            return sorted(found, key=lambda one: (one.create_time(), one.pid))
        time.sleep(0.02)
    raise AssertionError("the run did not get that far")


def finished(process: subprocess.Popen[bytes], path: Path, status: int) -> list[Result]:
    """Its results, one for each that was planned, when it has ended with `status`."""
    assert process.wait(120) == status
    assert missing(path) == []
    return list(read_results(path).latest().values())


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


def supervisors(processes: list[psutil.Process]) -> list[psutil.Process]:
    return [one for one in processes if any(word.endswith("supervisor.py") for word in one.cmdline())]


def test_pfnlab_and_all_its_supervisors_killed_leave_no_process(start, uml, tmp_path):
    run = start("--on", uml, "cow", "fork", "vma")
    path, processes = in_mid_run(tmp_path, run)
    both = supervisors(processes)
    for one in both:
        one.suspend()  # so that they cannot act
    run.send_signal(signal.SIGKILL)
    for one in both:
        one.kill()

    assert len(both) == 2
    assert gone(processes)
    assert missing(path) != []


def test_killed_supervisors_cost_one_error_and_no_time(start, uml, tmp_path):
    run = start("--on", uml, "cow", "fork", "vma")
    path, processes = in_mid_run(tmp_path, run)
    for one in supervisors(processes):
        one.kill()
    results = finished(run, path, 2)

    assert Counter(result.verdict for result in results)["error"] == 1
    assert max(result.seconds for result in results) < 5
    assert gone(processes)


def test_a_killed_actor_is_not_a_pass(start, tmp_path):
    # The child waits for calls that never come, its parent for it.
    program = tmp_path / "wait.pfn"
    program.write_text("pfn 1\nregion dev\nprocess p\np: q = fork\np: wait q\n")
    run = start("--on", "host", "--region", "vvar", str(program))
    actors = descendants(run, 3)  # the agent, p, q
    actors[-1].kill()
    [result] = finished(run, tmp_path / "results" / "latest", 1)

    assert result.verdict == "unpredicted"  # it was seen to end, and nothing predicts that
    assert gone(actors)


def test_a_killed_agent_is_an_error(start, tmp_path):
    program = tmp_path / "wait.pfn"
    program.write_text("pfn 1\nregion dev\nprocess p\np: q = fork\np: wait q\n")
    run = start("--on", "host", "--region", "vvar", str(program))
    actors = descendants(run, 3)
    actors[0].kill()
    [result] = finished(run, tmp_path / "results" / "latest", 2)

    assert (result.verdict, result.why) == ("error", "the agent went away: the stream of the agent ended")
    assert gone(actors)


def test_a_panic_of_the_guest_is_a_crash_and_the_next_program_has_its_verdict(start, tmp_path):
    """A private write to a page that no memory is behind makes UML 6.1 panic: wp_page_copy() reads the source."""
    if cause := make_target("uml:6.1").probe():
        pytest.skip(str(cause))
    panic = tmp_path / "a-panic.pfn"
    panic.write_text(
        "pfn 1\nhazard may-oops\nregion dev pages=4\nprocess p\n"
        "p: m = mmap dev private rw offset=900000\np: store m[1] 0x41\n"
    )
    run = start("--on", "uml:6.1", "--region", "uml-iomem", str(panic), "cow/private-write-copies")
    path = tmp_path / "results" / "latest"
    results = {result.program: result for result in finished(run, path, 1)}

    assert results["private-write-copies"].verdict == "agree"
    assert results["a-panic"].verdict == "crash"
    assert "Kernel panic" in results["a-panic"].why
    assert "Kernel panic" in (path / results["a-panic"].console).read_text()


def test_a_run_that_is_told_to_end_leaves_nothing_behind(start, uml, tmp_path):
    run = start("--on", uml, "cow", "fork", "vma")
    path, processes = in_mid_run(tmp_path, run)
    run.send_signal(signal.SIGTERM)

    assert run.wait(60) == 130
    assert gone(processes)
    assert (path / "report.html").exists()
    assert read_run(path)["status"] == 130


def test_the_catalogue_in_two_random_orders_gives_the_same_verdicts(start, uml, tmp_path):
    name = next((name for name in ("uml:6.12", uml) if not make_target(name).probe()), uml)
    seen = []
    for seed in ("1", "2"):
        assert start("--on", name, "--seed", seed, "--results", f"{tmp_path}/{seed}").wait(120) == 0
        results = read_results(tmp_path / seed / "latest").latest()
        seen.append({key: result.verdict for key, result in results.items()})

    assert seen[0] == seen[1]
