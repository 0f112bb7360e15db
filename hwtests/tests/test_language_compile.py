# SPDX-License-Identifier: GPL-2.0-or-later
# ruff: noqa: E501 - a case a line reads better than one wrapped
"""The numbers of a program's calls, worked out by hand from docs/internals.md."""

from __future__ import annotations

import pytest

from hwtests.language import ProgramError, compile_program, parse, process_settings, region_settings
from hwtests.language.verbs import VERBS

HEAD = "pfn 1\nregion dev pages=4\nprocess p\n"
P = 4096
PLACE0 = 8 * P  # stride 32: place i is at (32 * i + 8) pages
PLACE1 = 40 * P
PLACE2 = 72 * P


def compiled(body, head=HEAD, pages=None, page_size=P):
    return compile_program(parse(head + body), pages or {"dev": 4}, page_size)


def args(body, **settings):
    """The arguments of the last call."""
    return compiled(body, **settings).calls[-1].args


MMAP = "p: m = mmap dev private rw\n"
FORK = MMAP + "p: q = fork\n"

ARGUMENTS = [
    ("p: f = open dev ro\n", (0, 0)),
    ("p: f = open dev rw sync\n", (0, 0x101002)),
    ("p: f = open dev wo\np: close f\n", (0,)),
    (MMAP, (1, 0, 3, 0x12, -3, PLACE0, 4 * P, 0)),
    ("p: m = mmap anon shared r pages=2\n", (0, 0, 1, 0x31, -3, PLACE0, 2 * P, 0)),
    ("p: f = open dev rw\np: m = mmap f private none offset=1+8\n", (2, 0, 0, 0x12, -3, PLACE0, 4 * P, P + 8)),
    ("p: m = mmap dev shared rwx populate locked noreserve\n", (1, 0, 7, 0xE011, -3, PLACE0, 4 * P, 0)),
    ("p: m = mmap dev shared w at=any\n", (1, 0, 2, 0x1, -1, 0, 4 * P, 0)),
    ("p: m = mmap dev shared w flags=0x100 pages=0\n", (1, 0, 2, 0x111, -3, PLACE0, 0, 0)),
    (MMAP + "p: n = mmap dev private x at=m[4]-0x10\n", (1, 0, 4, 0x12, 0, 4 * P - 16, 4 * P, 0)),
    (MMAP + "p: n = mmap dev private r at=0x20000\n", (1, 0, 1, 0x12, -1, 0x20000, 4 * P, 0)),
    (MMAP + "p: n = mmap dev private r\n", (1, 0, 1, 0x12, -3, PLACE1, 4 * P, 0)),
    ("p: m = map dev\n", (0, -3, PLACE0, 0)),
    ("p: m = map dev pages=2\n", (0, -3, PLACE0, 2 * P)),
    (MMAP + "p: munmap m\n", (0, 0, -1)),
    (MMAP + "p: munmap m+8\n", (0, 8, -1)),
    (MMAP + "p: munmap m[1]\n", (0, P, P)),
    (MMAP + "p: munmap m[-1:3]-8\n", (0, -P - 8, 4 * P)),
    (MMAP + "p: munmap m[1] len=100\n", (0, P, 100)),
    (MMAP + "p: mprotect m[0:2] rx\n", (0, 0, 2 * P, 5)),
    (MMAP + "p: mprotect m 0x1000000\n", (0, 0, -1, 0x1000000)),
    (MMAP + "p: mremap m pages=2\n", (0, 0, -1, 2 * P, 0, -1, 0)),
    (MMAP + "p: mremap m pages=5 maymove\n", (0, 0, -1, 5 * P, 1, -1, 0)),
    (MMAP + "p: mremap m fixed\n", (0, 0, -1, -1, 3, -3, PLACE1)),
    (MMAP + "p: n = mremap m[1:2] pages=1 fixed\n", (0, P, P, P, 3, -3, PLACE2)),
    (MMAP + "p: mremap m pages=4 fixed to=m[8]\n", (0, 0, -1, 4 * P, 3, 0, 8 * P)),
    (MMAP + "p: mremap m pages=4 dontunmap\n", (0, 0, -1, 4 * P, 5, -1, 0)),
    (MMAP + "p: mremap m len=0 pages=4 maymove\n", (0, 0, 0, 4 * P, 1, -1, 0)),
    (MMAP + "p: mremap m flags=2\n", (0, 0, -1, -1, 2, -3, PLACE1)),
    (MMAP + "p: madvise m populate_write\n", (0, 0, -1, 23)),
    (MMAP + "p: madvise m guard_install\n", (0, 0, -1, 102)),
    (MMAP + "p: madvise m[1] 999\n", (0, P, P, 999)),
    (MMAP + "p: mlock m\n", (0, 0, -1, 0)),
    (MMAP + "p: mlock m onfault\n", (0, 0, -1, 1)),
    (MMAP + "p: munlock m\n", (0, 0, -1)),
    (MMAP + "p: msync m async invalidate\n", (0, 0, -1, 3)),
    (MMAP + "p: msync m flags=8 sync\n", (0, 0, -1, 12)),
    (MMAP + "p: mincore m[3]\n", (0, 3 * P, P)),
    ("p: exit\n", (0,)),
    ("p: exit 3\n", (3,)),
    (FORK, ()),
    (FORK + "p: wait q\n", (1,)),
    (MMAP + "p: load m\n", (0, 0, 1)),
    (MMAP + "p: load page m[1]\n", (0, P, 0)),
    (MMAP + "p: load u64 m[4]-8\n", (0, 4 * P - 8, 8)),
    (MMAP + "p: load 0xffffffffffffffff\n", (-1, -1, 1)),
    (MMAP + "p: store m[1] 0x41\n", (0, P, 1, 0, 0x41)),
    (MMAP + "p: store u64 m 0xffffffffffffffff\n", (0, 0, 8, 0, -1)),
    (MMAP + "p: store u64 m 0x8000000000000000\n", (0, 0, 8, 0, -(1 << 63))),
    (MMAP + "p: v = load m\np: w = load m\np: store u16 m[2] w\n", (0, 2 * P, 2, 1, 1)),
    (FORK + "p: peekdata q m[1]+8\n", (1, 0, P + 8)),
    (FORK + "p: pokedata q m[1] 5\n", (1, 0, P, 0, 5)),
    (FORK + "p: mem_read q m[1]\n", (1, 0, P, 8)),
    (FORK + "q: mem_read p m[1] len=9000\n", (0, 0, P, 9000)),
    (FORK + "p: mem_write q m[1] 5 len=16\n", (1, 0, P, 16, 0, 5)),
    (FORK + "p: vm_readv q 0x10 len=16\n", (1, -1, 16, 16)),
    (FORK + "p: vm_writev q m 5\n", (1, 0, 0, 8, 0, 5)),
    (MMAP + "p: write m[1] len=3\n", (0, P, 3)),
    (MMAP + "p: read m[1] 7 len=3\n", (0, P, 3, 0, 7)),
    ("peek dev[1]\n", (0, P, 1)),
    ("peek page dev[1]\n", (0, P, 0)),
    ("poke u32 dev+12 9\n", (0, 12, 4, 0, 9)),
    (MMAP + "p: smaps m\n", (0,)),
    (MMAP + "p: maps m\n", (0,)),
    ("p: rss\n", ()),
    (MMAP + "p: pagemap m[0:2]\n", (0, 0, 2 * P)),
    ("kpagecount dev\n", (0, 0, 0, 4)),
    ("kpagecount dev[2]\n", (0, 0, 2, 1)),
    ("kpageflags dev[1:3]\n", (0, 0, 1, 2)),
    (MMAP + "p: kpageflags m[1:3]\n", (1, 0, P, 2 * P)),
    (MMAP + "p: ptes m[1:3]\n", (0, P, 2 * P)),
    ("page_state dev[1:3]\n", (0, 0, 1, 2)),
    (MMAP + "p: page_state m\n", (1, 0, 0, -1)),
    (MMAP + "p: vma m\n", (0,)),
    (MMAP + "p: vmsplice m[1] len=16\n", (0, P, 16)),
    ("p: mlockall current onfault\n", (5,)),
    ("p: mlockall flags=8\n", (8,)),
    ("p: munlockall\n", ()),
    ("p: f = open dev rw\np: fsync f\n", (0,)),
    (FORK + "p: process_madvise q m[1] cold\n", (1, 0, P, P, 20)),
    (FORK + "q: process_madvise p m 21 len=8\n", (0, 0, 0, 8, 21)),
    (MMAP + "p: mseal m\n", (0, 0, -1)),
    (MMAP + "p: remap_file_pages m[0] dev[2]\n", (0, 0, P, 0, 2 * P)),
    (MMAP + "p: mbind m bind strict move\n", (0, 0, -1, 2, 3)),
    (MMAP + "p: mbind m[1] default\n", (0, P, P, 0, 0)),
    (MMAP + "p: move_pages m[0:2]\n", (0, 0, 2 * P, -1)),
    (MMAP + "p: move_pages m to=0\n", (0, 0, -1, 0)),
    (MMAP + "p: futex_wait m[1]+4 7\n", (0, P + 4, 0, 7, 0)),
    (MMAP + "p: v = load u32 m\np: futex_wait m v private\n", (0, 0, 1, 0, 1)),
    (MMAP + "p: futex_wake m[1] private\n", (0, P, 1)),
    (MMAP + "p: uffd_register m missing wp\n", (0, 0, -1, 3)),
    (MMAP + "p: uffd_register m[1] minor\n", (0, P, P, 4)),
    ("p: clear_refs 4\n", (4,)),
    (MMAP + "p: read_zero m[1] len=16384\n", (0, P, 16384)),
    (MMAP + "p: direct_write m[1]\n", (0, P, P)),
    (MMAP + "p: direct_read m[1] 0x41 len=512\n", (0, P, 512, 0, 0x41)),
    (MMAP + "p: call m[1]\n", (0, P)),
    (MMAP + "p: pagemap_scan m[1:3]\n", (0, P, 2 * P)),
    ("p: rollup\n", ()),
    (MMAP + "p: numa_maps m\n", (0,)),
    (MMAP + "p: coredump m\n", (0, 0x33)),
    (MMAP + "p: coredump m filter=0x1ff\n", (0, 0x1FF)),
    ("p: exec\n", ()),
    ("release dev[2]\n", (0, 2 * P)),
]


