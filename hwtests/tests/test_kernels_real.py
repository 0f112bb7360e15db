# SPDX-License-Identifier: GPL-2.0-or-later
"""Is the lab's driver built for each cached kernel, by a compiler of the machine or of the kernel's suite?

Nothing is fetched here: what is missing is a skip, and an error where PFNLAB_FORCE is set.
"""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from typing import NoReturn

import pytest

from hwtests.kernels import headers, modules, toolchain
from hwtests.kernels.cache import Kernel, cached
from hwtests.kernels.guest_modules import WANTED, built_in_modules, modinfo, modules_of
from hwtests.kernels.names import KNOWN, KernelName
from hwtests.targets.base import Unusable

pytestmark = pytest.mark.real
QEMU = [item.name for item in KNOWN if item.name.kind == "qemu"]


def kernel_of(name: KernelName) -> Kernel:
    kernel = cached(name)
    if kernel is None or kernel.record is None:
        missing(f"needs {name}; found none cached; cure: pfnlab kernels fetch {name}")
    return kernel


def missing(reason: str) -> NoReturn:
    if os.environ.get("PFNLAB_FORCE"):
        pytest.fail(reason)
    pytest.skip(reason)


@pytest.fixture(params=QEMU, ids=str)
def kernel(request: pytest.FixtureRequest) -> Kernel:
    return kernel_of(request.param)


def test_the_labs_driver_is_built_for_the_release(kernel):
    if headers.cached_headers(kernel) is None:
        missing(f"needs its headers; found none cached; cure: pfnlab kernels fetch {kernel.name}")

    made = modules.lab_modules(kernel)

    assert not isinstance(made, Unusable), str(made)
    assert made[0].name == "pfnlab.ko"
    assert modinfo(made[0], "vermagic").split()[0] == kernel.record.release
    assert {path.name for path in made} >= {"pfnlab.ko", "uio.ko"}


def test_what_a_guest_needs_for_its_channel_and_regions_is_a_module_or_built_in(kernel):
    order = modules_of(kernel, ["virtio_pci", "virtio_console", "uio_pci_generic"])

    here = {path.stem for path in order} | built_in_modules(kernel.folder / "modules" / "modules.builtin")
    assert {"virtio", "virtio_pci", "virtio_console", "uio", "uio_pci_generic"} <= here


def test_a_module_that_is_kept_is_for_the_release(kernel):
    kept = list((kernel.folder / "modules").glob("*.ko"))

    assert {path.stem for path in kept} & set(WANTED)
    assert {modinfo(path, "vermagic").split()[0] for path in kept} == {kernel.record.release}


def test_a_suites_own_compiler_builds_by_its_own_parts(tmp_path):
    compilers = [
        found
        for name in QEMU
        if (kernel := cached(name)) and (known := headers.cached_headers(kernel))
        if (found := toolchain.cached_compiler(known.wanted))
    ]
    if not compilers:
        pytest.skip("needs a suite's compiler in the cache; found that the machine's fits every kernel here")
    for compiler in compilers:
        (tmp_path / "t.c").write_text("int f(int x) { return x + 1; }\n")
        command = [compiler.cc, "-v", "-O2", "-c", "t.c", "-o", "t.o"]
        environment = {**os.environ, "PATH": f"{compiler.path}:{os.environ['PATH']}"}

        done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True)

        assert done.returncode == 0, done.stderr
        parts = [line.split()[0] for line in done.stderr.splitlines() if "/cc1 -quiet" in line]
        assert parts
        assert compiler.path is not None
        assert all(Path(part).resolve().is_relative_to(compiler.path.parent) for part in parts)
