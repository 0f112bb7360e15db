# SPDX-License-Identifier: GPL-2.0-or-later
"""Every command in the documentation does what the page says.

The blocks of a page that start with three backticks and `console` are run one after the other in a folder of the
page's own: a line with `$ ` is a command, lines with `> ` after it belong to it, and what follows is its output, in
which `…` stands for anything. The line above a block may say `<!-- exit 5 -->` (how its last command ends; the others
end with 0), `<!-- real -->` (it boots a kernel), both, or `<!-- not run: why -->`.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from importlib.metadata import entry_points
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
BLOCK = re.compile(r"(?:^<!-- (?P<mark>[^>]*) -->\n)?^```console\n(?P<body>.*?)^```$", re.M | re.S)


def blocks(page: Path) -> list[tuple[int, str, str]]:
    """Line, mark and body of each block that is run."""
    text = page.read_text()
    return [
        (text.count("\n", 0, match.start("body")) + 1, match["mark"] or "", match["body"])
        for match in BLOCK.finditer(text)
        if not (match["mark"] or "").startswith("not run:")
    ]


def pages():
    for page in [ROOT / "README.md", *sorted((ROOT / "docs").glob("**/*.md"))]:
        if found := blocks(page):
            marks = [pytest.mark.slow]
            if any("real" in mark for _, mark, _ in found):
                marks.append(pytest.mark.real)
            yield pytest.param(page, marks=marks, id=str(page.relative_to(ROOT)))


def steps(body: str) -> list[tuple[str, str]]:
    """Commands with the output that the page shows."""
    found: list[tuple[str, str]] = []
    for line in body.splitlines():
        if line.startswith("$ "):
            found.append((line[2:], ""))
        elif line == ">" or line.startswith("> "):
            found[-1] = (found[-1][0] + "\n" + line[2:], "")
        else:
            command, output = found[-1]
            found[-1] = (command, output + line + "\n")
    return found


def matches(shown: str, got: str) -> bool:
    pattern = "".join(".*" if part == "…" else re.escape(part) for part in re.split("(…)", shown.strip()))
    return re.fullmatch(pattern, got.strip(), re.S) is not None


@pytest.fixture
def environment(tmp_path):
    folder = tmp_path / "bin"
    folder.mkdir()
    for name, what in (("pfnlab", "-m hwtests "), ("python", "")):
        command = folder / name
        command.write_text(f'#!/bin/sh\nexec {sys.executable} {what}"$@"\n')
        command.chmod(0o755)
    clean = {name: value for name, value in os.environ.items() if not name.startswith("PFNLAB_") or "CACHE" in name}
    if not entry_points(group="pytest11", name="hwtests.pytest_plugin"):  # run from a checkout that is not installed
        clean["PYTEST_PLUGINS"] = "hwtests.pytest_plugin"
    return {
        **clean,
        "PATH": f"{folder}:{os.environ['PATH']}",
        "PYTHONPATH": str(ROOT),
        "COLUMNS": "100",
        "NO_COLOR": "1",
        "PYTHONWARNINGS": "error",
    }


@pytest.mark.parametrize("page", list(pages()))
def test_the_commands_of_the_documentation_do_what_it_says(page, environment, tmp_path):
    folder = tmp_path / "here"
    folder.mkdir()
    for line, mark, body in blocks(page):
        commands = steps(body)
        for number, (command, shown) in enumerate(commands):
            last = number == len(commands) - 1
            status = int(found[1]) if last and (found := re.search(r"exit (\d+)", mark)) else 0
            done = subprocess.run(
                ["bash", "-c", command],
                cwd=folder,
                env=environment,
                text=True,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                timeout=300,
            )

            where = f"{page.name}:{line}: $ {command}\n{done.stdout}"
            assert done.returncode == status, where
            assert not shown.strip() or matches(shown, done.stdout), where
