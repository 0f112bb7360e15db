# SPDX-License-Identifier: GPL-2.0-or-later
"""What do O_DIRECT, a core dump, PAGEMAP_SCAN, numa_maps and smaps_rollup find of raw and copied pages?"""

import errno

import pytest

from simulator.tests.conftest import FILL, HERE, NONE, PAGE, RO, RW, SHARED, THERE

ALL = 4 * PAGE
FAST, SLOW = ["x86_64-5.10", "x86_64-6.1", "x86_64-6.12", "x86_64-7.2"], ["uml-6.12", "arm-6.1", "2.6.15"]
DATA = bytes([0x42]) * PAGE


# O_DIRECT


@pytest.mark.parametrize("name", FAST + SLOW)
def test_o_direct_has_no_raw_page(machine, name):
    m = machine(name)
    m.map(SHARED)

    assert m.k.direct_write(m.t, HERE, PAGE) == -errno.EFAULT
    assert m.k.direct_read(m.t, HERE, DATA) == -errno.EFAULT
    assert m.device() == FILL


@pytest.mark.parametrize("name", FAST)
def test_o_direct_takes_a_copy_by_its_pte(machine, name):
    m = machine(name)
    m.map()
    m.k.store(m.t, HERE, 0, 0x41)

    assert m.k.direct_write(m.t, HERE, PAGE) == bytes([0x41]) * PAGE
    assert m.k.direct_read(m.t, HERE, DATA) == PAGE
    assert m.k.load(m.t, HERE, 1) == 0x42
    assert m.device() == FILL


@pytest.mark.parametrize("name", SLOW)
def test_o_direct_asks_the_vma_where_there_is_no_fast_way(machine, name):
    m = machine(name)
    m.map()
    m.k.store(m.t, HERE, 1, 0x41)

    assert m.k.direct_write(m.t, HERE, PAGE) == -errno.EFAULT


@pytest.mark.parametrize(("name", "taken"), [("x86_64-6.1", True), ("x86_64-6.12", False)])
def test_a_copy_shared_by_fork_cannot_be_pinned(machine, name, taken):
    m = machine(name)
    m.map()
    m.k.store(m.t, HERE + PAGE, 0, 0x41)
    m.k.fork(m.t)
    got = m.k.direct_write(m.t, HERE + PAGE, PAGE)

    assert got == (bytes([0x41]) * PAGE if taken else -errno.EFAULT)


def test_an_anonymous_page_shared_by_fork_is_unshared_to_be_pinned(machine):
    m = machine("x86_64-6.12")
    m.anon()
    m.k.store(m.t, THERE, 0, 0x41)
    m.k.fork(m.t)

    assert m.k.direct_write(m.t, THERE, PAGE) == bytes([0x41]) * PAGE
    assert m.k.mem.mapcount[m.k.frame(m.t, THERE)] == 1


def test_what_follows_the_first_page_that_cannot_be_had_is_copied_by_address(machine):
    m = machine("x86_64-6.1")
    m.map()
    m.k.store(m.t, HERE, 0, 0x41)

    assert m.k.direct_write(m.t, HERE, 2 * PAGE) == bytes([0x41]) * PAGE + bytes([FILL]) * PAGE
    assert m.k.direct_read(m.t, HERE, 2 * DATA) == 2 * PAGE
    assert m.k.load(m.t, HERE + PAGE, 1) == 0x42
    assert m.device(1) == FILL


@pytest.mark.parametrize(("at", "length"), [(1, 512), (0, 511), (256, 512)])
def test_o_direct_wants_whole_blocks(machine, at, length):
    m = machine()
    m.anon()

    assert m.k.direct_write(m.t, THERE + at, length) == -errno.EINVAL


def test_half_pages_and_none_at_all(machine):
    m = machine()
    m.anon()

    assert m.k.direct_read(m.t, THERE + 512, DATA[:512]) == 512
    assert m.k.load(m.t, THERE + 1023, 1) == 0x42
    assert m.k.direct_write(m.t, THERE, 0) == b""


# core dumps

DEFAULT, EVERYTHING = 0x33, 0x1FF


