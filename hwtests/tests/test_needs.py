# SPDX-License-Identifier: GPL-2.0-or-later
"""A program that makes no sense here is skipped with what it needs, what was found, and a cure."""

from __future__ import annotations

import dataclasses

import pytest

from hwtests.language import parse
from hwtests.language.conditions import TRAITS, Condition, parse_condition
from hwtests.needs import _CURES, _LACKS, Skip, check, has_pte_special
from hwtests.regions.traits import RegionTraits, load_traits
from hwtests.trace import Kernel

UML = Kernel("6.12.101", "", "x86_64", "um")
X86 = Kernel("6.1.176+b13", "", "x86_64", "x86_64")
MAPPER = RegionTraits(kind="mapper", summary="", source="file", view="host-file", view_stores=True, own=True)
RING = RegionTraits(
    kind="ring", summary="", source="perf", sharing="shared", stores=False, stable=False, may_split=False
)
RING_OF_RAM = dataclasses.replace(RING, backing="ram")
CLOCK = RegionTraits(
    kind="clock", summary="", source="premapped", premapped="[x]", stores=False, writable=False, maywrite=False,
    sharing="private",
)  # fmt: skip
BODY = "process p\np: m = map dev\n"


def asked(text, traits=MAPPER, kernel=UML, *, pages=4, uid=0, config=None, modules=None, own_kernel=False):
    program = parse(f"pfn 1\n{text}\n")
    place = {"uid": uid, "config": config, "modules": modules, "own_kernel": own_kernel}
    return check(program, {"dev": traits}, {"dev": pages}, kernel, **place)


def needing(conditions, traits=MAPPER, kernel=UML, **place):
    return asked(f"needs {conditions}\nregion dev\n{BODY}", traits, kernel, **place)


def test_what_all_holds_is_no_skip():
    assert (
        needing("dev.cow dev.shared-write dev.view dev.poke kernel>=6.12 kernel<7 arch=um no-pte-special uid=0") is None
    )


@pytest.mark.parametrize(
    ("condition", "found", "place"),
    [
        ("dev.access", "mapper has no vm_ops->access that works", {}),
        ("dev.pages>=8", "mapper has 4 pages", {}),
        ("dev.kind=ring", "dev is mapper", {}),
        ("kernel>=7", "kernel 6.12.101", {}),
        ("kernel<6.12.101", "kernel 6.12.101", {}),
        ("kernel>=6.1.177", "kernel 6.1.176+b13", {"kernel": X86}),
        ("arch=x86_64", "architecture um", {}),
        ("arch!=um", "architecture um", {}),
        ("pte-special", "um has no pte_special", {}),
        ("no-pte-special", "x86_64 has pte_special", {"kernel": X86}),
        ("uid=0", "uid 1000", {"uid": 1000}),
        ("CONFIG_KSM=y", "CONFIG_KSM not known", {}),
        ("own-kernel", "a kernel that others use", {}),
        ("dev.exec", "mapper cannot be mapped executable", {"traits": dataclasses.replace(MAPPER, noexec=True)}),
        ("CONFIG_KSM=y", "CONFIG_KSM=n", {"config": {"CONFIG_KSM": "n"}}),
        ("dev.cow", "ring cannot be mapped private and stored to (refused, or not the lab's)", {"traits": RING}),
        ("dev.split", "ring may not be split", {"traits": RING}),
        ("dev.stable", "ring has content that changes by itself", {"traits": RING}),
        ("dev.cow", "clock cannot be mapped private and stored to (refused, or not the lab's)", {"traits": CLOCK}),
    ],
)
def test_what_does_not_hold_is_said_with_a_cure(condition, found, place):
    skip = needing(condition, **place)

    assert skip is not None
    assert (skip.needs, skip.found) == (condition, found)
    assert skip.cure


def test_the_first_condition_that_does_not_hold_is_told():
    skip = needing("dev.cow dev.access kernel>=9")

    assert skip is not None
    assert skip.needs == "dev.access"


def test_a_kernel_of_exactly_the_version_is_enough():
    assert needing("kernel>=6.1.176 kernel<6.2", kernel=X86) is None


def test_a_configuration_that_is_known_holds():
    assert needing("CONFIG_KSM=y", config={"CONFIG_KSM": "y"}) is None


def test_a_region_that_is_not_there_is_a_skip():
    program = parse(f"pfn 1\nregion dev\n{BODY}")

    assert check(program, {}, {}, UML) == Skip(
        "a region for 'dev'", "none", "name one with --region, or use another target"
    )


def test_a_smaller_region_is_a_skip():
    assert asked(f"region dev pages=4\n{BODY}", pages=4) is None
    skip = asked(f"region dev pages=4\n{BODY}", pages=3)

    assert skip is not None
    assert (skip.needs, skip.found) == ("dev.pages>=4", "mapper has 3 pages")


def test_what_was_made_cannot_be_opened_again():
    skip = asked("region dev\nprocess p\np: f = open dev ro", RING)

    assert skip is not None
    assert skip.found == "ring has no path"


def test_only_the_labs_pages_are_counted():
    skip = asked("region dev\nprocess p\npage_state dev", RING_OF_RAM, modules={"pfnlab": "ok"})

    assert skip is not None
    assert skip.found == "the pages of ring are counted by others too"


@pytest.mark.parametrize("trait", ["mixedmap", "counted"])
def test_a_region_of_another_kind_takes_a_program_that_says_so(trait):
    page = dataclasses.replace(MAPPER, by="page", pfnmap=False)

    assert (asked(f"region dev\n{BODY}", page) or Skip("", "", "")).found == "mapper is VM_MIXEDMAP"
    assert needing(f"dev.{trait}", page) is None


