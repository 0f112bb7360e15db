# SPDX-License-Identifier: GPL-2.0-or-later
"""How fast is it?  `pytest --benchmark-only simulator`; a normal run does not collect this file (conftest.py)."""

import random

import numpy as np
import pytest

from simulator import Kernel, Region, load_profile
from simulator.tests.conftest import ANON, HERE, PAGE, PRIVATE, RO, RW, SHARED, THERE

PAGES = 1 << 18
ROUNDS = 2000
POPULATE = 0x8000


@pytest.fixture(scope="module")
def kernel():
    return Kernel(load_profile("x86_64-6.1"))


def mixed(kernel, rounds):
    """Ten operations a round: loads and stores of two processes, and one surgery, fork or look."""
    rnd = random.Random(1)
    kernel.reset()
    r = kernel.add_region(Region("dev", 4, access="phys"))
    task = kernel.spawn()
    places = (HERE, THERE, 128 * PAGE)
    for place, flags in zip(places, (PRIVATE, SHARED, ANON), strict=True):
        kernel.mmap(task, place, 4 * PAGE, RW, flags, None if flags == ANON else ("region", r), 0)
    child = kernel.fork(task)
    for turn in range(rounds):
        for step in range(4):
            where = places[step % 3] + rnd.randrange(4) * PAGE + 8 * rnd.randrange(500)
            kernel.load(task, where, 8)
            kernel.store(task if isinstance(child, int) else child, where, 8, turn)
        kind = turn % 5
        if kind == 0:
            kernel.munmap(task, HERE + PAGE, PAGE)
            kernel.mmap(task, HERE, 4 * PAGE, RW, PRIVATE, ("region", r), 0)
        elif kind == 1:
            kernel.mprotect(task, HERE, 2 * PAGE, RO)
            kernel.mprotect(task, HERE, 2 * PAGE, RW)
        elif kind == 2:
            kernel.madvise(task, HERE, 4 * PAGE, 4)
            kernel.mem_read(task, task, THERE, 8)
        elif kind == 3:
            kernel.smaps(task, HERE, HERE + 4 * PAGE)
            kernel.rss(task)
        elif not isinstance(child, int):
            kernel.exit(child, 0)
            child = kernel.fork(task)
        kernel.rules.clear()


@pytest.mark.benchmark(group="operations")
def test_mixed_small_operations(benchmark, kernel):
    benchmark.extra_info["operations"] = 10 * ROUNDS
    benchmark.pedantic(mixed, (kernel, ROUNDS), rounds=5)

    assert 10 * ROUNDS / benchmark.stats["min"] > 30_000


@pytest.mark.parametrize("kind", ["raw", "anonymous"])
@pytest.mark.benchmark(group="ranges")
def test_copy_of_the_same_bytes(benchmark, kind):
    # What the others stand beside: numpy copies what they have to touch. Of a raw range that is the ptes; of an
    # anonymous one refcount, mapcount and flags of its pages too.
    touched = [np.ones(PAGES, np.uint64)]
    if kind == "anonymous":
        touched += [np.ones(PAGES, np.int32), np.ones(PAGES, np.int32), np.ones(PAGES, np.uint16)]
    copies = [np.ones_like(array) for array in touched]

    def copy():
        for to, array in zip(copies, touched, strict=True):
            to[:] = array

    benchmark.pedantic(copy, rounds=50)


def prepare(kernel, kind):
    def setup():
        kernel.reset()
        r = kernel.add_region(Region("dev", PAGES))
        task = kernel.spawn()
        flags = {"raw private": PRIVATE, "raw shared": SHARED, "anonymous": ANON | POPULATE}[kind]
        kernel.mmap(task, 0, PAGES * PAGE, RW, flags, None if flags & 0x20 else ("region", r), 0)
        return (task,), {}

    return setup


KINDS = pytest.mark.parametrize("kind", ["raw private", "raw shared", "anonymous"])


@KINDS
@pytest.mark.benchmark(group="ranges")
def test_fork(benchmark, kernel, kind):
    benchmark.pedantic(kernel.fork, setup=prepare(kernel, kind), rounds=10)


@KINDS
@pytest.mark.benchmark(group="ranges")
def test_munmap(benchmark, kernel, kind):
    benchmark.pedantic(lambda task: kernel.munmap(task, 0, PAGES * PAGE), setup=prepare(kernel, kind), rounds=10)


@KINDS
@pytest.mark.benchmark(group="ranges")
def test_mprotect(benchmark, kernel, kind):
    benchmark.pedantic(lambda task: kernel.mprotect(task, 0, PAGES * PAGE, RO), setup=prepare(kernel, kind), rounds=10)


@pytest.mark.parametrize("flags", [PRIVATE, ANON | POPULATE], ids=["remap", "anonymous"])
@pytest.mark.benchmark(group="ranges")
def test_populate(benchmark, kernel, flags):
    def setup():
        kernel.reset()
        r = kernel.add_region(Region("dev", PAGES))
        source = None if flags & 0x20 else ("region", r)
        return (kernel.spawn(), 0, PAGES * PAGE, RW, flags, source, 0), {}

    benchmark.pedantic(kernel.mmap, setup=setup, rounds=10)
