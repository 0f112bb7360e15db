# SPDX-License-Identifier: GPL-2.0-or-later
"""A kernel's stable level is found where its distribution keeps it, and decides what is promised of it."""

from __future__ import annotations

import pytest

from hwtests.language import parse
from hwtests.language.promise import pick
from hwtests.needs import check
from hwtests.targets.level import level
from hwtests.trace import Kernel
from simulator import profile_for

DEBIAN = "#1 SMP PREEMPT_DYNAMIC Debian 6.1.192-2 (2026-11-16)"


@pytest.mark.parametrize(
    ("release", "version", "expected"),
    [
        ("6.1.0-56-cloud-amd64", DEBIAN, "6.1.192"),
        ("5.10.0-32-amd64", "#1 SMP Debian 5.10.223-1 (2024-08-10)", "5.10.223"),
        ("7.3-rc7-cloud-amd64", "#1 SMP PREEMPT_DYNAMIC Debian 7.3~rc7-1~exp1 (2026-11-01)", "7.3-rc7"),
        ("6.12.101", "#1 Fri Oct 3 12:00:00 UTC 2026", "6.12.101"),
        ("6.18.44-fc-v782", "#1 SMP PREEMPT_DYNAMIC @0", "6.18.44"),
        ("6.8.0-rc3+", "#7", "6.8.0-rc3+"),
        ("6.6.9-own", DEBIAN, "6.6.9"),
        ("unknown", DEBIAN, "unknown"),
    ],
)
def test_level_of_a_kernel(release, version, expected):
    assert level(release, version) == expected


def test_promises_and_needs_ask_the_level():
    text = "pfn 1\nneeds kernel>=6.1.100\nprocess p\np: rss # promise: RssAnon=1p before 6.1.150, 0 since 6.1.150 ; x\n"
    program = parse(text, "p.pfn")
    kernel = Kernel("6.1.0-56-cloud-amd64", DEBIAN, "x86_64", "x86_64", level("6.1.0-56-cloud-amd64", DEBIAN))

    assert check(program, {}, {}, kernel) is None
    picked = pick(program.lines[3].promises[0], kernel.at, kernel.arch)
    assert picked is not None
    assert picked.value == "0"


def test_skip_names_the_level_beside_the_release():
    program = parse("pfn 1\nneeds kernel>=6.1.193\nprocess p\np: rss\n", "p.pfn")

    skip = check(program, {}, {}, Kernel("6.1.0-56-cloud-amd64", DEBIAN, "x86_64", "x86_64", "6.1.192"))

    assert skip is not None
    assert skip.found == "kernel 6.1.0-56-cloud-amd64 (6.1.192)"


@pytest.mark.parametrize(("at", "assumed"), [("6.1.192", False), ("6.1.176", False), ("6.1.84", True), ("6.1.0", True)])
def test_level_below_what_was_seen_is_assumed(at, assumed):
    assert profile_for(at, "x86_64")[1] is assumed
