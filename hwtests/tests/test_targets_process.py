# SPDX-License-Identifier: GPL-2.0-or-later
"""Does a guest end with pfnlab, however pfnlab ends?  Here the guest is a shell with children."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from hwtests.targets.supervised import Supervised

GUEST = ["/bin/sh", "-c", "sleep 77 & sleep 77 & echo up; wait"]
CONTROLLER = """
import sys, time
from pathlib import Path
from hwtests.targets.supervised import Supervised
s = Supervised({guest!r}, Path({folder!r}), ids=({uid}, {gid}), cwd=Path("/"), environment={{"PATH": "/bin:/usr/bin"}})
while "up" not in s.console():
    time.sleep(0.01)
print(*[p.pid for p in s.processes()], flush=True)
time.sleep(77)
"""


def soon(condition: Callable[[], bool], seconds: float = 5.0) -> bool:
    until = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > until:
            return False
        time.sleep(0.005)
    return True


def alive(process: psutil.Process) -> bool:
    """Whether it runs; an orphan that its new parent has not waited for yet does not."""
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


@pytest.fixture
def run_folder(tmp_path: Path) -> Path:
    folder = tmp_path / "run"
    folder.mkdir()
    return folder


@pytest.fixture
def guest(run_folder: Path) -> Iterator[Supervised]:
    started = Supervised(
        GUEST, run_folder, ids=(os.geteuid(), os.getegid()), cwd=Path("/"), environment={"PATH": "/bin:/usr/bin"}
    )
    assert soon(lambda: "up" in started.console())
    yield started
    started.end()


def test_ending_leaves_no_process_and_no_file(guest, run_folder):
    processes = guest.processes()
    guest.end()

    assert len(processes) == 5  # supervisor, deputy, shell, two sleeps
    assert not any(map(alive, processes))
    assert not run_folder.exists()


def test_a_guest_that_ends_by_itself_takes_its_orphans_with_it(guest):
    processes = guest.processes()
    processes[2].kill()

    assert guest.ended(5)
    assert soon(lambda: not any(map(alive, processes[2:])))


def test_a_guest_that_lives_has_not_ended(guest):
    assert not guest.ended(0.01)


def test_a_killed_supervisor_is_replaced_by_its_deputy(guest, run_folder):
    processes = guest.processes()
    processes[0].kill()

    assert not guest.ended(0.01)
    assert all(map(alive, processes[1:]))
    guest.end()
    assert not any(map(alive, processes))
    assert not run_folder.exists()


def test_a_killed_deputy_is_told_at_once_and_takes_the_guest_with_it(guest, run_folder):
    processes = guest.processes()
    processes[1].kill()

    assert guest.ended(5)
    assert soon(lambda: not any(map(alive, processes[1:])))
    guest.end()
    assert not run_folder.exists()


def test_both_supervisors_killed_are_told_at_once_and_leave_nothing_behind(guest, run_folder):
    processes = guest.processes()
    for process in processes[:2]:
        process.kill()

    assert guest.ended(5)
    assert soon(lambda: not alive(processes[2]))
    guest.end()
    assert soon(lambda: not any(map(alive, processes)))
    assert not run_folder.exists()


@pytest.mark.slow
@pytest.mark.parametrize("also", [[], [0], [1], [2], [0, 2], [1, 2]], ids=lambda also: "+".join(map(str, also)))
def test_a_killed_pfnlab_leaves_nothing_behind_whoever_else_is_killed(run_folder, also):
    """`also`: of the supervisor, its deputy and the guest's first process."""
    script = CONTROLLER.format(guest=GUEST, folder=str(run_folder), uid=os.geteuid(), gid=os.getegid())
    with subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True) as controller:
        assert controller.stdout is not None
        processes = [psutil.Process(int(pid)) for pid in controller.stdout.readline().split()]
        for number in also:
            processes[number].send_signal(signal.SIGSTOP)  # so that it cannot act before it is killed
        controller.send_signal(signal.SIGKILL)
        for number in also:
            with contextlib.suppress(psutil.NoSuchProcess):  # another of them was quicker
                processes[number].kill()

    assert len(processes) == 5
    assert soon(lambda: not any(map(alive, processes)))
    assert soon(lambda: not run_folder.exists())


def test_a_terminals_interrupt_does_not_reach_the_guest(guest):
    groups = {os.getpgid(process.pid) for process in guest.processes()}

    assert os.getpgid(0) not in groups


@pytest.mark.skipif(os.geteuid() != 0, reason="only root has rights to give up")
def test_root_gives_its_rights_up_for_the_guest(run_folder):
    command = ["/bin/sh", "-c", "id -u; id -G; echo up"]
    started = Supervised(command, run_folder, ids=(65534, 65534), cwd=Path("/"), environment={"PATH": "/bin:/usr/bin"})
    try:
        assert soon(lambda: "up" in started.console())
        assert started.console().split() == ["65534", "65534", "up"]
    finally:
        started.end()


def test_a_command_that_cannot_be_started_says_so_on_its_console(run_folder):
    started = Supervised(["./missing"], run_folder, ids=(os.geteuid(), os.getegid()), cwd=Path("/"), environment={})
    try:
        assert started.ended(5)
        assert started.console() == "pfnlab: cannot start ./missing: No such file or directory\n"
    finally:
        started.end()
