# SPDX-License-Identifier: GPL-2.0-or-later
"""What does an engineer's own pytest test get?  `pfn_region`, a mapping, and `pfn_actor`, processes that use it.

No program file is needed: docs/howto-own-test.md. The plugin hands these fixtures on; without it: `-p native.fixtures`.
"""

from __future__ import annotations

import mmap
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from native.actor import Actor
    from native.instrument import Region

BTF = "/sys/kernel/btf/vmlinux"


@pytest.fixture
def pfn_region(request: pytest.FixtureRequest) -> Iterator[Region]:
    """An opened PFN mapping (native.instrument.Region), closed after the test.

    Which: the test's parameter (`parametrize("pfn_region", […], indirect=True)`), else --pfn-region, else the first of
    btf, perf, vvar that this machine offers. A text is one of those names, or a path with options
    (`/dev/x,offset=N,length=N,shared|private,sync`); a mapping holds the arguments of map_region().
    A region that is out of reach is a skip that says what was found, and the cure.
    """
    from native.instrument import GateClosed, NoInstrument

    wanted: object = getattr(request, "param", None) or request.config.getoption("--pfn-region", None)
    if isinstance(wanted, list | tuple):
        wanted = wanted[0] if wanted else None
    try:
        region = _first() if wanted is None else _open(wanted)
    except (GateClosed, NoInstrument) as closed:
        needs = "the C module native._ops" if isinstance(closed, NoInstrument) else f"region {wanted or 'of any kind'}"
        pytest.skip(f"needs {needs}; found {closed.found}; cure: {closed.cure}")
    with region:
        yield region


@pytest.fixture
def pfn_actor() -> Iterator[Actor]:
    """A started native.actor.Actor: it runs whole programs in processes of their own, and leaves none behind."""
    from native.actor import Actor
    from native.agent import NoAgent

    try:
        actor = Actor()
    except NoAgent as missing:
        pytest.skip(f"needs {missing.needs}; found {missing.found}; cure: {missing.cure}")
    with actor:
        yield actor


def _kinds() -> Mapping[str, Callable[[], Region]]:
    from native.instrument import map_region, perf_ring, premapped

    return {"btf": lambda: map_region(BTF, 1, shared=False), "perf": perf_ring, "vvar": premapped}


def _first() -> Region:
    """The first kind that opens; the last one's closed gate when none does."""
    from native.instrument import GateClosed

    *others, last = _kinds().values()
    for kind in others:
        try:
            return kind()
        except GateClosed:
            continue
    return last()


def _open(wanted: object) -> Region:
    from native.instrument import map_region

    if isinstance(wanted, Mapping):
        return map_region(**wanted)
    text = str(wanted)
    kind = _kinds().get(text)
    return kind() if kind else map_region(**_arguments(text))


def _arguments(text: str) -> dict[str, Any]:
    """`/dev/x,offset=0x1000,length=64K,private` as arguments of map_region(); its other options are passed over."""
    path, *options = text.split(",")
    found: dict[str, Any] = {"path": path, "pages": 1, "shared": "private" not in options, "sync": "sync" in options}
    for option in options:
        name, _, value = option.partition("=")
        if name == "offset":
            found["offset"] = _bytes(value)
        elif name == "length":
            found["pages"] = -(-_bytes(value) // mmap.PAGESIZE)
    return found


def _bytes(text: str) -> int:
    shift = {"K": 10, "M": 20, "G": 30}.get(text[-1:], 0)
    return int(text[:-1] if shift else text, 0) << shift
