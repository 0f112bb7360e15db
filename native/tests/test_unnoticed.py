# SPDX-License-Identifier: GPL-2.0-or-later
"""Does a call leave nothing behind in its process: no counter, no mapping, no descriptor?  Here and on UML."""

import pytest

from native.tests.programs import PAGE, counters, mapping, rss, run, store
from native.wire import Kind

ALL = (0, 0, -1)
CALLS = [
    ("munlockall",), ("fsync", 0), ("process_madvise", 0, *ALL, 20), ("mbind", *ALL, 0, 0), ("move_pages", *ALL, -1),
    ("futex_wait", 0, 0, 0, 0, 0), ("futex_wait", 0, 0, 0, 0, 1), ("futex_wake", 0, 0, 0), ("uffd_register", *ALL, 1),
    ("uffd_register", *ALL, 7), ("clear_refs", 1), ("clear_refs", 4), ("clear_refs", 9), ("read_zero", 0, 0, 8),
    ("direct_write", 0, 0, PAGE), ("direct_read", 0, 0, PAGE, 0, 0), ("direct_write", 0, 9 * PAGE, PAGE),
    ("call", 0, 0), ("pagemap_scan", *ALL), ("rollup",), ("numa_maps", 0), ("mseal", *ALL),
]  # fmt: skip


@pytest.mark.parametrize("call", CALLS, ids=lambda call: "-".join(map(str, call)))
def test_call_is_not_noticed(link, call):
    link.region(5, Kind.FILE, "/proc/self/auxv", flags=1, pages=1)
    verb, *args = call
    look = [rss(), ("maps", 0, -1, (0,)), ("open", 0, 0, (5, 0)), ("close", 0, -1, (0,))]
    *_, counted, vmas, number, _, _, again, still, the_same, _ = run(
        link, mapping(2), store(0, 0, 8), *look, (verb, 0, -1, tuple(args)), *look
    ).observations

    assert counters(again) == counters(counted) == (1, 0, 2, 0)
    assert still.payload == vmas.payload
    assert the_same.ret == number.ret > 0
