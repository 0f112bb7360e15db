# SPDX-License-Identifier: GPL-2.0-or-later
"""Which semantics are to be expected of a kernel?

A profile is data (`profiles/*.toml`) that chooses between the variants of each rule: by kernel release, architecture
and configuration, never by a behaviour that a rule predicts.
"""

from __future__ import annotations

import dataclasses
import functools
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import resources
from typing import Any

from simulator import flags as f
from simulator.version import order


@dataclass(frozen=True, slots=True)
class Profile:
    """One kernel's variants; every field's words are explained in `words.toml`."""

    name: str
    release: str
    level: str
    arch: str
    config: Mapping[str, str]
    assumed: str
    # the machine
    word: int
    arena: int
    task_size: int
    # how a raw pte is told from a page's (vm_normal_page)
    raw_rule: str
    bad_pte: str
    zero_page: str
    # remap_pfn_range
    remap_flags: tuple[str, ...]
    remap_skips_ram: bool
    remap_pgoff: str
    remap_partial: str
    private_reserved: str
    pat: bool
    # faults
    cow_absent: str
    cow_copy_from: str
    cow_copy_fails: str
    cow_old_pte: str
    wp_shared: str
    hw_young: bool
    device_dirty: bool
    mprotect_young: bool
    mprotect_upgrade: str
    fault_dirty_page: bool
    hole_fault: str
    nopage_in_pfnmap: str
    read_fault_needs: str
    exec_only: str
    fault_around_pages: int
    kernel_copy: str
    # fork
    fork_raw: str
    fork_copies: tuple[str, ...]
    fork_pat_first_page: bool
    fork_failed_pat: str
    stale_host_mappings: bool
    host_tlb: str
    # access from outside
    gup_refuse: tuple[str, ...]
    gup_raw: str
    gate_page: str
    pin_unshares: bool
    access_op: bool
    access_cowed: str
    mem_write: bool
    mem_needs_attach: bool
    process_vm: bool
    vmsplice: bool
    gup_fast: bool
    # calls beside the mapping
    futex_key: str
    futex_private: bool
    move_pages: str
    mbind_modes: int
    mbind_flags: int
    mbind_refuse: tuple[str, ...]
    clear_refs: int
    uffd_anonymous: int
    uffd_shared: int
    uffd_wp_close: str
    mseal: bool
    mseal_discard: tuple[int, ...]
    mseal_read_only: str
    process_madvise: tuple[int, ...]
    process_madvise_own: str
    remap_file_pages: str
    mlockall_flags: int
    exec_bit: bool
    direct_pins: bool
    coredump_reserved: str
    pagemap_scan: bool
    smaps_rollup: bool
    # accounting and /proc
    smaps_raw: str
    smaps_pfnmap: str
    smaps_fields: tuple[str, ...]
    smaps_vmflags: bool
    smaps_flags_unnamed: tuple[str, ...]
    smaps_page_referenced: bool
    rss_lag_pages: int
    exit_checks_rss: bool
    pagemap: str
    max_pfn: str
    numa_maps: str
    mincore_pfnmap: str
    read_zero: str
    mincore_anon: bool
    # system calls
    mlock_special: str
    madvise_known: tuple[int, ...]
    madvise_unknown: str
    madvise_dontneed_refuse: tuple[str, ...]
    madvise_dofork_refuse: tuple[str, ...]
    madvise_willneed_no_file: bool
    populate_hole: str
    mremap_shrink_looks: bool
    mremap_grow_refuse: tuple[str, ...]
    mremap_dup_private: bool
    mremap_dontunmap: str
    mremap_dontunmap_locked: str
    mremap_batch: bool
    msync_nofsync: bool
    msync_async_stops: bool
    msync_cleans: str
    mprotect_drops_account: bool
    merge_unfaulted: str
    may_split: bool
    anon_vma_per_fork: bool

    @property
    def page_size(self) -> int:
        return 4096

    def enabled(self, option: str) -> bool:
        """Is a configuration option =y (or =m)?"""
        return self.config.get(option, "n") in ("y", "m")

    def bits(self, names: tuple[str, ...]) -> int:
        return f.parse_flags(names)


