# SPDX-License-Identifier: GPL-2.0-or-later
"""Recorded traces travel with the catalogue: what a real kernel did, from where, with which text."""

from __future__ import annotations

import gzip

import pytest

from hwtests.recorded import Provenance, read_recording, read_recordings, record
from hwtests.tests.samples import trace
from hwtests.trace import Trace, TraceError

FROM = Provenance(
    target="uml:6.12", kernel="6.12.101", region="mmapper", how="pfnlab run", made="2026-11-24", tool="pfnlab 0"
)


def test_what_is_recorded_reads_back_equal(tmp_path):
    path = record(tmp_path, FROM, [trace("a", "uml:6.12")])
    found = read_recording(path)

    assert (found.provenance, dict(found.traces)) == (FROM, {"a": trace("a", "uml:6.12")})


def test_there_is_one_file_for_every_target_and_region(tmp_path):
    record(tmp_path, FROM, [trace("a", "uml:6.12")])

    assert [path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*.gz")] == ["uml-6.12/mmapper.jsonl.gz"]


def test_a_recording_of_one_program_leaves_the_others(tmp_path):
    record(tmp_path, FROM, [trace("a", "uml:6.12"), trace("b", "uml:6.12")])
    path = record(tmp_path, FROM, [trace("b", "uml:6.12", "0x41")])
    found = read_recording(path).traces

    assert found["a"] == trace("a", "uml:6.12")
    assert found["b"] == trace("b", "uml:6.12", "0x41")


def test_the_same_traces_give_the_same_bytes(tmp_path):
    one = record(tmp_path / "one", FROM, [trace("a", "uml:6.12"), trace("b", "uml:6.12")])
    other = record(tmp_path / "other", FROM, [trace("b", "uml:6.12"), trace("a", "uml:6.12")])

    assert one.read_bytes() == other.read_bytes()


def test_a_trace_that_was_cut_off_is_no_recording(tmp_path):
    path = record(tmp_path, FROM, [Trace(trace("a", "uml:6.12").header, [], None)])

    with pytest.raises(TraceError, match="the trace of a has no end"):
        read_recording(path)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"no gzip", "expected recorded traces, packed by gzip"),
        (gzip.compress(b"{}\n"), ":1: expected the provenance of recorded traces"),
        (gzip.compress(b"\xff\n"), "expected recorded traces, packed by gzip"),
    ],
)
def test_a_file_that_is_no_recording_is_said_in_one_line(tmp_path, content, said):
    (tmp_path / "x.jsonl.gz").write_bytes(content)

    with pytest.raises(TraceError) as caught:
        read_recording(tmp_path / "x.jsonl.gz")

    assert said in str(caught.value)


def test_a_line_of_a_recording_is_named_by_its_number(tmp_path):
    path = record(tmp_path, FROM, [trace("a", "uml:6.12")])
    lines = gzip.decompress(path.read_bytes()).splitlines()
    path.write_bytes(gzip.compress(b"\n".join([*lines[:2], b"{}", *lines[2:]])))

    with pytest.raises(TraceError, match=r"mmapper\.jsonl\.gz:3: "):
        read_recording(path)


def test_every_recording_of_the_catalogue_says_where_it_comes_from():
    for found in read_recordings():
        assert found.provenance.how.startswith("pfnlab run --record")
        assert found.traces
        assert {trace.header.target for trace in found.traces.values()} == {found.provenance.target}
