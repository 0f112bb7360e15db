# SPDX-License-Identifier: GPL-2.0-or-later
"""Where does a trace of a converted program differ from what a golden kernel did?

The trace is the simulator's (allowed values) or a live kernel's; a golden record fixes some fields of some calls:
results, the state of every process after each op, the final contents. Not compared, as data/FORMAT.md advises:
`Referenced`, paths that were flaky, and on kernels before 2.6.28 which of Shared_* and Private_* a page is in.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from hwtests.golden import expect
from hwtests.golden.convert import Converted
from hwtests.golden.records import GoldenProgram, Record
from hwtests.judge import allowed_values
from hwtests.language.nodes import Call, Compiled

Obs: TypeAlias = dict[str, Any]

NOT_COMPARED = frozenset({"Referenced"})
# page_count is one more while the page sits in a per-CPU pagevec: Shared_* or Private_* is chance there.
SUMMED = {"Shared_Clean": "Private_Clean", "Shared_Dirty": "Private_Dirty"}


@dataclass(frozen=True, slots=True)
class Difference:
    """One field: what the golden kernel gave, and what the trace has (`allowed` may be a set)."""

    op: int  # index of the golden op; len(ops) after the final reads
    kind: str  # of that op; `final`
    process: str
    field: str
    golden: Any
    ours: Any

    def __str__(self) -> str:
        return f"op {self.op} {self.kind}, {self.process} {self.field}: golden {self.golden!r}, here {self.ours!r}"

    @property
    def cause(self) -> str:
        """What differences of one cause have in common."""
        return f"{self.kind}: {self.field}"


def differences(
    golden: GoldenProgram, record: Record, converted: Converted, compiled: Compiled, observed: Sequence[Obs]
) -> Iterator[Difference]:
    """Every difference, in the order of the program. `observed[i]` is the observation of `compiled.calls[i]`."""
    calls = _Calls(compiled, observed)
    old = record.kernel.startswith("2.6.")
    states, unseen = _states(golden, record), _unseen(golden, record)
    for i, (op, did, lines) in enumerate(zip(golden.ops, record.ops, converted.lines, strict=True)):
        where = (i, op["op"], str(op.get("proc", "-")))
        death = (did.get("death") or {}).get(op.get("proc"))
        wanted = expect.result(op["op"], did["r"], death)
        if lines and wanted is not None:
            number = lines[-1] if op["op"] == "exit" and wanted["ret"] == "ok" else lines[0]
            yield from _fields(where, "", wanted, calls.main[number])
        if not lines and wanted not in (None, {"ret": "no-process"}):
            yield Difference(*where, "ret", did["r"], "left out")
        if lines:
            shown = calls.after[lines[-1]]
            flaky = _flaky(record, f"/ops/{i}/")
            yield from _state(where, states[i], converted.handles[i], record, shown, flaky, old, unseen[i])
    end = len(golden.ops)
    for key, pages in record.final["mem"].items():
        read = converted.final[key[0], int(key[1:])]
        for page, (words, numbers) in enumerate(zip(pages, read, strict=False)):
            yield from _words(end, key[0], f"{key}[{page}]", words, numbers, calls)
    for page, (words, numbers) in enumerate(zip(record.final["region"], converted.region, strict=True)):
        yield from _words(end, "-", f"region[{page}]", words, numbers, calls)
    shown = calls.after[converted.region[-1][-1]]
    flaky = _flaky(record, "/final/")
    yield from _state((end, "final", "-"), states[end], converted.handles[-1], record, shown, flaky, old, unseen[-1])


class _Calls:
    """The observations by line: of the op itself, and of what `watch` asked after it, as (call, obs)."""

    def __init__(self, compiled: Compiled, observed: Sequence[Obs]) -> None:
        self.main: dict[int, Obs] = {}
        self.after: dict[int, list[tuple[str, str, str, Obs]]] = {}
        line = 0
        for call, obs in zip(compiled.calls, observed, strict=True):
            if call.op is not None:
                line = call.line
                self.main[line] = obs
                self.after[line] = []
            else:
                self.after[line].append(_watched(call, compiled, obs))


def _watched(call: Call, compiled: Compiled, obs: Obs) -> tuple[str, str, str, Obs]:
    # (process, what, mapping, obs)
    mapping = compiled.handles[call.args[0]] if call.verb == "smaps" else ""
    return compiled.processes[call.proc], call.verb, mapping, obs


def _states(golden: GoldenProgram, record: Record) -> list[dict[str, Any]]:
    # A process that ended has no state any more, though the record says so of few; of one whose parent was killed
    # nothing is known.
    gone: dict[str, Any] = {}
    lost: set[str] = set()
    states = []
    for i, state in enumerate(record.states()):
        did = record.ops[i] if i < len(record.ops) else {}
        for process in did.get("death") or {}:
            gone[process] = None
            lost |= _children(process)
        if did.get("op") == "exit" and did["r"].startswith("status:"):
            gone[golden.ops[i]["proc"]] = None
        states.append({p: s for p, s in {**state, **gone}.items() if p not in lost})
    return states


def _unseen(golden: GoldenProgram, record: Record) -> list[set[tuple[str, int]]]:
    # A handle that a growing mremap moved lies in no slot of the executor's, so its vmas were not recorded.
    unseen: set[tuple[str, int]] = set()
    after = []
    for op, did in zip(golden.ops, record.ops, strict=True):
        if did["r"] == "ok:elsewhere":
            unseen = unseen | {(op["proc"], op["h"])}
        elif op["op"] == "mremap_move" and did["r"] == "ok:requested":
            unseen = unseen - {(op["proc"], op["h"])}
        elif op["op"] == "fork":
            child = {"A": "B", "B": "C"}.get(op["proc"], "")
            unseen = unseen | {(child, h) for process, h in unseen if process == op["proc"]}
        after.append(unseen)
    return after


def _children(process: str) -> set[str]:
    return {"A": {"B", "C"}, "B": {"C"}, "C": set()}[process]


def _flaky(record: Record, prefix: str) -> bool:
    return any(path.startswith(prefix) for path in record.flaky)


def _words(
    end: int, process: str, field: str, words: Sequence[str], lines: Sequence[int], calls: _Calls
) -> Iterator[Difference]:
    for word, number in zip(words, lines, strict=True):
        wanted = expect.result("load", word)
        assert wanted is not None
        yield from _fields((end, "final", process), field + ".", wanted, calls.main[number])


def _state(
    where: tuple[int, str, str], states: dict[str, Any], handles: dict[str, dict[int, tuple[str, ...]]], record: Record,
    watched: list[tuple[str, str, str, Obs]], flaky: bool, old: bool, unseen: set[tuple[str, int]],
) -> Iterator[Difference]:  # fmt: skip
    op, kind, _ = where
    for process, state in states.items():
        mine = {(what, mapping): obs for p, what, mapping, obs in watched if p == process}
        here = (op, kind, process)
        if not mine:  # a process that exited is not watched any more
            if state is not None:
                yield Difference(*here, "state", "alive", "not watched")
            continue
        rss = mine["rss", ""]
        if state is None:
            yield from _fields(here, "state.", {"ret": "no-process"}, rss)
            continue
        counts = {"RssAnon": "anon", "RssFile": "file", "VmSize": "size", "VmLck": "lck"}
        yield from _fields(here, "", {"ret": "ok", **{name: state[key] for name, key in counts.items()}}, rss)
        if rss["ret"] != "ok":
            continue
        table = handles.get(process, {})
        for entry in state["vmas"]:
            if entry[0] not in table:
                yield Difference(*here, f"h{entry[0]}.vmas", entry[1:5], "no such handle")
        for h, names in table.items():
            golden = [expect.vma(entry, record.fields) for entry in state["vmas"] if entry[0] == h]
            gone = (process, h) in unseen
            shown = [mine["smaps", name].get("vmas", []) for name in names[gone:] if ("smaps", name) in mine]
            yield from _vmas(here, f"h{h}", golden, shown, flaky, old, moved=gone or len(shown) > 1)


def _vmas(
    where: tuple[int, str, str], name: str, golden: list[Obs], shown: list[list[Obs]], flaky: bool, old: bool,
    *, moved: bool,
) -> Iterator[Difference]:  # fmt: skip
    # Older names of a handle show what a smaller mapping left, and the newest name's vmas once more.
    ours = list(shown[0]) if shown else []
    for vmas in shown[1:]:
        ours += [vma for vma in vmas if vma not in ours]
    # When it moved, what was left of it and what was moved count `first` from different places.
    keys = ("pages", "perms", "offset") if moved else ("first", "pages", "perms", "offset")
    layout_golden, layout_ours = ([tuple(v[k] for k in keys) for v in vmas] for vmas in (golden, ours))
    if moved:
        layout_golden.sort()
        layout_ours.sort()
    if layout_golden != layout_ours:
        yield Difference(*where, f"{name}.vmas", layout_golden, layout_ours)
        return
    if moved:
        golden, ours = (sorted(vmas, key=lambda v: tuple(v[k] for k in keys)) for vmas in (golden, ours))
    for mine, theirs in zip(ours, golden, strict=True):
        at = f"{name}[{theirs['first']}]."
        for field, value in theirs.items():
            if field in NOT_COMPARED or field in keys or field == "first":
                continue
            got = mine.get(field)
            if old and (field in SUMMED or field in SUMMED.values()):
                if field in SUMMED:
                    other = SUMMED[field]
                    value, got = _sum(value, theirs[other]), _sum(got, mine.get(other))
                    if not _allowed(value, got):
                        yield Difference(*where, at + f"{field}+{other}", value, got)
                continue
            if flaky and field in ("Pss", "Pss_Dirty"):
                continue
            if not _allowed(value, got):
                yield Difference(*where, at + field, value, got)


def _sum(a: Any, b: Any) -> Any:
    return a + b if isinstance(a, int) and isinstance(b, int) else (a, b)


def _fields(where: tuple[int, str, str], prefix: str, wanted: Obs, got: Obs) -> Iterator[Difference]:
    for field, value in wanted.items():
        if not _allowed(value, got.get(field)):
            yield Difference(*where, prefix + field, value, got.get(field))
            if field == "ret":
                return  # what a failed call lacks is no second difference


def _allowed(value: Any, allowed: Any) -> bool:
    values = allowed_values(allowed)
    return values is not None and value in values
