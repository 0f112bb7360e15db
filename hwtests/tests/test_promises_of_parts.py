# SPDX-License-Identifier: GPL-2.0-or-later
"""A promise of a vma, of a range or of a core's segment: counts are summed, the rest must hold of each part."""

from typing import Any

import pytest

from hwtests.language import compile_program, parse
from hwtests.promises import check_promises
from hwtests.trace import Header, Kernel, Line, ProgramId, Trace

SEGMENTS = {
    "ret": "died",
    "signal": "SIGABRT",
    "segments": [
        {"first": 0, "pages": 2, "perms": "rw-", "file": 0, "data": ""},
        {"first": 2, "pages": 1, "perms": "r--", "file": 1, "data": "0x0*4096"},
    ],
}
RANGES = {"ret": "ok", "ranges": [{"first": 1, "pages": 2, "is": "written present"}]}
NUMA = {
    "ret": "ok",
    "vmas": [{"first": 0, "policy": "default", "anon": 2, "dirty": {"any": [1, 2]}, "mapped": 0, "N0": 2}],
}


def held(operation: str, promise: str, obs: dict[str, Any]) -> bool | None:
    head = "pfn 1\nregion dev pages=4\nprocess p\np: m = mmap dev private rw"
    text = f"{head}\np: {operation} # promise: {promise} ; x.c f()\n"
    compiled = compile_program(parse(text, "x.pfn"), {"dev": 4})
    lines = [
        Line(op=call.index, line=call.line, process="p", text=call.text, obs=obs if call.index else {"ret": "ok"})
        for call in compiled.calls
    ]
    header = Header(
        trace=1, program=ProgramId("x", "", text), target="t", kernel=Kernel("6.12", "", "x86_64", "x86_64"),
        page_size=4096, uid=0, caps="all", tool="t",
    )  # fmt: skip
    return check_promises(compiled, Trace(header, lines, None), "kernel")[0].held


@pytest.mark.parametrize(
    ("operation", "obs", "promise", "expected"),
    [
        ("coredump m", SEGMENTS, "segments=2", True),
        ("coredump m", SEGMENTS, "pages=3", True),
        ("coredump m", SEGMENTS, "file=1", True),
        ("coredump m", SEGMENTS, "file=0", False),
        ("coredump m", SEGMENTS, "signal=SIGABRT", True),
        ("coredump m", SEGMENTS, "died", True),
        ("coredump m", SEGMENTS, "perms=rw-", False),
        ("pagemap_scan m", RANGES, "ranges=1", True),
        ("pagemap_scan m", RANGES, "ranges=0", False),
        ("pagemap_scan m", RANGES, "is=+present -file", True),
        ("pagemap_scan m", RANGES, "first=1", True),
        ("pagemap_scan m", {"ret": "ENOTTY"}, "ENOTTY", True),
        ("pagemap_scan m", {"ret": "ENOTTY"}, "ranges=0", False),
        ("numa_maps m", NUMA, "anon=2", True),
        ("numa_maps m", NUMA, "dirty=2", False),
        ("numa_maps m", NUMA, "dirty=1..2", True),
        ("numa_maps m", NUMA, "policy=default", True),
    ],
)  # fmt: skip
def test_a_promise_of_parts(operation, obs, promise, expected):
    assert held(operation, promise, obs) is expected
