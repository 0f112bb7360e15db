# SPDX-License-Identifier: GPL-2.0-or-later
"""A program that asks for a choice of the kernel's is run until it is granted, so often and no more."""

from __future__ import annotations

import msgspec
import pytest

from hwtests.asked import asks, grants, tries
from hwtests.language import ProgramError, compile_program, parse
from hwtests.plan import Selected
from hwtests.pytest_lab import Quiet
from hwtests.regions.traits import load_traits
from hwtests.results import ResultsDir
from hwtests.run import Request, Run
from hwtests.simulated import Prepared
from hwtests.tests.fakes import FakeTarget
from hwtests.trace import Trace
from hwtests.verdict import judge_trace
from simulator import load_profile

TEXT = """\
pfn 1
# The copy gets the frame that was given back.
hazard leaks
region dev pages=4 fill=0x5a
process p
p: m = mmap dev private rw
release dev[1]
p: store m[1] 0x41
ask dev[1] 0x41 tries=3
p: load m[1]
"""


def fake(at: int) -> FakeTarget:
    """A kernel that grants what is asked for at the try `at`."""
    seen = []

    def change(trace: Trace) -> Trace:
        seen.append(trace)
        value = "0x41" if len(seen) >= at else "0x5a"
        lines = [
            msgspec.structs.replace(line, obs={**line.obs, "value": value}) if line.text.startswith("ask") else line
            for line in trace.lines
        ]
        return Trace(trace.header, lines, trace.end)

    return FakeTarget(kinds=("uml-ram",), change=change)


def run_on(tmp_path, target, text=TEXT):
    path = tmp_path / "a.pfn"
    path.write_text(text)
    run = Run(Request([Selected.read("a", path)]), ResultsDir.create(tmp_path / "results", "lab"), Quiet(), {"run": 1})
    run.begin()
    run.on_target(target)
    return run, next(iter(run.results.values()))


def test_what_is_granted_at_once_is_run_once(tmp_path):
    target = fake(1)
    _, result = run_on(tmp_path, target)
    assert (result.verdict, result.tries, target.ran) == ("agree", 1, ["a"])


def test_each_further_try_has_a_fresh_kernel_and_the_result_says_how_many(tmp_path):
    target = fake(3)
    run, result = run_on(tmp_path, target)
    assert (result.verdict, result.tries) == ("agree", 3)
    assert target.ran == ["a", "-- fresh --", "a", "-- fresh --", "a"]
    assert '"try":3,"of":3' in (run.kept.path / result.trace).read_text()


def test_what_is_never_granted_is_a_skip_that_says_how_often_it_was_tried(tmp_path):
    target = fake(4)
    _, result = run_on(tmp_path, target)
    assert (result.verdict, result.tries, target.ran.count("a")) == ("skip", 3, 3)
    assert result.needs == "a choice that is the kernel's: ask dev[1] 0x41 tries=3"
    assert result.found == "not granted in 3 tries on 6.12.101"


def test_a_trace_in_which_it_was_not_granted_says_nothing():
    program = parse(TEXT, "a.pfn")
    target = fake(2)
    void = target.run(program, {"dev": "uml-ram"})
    assert judge_trace(void, program).judgement.verdict == "skip"
    assert judge_trace(target.run(program, {"dev": "uml-ram"}), program).judgement.verdict == "agree"


def test_the_choice_is_taken_from_the_trace():
    program = parse(TEXT, "a.pfn")
    compiled = compile_program(program, {"dev": 16})
    target = fake(2)
    assert grants(compiled, None) == {1: True}
    assert grants(compiled, target.run(program, {"dev": "uml-ram"}).lines) == {1: False}
    assert grants(compiled, target.run(program, {"dev": "uml-ram"}).lines) == {1: True}


def test_without_a_trace_the_simulator_lists_the_choice_that_is_asked_for():
    prepared = Prepared("a", parse(TEXT, "a.pfn"))
    trace = prepared.simulate(load_profile("uml-6.12"), {"dev": load_traits()["uml-ram"]})
    assert trace.lines[1].choice == {"next allocation": "dev[1]"}
    assert trace.lines[3].obs["value"] == "0x41"


def test_a_page_given_back_with_nothing_asked_for_leaves_the_model_silent():
    prepared = Prepared("a", parse(TEXT.replace("ask dev[1] 0x41 tries=3\n", ""), "a.pfn"))
    trace = prepared.simulate(load_profile("uml-6.12"), {"dev": load_traits()["uml-ram"]})
    assert "unknown" in trace.lines[-1].obs["ret"]


def test_a_program_that_asks_for_nothing_has_no_tries():
    assert tries(parse(TEXT.replace("ask dev[1] 0x41 tries=3\n", ""), "a.pfn")) == 0
    assert [one.tries for one in asks(compile_program(parse(TEXT.replace(" tries=3", ""), "a.pfn"), {"dev": 4}))] == [8]


@pytest.mark.parametrize(
    "store",
    ["poke dev[1] 1", "p: store s[1] 1", "p: read s[1] 1"],
)
def test_a_page_that_was_given_back_is_not_stored_to_but_through_a_private_mapping(tmp_path, store):
    text = TEXT.replace("p: load m[1]\n", f"{store}\n").replace("release", "p: s = mmap dev shared rw\nrelease")
    target = fake(1)
    _, result = run_on(tmp_path, target, text)
    assert (result.verdict, target.ran) == ("skip", [])
    assert result.needs == "to store to a page that the kernel has again"


def test_more_tries_than_a_hundred_are_refused():
    with pytest.raises(ProgramError, match="tries"):
        parse(TEXT.replace("tries=3", "tries=101"), "a.pfn")
