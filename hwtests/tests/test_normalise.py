# SPDX-License-Identifier: GPL-2.0-or-later
"""Do raw observations become the normal forms of docs/internals.md, section 2?

`normalise_every_form.json` is what UML 6.12 did with a program of nearly every verb, as it came over the wire, and the
lines that a person read and found right; `normalise_beyond.json` the same of the calls beyond the mapping itself.
"""

from __future__ import annotations

import base64
import json
import struct
from dataclasses import dataclass
from pathlib import Path

import pytest

from hwtests.forms import PfnNames
from hwtests.language import compile_program, parse
from hwtests.language.nodes import Compiled
from hwtests.normalise import ARENA, Refusal, normalise
from hwtests.targets.proctext import parse_vmas
from native.wire import RawObs, Stage

GOLDEN = ("normalise_every_form.json", "normalise_beyond.json")
PAGE = 4096
PLACE = ARENA + 8 * PAGE  # of the first handle


@dataclass
class Case:
    """A program and what the agent said of its calls, one RawObs a call."""

    compiled: Compiled

    def obs(self, *raws: RawObs, pfn: int = 0) -> list[dict[str, object]]:
        names = PfnNames((("dev", pfn, 4),)) if pfn else PfnNames()
        return [line.obs for line in normalise(self.compiled, raws, names)]


def case(*operations: str) -> Case:
    text = "\n".join(["pfn 1", "region dev pages=4", "process p", *operations, ""])
    return Case(compile_program(parse(text, "case.pfn"), {"dev": 4}))


def raw(
    call: int, ret: int = 0, *, stage: Stage = Stage.CALL, at: int = 0, length: int = 0, payload: bytes = b""
) -> RawObs:
    return RawObs(call, stage, ret, handle_address=at, handle_length=length, payload=payload)


def mapped(call: int, at: int = PLACE, pages: int = 4) -> RawObs:
    return raw(call, at, at=at, length=pages * PAGE)


def fault(call: int, address: int, signal: int = 11, code: int = 1) -> RawObs:
    return RawObs(call, Stage.FAULT, 0, signal, code, address)


@pytest.mark.parametrize("name", GOLDEN)
def test_a_recorded_stream_gives_the_recorded_lines(name):
    golden = json.loads(Path(__file__).with_name(name).read_text())
    program = parse("\n".join(golden["program"]), "every-form.pfn")
    compiled = compile_program(program, golden["region_pages"])
    raws = [
        RawObs(call, Stage(stage), ret, signal, code, address, at, length, base64.b64decode(payload))
        for call, stage, ret, signal, code, address, at, length, payload in golden["raw"]
    ]

    lines = normalise(compiled, raws, PfnNames((("dev", golden["pfn"], golden["region_pages"]["dev"]),)))

    got = [{"process": line.process, "text": line.text, "obs": line.obs} for line in lines]
    assert golden["lines"] == got


def test_a_fault_is_told_relative_to_the_mapping_of_the_operation():
    program = case("p: m = mmap dev private rw", "p: load m[-1]+8")

    assert program.obs(mapped(0), fault(1, PLACE - PAGE + 8))[1] == {
        "ret": "SIGSEGV",
        "code": "SEGV_MAPERR",
        "addr": "m[-1]+0x8",
    }


def test_a_bus_error_says_its_code():
    program = case("p: m = mmap dev private rw", "p: load m[0]")

    assert program.obs(mapped(0), fault(1, PLACE, 7, 2))[1]["code"] == "BUS_ADRERR"


def test_a_moved_mapping_is_followed():
    program = case("p: m = mmap dev private rw", "p: mremap m fixed", "p: load m[0]")
    to = PLACE + 32 * PAGE

    moved = program.obs(mapped(0), mapped(1, to), fault(2, to + 5))

    assert moved[1] == {"ret": "ok", "at": "requested"}
    assert moved[2]["addr"] == "m[0]+0x5"


def test_a_failed_move_leaves_the_mapping_where_it_was():
    program = case("p: m = mmap dev private rw", "p: mremap m fixed", "p: load m[0]")

    failed = program.obs(mapped(0), raw(1, -14), fault(2, PLACE))

    assert failed[1] == {"ret": "EFAULT"}
    assert failed[2]["addr"] == "m[0]"


def test_a_forked_process_has_the_places_of_its_parent_at_that_time():
    program = case("p: m = mmap dev private rw", "p: q = fork", "p: mremap m fixed", "q: load m[0]", "p: load m[0]")
    to = PLACE + 32 * PAGE

    seen = program.obs(mapped(0), raw(1, 77), mapped(2, to), fault(3, PLACE), fault(4, to))

    assert [seen[3]["addr"], seen[4]["addr"]] == ["m[0]", "m[0]"]


def test_a_mapping_that_failed_still_names_its_place():
    program = case("p: m = mmap dev private rw", "p: load m[1]")

    failed = program.obs(raw(0, -22, at=PLACE, length=4 * PAGE), fault(1, PLACE + PAGE))

    assert failed == [{"ret": "EINVAL"}, {"ret": "SIGSEGV", "code": "SEGV_MAPERR", "addr": "m[1]"}]


def test_where_the_kernel_placed_a_mapping_is_told_only_when_it_was_free_to():
    free = case("p: m = mmap dev private rw at=any").obs(mapped(0, 0x7F0000000000))
    fixed = case("p: m = mmap dev private rw").obs(mapped(0))

    assert free == [{"ret": "ok", "at": "elsewhere"}]
    assert fixed == [{"ret": "ok"}]


