# SPDX-License-Identifier: GPL-2.0-or-later
"""A report holds every result, says it in words, and needs nothing but the results directory."""

from __future__ import annotations

import json
import re
from html.parser import HTMLParser
from xml.etree import ElementTree as ET

import pytest

from hwtests.report import load, summary_text, write_html, write_junit
from hwtests.report.text import fields
from hwtests.results import ResultsError
from hwtests.tests.samples import sample

VOID = {"meta", "br", "link", "img"}


class Page(HTMLParser):
    """The results, ids, links and text of a page; fails on a tag that is closed in the wrong place."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.results: list[dict[str, str]] = []
        self.ids: set[str] = set()
        self.links: list[str] = []
        self.words = ""
        self.open: list[str] = []
        self.tags: set[str] = set()
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attrs):
        given = dict(attrs)
        self.tags.add(tag)
        if tag not in VOID:
            self.open.append(tag)
        if "id" in given:
            assert given["id"] not in self.ids
            self.ids.add(given["id"])
        if "href" in given:
            self.links.append(given["href"])
        if given.get("class") == "result":
            self.results.append({name[5:]: value for name, value in given.items() if name.startswith("data-")})

    def handle_endtag(self, tag):
        if tag not in VOID:
            assert self.open.pop() == tag

    def handle_data(self, data):
        self.words += data


@pytest.fixture
def run(tmp_path):
    return load(sample(tmp_path))


@pytest.fixture
def page(run, tmp_path):
    write_html([run], tmp_path / "report.html")
    return Page((tmp_path / "report.html").read_text())


def test_the_page_holds_every_result(run, page):
    expected = [(result.program, result.target, result.region, result.verdict) for result in run.results]

    shown = [(one["program"], one["target"], one["region"], one["verdict"]) for one in page.results]

    assert sorted(shown) == sorted(expected)


def test_summary_and_page_say_which_verdicts_are_assumed(tmp_path):
    path = sample(tmp_path)
    file = path / "results.jsonl"
    first, *rest = file.read_text().splitlines(keepends=True)
    first = json.dumps({**json.loads(first), "assumed": True, "profile": "x86_64-6.12"}) + "\n"
    file.write_text("".join([first, *rest]))
    run = load(path)
    write_html([run], tmp_path / "report.html")

    said = "1 assumed: judged by x86_64-6.12"
    assert said in summary_text(run)
    assert said in Page((tmp_path / "report.html").read_text()).words


def test_summary_and_page_say_how_often_a_choice_was_granted(tmp_path):
    path = sample(tmp_path)
    file = path / "results.jsonl"
    lines = [json.loads(line) for line in file.read_text().splitlines()]
    tried = [one for one in lines if one["target"] == lines[0]["target"]][:2]
    tried[0] |= {"tries": 3, "verdict": "agree"}
    tried[1] |= {"tries": 8, "verdict": "skip", "needs": "a choice", "found": "not granted", "cure": "another kernel"}
    file.write_text("".join(json.dumps(one) + "\n" for one in lines))
    run = load(path)
    write_html([run], tmp_path / "report.html")

    said = "2 choices asked for: granted in 1 of 11 tries"
    assert said in summary_text(run)
    assert said in Page((tmp_path / "report.html").read_text()).words


def test_every_tag_of_the_page_is_closed(page):
    assert page.open == []


def test_every_link_of_the_page_leads_to_a_place_in_it(page):
    assert {link.removeprefix("#") for link in page.links} <= page.ids


def test_the_page_needs_no_network_and_no_script(run, tmp_path):
    write_html([run], tmp_path / "report.html")
    text = (tmp_path / "report.html").read_text()

    assert not re.search(r"https?://|<script|<link|<img|@import|url\(", text)


def test_a_difference_is_told_step_by_step(page):
    assert "value: unexpected 0x41; allowed are only {0x5a}" in page.words
    assert "cow.private-write-copies" in page.words


def test_a_skip_says_what_is_needed_what_was_found_and_the_cure(page):
    for said in (
        "dev.no-struct-page",
        "mmapper has a struct page for every page",
        "run it on qemu:6.1-amd64, region bar",
    ):
        assert said in page.words


def test_the_console_of_a_crash_is_on_the_page(page):
    assert "Kernel panic - not syncing: <Oops>" in page.words


def test_a_result_that_is_missing_is_said(page):
    assert "vma-never on uml:6.12 mmapper" in page.words


def test_a_trace_that_is_gone_is_said_on_the_page(tmp_path):
    path = sample(tmp_path)
    (path / "traces/uml-6.12/mmapper/cow-leaks.observed.jsonl").unlink()

    write_html([load(path)], tmp_path / "report.html")

    assert "cow-leaks.observed.jsonl: No such file or directory" in Page((tmp_path / "report.html").read_text()).words


def test_two_runs_share_a_page(run, tmp_path):
    other = load(sample(tmp_path / "other"))

    write_html([run, other], tmp_path / "both.html")

    assert len(Page((tmp_path / "both.html").read_text()).results) == len(run.results) + len(other.results)


def test_a_run_is_known_by_its_start_and_id_and_not_by_the_hosts_name(tmp_path):
    made = sample(tmp_path)
    path = made.rename(tmp_path / "20261124T140000Z-secret-name-a1b2c3")

    write_html([load(path)], tmp_path / "report.html")

    text = (tmp_path / "report.html").read_text()
    assert "2026-11-24T14:00:00Z a1b2c3" in Page(text).words
    assert "secret-name" not in text


def test_a_page_that_cannot_be_written_is_said_in_one_line(run, tmp_path):
    with pytest.raises(ResultsError, match="cannot write the report: No such file or directory"):
        write_html([run], tmp_path / "no" / "report.html")


def test_junit_counts_what_it_holds(run, tmp_path):
    write_junit(run, tmp_path / "junit.xml")

    for suite in ET.parse(tmp_path / "junit.xml").getroot():
        cases = suite.findall("testcase")
        for attribute, tag in (("failures", "failure"), ("errors", "error"), ("skipped", "skipped")):
            assert int(suite.get(attribute, "-1")) == sum(case.find(tag) is not None for case in cases)
        assert int(suite.get("tests", "-1")) == len(cases)


def test_junit_folds_no_verdict_into_another(run, tmp_path):
    write_junit(run, tmp_path / "junit.xml")
    root = ET.parse(tmp_path / "junit.xml").getroot()

    types = [problem.get("type", "") for problem in root.iter() if problem.tag in ("failure", "error")]

    assert sorted(types) == ["crash", "error", "mismatch", "no-result", "timeout", "unpredicted"]


def test_the_summary_fits_80_columns(run):
    # The path of the report is not ours to shorten.
    lines = [line for line in summary_text(run).splitlines() if str(run.path) not in line]

    assert max(map(len, lines)) <= 80


def test_the_summary_names_the_first_difference(run):
    assert "    line 11: peek dev[1]\n    value: unexpected 0x41; allowed are only {0x5a}\n" in summary_text(run)


def test_the_summary_of_sim_counts_promises_and_recorded_traces(run):
    said = " ".join(summary_text(run).split())

    assert "1 promise held, 3 recorded traces of 2 kernels accepted, 1 stale" in said


def test_what_is_zero_in_smaps_is_left_out():
    vma = {"first": 0, "pages": 4, "perms": "rw-p", "offset": "dev[0]", "Rss": 1, "Swap": 0, "VmFlags": "rd wr"}

    assert fields({"ret": "ok", "vmas": [vma]}) == ["ok", "vma [0]+4p rw-p at dev[0] Rss=1 (rd wr)"]


def test_ranges_and_segments_are_said_with_what_they_have():
    segments = [{"first": 0, "pages": 4, "perms": "rw-", "file": 0, "data": ""}]

    assert fields({"ret": "died", "segments": segments}) == ["died", "segment [0]+4p rw-"]
    assert fields({"ret": "ok", "ranges": [{"first": 1, "pages": 1, "is": "present"}]})[1] == "range [1]+1p is=present"
    assert fields({"ret": "ok", "ranges": []}) == ["ok", "no range"]


def test_a_set_of_allowed_values_is_said_as_one():
    assert fields({"ret": "ok", "value": {"any": ["0x0", "0x41"]}}) == ["ok", "value 0x0 or 0x41"]


def test_where_the_specification_is_silent_the_page_says_so():
    assert fields({"ret": {"unknown": "no rule"}}) == ["not predicted: no rule"]


def test_results_with_the_same_story_are_told_once(tmp_path):
    path = sample(tmp_path)
    file = path / "results.jsonl"
    lines = file.read_text().splitlines(keepends=True)
    again = json.dumps({**json.loads(lines[0]), "region": "other", "seconds": 0.5}) + "\n"
    file.write_text("".join([*lines, again]))

    write_html([load(path)], tmp_path / "report.html")
    text = (tmp_path / "report.html").read_text()

    assert {"mmapper", "other"} <= {one["region"] for one in Page(text).results if one["program"] == "cow-copies"}
    assert text.count("<td>p: store m[1] 0x41</td>") == 2  # cow-copies on both regions, and cow-leaks
