# SPDX-License-Identifier: GPL-2.0-or-later
"""Who ends a guest when nobody else can?  Two small processes between pfnlab and the guest's kernel.

    python -I -S supervisor.py FOLDER UID GID CONSOLE CWD -- COMMAND…

A supervisor and, its child, a deputy, which starts the guest. Each holds the read end of a pipe as its standard input.
When pfnlab dies, however it dies, the pipe ends; then they kill the guest with all its children and remove the run
folder. Each is a child subreaper (prctl(2), PR_SET_CHILD_SUBREAPER), so that the many processes of a User-Mode Linux
kernel come to it when their kernel is killed. Any one of the three can be killed together with pfnlab, and another
cleans up. Should all of them be killed, the guest gets SIGTERM (PR_SET_PDEATHSIG): at SIGKILL a User-Mode Linux kernel
would leave its traced processes, at SIGTERM it ends them (arch/um/kernel/reboot.c uml_cleanup()); QEMU ends too.
They write one line "pid N" when the guest is started, and "exit STATUS" (a wait status) when it, or the deputy, ended.
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


def start(libc: ctypes.CDLL, command: list[str], uid: int, gid: int, console: int, cwd: str) -> int:
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
        for own in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(own, signal.SIG_DFL)  # what is ignored would stay so after exec
        libc.prctl(PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0)
        if os.getppid() == parent:
            os.execv(command[0], command)  # a path: no module may be imported any more
    except OSError as error:
        os.write(2, f"pfnlab: cannot start {command[0]}: {error.strerror}\n".encode())
    os._exit(127)


def watch(pid: int, folder: str, wake: int) -> None:
    """Until pfnlab ends: reap, say so when `pid` ended, and let nothing outlive it."""
    while True:
        ready, _, _ = select.select([0, wake], [], [])
        if wake in ready:
            os.read(wake, 4096)
            status = reap(pid)
            if status is not None:
                kill_all_children()
                with contextlib.suppress(OSError):  # pfnlab may be gone already
                    print("exit", status, flush=True)
        if 0 in ready and not os.read(0, 4096):
            kill_all_children()
            shutil.rmtree(folder, ignore_errors=True)
            return


def reap(pid: int) -> int | None:
    # All that ended, orphans too; the wait status of `pid` if it was among them.
    status = None
    with contextlib.suppress(ChildProcessError):
        while (reaped := os.waitpid(-1, os.WNOHANG))[0]:
            if reaped[0] == pid:
                status = reaped[1]
    return status


def wake_on_child() -> int:
    """A descriptor that can be read when a child ended; each process needs its own."""
    wake, wake_write = os.pipe()
    os.set_blocking(wake_write, False)
    signal.set_wakeup_fd(wake_write, warn_on_full_buffer=False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    return wake


def main(argv: list[str]) -> int:
    folder, uid, gid, console_path, cwd = argv[0], int(argv[1]), int(argv[2]), argv[3], argv[4]
    command = argv[6:]
    # The channel's descriptors, handed down to the guest; our own copies are closed, or the channel would never end.
    inherited = [fd for fd in map(int, os.listdir("/proc/self/fd")) if fd > 2 and is_open(fd)]
    for ignored in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(ignored, signal.SIG_IGN)  # pfnlab decides; a terminal's ^C is for it
    libc = ctypes.CDLL(None)
    wake = wake_on_child()
    libc.prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    pid = os.fork()
    if pid == 0:
        wake = wake_on_child()
        libc.prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)  # not inherited by fork
        console = os.open(console_path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        pid = start(libc, command, uid, gid, console, cwd)
        print("pid", pid, flush=True)
    for fd in inherited:
        os.close(fd)
    watch(pid, folder, wake)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
