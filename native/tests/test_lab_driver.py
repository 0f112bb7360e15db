# SPDX-License-Identifier: GPL-2.0-or-later
"""Does the agent bring back what the lab's driver says, on a kernel that has it?"""

import struct

import pytest

from hwtests.kernels.cache import cached
from hwtests.kernels.modules import lab_module
from hwtests.kernels.names import parse_name
from hwtests.targets.base import Unusable
from native.tests.guests import guest
from native.tests.programs import PAGE, PLACE, last, load, mapping, run, store
from native.wire import ARENA, Fill, Kind, RegionFlag

pytestmark = [pytest.mark.slow, pytest.mark.real]

NAME = "qemu:6.1-amd64"
WHOLE, BY_PAGE = 0, 1  # remap_pfn_range(), vm_insert_page()
MAP = {region: ("map", 0, 0, (region, -3, PLACE, 0)) for region in (WHOLE, BY_PAGE)}
WRITE, SPECIAL, PRESENT, PFNMAP = 2, 16, 1, 1 << 8


@pytest.fixture(scope="module")
def booted():
    kernel = cached(parse_name(NAME))
    module = lab_module(kernel) if kernel else Unusable(NAME, "none in the cache", f"pfnlab kernels fetch {NAME}")
    if isinstance(module, Unusable):
        pytest.skip(str(module))
    with guest(NAME, {"pfnlab.ko": module.read_bytes()}) as link:
        assert link.hello().modules == {"pfnlab.ko": 0}
        flags = RegionFlag.VIEW_READ | RegionFlag.VIEW_WRITE
        yield (
            link,
            [link.region(i, Kind.LAB, f"/dev/pfnlab/{name}", flags=flags) for i, name in enumerate(("whole", "page"))],
        )


@pytest.fixture
def link(booted):
    return booted[0]


@pytest.fixture
def pfn(booted):
    return booted[1][WHOLE].pfn


def states(payload: bytes) -> list[tuple[int, int]]:
    """(refcount, mapcount) of each page."""
    return [(refs, maps) for refs, maps, _ in struct.iter_unpack("<iiQ", payload)]


def test_region_tells_its_pages_and_pfn(booted):
    for answer in booted[1]:
        assert answer.ret == 0
        assert answer.pages > 0 < answer.pfn


def test_ptes_of_a_remap_are_special_and_have_the_regions_frames(link, pfn):
    obs = last(link, MAP[WHOLE], ("ptes", 0, -1, (0, PAGE, 2 * PAGE)))
    found = list(struct.iter_unpack("<QII", obs.payload))

    assert [at for at, _, _ in found] == [pfn + 1, pfn + 2]
    assert all(bits & (PRESENT | SPECIAL) == PRESENT | SPECIAL and zero == 0 for _, bits, zero in found)


def test_hole_has_no_pte_and_so_no_page(link):
    ptes, pages = run(link, ("ptes", 0, -1, (-3, 0, PAGE)), ("page_state", 0, -1, (1, -3, 0, PAGE))).observations

    assert ptes.payload == bytes(16)
    assert pages.payload == b"\xff" * 16


def test_remapped_pages_are_counted_by_nobody(link):
    calls = (("page_state", -1, -1, (0, WHOLE, 0, 4)), MAP[WHOLE], ("page_state", 0, -1, (1, 0, 0, 4 * PAGE)))
    before, _, mapped = run(link, *calls).observations

    assert states(before.payload) == states(mapped.payload) == [(1, 0)] * 4


def test_inserted_pages_are_counted(link):
    obs = last(link, MAP[BY_PAGE], ("page_state", -1, -1, (0, BY_PAGE, 0, 2)))

    assert states(obs.payload) == [(2, 1)] * 2


def test_pages_of_one_range_may_be_anywhere(link, pfn):
    private = mapping(16, region=WHOLE)
    calls = (private, store(PAGE, 1), ("ptes", 0, -1, (0, 0, 3 * PAGE)), ("page_state", 0, -1, (1, 0, 0, 3 * PAGE)))
    *_, ptes, pages = run(link, *calls).observations
    frames = [at for at, _, _ in struct.iter_unpack("<QII", ptes.payload)]

    assert (frames[0], frames[2]) == (pfn, pfn + 2)
    assert frames[1] not in range(pfn, pfn + 16)
    assert states(pages.payload) == [(1, 0), (2, 1), (1, 0)]  # the copy: its pte, and the lru cache that it waits in


def test_vma_has_its_bounds_flags_and_the_pfn_of_a_cow_mapping(link, pfn):
    obs = last(link, mapping(16, region=WHOLE), ("vma", 0, -1, (0,)))
    start, end, pgoff, flags = struct.unpack("<4Q", obs.payload)

    assert (start, end, pgoff) == (ARENA + PLACE, ARENA + PLACE + 16 * PAGE, pfn)
    assert flags & PFNMAP


def test_view_by_file_and_mapping_are_one_memory(link):
    link.fill(WHOLE, Fill.PATTERN)
    calls = (MAP[WHOLE], load(PAGE + 8, 8), store(0, 0x41), ("peek", -1, -1, (WHOLE, 0, 1)))
    _, pattern, _, peeked = run(link, *calls).observations

    assert pattern.payload == struct.pack("<Q", 0xDE5F000000000000 | 1 << 16 | 8)
    assert peeked.payload == b"\x41"
