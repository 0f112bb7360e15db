# SPDX-License-Identifier: GPL-2.0-or-later
"""Which stable level has a kernel?  What uname -r says, or where a distribution keeps it in uname -v, that.

Debian's release is its ABI's name (`6.1.0-56-cloud-amd64`); the level that its fixes come from is in the version
(`#1 SMP PREEMPT_DYNAMIC Debian 6.1.192-2 (2026-11-16)`).
"""

from __future__ import annotations

import re

_NUMBERS = re.compile(r"(\d+\.\d+)(?:\.\d+)*(?:-rc\d+\+?)?")
_DEBIAN = re.compile(r"\bDebian (?:\d+:)?(\d+\.\d+(?:\.\d+)*)(?:~(rc\d+))?")


def level(release: str, version: str = "") -> str:
    """`6.1.192`, `7.3-rc7`: the stable level of the kernel with this uname -r and uname -v.

    The version's counts where it is of the same series as the release; a release that holds no number is given back.
    """
    own = _NUMBERS.match(release)
    if own is None:
        return release
    debian = _DEBIAN.search(version)
    if debian and ".".join(debian[1].split(".")[:2]) == own[1]:
        return "-".join(filter(None, debian.groups()))
    return own[0]
