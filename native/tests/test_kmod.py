# SPDX-License-Identifier: GPL-2.0-or-later
"""Is the source of the lab's driver in order?  Its table, its uapi and its style, without a kernel."""

from __future__ import annotations

import re
import subprocess
import tomllib
from pathlib import Path
from typing import Any

import pytest

KMOD = Path(__file__).parents[1] / "kmod"
REGIONS = Path(__file__).parents[2] / "hwtests" / "regions"
SOURCES = sorted(path for path in KMOD.rglob("*.[ch]") if not path.name.endswith(".mod.c"))
COLUMNS = 100
#: What smaps calls a flag that a driver adds or takes away; what pfnmap and by say is no flag of a region's traits.
LETTERS = {"VM_IO": "io", "VM_DONTEXPAND": "de", "VM_DONTDUMP": "dd", "VM_DONTCOPY": "dc"}

_UAPI = """
#include <sys/ioctl.h>
#include "pfnlab.h"
_Static_assert(PFNLAB_IOC_INFO == _IOR('p', 0xf0, struct pfnlab_info), "INFO");
_Static_assert(PFNLAB_IOC_PTES == _IOW('p', 0xf1, struct pfnlab_query), "PTES");
_Static_assert(PFNLAB_IOC_PAGES == _IOW('p', 0xf2, struct pfnlab_query), "PAGES");
_Static_assert(PFNLAB_IOC_VMAS == _IOW('p', 0xf3, struct pfnlab_query), "VMAS");
"""
_SIZES = """
#include "pfnlab.h"
_Static_assert(sizeof(struct pfnlab_info) == 16 && sizeof(struct pfnlab_query) == 32, "asked");
_Static_assert(sizeof(struct pfnlab_pte) == 16 && sizeof(struct pfnlab_page) == 16, "answered");
_Static_assert(sizeof(struct pfnlab_vma) == 32, "answered");
"""


def kinds() -> dict[str, str]:
    """The table of kinds.c: a node's name, and the rest of its entry."""
    table = (KMOD / "kinds.c").read_text().partition("lab_kinds[] = {")[2].partition("\n};")[0]
    return dict(re.findall(r'\{ "(\w+)",(.*?) \},\n', table, re.S))


def regions() -> dict[str, dict[str, Any]]:
    """The regions of the lab's driver, by the node that they are."""
    found = [tomllib.loads(path.read_text()) for path in REGIONS.glob("*.toml")]
    return {Path(each["path"]).name: each for each in found if each["source"] == "lab"}


def flags(entry: str, field: str) -> set[str]:
    match = re.search(rf"\.{field} = ([\w| ]+)", entry)
    words = match[1].replace("NOT_PAGES", "VM_IO | VM_DONTEXPAND | VM_DONTDUMP") if match else ""
    return {LETTERS[word] for word in words.split(" | ") if word in LETTERS}


def compiles(text: str, *options: str) -> str:
    command = ["cc", "-fsyntax-only", "-Wall", "-Werror", "-I", str(KMOD), *options, "-xc", "-"]
    return subprocess.run(command, input=text, capture_output=True, text=True).stderr


def test_ioctl_numbers_are_those_of_ioc():
    assert compiles(_UAPI) == ""


@pytest.mark.parametrize("option", ["-m32", "-m64"])
def test_structs_of_the_uapi_have_one_layout_on_32_and_64_bits(option):
    assert compiles(_SIZES, option, "-ffreestanding") == ""


def test_every_region_of_the_lab_is_a_node_of_the_table():
    assert set(regions()) <= set(kinds())
    assert set(kinds()) - set(regions()) <= {"huge"}  # 2 MiB do not fit into a program's place


def test_flags_of_the_regions_are_those_of_the_table():
    table = kinds()
    expected = {name: (flags(table[name], "set"), flags(table[name], "lose")) for name in regions()}

    assert expected == {
        name: (set(region.get("flags_add", ())), set(region.get("flags_del", ()))) for name, region in regions().items()
    }


def test_what_faults_and_what_refuses_is_that_of_the_table():
    def of_table(entry: str) -> tuple[bool, bool, bool]:
        return "NULL" in entry, "LAB_NO_PRIVATE" in entry, "LAB_NO_WRITE" in entry

    def of_region(region: dict[str, Any]) -> tuple[bool, bool, bool]:
        return region.get("insert") == "fault", region.get("sharing") == "shared", region.get("writable") is False

    assert {name: of_table(kinds()[name]) for name in regions()} == {
        name: of_region(region) for name, region in regions().items()
    }


@pytest.mark.parametrize("path", SOURCES, ids=[str(path.relative_to(KMOD)) for path in SOURCES])
def test_source_keeps_to_the_kernels_style(path):
    lines = path.read_text().splitlines()
    head = ("// " if path.suffix == ".c" else "/* ") + "SPDX-License-Identifier: GPL-2.0-or-later"

    assert lines[0].startswith(head)
    assert [n for n, line in enumerate(lines, 1) if len(line.expandtabs(8)) > COLUMNS] == []
    assert [n for n, line in enumerate(lines, 1) if line != line.rstrip() or re.match(r"\t* {8}", line)] == []
    assert [n for n, line in enumerate(lines[1:], 2) if re.search(r"^\s*//|/\*.*[^ ]\*/", line)] == []


def test_only_compat_asks_for_a_version():
    asking = {path.name for path in SOURCES if "LINUX_VERSION_CODE" in path.read_text()}

    assert asking == {"compat.h", "toy.h"}  # a folder of toys is built by itself


def test_every_kind_and_every_toy_is_in_its_readme():
    assert [name for name in kinds() if f"| `{name}` |" not in (KMOD / "README.md").read_text()] == []
    toys = {path.stem for path in (KMOD / "toys").glob("toy_*.c")}
    assert {name for name in toys if f"| `{name}` |" in (KMOD / "toys" / "README.md").read_text()} == toys
    assert {f"{name}.o" for name in toys} == set(re.findall(r"toy_\w+\.o", (KMOD / "toys" / "Kbuild").read_text()))
