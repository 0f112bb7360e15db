# SPDX-License-Identifier: GPL-2.0-or-later
"""Is the BAR of a device that VFIO has a region, with its pfn and its content?"""

import errno
import struct

import pytest

from hwtests.kernels.cache import cached
from hwtests.kernels.errors import KernelError
from hwtests.kernels.guest_modules import modules_of
from hwtests.kernels.names import parse_name
from native.tests.guests import guest
from native.tests.programs import PAGE, PLACE, last, load, mapping, run, store
from native.wire import Fill, Kind, RegionFlag, RegionStage, Stage

pytestmark = [pytest.mark.slow, pytest.mark.real]

NAME, DEVICE, PAGES = "qemu:6.1-amd64", "0000:00:05.0", 16
MAP = ("map", 0, 0, (0, -3, PLACE, 0))
IVSHMEM = (
    "-device", "intel-iommu", "-object", f"memory-backend-ram,id=bar,size={PAGES * PAGE},share=on",
    "-device", "ivshmem-plain,memdev=bar,addr=5",
)  # fmt: skip


@pytest.fixture(scope="module")
def link():
    kernel = cached(parse_name(NAME))
    try:
        files = modules_of(kernel, ["vfio_iommu_type1", "vfio_pci"]) if kernel else []
    except KernelError as error:
        pytest.skip(str(error))
    modules = {f"{place:02}-{path.name}": path.read_bytes() for place, path in enumerate(files)}
    last_one = next(name for name in modules if name.endswith("-vfio_pci.ko"))
    modules[f"{last_one}.args"] = b"ids=1af4:1110\n"  # QEMU's ivshmem: the driver takes it as it loads
    with guest(NAME, modules, cmdline="intel_iommu=on", devices=IVSHMEM) as link:
        assert set(link.hello().modules.values()) == {0}
        yield link


@pytest.fixture(scope="module")
def opened(link):
    """The answer for the shared memory's BAR; which group it is in, the kernel decides."""
    for group in range(16):
        path = f"/dev/vfio/{group} {DEVICE} 2"
        answer = link.region(0, Kind.VFIO, path, flags=RegionFlag.VIEW_MAPPED)
        if not answer.ret:
            return answer
    raise AssertionError(f"in no group: {answer}")


def test_bar_tells_its_pages_and_pfn(opened):
    assert opened.pages == PAGES
    assert opened.pfn * PAGE >= 0x80000000  # above q35's memory


def test_bar_is_one_memory_inside_and_outside(link, opened):
    link.fill(0, Fill.PATTERN)
    _, loaded, _, peeked = run(link, MAP, load(PAGE + 8, 8), store(0, 0x41), ("peek", -1, -1, (0, 0, 2))).observations

    assert loaded.payload == struct.pack("<Q", 0xDE5F000000000000 | 1 << 16 | 8)
    assert peeked.payload == b"\x41\0"


def test_bar_is_a_pfn_mapping(link, opened):
    obs = last(link, MAP, ("smaps", 0, -1, (0,)))
    (flags,) = [line.split()[1:] for line in obs.payload.decode().splitlines() if line.startswith("VmFlags")]

    assert {"pf", "io", "sh"} <= set(flags)


def test_bar_is_mapped_shared_or_not_at_all(link, opened):
    obs = last(link, mapping(PAGES, region=0))

    assert obs.ret == -errno.EINVAL  # drivers/vfio/pci/vfio_pci_core.c vfio_pci_core_mmap()


def test_descriptor_of_it_cannot_be_opened_again(link, opened):
    obs = last(link, ("open", 0, 0, (0, 2)))

    assert (obs.stage, obs.ret) == (Stage.REFUSED, -errno.EINVAL)


def test_group_that_is_not_there_says_which_step_failed(link):
    answer = link.region(1, Kind.VFIO, f"/dev/vfio/99 {DEVICE} 2")

    assert (answer.ret, answer.stage) == (-errno.ENOENT, RegionStage.OPEN)


def test_path_without_a_device_is_refused(link):
    assert link.region(1, Kind.VFIO, "/dev/vfio/1").ret == -errno.EINVAL
