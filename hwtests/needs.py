# SPDX-License-Identifier: GPL-2.0-or-later
"""Does a program make sense here?  If not: what it needs, what was found, and what would cure it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, is_dataclass, replace
from typing import Protocol

from hwtests.language.conditions import Condition, parse_condition
from hwtests.language.nodes import Address, Name, Op, Operand, Program
from hwtests.language.promise import version
from hwtests.language.settings import process_settings, program_needs, region_settings

# Architectures that select ARCH_HAS_PTE_SPECIAL (or had HAVE_PTE_SPECIAL, since Linux kernel commit 7e675137a8e1
# ("mm: introduce pte_special pte bit") (in v2.6.26)); User-Mode Linux does not, 32-bit ARM only with ARM_LPAE.
PTE_SPECIAL = frozenset(
    {"x86_64", "i386", "i686", "aarch64", "riscv64", "ppc64", "ppc64le", "s390x", "loongarch64", "sparc64"}
)
# Operations that can change a region's content through a mapping.
STORES = frozenset({"store", "pokedata", "mem_write", "vm_writev", "read", "read_zero", "direct_read"})
# Operations that are done to a kernel of the lab's own alone: a core is written where core_pattern says, which is
# everybody's, and a page given back is anybody's.
OWN_KERNEL = frozenset({"coredump", "release"})
# Operations that want a disk.
DISK = frozenset({"direct_write", "direct_read"})
# Operations that ask the lab's driver.
LAB_DRIVER = frozenset({"ptes", "page_state", "vma"})
# Traits that a region lacks while nothing may be stored to it.
STORED = frozenset({"cow", "shared-write", "view", "poke"})
OPENS = frozenset({"open", "mmap"})
# Operations that look at a region from outside.
PEEKS = frozenset({"peek", "ask"})
# Sources of regions that a path names: those that are made have a descriptor, and no second one.
OPENED_BY_PATH = frozenset({"file", "devmem", "ram", "lab", "past"})


class Traits(Protocol):
    """What is asked of a region: hwtests/regions/traits.py, RegionTraits."""

    @property
    def kind(self) -> str: ...
    @property
    def writable(self) -> bool: ...
    @property
    def sharing(self) -> str: ...
    @property
    def stores(self) -> bool: ...
    @property
    def own(self) -> bool: ...
    @property
    def learn(self) -> bool: ...
    @property
    def fixed(self) -> bool: ...
    @property
    def source(self) -> str: ...
    @property
    def mapped(self) -> int: ...
    @property
    def chunk_pages(self) -> int: ...
    @property
    def length(self) -> str: ...
    def holds(self, trait: str, /) -> bool: ...


class Kernel(Protocol):
    """hwtests/trace.py, Kernel."""

    @property
    def release(self) -> str: ...
    @property
    def at(self) -> str: ...
    @property
    def arch(self) -> str: ...


@dataclass(frozen=True, slots=True)
class Skip:
    """Why a program does not run: one line each, for people."""

    needs: str
    found: str
    cure: str


@dataclass(frozen=True, slots=True)
class Place:
    """Where a program would run. `pages` by region; `uid` is the one that root processes start with."""

    regions: Mapping[str, Traits]
    pages: Mapping[str, int]
    kernel: Kernel
    uid: int = 0
    config: Mapping[str, str] | None = None  # None: not known
    modules: Mapping[str, str] = field(default_factory=dict)
    own_kernel: bool = False  # nobody else's


def check(
    program: Program, regions: Mapping[str, Traits], pages: Mapping[str, int], kernel: Kernel, *,
    uid: int = 0, config: Mapping[str, str] | None = None, modules: Mapping[str, str] | None = None,
    own_kernel: bool = False,
) -> Skip | None:  # fmt: skip
    """None when every condition holds, those that the program states and those that follow from what it does.

    `modules`: what the lab loaded into the kernel, by name: `ok`, or the errno. `own_kernel`: it is the lab's own.
    """
    place = Place(regions, pages, kernel, uid, config, modules or {}, own_kernel)
    return next(_unmet(program, place), None)


def _unmet(program: Program, place: Place) -> Iterator[Skip]:
    yield from _regions(program, place)
    for text in program_needs(program):
        condition = parse_condition(text)
        if isinstance(condition, Condition):
            skip = _condition(condition, place)
            if skip is not None:
                yield skip
    yield from _implied(program, place)


def _regions(program: Program, place: Place) -> Iterator[Skip]:
    for name, settings in region_settings(program).items():
        if name not in place.regions:
            yield Skip(f"a region for '{name}'", "none", "name one with --region, or use another target")
        elif settings.pages is not None and place.pages.get(name, 0) < settings.pages:
            yield Skip(
                f"{name}.pages>={settings.pages}",
                f"{place.regions[name].kind} has {place.pages.get(name, 0)} pages",
                f"use a region of {settings.pages} pages or more",
            )


def _implied(program: Program, place: Place) -> Iterator[Skip]:
    for name, settings in region_settings(program).items():
        if settings.fill is not None:
            yield from _trait(name, "poke", f"{name}.poke, to fill it first", place)
    verbs, opened = _done(program)
    for verb in sorted(verbs & LAB_DRIVER)[:1]:
        ok, found, cure = _lab_driver(None, place)
        if not ok:
            yield Skip(f"lab-driver, for {verb}", found, cure)
    for verb in sorted(verbs & DISK)[:1]:
        if place.own_kernel and place.modules and (said := place.modules.get("brd")) != "ok":
            found = f"loading brd failed: {said}" if said else "brd is not loaded"
            yield Skip(f"a disk, for {verb}", found, "pfnlab kernels fetch: it brings the module")
    for verb in sorted(verbs & OWN_KERNEL)[:1]:
        ok, found, cure = _own_kernel(None, place)
        if not ok:
            yield Skip(f"own-kernel, for {verb}", found, cure)
    for name, traits in place.regions.items():
        if name not in region_settings(program):
            continue
        yield from _ordinary(program, name, traits, place)
        if "page_state" in verbs and traits.source != "lab" and traits.holds("struct-page"):
            found = f"the pages of {traits.kind} are counted by others too"
            yield Skip(f"{name} whose pages only the lab uses, for page_state", found, _CURES["special"])
        if Name(name) in opened:
            yield from _trait(name, "file", f"{name}.file, to mmap or open it", place)
            if "open" in verbs and traits.source not in OPENED_BY_PATH:
                cure = "use a region that has a path"
                yield Skip(f"{name} that can be opened again", f"{traits.kind} has no path", cure)
            if not traits.fixed and f"{name}.kind={traits.kind}" not in program_needs(program):
                cure = "use a region of another kind, or `map` instead of `mmap`"
                yield Skip(f"{name} whose place may be chosen", f"{traits.kind} is mapped where the kernel likes", cure)
        if "fork" in verbs and not any(text.startswith(f"{name}.not-inherited") for text in program_needs(program)):
            yield from _trait(name, "inherited", f"{name}.inherited, to fork", place)
        if verbs & PEEKS:
            yield from _trait(name, "view", f"{name}.view, to peek", place)
        if "poke" in verbs:
            yield from _trait(name, "poke", f"{name}.poke, to poke", place)
        if "call" in verbs and not place.own_kernel:
            yield from _trait(name, "poke", f"{name}.poke, to know what code is there", place)
        if name in released(program) and traits.source != "ram":
            found = f"{traits.kind} is not the lab's own RAM in a guest"
            yield Skip(f"{name} of which a page can be given back", found, "use uml:6.12 --region uml-ram")
        if verbs & STORES and not traits.stores and traits.writable and traits.sharing != "private":
            yield Skip(
                f"{name} that may be stored to",
                f"{traits.kind} is not the lab's to write",
                _ALLOW,
            )
    if place.uid != 0 and any(one.uid or one.drop for one in process_settings(program).values()):
        yield Skip("uid=0, to set a process's uid or capabilities", f"uid {place.uid}", "run as root, or on uml")


def _ordinary(program: Program, name: str, traits: Traits, place: Place) -> Iterator[Skip]:
    # A program speaks of PFN mappings whose page n is the region's page n, all of them, unless it says otherwise.
    asked = {text.partition(".")[2] for text in program_needs(program) if text.startswith(f"{name}.")}
    if traits.learn and {"special", "io"} <= asked:
        return  # a driver that nobody wrote down is asked for the flags, whatever it does
    for trait, instead in _UNUSUAL.items():
        if traits.holds(trait) and not asked & {trait, *instead}:
            yield Skip(f"{name} that is an ordinary PFN mapping", f"{traits.kind} {_IS[trait]}", _CURES["special"])
    for trait in ("pieces", "no-io") if traits.source == "past" else ():  # what became of these changed weekly
        if traits.holds(trait) and trait not in asked:
            yield Skip(f"{name} that is an ordinary PFN mapping", f"{traits.kind} {_IS[trait]}", _CURES["special"])
    pages = region_settings(program)[name].pages
    if traits.mapped and "holes" not in asked and (pages is None or pages > traits.mapped):
        yield Skip(f"{name} without holes", f"{traits.kind} is mapped up to page {traits.mapped}", _CURES["special"])
    if traits.length == "exact" and pages is not None and pages != place.pages.get(name):
        found = f"{traits.kind} is mapped whole or not at all"
        yield Skip(f"{name} of which {pages} pages can be mapped", found, "use a region of another kind")


def _done(program: Program) -> tuple[set[str], set[Operand]]:
    # The verbs of the program, and what it opens or maps.
    if _done not in program.kept:
        ops = [statement for _, statement in program.statements() if isinstance(statement, Op)]
        opened = {op.operands[0] for op in ops if op.verb in OPENS and op.operands}
        program.kept[_done] = {op.verb for op in ops}, opened
    return program.kept[_done]  # type: ignore[no-any-return]


def released(program: Program) -> frozenset[str]:
    """The regions of which a page is given back."""
    ops = [s for _, s in program.statements() if isinstance(s, Op) and s.verb == "release"]
    return frozenset(op.operands[0].base or "" for op in ops if isinstance(op.operands[0], Address))


def _condition(condition: Condition, place: Place) -> Skip | None:
    if condition.region is not None:
        return _region_condition(condition, condition.region, place)
    key = condition.key
    if key.startswith("CONFIG_"):
        return _config(condition, place)
    ok, found, cure = _KERNEL[key](condition, place)
    return None if ok else Skip(condition.text, found, cure)


def _region_condition(condition: Condition, name: str, place: Place) -> Skip | None:
    traits = place.regions[name]
    if condition.key == "pages":
        pages = place.pages.get(name, 0)
        return _unless(
            pages >= int(condition.value), condition, f"{traits.kind} has {pages} pages", "use a larger region"
        )
    if condition.key == "kind":
        return _unless(
            traits.kind == condition.value, condition, f"{name} is {traits.kind}", f"use --region {condition.value}"
        )
    return next(_trait(name, condition.key, condition.text, place), None)


def _trait(name: str, trait: str, needs: str, place: Place) -> Iterator[Skip]:
    traits = place.regions[name]
    cure = _CURES.get(trait, "use a region of another kind")
    no_ioremap = (place.config or {}).get("CONFIG_HAVE_IOREMAP_PROT") == "n"  # generic_access_phys() hangs on it
    if trait in ("access", "ram-access") and traits.holds(trait) and no_ioremap:
        yield Skip(needs, "a kernel without HAVE_IOREMAP_PROT, so without generic_access_phys()", cure)
    elif trait == "pieces" and traits.chunk_pages >= place.pages.get(name, 0):
        yield Skip(needs, f"{traits.kind} has no more pages than one piece", cure)
    elif not traits.holds(trait) and trait in STORED and _lent(traits).holds(trait):
        yield Skip(needs, f"{traits.kind} is not the lab's to write", _ALLOW)
    elif not traits.holds(trait) and not (trait == "no-access" and no_ioremap):
        yield Skip(needs, f"{traits.kind} {_LACKS[trait]}", cure)


def _lent(traits: Traits) -> Traits:
    # What the region would be with --allow-write.
    if traits.own or traits.stores or not traits.writable or not is_dataclass(traits):
        return traits
    return replace(traits, stores=True, view="own-mapping", view_stores=True)


def _unless(ok: bool, condition: Condition, found: str, cure: str) -> Skip | None:
    return None if ok else Skip(condition.text, found, cure)


def _config(condition: Condition, place: Place) -> Skip | None:
    known = place.config or {}
    value = known.get(condition.key)
    if value is None:
        return Skip(condition.text, f"{condition.key} not known", "use a kernel that tells its configuration")
    return _unless(value == condition.value, condition, f"{condition.key}={value}", "use a kernel built otherwise")


_Answer = tuple[bool, str, str]


def _release(condition: Condition, place: Place) -> _Answer:
    at, asked = version(place.kernel.at), version(condition.value)
    ok = at >= asked if condition.relation == ">=" else at < asked
    release, level = place.kernel.release, place.kernel.at
    found = f"kernel {release}" + (f" ({level})" if level != release else "")
    return ok, found, f"use a kernel {condition.relation} {condition.value}"


def _arch(condition: Condition, place: Place) -> _Answer:
    same = place.kernel.arch == condition.value
    ok = same if condition.relation == "=" else not same
    return ok, f"architecture {place.kernel.arch}", f"use {'another' if same else condition.value} architecture"


def _pte_special(condition: Condition, place: Place) -> _Answer:
    special = has_pte_special(place.kernel.at, place.kernel.arch, place.config or {})
    ok = special == (condition.key == "pte-special")
    cure = "use uml or qemu:6.1-armhf" if special else "use qemu or a host of an architecture with pte_special"
    return ok, f"{place.kernel.arch} has {'' if special else 'no '}pte_special", cure


def _uid(condition: Condition, place: Place) -> _Answer:
    return place.uid == 0, f"uid {place.uid}", "run as root, or on uml, which gives root inside"


def has_pte_special(release: str, arch: str, config: Mapping[str, str]) -> bool:
    """Whether `pte_special()` decides what a raw pte is (else: the linear rule)."""
    has = arch in PTE_SPECIAL or (arch == "armv7l" and config.get("CONFIG_ARM_LPAE") == "y")
    return has and version(release) >= version("2.6.26")


def _lab_driver(_: object, place: Place) -> _Answer:
    said = place.modules.get("pfnlab")
    if said is None:
        return (
            False,
            "the lab's driver is not loaded",
            "use qemu with the kernel's headers fetched, or load native/kmod",
        )
    return said == "ok", f"loading the lab's driver failed: {said}", "build native/kmod for this kernel"


def _own_kernel(_: object, place: Place) -> _Answer:
    return place.own_kernel, "a kernel that others use", "use uml or qemu"


_KERNEL: Mapping[str, Callable[[Condition, Place], _Answer]] = {
    "kernel": _release, "arch": _arch, "pte-special": _pte_special, "no-pte-special": _pte_special, "uid": _uid,
    "lab-driver": _lab_driver, "own-kernel": _own_kernel,
}  # fmt: skip

_LACKS: Mapping[str, str] = {
    "cow": "cannot be mapped private and stored to (refused, or not the lab's)",
    "private": "cannot be mapped private",
    "shared": "cannot be mapped shared",
    "shared-write": "cannot be mapped shared and stored to (refused, or not the lab's)",
    "readable": "has no memory behind it",
    "stable": "has content that changes by itself",
    "view": "cannot be seen from outside",
    "poke": "cannot be changed from outside",
    "access": "has no vm_ops->access that works",
    "no-access": "has vm_ops->access",
    "struct-page": "has pages without a struct page",
    "no-struct-page": "has pages with a struct page",
    "unreserved": "has pages that are reserved, or no struct page",
    "offset": "takes no offset",
    "eager": "is filled by faults, not by mmap",
    "no-offset": "takes an offset",
    "no-fsync": "has an fsync",
    "inherited": "is not inherited by fork",
    "not-inherited": "is inherited by fork",
    "ram-access": "is no RAM with a vm_ops->access",
    "limited": "may be mapped longer than it is",
    "read-only": "may be written",
    "split": "may not be split",
    "no-split": "may be split",
    "file": "has no file",
    "no-file": "has a file",
    "own": "is not the lab's own memory",
    "special": "is no PFN mapping",
    "mixedmap": "is not VM_MIXEDMAP",
    "counted": "has ptes that do not count as mappings of a page",
    "pieces": "is remapped in one piece",
    "reversed": "is mapped in order",
    "holes": "is mapped whole",
    "lazy": "is filled by mmap, not by faults",
    "io": "has no VM_IO",
    "no-io": "has VM_IO",
    "notified": "has neither page_mkwrite nor pfn_mkwrite",
    "exec": "cannot be mapped executable",
}

# What a region may be that a program does not expect, and the traits by which it says that it does.
_UNUSUAL: Mapping[str, tuple[str, ...]] = {
    "mixedmap": ("counted",), "counted": ("mixedmap",), "reversed": ("pieces",),
}  # fmt: skip
_IS = {
    "mixedmap": "is VM_MIXEDMAP", "counted": "has normal pages", "reversed": "is mapped in reverse",
    "pieces": "is remapped in pieces", "no-io": "has no VM_IO",
}  # fmt: skip

_ALLOW = "--allow-write, where a store to it is harmless; or use a region of the lab's own"
_OWN = "use uml or qemu, which bring regions of the lab's own"
_CURES: Mapping[str, str] = {
    "cow": _OWN, "shared-write": _OWN, "view": _OWN, "poke": _OWN, "own": _OWN, "stable": _OWN,
    "access": "use qemu: its BAR has vm_ops->access",
    "no-access": "use uml: it has no HAVE_IOREMAP_PROT",
    "struct-page": "use uml: /dev/mem over its RAM",
    "unreserved": "use uml (its own RAM) or qemu with the lab's driver",
    "no-struct-page": "use uml up to 6.12 (mmapper) or qemu (a BAR)",
    "offset": "use qemu's BAR or uml's /dev/mem",
    "no-split": "use [vvar], or a perf ring of a kernel from 6.14 on",
    "file": "use a region of another kind, or `map` instead of `mmap`",
    "no-file": "use [vvar]",
    "eager": "use a region that remap_pfn_range() maps",
    "special": "use a region that is a PFN mapping",
    **dict.fromkeys(
        ("mixedmap", "counted", "pieces", "reversed", "holes", "lazy", "no-io", "notified"),
        "use qemu with the lab's driver: pfnlab regions says which of its regions is so",
    ),
}  # fmt: skip
