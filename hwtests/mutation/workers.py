# SPDX-License-Identifier: GPL-2.0-or-later
"""How are many mutants judged?  Each in a process of its own, forked from one that has everything ready."""

from __future__ import annotations

import gc
import os
import resource
import select
from collections.abc import Callable, Iterator, Sequence
from typing import TypeVar

import msgspec

from hwtests.mutation.killing import Fate

Item = TypeVar("Item")
CPU = 900  # seconds: no mutant takes that long, whatever it does to the limit of its cases
LOST = "its process ended without a word"


def each(items: Sequence[Item], judge: Callable[[Item], Fate], jobs: int) -> Iterator[tuple[Item, Fate]]:
    """The fate of each, as they become known; `jobs` processes at a time, each as nice as can be."""
    gc.collect()
    gc.freeze()  # what is there is there to stay: a child's collector shall not touch, and so copy, it
    going: dict[int, tuple[int, Item, bytearray]] = {}
    waiting = iter(items)
    try:
        while True:
            while len(going) < jobs and (item := next(waiting, None)) is not None:
                pipe, process = _start(item, judge)
                going[pipe] = (process, item, bytearray())
            if not going:
                return
            for pipe in select.select(list(going), [], [])[0]:
                process, item, got = going[pipe]
                if piece := os.read(pipe, 1 << 16):
                    got += piece
                    continue
                os.close(pipe)
                os.waitpid(process, 0)
                del going[pipe]
                yield item, msgspec.json.decode(bytes(got), type=Fate) if got else Fate([], 0, 0, [], LOST)
    finally:
        for pipe, (process, _, _) in going.items():
            os.close(pipe)
            os.kill(process, 9)
            os.waitpid(process, 0)
        gc.unfreeze()


def _start(item: Item, judge: Callable[[Item], Fate]) -> tuple[int, int]:
    ours, theirs = os.pipe()
    process = os.fork()
    if process:
        os.close(theirs)
        return ours, process
    try:  # nothing of the parent's may run on the way out
        os.close(ours)
        os.nice(10)
        resource.setrlimit(resource.RLIMIT_CPU, (CPU, CPU))
        gc.disable()
        with os.fdopen(theirs, "wb") as out:
            out.write(msgspec.json.encode(judge(item)))
    finally:
        os._exit(0)
