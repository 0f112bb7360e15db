# SPDX-License-Identifier: GPL-2.0-or-later
"""Does the instrument show this machine's mappings as they are?"""

import errno
import mmap
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from native.ops_lib import NoInstrument, load

try:
    load()
except NoInstrument as missing:
    pytest.skip(str(missing), allow_module_level=True)

from native import instrument
from native.instrument import GateClosed, map_region

BTF = Path("/sys/kernel/btf/vmlinux")
PAGE = mmap.PAGESIZE


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "region"
    path.write_bytes(b"".join(bytes([0x50 + page]) * PAGE for page in range(4)))
    return path


def is_mapped(start: int) -> bool:
    return bool(instrument.maps(0, start, start + 1))


def test_array_is_the_mapping_itself(file):
    with map_region(file, 2, offset=PAGE, prot="rw") as region:
        region.array[1, 5] = 0x99

        assert region.array.shape == (2, PAGE)
        assert region.array[0, 0] == 0x51
    assert file.read_bytes()[2 * PAGE + 5] == 0x99


def test_private_mapping_keeps_its_writes(file):
    with map_region(file, 1, shared=False, prot="rw") as region:
        region.array[:] = 0

    assert file.read_bytes()[0] == 0x50


def test_read_only_mapping_is_a_read_only_array(file):
    with map_region(file, 1) as region, pytest.raises(ValueError, match="read-only"):
        region.array[0, 0] = 1


def test_mapping_ends_with_its_last_array(file):
    with map_region(file, 1) as region:
        view = region.array[0, 4:8]

    assert region.mapped
    assert is_mapped(region.start)
    assert view.tolist() == [0x50] * 4
    del view
    assert not region.mapped
    assert not is_mapped(region.start)


def test_closed_region_has_no_array(file):
    region = map_region(file, 1)
    region.close()

    with pytest.raises(ValueError, match="closed"):
        _ = region.array


@pytest.mark.parametrize(
    ("arguments", "message"), [({"pages": 0}, "pages is 0"), ({"pages": 1, "prot": "q"}, "prot is 'q'")]
)
def test_bad_arguments_are_told_before_anything_is_opened(arguments, message):
    with pytest.raises(ValueError, match=message):
        map_region("/dev/no-such-device", **arguments)


def test_missing_device_is_a_closed_gate():
    with pytest.raises(GateClosed) as caught:
        map_region("/dev/no-such-device", 1)

    assert (caught.value.errno, caught.value.gate) == (errno.ENOENT, "device node")


def test_device_without_mmap_is_a_closed_gate():
    with pytest.raises(GateClosed) as caught:
        map_region("/proc/self/status", 1)

    assert caught.value.errno in (errno.ENODEV, errno.EIO)


def test_smaps_counts_touched_pages():
    memory = mmap.mmap(-1, 8 * PAGE)
    start = np.frombuffer(memory, np.uint8).__array_interface__["data"][0]
    memory[0] = memory[3 * PAGE] = 1
    (vma,) = instrument.smaps(0, start, start + 1)

    assert vma.fields["Size"] >= 8 * PAGE // 1024
    assert vma.fields["Rss"] >= 2 * PAGE // 1024
    assert {"rd", "wr", "mr", "mw"} <= set(vma.flags)


def test_maps_are_those_of_proc():
    text = Path("/proc/self/maps").read_text().splitlines()
    starts = {int(line.split("-")[0], 16) for line in text}

    assert {vma.start for vma in instrument.maps(0)} >= starts - {max(starts)}


def test_other_process_is_read_by_pid():
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as child:
        names = [vma.name for vma in instrument.maps(child.pid)]
        assert child.stdin
        child.stdin.close()
        child.wait()

    assert "[stack]" in names


def test_process_that_is_not_there_is_an_os_error():
    with pytest.raises(FileNotFoundError, match="/proc/4194304/smaps"):
        instrument.smaps(4194304)


def test_pagemap_says_which_pages_are_present():
    memory = mmap.mmap(-1, 4 * PAGE, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
    start = np.frombuffer(memory, np.uint8).__array_interface__["data"][0]
    memory[2 * PAGE] = 1

    assert (instrument.pagemap(0, start, 4) >> 63).tolist() == [0, 0, 1, 0]


@pytest.mark.skipif(os.getuid() != 0, reason="needs uid 0; found another; cure: run as root")
def test_page_frames_of_own_memory_are_mapped_once():
    memory = mmap.mmap(-1, PAGE, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
    memory[0] = 1
    start = np.frombuffer(memory, np.uint8).__array_interface__["data"][0]
    pfns = instrument.pagemap(0, start, 1) & np.uint64((1 << 55) - 1)

    assert instrument.kpagecount(pfns).tolist() == [1]
    assert int(instrument.kpageflags(pfns)[0]) >> 12 & 1  # KPF_ANON
    assert instrument.kpagecount([1 << 50]).tolist() == [instrument.NO_PFN]


def test_btf_is_mapped_by_page_frame():
    if not BTF.exists():
        pytest.skip(f"needs {BTF}; found no such file; cure: a kernel since 6.16 with CONFIG_DEBUG_INFO_BTF")
    try:
        region = map_region(BTF, 2, shared=False)
    except GateClosed as gate:
        pytest.skip(f"needs mmap of the BTF file; found {gate.found}; cure: a kernel since 6.16")
    with region:
        (vma,) = instrument.smaps(0, region.start, region.end)

        assert region.array.tobytes() == BTF.read_bytes()[: 2 * PAGE]
        assert "pf" in vma.flags
        assert vma.fields["Rss"] == 0


def test_perf_ring_is_shared_with_the_kernel():
    try:
        region = instrument.perf_ring(2)
    except GateClosed as gate:
        pytest.skip(f"needs a perf ring; found {gate.found}; cure: {gate.cure}")
    with region:
        version = region.array[0, :4].view(np.uint32)[0]
        size = region.array[0, 1040:1048].view(np.uint64)[0]  # perf_event_mmap_page.data_size

        assert (version, size) == (0, PAGE)


def test_vvar_stays_when_its_region_is_closed():
    with instrument.premapped("[vvar]") as region:
        assert region.array[0].any()
    assert is_mapped(region.start)
