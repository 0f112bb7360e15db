# SPDX-License-Identifier: GPL-2.0-or-later
"""Runs a command as on a kernel of the calls of Linux 2.6.14: every newer x86-64 system call answers ENOSYS.

python seccomp_2_6_14.py COMMAND ARGUMENT...
"""

import ctypes
import errno
import os
import struct
import sys

LAST = 255  # inotify_rm_watch (2.6.13); the next one, migrate_pages, came with 2.6.16
PR_SET_NO_NEW_PRIVS, PR_SET_SECCOMP, SECCOMP_MODE_FILTER = 38, 22, 2
LOAD, GREATER, RETURN = 0x20, 0x25, 0x06  # BPF_LD|BPF_W|BPF_ABS, BPF_JMP|BPF_JGT|BPF_K, BPF_RET|BPF_K
ALLOW, ERRNO = 0x7FFF0000, 0x00050000


class Program(ctypes.Structure):
    _fields_ = (("length", ctypes.c_ushort), ("filter", ctypes.c_void_p))


def main() -> None:
    code = b"".join(
        struct.pack("<HBBI", *instruction)
        for instruction in (
            (LOAD, 0, 0, 0),  # seccomp_data.nr
            (GREATER, 0, 1, LAST),
            (RETURN, 0, 0, ERRNO | errno.ENOSYS),
            (RETURN, 0, 0, ALLOW),
        )
    )
    memory = ctypes.create_string_buffer(code)
    program = Program(4, ctypes.addressof(memory))
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) or libc.prctl(
        PR_SET_SECCOMP, SECCOMP_MODE_FILTER, ctypes.byref(program), 0, 0
    ):
        raise OSError(ctypes.get_errno(), "seccomp")
    os.execv(sys.argv[1], sys.argv[1:])


if __name__ == "__main__":
    main()
