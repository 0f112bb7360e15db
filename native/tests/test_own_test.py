# SPDX-License-Identifier: GPL-2.0-or-later
"""Do the fixtures give an engineer's own test what docs/howto-own-test.md says?"""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from native import fixtures
from native.ops_lib import NoInstrument, load

try:
    load()
except NoInstrument as missing:
    pytest.skip(str(missing), allow_module_level=True)

HOWTO = Path(__file__).parents[2] / "docs" / "howto-own-test.md"


def outcomes(directory: Path, *arguments: str) -> str:
    """The last line of pytest's report of the tests in `directory`."""
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-p",
        "native.fixtures",
        "-p",
        "no:cacheprovider",
        "-rs",
        "-q",
        *arguments,
    ]
    done = subprocess.run([*command, str(directory)], cwd=HOWTO.parents[1], capture_output=True, text=True, check=False)
    return done.stdout


@pytest.mark.slow
def test_howto_runs_as_it_is_printed(tmp_path):
    blocks = re.findall(r"```python\n(.*?)```", HOWTO.read_text(), re.S)
    for number, block in enumerate(blocks):
        (tmp_path / f"test_block_{number}.py").write_text(block)
    text = outcomes(tmp_path)

    told = {
        word: int(count) for count, word in re.findall(r"(\d+) (passed|skipped|failed|error)", text.splitlines()[-1])
    }

    assert told.get("passed", 0) >= 2, text  # the one that names btf is a skip where there is none
    assert told.get("passed", 0) + told.get("skipped", 0) == len(blocks) == 3, text


@pytest.mark.slow
def test_region_out_of_reach_is_a_skip_with_its_cure(tmp_path):
    (tmp_path / "test_mine.py").write_text(
        "import pytest\n"
        "@pytest.mark.parametrize('pfn_region', ['/dev/no-such-device'], indirect=True)\n"
        "def test_mine(pfn_region): pass\n"
    )
    text = outcomes(tmp_path)

    assert "1 skipped" in text
    assert "found no /dev/no-such-device; cure: load its driver" in text


def test_region_text_is_taken_apart():
    arguments = fixtures._arguments("/dev/x,offset=0x2000,length=5K,private,width=4")

    assert arguments == {"path": "/dev/x", "pages": 2, "shared": False, "sync": False, "offset": 0x2000}
