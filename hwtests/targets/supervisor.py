# SPDX-License-Identifier: GPL-2.0-or-later
"""Who ends a guest when nobody else can?  A small process of its own between pfnlab and the guest's kernel.

    python -I -S supervisor.py FOLDER UID GID CONSOLE CWD -- COMMAND…

It holds the read end of a pipe as its standard input. When pfnlab dies, however it dies, the pipe ends; then this
process kills the guest with all its children and removes the run folder. It is a child subreaper, so that the many
processes of a User-Mode Linux kernel come to it when their kernel is killed (prctl(2), PR_SET_CHILD_SUBREAPER), and
the guest gets SIGKILL should the supervisor itself be killed (PR_SET_PDEATHSIG).
It writes one line "pid N" when the guest is started, and "exit STATUS" (a wait status) when it ended.
It is run as a script with the standard library only, so that it starts in a few milliseconds.
"""

import contextlib
import ctypes
import os
import select
import shutil
import signal
import sys

PR_SET_PDEATHSIG = 1
PR_SET_CHILD_SUBREAPER = 36


def children(pid: int) -> list[int]:
    found: list[int] = []
    for task in os.listdir(f"/proc/{pid}/task"):
        with open(f"/proc/{pid}/task/{task}/children") as file:
            found += map(int, file.read().split())
    return found


def is_open(fd: int) -> bool:
    try:
        os.fstat(fd)
    except OSError:
        return False
    return True


def kill_all_children() -> None:
    """SIGKILL to every descendant: killing a parent hands its children to us, so repeat until there are none."""
    me = os.getpid()
    while True:
        try:
            found = children(me)
        except OSError:  # no CONFIG_PROC_CHILDREN: what wait(2) says must do
            found = []
        for pid in found:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        try:
            os.waitpid(-1, 0)
        except ChildProcessError:
            return


def start(command: list[str], uid: int, gid: int, console: int, cwd: str) -> int:
    libc = ctypes.CDLL(None)
    libc.prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    parent = os.getpid()
    os.chdir(cwd)  # before the ids change: the kernel is started by a name relative to a folder that root can reach
    pid = os.fork()
    if pid:
        return pid
    try:
        null = os.open("/dev/null", os.O_RDONLY)
        os.dup2(null, 0)
        os.dup2(console, 1)
        os.dup2(console, 2)
        if os.geteuid() == 0 and uid != 0:
            os.setgroups([])
            os.setresgid(gid, gid, gid)
            os.setresuid(uid, uid, uid)
        libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
        if os.getppid() == parent:
            os.execv(command[0], command)  # a path: no module may be imported any more
    except OSError as error:
        os.write(2, f"pfnlab: cannot start {command[0]}: {error.strerror}\n".encode())
    os._exit(127)


def main(argv: list[str]) -> int:
    folder, uid, gid, console_path, cwd = argv[0], int(argv[1]), int(argv[2]), argv[3], argv[4]
    command = argv[6:]
    # The channel's descriptors, handed down to the guest; our own copies are closed, or the channel would never end.
    inherited = [fd for fd in map(int, os.listdir("/proc/self/fd")) if fd > 2 and is_open(fd)]
    wake, wake_write = os.pipe()
    os.set_blocking(wake_write, False)
    signal.set_wakeup_fd(wake_write, warn_on_full_buffer=False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    for ignored in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(ignored, signal.SIG_IGN)  # pfnlab decides; a terminal's ^C is for it
    console = os.open(console_path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    pid = start(command, uid, gid, console, cwd)
    for fd in inherited:
        os.close(fd)
    print("pid", pid, flush=True)
    status: int | None = None
    while True:
        ready, _, _ = select.select([0, wake], [], [])
        if wake in ready:
            os.read(wake, 4096)
            while True:
                try:
                    ended, value = os.waitpid(-1, os.WNOHANG)
                except ChildProcessError:
                    break
                if ended == 0:
                    break
                if ended == pid:
                    status = value
            if status is not None:
                kill_all_children()
                with contextlib.suppress(OSError):  # pfnlab may be gone already
                    print("exit", status, flush=True)
                status = None
        if 0 in ready and not os.read(0, 4096):
            kill_all_children()
            shutil.rmtree(folder, ignore_errors=True)
            return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
