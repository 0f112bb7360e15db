# SPDX-License-Identifier: GPL-2.0-or-later
"""Random small programs for the property tests: drawn whole, as plain values, then run."""

import contextlib
from typing import Any, ClassVar

from hypothesis import strategies as st

from simulator import Kernel, Region, Task, load_profile
from simulator.tests.conftest import PAGE

PAGES = 30  # of a mapping: above the scalar limit, so that both paths are taken
PLACES = (8 * PAGE, 64 * PAGE, 128 * PAGE)
PROFILES = (
    "x86_64-5.10",
    "x86_64-6.1",
    "x86_64-7.2",
    "uml-6.1",
    "uml-6.12",
    "arm-6.1",
    "2.6.15",
    "2.6.15-rc3",
    "unpaged",
    "2.6.14",
)

process = st.integers(0, 2)
place = st.integers(0, 2)
page = st.integers(0, PAGES - 1)
prot = st.sampled_from([0, 1, 3])


@st.composite
def operations(draw):
    first = draw(page)
    last = draw(st.integers(first, PAGES - 1)) + 1
    who, where = draw(process), draw(place)
    part = (who, where, first, last)
    return draw(
        st.one_of(
            st.tuples(st.just("mmap"), st.just(part), st.sampled_from([0x11, 0x12, 0x32, 0x8032]), prot),
            st.tuples(st.just("munmap"), st.just(part)),
            st.tuples(st.just("mprotect"), st.just(part), prot),
            st.tuples(st.just("mremap"), st.just(part), place),
            st.tuples(st.just("madvise"), st.just(part), st.sampled_from([0, 1, 4, 8, 10, 18, 22, 23])),
            st.tuples(st.just("mlock"), st.just(part), st.integers(0, 1)),
            st.tuples(st.just("munlock"), st.just(part)),
            st.tuples(st.just("msync"), st.just(part), st.sampled_from([1, 2, 4])),
            st.tuples(st.just("store"), st.just(part), st.integers(0, PAGE - 1)),
            st.tuples(st.just("store"), st.just(part), st.just(0)),
            st.tuples(st.just("load"), st.just(part), st.integers(0, PAGE - 1)),
            st.tuples(st.just("poke"), st.just(part)),
            st.tuples(st.just("clear_refs"), st.just(part), st.integers(1, 4)),
            st.tuples(st.just("mlockall"), st.just(part), st.integers(1, 3)),
            st.tuples(st.just("mbind"), st.just(part), st.sampled_from([0, 2]), st.just(0)),
            st.tuples(st.just("uffd_register"), st.just(part), st.integers(1, 2)),
            st.tuples(st.just("direct_write"), st.just(part)),
            st.tuples(st.just("direct_read"), st.just(part)),
            st.tuples(st.just("remap_file_pages"), st.just(part), page),
            st.tuples(st.just("fork"), st.just(part)),
            st.tuples(st.just("exit"), st.just(part)),
        )
    )


programs = st.lists(operations(), min_size=1, max_size=14)
profiles = st.sampled_from(PROFILES)
# What is mapped and how: a backing alone, or a page with the traits by which it comes.
WAYS: dict[str, dict[str, Any]] = {
    "absent": {"backing": "absent"},
    "reserved": {"backing": "reserved"},
    "ram": {"backing": "ram"},
    "page": {"backing": "ram", "by": "page"},
    "mixed": {"backing": "ram", "by": "mixed", "insert": "fault"},
    "normal": {"backing": "ram", "by": "normal", "insert": "fault", "writenotify": True},
    "reversed": {"backing": "ram", "order": "reversed"},
    "partial": {"backing": "ram", "mapped": 20},
}
backings = st.sampled_from(["absent", "reserved", "ram"])
ways = st.sampled_from(sorted(WAYS))


class Run:
    """Runs a program on a kernel of its own region and processes; `answers` is what the calls said."""

    kernels: ClassVar[dict[str, Kernel]] = {}

    def __init__(self, profile, backing):
        if profile not in self.kernels:
            self.kernels[profile] = Kernel(load_profile(profile))
        self.k = self.kernels[profile]
        self.k.reset()
        self.r = self.k.add_region(Region("dev", PAGES, access="phys", **WAYS[backing]))
        self.k.region_bytes(self.r)[:] = 0x5A
        self.tasks: list[Task] = [self.k.spawn()]
        self.answers: list[object] = []

    def run(self, program):
        for operation in program:
            self.answers.append(self.do(*operation))
        return self

    def alive(self):
        return [task for task in self.tasks if task.alive]

    def do(self, verb, part, *rest):
        who, where, first, last = part
        if who >= len(self.tasks) or not self.tasks[who].alive:
            return None
        k, task = self.k, self.tasks[who]
        start, length = PLACES[where] + first * PAGE, (last - first) * PAGE
        if verb == "mmap":
            flags, protection = rest
            source = None if flags & 0x20 else ("region", self.r)
            return k.mmap(task, start, length, protection, flags, source, first * PAGE)
        if verb == "mremap":
            return k.mremap(task, start, length, length, 3, PLACES[rest[0]] + 32 * PAGE)
        if verb == "store":
            return k.store(task, start + rest[0], 1, 0x41)
        if verb == "load":
            return k.load(task, start + rest[0], 1)
        if verb == "poke":
            return k.mem_write(task, task, start, b"B")
        if verb in ("clear_refs", "mlockall"):
            return getattr(k, verb)(task, *rest)
        if verb == "direct_read":
            return k.direct_read(task, start, b"D" * length)
        if verb == "remap_file_pages":
            return k.remap_file_pages(task, start, length, self.r, rest[0])
        if verb == "fork":
            child = k.fork(task) if len(self.tasks) < 3 else None
            if isinstance(child, Task):
                self.tasks.append(child)
            return None if isinstance(child, Task) else child
        if verb == "exit":
            return k.exit(task, 0) if who else None
        return getattr(k, verb)(task, start, length, *rest)

    def seen(self):
        """Everything that can be observed of the processes and the device."""
        k = self.k
        out: list[Any] = [self.answers, k.region_bytes(self.r).tobytes()]
        for task in self.alive():
            k.unknown = None
            out += [k.rss(task), k.smaps(task, 0, 1 << 30), k.vmas(task, 0, 1 << 30)]
            for vma in list(task.vmas):
                out.append(k.mincore(task, vma.start, vma.end - vma.start))
                ptes = k.ptes(task, vma.start, vma.end - vma.start)
                out.append([pte and (pte[0], k.is_anon(pte[1]) or pte[1]) for pte in ptes])  # which frame is a choice
                out += [k.load(task, address, 1) for address in range(vma.start, vma.end, 3 * PAGE)]
        first = k.region_pfn(self.r)
        return [*out, [k.page_state(pfn) for pfn in range(first, first + PAGES)]]


@contextlib.contextmanager
def scalar_pages(monkeypatch, limit):
    """Take the one-page code for ranges up to `limit` pages."""
    from simulator import fork, gup, mprotect, remap, task_mmu, zap

    with monkeypatch.context() as patch:
        for module in (fork, gup, mprotect, remap, task_mmu, zap):
            patch.setattr(module, "SCALAR_PAGES", limit)
        yield