def segment(m, at=HERE, core_filter=EVERYTHING):
    (one,) = m.k.coredump(m.t, at, at + ALL, core_filter)
    return one


@pytest.mark.parametrize("name", FAST + SLOW)
def test_a_core_holds_nothing_of_a_pfn_mapping_and_its_copies(machine, name):
    m = machine(name)
    m.map()
    m.k.store(m.t, HERE, 1, 0x41)

    assert segment(m) == {"start": HERE, "end": HERE + ALL, "perms": "rw-", "data": b""}
    assert (m.t.alive, m.t.death) == (False, "SIGABRT")


def test_nor_of_one_without_vm_io(machine):
    m = machine(flags_del=("io",))
    m.map(SHARED)

    assert segment(m)["data"] == b""


@pytest.mark.parametrize(("core_filter", "pages"), [(DEFAULT, 4), (EVERYTHING, 4), (0, 0)])
def test_a_core_holds_all_of_written_anonymous_memory(machine, core_filter, pages):
    m = machine()
    m.anon()
    m.k.store(m.t, THERE + PAGE, 0, 0x41)
    m.k.load(m.t, THERE, 1)
    m.k.mprotect(m.t, THERE, ALL, NONE)
    data = bytes(PAGE) + bytes([0x41]) * PAGE + bytes(2 * PAGE)

    assert segment(m, THERE, core_filter)["data"] == data[: pages * PAGE]


def test_never_written_anonymous_memory_is_left_out(machine):
    m = machine()
    m.anon()
    m.k.load(m.t, THERE, 1)

    assert segment(m, THERE)["data"] == b""


@pytest.mark.parametrize(("core_filter", "pages"), [(2, 4), (8, 0)])
def test_shared_memory_is_held_as_the_filter_says(machine, core_filter, pages):
    m = machine()
    m.k.mmap(m.t, THERE, ALL, RW, 0x31, None, 0)
    m.k.store(m.t, THERE, 0, 0x41)
    data = bytes([0x41]) * PAGE + bytes(3 * PAGE)

    assert segment(m, THERE, core_filter)["data"] == data[: pages * PAGE]


@pytest.mark.parametrize(("core_filter", "pages"), [(4, 4), (1, 0)])
def test_private_memory_of_a_driver_s_own_pages_is_held_as_a_file_s(machine, core_filter, pages):
    m = machine(backing="ram", by="page", pgoff="zero")
    m.map(prot=RO)

    assert segment(m, core_filter=core_filter)["data"] == bytes([FILL]) * pages * PAGE


def test_whether_a_file_is_an_executable_is_beyond_the_model(machine):
    m = machine(backing="ram", by="page", pgoff="zero")
    m.map(prot=RO)
    segment(m, core_filter=0x10)

    assert m.k.unknown


def test_a_named_mapping_is_there_in_full_and_empty(machine):
    m = machine(
        premapped="[vvar]", has_file=False, insert="fault", maywrite=False, pgoff="zero", flags_add=("io", "dd")
    )
    m.k.map_default(m.t, m.r, HERE, 0)
    m.k.load(m.t, HERE, 1)

    assert segment(m)["data"] == bytes(ALL)


# PAGEMAP_SCAN


def test_scan_passes_a_pfn_mapping_over(machine):
    m = machine("x86_64-6.12")
    m.map()
    m.k.store(m.t, HERE, 1, 1)

    assert m.k.pagemap_scan(m.t, HERE, ALL) == []


def test_scan_sorts_ordinary_pages(machine):
    m = machine("x86_64-6.12")
    m.anon()
    m.k.mmap(m.t, HERE, PAGE, RW, 0x31, None, 0)
    m.k.store(m.t, HERE, 1, 1)
    m.k.store(m.t, THERE + PAGE, 1, 1)
    m.k.load(m.t, THERE + 2 * PAGE, 1)
    m.k.clear_refs(m.t, 4)
    m.k.store(m.t, THERE + PAGE, 1, 1)

    assert m.k.pagemap_scan(m.t, HERE, PAGE) == [(HERE, HERE + PAGE, {"written", "present", "file"})]
    assert m.k.pagemap_scan(m.t, THERE, ALL) == [
        (THERE, THERE + PAGE, {"written"}),
        (THERE + PAGE, THERE + 2 * PAGE, {"written", "present", "soft-dirty"}),
        (THERE + 2 * PAGE, THERE + 3 * PAGE, {"written", "present", "pfnzero"}),
        (THERE + 3 * PAGE, THERE + 4 * PAGE, {"written"}),
    ]


