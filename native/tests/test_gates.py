# SPDX-License-Identifier: GPL-2.0-or-later
"""Is the gate named that closed, for each of /dev/mem's?"""

import errno
import os

import pytest

from native.gate import GATES, GateClosed
from native.gates import CAP_SYS_RAWIO, Machine, closed_at_map, closed_at_open
from native.gates_bar import Bar, bar_closed, bar_map
from native.iomem import claimed_by

ROOT = 1 << CAP_SYS_RAWIO
IOMEM = """\
00001000-0009ffff : System RAM
000a0000-000bffff : PCI Bus 0000:00
00100000-1fffffff : System RAM
  00100000-01ffffff : Kernel code
fe000000-fe7fffff : PCI Bus 0000:00
  fe000000-fe003fff : 0000:00:03.0
    fe000000-fe003fff : virtio-pci-modern
"""


def at_open(number: int, machine: Machine, path: str = "/dev/mem"):
    return closed_at_open(path, OSError(number, os.strerror(number)), machine)


def at_map(number: int, offset: int = 0, path: str = "/dev/mem"):
    error = OSError(number, os.strerror(number))
    return closed_at_map(path, error, Machine(IOMEM), offset=offset, length=4096, shared=True, write=True)


@pytest.mark.parametrize(
    ("number", "machine", "gate"),
    [
        (errno.ENOENT, Machine(), "CONFIG_DEVMEM"),
        (errno.ENOENT, Machine(has_mem=True), "device node"),
        (errno.EPERM, Machine(), "CAP_SYS_RAWIO"),
        (errno.EPERM, Machine(lockdown="none [integrity] confidentiality", effective_caps=ROOT), "lockdown"),
        (errno.EPERM, Machine(lockdown="[none] integrity confidentiality", effective_caps=ROOT), "permission"),
        (errno.EACCES, Machine(), "permission"),
    ],
)
def test_gate_of_open(number, machine, gate):
    closed = at_open(number, machine)

    assert (closed.errno, closed.gate) == (number, gate)
    assert closed.cure


@pytest.mark.parametrize(
    ("number", "offset", "gate", "found"),
    [
        (errno.EPERM, 0x2000, "STRICT_DEVMEM", "System RAM"),
        (errno.EPERM, 0xFE001000, "IO_STRICT_DEVMEM", "virtio-pci-modern"),
        (errno.EPERM, 0x100000, "STRICT_DEVMEM", "System RAM"),
        (errno.EPERM, 0xF0000000, "STRICT_DEVMEM", "does not say why"),
        (errno.EAGAIN, 0xFE001000, "memory type", "PAT"),
        (errno.EINVAL, 1 << 60, "physical range", "wider"),
    ],
)
def test_gate_of_mmap_of_devmem(number, offset, gate, found):
    closed = at_map(number, offset)

    assert closed.gate == gate
    assert found in closed.found


@pytest.mark.parametrize(
    ("number", "gate"),
    [
        (errno.ENODEV, "mmap operation"),
        (errno.EACCES, "sharing or mode"),
        (errno.EINVAL, "range or sharing"),
        (errno.EAGAIN, "locked memory"),
    ],
)
def test_gate_of_mmap_of_another_device(number, gate):
    assert at_map(number, path="/dev/mydriver").gate == gate


def test_claim_is_the_innermost_one_that_meets_the_range():
    assert claimed_by(IOMEM, 0xFE000000, 4096) == "virtio-pci-modern"
    assert claimed_by(IOMEM, 0xFE004000, 4096) == "PCI Bus 0000:00"
    assert claimed_by(IOMEM, 0xC0000000, 4096) == ""


def test_hidden_addresses_claim_nothing():
    assert claimed_by("00000000-00000000 : System RAM\n", 0, 4096) == ""


def test_a_gate_has_a_name_from_the_list():
    with pytest.raises(ValueError, match="no gate"):
        GateClosed(errno.EPERM, "some gate", "", "")

    assert all(GATES.values())


BAR = Bar(start=0xFE000000, size=0x4000, flags=0x200, decodes=True)


@pytest.mark.parametrize(
    ("number", "bar", "length", "gate", "found"),
    [
        (errno.EINVAL, BAR, 4096, "BAR claimed", "virtio-pci-modern"),
        (errno.EINVAL, Bar(0xFE010000, 0x4000, 0x200, True), 0x5000, "range or sharing", "0x4000"),
        (errno.EINVAL, Bar(0xFE010000, 0x4000, 0x200, True), 4096, "memory type", "PAT"),
        (errno.ENODEV, Bar(0xC000, 0x20, 0x100, True), 4096, "BAR not mappable", "I/O ports"),
    ],
)
def test_gate_of_mmap_of_a_bar(number, bar, length, gate, found):
    closed = bar_map(number, Machine(IOMEM), bar, 0, length)

    assert closed is not None
    assert closed.gate == gate
    assert found in closed.found


def test_lockdown_closes_a_bar():
    machine = Machine(lockdown="none [integrity] confidentiality")

    closed = bar_map(errno.EPERM, machine, BAR, 0, 4096)

    assert closed is not None
    assert closed.gate == "lockdown"


@pytest.mark.parametrize(
    ("line", "command", "gate"),
    [
        ("0xfe000000 0xfe003fff 0x40200", 6, None),
        ("0xfe000000 0xfe003fff 0x40200", 4, "BAR disabled"),
        ("0xc000 0xc01f 0x40101", 6, "BAR not mappable"),
        ("0x0 0x0 0x0", 6, "BAR not mappable"),
    ],
)
def test_gate_of_a_bar_is_seen_without_opening_it(tmp_path, line, command, gate):
    (tmp_path / "resource").write_text(line + "\n")
    (tmp_path / "config").write_bytes(bytes([0xF4, 0x1A, 0x10, 0x11, command, 0, 0, 0]))

    closed = bar_closed(str(tmp_path / "resource0"))

    assert (closed and closed.gate) == gate
