# SPDX-License-Identifier: GPL-2.0-or-later
"""One rule, two pieces of code: page by page, and a range at once.  Do they say the same?"""

import pytest
from hypothesis import HealthCheck, given, settings

from simulator.tests.programs import Run, profiles, programs, scalar_pages, ways

ONE_PAGE_AT_A_TIME, ALL_AT_ONCE = 1 << 30, 0


@pytest.mark.slow
@settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(profile=profiles, backing=ways, program=programs)
def test_scalar_and_vector_code_agree(monkeypatch, profile, backing, program):
    with scalar_pages(monkeypatch, ONE_PAGE_AT_A_TIME):
        scalar = Run(profile, backing).run(program).seen()
    with scalar_pages(monkeypatch, ALL_AT_ONCE):
        vector = Run(profile, backing).run(program).seen()

    assert scalar == vector
