# SPDX-License-Identifier: GPL-2.0-or-later
"""Every command in the documentation does what the page says.

A block of documentation that starts with three backticks and `console` is run in a folder of its own: each line with
`$ ` is a command, and what follows it is its output, in which `…` stands for anything. A command ends with status 0
unless the line above its block says `<!-- exit 5 -->`; `<!-- real -->` marks one that boots a kernel, and
`<!-- not run: why -->`
one that a test cannot run.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
BLOCK = re.compile(r"(?:^<!-- (?P<mark>[^>]*) -->\n)?^```console\n(?P<body>.*?)^```$", re.M | re.S)


def blocks():
    for page in [ROOT / "README.md", *sorted((ROOT / "docs").glob("**/*.md"))]:
        if not page.exists():
            continue
        text = page.read_text()
        for match in BLOCK.finditer(text):
            mark = match["mark"] or ""
            if mark.startswith("not run:"):
                continue
            marks = [pytest.mark.slow]
            if "real" in mark:
                marks.append(pytest.mark.real)
            number = text.count("\n", 0, match.start("body"))
            yield pytest.param(match["body"], mark, marks=marks, id=f"{page.relative_to(ROOT)}:{number}")


def steps(body: str) -> list[tuple[str, str]]:
    """Commands with the output that the page shows."""
    found: list[tuple[str, str]] = []
    for line in body.splitlines():
        if line.startswith("$ "):
            found.append((line[2:], ""))
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
    return {
        **clean,
        "PATH": f"{folder}:{os.environ['PATH']}",
        "PYTHONPATH": str(ROOT),
        "COLUMNS": "100",
        "NO_COLOR": "1",
        "PYTHONWARNINGS": "error",
    }


@pytest.mark.parametrize(("body", "mark"), list(blocks()))
def test_the_commands_of_the_documentation_do_what_it_says(body, mark, environment, tmp_path):
    status = int(found[1]) if (found := re.search(r"exit (\d+)", mark)) else 0
    folder = tmp_path / "here"
    folder.mkdir()
    for command, shown in steps(body):
        done = subprocess.run(
            ["bash", "-c", command],
            cwd=folder,
            env=environment,
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=300,
        )

        assert done.returncode == status, f"$ {command}\n{done.stdout}"
        assert not shown or matches(shown, done.stdout), f"$ {command}\nshown:\n{shown}\ngot:\n{done.stdout}"


def test_every_pfnlab_command_of_the_documentation_is_in_a_block_that_runs():
    for page in [ROOT / "README.md", *sorted((ROOT / "docs").glob("**/*.md"))]:
        text = BLOCK.sub("", page.read_text()) if page.exists() else ""

        assert not re.findall(r"^\$ pfnlab .*$", text, re.M), page
