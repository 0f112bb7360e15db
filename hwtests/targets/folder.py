# SPDX-License-Identifier: GPL-2.0-or-later
"""Where does a run keep its files?  A folder of its own, in memory where that can be, which the supervisor removes."""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path

NEEDED = 192 << 20  # bytes: a guest's RAM, its initramfs and its region's file
_NOEXEC = 8  # statvfs(3) ST_NOEXEC


def choose_parent() -> Path:
    """The folder for run folders: the first of TMPDIR, /dev/shm and /tmp that will do, or the first where none does.

    A User-Mode Linux kernel keeps its RAM there as a file and maps it PROT_EXEC; in memory it boots faster.
    """
    set_ = os.environ.get("TMPDIR")
    parents = [Path(name).absolute() for name in (set_, "/dev/shm", "/tmp") if name]
    return next((parent for parent in parents if complaint(parent) is None), parents[0])


def complaint(parent: Path) -> str | None:
    """Why a guest's files cannot be in `parent`, or None."""
    try:
        stat = os.statvfs(parent)
    except OSError as error:
        return f"{parent}: {error.strerror}"
    if not os.access(parent, os.W_OK | os.X_OK):
        return f"{parent} cannot be written"
    if stat.f_flag & _NOEXEC:
        return f"{parent} is mounted noexec"
    free = stat.f_bavail * stat.f_frsize
    if free < NEEDED:
        return f"{parent} has {free >> 20} MiB free, {NEEDED >> 20} are needed"
    uid, gid = guest_ids()
    if (closed := _closed_to(parent, uid, gid)) is not None:
        return f"{closed} cannot be entered by user {uid}, who runs the guest"
    return None


def _closed_to(folder: Path, uid: int, gid: int) -> Path | None:
    # The first folder on the way that this user, who has no rights beyond its own, may not pass.
    if uid == os.geteuid():
        return None  # access(2) has said
    for on_the_way in [*reversed(folder.parents), folder]:
        stat = on_the_way.stat()
        mode = stat.st_mode >> (6 if stat.st_uid == uid else 3 if stat.st_gid == gid else 0)
        if not mode & 1:
            return on_the_way
    return None


def make_folder(uid: int, gid: int) -> Path:
    """A new run folder that belongs to `uid`. Raises OSError."""
    folder = Path(tempfile.mkdtemp(prefix="pfnlab-", dir=choose_parent()))
    try:
        if os.geteuid() == 0:
            os.chown(folder, uid, gid)
    except OSError:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    return folder


def guest_ids() -> tuple[int, int]:
    """User and group that a guest's process runs as: root gives its rights up, anybody else stays who they are."""
    if os.geteuid() != 0:
        return os.geteuid(), os.getegid()
    try:
        import pwd

        entry = pwd.getpwnam("nobody")
        return entry.pw_uid, entry.pw_gid
    except KeyError:
        return 65534, 65534
