# SPDX-License-Identifier: GPL-2.0-or-later
"""Do the payloads of the calls beyond the mapping itself become the normal forms of docs/internals.md, section 2?"""

import struct

import pytest

from hwtests.tests.test_normalise import PAGE, PLACE, case, fault, mapped, raw
from native.wire import RawObs, Stage

MMAP = "p: m = mmap dev private rw"


def seen(program: str, *, payload: bytes = b"", ret: int = 0, stage: Stage = Stage.CALL) -> dict[str, object]:
    return case(MMAP, program).obs(mapped(0), raw(1, ret, payload=payload, stage=stage))[1]


def test_a_page_is_on_a_node_or_nowhere():
    payload = struct.pack("<3i", 0, -14, -2)

    assert seen("p: move_pages m[0:3]", payload=payload) == {"ret": "ok", "status": ["0", "EFAULT", "ENOENT"]}


def test_advice_to_another_process_tells_how_many_bytes_took_it():
    assert seen("p: process_madvise p m cold", ret=4 * PAGE) == {"ret": "ok", "bytes": 4 * PAGE}


@pytest.mark.parametrize(
    "operation", ["uffd_register m missing", "clear_refs 4", "read_zero m", "direct_write m", "rollup"]
)
def test_what_must_come_first_is_told_from_the_call(operation):
    assert seen(f"p: {operation}", ret=-38, stage=Stage.OPEN) == {"ret": "ENOSYS", "stage": "open"}
    assert seen(f"p: {operation}", ret=-14) == {"ret": "EFAULT"}


def test_what_an_o_direct_write_wrote_is_told():
    assert seen("p: direct_write m len=512", ret=512, payload=b"\x5a" * 512) == {
        "ret": "ok",
        "bytes": 512,
        "data": "0x5a*512",
    }


def test_a_call_that_faults_says_where():
    program = case(MMAP, "p: call m[1]")

    assert program.obs(mapped(0), fault(1, PLACE + PAGE, code=2))[1] == {
        "ret": "SIGSEGV",
        "code": "SEGV_ACCERR",
        "addr": "m[1]",
    }


def test_ranges_of_a_scan_are_told_from_where_the_mapping_starts():
    payload = struct.pack(
        "<6Q", PLACE, PLACE + PAGE, 1 << 3 | 1 << 1, PLACE + 2 * PAGE, PLACE + 4 * PAGE, 1 << 7 | 1 << 40
    )

    assert seen("p: pagemap_scan m", payload=payload) == {
        "ret": "ok",
        "ranges": [
            {"first": 0, "pages": 1, "is": "written present"},
            {"first": 2, "pages": 2, "is": "soft-dirty bit40"},
        ],
    }


def test_rollup_is_how_much_more_there_is_than_at_the_start():
    head = "1000-2000 ---p 00000000 00:00 0 [rollup]\n"
    before = f"{head}Rss:     400 kB\nAnonymous:  100 kB\nLocked:  0 kB\nSwap: 4 kB\n"
    now = f"{head}Rss:     408 kB\nAnonymous:  104 kB\nLocked:  0 kB\nSwap: 0 kB\n"

    assert seen("p: rollup", payload=f"{before}\0{now}".encode()) == {
        "ret": "ok",
        "Rss": 2,
        "Anonymous": 1,
        "Locked": 0,
        "Swap": -1,
    }


def test_numa_maps_says_nought_of_what_it_leaves_out():
    text = f"{PLACE:x} default file=/dev/mem anon=1 dirty=1 N0=1 kernelpagesize_kB=4\n{PLACE + PAGE:x} bind:0 file=/x\n"

    assert seen("p: numa_maps m", payload=text.encode())["vmas"] == [
        {"first": 0, "policy": "default", "anon": 1, "dirty": 1, "mapped": 0, "N0": 1},
        {"first": 1, "policy": "bind:0", "anon": 0, "dirty": 0, "mapped": 0, "N0": 0},
    ]


def core(*segments: tuple[int, int, bytes, int]) -> bytes:
    heads = b"".join(
        struct.pack("<4Q", start, pages * PAGE, len(data), flags) for start, pages, data, flags in segments
    )
    return heads + b"".join(data for _, _, data, _ in segments)


def test_a_core_has_a_segment_a_vma_and_what_it_holds_of_it():
    payload = core((PLACE, 2, b"", 6), (PLACE + 2 * PAGE, 1, bytes(PAGE), 4), (PLACE + 3 * PAGE, 1, b"", 5))
    died = RawObs(1, Stage.DIED, 0, 6, payload=payload)

    assert case(MMAP, "p: coredump m").obs(mapped(0), died)[1] == {
        "ret": "died",
        "signal": "SIGABRT",
        "segments": [
            {"first": 0, "pages": 2, "perms": "rw-", "file": 0, "data": ""},
            {"first": 2, "pages": 1, "perms": "r--", "file": 1, "data": "0x0*4096"},
            {"first": 3, "pages": 1, "perms": "r-x", "file": 0, "data": ""},
        ],
    }


def test_where_no_core_is_to_be_had_that_is_said():
    assert seen("p: coredump m", ret=-2, stage=Stage.OPEN) == {"ret": "ENOENT", "stage": "open"}


def test_after_exec_a_name_is_the_place_where_it_was():
    program = case(MMAP, "p: mremap m fixed", "p: exec", "p: load m")
    moved = PLACE + 32 * PAGE

    assert program.obs(mapped(0), mapped(1, moved), raw(2), fault(3, moved))[3]["addr"] == "m[0]"
