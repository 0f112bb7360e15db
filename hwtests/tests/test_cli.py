# SPDX-License-Identifier: GPL-2.0-or-later
"""Every command ends with one status, and every failure is one line that says what, where and what was expected."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest

from hwtests.cli.main import main
from hwtests.regions.traits import load_traits
from hwtests.results import read_results
from hwtests.targets.base import Region, Unusable
from hwtests.tests.fakes import FakeTarget, changed, ended

ROOT = Path(__file__).parents[2]
PROGRAM = """\
pfn 1
# A shared read sees the region.
rule load.through-pte
needs dev.shared
region dev pages=4 fill=0x5a
process p
p: m = mmap dev shared r
p: load m[1]   # promise: 0x5a ; mm/memory.c remap_pfn_range()
"""


@pytest.fixture
def here(tmp_path, monkeypatch):
    """A folder with one program, and an environment that says nothing."""
    for name in list(os.environ):
        if name.startswith("PFNLAB_") and name != "PFNLAB_CACHE":
            monkeypatch.delenv(name)
    monkeypatch.setenv("COLUMNS", "100")
    monkeypatch.setattr(signal, "signal", lambda *_: None)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "reads.pfn").write_text(PROGRAM)
    return tmp_path


@pytest.fixture
def target(monkeypatch):
    """The fake that every name of a target makes."""
    made = FakeTarget()
    for module in ("choose", "observe", "regions"):
        monkeypatch.setattr(f"hwtests.cli.{module}.make_target", lambda name, **_: made)
    return made


def only_line(capsys) -> str:
    """What was said on standard error: exactly one line."""
    said: str = capsys.readouterr().err
    assert said.count("\n") == 1, said
    return said.rstrip("\n")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "pfnlab: expected a command; see `pfnlab --help`"),
        (["frob"], "pfnlab: argument COMMAND: invalid choice: 'frob'"),
        (["run", "--frob"], "pfnlab: unrecognized arguments: --frob"),
        (["run", "--seed", "x"], "pfnlab: argument --seed: invalid int value: 'x'"),
        (["run", "--allow-hazard", "all"], "pfnlab: argument --allow-hazard: invalid choice: 'all'"),
        (["run", "--on", "vax", "reads.pfn"], "pfnlab: unknown target 'vax', expected one of sim, host, uml:5.10"),
        (["run", "--on", "uml:what", "reads.pfn"], "pfnlab: needs a kernel's name such as uml:6.12"),
        (["run", "--on", "sim:uml-6.12", "reads.pfn"], "pfnlab: target 'sim:uml-6.12': a run on sim takes all"),
        (["run", "--on", "uml:", "reads.pfn"], "pfnlab: needs a kernel's name such as uml:6.12"),
        (["run", "--on", "sim", ""], "pfnlab: an empty word: expected a program, file, theme or pattern"),
        (["run", "--on", "sim", "nothing"], "pfnlab: no program, file, theme or pattern 'nothing'"),
        (["run", "--on", "sim", "gone.pfn"], "pfnlab: gone.pfn:1:1: cannot be read: No such file"),
        (["run", "--on", "sim", "--region", "/dev/x", "reads.pfn"], "pfnlab: a file can be a region of the host"),
        (["run", "--on", "sim", "--region", "rom", "reads.pfn"], "pfnlab: no region 'rom', expected one of bar"),
        (
            ["run", "--on", "host", "--region", "/dev/x", "reads.pfn"],
            "pfnlab: region /dev/x: No such file or directory",
        ),
        (["run", "--on", "host", "--region", "/", "reads.pfn"], "pfnlab: region /: is a directory: expected a file"),
        (["observe", "reads.pfn", "--on", "host", "--region", "/dev/x"], "pfnlab: region /dev/x: No such file"),
        (["run", "--on", "host", "--region", "/dev/x,frob", "reads.pfn"], "pfnlab: region /dev/x,frob: unknown option"),
        (["run", "--resume", "gone"], "pfnlab: gone: expected a results directory, found no run.json in it"),
        (["run", "--resume", ".", "reads.pfn"], "pfnlab: --resume takes programs, targets, regions and seed from the"),
        (["observe", "gone.pfn"], "pfnlab: gone.pfn:1:1: cannot be read"),
        (["predict", "reads.pfn"], "pfnlab: the following arguments are required: --profile"),
        (["predict", "reads.pfn", "--profile", "x"], "pfnlab: no profile 'x', expected one of 2.6.14"),
        (["predict", "reads.pfn", "--profile", "uml-6.1", "--region", "x"], "pfnlab: no kind of region 'x', expected"),
        (["judge", "gone.jsonl"], "pfnlab: gone.jsonl: No such file or directory"),
        (["judge", "reads.pfn"], "pfnlab: reads.pfn:1: expected a line of a trace"),
        (["judge", "."], "pfnlab: .: expected a results directory, found no traces/ in it"),
        (["report", ".", "-o", "x.html"], "pfnlab: "),
        (["report", "."], "pfnlab: the following arguments are required: -o/--output"),
        (["explain", "nothing"], "pfnlab: no rule, word, profile or program 'nothing'"),
        (["kernels", "fetch"], "pfnlab: the following arguments are required: NAME"),
        (["kernels", "fetch", "linux"], "pfnlab: needs a kernel's name such as uml:6.12"),
    ],
)
def test_wrong_usage_is_one_line_and_status_5(here, capsys, arguments, said):
    assert main(arguments) == 5
    assert only_line(capsys).startswith(said)


def test_observe_takes_one_target(here, capsys, monkeypatch):
    monkeypatch.setenv("PFNLAB_CACHE", str(here / "none"))  # so that `all` are all that are known

    assert main(["observe", "reads.pfn", "--on", "uml:all"]) == 5
    assert only_line(capsys).startswith("pfnlab: expected one target, 'uml:all' means uml:5.10, ")


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("", ":1:1: "),
        ("pfn 2\n", ":1:5: "),
        ("pfn 1\nfrob\n", ":2:1: "),
        ("pfn 1\nprocess p\np: frob\n", ":3:4: "),
        ("pfn 1\nprocess p\np: load m[0]\n", ":3:9: "),
        ("pfn 1\nregion dev\nprocess p\np: m = mmap dev purple rw\n", ":4:17: "),
        ("pfn 1\nrepeat 3\n", ":2:1: "),
        ("pfn 1\nprocess p\np: rss # promise: 3\n", ":3:"),
        ("\xff", ":1:1: "),
    ],
)
def test_a_malformed_program_is_one_line_with_its_place_and_status_5(here, capsys, text, place):
    (here / "bad.pfn").write_bytes(text.encode("latin-1"))

    assert main(["run", "--on", "sim", "bad.pfn"]) == 5
    assert only_line(capsys).startswith(f"pfnlab: bad.pfn{place}")


@pytest.mark.parametrize("request_", [[], {"on": "sim"}, {"programs": [1]}, {"region": None}])
def test_a_run_whose_record_was_spoilt_is_not_resumed(here, capsys, request_):
    (here / "run.json").write_text(json.dumps({"run": 1, "request": request_}))
    (here / "results.jsonl").touch()

    assert main(["run", "--resume", "."]) == 5
    assert only_line(capsys).startswith("pfnlab: run.json: expected lists of words in its request")


def test_nothing_is_left_of_a_run_that_is_refused(here, capsys):
    main(["run", "--on", "vax", "reads.pfn"])

    assert not (here / "results").exists()


def test_the_version_is_said(capsys):
    assert main(["--version"]) == 0
    assert capsys.readouterr().out.startswith("pfnlab ")


def test_a_run_on_sim_says_how_many_promises_held(here, capsys):
    assert main(["run", "--on", "sim", "reads.pfn"]) == 0
    assert "1 promise held, 0 recorded traces of 0 kernels accepted" in capsys.readouterr().out


def test_a_run_leaves_what_the_page_says(here):
    main(["run", "--on", "sim", "reads.pfn"])

    names = {path.name for path in (here / "results" / "latest").iterdir()}
    assert names == {"run.json", "results.jsonl", "junit.xml", "report.html", "console", "dmesg", "traces"}


@pytest.mark.parametrize(
    ("change", "status"),
    [
        ({}, 0),
        ({"change": changed(value="0x41")}, 1),
        ({"change": ended(how="crash", console=["Oops"])}, 1),
        ({"change": ended(how="timeout")}, 1),
        ({"change": ended(how="lost")}, 2),
        ({"missing": Unusable("a kernel", "none", "fetch one")}, 4),
    ],
)
def test_the_exit_status_says_what_the_results_are(here, target, change, status):
    for name, value in change.items():
        setattr(target, name, value)

    assert main(["run", "--on", "uml:6.12", "reads.pfn"]) == status


def test_force_makes_a_skip_for_want_of_a_kernel_an_error(here, target, monkeypatch):
    monkeypatch.setenv("PFNLAB_FORCE", "1")
    target.missing = Unusable("a kernel", "none", "fetch one")

    assert main(["run", "--on", "uml:6.12", "reads.pfn"]) == 2


def test_a_kernel_that_the_user_names_by_its_file_and_that_is_none_is_an_error(here):
    assert main(["run", "--on", "uml:/no/kernel", "--on", "sim", "reads.pfn"]) == 2
    [result] = [one for one in read_results(here / "results" / "latest").results if one.target != "sim"]

    assert (result.verdict, result.why[:58]) == ("error", "needs a User-Mode Linux kernel; found /no/kernel: no execu")


def test_an_environment_that_names_no_target_is_wrong_usage(here, monkeypatch, capsys):
    monkeypatch.setenv("PFNLAB_TARGET", " , ")

    assert main(["run", "reads.pfn"]) == 5
    assert only_line(capsys) == "pfnlab: PFNLAB_TARGET=' , ': expected targets, separated by commas"


@pytest.mark.slow
@pytest.mark.parametrize(
    ("closed", "status", "said"),
    [
        ("<&-", 0, ""),
        (">&-", 2, "pfnlab: standard output is closed: expected somewhere to print to\n"),
        ("2>&-", 0, ""),
    ],
)
def test_a_closed_stream_is_no_traceback(here, closed, status, said):
    command = f"{sys.executable} -m hwtests run --on sim reads.pfn {closed}"
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(command, shell=True, cwd=here, env=environment, capture_output=True, text=True)

    assert done.returncode == status
    assert [line for line in done.stderr.splitlines(keepends=True) if not line.startswith("sim: ")] == [said] * bool(
        said
    )


@pytest.mark.slow
@pytest.mark.parametrize(
    "command", ["targets", "regions", "rules", "programs", "kernels", "explain cow.private-write-copies"]
)
@pytest.mark.parametrize(
    "language", [{"LC_ALL": "C"}, {"LC_ALL": "POSIX", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}]
)
def test_a_locale_without_unicode_is_no_traceback(here, command, language):
    environment = {**os.environ, "PYTHONPATH": str(ROOT), **language, "COLUMNS": "40"}
    words = [sys.executable, "-m", "hwtests", *command.split()]
    done = subprocess.run(words, cwd=here, env=environment, capture_output=True)

    assert (done.returncode, done.stderr) == (0, b"")
    assert done.stdout


def test_a_guest_lists_a_file_of_its_own_and_loads_the_module_behind_it(here, monkeypatch, capsys):
    asked = []
    made = FakeTarget("qemu:6.1-amd64")
    made.offered = [*made.regions(), Region(replace(load_traits()["bar"], kind="/dev/toy"), pages=4)]

    def make(name, **wishes):
        asked.append((name, wishes))
        return made

    monkeypatch.setattr("hwtests.cli.regions.make_target", make)
    (here / "toy.ko").touch()

    words = ["--on", "qemu:6.1-amd64", "--module", "toy.ko,pages=4", "--region", "/dev/toy,length=16K"]
    assert main(["regions", "--json", *words]) == 0
    assert asked == [("qemu:6.1-amd64", {"named": ["/dev/toy,length=16K"], "modules": ["toy.ko,pages=4"]})]
    assert [row["name"] for row in json.loads(capsys.readouterr().out)] == ["/dev/toy"]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--on", "uml:6.12", "--region", "/dev/x"], "pfnlab: a file can be a region of the host or of a qemu guest"),
        (["--module", "toy.ko"], "pfnlab: a module is loaded in a qemu guest only"),
        (["--on", "qemu:6.1-amd64", "--module", "toy.ko"], "pfnlab: module toy.ko: expected a kernel module"),
    ],
)
def test_what_no_such_target_can_list_is_wrong_usage(here, capsys, words, said):
    assert main(["regions", *words]) == 5
    assert only_line(capsys).startswith(said)


def test_the_environment_names_the_target_and_the_place_of_results(here, monkeypatch, capsys):
    monkeypatch.setenv("PFNLAB_TARGET", "sim")
    monkeypatch.setenv("PFNLAB_RESULTS", "elsewhere")

    assert main(["run", "reads.pfn"]) == 0
    assert (here / "elsewhere" / "latest" / "run.json").exists()
    assert "on sim: PFNLAB_TARGET says so" in capsys.readouterr().err


def test_quiet_says_nothing(here, capsys):
    main(["run", "--on", "sim", "--quiet", "reads.pfn"])

    assert capsys.readouterr() == ("", "")


def test_json_is_one_object_with_the_verdicts(here, capsys):
    main(["run", "--on", "sim", "--json", "--seed", "7", "reads.pfn"])
    said = json.loads(capsys.readouterr().out)

    assert (said["status"], said["seed"], said["targets"][0]["verdicts"]["agree"]) == (0, 7, 1)


def test_shuffle_says_its_seed(here, target, capsys):
    main(["run", "--on", "uml:6.12", "--shuffle", "reads.pfn"])
    run = json.loads((here / "results" / "latest" / "run.json").read_text())

    assert f"seed {run['seed']}" in capsys.readouterr().err


def test_dry_run_runs_nothing_and_says_what_would_be_stored(here, target, capsys):
    (here / "writes.pfn").write_text(PROGRAM.replace("shared r\n", "shared rw\np: store m[0] 1\n"))

    assert main(["run", "--on", "uml:6.12", "--dry-run", "writes.pfn"]) == 0
    assert target.ran == []
    assert not (here / "results").exists()
    assert "writes: fill dev with 0x5a, line 8: store m[0] 1" in capsys.readouterr().out


def test_an_interrupted_run_exits_130_and_keeps_what_was_done(here, target, capsys):
    (here / "second.pfn").write_text(PROGRAM)
    done = []

    def interrupt(trace):
        done.append(trace)
        if len(done) == 2:
            raise KeyboardInterrupt
        return trace

    target.change = interrupt

    assert main(["run", "--on", "uml:6.12", "."]) == 130
    assert len(read_results(here / "results" / "latest").results) == 1
    assert (here / "results" / "latest" / "report.html").exists()
    assert capsys.readouterr().err.splitlines()[-1].startswith("pfnlab: interrupted; what was done is in results/")


def test_a_resumed_run_goes_on(here, target):
    (here / "second.pfn").write_text(PROGRAM)
    target.change = ended(how="lost")
    main(["run", "--on", "uml:6.12", "."])
    target.change = lambda trace: trace
    target.ran.clear()

    assert main(["run", "--resume", "results/latest"]) == 0
    assert target.ran == ["reads", "second"]


def test_a_resumed_run_has_nothing_to_do_where_all_agreed(here, target):
    main(["run", "--on", "uml:6.12", "reads.pfn"])
    target.ran.clear()

    assert main(["run", "--resume", "results/latest"]) == 0
    assert target.ran == []


def test_a_resumed_run_says_that_a_line_is_torn(here, target, capsys):
    main(["run", "--on", "uml:6.12", "reads.pfn"])
    with (here / "results" / "latest" / "results.jsonl").open("a") as file:
        file.write('{"half')

    assert main(["run", "--resume", "results/latest"]) == 0
    assert "the last line is torn (6 bytes) and left out" in capsys.readouterr().err


def test_a_recording_is_accepted_on_sim_until_the_program_changes(here, target, capsys, monkeypatch):
    monkeypatch.setattr("hwtests.cli.running.ROOT", here / "recorded")
    monkeypatch.setattr("hwtests.recorded.read_recordings.__defaults__", (here / "recorded",))
    main(["run", "--on", "uml:6.12", "--record", "--quiet", "reads.pfn"])
    main(["run", "--on", "sim", "reads.pfn"])
    (here / "reads.pfn").write_text(PROGRAM.replace("m[1]", "m[2]"))
    main(["run", "--on", "sim", "reads.pfn"])
    said = " ".join(capsys.readouterr().out.split())

    assert "1 promise held, 1 recorded trace of 1 kernel accepted" in said
    assert "0 recorded traces of 0 kernels accepted, 1 stale" in said


def test_a_recording_holds_for_a_program_that_got_another_comment(here, target, capsys, monkeypatch):
    monkeypatch.setattr("hwtests.cli.running.ROOT", here / "recorded")
    monkeypatch.setattr("hwtests.recorded.read_recordings.__defaults__", (here / "recorded",))
    main(["run", "--on", "uml:6.12", "--record", "--quiet", "reads.pfn"])
    (here / "reads.pfn").write_text(PROGRAM.replace("process p\n", "process p\n# A comment more.\n"))

    assert main(["run", "--on", "sim", "reads.pfn"]) == 0
    assert "1 recorded trace of 1 kernel accepted" in " ".join(capsys.readouterr().out.split())


def test_a_recording_that_the_simulator_refuses_turns_sim_red(here, target, capsys, monkeypatch):
    monkeypatch.setattr("hwtests.cli.running.ROOT", here / "recorded")
    monkeypatch.setattr("hwtests.recorded.read_recordings.__defaults__", (here / "recorded",))
    target.change = changed(value="0x41")
    main(["run", "--on", "uml:6.12", "--record", "--quiet", "reads.pfn"])

    assert main(["run", "--on", "sim", "reads.pfn"]) == 1
    said = " ".join(capsys.readouterr().out.split())
    assert "value: unexpected 0x41; allowed are only {0x5a} on the recorded trace of uml:6.12 uml-mmapper" in said


def test_a_results_directory_that_cannot_be_made_is_one_line_and_status_2(here, capsys):
    (here / "file").write_text("")

    assert main(["run", "--on", "sim", "--results", "file", "--quiet", "reads.pfn"]) == 2
    assert only_line(capsys).startswith("pfnlab: file/")


def test_a_full_disk_is_one_line_and_status_2(here, target, capsys, monkeypatch):
    real = os.write

    def full(fd, data):
        if b'"verdict"' in bytes(data):
            with open("/dev/full", "wb", buffering=0) as file:
                return file.write(data)
        return real(fd, data)

    monkeypatch.setattr(os, "write", full)

    assert main(["run", "--on", "uml:6.12", "--quiet", "reads.pfn"]) == 2
    assert only_line(capsys).endswith("results.jsonl: cannot write results: No space left on device")
    assert target.closed == 1


def test_what_nobody_foresaw_is_one_line_without_a_traceback(here, capsys, monkeypatch):
    monkeypatch.setattr("hwtests.cli.run.select", lambda words: 1 / 0)

    assert main(["run", "--on", "sim"]) == 2
    assert only_line(capsys).startswith(
        "pfnlab: internal error, please report it: ZeroDivisionError: division by zero at"
    )


def test_observe_prints_a_trace_that_judge_accepts(here, target, capsys):
    assert main(["observe", "reads.pfn", "--on", "uml:6.12"]) == 0
    (here / "t.jsonl").write_text(capsys.readouterr().out)

    assert main(["judge", "t.jsonl"]) == 0
    assert capsys.readouterr().out == "agree reads on uml:6.12 uml-mmapper: 6.12.101, uml-6.12\n"


def test_observe_says_why_a_program_does_not_apply(here, target, capsys):
    (here / "reads.pfn").write_text(PROGRAM.replace("needs dev.shared", "needs dev.shared kernel>=99"))

    assert main(["observe", "reads.pfn", "--on", "uml:6.12"]) == 4
    assert only_line(capsys) == "pfnlab: reads: needs kernel>=99; found kernel 6.12.101; cure: use a kernel >= 99"


def test_judge_says_what_is_not_allowed(here, target, capsys):
    target.change = changed(value="0x41")
    main(["observe", "reads.pfn", "--on", "uml:6.12"])
    (here / "t.jsonl").write_text(capsys.readouterr().out)

    assert main(["judge", "t.jsonl"]) == 1
    assert "value: unexpected 0x41; allowed are only {0x5a}" in capsys.readouterr().out


def test_judge_takes_a_results_directory(here, target, capsys):
    main(["run", "--on", "uml:6.12", "--quiet", "reads.pfn"])

    assert main(["judge", "--json", "results/latest"]) == 0
    assert [row["verdict"] for row in json.loads(capsys.readouterr().out)] == ["agree"]


def test_predict_prints_rules_beside_each_observation(here, capsys):
    assert main(["predict", "reads.pfn", "--profile", "uml-6.12"]) == 0
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]

    assert lines[0]["profile"] == "uml-6.12"
    assert lines[2]["obs"] == {"ret": "ok", "value": "0x5a"}
    assert lines[2]["rules"]


def test_report_joins_runs(here, target, capsys):
    main(["run", "--on", "sim", "--quiet", "reads.pfn"])
    main(["run", "--on", "uml:6.12", "--quiet", "reads.pfn"])
    runs = [str(path) for path in sorted(Path("results").iterdir()) if not path.is_symlink()]

    assert main(["report", *runs, "-o", "page.html"]) == 0
    assert (here / "page.html").read_text().count('class="result"') == 2


@pytest.mark.parametrize("command", ["targets", "regions", "rules", "programs", "kernels"])
def test_a_listing_is_an_array_of_objects_that_name_themselves(here, capsys, command):
    assert main([command, "--json"]) == 0
    rows = json.loads(capsys.readouterr().out)

    assert rows
    assert all(row.get("id" if command == "rules" else "name") for row in rows)
    assert all({"found", "cure"} <= row.keys() for row in rows if row.get("needs"))


def test_a_listing_says_cause_and_cure_of_what_is_not_usable(here, capsys, monkeypatch):
    monkeypatch.setenv("PFNLAB_CACHE", str(here / "empty"))

    main(["kernels"])

    assert "needs uml:6.12 in the cache; found it is not there\n" in capsys.readouterr().out


def test_explain_gives_a_rule_its_source_and_its_programs(here, capsys):
    assert main(["explain", "cow.private-write-copies"]) == 0
    said = capsys.readouterr().out

    assert "source    mm/memory.c" in said
    assert "private-write-copies" in said


def test_explain_gives_a_program_its_rule_and_promises(here, capsys):
    assert main(["explain", "reads.pfn"]) == 0
    said = capsys.readouterr().out

    assert "A shared read sees the region." in said
    assert "promise   line 8: 0x5a (mm/memory.c remap_pfn_range())" in said


def test_a_reader_that_goes_away_is_no_traceback(here):
    done = subprocess.run(
        f"{sys.executable} -m hwtests rules | head -1", shell=True, cwd=ROOT, capture_output=True, text=True
    )

    assert done.stderr == ""


@pytest.mark.slow
def test_help_is_quick():
    took = []
    for _ in range(3):
        started = time.perf_counter()
        subprocess.run([sys.executable, "-m", "hwtests", "--help"], cwd=ROOT, capture_output=True, check=True)
        took.append(time.perf_counter() - started)

    assert min(took) < 0.3


@pytest.mark.slow
def test_a_run_that_is_told_to_end_keeps_what_was_done(here):
    (here / "long.pfn").write_text(PROGRAM.replace("p: load", "repeat 9000\np: load") + "end\n")
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-m", "hwtests", "run", "--on", "sim", "long.pfn"]
    with subprocess.Popen(command, cwd=here, env=environment, stderr=subprocess.PIPE, text=True) as run:
        assert run.stderr is not None
        assert run.stderr.readline().startswith("sim: ")
        run.send_signal(signal.SIGTERM)
        said = run.communicate(timeout=60)[1]

    assert run.returncode == 130
    assert said.startswith("pfnlab: interrupted; what was done is in results/")
