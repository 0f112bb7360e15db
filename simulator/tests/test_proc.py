# SPDX-License-Identifier: GPL-2.0-or-later
"""fs/proc/task_mmu.c and page.c: smaps, maps, pagemap, kpagecount."""

import pytest

from simulator import profile_names
from simulator.tests.conftest import HERE, PAGE, PRIVATE, RO, SHARED, THERE


@pytest.mark.parametrize(
    ("name", "flags", "prot", "expected"),
    [
        ("x86_64-6.1", SHARED, 3, "rd wr sh mr mw me ms pf io de ar dd sd"),
        ("x86_64-6.1", PRIVATE, 3, "rd wr mr mw me pf io de ac ar dd sd"),
        ("x86_64-6.1", PRIVATE, 1, "rd mr mw me pf io de ar dd sd"),
        ("x86_64-7.2", PRIVATE, 3, "rd wr mr mw me pf io de ac dd sd"),
        ("uml-6.12", PRIVATE, 3, "rd wr mr mw me pf io de ac dd"),
    ],
)
def test_vmflags(machine, name, flags, prot, expected):
    m = machine(name)
    m.map(flags, prot=prot)

    assert " ".join(m.smaps()[0]["VmFlags"]) == expected


def test_noexec_file_has_no_me(machine):
    m = machine(noexec=True)
    m.map()

    assert "me" not in m.smaps()[0]["VmFlags"]


@pytest.mark.parametrize(("name", "rss"), [("uml-5.10", 0), ("uml-6.1", 0), ("uml-6.12", 4), ("uml-7.2", 4)])
def test_smaps_of_a_copied_page(machine, name, rss):
    m = machine(name)
    m.map()
    m.k.store(m.t, HERE, 1, 1)
    vma = m.smaps()[0]

    assert (vma["Rss"], vma["Anonymous"], vma["Private_Dirty"]) == (rss, rss, rss)


@pytest.mark.parametrize(
    ("name", "has", "lacks"),
    [
        ("x86_64-5.10", {"Pss"}, {"Pss_Dirty", "KSM"}),
        ("x86_64-6.1", {"Pss_Dirty"}, {"KSM"}),
        ("x86_64-6.12", {"Pss_Dirty", "KSM"}, set()),
        ("2.6.15", {"Rss"}, {"Pss", "Referenced", "Swap"}),
    ],
)
def test_smaps_has_the_lines_of_its_kernel(machine, name, has, lacks):
    m = machine(name)
    m.map()
    fields = set(m.smaps()[0])

    assert has <= fields
    assert not lacks & fields


def test_offset_of_a_private_mapping_is_the_physical_address(machine):
    m = machine(pgoff="zero")
    m.map(PRIVATE, first=1, pages=2)
    m.map(SHARED, at=THERE, first=1, pages=2)

    assert m.k.maps(m.t, HERE, HERE + PAGE)[0]["pgoff"] == (m.k.region_pfn(m.r) + 1) * PAGE
    assert m.k.maps(m.t, THERE, THERE + PAGE)[0]["pgoff"] == PAGE


def test_anonymous_memory_has_offset_zero(machine):
    m = machine()
    m.anon()

    assert m.k.maps(m.t, THERE, THERE + PAGE)[0]["pgoff"] == 0


def test_pagemap_of_a_pfn_mapping_is_a_hole(machine):
    m = machine("x86_64-6.1")
    m.map()
    m.k.store(m.t, HERE, 1, 1)

    assert m.k.pagemap(m.t, HERE, 2 * PAGE) == [(frozenset({"soft-dirty"}), None)] * 2


def test_pagemap_of_anonymous_memory(machine):
    m = machine("uml-6.12")
    m.anon()
    m.k.store(m.t, THERE, 1, 1)
    (flags, pfn), (untouched, none) = m.k.pagemap(m.t, THERE, 2 * PAGE)

    assert flags == {"present", "excl"}
    assert m.k.kpagecount(pfn) == 1
    assert (untouched, none) == (frozenset(), None)


def test_pfns_are_hidden_from_others(machine):
    m = machine("uml-6.12")
    m.t = m.k.spawn(uid=65534)
    m.anon()
    m.k.store(m.t, THERE, 1, 1)

    assert m.k.pagemap(m.t, THERE, PAGE) == [(frozenset({"present", "excl"}), None)]


def test_struct_page_is_what_the_region_says(machine):
    m = machine(backing="reserved")

    assert m.k.kpageflags(m.k.region_pfn(m.r)) == {"reserved"}
    assert m.k.kpagecount(m.k.region_pfn(m.r)) == 0


@pytest.mark.parametrize(("profile", "backing"), [("uml-6.12", "absent"), ("uml-6.1", "ram")])
def test_kpagecount_ends_at_max_pfn(machine, profile, backing):
    m = machine(profile, backing=backing)

    assert m.k.kpageflags(m.k.region_pfn(m.r)) is None
    assert m.k.kpagecount(m.k.region_pfn(m.r)) is None


def test_window_over_a_page_does_not_count_as_a_mapping_of_it(machine):
    m = machine("uml-6.12", backing="ram", mapcount=1)
    m.map(SHARED)

    assert m.k.kpagecount(m.k.region_pfn(m.r)) == 1


@pytest.mark.parametrize("name", profile_names())
def test_raw_pages_never_count_as_resident(machine, name):
    m = machine(name, backing="reserved")
    m.map(SHARED, prot=RO)
    m.k.load(m.t, HERE, 1)

    assert m.k.rss(m.t) == (0, 0, 4, 0)
