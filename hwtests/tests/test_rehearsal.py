# SPDX-License-Identifier: GPL-2.0-or-later
"""Does a session that root runs touch only what it may?  The whole of it in a guest, and the guest seen from outside.

Registers are those of stock QEMU's `edu` and `pci-testdev`, whose accesses QEMU traces. Memory is the BAR of an
ivshmem device and RAM hidden from the kernel by mem=: both are files, filled with a pattern before the guest starts.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from hwtests.tests.session.fixtures import SessionGuest, needs_session, results
from hwtests.tests.session.guest import Done, pfnlab_command
from hwtests.tests.session.outside import PAGE, TRACING, Access, Trace, changed_pages, pattern

pytestmark = [pytest.mark.real, pytest.mark.slow, needs_session]

MIB = 1 << 20
SEEN, HIDDEN = 512 * MIB, 64 * MIB  # of the RAM, by the kernel; filled with the pattern above it
MEMORY = SEEN + HIDDEN + 256 * MIB  # QEMU puts the initramfs at the very top
BAR_SIZE = MIB
ALLOWED = 64 << 10  # bytes of a region that the user names
BAR_OFFSET, HIDDEN_AT = 256 << 10, SEEN + 32 * MIB
DEVICES = (
    "-object", f"memory-backend-file,id=bar,size={BAR_SIZE},mem-path={{folder}}/bar,share=on",
    "-device", "ivshmem-plain,memdev=bar,addr=5",
    "-device", "pci-testdev,addr=6",
    "-device", "edu,addr=7",
    *TRACING,
)  # fmt: skip
REGISTERS = ("edu-mmio", "pci-testdev-mmio", "pci-testdev-portio")


def slot(number: int, file: str) -> str:
    return f"/sys/bus/pci/devices/0000:00:{number:02x}.0/{file}"


BAR = f"{slot(5, 'resource2')},offset={BAR_OFFSET:#x},length=64K"
RAM = f"/dev/mem,offset={HIDDEN_AT:#x},length=64K"
EDU = f"{slot(7, 'resource0')},length=4K,width=4,ro,registers"
TESTDEV = f"{slot(6, 'resource0')},length=4K,width=4,ro,registers"
# A program of the user's own; of the catalogue none reads registers by the word.
READS = "/lab/reads.pfn"
READS_TEXT = """\
pfn 1
region dev
process p

p: m = mmap dev shared r
p: load u32 m[0]+0x0
p: load u32 m[0]+0x4
p: load u8 m[0]+0x8
"""


# What was there before the first session, and must be all that is there after one that was killed.
STATE = """
import glob, os
def words(path):
    try:
        with open(path) as file:
            return file.read().splitlines()
    except OSError:
        return []
alive = {}
for place in glob.glob('/proc/[0-9]*'):
    command = words(place + '/cmdline')
    if command and command[0]:  # a kernel's thread has none
        alive[place] = command[0].replace('\\0', ' ')
