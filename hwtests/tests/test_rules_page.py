# SPDX-License-Identifier: GPL-2.0-or-later
"""The page of the rules says what the rules' own files say."""

from __future__ import annotations

import pytest

from hwtests.rules_page import PAGE, page


@pytest.mark.slow
def test_the_page_is_up_to_date():
    assert PAGE.read_text() == page(), "python -m hwtests.rules_page"


@pytest.mark.slow
def test_a_cell_never_ends_its_row():
    rows = [line for line in page().splitlines() if line.startswith("|")]
    columns = {len(line.replace("\\|", "").split("|")) for line in rows}

    assert columns == {5, 6, 7}
