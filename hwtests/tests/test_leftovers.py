# SPDX-License-Identifier: GPL-2.0-or-later
"""Is it known what a program leaves in a host's kernel?"""

import pytest

from hwtests.language import parse
from hwtests.leftovers import memtype_left
from hwtests.regions.traits import load_traits
from hwtests.trace import Kernel

SPLITS = "pfn 1\nneeds dev.split\nregion dev\nprocess p\np: m = map dev\np: munmap m[0]\n"


def left(text: str, kind: str, release: str, arch: str = "x86_64") -> str | None:
    kernel = Kernel(release, "", arch, arch)
    return memtype_left(parse(text, "t.pfn"), {"dev": load_traits()[kind]}, kernel)


@pytest.mark.parametrize("release", ["5.10.223", "6.1.192", "6.15.11"])
def test_a_split_mapping_of_device_memory_leaves_its_cache_type(release):
    assert left(SPLITS, "bar", release) == ("bar is split: before 6.16 the cache type of its first part stays reserved")


@pytest.mark.parametrize(
    ("text", "kind", "release", "arch"),
    [
        pytest.param(SPLITS, "bar", "6.16", "x86_64", id="since 6.16"),
        pytest.param(SPLITS, "bar", "6.1.192", "um", id="no PAT"),
        pytest.param(SPLITS, "lab-whole", "6.1.192", "x86_64", id="RAM has no record"),
        pytest.param(SPLITS.replace("needs dev.split\n", ""), "bar", "6.1.192", "x86_64", id="not split"),
    ],
)
def test_nothing_is_left(text, kind, release, arch):
    assert left(text, kind, release, arch) is None
