# SPDX-License-Identifier: GPL-2.0-or-later
"""A page given back may be the next copy's; the linear rule then takes the copy for raw, as no other rule does."""

import pytest

from simulator.tests.conftest import HERE as AT
from simulator.tests.conftest import PAGE

LINEAR = ("2.6.15-rc3", "2.6.15", "uml-5.10", "uml-6.12", "uml-7.2", "arm-6.1")
TOLD_APART = ("unpaged", "x86_64-5.10", "x86_64-6.12", "x86_64-7.2")


@pytest.fixture
def ram(machine):
    """A region of the lab's own RAM."""
    return lambda name="uml-6.12", backing="ram": machine(name, backing=backing, mapcount=int(backing == "ram"))


@pytest.fixture
def coincided(ram):
    """A private mapping whose page 1 was copied into the frame that it had shown."""

    def make(name):
        m = ram(name)
        m.map()
        m.k.release(m.r, 1)
        assert m.k.store(m.t, AT + PAGE, 1, 0x41) == 0
        assert m.k.frame(m.t, AT + PAGE) == m.k.region_pfn(m.r) + 1
        return m.k, m.t, m.r

    return make


@pytest.mark.parametrize("name", LINEAR)
def test_under_the_linear_rule_the_copy_is_never_given_back(coincided, name):
    k, t, r = coincided(name)
    assert k.munmap(t, AT, 4 * PAGE) == 0
    assert k.rss(t)[0] == 1
    assert k.mem.refcount[k.region_pfn(r) + 1] == 1


@pytest.mark.parametrize("name", TOLD_APART)
def test_under_the_other_rules_it_is(coincided, name):
    k, t, r = coincided(name)
    assert k.munmap(t, AT, 4 * PAGE) == 0
    assert k.rss(t)[0] == 0
    assert k.mem.refcount[k.region_pfn(r) + 1] == 0


@pytest.mark.parametrize("name", LINEAR)
def test_fork_takes_no_reference_of_it(coincided, name):
    k, t, r = coincided(name)
    child = k.fork(t)
    assert k.mem.refcount[k.region_pfn(r) + 1] == 1
    assert (k.rss(child)[0], k.load(child, AT + PAGE, 1)) == (0, 0x41)


@pytest.mark.parametrize("name", ["uml-6.12", "arm-6.1"])
def test_a_kernel_that_checks_its_counters_tells_of_it_at_exit(coincided, name):
    k, t, _ = coincided(name)
    k.exit(t, 0)
    assert k.klog == ["type:MM_ANONPAGES val:1"]


def test_the_kernels_of_2005_do_not_check(coincided):
    k, t, _ = coincided("2.6.15")
    k.exit(t, 0)
    assert k.klog == []


def test_where_another_allocation_gets_the_frame_the_model_is_silent(ram):
    m = ram()
    m.k.release(m.r, 1, granted=False)
    assert m.k.lost is not None


def test_a_page_given_back_is_nobodys_until_it_is_had_again(ram):
    m = ram()
    pfn = m.k.region_pfn(m.r) + 1
    assert m.k.kpagecount(pfn) == 1
    m.k.release(m.r, 1)
    assert m.k.kpagecount(pfn) == 0