_OF_A_DEFECT = ("defect", "affected", "program")


def _read(name: str) -> dict[str, Any]:
    text = resources.files("simulator").joinpath("profiles", f"{name}.toml").read_text("utf-8")
    data = tomllib.loads(text)
    parent = data.pop("inherits", None)
    if parent is None:
        return data
    merged = _read(str(parent))
    config = {**merged.get("config", {}), **data.pop("config", {})}
    return {**merged, **data, "config": config}


@functools.cache
def profile_names() -> tuple[str, ...]:
    """Names of the profiles there are, sorted."""
    folder = resources.files("simulator").joinpath("profiles")
    return tuple(sorted(entry.name[: -len(".toml")] for entry in folder.iterdir() if entry.name.endswith(".toml")))


@functools.cache
def load_profile(name: str) -> Profile:
    """The profile of that name; ValueError for an unknown name or an incomplete file.

    `zoo/NAME` is a kernel with a known defect (simulator/zoo.py).
    """
    if name not in profile_names() and not name.startswith("zoo/"):
        raise ValueError(f"no profile {name!r}; there are: {', '.join(profile_names())}")
    data = _read(name)
    for said in _OF_A_DEFECT if name.startswith("zoo/") else ():
        data.pop(said, None)
    values: dict[str, Any] = {"name": name}
    for field in dataclasses.fields(Profile):
        if field.name == "name":
            continue
        if field.name not in data:
            raise ValueError(f"profile {name}: {field.name} is missing")
        value = data.pop(field.name)
        values[field.name] = tuple(value) if isinstance(value, list) else value
    if data:
        raise ValueError(f"profile {name}: unknown {', '.join(sorted(data))}")
    return Profile(**values)


def release_key(release: str) -> tuple[int, int, int]:
    """(6, 1, 0) of `6.1.0-42-amd64`: major, minor, third number."""
    match = re.match(r"(\d+)\.(\d+)(?:\.(\d+))?", release)
    if match is None:
        raise ValueError(f"not a kernel release: {release!r}")
    major, minor, third = match.groups()
    return int(major), int(minor), int(third or 0)


def _series(release: str) -> tuple[int, ...]:
    key = release_key(release)
    return key if key[0] < 3 else key[:2]


def profile_for(release: str, arch: str, config: Mapping[str, str] | None = None) -> tuple[Profile, bool]:
    """The profile of a kernel: its own series, else the nearest lower one of that architecture.

    `release` is the kernel's stable level (`6.1.192`). Returns (profile, assumed): assumed is True when no profile is
    of the release's own series or architecture, when the level is below the one that the profile was seen at (fixes
    change behaviour within a series), or when the profile was put together from its neighbours.
    `config` overrides the configuration that the profile carries.  Raises ValueError for an unreadable release.
    """
    wanted = _series(release)
    key = release_key(release)
    candidates = [load_profile(name) for name in profile_names()]
    of_arch = [p for p in candidates if p.arch == arch] or [p for p in candidates if p.arch == "x86_64"]
    of_arch.sort(key=lambda p: order(p.level))
    if key[0] < 3:  # of one 2.6 release there are several profiles, down to those of a commit
        lower = [p for p in of_arch if order(p.level) <= order(release)]
    else:
        lower = [p for p in of_arch if _series(p.release) <= wanted]
    chosen = lower[-1] if lower else of_arch[0]
    named = chosen.arch == arch and _series(chosen.release) == wanted and key >= release_key(chosen.level)
    assumed = bool(chosen.assumed) or not named
    if config:
        chosen = dataclasses.replace(chosen, config={**chosen.config, **config})
    return chosen, assumed