@pytest.mark.parametrize(("body", "expected"), ARGUMENTS, ids=[body.splitlines()[-1] for body, _ in ARGUMENTS])
def test_the_arguments_of_a_call(body, expected):
    assert args(body) == expected


def test_every_verb_is_compiled_here():
    assert {compiled(body).calls[-1].verb for body, _ in ARGUMENTS} == {
        verb.call or verb.name for verb in VERBS.values()
    }


def test_names_become_slots_in_order_of_first_appearance():
    program = compiled(
        "p: b = mmap dev private rw\np: a = mmap dev private rw\np: q = fork\nq: v = load a\np: w = load b\n",
        HEAD + "process r\n",
    )

    assert (program.processes, program.roots) == (("p", "r", "q"), (0, 1))
    assert (program.handles, program.values, program.regions) == (("b", "a"), ("v", "w"), ("dev",))
    assert [(call.proc, call.result) for call in program.calls] == [(0, 0), (0, 1), (0, 2), (2, 0), (0, 1)]


def test_a_call_knows_its_line_and_its_text():
    call = compiled("\n" + MMAP + "p:  v =  load   m[1]+0x8 # why\n").calls[1]

    assert (call.index, call.line, call.text, call.verb) == (1, 6, "v = load m[1]+0x8", "load")