answer = {
    'processes': sorted(alive.values()),
    'modules': words('/proc/modules'),
    'mounts': words('/proc/mounts'),
    'files': sorted(os.path.join(*at) for top in ('/tmp', '/dev/shm', '/run')
                    for folder, _, names in os.walk(top) for at in [(folder, name) for name in names]),
    'mapped': words('/sys/kernel/debug/x86/pat_memtype_list'),
    'taint': words('/proc/sys/kernel/tainted'),
}
"""


@dataclass(frozen=True)
class Session:
    """A command that ended, and what it did: pages of the BAR and of the RAM it changed, registers it accessed."""

    done: Done
    bar: set[int]
    ram: set[int]
    registers: list[Access]
    results: list[dict[str, Any]]

    def verdicts(self) -> dict[str, int]:
        counted: dict[str, int] = {}
        for result in self.results:
            counted[result["verdict"]] = counted.get(result["verdict"], 0) + 1
        return counted


class Lab:
    """The guest, and what is outside it. After each session the pattern is as before."""

    def __init__(self, guest: SessionGuest) -> None:
        self.guest = guest
        self.trace = Trace(guest.folder / "trace")
        self.trace.skip()
        self.before = guest.evaluate(STATE)
        self._kept: dict[tuple[str, ...], Session] = {}

    def session(self, *arguments: str) -> Session:
        """`pfnlab ARGUMENTS` by root, once."""
        if arguments not in self._kept:
            self.trace.skip()
            folder = f"/lab/{len(self._kept)}"
            done = self.guest.pfnlab(*arguments, env=[["PFNLAB_RESULTS", folder]])
            ran = arguments[0] == "run" and "--dry-run" not in arguments
            self._kept[arguments] = self.seen(done, results(self.guest, folder) if ran else [])
        return self._kept[arguments]

    def seen(self, done: Done, ran: list[dict[str, Any]]) -> Session:
        bar, ram = self.guest.folder / "bar", self.guest.folder / "ram"
        found = Session(
            done, changed_pages(bar, 0, BAR_SIZE), changed_pages(ram, SEEN, HIDDEN), self.trace.since(*REGISTERS), ran
        )
        for path, pages in ((bar, found.bar), (ram, found.ram)):
            with path.open("r+b") as file:
                for page in pages:
                    file.seek(page * PAGE)
                    file.write(pattern(PAGE, page * PAGE).tobytes())
        return found


@pytest.fixture(scope="module")
def lab() -> Iterator[Lab]:
    ram = b"\0" * SEEN + pattern(HIDDEN, SEEN).tobytes() + b"\0" * (MEMORY - SEEN - HIDDEN)
    files = [("bar", pattern(BAR_SIZE).tobytes()), ("ram", ram)]
    append = f"iomem=relaxed mem={SEEN // MIB}M"
    with SessionGuest(append=append, devices=DEVICES, files=files, memory=MEMORY) as guest:
        guest.evaluate("libc.mount(b'debugfs', b'/sys/kernel/debug', b'debugfs', 0, b'')")
        yield Lab(guest)


def pages(offset: int) -> set[int]:
    return set(range(offset // PAGE, (offset + ALLOWED) // PAGE))


STORES = {
    "BAR": ("run", "--on", "host", "--region", BAR, "--allow-write"),
    "RAM": ("run", "cow", "fork", "mapping", "--on", "host", "--region", RAM, "--allow-write"),
}
ANY = [
    pytest.param(("regions", "--json"), id="listing"),
    pytest.param(("run", "--dry-run", "--on", "host", "--region", BAR, "--allow-write"), id="dry run"),
    pytest.param(("run", "--on", "host", "--region", BAR), id="BAR"),
    pytest.param(("run", "--on", "host", "--region", EDU), id="edu"),
]


@pytest.mark.parametrize("arguments", ANY)
def test_nothing_is_stored_unless_it_was_allowed(lab, arguments):
    session = lab.session(*arguments)

    assert (session.bar, session.ram) == (set(), set())
    assert [access for access in session.registers if access.write] == []


@pytest.mark.parametrize("arguments", ANY)
def test_a_session_of_root_meets_what_was_predicted(lab, arguments):
    session = lab.session(*arguments)

    assert session.done.status == 0, session.done.out + session.done.err
    assert set(session.verdicts()) <= {"agree", "skip"}


def test_stores_to_a_bar_stay_in_the_range_that_was_allowed(lab):
    session = lab.session(*STORES["BAR"])

    assert session.bar, "no program stored to it: nothing was shown"
    assert session.bar <= pages(BAR_OFFSET)
    assert session.ram == set()


def test_stores_to_hidden_ram_stay_in_the_range_that_was_allowed(lab):
    session = lab.session(*STORES["RAM"])

    assert session.ram, "no program stored to it: nothing was shown"
    assert session.ram <= pages(HIDDEN_AT)
    assert session.bar == set()


@pytest.mark.parametrize("region", STORES)
def test_with_stores_allowed_too_all_is_as_predicted(lab, region):
    session = lab.session(*STORES[region])

    assert session.done.status == 0, session.done.out + session.done.err
    assert set(session.verdicts()) <= {"agree", "skip"}


@pytest.mark.parametrize("arguments", [("regions", "--json"), STORES["BAR"]])
def test_registers_that_nobody_named_are_not_accessed(lab, arguments):
    assert lab.session(*arguments).registers == []


# pci-testdev takes single bytes (its MemoryRegionOps.impl): QEMU cuts a word into four, and traces each.
@pytest.mark.parametrize(
    ("region", "number", "device", "width"), [(EDU, 7, "edu-mmio", 4), (TESTDEV, 6, "pci-testdev-mmio", 1)]
)
def test_registers_are_read_as_the_program_says_and_no_more(lab, region, number, device, width):
    lab.guest.evaluate("open(path, 'w').write(text)", path=READS, text=READS_TEXT.replace("p: load u8 m[0]+0x8\n", ""))
    start = int(lab.guest.read(slot(number, "resource")).split()[0], 16)
    session = lab.session("run", READS, "--on", "host", "--region", region)

    assert session.registers == [Access(False, start + byte, width, device) for byte in range(0, 8, width)]


def test_registers_are_not_read_in_another_width(lab):
    lab.guest.evaluate("open(path, 'w').write(text)", path="/lab/bytes.pfn", text=READS_TEXT)
    session = lab.session("run", "/lab/bytes.pfn", "--on", "host", "--region", EDU)

    assert session.registers == []
    assert [(result["verdict"], result["needs"]) for result in session.results] == [
        ("skip", f"accesses of 1 byte to {slot(7, 'resource0')}")
    ]


def test_a_session_that_ended_leaves_nothing_behind(lab):
    lab.session(*STORES["BAR"])

    assert lab.guest.evaluate(STATE) == lab.before


def test_a_session_that_is_killed_leaves_nothing_behind(lab):
    guest = lab.guest
    lab.trace.skip()
    command = pfnlab_command("run", "--on", "host", "--region", BAR, "--allow-write", "--results", "/lab/killed")
    pid = guest.do("start", argv=command)
    _until(lambda: len(_lines(guest, "/lab/killed/latest/results.jsonl")) >= 20)
    during = guest.evaluate(STATE)
    guest.evaluate(f"import os, signal; os.kill({pid}, signal.SIGKILL)")

    assert guest.do("finish", pid=pid) == -9
    assert len(during["processes"]) > len(lab.before["processes"]) + 1  # it was in the middle: its agent was there too
    assert during["mapped"] != lab.before["mapped"]
    _until(lambda: guest.evaluate(STATE) == lab.before)
    assert guest.evaluate(STATE) == lab.before
    seen = lab.seen(Done(-9, "", ""), [])
    assert seen.bar <= pages(BAR_OFFSET)
    assert (seen.ram, seen.registers) == (set(), [])


def test_what_a_killed_session_had_found_out_is_kept(lab):
    lines = _lines(lab.guest, "/lab/killed/latest/results.jsonl")

    assert len(lines) >= 20
    assert {json.loads(line)["target"] for line in lines} == {"host"}


def _lines(guest: SessionGuest, path: str) -> list[str]:
    source = f"import os\nanswer = open({path!r}).read().splitlines() if os.path.exists({path!r}) else []"
    return list(guest.evaluate(source))


def _until(condition: Any, limit: float = 240.0) -> None:
    until = time.monotonic() + limit
    while not condition() and time.monotonic() < until:
        time.sleep(0.5)  # the guest has one emulated CPU, and asking takes some of it
