# SPDX-License-Identifier: GPL-2.0-or-later
"""What of a target holds without any kernel: its initramfs, its schedule, its names, its words for a dead kernel."""

from __future__ import annotations

import os
import stat
import tempfile
from pathlib import Path

import pytest

from hwtests.targets import folder, registry
from hwtests.targets.base import Target, TargetError
from hwtests.targets.console import crash_lines
from hwtests.targets.execution import caps_text
from hwtests.targets.initramfs import agent_archive, directory, file, newc, node
from hwtests.targets.schedule import schedule


def entries(archive: bytes) -> dict[str, tuple[int, bytes, int, int]]:
    """name -> (mode, data, major, minor), read as buffer-format.rst says."""
    found: dict[str, tuple[int, bytes, int, int]] = {}
    at = 0
    while True:
        assert archive[at : at + 6] == b"070701"
        fields = [int(archive[at + 6 + 8 * i : at + 14 + 8 * i], 16) for i in range(13)]
        mode, size, major, minor, name_size = fields[1], fields[6], fields[9], fields[10], fields[11]
        name = archive[at + 110 : at + 110 + name_size - 1].decode()
        at = (at + 110 + name_size + 3) & ~3
        if name == "TRAILER!!!":
            return found
        found[name] = (mode, archive[at : at + size], major, minor)
        at = (at + size + 3) & ~3


def test_an_archive_holds_what_was_put_in():
    archive = newc([directory("dev"), node("dev/null", 1, 3, 0o666), file("init", b"\x7fELFx")])

    assert entries(archive) == {
        "dev": (stat.S_IFDIR | 0o755, b"", 0, 0),
        "dev/null": (stat.S_IFCHR | 0o666, b"", 1, 3),
        "init": (stat.S_IFREG | 0o755, b"\x7fELFx", 0, 0),
    }
    assert len(archive) % 512 == 0


def test_the_agent_is_init_and_has_a_console():
    found = entries(agent_archive(b"agent"))

    assert found["init"][1] == b"agent"
    assert found["dev/console"][2:] == (5, 1)


def test_harmless_programs_share_a_boot_and_tainting_ones_come_last():
    hazards = {"a": "taints", "b": "none", "c": "none", "d": "taints"}

    assert schedule("abcd", hazards.__getitem__) == [["b", "c", "a", "d"]]


def test_each_program_that_leaks_or_may_oops_has_a_boot_of_its_own():
    hazards = {"a": "may-oops", "b": "none", "c": "leaks", "d": "leaks"}

    assert schedule("abcd", hazards.__getitem__) == [["b"], ["c"], ["d"], ["a"]]


def test_a_host_boots_once():
    hazards = {"a": "leaks", "b": "none"}

    assert schedule("ab", hazards.__getitem__, own_kernel=False) == [["b", "a"]]


def test_nothing_to_run_needs_no_boot():
    assert schedule("", lambda program: "none") == []


def test_a_hazard_that_is_none_is_refused():
    with pytest.raises(ValueError, match="got 'mild'"):
        schedule("a", lambda program: "mild")


@pytest.mark.parametrize("name", registry.known_targets())
def test_a_known_target_is_one(name):
    assert isinstance(registry.make_target(name), Target)


@pytest.mark.parametrize("name", ["", "umk:6.1", "uml:6", "host:2", "qemu:6.1_amd64"])
def test_an_unknown_target_is_refused_with_what_there_is(name):
    with pytest.raises(TargetError, match=r"expected|needs"):
        registry.make_target(name)


def test_a_kernel_that_is_not_cached_is_unusable_and_the_cure_fetches_it(monkeypatch, tmp_path):
    monkeypatch.setenv("PFNLAB_CACHE", str(tmp_path))

    found = registry.make_target("uml:6.12").probe()

    assert found is not None
    assert found.cure == "pfnlab kernels fetch uml:6.12"


