# SPDX-License-Identifier: GPL-2.0-or-later
"""What is built at install time?  The cffi module and the agent; without a compiler the install succeeds as well."""

from __future__ import annotations

import sys
from pathlib import Path

from setuptools import setup
from setuptools.command.build_ext import build_ext

sys.path.insert(0, str(Path(__file__).parent))  # isolated builds do not have the top of the distribution there


class OptionalBuild(build_ext):
    """Warns where it cannot build, and puts the agent into a wheel (a checkout builds it into the cache later)."""

    def run(self) -> None:
        for extension in self.extensions:
            extension.optional = True
        super().run()
        if not self.editable_mode and not self.inplace:
            self._build_agent()

    def _build_agent(self) -> None:
        import os

        from native.agent_build import NoAgent, build_agent

        arch = os.uname().machine
        try:
            build_agent(arch, Path(self.build_lib) / "native" / f"agent-{arch}")
        except NoAgent as error:
            self.warn(f"the wheel has no agent: {error}")


setup(cffi_modules=["native/build_cffi.py:ffibuilder"], cmdclass={"build_ext": OptionalBuild})
