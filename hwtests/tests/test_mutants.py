# SPDX-License-Identifier: GPL-2.0-or-later
"""Would we see it if the simulator were wrong?  Every deliberate mistake, against everything that real kernels did.

The table: a mistake must be seen on the golden records, on the traces that travel with the catalogue, and on live
kernels. What one of them cannot see is said, with the reason.
"""

import pytest

from hwtests.__main__ import main
from hwtests.golden.check import check
from hwtests.golden.records import programs
from hwtests.judge import Verdict
from hwtests.recorded import read_recordings
from hwtests.targets.registry import make_target
from hwtests.tests.mutants import MUTANTS, apply
from hwtests.trace import read_traces
from hwtests.verdict import judge_trace

GOLDEN = ("uml-6.1", "uml-6.12", "qemu-6.1")
LIVE = ("uml:6.12", "qemu:6.1-amd64")
UNSEEN = {
    # All golden regions are /dev/mem, whose file offset is the pfn: the rewriting changes nothing there.
    ("golden", "maps-offset-stays-the-file-offset"),
}

# Seen at once: one program of the golden data, each.
QUICK = {
    "fork-does-not-write-protect": 8,
    "rss-counts-raw-pages": 0,
    "mremap-forgets-pgoff": 14,
    "copy-of-a-raw-page-is-zeros": 2,
    "zap-forgets-rss": 10,
    "split-forgets-pgoff": 12,
}


def seen_on_golden(ids=()):
    return next((f"{r.record.name}: {r.differences[0]}" for k in GOLDEN for r in check(k, ids) if r.differences), None)


def seen_on(traces):
    for trace in traces:
        verdict = judge_trace(trace).judgement
        if verdict.verdict is not Verdict.AGREE:
            return f"{trace.header.program.name} on {trace.header.target}: {verdict.why}"
    return None


@pytest.fixture(scope="module")
def recorded():
    return [trace for recording in read_recordings() for trace in recording.traces.values()]


@pytest.fixture(scope="module")
def live(tmp_path_factory):
    """What the live kernels do with the catalogue, now."""
    where = tmp_path_factory.mktemp("live")
    targets = [name for name in LIVE if make_target(name).probe() is None]
    if len(targets) < len(LIVE):
        pytest.skip(f"needs {' and '.join(LIVE)}; found {targets or 'neither'}; cure: pfnlab kernels fetch NAME")
    main(["run", "--quiet", "--results", str(where), *(word for name in targets for word in ("--on", name))])
    return [trace for file in sorted(where.glob("*/traces/*/*/*.observed.jsonl")) for trace in read_traces(file)]


@pytest.mark.parametrize("name", QUICK)
def test_a_mistake_is_seen_on_one_golden_program(name, monkeypatch):
    assert seen_on_golden([QUICK[name]]) is None
    apply(name, monkeypatch)

    assert seen_on_golden([QUICK[name]]) is not None


@pytest.mark.slow
@pytest.mark.parametrize("name", MUTANTS)
def test_a_mistake_is_seen_on_the_golden_records(name, monkeypatch):
    apply(name, monkeypatch)
    unseen = ("golden", name) in UNSEEN

    assert (seen_on_golden(sorted(programs())[::10] if unseen else ()) is None) == unseen


@pytest.mark.slow
@pytest.mark.parametrize("name", MUTANTS)
def test_a_mistake_is_seen_on_the_recorded_traces(name, monkeypatch, recorded):
    apply(name, monkeypatch)

    assert seen_on(recorded) is not None


@pytest.mark.slow
def test_without_a_mistake_the_recorded_traces_agree(recorded):
    assert recorded
    assert seen_on(recorded) is None


@pytest.mark.slow
@pytest.mark.parametrize("name", ["fork-does-not-write-protect", "rss-counts-raw-pages", "mremap-forgets-pgoff"])
def test_a_mistake_turns_a_run_on_sim_red(name, monkeypatch, tmp_path):
    assert main(["run", "--quiet", "--on", "sim", "--results", str(tmp_path), "fork", "rss", "vma"]) == 0
    apply(name, monkeypatch)

    assert main(["run", "--quiet", "--on", "sim", "--results", str(tmp_path), "fork", "rss", "vma"]) == 1


@pytest.mark.slow
@pytest.mark.real
def test_without_a_mistake_the_live_kernels_agree(live):
    assert live
    assert seen_on(live) is None


@pytest.mark.slow
@pytest.mark.real
@pytest.mark.parametrize("name", MUTANTS)
def test_a_mistake_is_seen_on_live_kernels(name, monkeypatch, live):
    apply(name, monkeypatch)

    assert seen_on(live) is not None
