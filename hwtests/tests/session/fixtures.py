# SPDX-License-Identifier: GPL-2.0-or-later
"""What do the tests that boot a session guest share?  The skip with its cause, and how a run is read."""

from __future__ import annotations

import json
from typing import Any

import pytest

from hwtests.tests.session.guest import KERNEL, SessionGuest, missing

_why = missing()
needs_session = pytest.mark.skipif(
    _why is not None, reason="" if _why is None else f"needs {_why.needs}; found {_why.found}; cure: {_why.cure}"
)

__all__ = ["KERNEL", "SessionGuest", "needs_session", "results"]


def results(guest: SessionGuest, folder: str) -> list[dict[str, Any]]:
    """The results of a run in the guest, from its results folder's newest run."""
    return [json.loads(line) for line in guest.read(f"{folder}/latest/results.jsonl").splitlines()]
