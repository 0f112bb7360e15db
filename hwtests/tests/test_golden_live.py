# SPDX-License-Identifier: GPL-2.0-or-later
"""Do live kernels do what their golden records say, when they are asked again?"""

import pytest

from hwtests.golden.live import golden_kernel, live
from hwtests.golden.records import kernels, programs
from hwtests.targets.registry import make_target

LIVE = ("uml:5.10", "uml:6.1", "uml:6.12", "uml:7.2", "qemu:6.1-amd64")


@pytest.mark.parametrize("name", LIVE)
def test_a_target_has_a_golden_kernel(name):
    assert golden_kernel(name) in kernels()


@pytest.mark.slow
@pytest.mark.real
@pytest.mark.parametrize("name", LIVE)
def test_a_live_kernel_gives_the_recorded_traces_again(name):
    # Every fiftieth program; all of them: python -m hwtests.golden --live NAME
    if cause := make_target(name).probe():
        pytest.skip(str(cause))
    results = list(live(name, sorted(programs())[::50]))

    assert len(results) >= 15
    assert [f"{r.record.name}: {r.differences[0]}" for r in results if r.differences] == []
