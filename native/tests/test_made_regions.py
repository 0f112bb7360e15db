# SPDX-License-Identifier: GPL-2.0-or-later
"""Do the buffers and rings that the agent makes itself open, tell their pfn, and show their content from outside?"""

import errno
import struct

import pytest

from native.tests.guests import guest
from native.tests.programs import PAGE, PLACE, PRIVATE, last, load, mapping, run, store
from native.wire import Fill, Kind, RegionFlag, RegionStage, Stage

pytestmark = [pytest.mark.slow, pytest.mark.real]

PAGES = 16
DMA_HEAP, UDMABUF, IO_URING, PACKET, SPARE = range(5)
BY_MAPPING, BY_FILE = RegionFlag.VIEW_MAPPED, RegionFlag.VIEW_READ | RegionFlag.VIEW_WRITE
KINDS = {
    "dma-heap": (Kind.DMA_HEAP, "/dev/dma_heap/system", BY_MAPPING),
    "udmabuf": (Kind.UDMABUF, "/dev/udmabuf", BY_FILE),
    "io_uring": (Kind.IO_URING, "", BY_MAPPING),
    "packet": (Kind.PACKET, "", BY_MAPPING),
}


@pytest.fixture(scope="module")
def booted():
    with guest("qemu:6.12-amd64") as link:
        link.hello()
        yield (
            link,
            [link.region(i, *KINDS[name][:2], flags=KINDS[name][2], pages=PAGES) for i, name in enumerate(KINDS)],
        )


@pytest.fixture
def link(booted):
    return booted[0]


@pytest.fixture(params=range(len(KINDS)), ids=list(KINDS))
def region(booted, request):
    """The number of a region that is open, its pages told."""
    answer = booted[1][request.param]
    assert (answer.ret, answer.pages) == (0, PAGES)
    return request.param


def mapped(region: int):
    return ("map", 0, 0, (region, -3, PLACE, 0))


def test_content_is_one_seen_from_inside_and_outside(link, region):
    link.fill(region, Fill.PATTERN)
    calls = (
        mapped(region), load(PAGE + 8, 8), store(0, 0x41), ("peek", -1, -1, (region, 0, 8)),
        ("poke", -1, -1, (region, PAGE, 2, 0, 0x4142)), load(PAGE, 4),
    )  # fmt: skip
    _, pattern, _, peeked, poked, loaded = run(link, *calls).observations

    assert pattern.payload == struct.pack("<Q", 0xDE5F000000000000 | 1 << 16 | 8)
    assert peeked.payload == b"\x41\0\0\0\0\0\x5f\xde"
    assert (poked.ret, loaded.payload) == (0, b"\x42\x41\x01\0")


def test_pages_lie_at_a_pfn_that_has_memory(link, booted, region):
    obs = last(link, ("kpageflags", -1, -1, (0, region, 0, PAGES)))

    assert booted[1][region].pfn
    assert not any(flags & 1 << 20 for flags in struct.unpack(f"<{PAGES}Q", obs.payload))  # KPF_NOPAGE


def test_view_is_not_there_while_nobody_looks(link, region):
    obs = last(link, ("peek", -1, -1, (region, 0, 1)), ("kpagecount", -1, -1, (0, region, 0, PAGES)))

    assert obs.payload == bytes(8 * PAGES)


def test_descriptor_of_it_cannot_be_opened_again(link, region):
    obs = last(link, ("open", 0, 0, (region, 2)))

    assert (obs.stage, obs.ret) == (Stage.REFUSED, -errno.EINVAL)


def test_packet_ring_is_counted_by_every_mapping(link):
    obs = last(link, mapped(PACKET), ("kpagecount", -1, -1, (0, PACKET, 0, PAGES)))

    assert struct.unpack(f"<{PAGES}Q", obs.payload) == (1,) * PAGES


def test_packet_ring_shows_its_frames_in_order(link, booted):
    obs = last(link, mapped(PACKET), load(), ("pagemap", 0, -1, (0, 0, -1)))
    pfns = [entry & (1 << 55) - 1 for entry in struct.unpack(f"<{PAGES}Q", obs.payload)]

    assert pfns == [booted[1][PACKET].pfn + page for page in range(PAGES)]


def test_io_uring_has_a_power_of_two_of_pages(link):
    assert link.region(SPARE, Kind.IO_URING, pages=3).pages == 4


def test_io_uring_lets_nobody_choose_its_place(link):
    here, anywhere = run(link, mapping(PAGES, region=IO_URING, flags=0x01), mapped(IO_URING)).observations

    assert here.ret == -errno.EINVAL  # io_uring_mmu_get_unmapped_area()
    assert anywhere.ret == anywhere.handle_address > 0


def test_heap_that_is_not_there_says_which_step_failed(link):
    answer = link.region(SPARE, Kind.DMA_HEAP, "/dev/dma_heap/none", pages=PAGES)

    assert (answer.ret, answer.stage) == (-errno.ENOENT, RegionStage.OPEN)


def test_ring_of_no_pages_is_refused(link):
    assert link.region(SPARE, Kind.PACKET).ret == -errno.EINVAL


def test_private_dma_buf_is_refused_by_the_whole_range_rule(link):
    whole, one = run(
        link, mapping(PAGES, region=DMA_HEAP), ("mmap", 0, 1, (1, DMA_HEAP, 3, PRIVATE | 0x10, -3, 64 * PAGE, PAGE, 0))
    ).observations

    assert whole.ret == -errno.EINVAL  # system_heap_mmap() remaps page by page, remap_pfn_range() wants all of it
    assert one.ret > 0
