# SPDX-License-Identifier: GPL-2.0-or-later
"""A trace says what a kernel did, and survives being written and read."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from hwtests import trace as t

DOCS = Path(__file__).parents[2] / "docs"


def header(name: str = "cow", target: str = "sim") -> t.Header:
    return t.Header(
        trace=1,
        program=t.ProgramId(name, "0123", "pfn 1\n"),
        target=target,
        kernel=t.Kernel("6.12.101", "#1", "x86_64", "um"),
        page_size=4096,
        regions={"dev": {"kind": "mmapper", "pages": 4}},
        uid=0,
        caps="all",
        tool="pfnlab 0",
    )


def whole() -> t.Trace:
    lines = [
        t.Line(op=0, line=3, process="p", text="p: m = mmap dev private rw", obs={"ret": "ok"}),
        t.Line(op=1, line=4, process=None, text="peek dev[0]", obs={"ret": "ok", "value": "0x41"}, rules=["map.whole"]),
    ]
    return t.Trace(header(), lines, t.End(klog=["a line"], taint=512))


def test_a_written_trace_reads_back_equal(tmp_path):
    t.write_trace(tmp_path / "a.jsonl", whole())

    assert t.read_trace(tmp_path / "a.jsonl") == whole()


def test_a_trace_that_was_cut_off_has_no_end():
    text = "".join(t.dump_trace(whole()).splitlines(keepends=True)[:-1])

    assert t.parse_trace(text).end is None


def test_how_it_ended_is_kept():
    text = t.dump_trace(t.Trace(header(), [], t.End(klog=[], taint=0, how="timeout", why="no end after 5 s")))

    assert t.parse_trace(text).end == t.End(klog=[], taint=0, how="timeout", why="no end after 5 s")


def test_the_last_line_of_a_plain_end_is_the_published_form():
    assert json.loads(t.dump_trace(whole()).splitlines()[-1]) == {"end": 1, "klog": ["a line"], "taint": 512}


def test_traces_stand_one_after_the_other():
    text = t.dump_trace(whole()) + t.dump_trace(t.Trace(header("two"), [], None)) + t.dump_trace(whole())

    names = [found.header.program.name for found in t.parse_traces(text.splitlines())]

    assert names == ["cow", "two", "cow"]


@pytest.mark.parametrize(
    ("number", "change", "said"),
    [
        (1, "no json", "f:1: expected a line of a trace: JSON is malformed"),
        (1, '{"trace":2}', "f:1: expected a trace's header: Invalid enum value 2 - at `$.trace`"),
        (2, '{"op":1,"line":1,"process":"p","text":"","obs":{"ret":"ok"}}', "f:2: calls are numbered without a gap"),
        (2, '{"op":0,"line":1,"process":"p","text":"","obs":{}}', "f:2: an observation says what the call returned"),
        (2, '{"op":0,"line":1,"process":"p","text":"","obs":{"ret":"ok","vmas":[1]}}', "f:2: each is an object with"),
        (3, '{"op":"x"}', "f:3: expected a trace's line: Expected `int`, got `str` - at `$.op`"),
        (4, '{"end":1}', "f:4: expected a trace's end: Object missing required field `klog`"),
    ],
)
def test_a_bad_line_is_named_with_what_was_expected(number, change, said):
    lines = t.dump_trace(whole()).splitlines()
    lines[number - 1] = change

    with pytest.raises(t.TraceError) as caught:
        list(t.parse_traces(lines, "f"))

    assert str(caught.value).startswith(said)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (None, "No such file or directory"),
        (b"", "expected a trace's header, found an empty file"),
        (b"\xff\xfe", "expected UTF-8 text: invalid start byte at byte 0"),
    ],
)
def test_a_file_that_is_no_trace_is_said_in_one_line(tmp_path, content, said):
    path = tmp_path / "t.jsonl"
    if content is not None:
        path.write_bytes(content)

    with pytest.raises(t.TraceError) as caught:
        t.read_trace(path)

    assert str(caught.value).endswith(said)
    assert str(caught.value).startswith(str(path))


def test_the_published_schema_is_the_codes():
    assert json.loads((DOCS / "trace.schema.json").read_text()) == t.schema()
