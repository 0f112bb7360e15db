# SPDX-License-Identifier: GPL-2.0-or-later
"""A results directory with one result of every verdict: what the tests of reports are about."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from hwtests.results import Difference, PromiseResult, Result, ResultsDir
from hwtests.trace import End, Header, Kernel, Line, ProgramId, Trace

TEXT = """\
pfn 1
# A private write is copied; the device page stays as it was.
rule cow.private-write-copies
region dev pages=4 fill=0x5a
process p

p: m = mmap dev private rw
p: store m[1] 0x41
p: load m[1]              # promise: 0x41 ; mm/memory.c wp_page_copy()
p: smaps m
peek dev[1]               # promise: 0x5a ; the device's own view, <from> outside
"""


def trace(program: str, target: str, peeked: str = "0x5a", rules: tuple[str, ...] = ()) -> Trace:
    """A trace of TEXT; with `rules` an allowed one."""
    vma = {"first": 0, "pages": 4, "perms": "rw-p", "offset": "dev[0]", "Rss": 1, "Swap": 0, "VmFlags": "rd wr mr"}
    calls: list[tuple[int, str | None, str, dict[str, Any]]] = [
        (7, "p", "m = mmap dev private rw", {"ret": "ok"}),
        (8, "p", "store m[1] 0x41", {"ret": "ok"}),
        (9, "p", "load m[1]", {"ret": "ok", "value": "0x41"}),
        (10, "p", "smaps m", {"ret": "ok", "vmas": [vma]}),
        (11, None, "peek dev[1]", {"ret": "ok", "value": peeked}),
    ]
    return Trace(
        Header(
            trace=1,
            program=ProgramId(program, "00", TEXT),
            target=target,
            kernel=Kernel("6.12.101", "#1", "x86_64", "um"),
            page_size=4096,
            uid=0,
            caps="all",
            tool="pfnlab 0",
        ),
        [
            Line(op=op, line=line, process=process, text=text, obs=obs, rules=list(rules))
            for op, (line, process, text, obs) in enumerate(calls)
        ],
        End(klog=["a line of the kernel's <log>"], taint=0),
    )


def fill(kept: ResultsDir) -> list[Result]:
    """Write run.json, traces, a console and one result of every verdict on `uml:6.12`, and one on `sim`."""
    promise = PromiseResult(line=9, op=2, text="value=0x41", held=True, citation="mm/memory.c wp_page_copy()")
    broken = Difference(
        kind="observation",
        line=11,
        op=4,
        text="peek dev[1]",
        field="value",
        observed="0x41",
        allowed=["0x5a"],
        rules=["cow.private-write-copies"],
    )
    silent = Difference(kind="unpredicted", line=10, op=3, text="smaps m", field="Rss", observed="1", allowed=[])
    kept.write_text("console/uml-6.12.1.txt", "Kernel panic - not syncing: <Oops>\n")
    common: dict[str, Any] = {
        "hash": "00",
        "target": "uml:6.12",
        "kernel": "6.12.101",
        "region": "mmapper",
        "seconds": 0.006,
    }
    made: list[tuple[str, dict[str, Any]]] = [
        ("cow-copies", {"theme": "cow", "verdict": "agree", "promises": [promise]}),
        ("cow-leaks", {"theme": "cow", "verdict": "mismatch", "differences": [broken]}),
        ("fork-silent", {"theme": "fork", "verdict": "unpredicted", "differences": [silent]}),
        (
            "fork-oops",
            {"theme": "fork", "verdict": "crash", "why": "the kernel said: Oops", "console": "console/uml-6.12.1.txt"},
        ),
        ("fork-stuck", {"theme": "fork", "verdict": "timeout", "why": "no end after 10 s; the kernel lives"}),
        (
            "gup-mmio",
            {
                "theme": "gup",
                "verdict": "skip",
                "needs": "dev.no-struct-page",
                "found": "mmapper has a struct page for every page",
                "cure": "run it on qemu:6.1-amd64, region bar",
            },
        ),
        ("gup-lost", {"theme": "gup", "verdict": "error", "why": "the kernel went without a word"}),
    ]
    results: list[Result] = []
    for program, more in made:
        given = {**common, **more}
        if more["verdict"] in ("agree", "mismatch"):
            seen = trace(program, "uml:6.12", "0x41" if more["verdict"] == "mismatch" else "0x5a")
            given["trace"] = kept.write_trace("observed", seen, "mmapper")
            given["allowed"] = kept.write_trace(
                "allowed", trace(program, "uml:6.12", rules=("cow.private-write-copies",)), "mmapper"
            )
        results.append(Result(program=program, **given))
    on_sim: dict[str, Any] = {
        "hash": "00",
        "target": "sim",
        "kernel": "",
        "region": "",
        "seconds": 0.001,
        "promises": [promise],
    }
    recorded = {"accepted": 3, "stale": 1}
    results.append(
        Result(
            program="cow-copies",
            verdict="agree",
            recorded=recorded,
            recorded_kernels=["6.1.176", "6.12.101"],
            **on_sim,
        )
    )
    for result in results:
        kept.append(result)
    kept.write_json(
        "run.json",
        {
            "run": 1,
            "tool": "pfnlab 0",
            "started": "2026-11-24T14:00:00Z",
            "seed": None,
            "inventory": {"host": "lab", "kernel": {"release": "6.18"}, "cpu": {"model": "A", "mitigations": {}}},
            "targets": [{"name": "uml:6.12", "kernel": {"release": "6.12.101"}}, {"name": "sim"}],
            "planned": [*(result.key for result in results), ["vma-never", "uml:6.12", "mmapper"]],
        },
    )
    return results


def sample(root: Path) -> Path:
    """Make the directory; returns its path."""
    kept = ResultsDir.create(root, "lab")
    fill(kept)
    kept.close()
    return kept.path
