# SPDX-License-Identifier: GPL-2.0-or-later
"""Does a golden program say the same in the program language?"""

import pytest

from hwtests.golden import expect
from hwtests.golden.check import compiled
from hwtests.golden.convert import convert
from hwtests.golden.records import kernels, programs, records
from hwtests.language import parse, print_program

SAMPLE = sorted(programs())[::25]


def round_trips(id):
    converted = convert(programs()[id]).program
    text = print_program(converted)
    parsed = parse(text, converted.path)
    return print_program(parsed) == text and [s for _, s in parsed.statements()] == [
        s for _, s in converted.statements()
    ]


@pytest.mark.parametrize("id", SAMPLE)
def test_a_converted_program_round_trips_through_text(id):
    assert round_trips(id)


@pytest.mark.slow
def test_every_converted_program_round_trips_through_text():
    assert [id for id in programs() if not round_trips(id)] == []


def test_each_op_that_a_kernel_did_is_a_line():
    left_out = {"nohandle", "skipped", "proc-dead", "target-dead"}
    record = next(r for r in records("uml-6.1") if r.id == 708)
    converted = convert(programs()[708])

    assert all(lines for lines, op in zip(converted.lines, record.ops, strict=True) if op["r"] not in left_out)


def test_a_smaller_mapping_over_a_handle_leaves_a_name_for_the_rest():
    # 708: mmap h1 of 4 pages, mmap h1 of 4, mmap h1 of 2: pages 2 and 3 are still there.
    text = print_program(convert(programs()[708]).program)

    assert "m1_2 = mmap dev shared rw pages=2 offset=5 at=m1\n" in text


def test_a_refused_mapping_does_not_touch_the_handle():
    text = print_program(convert(programs()[708]).program)

    assert "m0_1 = mmap f shared rw pages=2 offset=4\n" in text
    assert "m0 = mmap dev shared rw pages=4 offset=4\n" in text


def test_the_state_is_watched_after_every_op():
    converted, calls = compiled(0)
    watched = [call.verb for call in calls.calls if call.op is None and call.line == converted.lines[0][0]]

    assert watched == ["rss", "smaps"]


def test_thirteen_kernels_are_there():
    assert len(kernels()) == 13


@pytest.mark.parametrize(
    ("kind", "text", "fields"),
    [
        ("load", "dev(1,0x120)", {"ret": "ok", "value": "0xde5f000000050120"}),
        ("load", "val(3)", {"ret": "ok", "value": "0x3"}),
        ("load", "zero", {"ret": "ok", "value": "0x0"}),
        ("load", "SIGSEGV/2", {"ret": "SIGSEGV", "code": "SEGV_ACCERR"}),
        ("write_pipe", "zero", {"ret": "ok", "bytes": 8, "data": "0x0"}),
        ("read_pipe", "ok:8", {"ret": "ok", "bytes": 8}),
        ("mremap_move", "ok:requested", {"ret": "ok", "at": "requested"}),
        ("mincore", "vec:01", {"ret": "ok", "vec": "01"}),
        ("exit", "status:0x9", {"ret": "ok", "status": "signal SIGKILL"}),
        ("fork", "ENOMEM", {"ret": "ENOMEM"}),
        ("store", "nohandle", None),
        ("store", "proc-dead", {"ret": "no-process"}),
    ],
)
def test_results_in_our_words(kind, text, fields):
    assert expect.result(kind, text) == fields


def test_a_result_that_nobody_explained_is_an_error():
    with pytest.raises(ValueError, match="golden result 'perhaps' of load"):
        expect.result("load", "perhaps")


def test_a_killed_process_died_of_the_signal_that_was_seen():
    assert expect.result("store", "died", "sig9") == {"ret": "died", "signal": "SIGKILL"}
    assert expect.result("store", "died", "yes") == {"ret": "died"}
