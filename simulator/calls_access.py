# SPDX-License-Identifier: GPL-2.0-or-later
"""How is memory reached past its mapping?  ptrace, /proc/PID/mem, process_vm_*, and what pipes are given."""

from __future__ import annotations

import errno
from collections.abc import Callable
from typing import TYPE_CHECKING, TypeAlias

from simulator import access, uaccess
from simulator.physmem import bytes_of

if TYPE_CHECKING:
    from simulator.kernel import Kernel
    from simulator.task import Task

Remote: TypeAlias = Callable[["Kernel", "Task", int, int, "bytes | None"], "bytes | int"]


def ptrace_peek(k: Kernel, task: Task, target: Task, addr: int) -> int:
    """PTRACE_PEEKDATA of 8 bytes, in as many words as it takes: unsigned, or -errno."""
    k.rules.append("access.ptrace-word")
    error = access.ptrace_access(k, task, target)
    if error:
        return error
    word = k.profile.word
    got = b""
    for start in range(addr, addr + 8, word):
        data = _remote(k, task, access.access_remote_vm, target, start, word, None)
        assert isinstance(data, bytes)
        if len(data) != word:
            k.rules.append("access.peek-eio")
            return -errno.EIO
        got += data
    return int.from_bytes(got, "little")


def ptrace_poke(k: Kernel, task: Task, target: Task, addr: int, value: int) -> int:
    k.rules.append("access.ptrace-word")
    error = access.ptrace_access(k, task, target)
    if error:
        return error
    data = bytes_of(value, 8)
    word = k.profile.word
    for start in range(0, 8, word):  # the second word only if the first went well
        piece = data[start : start + word]
        if _remote(k, task, access.access_remote_vm, target, addr + start, word, piece) != word:
            k.rules.append("access.peek-eio")
            return -errno.EIO
    return 0


def mem_read(k: Kernel, task: Task, target: Task, addr: int, length: int) -> bytes | int:
    """pread(2) of /proc/PID/mem; `stage` is `open` when the open failed."""
    return _mem(k, task, target, addr, length, None)


def mem_write(k: Kernel, task: Task, target: Task, addr: int, data: bytes) -> int:
    done = _mem(k, task, target, addr, len(data), data)
    assert isinstance(done, int)
    return done


def _mem(k: Kernel, task: Task, target: Task, addr: int, length: int, data: bytes | None) -> bytes | int:
    k.rules.append("access.mem-file")
    error = access.mem_open(k, task, target)
    k.stage = "open" if error else ""
    if error:
        return error
    if data is not None and not k.profile.mem_write:
        k.rules.append("access.mem-not-writable")
        return -errno.EINVAL
    if k.profile.mem_needs_attach and target is not task:
        k.rules.append("access.mem-needs-attach")
        return -errno.ESRCH
    return _remote(k, task, access.mem_rw, target, addr, length, data)


def process_vm_readv(k: Kernel, task: Task, target: Task, addr: int, length: int) -> bytes | int:
    return _process_vm(k, task, target, addr, length, None)


def process_vm_writev(k: Kernel, task: Task, target: Task, addr: int, data: bytes) -> int:
    done = _process_vm(k, task, target, addr, len(data), data)
    assert isinstance(done, int)
    return done


def _process_vm(k: Kernel, task: Task, target: Task, addr: int, length: int, data: bytes | None) -> bytes | int:
    k.rules.append("access.process-vm")
    if not k.profile.process_vm:
        return -errno.ENOSYS
    k.stage = ""
    if not target.alive:
        return -errno.ESRCH
    if not access.may_ptrace(task, target):
        return -errno.EPERM
    return _remote(k, task, access.process_vm_rw, target, addr, length, data)


def _remote(
    k: Kernel, task: Task, how: Remote, target: Task, addr: int, length: int, data: bytes | None
) -> bytes | int:
    k.running = task
    try:
        return how(k, target, addr, length, data)
    finally:
        k.running = None


def write_from(k: Kernel, task: Task, addr: int, length: int) -> bytes | int:
    """write(2) of mapped memory into a pipe: what comes out of it, or -errno."""
    k.stage = ""
    return uaccess.pipe_write(k, task, addr, length)


def read_into(k: Kernel, task: Task, addr: int, data: bytes) -> int:
    """read(2) from a pipe into mapped memory: the count, or -errno."""
    k.stage = ""
    return uaccess.pipe_read(k, task, addr, data)


def vmsplice(k: Kernel, task: Task, addr: int, length: int) -> bytes | int:
    """vmsplice(2) of mapped memory into a pipe: what comes out of it, or -errno."""
    k.rules.append("gup.vmsplice")
    k.stage = ""
    return uaccess.vmsplice(k, task, addr, length)
