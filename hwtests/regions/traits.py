# SPDX-License-Identifier: GPL-2.0-or-later
"""What is there to map, and what does its driver allow?  The traits of a kind of region, as data: one TOML file a kind.

Nothing in pfnlab asks for a region's name; it asks for a trait. The traits that decide what a kernel does with a
mapping have the names of `simulator.Region`; the others say how a target gets at the region and who else sees it.
"""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields, replace
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Any

from hwtests.language.promise import version

#: What the agent is told (docs/internals.md, section 3): numbers of region kinds. `past`: no agent opens it, as only
#: kernels have it that nobody boots any more; it is there for the simulator.
SOURCES: Mapping[str, int] = MappingProxyType(
    {
        "file": 1, "devmem": 2, "ram": 3, "perf": 4, "premapped": 5, "dma-heap": 6, "udmabuf": 7, "io_uring": 8,
        "packet": 9, "lab": 10, "past": 0,
    }
)  # fmt: skip
#: Who sees the content besides the mappings of a program: how `peek` and `poke` are done.
VIEWS = ("host-file", "own-mapping", "read", "file", "none")

_CHOICES: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "source": tuple(SOURCES),
        "view": VIEWS,
        "backing": ("ram", "reserved", "absent", "mmio", "hole"),
        "sharing": ("both", "shared", "private"),
        "insert": ("mmap", "fault"),
        "by": ("pfn", "page", "mixed", "normal"),
        "order": ("forward", "reversed"),
        "offset": ("any", "zero"),
        "pgoff": ("pfn", "zero"),
        "length": ("region", "exact", "any"),
        "access": ("none", "phys"),
        "default_sharing": ("shared", "private"),
    }
)


