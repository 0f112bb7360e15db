# SPDX-License-Identifier: GPL-2.0-or-later
"""To what is a program essential?  To what it alone kills, or tells."""

from hwtests.mutation.mutant import PROFILES, Key, Mutant
from hwtests.mutation.redundant import Row, _alone

COMPARISON = Mutant(Key("fork.py", "f", "a < b", "a <= b", 1), "compare", 1)
WORD = Mutant(Key(PROFILES, "pat", "True", "False", 1), "word", 0)


def found(mutant, killed, tells=(), wanted=("a", "b")):
    return [program for program, _ in _alone(mutant, Row(list(killed), list(tells)), set(wanted))]


def test_who_alone_kills_a_mutant_is_essential_and_of_two_neither():
    assert found(COMPARISON, "a") == ["a"]
    assert found(COMPARISON, "ab") == []
    assert found(COMPARISON, "") == []


def test_only_of_a_word_is_it_asked_who_tells_a_difference():
    assert found(WORD, "", "b") == ["b"]
    assert found(WORD, "ab", "b") == ["b"]
    assert found(COMPARISON, "", "b") == []


def test_a_program_is_named_once():
    wanted = {"a"}

    assert [program for program, _ in _alone(WORD, Row(["a"], ["a"]), wanted)] == ["a"]
    assert wanted == set()
