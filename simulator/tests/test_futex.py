# SPDX-License-Identifier: GPL-2.0-or-later
"""Can there be a futex in a PFN mapping: raw, copied, in a mapping without any access?"""

import errno

import pytest

from simulator.tests.conftest import ANON, HERE, NONE, PAGE, RO, RW, SHARED, THERE

PRIVATE_FLAG = 1
FILL = 0x5A5A5A5A
FAST, SLOW = ["x86_64-5.10", "x86_64-6.1", "x86_64-6.12", "x86_64-7.2"], ["uml-5.10", "uml-6.12", "uml-7.2", "arm-6.1"]


def wait(m, at, value=0, flags=0):
    return m.k.futex_wait(m.t, at, value, flags)


@pytest.mark.parametrize("name", FAST + SLOW)
def test_a_shared_futex_on_a_raw_page_is_efault(machine, name):
    m = machine(name)
    m.map()
    m.map(SHARED, at=THERE)

    assert wait(m, HERE) == -errno.EFAULT
    assert m.k.futex_wake(m.t, THERE, 0) == -errno.EFAULT


@pytest.mark.parametrize(("name", "answer"), [(name, 0) for name in FAST] + [(name, -errno.EFAULT) for name in SLOW])
def test_a_shared_futex_on_a_copy_is_found_by_its_pte(machine, name, answer):
    m = machine(name)
    m.map()
    m.k.store(m.t, HERE, 4, 1)

    assert m.k.futex_wake(m.t, HERE, 0) == answer
    assert wait(m, HERE, 7) == (answer or -errno.EAGAIN)


@pytest.mark.parametrize("name", FAST + SLOW)
def test_a_private_futex_is_its_address(machine, name):
    m = machine(name)
    m.map()

    assert m.k.futex_wake(m.t, HERE, PRIVATE_FLAG) == 0
    assert wait(m, HERE, 0, PRIVATE_FLAG) == -errno.EAGAIN
    assert wait(m, HERE, FILL, PRIVATE_FLAG) == -errno.ETIMEDOUT


def test_waking_in_a_hole_by_a_private_key_is_no_fault_and_waiting_is(machine):
    m = machine()

    assert m.k.futex_wake(m.t, HERE, PRIVATE_FLAG) == 0
    assert wait(m, HERE, 0, PRIVATE_FLAG) == -errno.EFAULT
    assert m.k.futex_wake(m.t, HERE, 0) == -errno.EFAULT


def test_a_futex_stands_at_a_multiple_of_four(machine):
    m = machine()
    m.map()

    assert wait(m, HERE + 2, 0, PRIVATE_FLAG) == -errno.EINVAL


def test_waiting_in_anonymous_memory_brings_a_page_of_its_own(machine):
    m = machine()
    m.anon()
    m.k.load(m.t, THERE, 4)

    assert wait(m, THERE) == -errno.ETIMEDOUT
    assert m.k.rss(m.t)[0] == 1


def test_a_read_only_anonymous_page_holds_no_shared_futex(machine):
    m = machine()
    m.anon()
    m.k.store(m.t, THERE, 4, 1)
    m.k.mprotect(m.t, THERE, 4 * PAGE, RO)

    assert wait(m, THERE) == -errno.EFAULT
    assert wait(m, THERE + PAGE) == -errno.EFAULT  # the zero page


def test_a_copy_shared_by_fork_holds_no_shared_futex(machine):
    m = machine("x86_64-7.2")
    m.map()
    m.k.store(m.t, HERE, 4, 1)
    m.k.fork(m.t)

    assert wait(m, HERE) == -errno.EFAULT


def test_shared_anonymous_memory_holds_futexes(machine):
    m = machine()
    m.k.mmap(m.t, THERE, PAGE, RW, 0x31, None, 0)

    assert wait(m, THERE) == -errno.ETIMEDOUT


def test_a_page_that_a_driver_inserted_belongs_to_no_file(machine):
    m = machine(backing="ram", by="page")
    m.map(SHARED)

    assert wait(m, HERE) == -errno.EFAULT


@pytest.mark.parametrize("name", FAST + SLOW)
def test_no_access_no_value(machine, name):
    m = machine(name)
    m.map(prot=NONE)
    reads = name.startswith("uml")  # the kernel's copy does not ask for the access there

    assert wait(m, HERE, 0, PRIVATE_FLAG) == (-errno.EAGAIN if reads else -errno.EFAULT)


@pytest.mark.parametrize("name", ["2.6.14", "2.6.15"])
def test_to_2627_a_futex_in_a_vm_io_vma_is_eperm(machine, name):
    m = machine(name, backing="reserved")
    m.map()
    m.k.store(m.t, HERE, 4, 1)
    m.anon()

    assert wait(m, HERE) == -errno.EPERM
    assert m.k.futex_wake(m.t, HERE, 0) == -errno.EPERM
    assert wait(m, THERE) == -errno.ETIMEDOUT
    assert wait(m, THERE, 0, PRIVATE_FLAG) == -errno.ENOSYS


def test_by_the_vma_a_hole_is_efault_and_what_may_not_be_read_eacces(machine):
    m = machine("2.6.15")
    m.k.mmap(m.t, THERE, PAGE, NONE, ANON, None, 0)

    assert wait(m, HERE) == -errno.EFAULT
    assert wait(m, THERE) == -errno.EACCES
