# SPDX-License-Identifier: GPL-2.0-or-later
"""Does a real kernel do what a target is for?  Each test boots a User-Mode Linux kernel, or uses one that is up."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from hwtests.kernels.cache import cached
from hwtests.kernels.names import parse_name
from hwtests.language import parse
from hwtests.targets.base import TargetError
from hwtests.targets.guest import GuestTarget
from hwtests.targets.qemu import EMULATOR
from hwtests.targets.qemu_name import qemu_target
from hwtests.targets.uml import uml_target
from hwtests.trace import Trace
from native.channel import RunResult
from native.wire import DoneFlag, Kind

pytestmark = pytest.mark.real

KERNEL = "uml:6.1"  # of the machine's own suite
needs_kernel = pytest.mark.skipif(
    cached(parse_name(KERNEL)) is None, reason=f"needs {KERNEL}; found none cached; cure: pfnlab kernels fetch {KERNEL}"
)
COW = """\
pfn 1
region dev pages=4 fill=0x5a
process p
p: m = mmap dev private rw
p: store m[1] 0x41
p: load m[1]
peek dev[1]
"""
SHARED = COW.replace("private", "shared")
# A private write to a page that no memory is behind makes UML 6.1 panic: wp_page_copy() reads the source.
PANIC = """\
pfn 1
hazard may-oops
region dev pages=4
process p
p: m = mmap dev private rw offset=900000
p: store m[1] 0x41
"""


def run(target: GuestTarget, text: str, region: str = "uml-iomem", **options: Any) -> Trace:
    return target.run(parse(text, "t.pfn"), {"dev": region}, **options)


def obs(trace: Trace) -> list[dict[str, Any]]:
    assert trace.end is not None
    assert trace.end.how == "done", trace.end
    return [line.obs for line in trace.lines]


@pytest.fixture(scope="module")
def shared_target() -> Iterator[GuestTarget]:
    """A kernel that tests share which do it no harm."""
    with uml_target(KERNEL) as target:
        yield target


@pytest.fixture
def target(shared_target: GuestTarget) -> GuestTarget:
    return shared_target


@pytest.fixture
def own_target() -> Iterator[GuestTarget]:
    with uml_target(KERNEL) as target:
        yield target


@needs_kernel
@pytest.mark.parametrize("region", ["uml-iomem", "uml-mmapper", "uml-ram"])
def test_a_private_write_does_not_reach_the_region(target, region):
    assert obs(run(target, COW, region))[-2:] == [{"ret": "ok", "value": "0x41"}, {"ret": "ok", "value": "0x5a"}]


@needs_kernel
@pytest.mark.parametrize("region", ["uml-iomem", "uml-mmapper", "uml-ram"])
def test_a_shared_write_reaches_the_region(target, region):
    assert obs(run(target, SHARED, region))[-1] == {"ret": "ok", "value": "0x41"}


@needs_kernel
def test_every_region_is_as_its_traits_say(target):
    assert {region.name: region.unusable for region in target.regions()} == {
        "uml-iomem": None,
        "uml-mmapper": None,
        "uml-ram": None,
    }


@needs_kernel
def test_the_region_is_filled_anew_before_each_program(target):
    run(target, SHARED)

    assert obs(run(target, COW.replace(" fill=0x5a", "")))[-1] == {"ret": "ok", "value": "0x0"}


@needs_kernel
def test_two_regions_are_told_apart(target):
    regions = "region a pages=2 fill=0x11\nregion b pages=2 fill=0x22\n"
    text = f"pfn 1\n{regions}process p\np: m = mmap b shared r\np: load m[0]\n"
    trace = target.run(parse(text, "two.pfn"), {"a": "uml-ram", "b": "uml-iomem"})

    assert obs(trace)[-1] == {"ret": "ok", "value": "0x22"}


@needs_kernel
def test_the_header_says_all_that_a_prediction_depends_on(target):
    header = run(target, COW).header

    assert (header.target, header.kernel.arch, header.page_size, header.uid, header.caps) == (
        KERNEL,
        "um",
        4096,
        0,
        "all",
    )
    assert header.config["CONFIG_MEM_SOFT_DIRTY"] == "n"
    assert header.regions["dev"]["offset"] == "any"


@needs_kernel
def test_a_program_that_never_ends_is_a_timeout_and_the_kernel_lives(target):
    boot = target._boot
    text = "pfn 1\nregion dev\nprocess p\np: q = fork\np: wait q\n"  # q waits for its next call for ever
    trace = run(target, text, limit=0.3)

    assert trace.end is not None
    assert trace.end.how == "timeout"
    assert obs(run(target, COW))[-1] == {"ret": "ok", "value": "0x5a"}
    assert target._boot is boot


@needs_kernel
def test_a_region_that_is_not_there_is_refused(target):
    with pytest.raises(TargetError, match="bound to no usable region"):
        run(target, COW, "bar")


@needs_kernel
def test_a_panic_is_a_crash_with_the_kernels_words_and_the_run_goes_on(own_target):
    trace = run(own_target, PANIC, hazard="may-oops")

    assert trace.end is not None
    assert trace.end.how == "crash"
    assert "Kernel panic" in trace.end.why
    assert [line.obs for line in trace.lines] == [{"ret": "ok"}]
    assert obs(run(own_target, COW))[-1] == {"ret": "ok", "value": "0x5a"}


@needs_kernel
def test_a_kernel_that_is_killed_is_lost_without_a_word_and_the_run_goes_on(own_target):
    assert own_target._boot is not None
    kernel = own_target._boot.process.processes()[2]
    kernel.kill()
    trace = run(own_target, COW)

    assert trace.end is not None
    assert trace.end.how == "lost"
    assert obs(run(own_target, COW))[-1] == {"ret": "ok", "value": "0x5a"}


@needs_kernel
def test_a_closed_target_leaves_no_process_and_no_file(own_target):
    assert own_target._boot is not None
    process = own_target._boot.process
    seen = process.processes()
    own_target.close()

    assert len(seen) > 1
    assert [one for one in seen if one.is_running()] == []
    assert not process.folder.exists()


@needs_kernel
def test_a_fresh_kernel_is_another_boot_only_when_a_program_ran(own_target):
    first = own_target._boot
    own_target.fresh()
    assert own_target._boot is first

    run(own_target, COW)
    own_target.fresh()
    assert own_target._boot is None


DIRECT = """\
pfn 1
process p
p: m = mmap anon private rw pages=1
p: store m 0x41
p: direct_write m
"""


@needs_kernel
def test_a_guest_has_a_disk(target):
    assert obs(target.run(parse(DIRECT, "t.pfn"), {}))[-1]["bytes"] == 4096


@needs_kernel
def test_a_region_that_lost_a_frame_for_good_is_opened_anew(own_target, monkeypatch):
    execution = own_target._need_boot().execution
    link, opened = execution.link, []
    link_run, link_region = link.run, link.region

    def run_and_lose(*args: Any, **options: Any) -> RunResult:
        done: RunResult = link_run(*args, **options)
        return replace(done, flags=DoneFlag.REGION_LOST)

    def open_region(number: int, kind: Kind, *args: Any, **options: Any) -> Any:
        opened.append(kind)
        return link_region(number, kind, *args, **options)

    monkeypatch.setattr(link, "region", open_region)
    with monkeypatch.context() as losing:
        losing.setattr(link, "run", run_and_lose)
        run(own_target, SHARED, "uml-ram")

    assert obs(run(own_target, SHARED, "uml-ram"))[-1] == {"ret": "ok", "value": "0x41"}
    assert opened == [Kind.RAM]


MACHINE = "qemu:6.1-amd64"
needs_machine = pytest.mark.skipif(
    cached(parse_name(MACHINE)) is None or shutil.which(EMULATOR) is None,
    reason=f"needs {EMULATOR} and {MACHINE}; cure: apt-get install qemu-system-x86, pfnlab kernels fetch {MACHINE}",
)
POKE = """\
pfn 1
region dev pages=4
process p
p: m = mmap dev shared rw
p: q = fork
p: pokedata q m[1] 0x41
peek u64 dev[1]
p: peekdata q m[1]
"""


@needs_machine
def test_a_bar_is_reached_by_ptrace_and_both_regions_are_as_their_traits_say():
    with qemu_target(MACHINE) as target:
        unusable = {region.name: region.unusable for region in target.regions()}
        assert (unusable["bar"], unusable["hidden"]) == (None, None)
        assert obs(run(target, COW, "hidden"))[-1] == {"ret": "ok", "value": "0x5a"}
        assert obs(run(target, POKE, "bar"))[-3:] == [
            {"ret": "ok"},
            {"ret": "ok", "value": "0x41"},
            {"ret": "ok", "value": "0x41"},
        ]