class TraitsError(ValueError):
    """A region's file says something that no region can be: which file, which trait, what was expected."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RegionTraits:
    """The traits of a kind of region. Errors are errno names; vma flags are the two letters of smaps.

    Traits that decide what the kernel does (as in `simulator.Region`):

    backing: has a page a struct page?  `ram` (yes), `reserved` (yes, PageReserved), `absent` and `mmio` (no), `hole`
        (no memory behind it).
    sharing, sharing_errno: which of MAP_SHARED and MAP_PRIVATE the driver's mmap takes, and what it says to the other.
    writable, writable_errno: whether PROT_WRITE is taken at mmap. executable, executable_errno: the same of PROT_EXEC.
    maywrite, mayexec: false: the driver clears VM_MAYWRITE, VM_MAYEXEC.
    insert: when ptes appear: in the driver's `mmap`, or at a `fault`.
    by: how: `pfn` (remap_pfn_range(), vmf_insert_pfn()), `page` (vm_insert_page()), `mixed` (vmf_insert_mixed()), or
        `normal` (a page that the fault handler returns).
    order: `forward`, or `reversed`: page i of the mapping is page n-1-i of the region.
    mapped: how many pages the driver's mmap maps at all, from the start; 0: all.
    chunk_pages: 0: one remap_pfn_range() call covers the vma; n: one call for every n pages.
    offset, offset_errno: `any` file offset, or only `zero`.
    pgoff: what /proc/PID/maps shows as offset: `pfn` (the physical address), or `zero` (from the region's start).
    length, length_errno: whether a mapping longer than the region is refused (`region`), any of another length
        (`exact`), or not looked at (`any`).
    fixed: whether its place may be chosen (MAP_FIXED); else it is EINVAL. around: a fault fills the whole vma.
    hole_op: whether its fault handler answers, with a page, for what its mmap left out.
    access: vm_ops->access: `none`, or `phys` (generic_access_phys()).
    writenotify: whether its vm_ops has page_mkwrite or pfn_mkwrite: mprotect then leaves shared ptes write-protected.
    may_split: whether a vma of it can be split. has_file, noexec, others_write (mode of an inode that root
        owns), fsync, fallocate_errno: of its file. maxbytes, maxbytes_before: fallocate past it is EFBIG on kernels
        before that (`settled`); 0: it never is. start: at which byte of its file the region starts. rawio: opening it
        takes CAP_SYS_RAWIO.
    pfnmap: whether its vma has VM_PFNMAP. flags_add, flags_del: vma flags that the driver adds or clears.
    premapped: the name of the vma that every process has of it.
    default_sharing, default_prot: how the verb `map` maps it. mapcount: how often its owner maps a page of it.

    Traits that say how a target gets at it:

    summary: one line for people. path: the file. source: how the agent opens it. read_only: it opens it O_RDONLY.
    view: who else sees the content: `host-file` (the controller, in a file), `own-mapping` (the agent's own mapping),
        `read` (read(2) of the file), `file` (read(2) and write(2) of it), `none`. view_stores: whether that view can
        change it.
    stable: whether the content stays when nobody stores. own: it is the lab's own memory. stores: programs may store.
    widths: access widths in bytes that the memory takes. page_reads: whether the kernel may read whole pages of it (a
        copy on write does, and ptrace reads 8 bytes): reading it has no effect. cache: cache type of the mapping.
    since, before: the kernels that have it (before: the first that has not), for people. arch: the architectures that
        have it so (as in a trace's header); empty: all.
    needs, cure: what it takes to have such a region, and what makes it usable where it is not.
    learn: nobody wrote down what its driver does to a vma: that is taken from VmFlags of a first mapping.
    """

    kind: str
    summary: str
    source: str
    path: str = ""
    view: str = "none"
    view_stores: bool = False
    read_only: bool = False
    stable: bool = True
    own: bool = False
    stores: bool = True
    widths: tuple[int, ...] = (1, 2, 4, 8)
    page_reads: bool = True
    cache: str = "wb"
    since: str = ""
    before: str = ""
    arch: tuple[str, ...] = ()
    needs: str = ""
    cure: str = ""
    learn: bool = False

    backing: str = "absent"
    sharing: str = "both"
    sharing_errno: str = "EINVAL"
    writable: bool = True
    writable_errno: str = "EACCES"
    executable: bool = True
    executable_errno: str = "EACCES"
    maywrite: bool = True
    mayexec: bool = True
    insert: str = "mmap"
    by: str = "pfn"
    order: str = "forward"
    mapped: int = 0
    around: bool = False
    hole_op: bool = False
    fixed: bool = True
    chunk_pages: int = 0
    offset: str = "any"
    offset_errno: str = "EINVAL"
    pgoff: str = "pfn"
    length: str = "region"
    length_errno: str = "EINVAL"
    remap_errno: str = ""
    access: str = "none"
    writenotify: bool = False
    may_split: bool = True
    has_file: bool = True
    noexec: bool = False
    others_write: bool = False
    rawio: bool = False
    fsync: bool = False
    fallocate_errno: str = "ENODEV"
    maxbytes: int = 0
    maxbytes_before: str = ""
    start: int = 0
    pfnmap: bool = True
    flags_add: tuple[str, ...] = ()
    flags_del: tuple[str, ...] = ()
    premapped: str = ""
    default_sharing: str = "shared"
    default_prot: int = 1
    mapcount: int = 0

    def __post_init__(self) -> None:
        for name, allowed in _CHOICES.items():
            value = getattr(self, name)
            if value not in allowed:
                raise TraitsError(f"region {self.kind}: {name} must be one of {', '.join(allowed)}, got {value!r}")

    def holds(self, trait: str) -> bool:
        """Whether what a program `needs` of its region is so: `cow`, `view`, … (docs/language.md, needs)."""
        try:
            return _CONDITIONS[trait](self)
        except KeyError:
            raise TraitsError(f"no trait {trait!r}, expected one of {', '.join(sorted(_CONDITIONS))}") from None

    def as_dict(self) -> dict[str, Any]:
        """All traits by name, as a trace's header has them: lists for tuples."""
        out: dict[str, Any] = {}
        for field in fields(self):
            value = getattr(self, field.name)
            out[field.name] = list(value) if isinstance(value, tuple) else value
        return out


_CONDITIONS: Mapping[str, Callable[[RegionTraits], bool]] = {
    "cow": lambda t: _private(t) and t.writable and t.maywrite and t.stores,
    "private": lambda t: _private(t),
    "shared": lambda t: t.sharing != "private" and not t.premapped,
    "shared-write": lambda t: t.sharing != "private" and t.writable and t.stores and not t.premapped,
    "readable": lambda t: t.backing != "hole",
    "stable": lambda t: t.stable,
    "view": lambda t: t.view != "none",
    "poke": lambda t: t.view != "none" and t.view_stores and t.stores,
    "access": lambda t: t.access != "none" and t.backing != "ram",  # x86's ioremap() refuses System RAM
    "no-access": lambda t: t.access == "none",
    "struct-page": lambda t: t.backing in ("ram", "reserved"),
    "unreserved": lambda t: t.backing == "ram",
    "no-struct-page": lambda t: t.backing not in ("ram", "reserved"),
    "offset": lambda t: t.offset == "any" and not t.premapped,
    "no-offset": lambda t: t.offset == "zero" and not t.premapped,
    "eager": lambda t: t.insert == "mmap",
    "no-fsync": lambda t: t.has_file and not t.fsync,
    "inherited": lambda t: "dc" not in t.flags_add,
    "not-inherited": lambda t: "dc" in t.flags_add,
    "ram-access": lambda t: t.access != "none" and t.backing == "ram",
    "limited": lambda t: t.length != "any" and not t.premapped,
    "read-only": lambda t: not t.maywrite,
    "split": lambda t: t.may_split,
    "no-split": lambda t: not t.may_split,
    "file": lambda t: t.has_file,
    "no-file": lambda t: not t.has_file,
    "own": lambda t: t.own,
    "special": lambda t: t.pfnmap or t.learn,  # of a driver that nobody wrote down it is asked, not believed
    "mixedmap": lambda t: t.by in ("page", "mixed"),
    "counted": lambda t: t.by in ("page", "normal"),
    "pieces": lambda t: _in_pieces(t),
    "reversed": lambda t: t.order == "reversed",
    "holes": lambda t: t.mapped > 0,
    "lazy": lambda t: t.insert == "fault",
    "io": lambda t: t.learn or _has_io(t),
    "no-io": lambda t: not t.learn and not _has_io(t),
    "notified": lambda t: t.writenotify,
    "exec": lambda t: t.executable and t.mayexec and not t.noexec,
}


def _in_pieces(t: RegionTraits) -> bool:
    # Several remap_pfn_range() calls for one vma.
    return t.by == "pfn" and t.insert == "mmap" and (t.chunk_pages > 0 or t.order == "reversed")


def _private(t: RegionTraits) -> bool:
    # remap_pfn_range() refuses a part of what may be COWed.
    return t.sharing != "shared" and not t.premapped and not (_in_pieces(t) and t.maywrite)


def _has_io(t: RegionTraits) -> bool:
    remapped = t.by == "pfn" and t.insert == "mmap" and t.pfnmap
    return "io" not in t.flags_del and (remapped or "io" in t.flags_add)


def settled(traits: RegionTraits, address: int, level: str) -> RegionTraits:
    """The traits where the region lies at byte `address` of its file, on a kernel of this stable level.

    Where that is, is the firmware's choice: fs/open.c vfs_fallocate() looks at it before it looks for f_op->fallocate.
    """
    if traits.maxbytes and address >= traits.maxbytes and version(level) < version(traits.maxbytes_before):
        return replace(traits, fallocate_errno="EFBIG")
    return traits


def parse_traits(text: str, kind: str) -> RegionTraits:
    """The traits that a TOML text states of `kind`; what it leaves out has the default. Raises TraitsError."""
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise TraitsError(f"region {kind}: {error}") from None
    known = {field.name for field in fields(RegionTraits)} - {"kind"}
    for name in data:
        if name not in known:
            raise TraitsError(f"region {kind}: no trait {name!r}")
    values: dict[str, Any] = {name: tuple(value) if isinstance(value, list) else value for name, value in data.items()}
    try:
        return RegionTraits(kind=kind, **values)
    except TypeError as error:
        raise TraitsError(f"region {kind}: {error}") from None


@cache
def load_traits() -> Mapping[str, RegionTraits]:
    """Every kind that has a file beside this one, by name, in the order of their names."""
    folder = Path(__file__).parent
    return MappingProxyType(
        {path.stem: parse_traits(path.read_text(encoding="utf-8"), path.stem) for path in sorted(folder.glob("*.toml"))}
    )
