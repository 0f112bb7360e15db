# SPDX-License-Identifier: GPL-2.0-or-later
"""Which operations bring a mapping to the rest of mm: locking, policies, futexes, O_DIRECT, core dumps and so on?

In the order of their numbers (native/wire.h), after those of verbs_ordinary.py.
"""

from __future__ import annotations

from .verb import (
    ADDRESS,
    LENGTH,
    MOVED,
    PROCESS,
    RANGE,
    VALUE,
    Option,
    Slot,
    Verb,
    flag_options,
)
from .words import ADVICE, FUTEX_PRIVATE, MBIND_FLAGS, MLOCKALL_FLAGS, POLICIES, UFFD_MODES

_MAPPING = Slot("mapping", "mapping")
_REGION_ADDRESS = Slot("address", "region-address")
_KEY = Option("private", "flag", bits=FUTEX_PRIVATE)
_MAX_NODE = 1023
_MAX_INT = 0x7FFFFFFF

BEYOND = (
    Verb("mlockall", (), flag_options(MLOCKALL_FLAGS), args=("=flags",), meaning="mlockall(2)"),
    Verb("munlockall", (), meaning="munlockall(2)"),
    Verb("fsync", (Slot("fd", "fd"),), args=("fd",), meaning="fsync(2)"),
    Verb(
        "process_madvise",
        (PROCESS, RANGE, Slot("advice", "word", ADVICE, limit=_MAX_INT)),
        (LENGTH,),
        args=("process", "range", "advice"),
        fields=("bytes",),
        main="bytes",
        meaning="process_madvise(2) of a range of that process; how many bytes were advised",
    ),
    Verb("mseal", (RANGE,), (LENGTH,), args=("range",), meaning="mseal(2)"),
    Verb(
        "remap_file_pages",
        (RANGE, _REGION_ADDRESS),
        (LENGTH,),
        args=("range", "address"),
        meaning="remap_file_pages(2) of a range to a page of the region that it maps",
    ),
    Verb(
        "mbind",
        (RANGE, Slot("mode", "word", POLICIES, limit=_MAX_INT)),
        (*flag_options(MBIND_FLAGS), LENGTH),
        args=("range", "mode", "=flags"),
        meaning="mbind(2) to node 0 (no node for `default` and `local`)",
    ),
    Verb(
        "move_pages",
        (RANGE,),
        (Option("to", "number", _MAX_NODE), LENGTH),
        args=("range", "=node"),
        fields=("status",),
        main="status",
        meaning="move_pages(2) of one's own pages: on which node each is, or with `to=` their move there",
    ),
    Verb(
        "futex_wait",
        (ADDRESS, VALUE),
        (_KEY,),
        args=("address", "value", "=flags"),
        meaning="FUTEX_WAIT for a value, with a time limit of 0; `private`: FUTEX_PRIVATE_FLAG",
    ),
    Verb(
        "futex_wake",
        (ADDRESS,),
        (_KEY,),
        args=("address", "=flags"),
        meaning="FUTEX_WAKE of one waiter, likewise",
    ),
    Verb(
        "uffd_register",
        (RANGE,),
        (*(Option(name, "flag", bits=bits) for name, bits in UFFD_MODES.items()), LENGTH),
        args=("range", "=flags"),
        fields=("stage",),
        meaning="UFFDIO_REGISTER of a userfaultfd of its own",
    ),
    Verb(
        "clear_refs",
        (Slot("number", "number", limit=255),),
        args=("number",),
        fields=("stage",),
        meaning="write of a number (1 to 5 mean something) to /proc/self/clear_refs",
    ),
    Verb(
        "read_zero",
        (ADDRESS,),
        (MOVED,),
        args=("address", "=len"),
        fields=("bytes", "stage"),
        main="bytes",
        meaning="read(2) of /dev/zero into mapped memory (`len=` 8)",
    ),
    Verb(
        "direct_write",
        (ADDRESS,),
        (MOVED,),
        result="value",
        args=("address", "=page"),
        fields=("bytes", "data", "stage"),
        main="data",
        meaning="write(2) of mapped memory to an O_DIRECT descriptor, and what is there afterwards (`len=` a page)",
    ),
    Verb(
        "direct_read",
        (ADDRESS, VALUE),
        (MOVED,),
        args=("address", "=page", "value"),
        fields=("bytes", "stage"),
        main="bytes",
        meaning="read(2) by O_DIRECT into mapped memory: the value's 8 bytes, repeated (`len=` a page)",
    ),
    Verb(
        "call",
        (ADDRESS,),
        args=("address",),
        fields=("code", "addr"),
        meaning="calls the code there as a function without arguments; a fault as in `load`",
    ),
    Verb(
        "pagemap_scan",
        (RANGE,),
        (LENGTH,),
        args=("range",),
        fields=("ranges", "first", "pages", "is"),
        main=None,
        parts="ranges",
        meaning="PAGEMAP_SCAN of /proc/PID/pagemap, nothing required: the ranges, and what their pages are",
    ),
    Verb(
        "rollup",
        (),
        fields=("Rss", "Anonymous", "Locked", "Swap", "stage"),
        main=None,
        meaning="/proc/PID/smaps_rollup, in pages, as differences from the process's start",
    ),
    Verb(
        "numa_maps",
        (_MAPPING,),
        args=("mapping",),
        fields=("vmas", "first", "policy", "anon", "dirty", "mapped", "N0", "stage"),
        main=None,
        parts="vmas",
        meaning="/proc/PID/numa_maps of every vma that starts in the mapping's range; pages, 0 where nothing is said",
    ),
    Verb(
        "coredump",
        (_MAPPING,),
        (Option("filter", "number", 0x1FF),),
        args=("mapping", "=filter"),
        fields=("segments", "first", "pages", "perms", "file", "data", "stage"),
        main=None,
        parts="segments",
        meaning="the process dumps core and is gone; the core's segments in the mapping's range, with `file` pages "
        "of content, which is `data` (`filter=` is coredump_filter: 0x33)",
    ),
    Verb("exec", (), meaning="execve(2) of the agent itself: mappings, descriptors and values are gone"),
    Verb(
        "release",
        (_REGION_ADDRESS,),
        process="none",
        args=("address",),
        meaning="a page of the lab's own RAM is given back to the kernel; its place in the region stays",
    ),
)
