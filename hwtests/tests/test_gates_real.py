# SPDX-License-Identifier: GPL-2.0-or-later
"""Does pfnlab name the gate that a real kernel closed?  Each is closed for real, in a guest that is set up for it."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from hwtests.tests.session.fixtures import SessionGuest, needs_session
from hwtests.tests.session.image import PYTHON
from native.gate import CAP_SYS_RAWIO, GATES

pytestmark = [pytest.mark.real, pytest.mark.slow, needs_session]

MIB = 1 << 20
SEEN = 512 * MIB  # of the RAM, by the kernel; what is above is hidden
NOBODY = 65534
BEYOND = 1 << 52  # wider than any x86 CPU's physical addresses
ATTEMPT = (Path(__file__).parent / "session" / "attempt.py").read_text()


def slot(number: int, file: str) -> str:
    return f"/sys/bus/pci/devices/0000:00:{number:02x}.0/{file}"


# A BAR as large as this is placed above 4 GiB, where the MTRRs say write-back: only there can cache types conflict.
BAR_SIZE = 4 << 30
BAR_AT = 2 * BAR_SIZE
BAR, BAR_WC, PORTS, SMALL = slot(5, "resource2"), slot(5, "resource2_wc"), slot(6, "resource1"), slot(6, "resource0")
CLAIMED = slot(8, "resource0")
DEVICES = (
    "-object", f"memory-backend-file,id=bar,size={BAR_SIZE},mem-path={{folder}}/bar,share=on",
    "-device", "ivshmem-plain,memdev=bar,addr=5",
    "-device", "pci-testdev,addr=6",
    "-device", "nvme,serial=none,addr=8",
)  # fmt: skip


def mem(offset: int, **more: Any) -> dict[str, Any]:
    return {"path": "/dev/mem", "pages": 1, "offset": offset, **more}


def file(path: str, pages: int = 1, offset: int = 0, **more: Any) -> dict[str, Any]:
    return {"path": path, "pages": pages, "offset": offset, **more}


@dataclass(frozen=True)
class Case:
    """An attempt, the gate that is expected to close (None: none) and words of what is found there."""

    attempt: dict[str, Any]
    gate: str | None
    found: str = ""


@dataclass(frozen=True)
class Stage:
    """Attempts that one process makes, after `before` was run by process 1."""

    cases: Mapping[str, Case]
    before: str = ""
    options: Mapping[str, Any] = field(default_factory=dict)
    after: str = ""


def conflict(cases: Mapping[str, Case], **holder: Any) -> Stage:
    return Stage({f"holder of {next(iter(cases))}": Case(holder | {"hold": True}, None), **cases})


STAGES = (
    Stage(
        {
            "System RAM": Case(mem(MIB), "STRICT_DEVMEM", "System RAM at 0x100000"),
            "the last page of System RAM": Case(mem(SEEN - 4096), "STRICT_DEVMEM", "System RAM at 0x1ffff000"),
            "a range that begins in RAM": Case(mem(SEEN - 4096, pages=2), "STRICT_DEVMEM", "System RAM at 0x1ffff000"),
            "the first MiB": Case(mem(4096), None),  # devmem_is_allowed() == 2: read(2) sees zeros, mmap(2) the RAM
            "hidden RAM": Case(mem(SEEN), None),
            "a bound driver's registers": Case(mem(1 << 32), "IO_STRICT_DEVMEM", "claimed by nvme"),
            "the kernel's own registers": Case(mem(0xFEC00000), "IO_STRICT_DEVMEM", "claimed by IOAPIC 0"),
            "PCI's configuration space": Case(mem(0xB0000000), "IO_STRICT_DEVMEM", "claimed by pnp 00:05"),
            "a BAR without a driver": Case(mem(BAR_AT), None),
            "beyond the CPU's addresses": Case(mem(BEYOND), "physical range", f"{BEYOND:#x}"),
            "BAR of a bound driver": Case(file(CLAIMED), "BAR claimed", "claimed by nvme"),
            "BAR without a driver": Case(file(BAR), None),
            "longer than the BAR": Case(file(SMALL, 2), "range or sharing", "0x2000 of a BAR of 0x1000 bytes"),
            "past the BAR": Case(file(BAR, 1, BAR_SIZE), "range or sharing", f"{BAR_SIZE:#x}+0x1000 of a BAR"),
            "BAR of I/O ports": Case(file(PORTS), "BAR not mappable", "I/O ports"),
            "no such device": Case(file("/dev/uio0"), "device node", "no /dev/uio0"),
        }
    ),
    conflict(
        {
            "uncached beside write-back": Case(mem(SEEN, sync=True), "memory type", f"{SEEN:#x}"),
            "uncached, one page on": Case(mem(SEEN + 4096, sync=True), None),
        },
        **mem(SEEN),
    ),
    conflict(
        {
            "BAR beside write-back": Case(file(BAR), "memory type", f"{BAR_AT:#x}"),
            "BAR write-combined beside write-back": Case(file(BAR_WC), "memory type", f"{BAR_AT:#x}"),
        },
        **mem(BAR_AT),
    ),
    # Whoever asks for write-back takes what is there: is_new_memtype_allowed() refuses only the other way round.
    conflict({"write-back beside write-combined": Case(mem(BAR_AT), None)}, **file(BAR_WC)),
    Stage(
        {
            "/dev/mem without the capability": Case(mem(SEEN), "CAP_SYS_RAWIO", "a process without it"),
            "BAR without the capability": Case(file(BAR), None),  # pci_mmap_resource() asks for none
        },
        options={"drop": [CAP_SYS_RAWIO]},
    ),
    Stage(
        {
            "/dev/mem as nobody": Case(mem(SEEN), "permission", "EACCES for uid 65534, mode 0600"),
            "BAR as nobody": Case(file(BAR), "permission", "EACCES for uid 65534, mode 0600"),
        },
        options={"uid": NOBODY},
    ),
    Stage(
        {"no node for /dev/mem": Case(mem(SEEN), "device node", "no /dev/mem")},
        before="import os; os.rename('/dev/mem', '/dev/away')",
        after="import os; os.rename('/dev/away', '/dev/mem')",
    ),
    Stage(
        {
            "/dev/mem locked down": Case(mem(SEEN), "lockdown", "lockdown=integrity"),
            "BAR locked down": Case(file(BAR), "lockdown", "lockdown=integrity"),
        },
        before="with open('/sys/kernel/security/lockdown', 'w') as file: file.write('integrity')",  # as lockdown= does
    ),
)
CASES = {name: case for stage in STAGES for name, case in stage.cases.items()}


@pytest.fixture(scope="module")
def answers() -> Iterator[dict[str, dict[str, str] | None]]:
    """What map_region() said in each case."""
    found: dict[str, dict[str, str] | None] = {}
    with SessionGuest(append=f"mem={SEEN // MIB}M", devices=DEVICES, memory=SEEN + 256 * MIB) as guest:
        for stage in STAGES:
            guest.evaluate(stage.before)
            attempts = json.dumps([case.attempt for case in stage.cases.values()])
            done = guest.run(str(PYTHON), "-c", ATTEMPT, attempts, **stage.options)
            assert done.status == 0, done.err
            found |= dict(zip(stage.cases, done.json(), strict=True))
            guest.evaluate(stage.after)
        yield found


@pytest.mark.parametrize("name", CASES)
def test_the_gate_that_closed_is_named(answers, name):
    case, answer = CASES[name], answers[name]

    assert (answer and answer["gate"]) == case.gate
    assert case.found in (answer["found"] if answer else "")


def test_a_claim_says_what_opens_it(answers):
    assert answers["a bound driver's registers"]["cure"] == "unbind nvme, or boot with iomem=relaxed"


def test_every_gate_of_physical_memory_was_closed():
    """Of /dev/mem and of BARs; that a kernel has no CONFIG_DEVMEM is seen where there is such a kernel."""
    physical = list(GATES)[list(GATES).index("physical range") : list(GATES).index("mmap operation")]
    at_open = ["device node", "CAP_SYS_RAWIO", "lockdown", "permission"]

    assert {*at_open, *physical} - {"BAR disabled"} <= {case.gate for case in CASES.values()}
