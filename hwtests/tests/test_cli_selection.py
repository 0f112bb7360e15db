# SPDX-License-Identifier: GPL-2.0-or-later
"""A word of the command line means the programs that a person expects, or is refused with a hint."""

from __future__ import annotations

import pytest

from hwtests.errors import UsageError
from hwtests.selection import select, theme_of


@pytest.fixture
def root(tmp_path):
    root = tmp_path / "catalogue"
    for name in ("cow/copies", "cow/leaks", "fork/copies-entries", "fork/leaves"):
        path = root / f"{name}.pfn"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("pfn 1\n")
    return root


@pytest.mark.parametrize(
    ("words", "names"),
    [
        ([], ["copies", "leaks", "copies-entries", "leaves"]),
        (["leaks"], ["leaks"]),
        (["cow/leaks"], ["leaks"]),
        (["fork"], ["copies-entries", "leaves"]),
        (["cop*"], ["copies", "copies-entries"]),
        (["fork/*"], ["copies-entries", "leaves"]),
        (["leaks", "cow"], ["leaks", "copies"]),
    ],
)
def test_a_word_is_a_name_a_theme_or_a_pattern(root, words, names):
    assert list(select(words, root)) == names


def test_a_file_outside_of_the_catalogue_is_meant_by_its_path(root, tmp_path):
    (tmp_path / "mine.pfn").write_text("pfn 1\n")

    assert select([str(tmp_path / "mine.pfn")], root) == {"mine": tmp_path / "mine.pfn"}


def test_a_folder_means_its_programs(root, tmp_path):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "a.pfn").write_text("pfn 1\n")

    assert list(select([str(tmp_path / "mine")], root)) == ["a"]


@pytest.mark.parametrize(
    ("word", "said"),
    [
        ("leeks", "no program, file, theme or pattern 'leeks'; did you mean 'leaks'?"),
        ("zzz", "no program, file, theme or pattern 'zzz'; `pfnlab programs` lists them"),
    ],
)
def test_an_unknown_word_is_refused_with_a_hint(root, word, said):
    with pytest.raises(UsageError) as caught:
        select([word], root)

    assert str(caught.value) == said


def test_two_programs_of_one_name_are_refused(root, tmp_path):
    (tmp_path / "leaks.pfn").write_text("pfn 1\n")

    with pytest.raises(UsageError, match="another program is named 'leaks' too"):
        select(["leaks", str(tmp_path / "leaks.pfn")], root)


def test_an_empty_catalogue_is_refused(tmp_path):
    with pytest.raises(UsageError, match="the catalogue is empty"):
        select([], tmp_path)


def test_the_theme_is_the_folder_in_the_catalogue(root, tmp_path):
    assert theme_of(root / "cow" / "leaks.pfn", root) == "cow"
    assert theme_of(tmp_path / "mine.pfn", root) == ""
