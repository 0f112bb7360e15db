# SPDX-License-Identifier: GPL-2.0-or-later
"""What does a trace come to when the simulator itself fails?"""

from __future__ import annotations

import pytest

from hwtests.judge import Verdict
from hwtests.language import compile_program, parse
from hwtests.regions.traits import load_traits
from hwtests.trace import End, Header, Kernel, Line, ProgramId, Trace
from hwtests.verdict import judge_trace

TEXT = "pfn 1\nregion dev pages=4\nprocess p\np: m = mmap dev private rw\np: load m[0]\n"


@pytest.fixture(autouse=True)
def failing_simulator(monkeypatch):
    def fail(*_: object, **__: object) -> Trace:
        raise IndexError("a defect")

    monkeypatch.setattr("hwtests.verdict.predict", fail)


def observed(calls: int, end: End) -> Trace:
    compiled = compile_program(parse(TEXT, "x.pfn"), {"dev": 4})
    header = Header(
        trace=1, program=ProgramId("x", compiled.program.hash, TEXT), target="uml:6.1",
        kernel=Kernel("6.1.176", "", "x86_64", "um"), page_size=4096, uid=0, caps="all", tool="t",
        regions={"dev": {**load_traits()["uml-iomem"].as_dict(), "pages": 4}},
    )  # fmt: skip
    lines = [
        Line(op=call.index, line=call.line, process="p", text=call.text, obs={"ret": "ok"})
        for call in compiled.calls[:calls]
    ]
    return Trace(header, lines, end)


def test_a_failing_simulator_is_an_error():
    judgement = judge_trace(observed(2, End(klog=[], taint=0))).judgement

    assert (judgement.verdict, judgement.why) == (Verdict.ERROR, "the simulator failed: IndexError: a defect")


def test_a_failing_simulator_does_not_hide_a_kernel_that_died():
    judgement = judge_trace(observed(1, End(klog=[], taint=0, how="crash", why="Kernel panic: no"))).judgement

    assert (judgement.verdict, judgement.why) == (Verdict.CRASH, "Kernel panic: no")
