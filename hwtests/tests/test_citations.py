# SPDX-License-Identifier: GPL-2.0-or-later
"""What the catalogue and the specification cite has one form, and every commit is one that was confirmed."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from hwtests.language import parse_file

ROOT = Path(__file__).parents[2]
CITING = [
    *sorted((ROOT / "hwtests" / "catalogue").rglob("*.pfn")),
    *sorted((ROOT / "hwtests" / "regions").glob("*.toml")),
    *sorted((ROOT / "simulator" / "rules").glob("*.toml")),
    *sorted((ROOT / "simulator" / "profiles").glob("*.toml")),
    ROOT / "simulator" / "words.toml",
    ROOT / "docs" / "explanation.md",
    ROOT / "docs" / "language.md",
]
TABLE = re.compile(r"^\| `([0-9a-f]{12})` \| (.+) \| (v\S+) \|$", re.M)
COMMITS = {
    commit: (subject.replace(r"\|", "|"), version)
    for commit, subject, version in TABLE.findall((ROOT / "docs" / "citations.md").read_text())
}
HEX = re.compile(r"\b(?=[0-9a-f]*[a-f])(?=[0-9a-f]*[0-9])[0-9a-f]{8,40}\b")
FORM = re.compile(r'Linux kernel commit ([0-9a-f]{12}) \("(.+?)"\) \(in (v[0-9.]+(?:-rc[0-9]+)?)\)')
SOURCE = re.compile(
    r"the device's own view|"
    r"(?:[\w-]+/)+[\w-]+\.[chS] (?:\w+\(\)|(?:SYSCALL_DEFINE\d|COND_SYSCALL)\(\w+\)|\w+_\w+\b)"
)


def text_of(path: Path) -> str:
    # As a reader has it: quotes of a TOML string without their backslash, a comment's line break as a space.
    return path.read_text().replace('\\"', '"').replace("\n# ", " ")


@pytest.mark.parametrize("path", CITING, ids=lambda path: path.stem)
def test_a_commit_is_cited_in_the_one_form_and_confirmed(path):
    text = text_of(path)
    cited = FORM.findall(text)

    assert HEX.findall(text) == [commit for commit, _, _ in cited]
    for commit, subject, version in cited:
        assert COMMITS.get(commit) == (subject, version)


def test_a_confirmed_commit_is_cited_somewhere():
    cited = {commit for path in CITING for commit, _, _ in FORM.findall(text_of(path))}

    assert set(COMMITS) == cited


@pytest.mark.parametrize("path", [path for path in CITING if path.suffix == ".pfn"], ids=lambda path: path.stem)
def test_a_promise_names_a_file_and_a_function(path):
    for line in parse_file(path).lines:
        for promise in line.promises:
            assert SOURCE.match(promise.citation), promise.citation
