# SPDX-License-Identifier: GPL-2.0-or-later
"""The simulator's own tests, run against real kernels: what they say of it is true of the kernel that it stands for."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from hwtests.kernels.cache import cached
from hwtests.kernels.names import parse_name

ROOT = Path(__file__).parents[2]
TESTS = ROOT / "simulator" / "tests"
#: How many of the simulator's tests each kernel answers at least: those of other profiles, those with regions that it
#: has not, and those that look inside the simulator are skipped, each with its reason.
KERNELS = {"uml:5.10": 130, "uml:6.1": 130, "uml:6.12": 140, "uml:7.2": 130, "qemu:6.1-amd64": 180}


@pytest.mark.slow
@pytest.mark.real
@pytest.mark.parametrize("name", KERNELS)
def test_the_simulators_tests_hold_on_a_real_kernel(name):
    if cached(parse_name(name)) is None:
        pytest.skip(f"needs {name}; found none cached; cure: pfnlab kernels fetch {name}")
    command = [sys.executable, "-m", "pytest", "-q", "-p", "hwtests.tests.verified.plugin", "--on", name, str(TESTS)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=600)
    passed = re.search(r"(\d+) passed", done.stdout)

    assert done.returncode == 0, done.stdout + done.stderr
    assert passed is not None
    assert int(passed[1]) >= KERNELS[name], done.stdout
