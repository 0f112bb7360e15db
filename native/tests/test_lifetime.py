# SPDX-License-Identifier: GPL-2.0-or-later
"""Whatever is killed: is the verdict right, and is no process left behind?"""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from pathlib import Path

import psutil
import pytest

from native.actor import Actor
from native.channel import AgentLost, RunResult
from native.tests.programs import Raw, compiled, fork, load, mapping, run, store
from native.wire import DoneFlag, RunFlag, Stage

WAIT4 = 61  # of x86-64
STUCK = (mapping(), fork(), ("wait", 0, -1, (1,)), load())  # q runs, so p waits for ever


def family(pid: int) -> list[psutil.Process]:
    agent = psutil.Process(pid)
    return [agent, *agent.children(recursive=True)]


def waits(pid: int) -> bool:
    """Whether it is in wait4(2), for any child or the one that it names."""
    try:
        return Path(f"/proc/{pid}/syscall").read_text().split()[0] == str(WAIT4)
    except (OSError, IndexError):
        return False


def ended(process: psutil.Process) -> bool:
    """Gone, or a zombie that only its new parent has to reap."""
    try:
        return not process.is_running() or process.status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


def assert_gone(processes: list[psutil.Process]) -> None:
    until = time.monotonic() + 5
    while not all(map(ended, processes)) and time.monotonic() < until:
        threading.Event().wait(0.005)

    assert [p for p in processes if not ended(p)] == []


class Running(threading.Thread):
    """A program that is stuck, run beside the test, and the processes it has once it is."""

    def __init__(
        self, actor: Actor, limit_ms: int = 30_000, *, calls: Sequence[Raw] = STUCK, flags: int = RunFlag.AT_ONCE
    ) -> None:
        super().__init__(daemon=True)
        self.actor, self.limit_ms, self.calls, self.flags = actor, limit_ms, calls, flags
        self.outcome: RunResult | AgentLost | None = None
        self.start()
        while not any(waits(process.pid) for process in family(actor.pid)):
            threading.Event().wait(0.005)
        self.family = family(actor.pid)

    def run(self) -> None:
        try:
            self.outcome = self.actor.run(compiled(*self.calls), self.limit_ms, flags=self.flags)
        except AgentLost as lost:
            self.outcome = lost


def test_close_leaves_no_process():
    with Actor() as actor:
        run(actor, mapping(), fork())
        before = family(actor.pid)

    assert_gone(before)


def test_program_leaves_no_process(actor):
    run(actor, mapping(), fork(), ("fork", 1, 2, ()), processes=("p", "q", "r"))

    assert len(family(actor.pid)) == 1


def test_stuck_program_ends_at_its_time_limit(actor):
    result = run(actor, *STUCK, limit_ms=150)
    stages = [(o.stage, o.ret) for o in result.observations[2:]]

    assert DoneFlag.TIME_LIMIT in result.flags
    assert stages == [(Stage.NOT_RUN, 1), (Stage.NOT_RUN, 0)]
    assert len(family(actor.pid)) == 1


def test_killed_actor_is_an_observation_and_the_agent_goes_on():
    with Actor() as actor:
        running = Running(actor)
        os.kill(running.family[1].pid, signal.SIGKILL)
        running.join(5)
        assert isinstance(running.outcome, RunResult)
        waited, after = running.outcome.observations[2:]

        assert (waited.stage, waited.signal) == (Stage.DIED, signal.SIGKILL)
        assert after.stage == Stage.NO_PROCESS
        assert_gone(running.family[1:])
        assert run(actor, mapping(), load()).observations[1].payload == b"\0"


def test_killed_actor_leaves_what_it_saw_in_the_run_of_its_own_calls():
    calls = (mapping(), fork(), store(0, 0x41), load(), ("wait", 0, -1, (1,)), load())
    with Actor() as actor:
        running = Running(actor, calls=calls, flags=0)
        os.kill(running.family[1].pid, signal.SIGKILL)
        running.join(5)
        assert isinstance(running.outcome, RunResult)
        _, _, stored, loaded, waited, after = running.outcome.observations

        assert (stored.stage, loaded.payload) == (Stage.CALL, b"\x41")
        assert [waited.stage, after.stage] == [Stage.DIED, Stage.NO_PROCESS]


def test_time_limit_leaves_what_was_seen_in_the_run_of_its_own_calls(actor):
    calls = (mapping(), fork(), store(0, 0x41), load(), ("wait", 0, -1, (1,)), load())
    result = run(actor, *calls, limit_ms=300)

    assert result.observations[3].payload == b"\x41"
    assert [(o.stage, o.ret) for o in result.observations[4:]] == [(Stage.NOT_RUN, 1), (Stage.NOT_RUN, 0)]


def test_killed_agent_is_lost_with_what_it_had_said():
    with Actor() as actor:
        running = Running(actor)
        os.kill(actor.pid, signal.SIGKILL)
        running.join(5)

        assert isinstance(running.outcome, AgentLost)
        assert [o.call for o in running.outcome.observations] == [0, 1]
    assert_gone(running.family)


CONTROLLER = """
import threading
from native.actor import Actor
from native.tests.test_lifetime import Running
actor = Actor()
running = Running(actor)
print(*[p.pid for p in running.family], flush=True)
threading.Event().wait()
"""


@pytest.mark.slow
def test_killed_controller_takes_everything_with_it():
    with subprocess.Popen([sys.executable, "-c", CONTROLLER], stdout=subprocess.PIPE, text=True) as controller:
        assert controller.stdout
        processes = [psutil.Process(int(pid)) for pid in controller.stdout.readline().split()]
        controller.kill()

    assert len(processes) >= 3
    assert_gone(processes)
