# SPDX-License-Identifier: GPL-2.0-or-later
"""Is a released page the kernel's, the next that it gives out, and the region's again after the program?  On UML."""

import errno
import struct

import pytest

from native.tests.guests import guest
from native.tests.programs import PAGE, PRIVATE, compiled, fork, last, mapping, rss, run, store
from native.wire import Kind, RegionFlag, Stage

pytestmark = [pytest.mark.slow, pytest.mark.real]
ONE = ("release", -1, -1, (0, 3 * PAGE))
PRESENT = 1 << 63


@pytest.fixture(scope="module")
def link():
    with guest("uml:6.12") as link:
        yield link


@pytest.fixture(scope="module", autouse=True)
def pfn(link):
    """Of the region's first page."""
    answer = link.region(0, Kind.RAM, "/dev/mem", flags=RegionFlag.VIEW_MAPPED, pages=8)
    assert answer.ret == 0
    return answer.pfn


def frames(obs):
    return [word & (1 << 55) - 1 for word in struct.unpack(f"<{len(obs.payload) // 8}Q", obs.payload)]


@pytest.mark.parametrize("again", range(3))
def test_next_anonymous_page_is_the_released_one_every_time(link, pfn, again):
    seen = ("pagemap", 0, -1, (0, 0, -1))
    result = run(link, mapping(2), store(0, 1), rss(), ONE, store(PAGE, 1), seen)

    assert result.observations[3].ret == 0
    assert frames(result.observations[-1])[1] == pfn + 3
    assert not result.flags


def test_forked_process_gets_it_too(link, pfn):
    seen = ("pagemap", 1, -1, (0, 0, -1))
    result = run(link, mapping(2), store(0, 1), fork(), ONE, store(PAGE, 1, process=1), seen)

    assert frames(result.observations[-1])[1] == pfn + 3


def test_region_is_whole_again_afterwards(link):
    run(link, mapping(2), ONE, store(0, 1))
    result = run(link, mapping(8, region=0, flags=PRIVATE), ("poke", -1, -1, (0, 3 * PAGE, 1, 0, 0x41)),
                 ("load", 0, -1, (0, 3 * PAGE, 1)))  # fmt: skip

    assert result.observations[-1].payload == b"\x41"
    assert not result.flags


def test_page_that_is_somebody_elses_is_not_stored_to(link):
    obs = last(link, mapping(1), ONE, ("poke", -1, -1, (0, 3 * PAGE, 1, 0, 0x41)))

    assert (obs.stage, obs.ret) == (Stage.REFUSED, -errno.EPERM)


def test_page_is_released_once(link):
    assert last(link, mapping(1), ONE, ONE).ret == -errno.EINVAL


def test_host_releases_nothing(actor):
    actor.region(3, Kind.RAM, "/dev/mem", pages=8)

    assert actor.run(compiled(("release", -1, -1, (3, 0)))).observations[0].stage == Stage.REFUSED