def test_neighbours_of_a_kind_are_one_range(machine):
    m = machine("x86_64-6.12")
    m.anon()
    for page in range(4):
        m.k.store(m.t, THERE + page * PAGE, 1, 1)

    assert len(m.k.pagemap_scan(m.t, THERE, ALL)) == 1
    assert len(m.k.pagemap_scan(m.t, THERE + PAGE, 1)) == 1


def test_where_nothing_is_present_a_page_table_may_be_or_not(machine):
    m = machine("x86_64-6.12")
    m.anon()
    m.k.pagemap_scan(m.t, THERE, ALL)

    assert m.k.unknown


@pytest.mark.parametrize(
    ("name", "at", "error"),
    [
        ("x86_64-6.1", HERE, errno.ENOTTY),
        ("x86_64-6.12", HERE + 1, errno.EINVAL),
        ("x86_64-6.12", 1 << 60, errno.EFAULT),
    ],
)
def test_scan_refuses(machine, name, at, error):
    m = machine(name)

    assert m.k.pagemap_scan(m.t, at, PAGE) == -error


def test_2005_has_none_of_these_files(machine):
    m = machine("2.6.15")

    assert (m.k.pagemap_scan(m.t, HERE, PAGE), m.k.stage) == (-errno.ENOENT, "open")
    assert (m.k.rollup(m.t), m.k.stage) == (-errno.ENOENT, "open")


# numa_maps, smaps_rollup


@pytest.mark.parametrize(
    ("name", "seen"), [("x86_64-5.10", 0), ("x86_64-6.1", 0), ("x86_64-6.12", 1), ("x86_64-7.2", 1)]
)
def test_copies_in_pfn_mappings_are_counted_since_62(machine, name, seen):
    m = machine(name)
    m.map()
    m.k.store(m.t, HERE, 1, 1)

    (line,) = m.k.numa_maps(m.t, HERE, HERE + ALL)
    assert line == {"start": HERE, "policy": "default", "anon": seen, "dirty": seen, "mapped": 0, "N0": seen}
    assert m.k.rollup(m.t) == {"Rss": seen, "Anonymous": seen, "Locked": 0, "Swap": 0}


def test_numa_maps_tells_policy_and_what_is_mapped(machine):
    m = machine()
    m.anon()
    for page in range(2):
        m.k.store(m.t, THERE + page * PAGE, 1, 1)
    m.k.mbind(m.t, THERE, ALL, 2, 0)
    m.k.mmap(m.t, HERE, ALL, RW, 0x31, None, 0)
    for page in range(2):
        m.k.load(m.t, HERE + page * PAGE, 1)
    m.k.store(m.t, HERE, 1, 1)

    lines = m.k.numa_maps(m.t, HERE, THERE + ALL)
    assert [line["policy"] for line in lines] == ["default", "bind:0"]
    assert [line["mapped"] for line in lines] == [2, 0]
    assert [(line["anon"], line["dirty"]) for line in lines] == [(0, 1), (2, 2)]
    assert m.k.numa_maps(m.t, THERE + PAGE, THERE + ALL) == []


def test_a_driver_s_reserved_pages_are_not_counted(machine):
    m = machine("x86_64-6.12", backing="reserved", by="page")
    m.map(SHARED)

    assert m.k.numa_maps(m.t, HERE, HERE + ALL)[0]["N0"] == 0


def test_without_numa_there_is_no_numa_maps(machine):
    m = machine("uml-6.12")

    assert (m.k.numa_maps(m.t, HERE, HERE + ALL), m.k.stage) == (-errno.ENOENT, "open")


def test_rollup_tells_what_is_locked(machine):
    m = machine()
    m.anon()
    m.k.mlock(m.t, THERE, ALL, 0)

    assert m.k.rollup(m.t) == {"Rss": 4, "Anonymous": 4, "Locked": 4, "Swap": 0}
