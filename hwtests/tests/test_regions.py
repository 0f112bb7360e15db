# SPDX-License-Identifier: GPL-2.0-or-later
"""Do the traits of regions say what they are meant to say, in the words of the simulator?"""

from __future__ import annotations

import dataclasses

import pytest

from hwtests.language.conditions import TRAITS
from hwtests.regions.named import is_named, parse_named
from hwtests.regions.traits import RegionTraits, TraitsError, load_traits, parse_traits
from hwtests.targets.everyones import other_kernel
from hwtests.targets.learning import backing_of, of_answers, of_flags
from hwtests.targets.regioncheck import _program, compare
from simulator import Region

PAGE = 4096
BTF_FLAGS = "rd mr pf io de dd sd"  # of 6.18
VVAR_OF_7_2 = "rd mr io de dd mm"


def test_there_is_a_file_for_each_kind_of_region():
    lab = """absent chunks dontcopy fault mixed mkwrite noio normal nosplit page partial plain readonly reserved
        reversed uio whole"""
    others = """bar bar-wc btf dma-heap-chunk dma-heap-chunks dma-heap-pages hidden hpet io-uring-pages io-uring-pfn
        mmio-testdev packet perf udmabuf udmabuf-prefaulted uml-iomem uml-mmapper uml-ram vvar
        fb uio"""
    past = "buffer-noio buffer-nopage device-pieces dma-buffer packet-blocks"

    assert set(load_traits()) == {
        *others.split(),
        *past.split(),
        *(f"lab-{name}" for name in lab.split()),
    }


def test_every_trait_of_the_simulators_region_is_a_trait_of_its_default():
    ours = {field.name: field for field in dataclasses.fields(RegionTraits)}
    theirs = [field for field in dataclasses.fields(Region) if field.name not in ("name", "pages")]

    assert [field.name for field in theirs if field.name not in ours] == []
    assert [field.name for field in theirs if ours[field.name].default != field.default] == []


def test_every_condition_of_the_language_is_answered():
    traits = load_traits()["bar"]

    assert {name: type(traits.holds(name)) for name in TRAITS} == dict.fromkeys(TRAITS, bool)


@pytest.mark.parametrize(
    ("kind", "holds", "lacks"),
    [
        ("uml-mmapper", "cow view poke no-access no-struct-page eager", "offset access"),
        ("uml-iomem", "cow view offset", "struct-page"),
        ("uml-ram", "cow view struct-page", "no-struct-page"),
        ("bar", "cow access view offset", "no-access"),
        ("btf", "private view stable no-access", "cow shared poke offset"),
        ("perf", "shared eager no-split", "private cow view stable"),
        ("vvar", "no-file no-split", "private shared eager view stable"),
    ],
)
def test_a_kind_holds_what_programs_may_need(kind, holds, lacks):
    traits = load_traits()[kind]

    assert [name for name in holds.split() if not traits.holds(name)] == []
    assert [name for name in lacks.split() if traits.holds(name)] == []


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('summary = "s"\nsource = "file"\ncolour = 1\n', "no trait 'colour'"),
        ('summary = "s"\nsource = "pipe"\n', "source must be one of"),
        ('summary = "s"\n', "source"),
        ("summary = \n", "region x"),
    ],
)
def test_a_file_that_no_region_can_be_is_refused(text, said):
    with pytest.raises(TraitsError, match=said):
        parse_traits(text, "x")


def test_an_unknown_trait_is_not_answered():
    with pytest.raises(TraitsError, match="no trait 'colour'"):
        load_traits()["bar"].holds("colour")


def test_what_proc_shows_agrees_with_the_file():
    assert compare(load_traits()["btf"], [{"VmFlags": BTF_FLAGS}]) == []


def test_a_mapping_that_is_no_pfn_mapping_is_told():
    assert compare(load_traits()["vvar"], [{"VmFlags": VVAR_OF_7_2}]) == [f"VmFlags lacks pf ({VVAR_OF_7_2})"]


def test_a_driver_that_does_not_clear_maywrite_is_told():
    assert compare(load_traits()["btf"], [{"VmFlags": "rd mr mw pf io de dd"}]) == [
        "VmFlags has mw (rd mr mw pf io de dd)"
    ]


def test_a_kernel_without_vmflags_is_taken_as_it_is():
    assert compare(load_traits()["btf"], [{"perms": "r--p"}]) == []


def test_a_named_region_says_its_range_and_how_it_is_mapped():
    named = parse_named("/dev/x,offset=0x1000,length=64K,shared,width=4,ro", PAGE)

    assert (named.path, named.offset, named.length) == ("/dev/x", 0x1000, 65536)
    assert (named.traits.sharing, named.traits.widths, named.traits.read_only) == ("shared", (4,), True)


def test_nothing_is_stored_to_a_named_region_unless_it_is_allowed():
    assert not parse_named("/dev/x", PAGE).traits.stores
    assert not parse_named("/dev/x,ro", PAGE, allow_write=True).traits.stores
    assert parse_named("/dev/x", PAGE, allow_write=True).traits.stores


