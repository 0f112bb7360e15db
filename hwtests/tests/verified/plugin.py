# SPDX-License-Identifier: GPL-2.0-or-later
"""Runs the simulator's tests on a real kernel: `pytest simulator/tests -p hwtests.tests.verified.plugin --on uml:6.12`.

Tests that make no machine are left out; those of another kernel's profile, and those that look where no program can,
are skipped and say so.
"""

from __future__ import annotations

from typing import Any

import pytest

from hwtests.targets.guest import GuestTarget
from hwtests.targets.registry import make_target
from hwtests.tests.verified.kernel import RealKernel
from simulator import profile_for


class RealKernels:
    """What simulator/tests/conftest.py asks for kernels: there is one, and it is real."""

    def __init__(self, target: GuestTarget) -> None:
        self.target = target
        target.open()
        self.kernel_itself = RealKernel(target._need_boot().execution)
        execution = self.kernel_itself.execution
        profile, _assumed = profile_for(execution.kernel.level, execution.kernel.arch, execution.config)
        self.default = profile.name

    def kernel(self, name: str) -> Any:
        if name != self.default:
            pytest.skip(f"speaks of another kernel: {name}")
        return self.kernel_itself


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--on", dest="on", default="uml:6.12", help="the target whose kernel answers")


def pytest_configure(config: pytest.Config) -> None:
    target = make_target(config.getoption("on"))
    assert isinstance(target, GuestTarget), target
    config.pluginmanager.register(RealKernels(target), "kernels")


def pytest_unconfigure(config: pytest.Config) -> None:
    kernels = config.pluginmanager.get_plugin("kernels")
    if kernels is not None:
        kernels.target.close()


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    left_out = [item for item in items if "machine" not in getattr(item, "fixturenames", ())]
    config.hook.pytest_deselected(items=left_out)
    items[:] = [item for item in items if item not in left_out]
