# SPDX-License-Identifier: GPL-2.0-or-later
"""Each trait of a region changes one answer."""

import errno

import pytest

from simulator import Region
from simulator.tests.conftest import HERE, NONE, PAGE, PRIVATE, RO, RW, SHARED, THERE

ALL = 4 * PAGE


def mmap(m, *, flags=PRIVATE, prot=RO, pages=4, first=0):
    return m.k.mmap(m.t, HERE, pages * PAGE, prot, flags, ("region", m.r), first * PAGE)


@pytest.mark.parametrize(
    ("traits", "asked", "answer"),
    [
        ({"sharing": "shared"}, {"flags": PRIVATE}, -errno.EINVAL),
        ({"sharing": "private", "sharing_errno": "EACCES"}, {"flags": SHARED}, -errno.EACCES),
        ({"writable": False}, {"prot": RW}, -errno.EACCES),
        ({"executable": False, "executable_errno": "EPERM"}, {"prot": 5}, -errno.EPERM),
        ({"noexec": True}, {"prot": 5}, -errno.EPERM),
        ({"offset": "zero"}, {"first": 1, "pages": 1}, -errno.EINVAL),
        ({"length_errno": "EFAULT"}, {"pages": 5}, -errno.EFAULT),
        ({"length": "any"}, {"pages": 5}, HERE),
        ({"chunk_pages": 2}, {"flags": PRIVATE}, -errno.EINVAL),
        ({"chunk_pages": 2, "remap_errno": "EAGAIN"}, {"flags": PRIVATE}, -errno.EAGAIN),
        ({"chunk_pages": 2}, {"flags": SHARED}, HERE),
    ],
)
def test_driver_s_mmap(machine, traits, asked, answer):
    assert mmap(machine(**traits), **asked) == answer


def test_cleared_maywrite_makes_write_impossible(machine):
    m = machine(maywrite=False)
    mmap(m)

    assert m.k.mprotect(m.t, HERE, PAGE, RW) == -errno.EACCES


@pytest.mark.parametrize(("name", "answer"), [("x86_64-6.1", -errno.EINVAL), ("x86_64-5.10", 0)])
def test_mapping_that_may_not_split(machine, name, answer):
    m = machine(name, may_split=False)
    mmap(m, flags=SHARED)

    assert m.k.munmap(m.t, HERE, PAGE) == answer


def test_fault_op_inserts_when_touched(machine):
    m = machine(insert="fault")
    mmap(m, flags=SHARED, prot=RW)

    assert not m.t.vmas[0].ptes.any()
    assert m.k.load(m.t, HERE + PAGE, 1) == 0x5A
    assert [bool(pte) for pte in m.t.vmas[0].ptes] == [False, True, False, False]


def test_page_with_nothing_behind_it_is_sigbus(machine):
    m = machine(insert="fault", backing=("absent", "hole", "absent", "absent"))
    mmap(m, flags=SHARED)
    fault = m.k.load(m.t, HERE + PAGE, 1)

    assert (fault.signal, fault.code) == ("SIGBUS", "BUS_ADRERR")


VVAR = {
    "backing": "reserved",
    "insert": "fault",
    "pgoff": "zero",
    "may_split": False,
    "has_file": False,
    "maywrite": False,
    "flags_add": ("io", "de", "dd"),
    "premapped": "[vvar]",
}


def test_premapped_region(machine):
    m = machine("x86_64-6.18", **VVAR)
    assert m.k.map_default(m.t, m.r, THERE, 0) == THERE
    vma = m.smaps(THERE)[0]

    assert vma["VmFlags"] == ["rd", "mr", "pf", "io", "de", "dd", "sd"]
    assert (vma["perms"], vma["pgoff"]) == ("r--p", 0)
    assert m.k.mincore(m.t, THERE, ALL) == b"\1\1\1\1"
    assert m.k.madvise(m.t, THERE, ALL, 18) == 0
    assert m.k.madvise(m.t, THERE, PAGE, 1) == -errno.EINVAL
    assert m.k.mprotect(m.t, THERE, ALL, RW) == -errno.EACCES
    assert m.k.mprotect(m.t, THERE, ALL, NONE) == 0
    assert m.k.rss(m.t) == (0, 0, 0, 0)


@pytest.mark.parametrize(
    ("field", "value"),
    [("pages", 0), ("backing", "air"), ("sharing", "all"), ("insert", "later"), ("access", "yes"), ("offset", "one")],
)
def test_impossible_traits_are_refused(field, value):
    with pytest.raises(ValueError, match=field):
        Region(**{"name": "dev", "pages": 4, field: value})


def test_backing_must_name_every_page():
    with pytest.raises(ValueError, match="2 backings"):
        Region("dev", 4, backing=("ram", "absent"))
