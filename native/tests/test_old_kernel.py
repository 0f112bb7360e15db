# SPDX-License-Identifier: GPL-2.0-or-later
"""Does the agent work where no system call newer than Linux 2.6.14 exists?"""

import errno
import os
import sys
from pathlib import Path

import pytest

from native.actor import Actor
from native.tests.programs import PAGE, counters, fork, load, mapping, rss, run, store
from native.wire import Stage

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        os.uname().machine != "x86_64", reason="needs x86-64; found another; cure: the filter is for x86-64"
    ),
]


@pytest.fixture(scope="module")
def old():
    launcher = (sys.executable, str(Path(__file__).with_name("seccomp_2_6_14.py")))
    with Actor(launcher=launcher) as actor:
        yield actor


def test_program_of_every_old_call_runs(old):
    result = run(
        old, rss(), mapping(4), store(0, 0x41), load(-1), fork(), store(0, 0x42, process=1), load(0), rss(), rss(1),
        ("smaps", 0, -1, (0,)), ("pagemap", 0, -1, (0, 0, -1)), ("peekdata", 0, -1, (1, 0, 0)),
        ("mem_read", 0, -1, (1, 0, 0, 1)),
        ("write", 0, -1, (0, 0, 1)), ("read", 0, -1, (0, 0, 1, 0, 7)), ("mremap", 0, -1, (0, 0, -1, PAGE, 0, -1, 0)),
        ("mlock", 0, -1, (0, 0, -1, 0)), ("mincore", 0, -1, (0, 0, -1)), ("exit", 1, -1, (0,)), ("wait", 0, -1, (1,)),
    )  # fmt: skip
    stages = [o.stage for o in result.observations]

    assert stages == [Stage.CALL] * 3 + [Stage.FAULT] + [Stage.CALL] * 16
    assert result.observations[6].payload == b"\x41"
    assert counters(result.observations[7]) == counters(result.observations[8]) == (1, 0, 4, 0)


@pytest.mark.parametrize(
    "call",
    [
        ("vm_readv", 0, -1, (1, 0, 0, 8)),
        ("vm_writev", 0, -1, (1, 0, 0, 8, 0, 1)),
        ("mlock", 0, -1, (0, 0, -1, 1)),
        ("process_madvise", 0, -1, (1, 0, 0, -1, 4)),
        ("mseal", 0, -1, (0, 0, -1)),
        ("move_pages", 0, -1, (0, 0, -1, -1)),
    ],
)
def test_newer_call_says_that_it_is_not_there(old, call):
    obs = run(old, mapping(1), fork(), call).observations[2]

    assert (obs.stage, obs.ret) == (Stage.CALL, -errno.ENOSYS)


@pytest.mark.parametrize("call", [("uffd_register", 0, -1, (0, 0, -1, 1)), ("exec", 0, -1, ())])
def test_what_must_come_first_is_not_there_either(old, call):
    obs = run(old, mapping(1), call).observations[1]

    assert (obs.stage, obs.ret) == (Stage.OPEN, -errno.ENOSYS)
