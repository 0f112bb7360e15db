# SPDX-License-Identifier: GPL-2.0-or-later
"""Which agent do this room's tests talk to?"""

from collections.abc import Iterator

import pytest

from native.actor import Actor


@pytest.fixture(scope="session")
def actor() -> Iterator[Actor]:
    """One agent for all tests that do not kill it."""
    with Actor() as started:
        yield started
