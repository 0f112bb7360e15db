# SPDX-License-Identifier: GPL-2.0-or-later
"""Every rule is exercised by a program, every program exercises the rules that it names, and real kernels keep them."""

from __future__ import annotations

import json

import pytest

from hwtests.cli.main import main
from hwtests.golden.records import PROFILES
from hwtests.language import parse_file
from hwtests.language.settings import program_rules
from hwtests.listing_rules import naming
from hwtests.on_sim import Shown, circumstances
from hwtests.recorded import ROOT, read_recording, read_recordings
from hwtests.recorded_seen import GOLDEN, NAME, On, dump, read_seen, rules_of, seen_in, update
from hwtests.rules_coverage import Exercised, coverage_rows, exercised, profile_of, reached, totals
from hwtests.selection import catalogue
from hwtests.simulated import Prepared
from simulator import load_profile
from simulator.catalogue import rules

PROGRAMS = catalogue()
SEEN = read_seen()


def test_every_rule_is_named_by_a_program_or_says_why_not():
    named = naming(PROGRAMS)

    assert [rule.id for rule in rules().values() if not named.get(rule.id) and not rule.unseen] == []


@pytest.mark.slow
@pytest.mark.parametrize("name", PROGRAMS)
def test_a_program_exercises_the_rules_that_it_names(name):
    program = parse_file(PROGRAMS[name])
    missing = set(program_rules(program))
    prepared = Prepared(name, program)
    for profile, bound in circumstances(prepared, Shown(), ()):
        missing -= rules_of(prepared.simulate(profile, bound))
        if not missing:
            break

    assert missing == set()


def test_what_was_seen_is_of_rules_and_targets_that_there_are():
    targets = {path.parent.name for path in ROOT.glob("*/*.jsonl.gz")}
    golden = {f"{GOLDEN}{kernel}" for kernel in PROFILES}
    found = {target for on in SEEN.values() for target in on}

    assert set(SEEN) <= set(rules())
    assert {target.replace(":", "-") for target in found - golden} == targets
    assert golden <= found
    assert (ROOT / NAME).read_text() == dump(SEEN)


@pytest.mark.slow
def test_what_was_seen_on_a_kernel_is_what_its_traces_show():
    target = "uml:6.12"
    recordings = [one for one in read_recordings() if one.provenance.target == target]
    found = seen_in(recordings, PROGRAMS)

    assert {rule for rule, on in SEEN.items() if target in on} == set(found)


def test_a_trace_of_another_text_shows_nothing(tmp_path):
    path = next(ROOT.glob("host/*.jsonl.gz"))
    recording = read_recording(path)
    name = next(name for name in recording.traces if name in PROGRAMS)
    other = tmp_path / f"{name}.pfn"
    other.write_text(PROGRAMS[name].read_text() + "repeat 2\nend\n")

    assert seen_in([recording], {name: other}) == {}


def test_updating_keeps_what_golden_records_showed(tmp_path):
    (tmp_path / NAME).write_text(
        json.dumps({"a.rule": {"golden:2.6.14": {"release": "2.6.14", "level": "2.6.14", "traces": 1}, "gone": {}}})
    )

    assert update(tmp_path) == {"a.rule": {"golden:2.6.14": {"release": "2.6.14", "level": "2.6.14", "traces": 1}}}


def test_a_target_has_the_profile_of_its_kernel():
    assert profile_of("qemu:6.1-armhf", "6.1.176").name == "arm-6.1"
    assert profile_of("uml:6.12", "6.12.113").name == "uml-6.12"
    assert profile_of("golden:2.6.15-rc2-parent", "2.6.15-rc2+").name == "unpaged"


def test_coverage_counts_what_is_exercised_on_a_kernel_in_reach():
    by = {"raw.linear": Exercised(["some"], {"2.6.15-rc3"}), "raw.unpaged": Exercised(["some"], {"unpaged"})}
    seen = {"raw.linear": {"golden:2.6.15-rc2-seed": On(release="2.6.15-rc3", level="2.6.15-rc3", traces=1)}}
    found = totals(coverage_rows(by, seen, [load_profile("2.6.15-rc3")]))

    assert (found["exercised"], found["in_reach"], found["seen"]) == (2, 1, 1)


def test_kernels_in_reach_are_those_that_ran_the_catalogue():
    assert {profile.name for profile in reached(SEEN)} >= {"uml-6.12", "x86_64-7.2", "arm-6.1"}


@pytest.fixture(scope="module")
def by_all_programs():
    return exercised(PROGRAMS)


@pytest.mark.slow
def test_the_whole_specification_is_exercised(by_all_programs):
    rows = coverage_rows(by_all_programs, SEEN, reached(SEEN))

    assert [row["id"] for row in rows if not row["programs"] and not row["unseen"]] == []
    assert [row["id"] for row in rows if not row["kernels"] and not row["unseen"]] == []


@pytest.mark.slow
def test_the_command_tells_totals_and_the_rest(capsys, monkeypatch, by_all_programs):
    monkeypatch.setattr("hwtests.rules_coverage.exercised", lambda programs: by_all_programs)
    assert main(["rules", "--coverage"]) == 0
    text = capsys.readouterr().out

    assert "are exercised by a program in the simulator" in text
    assert "of those that hold on a kernel in reach were seen on one" in text
    assert all(len(line) <= 80 for line in text.splitlines())


@pytest.mark.slow
def test_branches_tell_which_kernel_runs_what():
    from hwtests.rules_branches import branch_rows

    recording = read_recording(next(ROOT.glob("host/vvar.jsonl.gz")))
    rows = {row["file"]: row for row in branch_rows([recording])}

    assert 0 < rows["madvise.py"]["by"]["host"]["branches"] <= rows["madvise.py"]["branches_run"]
    assert rows["madvise.py"]["branches_run"] < rows["madvise.py"]["branches"]
    assert rows["remap.py"]["not_taken"]
