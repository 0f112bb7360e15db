# SPDX-License-Identifier: GPL-2.0-or-later
"""What counts as a kernel's complaint on its console, and what does not."""

from __future__ import annotations

import pytest

from hwtests.targets.console import agent_died, complaints, crash_lines

WARNING = "[   12.345678] WARNING: CPU: 0 PID: 85 at arch/x86/mm/ioremap.c:216 __ioremap_caller+0x2e9/0x360"
BAD_PAGE = "[    3.1] BUG: Bad page state in process init  pfn:03f2a"


@pytest.mark.parametrize(
    "line",
    [
        WARNING,
        BAD_PAGE,
        "BUG: Bad rss-counter state mm:0000000012345678 type:MM_ANONPAGES val:1",
        "[    1.0] list_del corruption. prev->next should be ffff, but was 0",
        "[   40.0] watchdog: BUG: soft lockup - CPU#0 stuck for 22s! [init:1]",
        "Kernel panic - not syncing: Fatal exception",
    ],
)
def test_a_kernels_complaint_is_one(line):
    assert complaints(f"booting\n{line}\n") == [line.strip()]


@pytest.mark.parametrize(
    "line",
    [
        "[    0.9] pfnlab: loading out-of-tree module taints kernel.",
        "[    0.9] pfnlab: module verification failed: signature and/or required key missing - tainting kernel",
        "[    2.0] init (87): attempted to duplicate a private mapping with mremap.  This is not supported.",
        "[    2.0] x86/PAT: init:85 freeing invalid memtype [mem 0x0a000000-0x0a000fff]",
        "reboot: Power down",
    ],
)
def test_what_kernels_say_on_a_good_day_is_none(line):
    assert complaints(line) == []


def test_what_a_programs_log_held_is_judged_with_the_program():
    text = WARNING.partition("] ")[2]

    assert complaints(f"{WARNING}\n", [f"<4>{text}"]) == []


def test_the_same_complaint_once_more_is_another():
    text = WARNING.partition("] ")[2]

    assert complaints(f"{WARNING}\n{WARNING}\n", [f"<4>{text}"]) == [WARNING]


def test_an_agent_that_died_is_told_from_a_kernel_that_did():
    panic = "[    5.0] Kernel panic - not syncing: Attempted to kill init! exitcode=0x00000009"
    oops = "[    5.0] BUG: kernel NULL pointer dereference, address: 0000000000000000"

    assert agent_died(f"{panic}\n[    5.1] ---[ end {panic[11:]} ]---")
    assert not agent_died(f"{oops}\n{panic}")
    assert not agent_died("[    5.0] Kernel panic - not syncing: Fatal exception")
    assert not agent_died("booting")


def test_a_crash_comes_with_the_lines_around_it():
    lines = [f"line {number}" for number in range(20)]
    console = "\n".join([*lines, BAD_PAGE, "Call Trace:"])

    assert crash_lines(console) == [*lines[-5:], BAD_PAGE, "Call Trace:"]