@pytest.mark.parametrize(
    ("pages", "stride"), [(1, 32), (8, 32), (9, 64), (24, 64), (25, 128), (1000, 2048)]
)  # fmt: skip
def test_the_stride_is_a_power_of_two_with_room_for_holes(pages, stride):
    assert compiled(f"p: m = mmap dev shared r pages={pages}\n").stride == stride


def test_the_stride_follows_mremap_and_a_region_that_is_mapped_whole():
    assert compiled(MMAP + "p: mremap m pages=30 maymove\n").stride == 128
    assert compiled("p: m = map dev\n", pages={"dev": 60}).stride == 256
    assert compiled(MMAP, "pfn 1\nregion dev\nprocess p\n", {"dev": 60}).stride == 256


def test_a_region_that_says_no_size_is_mapped_whole():
    assert args(MMAP, head="pfn 1\nregion dev\nprocess p\n", pages={"dev": 7})[6] == 7 * P


def test_the_page_size_scales_every_byte():
    assert args(MMAP + "p: munmap m[1:3]+8\n", page_size=16384) == (0, 16384 + 8, 2 * 16384)
    assert args(MMAP, page_size=16384)[5:7] == (8 * 16384, 4 * 16384)


def test_repeat_runs_its_lines_again_and_nests():
    program = compiled(MMAP + "repeat 2\np: load m[1]\nrepeat 3\np: load m[2]\nend\nend\np: load m[3]\n")

    assert [call.line for call in program.calls] == [4, *[6, 8, 8, 8] * 2, 11]
    assert [call.index for call in program.calls] == list(range(10))