def test_a_path_that_is_no_kernel_is_unusable(tmp_path):
    found = registry.make_target(f"uml:{tmp_path}/linux").probe()

    assert found is not None
    assert "no executable file" in found.found


def test_a_program_that_is_no_kernel_is_unusable():
    found = registry.make_target("uml:/bin/ls").probe()

    assert found is not None
    assert "tells no kernel release" in found.found


def test_a_target_that_cannot_be_used_is_not_opened(tmp_path):
    with pytest.raises(TargetError, match="no executable file"):
        registry.make_target(f"uml:{tmp_path}/linux").open()


def test_a_profile_that_the_simulator_lacks_is_unusable():
    found = registry.make_target("sim:vax").probe()

    assert found is not None
    assert "uml-6.1" in found.cure


@pytest.mark.parametrize(("cached", "names"), [((), ["uml:6.1"]), (("uml:6.12", "uml:5.10"), ["uml:6.12"])])
def test_uml_alone_is_the_own_suites_kernel_or_the_newest_that_is_here(cached, names, monkeypatch):
    monkeypatch.setattr(registry, "cached", lambda name: str(name) in cached or None)
    monkeypatch.setattr(registry, "own_codename", lambda: "bookworm")

    assert registry.expand("uml") == names


def test_uml_all_is_what_is_cached(monkeypatch):
    monkeypatch.setattr(registry, "cached", lambda name: str(name) in ("uml:5.10", "uml:7.2") or None)

    assert registry.expand("uml:all") == ["uml:5.10", "uml:7.2"]


@pytest.mark.parametrize(
    "line",
    [
        "Kernel panic - not syncing: Kernel tried to access user memory at addr 0x160017000",
        "kernel BUG at mm/memory.c:2412!",
        "BUG: unable to handle page fault for address: ffff888000000000",
    ],
)
def test_a_console_with_the_kernels_own_words_is_a_crash(line):
    assert line in crash_lines(f"booting\n{line}\nCall Trace:\n")


def test_a_console_without_them_is_none():
    assert crash_lines("booting\nreboot: Power down\nFailed to initialize ubd device 0\n") == []


@pytest.mark.parametrize(("caps", "text"), [(0x1FFFFFFFFFF, "all"), (0, "none"), (0x1FFFFDFFFFF, "0x1ffffdfffff")])
def test_capabilities_are_all_or_the_mask(caps, text):
    assert caps_text(caps) == text


def test_a_folder_without_room_is_told(monkeypatch, tmp_path):
    real = os.statvfs(tmp_path)
    fields = [*real]
    fields[4] = 1  # f_bavail
    monkeypatch.setattr(os, "statvfs", lambda path: os.statvfs_result(fields))

    assert "MiB free" in (folder.complaint(tmp_path) or "")


@pytest.fixture
def open_folder():
    """A folder that anybody may enter; pytest's own is closed to others."""
    with tempfile.TemporaryDirectory(prefix="pfn-test-") as name:
        Path(name).chmod(0o755)
        yield Path(name)


def test_a_run_folder_goes_where_tmpdir_says(monkeypatch, open_folder):
    monkeypatch.setenv("TMPDIR", str(open_folder))

    assert folder.choose_parent() == open_folder


def test_a_run_folder_goes_elsewhere_when_tmpdir_will_not_do(monkeypatch, open_folder):
    monkeypatch.setenv("TMPDIR", str(open_folder / "missing"))

    assert folder.choose_parent() in (Path("/dev/shm"), Path("/tmp"))


@pytest.mark.skipif(os.geteuid() != 0, reason="only root starts a guest as somebody else")
def test_a_folder_that_the_guests_user_may_not_enter_is_told(open_folder):
    inner = open_folder / "inner"
    inner.mkdir(mode=0o755)
    open_folder.chmod(0o700)

    uid, _ = folder.guest_ids()
    assert folder.complaint(inner) == f"{open_folder} cannot be entered by user {uid}, who runs the guest"
