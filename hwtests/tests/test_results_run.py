# SPDX-License-Identifier: GPL-2.0-or-later
"""A run gives every program exactly one verdict, whatever becomes of the kernel."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from hwtests.plan import Selected
from hwtests.pytest_lab import Quiet
from hwtests.regions.traits import load_traits
from hwtests.results import ResultsDir, ResultsError, read_results
from hwtests.run import Request, Run
from hwtests.targets.base import Region, TargetError, TargetLost, Unusable
from hwtests.tests.fakes import FakeTarget, changed, ended

TEXT = """\
pfn 1
# A shared read sees the region.
{hazard}needs dev.shared{needs}
region dev pages=4 fill=0x5a
process p
p: m = mmap dev shared r
p: load m[1]
"""


def programs(tmp_path, *names: str, hazard: str = "", needs: str = "") -> list[Selected]:
    made = []
    for name in names:
        path = tmp_path / f"{name}.pfn"
        path.write_text(TEXT.format(hazard=f"hazard {hazard}\n" if hazard else "", needs=f" {needs}" if needs else ""))
        made.append(Selected.read(name, path))
    return made


def run_on(tmp_path, target, selected, *, done=None, kept=None, **request) -> Run:
    run = Run(
        Request(selected, **request),
        kept or ResultsDir.create(tmp_path / "results", "lab"),
        Quiet(),
        {"run": 1},
        done or {},
    )
    run.begin()
    run.on_target(target)
    return run


def verdicts(run: Run) -> dict[str, str]:
    return {result.program: result.verdict for result in run.results.values()}


def test_a_kernel_that_does_what_is_allowed_agrees(tmp_path):
    run = run_on(tmp_path, FakeTarget(), programs(tmp_path, "a"))

    assert verdicts(run) == {"a": "agree"}


def test_an_observation_outside_of_what_is_allowed_is_a_mismatch_that_says_it(tmp_path):
    run = run_on(tmp_path, FakeTarget(change=changed(value="0x41")), programs(tmp_path, "a"))
    (result,) = run.results.values()

    assert result.verdict == "mismatch"
    assert result.differences[0].sentence() == "value: unexpected 0x41; allowed are only {0x5a}"


@pytest.mark.parametrize(
    ("end", "verdict"),
    [
        ({"how": "crash", "console": ["Kernel panic"]}, "crash"),
        ({"how": "timeout"}, "timeout"),
        ({"how": "lost"}, "error"),
        ({"how": "moved"}, "error"),
        ({"klog": ["WARNING: CPU: 0 PID: 1 at mm/memory.c:1"]}, "crash"),
        ({"taint": 512}, "crash"),
    ],
)
def test_how_the_program_ended_decides_the_verdict(tmp_path, end, verdict):
    run = run_on(tmp_path, FakeTarget(change=ended(**end)), programs(tmp_path, "a"))

    assert verdicts(run) == {"a": verdict}


def test_the_console_of_a_crash_is_kept(tmp_path):
    run = run_on(tmp_path, FakeTarget(change=ended(how="crash", console=["Kernel panic"])), programs(tmp_path, "a"))
    (result,) = run.results.values()

    assert (run.kept.path / result.console).read_text() == "Kernel panic\n"


def test_a_kernel_lost_in_one_program_leaves_the_others_their_verdicts(tmp_path):
    target = FakeTarget(lost={"b": TargetLost("error", "gone")})

    run = run_on(tmp_path, target, programs(tmp_path, "a", "b", "c"))

    assert verdicts(run) == {"a": "agree", "b": "error", "c": "agree"}


def test_a_kernel_that_does_not_come_up_again_gives_every_program_an_error(tmp_path):
    gone = TargetLost("error", "gone")
    target = FakeTarget(lost={"a": gone, "b": gone})

    run = run_on(tmp_path, target, programs(tmp_path, "a", "b", "c", "d"))

    assert verdicts(run) == dict.fromkeys("abcd", "error")
    assert target.ran == ["a", "b"]


def test_a_kernel_that_does_not_boot_gives_every_program_an_error(tmp_path):
    run = run_on(tmp_path, FakeTarget(lost={"boot": TargetLost("error", "no boot")}), programs(tmp_path, "a", "b"))

    assert verdicts(run) == {"a": "error", "b": "error"}


def test_what_went_wrong_does_not_tell_the_users_home(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", "/people/ada")
    lost = TargetLost("error", "module /people/ada/x.ko does not load")

    run = run_on(tmp_path, FakeTarget(lost={"boot": lost}), programs(tmp_path, "a"))

    assert [result.why for result in run.results.values()] == ["module ~/x.ko does not load"]
    assert "/people/ada" not in (run.kept.path / "results.jsonl").read_text()


def test_where_a_kernel_was_sought_does_not_tell_the_users_home(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", "/people/ada")
    missing = Unusable("a kernel for QEMU to boot", "/people/ada/bzImage: No such file", "name the file of one")

    run = run_on(tmp_path, FakeTarget(missing=missing), programs(tmp_path, "a"))

    assert run.facts["targets"][0]["found"] == "~/bzImage: No such file"
    assert [result.found for result in run.results.values()] == ["~/bzImage: No such file"]


def test_a_call_that_the_agent_refuses_is_an_error_of_that_program(tmp_path):
    run = run_on(tmp_path, FakeTarget(lost={"a": TargetError("refused")}), programs(tmp_path, "a", "b"))

    assert verdicts(run) == {"a": "error", "b": "agree"}


def test_a_target_that_cannot_be_used_is_a_skip_with_its_cure(tmp_path):
    cause = Unusable("a kernel", "none", "fetch one")
    run = run_on(tmp_path, FakeTarget(missing=cause), programs(tmp_path, "a"))
    (result,) = run.results.values()

    assert (result.verdict, result.needs, result.found, result.cure) == ("skip", "a kernel", "none", "fetch one")


def test_with_force_a_target_that_cannot_be_used_is_an_error(tmp_path):
    run = run_on(tmp_path, FakeTarget(missing=Unusable("a", "b", "c")), programs(tmp_path, "a"), force=True)

    assert verdicts(run) == {"a": "error"}


def test_a_condition_that_does_not_hold_is_a_skip(tmp_path):
    run = run_on(tmp_path, FakeTarget(), programs(tmp_path, "a", needs="kernel>=99"))
    (result,) = run.results.values()

    assert (result.verdict, result.needs, result.found) == ("skip", "kernel>=99", "kernel 6.12.101")


def test_there_is_one_verdict_for_every_region(tmp_path):
    target = FakeTarget(kinds=("uml-mmapper", "uml-iomem"))

    run = run_on(tmp_path, target, programs(tmp_path, "a", "b"))

    assert sorted(run.results) == [
        (name, "uml:6.12", region) for name in "ab" for region in ("uml-iomem", "uml-mmapper")
    ]


def test_only_the_regions_asked_for_are_used(tmp_path):
    target = FakeTarget(kinds=("uml-mmapper", "uml-iomem"))

    run = run_on(tmp_path, target, programs(tmp_path, "a"), regions=["uml-iomem"])

    assert [key[2] for key in run.results] == ["uml-iomem"]


def test_a_region_that_the_target_has_not_is_a_skip(tmp_path):
    run = run_on(tmp_path, FakeTarget(), programs(tmp_path, "a"), regions=["bar"])
    (result,) = run.results.values()

    assert (result.verdict, result.needs, result.found) == ("skip", "region bar", "uml-mmapper")


def test_a_region_of_the_users_that_cannot_be_used_is_an_error(tmp_path):
    target = FakeTarget("host", own_kernel=False)
    traits = replace(load_traits()["uml-mmapper"], kind="/dev/mine")
    target.offered = [Region(traits, unusable=Unusable("/dev/mine", "mmap: ENODEV", "another"))]

    run = run_on(tmp_path, target, programs(tmp_path, "a"), regions=["/dev/mine"])

    assert verdicts(run) == {"a": "error"}


def test_a_hazard_is_not_let_loose_on_a_kernel_that_others_use(tmp_path):
    target = FakeTarget("host", own_kernel=False)

    run = run_on(tmp_path, target, programs(tmp_path, "a", hazard="taints"))

    assert verdicts(run) == {"a": "skip"}
    assert target.ran == []


def test_a_hazard_that_the_user_allows_runs(tmp_path):
    target = FakeTarget("host", own_kernel=False)

    run = run_on(tmp_path, target, programs(tmp_path, "a", hazard="taints"), allowed_hazards=["taints"])

    assert target.ran == ["a"]
    assert list(verdicts(run)) == ["a"]


def test_a_program_that_leaks_has_a_kernel_of_its_own(tmp_path):
    target = FakeTarget()
    selected = programs(tmp_path, "z", hazard="leaks") + programs(tmp_path, "a", "b")

    run_on(tmp_path, target, selected)

    assert target.ran == ["a", "b", "-- fresh --", "z"]


def test_two_random_orders_give_the_same_verdicts(tmp_path):
    selected = programs(tmp_path, *(f"p{number}" for number in range(9)))
    one, other = FakeTarget(), FakeTarget()

    first = run_on(tmp_path, one, selected, seed=1)
    second = run_on(tmp_path, other, selected, seed=2)

    assert verdicts(first) == verdicts(second)
    assert one.ran != other.ran


def test_a_resumed_run_tries_only_what_is_missing_or_was_an_error(tmp_path):
    selected = programs(tmp_path, "a", "b", "c")
    first = run_on(tmp_path, FakeTarget(lost={"b": TargetLost("error", "gone")}), selected[:2])
    first.kept.close()
    kept, written = ResultsDir.resume(first.kept.path)
    target = FakeTarget()

    again = run_on(tmp_path, target, selected, done=written.latest(), kept=kept)

    assert target.ran == ["b", "c"]
    assert verdicts(again) == dict.fromkeys("abc", "agree")


def test_a_resumed_run_tries_a_program_again_whose_text_has_changed(tmp_path):
    first = run_on(tmp_path, FakeTarget(), programs(tmp_path, "a"))
    kept, written = ResultsDir.resume(first.kept.path)
    target = FakeTarget()
    (tmp_path / "a.pfn").write_text(TEXT.format(hazard="", needs="").replace("m[1]", "m[2]"))

    run_on(tmp_path, target, [Selected.read("a", tmp_path / "a.pfn")], done=written.latest(), kept=kept)

    assert target.ran == ["a"]


def test_a_full_disk_ends_the_run_and_keeps_what_was_written(tmp_path, monkeypatch):
    target = FakeTarget()
    real = ResultsDir.append

    def append(self, result):
        if result.program == "b":
            raise ResultsError("results.jsonl: cannot write results: No space left on device")
        real(self, result)

    monkeypatch.setattr(ResultsDir, "append", append)
    with pytest.raises(ResultsError):
        run_on(tmp_path, target, programs(tmp_path, "a", "b", "c"))

    (path,) = (path for path in (tmp_path / "results").iterdir() if not path.is_symlink())
    assert [result.program for result in read_results(path).results] == ["a"]
    assert target.closed == 1


def test_what_was_planned_is_in_run_json_before_the_first_program(tmp_path):
    seen = []

    def look(trace):
        (path,) = (path for path in (tmp_path / "results").iterdir() if not path.is_symlink())
        seen.append(json.loads((path / "run.json").read_text())["planned"])
        return trace

    run_on(tmp_path, FakeTarget(change=look), programs(tmp_path, "a"))

    assert seen == [[["a", "uml:6.12", "uml-mmapper"]]]


def test_a_target_is_closed_when_the_user_interrupts(tmp_path):
    def interrupt(trace):
        raise KeyboardInterrupt

    target = FakeTarget(change=interrupt)

    with pytest.raises(KeyboardInterrupt):
        run_on(tmp_path, target, programs(tmp_path, "a"))
    assert target.closed == 1