def test_a_fresh_place_is_given_out_once():
    program = compiled(MMAP + "repeat 2\np: mremap m fixed\nend\np: mremap m fixed\n")

    assert [call.args[-2:] for call in program.calls[1:]] == [(-3, PLACE1), (-3, PLACE2), (-3, 104 * P)]


def test_watch_looks_at_every_process_and_mapping_after_each_operation():
    program = compiled(
        MMAP + "p: q = fork\nq: n = mmap dev shared r\nq: exit\n",
        "pfn 1\nwatch rss pagemap\nregion dev pages=4\nprocess p\n",
    )
    p, q = ("rss", 0, ()), ("rss", 1, ())
    p_m, q_m, q_n = ("pagemap", 0, (0, 0, -1)), ("pagemap", 1, (0, 0, -1)), ("pagemap", 1, (1, 0, -1))

    assert [(c.verb, c.proc, c.args) for c in program.calls if c.op is None] == [
        p, p_m,  # after mmap
        p, p_m, q, q_m,  # after fork
        p, p_m, q, q_m, q_n,  # after the child's mmap
        p, p_m,  # after its exit
    ]  # fmt: skip
    assert [call.index for call in program.calls] == list(range(len(program.calls)))
    assert [call.text for call in program.calls[:3]] == ["m = mmap dev private rw", "rss", "pagemap m"]


def test_too_many_watched_calls_are_refused():
    with pytest.raises(ProgramError, match="call 60001 of the program, expected at most 60000"):
        compiled("repeat 10000\np: rss\nend\n" * 4, "pfn 1\nwatch rss\nregion dev\nprocess p\n")


def test_what_regions_and_processes_are_asked_for():
    program = parse(
        "pfn 1\nregion a pages=2 fill=pattern\nregion b fill=0x5a\nprocess p uid=5 drop=chown,sys_admin memlock=2\nprocess r\n"
    )
    regions, processes = region_settings(program), process_settings(program, 4096)

    assert [(one.pages, one.fill) for one in regions.values()] == [(2, "pattern"), (None, 0x5A)]
    assert (processes["p"].uid, processes["p"].drop, processes["p"].memlock) == (5, 1 | 1 << 21, 8192)
    assert processes["r"].memlock is None


def test_the_pattern_names_its_page_and_byte():
    content = region_settings(parse("pfn 1\nregion a fill=pattern\n"))["a"].content(3, 4096)

    assert content is not None
    assert len(content) == 4096
    assert int.from_bytes(content[0x120:0x128], "little") == 0xDE5F000000030120


def test_a_byte_fills_the_page_and_nothing_leaves_it_alone():
    regions = region_settings(parse("pfn 1\nregion a fill=7\nregion b\n"))

    assert regions["a"].content(0, 4096) == b"\x07" * 4096
    assert regions["b"].content(0, 4096) is None
