# SPDX-License-Identifier: GPL-2.0-or-later
"""Is memory that is not the lab's touched only as it takes it?"""

from dataclasses import replace

import pytest

from hwtests.language import parse
from hwtests.language.compile import compile_program
from hwtests.language.settings import region_settings
from hwtests.plan import Selected
from hwtests.regions.named import parse_named
from hwtests.selection import catalogue
from hwtests.touch import refused

PAGE = 4096
DEVICE = parse_named("/dev/x,width=4", PAGE, allow_write=True).traits
MEMORY = parse_named("/dev/x", PAGE, allow_write=True).traits


def why(body: str, traits, pages: int = 4):
    text = f"pfn 1\nregion dev\nprocess p\n{body}\n"
    return refused(parse(text, "x.pfn"), {"dev": traits}, {"dev": pages}, PAGE)


SHARED = "p: m = mmap dev shared rw\n"
PRIVATE = "p: m = mmap dev private rw\n"


@pytest.mark.parametrize(
    "body",
    [
        SHARED + "p: load m[1]",
        SHARED + "p: load u64 m[1]",
        SHARED + "p: store u16 m[1] 0x41",
        SHARED + "p: load page m[1]",
        SHARED + "p: load u32 m[1]+2",
        "p: d = open dev rw\np: m = mmap d shared r\np: load m",
        "p: m = map dev\np: load m",
        SHARED + "p: n = mremap m maymove fixed\np: load n",
        SHARED + "p: a = mmap anon private rw at=m\np: load m",
    ],
)
def test_an_access_of_another_width_is_refused(body):
    assert why(body, DEVICE) is not None


@pytest.mark.parametrize(
    "body",
    [
        PRIVATE + "p: store u32 m[1] 0x41",
        SHARED + "p: q = fork\np: peekdata q m[1]",
        SHARED + "p: q = fork\np: mem_read q m[1] len=4",
        SHARED + "p: q = fork\np: vm_readv q m[1] len=4",
        SHARED + "p: write m[1] len=4",
        SHARED + "p: vmsplice m[1] len=4",
        SHARED + "p: futex_wait m[1] 0",
        SHARED + "p: direct_write m[1]",
        SHARED + "p: read_zero m[1]",
        SHARED + "p: call m[1]",
        "p: m = mmap dev private rw populate",
        PRIVATE + "p: a = mmap anon private rw at=m\np: store u32 a 0x41",
    ],
)
def test_no_read_by_the_kernel_without_page_reads(body):
    assert why(body, DEVICE) is not None
    assert "page-reads" in why(body, replace(DEVICE, widths=(1, 2, 4, 8))).cure


@pytest.mark.parametrize(
    "body",
    [
        SHARED + "p: load u32 m[1]+4\np: store u32 m[2] 0x41",
        SHARED + "p: smaps m\np: munmap m",
        "p: m = mmap anon private rw\np: d = mmap dev shared r\np: load m\np: store u64 m 0x41",
        SHARED + "p: munmap m\np: load m[4]",
    ],
)
def test_what_the_device_takes_runs(body):
    assert why(body, DEVICE) is None


def test_with_page_reads_a_copy_may_be_made_by_any_width():
    assert why(PRIVATE + "p: store m[1] 0x41", replace(DEVICE, page_reads=True)) is None


@pytest.mark.parametrize(
    "body",
    [
        "p: m = mmap dev shared r pages=5\np: load m[4]",
        "p: m = mmap dev shared r offset=2\np: load m[2]",
        "p: m = mmap dev shared r\np: mremap m pages=5 maymove\np: load m[4]",
        "p: m = mmap dev shared r\np: q = fork\np: mem_read q m[3]+4092 len=8",
    ],
)
def test_nothing_is_touched_beyond_the_region(body):
    assert why(body, MEMORY) is not None


def test_a_mapping_that_is_too_long_may_be_asked_for_where_the_driver_shall_refuse_it():
    assert why("p: m = mmap dev shared r pages=5", MEMORY) is None
    assert why("p: m = mmap dev shared r pages=5", replace(MEMORY, length="any")) is not None


def test_the_labs_own_memory_may_be_touched_in_every_way():
    assert why(PRIVATE + "p: store m[1] 0x41\np: load page m", replace(DEVICE, own=True)) is None


def test_of_the_catalogue_no_program_that_is_let_through_touches_a_device_by_another_width():
    wrong = []
    for name, path in catalogue().items():
        program = Selected.read(name, path).program
        regions = list(region_settings(program))
        if len(regions) != 1 or refused(program, {regions[0]: DEVICE}, {regions[0]: 16}, PAGE) is not None:
            continue
        compiled = compile_program(program, {regions[0]: 16}, PAGE)
        mapped = {
            call.result for call in compiled.calls if call.verb == "map" or (call.verb == "mmap" and call.args[0])
        }
        for call in compiled.calls:
            inside = call.verb in ("load", "store") and call.args[0] in mapped and 0 <= call.args[1] < 4 * PAGE
            if inside and call.args[2] != 4:
                wrong.append((name, call.text))

    assert wrong == []
