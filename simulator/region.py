# SPDX-License-Identifier: GPL-2.0-or-later
"""What is there to map, and what does its driver allow?  The traits of a region, as data (never `if name ==`)."""

from __future__ import annotations

import errno
from dataclasses import dataclass

BACKINGS = ("ram", "reserved", "absent", "mmio", "hole")


@dataclass(frozen=True, slots=True)
class Region:
    """Memory with a driver in front of it.  Errors are errno names; flags are the two letters of smaps.

    backing: has the page a struct page?  `ram` (yes), `reserved` (yes, PageReserved), `absent` and `mmio` (no),
        `hole` (no memory behind it at all); one word for all pages or one a page.
    insert: when ptes appear: in the driver's `mmap`, or at a `fault`.
    by: how: `pfn` (remap_pfn_range(), vmf_insert_pfn()), `page` (vm_insert_page()), `mixed` (vmf_insert_mixed()), or
        `normal` (a page that the fault handler returns).
    order: `forward`, or `reversed`: page i of the mapping is page n-1-i of the region, one call a page.
    mapped: how many pages the driver's mmap maps at all, from the start; 0: all.
    chunk_pages: 0: one remap_pfn_range() call covers the vma; n: one call for every n pages.
    offset: `any`, or `zero` (another offset is `offset_errno`).
    pgoff: what the file offset means: `pfn` (/dev/mem: offset == pfn; sysfs resourceN adds the address), `zero`
        (counted from the region's start).
    length: `region` (longer is `length_errno`), `exact` (any other is) or `any`.
    fixed: False: its place cannot be chosen (EINVAL). around: a fault fills the whole vma.
    hole_op: its fault handler answers, with a page, for what its mmap left out.
    access: vm_ops->access: `none` or `phys` (generic_access_phys()).
    premapped: name of the vma that every process has of it (`[vvar]`), mapped with no file.
    """

    name: str
    pages: int
    backing: str | tuple[str, ...] = "absent"
    sharing: str = "both"  # both | shared | private
    sharing_errno: str = "EINVAL"
    writable: bool = True
    writable_errno: str = "EACCES"
    executable: bool = True
    executable_errno: str = "EACCES"
    maywrite: bool = True  # False: the driver clears VM_MAYWRITE
    mayexec: bool = True  # False: it clears VM_MAYEXEC too
    insert: str = "mmap"  # mmap | fault
    by: str = "pfn"  # pfn | page | mixed | normal
    order: str = "forward"  # forward | reversed
    mapped: int = 0
    around: bool = False
    hole_op: bool = False
    fixed: bool = True
    chunk_pages: int = 0
    offset: str = "any"  # any | zero
    offset_errno: str = "EINVAL"
    pgoff: str = "pfn"  # pfn | zero
    start: int = 0  # pgoff `zero`: at which byte of its file the region starts
    length: str = "region"  # region | exact | any
    length_errno: str = "EINVAL"
    remap_errno: str = ""  # what mmap() returns when remap_pfn_range() fails; "": its own errno
    access: str = "none"  # none | phys
    writenotify: bool = False  # has page_mkwrite or pfn_mkwrite: mprotect leaves shared ptes write-protected
    may_split: bool = True
    has_file: bool = True
    read_only: bool = False  # how it is opened when a program maps the region itself
    noexec: bool = False
    others_write: bool = False  # whether the inode, which root owns, may be written by anybody
    rawio: bool = False  # /dev/mem: opening it takes CAP_SYS_RAWIO
    cache: str = "wb"  # wb | wc | uc | device (pgprot_device())
    fsync: bool = False
    fallocate_errno: str = "ENODEV"
    flags_add: tuple[str, ...] = ()
    flags_del: tuple[str, ...] = ()
    premapped: str = ""
    default_sharing: str = "shared"  # how `map` maps it
    default_prot: int = 1
    mapcount: int = 0  # how often a struct page of it is mapped by whom it belongs to

    def __post_init__(self) -> None:
        if self.pages <= 0:
            raise ValueError(f"region {self.name}: pages must be positive, got {self.pages}")
        backings = (self.backing,) if isinstance(self.backing, str) else self.backing
        for word in backings:
            if word not in BACKINGS:
                raise ValueError(f"region {self.name}: backing must be one of {', '.join(BACKINGS)}, got {word!r}")
        if not isinstance(self.backing, str) and len(self.backing) != self.pages:
            raise ValueError(f"region {self.name}: {self.pages} pages, but {len(self.backing)} backings")
        if self.by == "normal" and self.insert != "fault":
            raise ValueError(f"region {self.name}: by=normal wants insert=fault, got insert={self.insert}")
        for field, allowed in (
            ("sharing", ("both", "shared", "private")),
            ("insert", ("mmap", "fault")),
            ("by", ("pfn", "page", "mixed", "normal")),
            ("order", ("forward", "reversed")),
            ("offset", ("any", "zero")),
            ("pgoff", ("pfn", "zero")),
            ("length", ("region", "exact", "any")),
            ("access", ("none", "phys")),
            ("default_sharing", ("shared", "private")),
        ):
            value = getattr(self, field)
            if value not in allowed:
                raise ValueError(f"region {self.name}: {field} must be one of {', '.join(allowed)}, got {value!r}")

    def backing_of(self, page: int) -> str:
        return self.backing if isinstance(self.backing, str) else self.backing[page]


def errno_of(name: str) -> int:
    """-errno of an errno name: errno_of("EACCES") == -13."""
    return -int(getattr(errno, name))
