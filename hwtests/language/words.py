# SPDX-License-Identifier: GPL-2.0-or-later
"""Which words stand for which numbers of the kernel's interface?  (include/uapi, x86 and the generic ABI alike.)"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType


def _prot() -> dict[str, int]:
    words = {"none": 0}
    for bits in range(1, 8):
        words["".join(letter for bit, letter in ((1, "r"), (2, "w"), (4, "x")) if bits & bit)] = bits
    return words


# Bytes; 0: the whole page.
WIDTHS: Mapping[str, int] = MappingProxyType({"u8": 1, "u16": 2, "u32": 4, "u64": 8, "page": 0})
MODES: Mapping[str, int] = MappingProxyType({"ro": 0, "wo": 1, "rw": 2})
ACCESS: tuple[str, ...] = ("private", "shared")
SHARING: Mapping[str, int] = MappingProxyType({"private": 2, "shared": 1})
PROT: Mapping[str, int] = MappingProxyType(_prot())
MAP_FIXED = 0x10
MAP_ANONYMOUS = 0x20
MAP_FLAGS: Mapping[str, int] = MappingProxyType({"populate": 0x8000, "locked": 0x2000, "noreserve": 0x4000})
MREMAP_FLAGS: Mapping[str, int] = MappingProxyType({"maymove": 1, "fixed": 3, "dontunmap": 5})
MREMAP_FIXED = 2
MSYNC_FLAGS: Mapping[str, int] = MappingProxyType({"async": 1, "invalidate": 2, "sync": 4})
ADVICE: Mapping[str, int] = MappingProxyType({
    "normal": 0, "random": 1, "sequential": 2, "willneed": 3, "dontneed": 4, "free": 8, "remove": 9, "dontfork": 10,
    "dofork": 11, "mergeable": 12, "unmergeable": 13, "hugepage": 14, "nohugepage": 15, "dontdump": 16, "dodump": 17,
    "wipeonfork": 18, "keeponfork": 19, "cold": 20, "pageout": 21, "populate_read": 22, "populate_write": 23,
    "dontneed_locked": 24, "collapse": 25, "guard_install": 102, "guard_remove": 103,
})  # fmt: skip
# MADV_HWPOISON and MADV_SOFT_OFFLINE take a page of the machine away for good: no program may ask for them.
FORBIDDEN_ADVICE = frozenset({100, 101})
# capabilities(7), by number.
CAPABILITIES: tuple[str, ...] = (
    "chown", "dac_override", "dac_read_search", "fowner", "fsetid", "kill", "setgid", "setuid", "setpcap",
    "linux_immutable", "net_bind_service", "net_broadcast", "net_admin", "net_raw", "ipc_lock", "ipc_owner",
    "sys_module", "sys_rawio", "sys_chroot", "sys_ptrace", "sys_pacct", "sys_admin", "sys_boot", "sys_nice",
    "sys_resource", "sys_time", "sys_tty_config", "mknod", "lease", "audit_write", "audit_control", "setfcap",
    "mac_override", "mac_admin", "syslog", "wake_alarm", "block_suspend", "audit_read", "perfmon", "bpf",
    "checkpoint_restore",
)  # fmt: skip
HAZARDS: tuple[str, ...] = ("none", "taints", "leaks", "may-oops")
WATCHED: tuple[str, ...] = ("rss", "smaps", "maps", "pagemap")
MLOCKALL_FLAGS: Mapping[str, int] = MappingProxyType({"current": 1, "future": 2, "onfault": 4})
# include/uapi/linux/mempolicy.h
POLICIES: Mapping[str, int] = MappingProxyType({"default": 0, "preferred": 1, "bind": 2, "interleave": 3, "local": 4})
MBIND_FLAGS: Mapping[str, int] = MappingProxyType({"strict": 1, "move": 2, "move_all": 4})
# include/uapi/linux/userfaultfd.h, UFFDIO_REGISTER_MODE_*
UFFD_MODES: Mapping[str, int] = MappingProxyType({"missing": 1, "wp": 2, "minor": 4})
FUTEX_PRIVATE = 1  # in the call's own numbering
CORE_FILTER = 0x33  # the kernel's own default: MMF_DUMP_FILTER_DEFAULT with ELF headers