@pytest.mark.parametrize(
    "text",
    ["/dev/x,colour", "/dev/x,offset=1", "/dev/x,length=y", "/dev/x,width=3", "/dev/x,shared,private", "/dev/x,offset"],
)
def test_a_range_that_cannot_be_is_refused(text):
    with pytest.raises(TraitsError, match="/dev/x"):
        parse_named(text, PAGE)


def test_a_path_is_told_from_a_kind():
    assert is_named("/dev/x")
    assert not is_named("uml-ram")


def test_of_a_named_region_the_drivers_flags_are_learned():
    traits = of_flags(parse_named("/dev/x", PAGE).traits, [{"VmFlags": "rd mr me ms pf io dc de dd"}])

    assert (traits.maywrite, traits.mayexec, traits.insert) == (False, True, "mmap")
    assert traits.flags_add == ("dc", "dd", "de", "io")
    assert compare(traits, [{"VmFlags": "rd mr me ms pf io dc de dd"}]) == []


def test_that_a_named_region_is_a_pfn_mapping_is_not_learned():
    flags = [{"VmFlags": "rd mr mw me ms"}]

    assert compare(of_flags(parse_named("/dev/x", PAGE).traits, flags), flags) == ["VmFlags lacks pf (rd mr mw me ms)"]


@pytest.mark.parametrize(
    ("flags", "rss", "learned"),
    [
        ("rd sh mr mw me ms pf io de dd", 0, ("mmap", "pfn", True)),
        ("rd sh mr mw me ms pf", 0, ("mmap", "pfn", True)),
        ("rd sh mr mw me ms pf de dd", 0, ("fault", "pfn", True)),
        ("rd sh mr mw me ms mm", 4, ("mmap", "page", False)),
        ("rd sh mr mw me ms mm", 0, ("fault", "mixed", False)),
    ],
)
def test_how_ptes_come_to_be_is_learned(flags, rss, learned):
    traits = of_flags(parse_named("/dev/x", PAGE).traits, [{"VmFlags": flags, "Rss": rss}])

    assert (traits.insert, traits.by, traits.pfnmap) == learned
    assert compare(traits, [{"VmFlags": flags}]) == []


def test_what_no_driver_should_do_is_not_learned_away():
    traits = of_flags(parse_named("/dev/x", PAGE).traits, [{"VmFlags": "rd sh mr mw me ms mm", "Rss": 4}])
    traits = of_answers(traits, {"private_": "ok", "offset": "ok", "longer": "ok", "long": "EINVAL"})

    assert traits.holds("io")
    assert traits.holds("special")
    assert traits.holds("limited")


def test_what_a_driver_may_refuse_is_learned():
    traits = parse_named("/dev/x", PAGE).traits
    said = {"private_": "EPERM", "offset": "ENXIO", "longer": "ENXIO", "long": "EFAULT"}
    traits = of_answers(traits, said)

    assert (traits.sharing, traits.sharing_errno) == ("shared", "EPERM")
    assert (traits.offset, traits.offset_errno, traits.length_errno) == ("zero", "ENXIO", "EFAULT")


def test_each_answer_of_a_driver_is_under_its_own_name():
    traits = of_answers(parse_named("/dev/x", PAGE).traits, {"offset": "ok", "longer": "EFAULT", "long": "EINVAL"})

    assert (traits.sharing, traits.offset, traits.length_errno) == ("both", "any", "EFAULT")


@pytest.mark.parametrize(
    ("obs", "backing"),
    [
        ({"ret": "ok", "flags": ["nopage"]}, "absent"),
        ({"ret": "ok", "flags": [None]}, "absent"),
        ({"ret": "ok", "flags": ["reserved"]}, "reserved"),
        ({"ret": "ok", "flags": ["lru anon"]}, "ram"),
        ({"ret": "EACCES", "stage": "open"}, "absent"),
        ({}, "absent"),
    ],
)
def test_whether_pages_have_a_struct_page_is_learned(obs, backing):
    assert backing_of(parse_named("/dev/x", PAGE).traits, obs) == backing


@pytest.mark.parametrize("words", [",width=4", ",volatile", ",registers", ",private", ",ro"])
def test_only_memory_that_takes_any_access_is_filled(words):
    assert parse_named("/dev/x", PAGE, allow_write=True).traits.view_stores
    assert not parse_named("/dev/x", PAGE).traits.view_stores
    assert not parse_named("/dev/x" + words, PAGE, allow_write=True).traits.view_stores


@pytest.mark.parametrize(("arch", "found"), [("armv7l", "architecture armv7l"), ("x86_64", None)])
def test_a_region_that_another_architecture_has_otherwise_is_not_opened(arch, found):
    cause = other_kernel(load_traits()["vvar"], "6.1.192", arch)

    assert (cause and cause.found) == found


def test_a_region_whose_place_the_kernel_chooses_is_checked_where_it_likes():
    program = _program(["r0", "r1"], [load_traits()[kind] for kind in ("io-uring-pages", "packet")])

    assert "p: mr0 = map r0\n" in program
    assert "p: mr1 = mmap r1 shared r\n" in program
