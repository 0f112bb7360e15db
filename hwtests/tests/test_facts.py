# SPDX-License-Identifier: GPL-2.0-or-later
"""The ledger of facts: each has a program that runs where it was seen, or a reason."""

from __future__ import annotations

from collections import Counter
from functools import cache
from pathlib import Path

import pytest

from hwtests.facts import ledger
from hwtests.facts.__main__ import PAGE
from hwtests.facts.ledger import facts
from hwtests.facts.page import page
from hwtests.language import parse_file
from hwtests.on_sim import kinds
from hwtests.simulated import Prepared
from simulator import Profile, load_profile, profile_names

CATALOGUE = {path.stem: path for path in (Path(__file__).parent.parent / "catalogue").rglob("*.pfn")}
FACTS = {fact.id: fact for fact in facts()}


def profile_of(kernel: str) -> Profile:
    return load_profile(kernel if kernel in profile_names() else f"x86_64-{kernel}")


@cache
def prepared_of(name: str) -> Prepared:
    return Prepared(name, parse_file(CATALOGUE[name]))


@cache
def runs_on(name: str, kernel: str) -> bool:
    profile, prepared = profile_of(kernel), prepared_of(name)
    regions = kinds(profile.level) if prepared.pages else [None]
    return any(
        prepared.unmet(profile, {name: traits for name in prepared.pages if traits is not None}) is None
        for traits in regions
    )


def test_ids_are_unique():
    assert [fact for fact, count in Counter(fact.id for fact in facts()).items() if count > 1] == []


def test_a_fact_is_a_sentence():
    assert [
        fact.id for fact in facts() if not fact.says.endswith(".") or (fact.why and not fact.why.endswith("."))
    ] == []


def test_no_fact_is_left_for_later():
    assert [fact.id for fact in facts() if fact.why.startswith(("Awaits", "Later", "TODO"))] == []


def test_programs_exist():
    assert {name for fact in facts() for name in fact.programs} - set(CATALOGUE) == set()


@pytest.mark.parametrize("fact", [fact for fact in FACTS.values() if fact.programs], ids=lambda fact: fact.id)
def test_a_fact_is_said_of_every_kernel_where_it_was_seen(fact):
    assert [kernel for kernel in fact.kernels if not any(runs_on(name, kernel) for name in fact.programs)] == []


@pytest.mark.parametrize("row", ["", 'program = ["p"]\nwhy = "No."'])
def test_a_row_with_neither_or_both_is_refused(row, tmp_path, monkeypatch):
    (tmp_path / "1-x.toml").write_text(f'section = "X"\n[a]\nsays = "A."\nkernels = "now"\n{row}\n')
    monkeypatch.setattr(ledger, "HERE", tmp_path)

    with pytest.raises(ValueError, match="1/a: either programs or a reason"):
        ledger.sections.__wrapped__()


def test_the_page_is_that_of_the_ledger():
    assert PAGE.read_text() == page()
