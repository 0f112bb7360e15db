# SPDX-License-Identifier: GPL-2.0-or-later
"""Under pytest a program is a test: it passes, fails with its differences, or is skipped with its cure."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from hwtests import inventory, on_sim, pytest_lab, report
from hwtests.targets.base import Unusable
from hwtests.tests.fakes import FakeTarget, changed

ROOT = Path(__file__).parents[2]
# pytester forgets what was imported while it ran a session: what is imported here is imported once.
ONCE = (inventory, on_sim, pytest_lab, report)
# Plugins of others that take a second to say nothing, or leave files.
OTHERS = [f"-pno:{name}" for name in ("hypothesispytest", "benchmark", "cacheprovider")]
PROGRAM = """\
pfn 1
# A shared read sees the region.
needs dev.shared
region dev pages=4 fill=0x5a
process p
p: m = mmap dev shared r
p: load m[1]   # promise: 0x5a ; mm/memory.c remap_pfn_range()
"""


@pytest.fixture
def target(monkeypatch):
    """The fake that `--pfn-target` makes, whatever it names."""
    made = FakeTarget()
    monkeypatch.setattr("hwtests.cli.choose.make_target", lambda name, **_: made)
    return made


@pytest.fixture
def run(pytester, monkeypatch):
    monkeypatch.delenv("PFNLAB_TARGET", raising=False)
    monkeypatch.delenv("PFNLAB_FORCE", raising=False)
    monkeypatch.delenv("PFNLAB_RESULTS", raising=False)
    pytester.makefile(".pfn", reads=PROGRAM)

    def run(*arguments):
        return pytester.runpytest_inprocess(*OTHERS, "-p", "hwtests.pytest_plugin", *arguments)

    return run


def test_a_program_is_a_test_on_sim(run):
    result = run("-v")

    result.assert_outcomes(passed=1)
    result.stdout.fnmatch_lines(["reads.pfn::reads PASSED*"])


def test_a_program_runs_on_the_target_asked_for(run, target):
    run("--pfn-target", "uml:6.12").assert_outcomes(passed=1)

    assert target.ran == ["reads"]
    assert target.closed == 1


def test_a_mismatch_fails_with_its_difference(run, target):
    target.change = changed(value="0x41")

    result = run("--pfn-target", "uml:6.12")

    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(
        [
            "mismatch on uml:6.12 uml-mmapper 6.12.101",
            "*reads.pfn:7: load m*1*",
            "*value: unexpected 0x41; allowed are only {0x5a}",
        ]
    )


def test_a_broken_promise_fails_on_sim_too(run, pytester):
    pytester.makefile(".pfn", reads=PROGRAM.replace("promise: 0x5a", "promise: 0x41"))

    result = run()

    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*promise broken: value: unexpected 0x5a; allowed are only {0x41}*"])


def test_a_skip_says_what_is_needed_what_was_found_and_the_cure(run, target, pytester):
    pytester.makefile(".pfn", reads=PROGRAM.replace("needs dev.shared", "needs dev.shared kernel>=99"))

    result = run("--pfn-target", "uml:6.12", "-rs")

    result.assert_outcomes(skipped=1)
    result.stdout.fnmatch_lines(["*needs kernel>=99; found kernel 6.12.101; cure: use a kernel >= 99*"])


def test_with_a_target_a_session_in_which_all_is_skipped_exits_4(run, target):
    target.missing = Unusable("a kernel", "none", "fetch one")

    assert run("--pfn-target", "uml:6.12").ret == 4


def test_with_a_target_a_session_without_programs_exits_4(run, target, pytester):
    (pytester.path / "reads.pfn").unlink()
    pytester.makepyfile(test_other="def test_other(): pass")

    assert run("--pfn-target", "uml:6.12").ret == 4


def test_allow_empty_lets_such_a_session_pass(run, target):
    target.missing = Unusable("a kernel", "none", "fetch one")

    assert run("--pfn-target", "uml:6.12", "--pfn-allow-empty").ret == 0


def test_without_a_target_a_session_in_which_all_is_skipped_exits_0(run, pytester):
    pytester.makefile(".pfn", reads=PROGRAM.replace("needs dev.shared", "needs dev.shared kernel>=99"))

    assert run().ret == 0


def test_a_failure_keeps_its_own_exit_status(run, target):
    target.change = changed(value="0x41")

    assert run("--pfn-target", "uml:6.12").ret == 1


def test_force_makes_a_target_that_cannot_be_used_a_failure(run, target, monkeypatch):
    monkeypatch.setenv("PFNLAB_FORCE", "1")
    target.missing = Unusable("a kernel", "none", "fetch one")

    run("--pfn-target", "uml:6.12").assert_outcomes(failed=1)


def test_one_item_for_every_region_asked_for(run, target):
    target.kinds = ("uml-mmapper", "uml-iomem")

    result = run("--pfn-target", "uml:6.12", "--pfn-region", "uml-mmapper", "--pfn-region", "uml-iomem", "-v")

    result.assert_outcomes(passed=2)
    result.stdout.fnmatch_lines(["*reads[[]uml-mmapper[]] PASSED*", "*reads[[]uml-iomem[]] PASSED*"])


def test_results_are_kept_where_asked(run, target, pytester):
    run("--pfn-target", "uml:6.12", "--pfn-results", "kept").assert_outcomes(passed=1)

    names = {path.name for path in (pytester.path / "kept" / "latest").iterdir()}
    assert {"run.json", "results.jsonl", "junit.xml", "report.html", "traces"} <= names


def test_without_results_asked_for_none_are_left(run, target, pytester):
    run("--pfn-target", "uml:6.12")

    assert {path.name for path in pytester.path.iterdir()} == {"reads.pfn"}


def test_an_unknown_target_is_a_usage_error_in_one_line(run):
    result = run("--pfn-target", "vax")

    assert result.ret == 4
    result.stderr.fnmatch_lines(["ERROR: unknown target 'vax', expected one of *"])


def test_a_program_that_cannot_be_parsed_is_said_with_its_place(run, pytester):
    pytester.makefile(".pfn", reads="pfn 1\nfrobnicate\n")

    result = run()

    result.stdout.fnmatch_lines(["*reads.pfn:2:1: *"])
    assert result.ret == 2


def test_markers_are_registered(run, pytester):
    pytester.makepyfile(
        test_it="import pytest\n@pytest.mark.real\n@pytest.mark.slow\n@pytest.mark.pfn\ndef test_it(): pass"
    )

    run("--strict-markers").assert_outcomes(passed=2)


def test_programs_can_be_chosen_by_their_marker(run, pytester):
    pytester.makepyfile(test_it="def test_it(): pass")

    run("-m", "pfn").assert_outcomes(passed=1, deselected=1)


@pytest.mark.slow
def test_loading_the_plugin_imports_nothing_heavy():
    heavy = "('numpy', 'jinja2', 'rich', 'psutil', 'msgspec')"
    code = f"import sys, hwtests.pytest_plugin; print(*[m for m in {heavy} if m in sys.modules])"

    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)

    assert done.stdout.strip() == ""
