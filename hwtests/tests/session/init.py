# SPDX-License-Identifier: GPL-2.0-or-later
"""What is process 1 of such a guest?  A server of requests: one JSON object a line on the second serial line.

It runs as a script of an interpreter that has nothing but its standard library, and imports nothing of pfnlab.
"""

import base64
import contextlib
import ctypes
import json
import os
import signal
import subprocess
import sys
import termios
import traceback
import tty

CHANNEL = "/dev/ttyS1"
ENVIRONMENT = {
    "PATH": "/usr/bin:/bin",
    "HOME": "/lab",
    "PYTHONPATH": "/pfnlab:/site",
    "PFNLAB_CACHE": "/lab/cache",
    "TMPDIR": "/tmp",
    "OPENBLAS_NUM_THREADS": "1",
}
PR_SET_CHILD_SUBREAPER, PR_CAPBSET_DROP = 36, 24
libc = ctypes.CDLL(None, use_errno=True)
started: dict[int, subprocess.Popen[bytes]] = {}


def mount(kind, place, options=b""):
    os.makedirs(place, exist_ok=True)
    if libc.mount(kind.encode(), place.encode(), kind.encode(), 0, options):
        raise OSError(ctypes.get_errno(), f"mount {kind} on {place}")


def run(argv, uid=0, drop=(), timeout=120.0, cwd="/lab", env=()):
    """Run a command to its end: {"status", "out", "err"}; status None: it was killed at the timeout."""
    process = popen(argv, uid, drop, cwd, env, subprocess.PIPE)
    try:
        out, err = process.communicate(timeout=timeout)
        status = process.returncode
    except subprocess.TimeoutExpired:
        process.kill()
        out, err = process.communicate()
        status = None
    return {"status": status, "out": out.decode(errors="replace"), "err": err.decode(errors="replace")}


def start(argv, uid=0, drop=(), cwd="/lab", env=()):
    """Start a command and return its pid; `finish` waits for it."""
    process = popen(argv, uid, drop, cwd, env, subprocess.DEVNULL)
    started[process.pid] = process
    return process.pid


def finish(pid, timeout=60.0):
    """The exit status of a command that was started."""
    return started.pop(pid).wait(timeout)


def popen(argv, uid, drop, cwd, env, out):
    def become():
        for capability in drop:  # out of the bounding set: exec of root does not give it back
            libc.prctl(PR_CAPBSET_DROP, capability, 0, 0, 0)
        if uid:
            os.setgroups([])
            os.setresgid(uid, uid, uid)
            os.setresuid(uid, uid, uid)

    return subprocess.Popen(
        argv, stdin=subprocess.DEVNULL, stdout=out, stderr=out, cwd=cwd, env=ENVIRONMENT | dict(env), preexec_fn=become
    )


def evaluate(source, **names):
    """Run Python statements in this process; what they name `answer` goes back."""
    space = {"libc": libc, **names}
    exec(source, space)
    return space.get("answer")


def load(path, parameters=""):
    """insmod: finit_module(2), number 313 on x86-64. The errno's name, or "ok"."""
    fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        failed = libc.syscall(313, fd, parameters.encode(), 0)
    finally:
        os.close(fd)
    return os.strerror(ctypes.get_errno()) if failed else "ok"


def fetch(path):
    """A file's bytes, as base64."""
    with open(path, "rb") as stream:
        return base64.b64encode(stream.read()).decode()


def reap():
    # Orphans come to process 1; those that `started` knows are left to it.
    with contextlib.suppress(ChildProcessError):
        while True:
            info = os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
            if info is None or info.si_pid in started:
                return
            os.waitpid(info.si_pid, 0)


def power_off():
    os.sync()
    libc.reboot(0x4321FEDC)


DO = {item.__name__: item for item in (run, start, finish, evaluate, load, fetch)}


def serve():
    fd = os.open(CHANNEL, os.O_RDWR | os.O_NOCTTY)
    tty.setraw(fd, termios.TCSANOW)
    channel = os.fdopen(fd, "r+b", buffering=0)
    channel.write(b'{"ready": true}\n')
    for line in iter(channel.readline, b""):
        request = json.loads(line)
        if request["do"] == "power_off":
            return
        try:
            answer = {"answer": DO[request.pop("do")](**request)}
        except BaseException:
            answer = {"error": traceback.format_exc()}
        reap()
        data = json.dumps(answer).encode() + b"\n"
        while data:
            data = data[channel.write(data) :]


def main():
    os.environ.update(ENVIRONMENT)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    mount("proc", "/proc")
    mount("sysfs", "/sys")
    mount("devtmpfs", "/dev")
    mount("tmpfs", "/dev/shm", b"mode=1777")
    mount("securityfs", "/sys/kernel/security")
    libc.prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    sys.stdout.flush()
    try:
        serve()
    finally:
        power_off()


if __name__ == "__main__":
    main()
