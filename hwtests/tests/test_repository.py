# SPDX-License-Identifier: GPL-2.0-or-later
"""Is the repository itself in order?  Licence lines, no trace of any one machine, and links that lead somewhere."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SPDX = "SPDX-License-Identifier: GPL-2.0-or-later"
NO_COMMENTS = {".json", ".gz", ".typed"}  # forms of file that hold none
# Folders of one machine; index, mirror and forge hosts that a run must take from the machine's own configuration.
MACHINES = re.compile(
    r"(?<![\w.*])/(?:work|root|home|Users)/[a-z]|\b(?:pypi|pythonhosted|debian|ubuntu|kernel|github|gitlab)\.(?:org|com|net|io)\b",
    re.I,
)
LINK = re.compile(r"\]\(([^)\s]+)\)")


def tracked() -> list[Path]:
    done = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True)
    if done.returncode:
        pytest.skip("needs a checkout that git can read; found none; cure: run the tests in a clone of one's own")
    return [path for name in done.stdout.decode().split("\0") if name and (path := ROOT / name).is_file()]


def slug(heading: str) -> str:
    """The anchor of a heading, as forges make it."""
    return re.sub(r"[^\w\- ]", "", heading.strip().lower()).replace(" ", "-")


def anchors(page: Path) -> set[str]:
    return {slug(heading) for heading in re.findall(r"^#+ (.+)$", page.read_text(encoding="utf-8"), re.M)}


def test_every_file_that_can_hold_a_comment_states_its_licence():
    files = [path for path in tracked() if path.suffix not in NO_COMMENTS and path.name != "LICENSE"]

    assert len(files) > 300
    assert [str(path) for path in files if SPDX not in path.read_text(encoding="utf-8")[:300]] == []


def test_no_file_names_a_host_or_a_folder_of_one_machine():
    found = [
        f"{path.relative_to(ROOT)}:{number}: {line.strip()}"
        for path in tracked()
        if path.suffix != ".gz" and path not in (Path(__file__), ROOT / "LICENSE")
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
        if MACHINES.search(line)
    ]

    assert found == []


def test_links_of_the_pages_lead_to_a_file_and_a_heading():
    pages = [path for path in tracked() if path.suffix == ".md"]
    dead = []
    for page in pages:
        for link in LINK.findall(page.read_text(encoding="utf-8")):
            name, _, anchor = link.partition("#")
            target = (page.parent / name).resolve() if name else page
            if "://" in link or not target.exists() or (anchor and anchor not in anchors(target)):
                dead.append(f"{page.relative_to(ROOT)}: {link}")

    assert len(pages) > 15
    assert dead == []


def test_every_page_of_the_docs_is_reached_from_their_index():
    index = (ROOT / "docs" / "README.md").read_text(encoding="utf-8")
    names = {path.name for path in tracked() if path.parent == ROOT / "docs"} - {"README.md"}

    assert {name for name in names if f"({name})" not in index} == set()
