# SPDX-License-Identifier: GPL-2.0-or-later
"""Does a program's result carry what the kernel logged while it ran, and only that?"""

import os

import pytest

from native.tests.programs import compiled, mapping, run
from native.wire import DoneFlag, Kind, RegionFlag

KMSG = "/dev/kmsg"

pytestmark = pytest.mark.skipif(
    not os.access(KMSG, os.R_OK | os.W_OK), reason="needs a readable /dev/kmsg; found none; cure: run as root"
)


def log(text: str) -> None:
    with open(KMSG, "w") as kmsg:
        kmsg.write(text + "\n")  # without it the record stays open for a continuation, and unread


def test_lines_of_before_and_after_are_not_the_programs(actor, tmp_path):
    (tmp_path / "region").write_bytes(bytes(4096))
    actor.region(0, Kind.FILE, str(tmp_path / "region"), flags=RegionFlag.VIEW_OUTSIDE, pages=1)

    def outside(request):
        log("<4>pfnlab test: during")
        return b"\0"

    log("<4>pfnlab test: before")
    result = actor.run(compiled(("peek", -1, -1, (0, 0, 1))), outside=outside)
    log("<4>pfnlab test: after")
    assert result.klog is not None
    mine = [line for line in result.klog if "pfnlab test" in line]

    assert mine == ["<4>pfnlab test: during"]


def test_quiet_program_has_a_log_all_the_same(actor):
    result = run(actor, mapping())

    assert DoneFlag.NO_KLOG not in result.flags
    assert result.taint[0] == result.taint[1]
