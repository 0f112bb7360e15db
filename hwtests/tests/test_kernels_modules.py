# SPDX-License-Identifier: GPL-2.0-or-later
"""Are the modules that a guest needs kept, and named in the order in which they can be loaded?"""

from __future__ import annotations

import lzma
from pathlib import Path

import pytest

from hwtests.kernels import guest_modules
from hwtests.kernels.cache import Kernel, Record
from hwtests.kernels.errors import KernelError
from hwtests.kernels.guest_modules import keep, loadable, modinfo, modules_of

RECORD = Record(
    "qemu:6.1-amd64", "linux-image-6.1.0-9-cloud-amd64", "6.1.9-1", "bookworm", "00", 1, "2026-01-01", "6.1"
)


def module(path: Path, *depends: str) -> Path:
    """A file with the .modinfo of a module."""
    path.parent.mkdir(parents=True, exist_ok=True)
    content = b"\x7fELF" + bytes(60) + f"\0license=GPL\0depends={','.join(depends)}\0vermagic=6.1 SMP \0".encode()
    path.write_bytes(lzma.compress(content) if path.suffix == ".xz" else content)
    return path


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """An unpacked package: virtio_pci needs virtio_ring and virtio, which needs virtio_ring too."""
    drivers = tmp_path / "tree" / "lib" / "modules" / "6.1" / "kernel" / "drivers"
    module(drivers / "virtio" / "virtio_ring.ko")
    module(drivers / "virtio" / "virtio.ko", "virtio_ring")
    module(drivers / "virtio" / "virtio_pci.ko", "virtio", "virtio_ring")
    module(drivers / "char" / "virtio_console.ko.xz", "virtio", "virtio_ring")
    module(drivers / "vfio" / "vfio-pci.ko", "vfio")
    module(drivers / "vfio" / "vfio.ko")
    module(drivers / "net" / "e1000.ko")
    (drivers.parents[1] / "modules.builtin").write_text("kernel/drivers/uio/uio.ko\nkernel/mm/zs-malloc.ko\n")
    return tmp_path / "tree"


@pytest.fixture
def kernel(tree: Path, tmp_path: Path) -> Kernel:
    folder = tmp_path / "kernel"
    folder.mkdir()
    keep(tree, folder)
    return Kernel("qemu:6.1-amd64", folder, "vmlinuz", RECORD)


def names(paths: list[Path]) -> list[str]:
    return [path.name for path in paths]


def test_what_guests_need_is_kept_with_what_it_depends_on_and_nothing_else(kernel):
    kept = {path.name for path in (kernel.folder / "modules").glob("*.ko")}

    assert kept == {
        "virtio_ring.ko", "virtio.ko", "virtio_pci.ko", "virtio_console.ko", "vfio.ko", "vfio_pci.ko",
    }  # fmt: skip


def test_a_packed_module_is_kept_unpacked(kernel):
    assert (kernel.folder / "modules" / "virtio_console.ko").read_bytes()[:4] == b"\x7fELF"


def test_each_module_comes_after_what_it_depends_on_and_once(kernel):
    order = names(modules_of(kernel, ["virtio_pci", "virtio_console"]))

    assert order == ["virtio_ring.ko", "virtio.ko", "virtio_pci.ko", "virtio_console.ko"]


def test_a_dash_in_a_files_name_is_an_underscore_in_the_modules(kernel):
    assert names(modules_of(kernel, ["vfio_pci"])) == ["vfio.ko", "vfio_pci.ko"]


def test_of_what_is_built_in_nothing_is_loaded(kernel):
    assert modules_of(kernel, ["uio"]) == []


@pytest.mark.parametrize(
    ("name", "found"), [("udmabuf", "built without it"), ("e1000", "only what guests need is kept")]
)
def test_a_module_that_is_not_there_is_said_with_its_cause(kernel, name, found):
    with pytest.raises(KernelError, match=found) as refused:
        modules_of(kernel, [name])

    assert refused.value.needs == f"module {name} of qemu:6.1-amd64"


def test_a_kernel_cached_without_modules_is_cured_by_fetching_it(tmp_path):
    with pytest.raises(KernelError) as refused:
        modules_of(Kernel("qemu:6.1-amd64", tmp_path, "vmlinuz", RECORD), ["uio"])

    assert refused.value.cure == "pfnlab kernels fetch qemu:6.1-amd64"


def test_a_kernel_of_ones_own_has_no_modules_here(tmp_path):
    with pytest.raises(KernelError, match="build uio into the kernel"):
        modules_of(Kernel("qemu:/x/bzImage", tmp_path, "bzImage", None), ["uio"])


def test_a_module_from_elsewhere_is_loaded_after_the_kernels_own(kernel, tmp_path):
    driver = module(tmp_path / "driver.ko", "vfio")
    helper = module(tmp_path / "helper.ko", "driver", "uio")

    assert names(loadable(kernel, [helper])) == ["helper.ko"]
    assert names(loadable(kernel, [driver, helper])) == ["vfio.ko", "driver.ko", "helper.ko"]


def test_what_a_module_says_of_itself_is_read(tmp_path):
    path = module(tmp_path / "a.ko", "b", "c-d")

    assert modinfo(path, "vermagic") == "6.1 SMP "
    assert modinfo(path, "author") == ""
    assert guest_modules.depends(path) == ["b", "c_d"]
