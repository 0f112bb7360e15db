# SPDX-License-Identifier: GPL-2.0-or-later
"""Which agent do this room's tests talk to?"""

from collections.abc import Iterator

import pytest

from native.actor import Actor
from native.channel import AgentLink
from native.tests.guests import guest


@pytest.fixture(scope="session")
def actor() -> Iterator[Actor]:
    """One agent for all tests that do not kill it."""
    with Actor() as started:
        yield started


@pytest.fixture(scope="module")
def uml() -> Iterator[AgentLink]:
    """The agent of a guest of its own."""
    with guest("uml:6.12") as link:
        yield link


@pytest.fixture(params=["actor", pytest.param("uml", marks=[pytest.mark.slow, pytest.mark.real])])
def link(request):
    """Either of them: the same agent on the machine itself and as init. A file that wants another has its own."""
    return request.getfixturevalue(request.param)
