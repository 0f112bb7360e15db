# SPDX-License-Identifier: GPL-2.0-or-later
"""Do regions that a host offers anybody open, map and answer as PFN mappings do?"""

import errno
import os
from pathlib import Path

import pytest

from native.actor import Actor
from native.channel import AgentLost
from native.tests.programs import PAGE, PLACE, PRIVATE, SHARED, R, compiled, fork, last, load, mapping, rss, run, store
from native.wire import Fill, Kind, RegionFlag, RegionStage, Stage

BTF = Path("/sys/kernel/btf/vmlinux")
MAP_WHOLE = ("map", 0, 0, (0, -3, PLACE, 0))


def vm_flags(payload: bytes) -> list[str]:
    (line,) = [line for line in payload.decode().splitlines() if line.startswith("VmFlags:")]
    return line.split()[1:]


@pytest.fixture
def btf(actor):
    if not BTF.exists():
        pytest.skip(f"needs {BTF}; found no such file; cure: a kernel since 6.16 with CONFIG_DEBUG_INFO_BTF")
    flags = RegionFlag.READ_ONLY | RegionFlag.VIEW_READ | RegionFlag.NEVER_STORE
    answer = actor.region(0, Kind.FILE, str(BTF), flags=flags | RegionFlag.MAP_READ | RegionFlag.MAP_PRIVATE)
    if last(actor, MAP_WHOLE).ret < 0:
        pytest.skip("needs mmap of the BTF file; found none; cure: a kernel since 6.16")
    return answer


@pytest.fixture
def perf(actor):
    answer = actor.region(0, Kind.PERF, pages=2)
    obs = last(actor, MAP_WHOLE)
    if obs.ret < 0:
        pytest.skip(f"needs a perf ring; found {errno.errorcode[-obs.ret]}; cure: kernel.perf_event_paranoid <= 2")
    return answer


@pytest.fixture
def vvar(actor):
    answer = actor.region(0, Kind.PREMAPPED, "[vvar]")
    if answer.ret:
        pytest.skip("needs [vvar]; found no such vma; cure: an architecture with a vdso")
    return answer


def test_region_that_is_not_there_says_which_step_failed(actor):
    answer = actor.region(1, Kind.FILE, "/dev/no-such-device")

    assert (answer.ret, answer.stage) == (-errno.ENOENT, RegionStage.OPEN)


def test_program_that_uses_a_region_nobody_opened_is_refused(actor):
    actor.region(2, Kind.FILE, "/dev/no-such-device")
    obs = last(actor, mapping(region=2))

    assert (obs.stage, obs.ret) == (Stage.REFUSED, -errno.EINVAL)