@pytest.mark.parametrize(("signal", "name"), [(9, "SIGKILL"), (0, "?")])
def test_a_killed_process_says_by_what_if_that_is_known(signal, name):
    program = case("p: m = mmap dev private rw")

    assert program.obs(RawObs(0, Stage.DIED, 0, signal)) == [{"ret": "died", "signal": name}]


def test_a_process_that_is_no_more_does_nothing():
    assert case("p: rss").obs(raw(0, stage=Stage.NO_PROCESS)) == [{"ret": "no-process"}]


def test_a_file_that_could_not_be_opened_is_told_from_a_read_that_failed():
    program = case("p: m = mmap dev private rw", "p: mem_read p m[0] len=8", "p: mem_read p m[0] len=8")

    assert program.obs(mapped(0), raw(1, -13, stage=Stage.OPEN), raw(2, -5))[1:] == [
        {"ret": "EACCES", "stage": "open"},
        {"ret": "EIO"},
    ]


def test_a_short_read_shows_what_came():
    program = case("p: m = mmap dev private rw", "p: mem_read p m[0] len=8")

    assert program.obs(mapped(0), raw(1, 2, payload=b"\x41\x42"))[1] == {"ret": "ok", "bytes": 2, "data": "0x4241"}


def test_pfns_of_the_region_have_names_and_others_have_none():
    program = case("p: m = mmap dev private rw", "p: pagemap m[0:3]")
    entries = [1 << 63 | 1 << 61 | 0x100, 1 << 63 | 0x999, 0]
    payload = b"".join(entry.to_bytes(8, "little") for entry in entries)

    assert program.obs(mapped(0), raw(1, payload=payload), pfn=0x100)[1]["pages"] == [
        "present file dev[0]",
        "present anon",
        "none",
    ]


def test_lines_end_where_the_time_limit_was_hit():
    program = case("p: rss", "p: rss")

    assert len(program.obs(raw(0, payload=bytes(32)), raw(1, stage=Stage.NOT_RUN))) == 1


def test_a_refusal_is_no_observation():
    with pytest.raises(Refusal, match=r"line 4: rss: .*EPERM"):
        case("p: rss").obs(raw(0, -1, stage=Stage.REFUSED))


def test_sizes_and_flags_of_every_vma_are_read():
    text = (
        "1000-3000 rw-p 2d5e3000 00:05 7 /dev/mem (deleted)\nSize: 8 kB\nRss:  4 kB\nTHPeligible: 0\n"
        "VmFlags: rd wr pf\n"
        "3000-4000 r--s 00000000 00:00 0 \nSize: 4 kB\n"
    )

    first, second = parse_vmas(text)

    assert (first.start, first.end, first.offset, first.name) == (0x1000, 0x3000, 0x2D5E3000, "/dev/mem (deleted)")
    assert (first.sizes, first.flags) == ({"Size": 8, "Rss": 4}, ("rd", "wr", "pf"))
    assert (second.perms, second.flags) == ("r--s", None)


def driver(program: str, payload: bytes) -> dict[str, object]:
    return case("p: m = mmap dev private rw", program).obs(mapped(0), raw(1, payload=payload), pfn=0x100)[1]


def test_ptes_say_which_page_they_map_and_how():
    entries = [(0x101, 1 | 2 | 4 | 8 | 16), (0x999, 1 | 8), (0, 0), (7, 64), (0x102, 1 | 32)]
    payload = b"".join(struct.pack("<QII", pfn, bits, 0) for pfn, bits in entries)

    told = ["dev[1] write dirty young special", "anon young", "none", "swap", "dev[2] huge"]
    assert driver("p: ptes m", payload) == {"ret": "ok", "ptes": told}


def test_a_page_without_a_struct_page_has_no_counts():
    payload = struct.pack("<iiQ", 3, 1, 1 << 11 | 1 << 32) + b"\xff" * 16

    assert driver("p: page_state m[0:2]", payload) == {
        "ret": "ok",
        "refcount": [3, None],
        "mapcount": [1, None],
        "flags": ["mmap reserved", None],
    }


def test_a_vma_is_told_from_where_its_mapping_starts():
    payload = struct.pack("<QQQQ", PLACE + PAGE, PLACE + 3 * PAGE, 0x101, 1 | 2 | 1 << 8 | 1 << 10)

    assert driver("p: vma m", payload) == {
        "ret": "ok",
        "vmas": [{"first": 1, "pages": 2, "pgoff": "dev[1]", "flags": "read write pfnmap io"}],
    }


def test_a_driver_that_is_not_there_is_told_from_one_that_refuses():
    program = case("p: m = mmap dev private rw", "p: vma m")

    assert program.obs(mapped(0), raw(1, -2, stage=Stage.OPEN))[1] == {"ret": "ENOENT", "stage": "open"}


def test_a_fresh_place_is_the_one_in_the_machines_own_arena():
    compiled = case("p: m = mmap dev private rw", "p: n = mremap m maymove fixed").compiled
    arena, fresh = 0x10000000, compiled.calls[1].args[6]
    raws = [
        RawObs(0, Stage.CALL, arena + 8 * PAGE, handle_address=arena + 8 * PAGE, handle_length=4 * PAGE),
        RawObs(1, Stage.CALL, arena + fresh, handle_address=arena + fresh, handle_length=4 * PAGE),
    ]

    assert normalise(compiled, raws, PfnNames(), arena)[1].obs == {"ret": "ok", "at": "requested"}
