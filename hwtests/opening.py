# SPDX-License-Identifier: GPL-2.0-or-later
"""How does a kernel come up while pfnlab is still busy with itself?  Its target is opened in a thread of its own.

A boot is mostly waiting; the programs are parsed and the judge is loaded meanwhile.
"""

from __future__ import annotations

import os
import threading

from hwtests.targets.base import Target

PATIENCE = 3.0  # seconds that giving up waits for a boot; a guest that is left ends with pfnlab (targets/supervisor.py)


class Opening:
    """A target that is being opened. `wait()` gives what `target.open()` would have: nothing, or its exception."""

    def __init__(self, target: Target) -> None:
        self.target = target
        self._error: BaseException | None = None
        self._taken = False
        self._thread = threading.Thread(target=self._open, name=f"open {target.name}", daemon=True)
        self._thread.start()

    def _open(self) -> None:
        try:
            self.target.open()
        except BaseException as error:
            self._error = error

    def wait(self) -> None:
        """Wait until it is open; from here on whoever waited closes it. Raises what opening it raised."""
        self._thread.join()
        self._taken = True
        if self._error is not None:
            raise self._error

    def give_up(self) -> None:
        """Close it, unless somebody waited for it."""
        if self._taken:
            return
        self._thread.join(PATIENCE)
        if not self._thread.is_alive():
            self.target.close()


def cores() -> int:
    """How many cores this process may use."""
    return len(os.sched_getaffinity(0))


def first_own(targets: list[Target | str]) -> Opening | None:
    """Start to open the first target that is a kernel of the lab's own; None when there is none that can be used, and
    where targets run side by side: those have processes of their own, which must not be made beside a thread."""
    if len(targets) > 1 and cores() > 1:
        return None
    for target in targets:
        if not isinstance(target, str) and target.own_kernel:
            return Opening(target) if target.probe() is None else None
    return None
