# SPDX-License-Identifier: GPL-2.0-or-later
"""The table of rules by kernels says of each rule on which kernels it was seen to hold, and nothing more."""

from __future__ import annotations

from hwtests.report.model import TargetView
from hwtests.report.rules import kernels_of, rule_table, table_text
from hwtests.results import Difference, Result
from hwtests.results.record import Verdict


def result(
    program: str, target: str, verdict: Verdict = "agree", rules: tuple[str, ...] = (), wrong: str = ""
) -> Result:
    differences = [
        Difference(kind="observation", line=1, op=0, text="", field="ret", observed="x", allowed=["y"], rules=[wrong])
    ]
    return Result(
        program=program, hash="0", target=target, kernel="6", region="dev", verdict=verdict, seconds=0,
        rules=list(rules), differences=differences if wrong else [],
    )  # fmt: skip


def view(name: str, *results: Result) -> TargetView:
    return TargetView(name, {}, results)


def test_a_rule_that_every_program_kept_is_held_on_that_kernel_only():
    old, new = view("uml:5.10", result("a", "uml:5.10", rules=("cow.x", "fork.y"))), view("uml:6.12")

    assert [(row.rule, row.signs) for row in rule_table([old, new])] == [("cow.x", "✓·"), ("fork.y", "✓·")]


def test_a_broken_rule_is_not_made_good_by_programs_that_kept_it():
    kernel = view(
        "uml:6.1",
        result("a", "uml:6.1", rules=("cow.x",)),
        result("b", "uml:6.1", "mismatch", rules=("cow.x",), wrong="cow.x"),
    )

    (row,) = rule_table([kernel])

    assert row.bad
    assert row.signs == "✗"


def test_a_mismatch_says_nothing_of_the_rules_that_it_does_not_name():
    kernel = view("uml:6.1", result("b", "uml:6.1", "mismatch", rules=("cow.x", "fork.y"), wrong="cow.x"))

    assert [row.rule for row in rule_table([kernel])] == ["cow.x"]


def test_a_program_under_which_the_kernel_died_marks_its_rules():
    kernel = view("uml:6.1", result("b", "uml:6.1", "crash", rules=("cow.x",)))

    assert rule_table([kernel])[0].signs == "!"


def test_the_simulator_is_no_kernel():
    assert kernels_of([view("sim", result("a", "sim", rules=("cow.x",)))]) == []


def test_one_kernel_makes_no_table_for_the_terminal():
    assert table_text([view("uml:6.1", result("a", "uml:6.1", rules=("cow.x",)))], 80) == []


def test_rules_with_the_same_signs_share_a_line_and_the_broken_come_first():
    rules = ("cow.x", "cow.y", "fork.z")
    good = view("uml:6.1", result("a", "uml:6.1", rules=rules))
    bad = view(
        "uml:6.12",
        result("a", "uml:6.12", rules=rules[:2]),
        result("b", "uml:6.12", "mismatch", rules=("fork.z",), wrong="fork.z"),
    )

    lines = table_text([good, bad], 80)

    assert lines[1:5] == ["  a uml:6.1  b uml:6.12", "  ab", "! ✓✗  fork: z", "  ✓✓  cow: x, y"]


def test_the_table_keeps_to_the_width_of_the_terminal():
    rules = tuple(f"family.rule-with-a-long-name-{number}" for number in range(40))
    targets = [view(name, result("a", name, rules=rules)) for name in (f"qemu:6.{n}-amd64" for n in range(9))]

    assert max(len(line) for line in table_text(targets, 80)) <= 80
