# SPDX-License-Identifier: GPL-2.0-or-later
"""Profiles are complete, and a kernel gets the right one."""

import pytest

from simulator import load_profile, profile_for, profile_names
from simulator.catalogue import words
from simulator.flags import parse_flags


@pytest.mark.parametrize("name", profile_names())
def test_profile_is_complete(name):
    profile = load_profile(name)

    for names in (profile.remap_flags, profile.gup_refuse, profile.madvise_dofork_refuse, profile.mremap_grow_refuse):
        parse_flags(names)
    assert profile.raw_rule in words()["raw_rule"].values
    assert profile.hole_fault in ("sigbus", "zero", "zero-prot", "anon")
    assert profile.config["CONFIG_SWAP"] in "ny"


def test_unknown_profile_lists_those_there_are():
    with pytest.raises(ValueError, match="uml-7"):
        load_profile("uml-9")


@pytest.mark.parametrize(
    ("release", "arch", "name", "assumed"),
    [
        ("6.1.192", "x86_64", "x86_64-6.1", False),
        ("6.1.0", "x86_64", "x86_64-6.1", True),
        ("6.1.176", "um", "uml-6.1", False),
        ("6.12.101", "um", "uml-6.12", False),
        ("6.18.44", "x86_64", "x86_64-6.18", True),
        ("6.6.9", "x86_64", "x86_64-6.1", True),
        ("6.6.9", "um", "uml-6.1", True),
        ("7.9.1", "x86_64", "x86_64-7.3", True),
        ("4.19.0", "x86_64", "2.6.27", True),
        ("2.6.15", "x86_64", "2.6.15", False),
        ("2.6.14", "x86_64", "2.6.14", False),
        ("2.6.15-rc2", "x86_64", "2.6.15-rc2", True),
        ("2.6.15-rc2+", "x86_64", "unpaged", True),
        ("2.6.15-rc3", "x86_64", "2.6.15-rc3", False),
        ("2.6.15-rc5", "x86_64", "2.6.15-rc4", False),
        ("2.6.15.7", "x86_64", "2.6.15", False),
        ("2.6.9", "x86_64", "2.6.14", True),
        ("6.1.0", "aarch64", "x86_64-6.1", True),
    ],
)
def test_nearest_lower_release(release, arch, name, assumed):
    profile, is_assumed = profile_for(release, arch, {})

    assert (profile.name, is_assumed) == (name, assumed)


def test_configuration_of_the_kernel_overrides_the_profile_s():
    profile, _ = profile_for("6.1.176", "um", {"CONFIG_KSM": "y"})

    assert profile.enabled("CONFIG_KSM")
    assert not profile.enabled("CONFIG_TRANSPARENT_HUGEPAGE")


def test_unreadable_release_is_refused():
    with pytest.raises(ValueError, match="release"):
        profile_for("next", "x86_64")
