# SPDX-License-Identifier: GPL-2.0-or-later
"""Is the gate named that closed, for each of /dev/mem's?"""

import errno
import os

import pytest

from native.gates import CAP_SYS_RAWIO, Machine, claimed_by, closed_at_map, closed_at_open

ROOT = 1 << CAP_SYS_RAWIO
IOMEM = """\
00001000-0009ffff : System RAM
000a0000-000bffff : PCI Bus 0000:00
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
