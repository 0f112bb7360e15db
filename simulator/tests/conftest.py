# SPDX-License-Identifier: GPL-2.0-or-later
"""A small machine for the tests: a kernel, a region of four pages filled with 0x5a, a process; places on the arena."""

import pytest

from simulator import Kernel, Region, load_profile

PAGE = 4096
RW, RO, NONE = 3, 1, 0
PRIVATE, SHARED = 0x12, 0x11  # with MAP_FIXED
ANON = 0x32
HERE, THERE = 8 * PAGE, 64 * PAGE
FILL = 0x5A


def pytest_ignore_collect(collection_path, config):
    if collection_path.name == "test_benchmark.py" and not config.getoption("benchmark_only", default=False):
        return True
    return None


class Machine:
    """`k`, `r` and `t`, and the calls that every test makes."""

    def __init__(self, k, **traits):
        self.k = k
        k.reset()
        self.r = k.add_region(Region("dev", 4, **traits))
        k.region_bytes(self.r)[:] = FILL
        self.t = k.spawn()

    def map(self, flags=PRIVATE, prot=RW, pages=4, at=HERE, task=None, first=0):
        got = self.k.mmap(task or self.t, at, pages * PAGE, prot, flags, ("region", self.r), first * PAGE)
        assert got == at, got
        return at

    def anon(self, pages=4, at=THERE, prot=RW):
        assert self.k.mmap(self.t, at, pages * PAGE, prot, ANON, None, 0) == at
        return at

    def device(self, page=0):
        return self.k.peek(self.r, page * PAGE, 1)

    def smaps(self, at=HERE, pages=4, task=None):
        return self.k.smaps(task or self.t, at, at + pages * PAGE)


class Simulated:
    """Where the kernels come from; a plugin named `kernels` may have others (hwtests/tests/verified)."""

    default = "x86_64-6.1"

    def __init__(self):
        self.made: dict[str, Kernel] = {}

    def kernel(self, name):
        if name not in self.made:
            self.made[name] = Kernel(load_profile(name))
        return self.made[name]


SIMULATED = Simulated()


@pytest.fixture
def machine(request):
    """machine("uml-6.1", access="phys"): a Machine of that profile, with a region of those traits."""
    kernels = request.config.pluginmanager.get_plugin("kernels") or SIMULATED

    def make(name=None, **traits):
        return Machine(kernels.kernel(name or kernels.default), **traits)

    return make
