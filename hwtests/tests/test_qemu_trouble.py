# SPDX-License-Identifier: GPL-2.0-or-later
"""A driver that takes the kernel with it, in a guest: what is said of each way, and the next program runs."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from hwtests.kernels.cache import cached
from hwtests.kernels.modules import build_module
from hwtests.kernels.names import parse_name
from hwtests.language import parse
from hwtests.targets.base import TargetError, TargetLost, Unusable
from hwtests.targets.qemu import EMULATOR, QemuTarget
from hwtests.targets.qemu_name import qemu_target
from hwtests.trace import End

MACHINE = "qemu:6.1-amd64"  # of the machine's own suite
pytestmark = [
    pytest.mark.real,
    pytest.mark.slow,
    pytest.mark.skipif(
        cached(parse_name(MACHINE)) is None or shutil.which(EMULATOR) is None,
        reason=f"needs {EMULATOR} and {MACHINE}; cure: apt-get install qemu-system-x86, pfnlab kernels fetch {MACHINE}",
    ),
]
TROUBLE = "pfn 1\nregion dev pages=4\nprocess p\np: m = mmap dev shared r offset=5\np: load u64 m[0]\n"
HARMLESS = TROUBLE.replace(" offset=5", "")
REGION = "/dev/trouble,length=64K"


@pytest.fixture(scope="module")
def module() -> Path:
    kernel = cached(parse_name(MACHINE))
    assert kernel is not None
    found = build_module(kernel, Path(__file__).with_name("trouble"))
    if isinstance(found, Unusable):
        pytest.skip(str(found))
    return found


@pytest.fixture
def start(module: Path) -> Iterator[Callable[[str], QemuTarget]]:
    started: list[QemuTarget] = []

    def start(how: str) -> QemuTarget:
        started.append(qemu_target(MACHINE, modules=[f"{module},how={how}"], named=[REGION]))
        started[-1].open()
        return started[-1]

    yield start
    for target in started:
        target.close()


def ended(target: QemuTarget, text: str, limit: float = 10.0) -> End:
    trace = target.run(parse(text, "trouble.pfn"), {"dev": "/dev/trouble"}, limit=limit, hazard="may-oops")
    assert trace.end is not None
    return trace.end


def test_a_region_of_a_module_of_ones_own_is_used(start):
    target = start("none")

    assert ended(target, TROUBLE).how == "done"
    assert target.inventory()["modules"]["trouble"] == "ok"


def test_a_panic_is_a_crash_with_the_consoles_words(start):
    target = start("panic")
    end = ended(target, TROUBLE)

    assert (end.how, "trouble: as asked for" in end.why) == ("crash", True)
    assert any("Kernel panic" in line for line in end.console)
    assert ended(target, HARMLESS).how == "done"


def test_a_guest_that_hangs_is_a_timeout(start):
    target = start("hang")
    end = ended(target, TROUBLE, limit=0.5)

    assert end.how == "timeout"
    assert ended(target, HARMLESS).how == "done"


def test_a_guest_whose_agent_is_killed_is_lost_and_no_crash(start):
    target = start("init")
    end = ended(target, TROUBLE)

    assert (end.how, "the agent died" in end.why) == ("lost", True)
    assert ended(target, HARMLESS).how == "done"


def test_a_warning_after_the_last_program_is_told_when_the_guest_is_closed(start):
    target = start("warn")
    assert ended(target, TROUBLE).how == "done"
    wait = HARMLESS + "p: q = fork\np: wait q\n"  # q waits for its next call for ever
    late = ended(target, wait, limit=1.0)

    assert "trouble: as asked for" in "\n".join(late.klog)  # it came up in this one
    target.close()  # and is not told twice


def test_a_warning_while_no_program_runs_makes_closing_a_crash(start):
    import time

    target = start("warn")
    assert ended(target, TROUBLE).how == "done"
    time.sleep(2.0)  # the guest's clock is its own

    with pytest.raises(TargetLost, match=r"while no program ran: .*WARNING"):
        target.close()


def test_a_warning_of_the_boot_is_told_of_the_boot_and_of_no_program(start):
    target = start("boot")
    assert ended(target, HARMLESS).how == "done"

    assert any("WARNING" in line for line in target.inventory()["boot_complaints"])
    target.close()  # and closing is no crash


def test_a_module_that_does_not_load_is_an_error_that_names_it(tmp_path):
    broken = tmp_path / "broken.ko"
    broken.write_bytes(b"\x7fELF")
    target = qemu_target(MACHINE, modules=[str(broken)])

    with pytest.raises(TargetError, match=r"broken.ko does not load into this kernel: ENOEXEC"):
        target.open()