def test_btf_has_as_many_pages_as_its_file(actor, btf):
    assert btf.pages == -(-BTF.stat().st_size // PAGE)


def test_btf_is_a_pfn_mapping_that_reads_as_the_file(actor, btf):
    result = run(actor, MAP_WHOLE, load(PAGE, 0), ("smaps", 0, -1, (0,)), ("peek", -1, -1, (0, PAGE, 0)))
    _, page, smaps, view = result.observations

    assert page.payload == view.payload == BTF.read_bytes()[PAGE : 2 * PAGE]
    assert "pf" in vm_flags(smaps.payload)


def test_btf_counts_in_vmsize_and_not_in_rss(actor, btf):
    result = run(actor, MAP_WHOLE, load(0), rss())

    assert result.observations[2].payload == b"".join(n.to_bytes(8, "little") for n in (0, 0, btf.pages, 0))


def test_btf_refuses_to_be_written(actor, btf):
    result = run(actor, MAP_WHOLE, store(0, 1), ("mprotect", 0, -1, (0, 0, -1, 3)), ("poke", -1, -1, (0, 0, 1, 0, 1)))
    stored, protect, poked = result.observations[1:]

    assert stored.stage == Stage.FAULT
    assert protect.ret == -errno.EACCES
    assert (poked.stage, poked.ret) == (Stage.REFUSED, -errno.EPERM)


def test_never_store_region_is_not_mapped_shared_and_writable(actor, btf):
    obs = last(actor, mapping(1, region=0, flags=SHARED))

    assert (obs.stage, obs.ret) == (Stage.REFUSED, -errno.EPERM)


def test_never_store_region_is_not_filled(actor, btf):
    with pytest.raises(PermissionError):
        actor.fill(0, Fill.BYTE, 0x5A)


def test_descriptor_of_a_program_outlives_the_mapping_and_is_closed(actor, btf):
    whole = ("mmap", 0, 0, (2, 0, R, PRIVATE | 0x10, -3, PLACE, PAGE, 0))
    result = run(actor, ("open", 0, 0, (0, os.O_RDONLY)), whole, ("close", 0, -1, (0,)), load(0, 2), whole)
    opened, mapped, closed, loaded, again = result.observations

    assert opened.ret >= 0
    assert (mapped.stage, closed.ret) == (Stage.CALL, 0)
    assert loaded.payload == BTF.read_bytes()[:2]
    assert again.ret == -errno.EBADF


def test_perf_ring_is_shared_and_belongs_to_the_process(actor, perf):
    obs = last(actor, MAP_WHOLE, ("smaps", 0, -1, (0,)))

    assert {"rd", "wr", "sh"} <= set(vm_flags(obs.payload))


def test_perf_ring_cannot_be_mapped_private(actor, perf):
    obs = last(actor, mapping(2, region=0))

    assert obs.ret == -errno.EINVAL


def test_perf_ring_is_not_inherited_by_fork(actor, perf):
    obs = last(actor, MAP_WHOLE, fork(), load(0, process=1))

    assert obs.stage == Stage.FAULT  # VM_DONTCOPY, kernel/events/core.c perf_mmap()


def test_vvar_moves_to_its_place_and_can_be_read(actor, vvar):
    result = run(actor, MAP_WHOLE, load(0, 4), ("maps", 0, -1, (0,)), fork(), load(0, 4, process=1))
    moved, loaded, maps, _, inherited = result.observations

    assert moved.handle_length == vvar.pages * PAGE
    assert loaded.stage == inherited.stage == Stage.CALL
    assert maps.payload.rstrip().endswith(b"[vvar]")


def test_vvar_is_found_once(actor, vvar):
    obs = last(actor, MAP_WHOLE, ("map", 0, 1, (0, -3, PLACE + 64 * PAGE, 0)))

    assert (obs.stage, obs.ret) == (Stage.OPEN, -errno.ENOENT)


@pytest.fixture
def backed(actor, tmp_path):
    """A plain file as region 0: its content has an outside view that a test can hold."""
    path = tmp_path / "region"
    path.write_bytes(b"\x5a" * 4 * PAGE)
    return path


def test_view_by_mapping_reads_writes_and_fills(actor, backed):
    actor.region(0, Kind.FILE, str(backed), flags=RegionFlag.VIEW_MAPPED, pages=4)
    actor.fill(0, Fill.PATTERN)
    result = run(
        actor,
        mapping(region=0, flags=SHARED),
        load(PAGE + 8, 8),
        ("poke", -1, -1, (0, 0, 1, 0, 0x41)),
        load(0),
        ("peek", -1, -1, (0, 0, 2)),
    )
    _, pattern, _, poked, peeked = result.observations

    assert pattern.payload == (0xDE5F000000000000 | 1 << 16 | 8).to_bytes(8, "little")
    assert poked.payload == b"\x41"
    assert peeked.payload == b"\x41\0"
    assert backed.read_bytes()[PAGE : PAGE + 8] == (0xDE5F000000000000 | 1 << 16).to_bytes(8, "little")


def test_view_by_the_controller_is_asked_for(actor, backed):
    asked = []

    def outside(request):
        asked.append(request)
        return b"" if request.write else b"\x42"

    actor.region(0, Kind.FILE, str(backed), flags=RegionFlag.VIEW_OUTSIDE, pages=4)
    program = compiled(("peek", -1, 0, (0, PAGE, 1)), ("poke", -1, -1, (0, 3, 1, 1, 0)))
    result = actor.run(program, outside=outside)

    assert result.observations[0].payload == b"\x42"
    assert [(q.byte, q.width, q.write, q.value) for q in asked] == [(PAGE, 1, False, 0), (3, 1, True, 0x42)]


def test_outside_view_that_fails_is_an_error_of_that_call(actor, backed):
    def outside(request):
        raise OSError(errno.EIO, "no")

    actor.region(0, Kind.FILE, str(backed), flags=RegionFlag.VIEW_OUTSIDE, pages=4)

    assert actor.run(compiled(("peek", -1, -1, (0, 0, 1))), outside=outside).observations[0].ret == -errno.EIO


def test_outside_view_that_nobody_has_is_lost(backed):
    with Actor() as actor:
        actor.region(0, Kind.FILE, str(backed), flags=RegionFlag.VIEW_OUTSIDE, pages=4)
        with pytest.raises(AgentLost, match="outside view of region 0"):
            run(actor, ("peek", -1, -1, (0, 0, 1)))


def test_offset_counts_from_the_regions_base(actor, backed):
    backed.write_bytes(b"".join(bytes([page]) * PAGE for page in range(4)))
    actor.region(0, Kind.FILE, str(backed), base=PAGE, pages=3)

    assert last(actor, mapping(1, region=0), load(0)).payload == b"\x01"


@pytest.mark.parametrize(
    ("flags", "perms"),
    [(0, "rw-s"), (RegionFlag.MAP_READ, "r--s"), (RegionFlag.MAP_READ | RegionFlag.MAP_PRIVATE, "r--p")],
)
def test_map_is_the_mapping_that_the_flags_say(actor, backed, flags, perms):
    actor.region(0, Kind.FILE, str(backed), flags=flags, pages=4)
    obs = last(actor, MAP_WHOLE, ("maps", 0, -1, (0,)))

    assert obs.payload.split()[1].decode() == perms


def test_map_of_a_never_store_region_is_not_writable_by_mistake(actor, backed):
    actor.region(0, Kind.FILE, str(backed), flags=RegionFlag.NEVER_STORE, pages=4)
    obs = last(actor, MAP_WHOLE)

    assert (obs.stage, obs.ret) == (Stage.REFUSED, -errno.EPERM)
