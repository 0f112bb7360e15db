# SPDX-License-Identifier: GPL-2.0-or-later
"""ptrace, /proc/PID/mem, process_vm_*: mm/memory.c __access_remote_vm(), generic_access_phys()."""

import errno

import pytest

from simulator.tests.conftest import FILL, HERE, NONE, PAGE, PRIVATE, RO, SHARED, THERE

WORD = int.from_bytes(bytes([FILL]) * 8, "little")


@pytest.fixture
def phys(machine):
    def make(flags, name="x86_64-6.1", **map):
        m = machine(name, access="phys")
        m.map(flags, **map)
        m.q = m.k.fork(m.t)
        return m

    return make


@pytest.mark.parametrize("flags", [PRIVATE, SHARED])
def test_peek_of_a_raw_page_reads_the_device(phys, flags):
    m = phys(flags)

    assert m.k.ptrace_peek(m.t, m.q, HERE) == WORD


def test_poke_of_a_shared_page_reaches_the_device(phys):
    m = phys(SHARED)

    assert m.k.ptrace_poke(m.t, m.q, HERE, 0x41) == 0
    assert m.device() == 0x41


def test_poke_of_a_private_raw_page_is_refused(phys):
    m = phys(PRIVATE)

    assert m.k.ptrace_poke(m.t, m.q, HERE, 0x41) == -errno.EIO
    assert m.device() == FILL


def test_poke_of_a_shared_read_only_page_is_refused(phys):
    m = phys(SHARED, prot=RO)

    assert m.k.ptrace_poke(m.t, m.q, HERE, 0x41) == -errno.EIO


@pytest.mark.parametrize(("name", "warns"), [("x86_64-5.10", False), ("x86_64-6.1", True)])
def test_copied_page_is_out_of_reach(phys, name, warns):
    m = phys(PRIVATE, name)
    m.k.store(m.q, HERE, 1, 0x41)
    m.k.klog.clear()

    assert m.k.ptrace_peek(m.t, m.q, HERE) == -errno.EIO
    assert m.k.mem_read(m.t, m.q, HERE, 8) == -errno.EIO
    assert len(m.k.klog) == warns  # once a boot


def test_uml_has_no_way_in(phys):
    m = phys(SHARED, "uml-6.1")

    assert m.k.ptrace_peek(m.t, m.q, HERE) == -errno.EIO


@pytest.mark.parametrize("flags", [PRIVATE, SHARED])
def test_process_vm_is_refused(phys, flags):
    m = phys(flags)

    assert m.k.process_vm_readv(m.t, m.q, HERE, 8) == -errno.EFAULT
    assert m.k.process_vm_writev(m.t, m.q, HERE, b"A") == -errno.EFAULT


def test_process_vm_is_short_at_a_pfn_mapping(machine):
    m = machine()
    m.anon(pages=1, at=HERE - PAGE)
    m.map()

    assert m.k.process_vm_readv(m.t, m.t, HERE - PAGE, 2 * PAGE) == bytes(PAGE)


def test_unaligned_mem_read_shows_the_device_instead_of_the_copy(phys):
    m = phys(PRIVATE)
    m.k.store(m.q, HERE + PAGE, 1, 0x41)

    assert m.k.mem_read(m.t, m.q, HERE + PAGE - 4, 8) == bytes([FILL]) * 8


def test_aligned_mem_read_is_short_at_the_copy(phys):
    m = phys(PRIVATE)
    m.k.store(m.q, HERE + PAGE, 1, 0x41)

    assert len(m.k.mem_read(m.t, m.q, HERE, 2 * PAGE)) == PAGE


def test_read_past_the_region_is_unknown(phys):
    m = phys(SHARED)
    m.k.mem_read(m.t, m.q, HERE + 4 * PAGE - 4, 8)

    assert m.k.unknown


def test_forced_write_breaks_cow_of_read_only_anonymous_memory(machine):
    m = machine()
    m.anon(prot=RO)
    child = m.k.fork(m.t)

    assert m.k.ptrace_poke(m.t, child, THERE, 0x41) == 0
    assert m.k.load(child, THERE, 1) == 0x41
    assert m.k.load(m.t, THERE, 1) == 0


def test_write_from_prot_none_works_on_uml_only(machine):
    for name, expected in (("uml-6.1", bytes([FILL])), ("x86_64-6.1", -errno.EFAULT)):
        m = machine(name)
        m.map()
        m.k.mprotect(m.t, HERE, PAGE, NONE)

        assert m.k.write_from(m.t, HERE, 1) == expected


def test_another_user_may_not_look(machine):
    m = machine()
    m.anon()
    stranger = m.k.spawn(uid=65534)

    assert m.k.mem_read(stranger, m.t, THERE, 8) == -errno.EACCES
    assert m.k.stage == "open"
    assert m.k.process_vm_readv(stranger, m.t, THERE, 8) == -errno.EPERM
    assert m.k.ptrace_peek(stranger, m.t, THERE) == -errno.EPERM
