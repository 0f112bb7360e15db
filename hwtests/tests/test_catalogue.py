# SPDX-License-Identifier: GPL-2.0-or-later
"""Every program of the catalogue is one cited claim, written down in one form, and enough of them run everywhere."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

import pytest

from hwtests.language import compile_program, parse_file, print_program
from hwtests.language.conditions import Condition, parse_condition
from hwtests.language.nodes import Hazard, Op, Program, Rule
from hwtests.language.promise import version
from hwtests.language.settings import program_hazard, program_needs, program_rules
from hwtests.needs import check
from hwtests.regions.traits import load_traits
from hwtests.trace import Kernel
from simulator.catalogue import rules

CATALOGUE = Path(__file__).parent.parent / "catalogue"
FILES = sorted(CATALOGUE.rglob("*.pfn"))
PROGRAMS = {path.stem: parse_file(path) for path in FILES}
THEMES = (
    "bad-address", "calls", "coincidence", "commit-2005", "cow", "driver", "fork", "gup", "madvise", "mapping",
    "mixedmap", "pat", "proc", "ptrace", "rss", "traits", "vma", "zoo",
)  # fmt: skip


# What Debian's kernels for amd64 have, of what programs ask for.
CONFIG = {f"CONFIG_{name}": "y" for name in ("64BIT", "NUMA", "MEM_SOFT_DIRTY", "USERFAULTFD")}


def applicable(region: str, release: str, arch: str, pages: int = 16, uid: int = 0, lab: bool = False) -> set[str]:
    """The programs that run on a region of this kind; those that need none are not among them."""
    config = CONFIG if arch == "x86_64" else {}
    traits, kernel = load_traits()[region], Kernel(release, "", "", arch)
    modules = {"pfnlab": "ok", "brd": "ok"} if lab else {}
    return {
        name
        for name, program in PROGRAMS.items()
        if "region " in print_program(program)
        and check(
            program, {"dev": traits}, {"dev": pages}, kernel, uid=uid, config=config, modules=modules, own_kernel=True
        )
        is None
    }


def test_names_are_unique():
    assert [name for name, count in Counter(path.stem for path in FILES).items() if count > 1] == []
    assert {path.parent.name for path in FILES} == set(THEMES)


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_program_is_written_in_the_one_form(path):
    program = parse_file(path)
    text = path.read_text()

    assert print_program(program) == text
    assert text.startswith("pfn 1\n# SPDX-License-Identifier: GPL-2.0-or-later\n# ")
    assert [type(one) for _, one in program.statements() if isinstance(one, Rule | Hazard)] == [Rule, Hazard]
    assert all(line == line.rstrip() for line in text.splitlines())


@pytest.mark.parametrize("name", PROGRAMS)
def test_a_program_promises_what_the_kernels_source_says(name):
    promises = [promise for line in PROGRAMS[name].lines for promise in line.promises]

    assert promises
    for promise in promises:
        assert re.search(r"\b[\w/]+\.[chS]\b|the device's own view", promise.citation), promise.citation


@pytest.mark.parametrize("name", PROGRAMS)
def test_a_programs_rules_are_those_of_the_specification(name):
    named = program_rules(PROGRAMS[name])

    assert named
    assert set(named) <= set(rules())


@pytest.mark.parametrize("name", PROGRAMS)
def test_a_program_compiles_for_other_page_sizes(name):
    for page_size in (4096, 16384, 65536):
        assert compile_program(PROGRAMS[name], {"dev": 4}, page_size).calls


@pytest.mark.parametrize(
    ("region", "release", "arch", "least"),
    [
        ("uml-mmapper", "6.12.101", "um", 50), ("uml-mmapper", "5.10.46", "um", 50), ("uml-iomem", "6.1.176", "um", 50),
        ("uml-ram", "7.2.7", "um", 50), ("bar", "6.1.0-56-cloud-amd64", "x86_64", 50),
        ("hidden", "6.1.0", "x86_64", 50),
        ("vvar", "6.18.44", "x86_64", 12), ("btf", "6.18.44", "x86_64", 12), ("perf", "6.18.44", "x86_64", 12),
    ],
)  # fmt: skip
def test_enough_programs_run_on_each_kind_of_region(region, release, arch, least):
    assert len(applicable(region, release, arch)) >= least


@pytest.mark.parametrize("release", ["5.10.223", "6.1.176", "6.12.117", "7.2.13"])
def test_most_programs_run_under_qemu_with_the_labs_driver(release):
    regions = [name for name in load_traits() if name.startswith("lab-")] + ["bar", "hidden"]
    run = set().union(*(applicable(region, release, "x86_64", lab=True) for region in regions))
    run |= {name for name, program in PROGRAMS.items() if "region " not in print_program(program)}

    mine = {name for name, program in PROGRAMS.items() if is_of(program, release)}
    assert len(run & mine) >= 0.8 * len(mine), sorted(mine - run)


def is_of(program: Program, release: str) -> bool:
    """Whether the program is about kernels of this age."""
    conditions = [parse_condition(text) for text in program_needs(program)]
    ages = [one for one in conditions if isinstance(one, Condition) and one.key == "kernel"]
    return all((version(release) >= version(one.value)) == (one.relation == ">=") for one in ages)


@pytest.mark.parametrize("region", ["vvar", "btf", "perf"])
def test_enough_of_them_run_without_root(region):
    assert len(applicable(region, "6.18.44", "x86_64", uid=65534)) >= 12


def test_no_program_stores_to_what_is_not_the_labs():
    # The other two cannot be written by anybody: a store to them faults.
    assert [name for name in applicable("perf", "6.18.44", "x86_64") if stores(PROGRAMS[name])] == []


def stores(program: Program) -> bool:
    return any(isinstance(one, Op) and one.verb in ("store", "read", "poke") for _, one in program.statements())


def test_debuggers_writes_are_shown_reaching_and_refused():
    on_the_bar = applicable("bar", "6.1.0", "x86_64")

    assert {"poke-reaches-shared-device-page", "poke-refused-on-private-page"} <= on_the_bar


def test_what_makes_a_kernel_warn_says_so():
    # All of `coincidence` leaks a page; what the kernels of 2005 did not survive is in `commit-2005`.
    own = {"coincidence", "commit-2005"}
    found = {path.stem: program_hazard(PROGRAMS[path.stem]) for path in FILES if path.parent.name not in own}

    assert {name: hazard for name, hazard in found.items() if hazard != "none"} == {
        "access-refuses-ram": "taints",
        "copied-page-hidden": "taints",
        "debugger-leaves-a-copy-alone": "taints",
        "failed-fork-frees-nothing": "leaks",
        "first-part-is-invalid": "leaks",
        "grown-hole-maps-the-zero-page": "may-oops",
        "mem-stops-at-a-copy": "taints",
        "middle-part-is-invalid": "leaks",
        "split-and-unmapped-whole": "leaks",
        "type-is-found-by-the-first-pte": "leaks",
    }


def test_a_coincidence_leaks():
    found = {program_hazard(PROGRAMS[path.stem]) for path in FILES if path.parent.name == "coincidence"}

    assert found == {"leaks"}
