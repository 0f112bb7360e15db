# SPDX-License-Identifier: GPL-2.0-or-later
"""How is work done while a kernel is busy?  In one thread behind the caller, in order, at most one piece late."""

from __future__ import annotations

import sys
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from types import TracebackType
from typing import Self

# The caller waits for a kernel most of the time and must have the interpreter back as soon as that answers; the
# usual 5 ms are as long as a whole program.
SWITCH_S = 0.0002


class Behind:
    """`then(work)` hands over a piece of work; an exception in it is raised by the call after it, or at the end."""

    def __enter__(self) -> Self:
        self._pool = ThreadPoolExecutor(1, "judge")
        self._last: Future[object] | None = None
        self._before = sys.getswitchinterval()
        sys.setswitchinterval(SWITCH_S)
        return self

    def then(self, work: Callable[[], object]) -> None:
        self.wait()
        self._last = self._pool.submit(work)

    def wait(self) -> None:
        """Until what was handed over is done."""
        last, self._last = self._last, None
        if last is not None:
            last.result()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            self.wait()
        finally:
            self._pool.shutdown()
            sys.setswitchinterval(self._before)
