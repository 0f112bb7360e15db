# SPDX-License-Identifier: GPL-2.0-or-later
"""docs/language.md says what the parser does."""

from __future__ import annotations

import re
import textwrap
from pathlib import Path

import pytest

from hwtests.language import parse, print_program
from hwtests.language.expect import parse_expected
from hwtests.language.reference import filled, main
from hwtests.language.verbs import SMAPS_SIZES, VERBS

PAGE = Path(__file__).parents[2] / "docs" / "language.md"
pytestmark = pytest.mark.skipif(not PAGE.exists(), reason="the pages do not travel in the wheel")


def test_the_tables_are_those_of_the_parser():
    text = PAGE.read_text()

    assert filled(text) == text


def test_the_tables_can_be_written_again(tmp_path):
    page = tmp_path / "language.md"
    page.write_text(
        re.sub(r"(<!-- verbs: generated -->\n).*?(\n<!-- verbs: end -->)", r"\1old\2", PAGE.read_text(), flags=re.S)
    )

    assert main([str(page)]) == 0
    assert page.read_text() == PAGE.read_text()


def test_a_page_without_markers_is_an_error():
    with pytest.raises(ValueError, match="no marker for verbs"):
        filled("nothing")


def test_every_operation_is_there():
    rows = re.findall(r"^\| `(?:\[?p:\]? )?(?:\[?NAME =\]? )?(\w+)", PAGE.read_text(), re.M)

    assert [row for row in rows if row in VERBS] == list(VERBS)


def test_the_example_is_a_program():
    match = re.search(r"(?:^    .*\n|^\n)+", PAGE.read_text()[PAGE.read_text().index("    pfn 1") :], re.M)
    assert match is not None
    example = textwrap.dedent(match.group()).rstrip("\n") + "\n"

    assert print_program(parse(example)) == example


def test_every_value_of_the_promise_table_is_one():
    table = PAGE.read_text().partition("| value | holds")[2].partition("\n\n")[0]
    for value in re.findall(r"`([^`]+)`", table.replace("\\|", "|")):
        assert not isinstance(parse_expected(value.rpartition("klog=")[2]), str), value


def test_smaps_has_no_field_twice():
    assert len(set(SMAPS_SIZES)) == len(SMAPS_SIZES)
