# SPDX-License-Identifier: GPL-2.0-or-later
"""What does a trace come to when the simulator itself fails, or its header cannot be meant?"""

from __future__ import annotations

import pytest

from hwtests.judge import Verdict
from hwtests.language import compile_program, parse
from hwtests.regions.traits import load_traits
from hwtests.trace import End, Header, Kernel, Line, ProgramId, Trace, TraceError
from hwtests.verdict import judge_trace

TEXT = "pfn 1\nregion dev pages=4\nprocess p\np: m = mmap dev private rw\np: load m[0]\n"


@pytest.fixture
def failing_simulator(monkeypatch):
    def fail(*_: object, **__: object) -> Trace:
        raise IndexError("a defect")

    monkeypatch.setattr("hwtests.verdict.predict", fail)


def observed(calls: int, end: End, *, page_size: int = 4096, **traits: object) -> Trace:
    compiled = compile_program(parse(TEXT, "x.pfn"), {"dev": 4})
    header = Header(
        trace=1, program=ProgramId("x", compiled.program.hash, TEXT), target="uml:6.1",
        kernel=Kernel("6.1.176", "", "x86_64", "um"), page_size=page_size, uid=0, caps="all", tool="t",
        regions={"dev": {**load_traits()["uml-iomem"].as_dict(), "pages": 4, **traits}},
    )  # fmt: skip
    lines = [
        Line(op=call.index, line=call.line, process="p", text=call.text, obs={"ret": "ok"})
        for call in compiled.calls[:calls]
    ]
    return Trace(header, lines, end)


@pytest.mark.usefixtures("failing_simulator")
def test_a_failing_simulator_is_an_error():
    judgement = judge_trace(observed(2, End(klog=[], taint=0))).judgement

    assert (judgement.verdict, judgement.why) == (Verdict.ERROR, "the simulator failed: IndexError: a defect")


@pytest.mark.usefixtures("failing_simulator")
def test_a_failing_simulator_does_not_hide_a_kernel_that_died():
    judgement = judge_trace(observed(1, End(klog=[], taint=0, how="crash", why="Kernel panic: no"))).judgement

    assert (judgement.verdict, judgement.why) == (Verdict.CRASH, "Kernel panic: no")


@pytest.mark.parametrize(
    "traits",
    [{"pages": "x"}, {"pages": 0}, {"flags_add": "io"}, {"mapcount": "1"}, {"sharing": "some"}, {"may_split": 3}],
)
def test_traits_that_no_region_can_have_are_said_to_be_so(traits):
    with pytest.raises(TraceError, match="region dev: expected"):
        judge_trace(observed(2, End(klog=[], taint=0), **traits))


def test_a_header_without_the_programs_region_is_said_to_be_so():
    trace = observed(2, End(klog=[], taint=0))
    trace.header.regions.clear()

    with pytest.raises(TraceError, match="expected the header to hold region dev"):
        judge_trace(trace)


def test_a_kernel_of_another_page_size_is_said_to_be_beyond_the_simulator():
    judgement = judge_trace(observed(2, End(klog=[], taint=0), page_size=16384)).judgement

    assert judgement.verdict == Verdict.ERROR
    assert judgement.why == "the simulator has pages of 4096 bytes only, the kernel's have 16384"