def test_a_hole_takes_a_program_that_says_so_or_stays_before_it():
    partial = dataclasses.replace(MAPPER, mapped=8)

    assert asked(f"region dev pages=8\n{BODY}", partial, pages=16) is None
    assert needing("dev.holes", partial, pages=16) is None
    assert (asked(f"region dev\n{BODY}", partial, pages=16) or Skip("", "", "")).needs == "dev without holes"


def test_who_forks_needs_a_region_that_is_inherited():
    kept = dataclasses.replace(MAPPER, flags_add=("dc",))

    assert (asked(f"region dev\n{BODY}p: q = fork", kept) or Skip("", "", "")).needs == "dev.inherited, to fork"
    assert needing("dev.not-inherited", kept) is None


def test_filling_needs_a_view_that_stores():
    assert asked(f"region dev fill=1\n{BODY}") is None
    skip = asked(f"region dev fill=1\n{BODY}", RING)

    assert skip is not None
    assert skip.needs == "dev.poke, to fill it first"


@pytest.mark.parametrize("operation", ["p: m = mmap dev shared r", "p: f = open dev ro"])
def test_mapping_or_opening_a_region_needs_its_file(operation):
    assert asked(f"region dev\nprocess p\n{operation}", MAPPER) is None
    skip = asked(f"region dev\nprocess p\n{operation}", dataclasses.replace(CLOCK, has_file=False))

    assert skip is not None
    assert (skip.needs, skip.found) == ("dev.file, to mmap or open it", "clock has no file")


@pytest.mark.parametrize(
    ("operation", "needs"), [("peek dev[0]", "dev.view, to peek"), ("poke dev[0] 1", "dev.poke, to poke")]
)
def test_looking_from_outside_needs_a_view(operation, needs):
    assert asked(f"region dev\n{BODY}{operation}") is None
    skip = asked(f"region dev\n{BODY}{operation}", RING)

    assert skip is not None
    assert skip.needs == needs


@pytest.mark.parametrize(
    "operation", ["store m 1", "read m 1", "pokedata p m 1", "mem_write p m 1", "vm_writev p m 1"]
)  # fmt: skip
def test_nothing_is_stored_to_a_strangers_memory(operation):
    skip = asked(f"region dev\n{BODY}p: {operation}", RING)

    assert skip is not None
    assert (skip.needs, skip.found) == ("dev that may be stored to", "ring is not the lab's to write")
    assert asked(f"region dev\n{BODY}p: {operation}", MAPPER) is None
    assert asked(f"region dev\n{BODY}p: {operation}", CLOCK) is None  # it will fault: nobody can write there


def test_another_user_and_fewer_capabilities_need_root():
    for option in ("uid=5", "drop=chown"):
        assert asked(f"region dev\nprocess p {option}\np: rss") is None
        skip = asked(f"region dev\nprocess p {option}\np: rss", uid=1000)

        assert skip is not None
        assert skip.found == "uid 1000"


def test_pte_special_is_of_the_architecture_and_the_time():
    assert has_pte_special("6.1", "x86_64", {})
    assert not has_pte_special("6.1", "um", {})
    assert not has_pte_special("2.6.25", "x86_64", {})
    assert has_pte_special("2.6.26", "x86_64", {})
    assert has_pte_special("6.1", "armv7l", {"CONFIG_ARM_LPAE": "y"})
    assert not has_pte_special("6.1", "armv7l", {"CONFIG_ARM_LPAE": "n"})


@pytest.mark.parametrize("text", ["needs lab-driver\nregion dev\n" + BODY, "region dev\n" + BODY + "p: ptes m"])
@pytest.mark.parametrize(
    ("modules", "found"),
    [
        ({"pfnlab": "ok"}, None),
        ({}, "the lab's driver is not loaded"),
        ({"pfnlab": "ENOEXEC"}, "loading the lab's driver failed: ENOEXEC"),
    ],
)
def test_who_asks_the_labs_driver_needs_it(text, modules, found):
    skip = asked(text, modules=modules)

    assert (skip and skip.found) == found


def test_every_trait_that_can_be_asked_for_has_an_answer():
    for trait in TRAITS:
        assert isinstance(parse_condition(f"dev.{trait}"), Condition)
        assert trait in _LACKS
        for traits in load_traits().values():
            assert traits.holds(trait) in (True, False)
    assert set(_CURES) <= set(TRAITS)


def test_a_core_is_dumped_in_a_kernel_of_the_labs_own_only():
    text = f"region dev\n{BODY}p: coredump m"

    assert asked(text) == Skip("own-kernel, for coredump", "a kernel that others use", "use uml or qemu")
    assert asked(text, own_kernel=True) is None


@pytest.mark.parametrize("op", ["p: read_zero m", "p: direct_read m 1"])
def test_what_the_kernel_writes_into_a_mapping_is_a_store(op):
    assert asked(f"region dev\n{BODY}{op}", dataclasses.replace(MAPPER, own=False, stores=False)) is not None


def test_on_a_kernel_that_others_use_code_is_called_only_where_the_lab_wrote_it():
    text = f"region dev\n{BODY}p: call m"

    skip = asked(text, RING)
    assert skip is not None
    assert skip.needs == "dev.poke, to know what code is there"
    assert asked(text, RING, own_kernel=True) is None
    assert asked(text, MAPPER) is None


def test_a_guest_whose_kernel_was_fetched_without_brd_has_no_disk():
    text = f"region dev\n{BODY}p: direct_write m"

    skip = asked(text, own_kernel=True, modules={"pfnlab": "ok"})
    assert skip is not None
    assert (skip.needs, skip.found) == ("a disk, for direct_write", "brd is not loaded")
    assert asked(text, own_kernel=True, modules={"pfnlab": "ok", "brd": "ok"}) is None
    assert asked(text, own_kernel=True) is None  # UML has its own
