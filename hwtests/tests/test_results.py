# SPDX-License-Identifier: GPL-2.0-or-later
"""A results directory is right at every moment."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path
from typing import Any

import pytest

from hwtests.results import Result, ResultsDir, ResultsError, exit_status, read_results, read_run, schema

DOCS = Path(__file__).parents[2] / "docs"


def result(program: str = "cow/copies", verdict: Any = "agree", **more) -> Result:
    given = {"target": "sim", "region": "mmapper", "hash": "00", "kernel": "6.12", "seconds": 0.1, **more}
    return Result(program=program, verdict=verdict, **given)


def test_results_are_read_in_the_order_written(tmp_path):
    kept = ResultsDir.create(tmp_path, "lab")
    for name in ("b", "a", "c"):
        kept.append(result(name))

    assert [found.program for found in read_results(kept.path).results] == ["b", "a", "c"]


def test_a_result_is_on_disk_before_the_directory_is_closed(tmp_path):
    kept = ResultsDir.create(tmp_path, "lab")
    kept.append(result())

    assert len((kept.path / "results.jsonl").read_bytes().splitlines()) == 1


def test_the_name_says_when_and_where(tmp_path):
    name = ResultsDir.create(tmp_path, "lab/box 1").path.name

    assert name.split("-")[1] == "lab_box_1"
    assert name.split("-")[0].endswith("Z")


def test_latest_points_to_the_newest(tmp_path):
    ResultsDir.create(tmp_path, "lab")
    newest = ResultsDir.create(tmp_path, "lab")

    assert (tmp_path / "latest").resolve() == newest.path.resolve()


def test_a_torn_last_line_is_left_out_and_said(tmp_path):
    kept = ResultsDir.create(tmp_path, "lab")
    kept.append(result())
    with (kept.path / "results.jsonl").open("a") as file:
        file.write('{"program":"half')

    written = read_results(kept.path)

    assert len(written.results) == 1
    assert written.torn == f"{kept.path}/results.jsonl:2: the last line is torn (16 bytes) and left out"


def test_resume_cuts_the_torn_line_off_and_goes_on(tmp_path):
    kept = ResultsDir.create(tmp_path, "lab")
    kept.append(result("a"))
    with (kept.path / "results.jsonl").open("a") as file:
        file.write('{"program":"half')

    again, written = ResultsDir.resume(kept.path)
    again.append(result("b"))

    assert written.torn is not None
    assert [found.program for found in read_results(kept.path).results] == ["a", "b"]


def test_the_last_result_of_a_key_counts(tmp_path):
    kept = ResultsDir.create(tmp_path, "lab")
    kept.append(result("a", "error"))
    kept.append(result("a", "agree"))

    assert [found.verdict for found in read_results(kept.path).latest().values()] == ["agree"]


def test_a_bad_line_in_the_middle_is_an_error_that_names_it(tmp_path):
    kept = ResultsDir.create(tmp_path, "lab")
    (kept.path / "results.jsonl").write_text('{"program": 3}\n')

    with pytest.raises(ResultsError, match=r"results\.jsonl:1: expected a result: Expected `str`, got `int`"):
        read_results(kept.path)


def test_a_directory_without_results_is_said(tmp_path):
    with pytest.raises(ResultsError, match="expected a results directory"):
        read_results(tmp_path)


def test_a_full_disk_loses_nothing_that_was_written(tmp_path, monkeypatch):
    kept = ResultsDir.create(tmp_path, "lab")
    kept.append(result("a"))
    real = os.write

    def half_then_full(fd, data):
        # /dev/full gives the errno; the half line is what a disk that fills up leaves behind.
        if len(data) < 60:
            with open("/dev/full", "wb", buffering=0) as full:
                return full.write(data)
        return real(fd, data[: len(data) - 50])

    monkeypatch.setattr(os, "write", half_then_full)
    with pytest.raises(ResultsError, match="cannot write results: No space left on device"):
        kept.append(result("b"))

    written = read_results(kept.path)
    assert [found.program for found in written.results] == ["a"]
    assert written.torn is None


def test_run_json_is_whole_or_not_at_all(tmp_path):
    kept = ResultsDir.create(tmp_path, "lab")
    kept.write_json("run.json", {"run": 1})

    with pytest.raises(TypeError):
        kept.write_json("run.json", {"run": object()})
    assert json.loads((kept.path / "run.json").read_text()) == {"run": 1}


@pytest.mark.parametrize(
    ("verdicts", "status"),
    [
        ([], 3),
        (["agree"], 0),
        (["agree", "skip"], 0),
        (["skip", "skip"], 4),
        (["agree", "mismatch"], 1),
        (["skip", "crash"], 1),
        (["timeout"], 1),
        (["unpredicted"], 1),
        (["mismatch", "error"], 2),
    ],
)
def test_the_exit_status_is_the_first_that_applies(verdicts, status):
    assert exit_status(verdicts) == status


def test_the_published_schema_is_the_codes():
    assert json.loads((DOCS / "results.schema.json").read_text()) == schema()


@pytest.mark.parametrize(
    ("spoilt", "where"),
    [
        ({"targets": None}, "$.targets"),
        ({"targets": [{}]}, "$.targets[0]"),
        ({"planned": [["a", "sim"]]}, "$.planned[0]"),
        ({"inventory": {"cpu": "x"}}, "$.inventory.cpu"),
    ],
)
def test_a_run_json_of_another_form_is_refused_with_its_place(tmp_path, spoilt, where):
    (tmp_path / "run.json").write_text(json.dumps({"run": 1, **spoilt}))

    with pytest.raises(ResultsError, match=re.escape(where)):
        read_run(tmp_path)
