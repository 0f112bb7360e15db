# SPDX-License-Identifier: GPL-2.0-or-later
"""Which of two kernel versions is the older one?"""

from __future__ import annotations

import re

FINAL = 1 << 16  # after every release candidate


def order(version: str) -> tuple[int, ...]:
    """What versions are compared by: `2.6.15-rc3` is before `2.6.15`, `2.6.15-rc2+` between -rc2 and -rc3.

    ValueError for what is none.
    """
    match = re.match(r"(\d+(?:\.\d+)+)(?:-rc(\d+)(\+?))?", version)
    if match is None:
        raise ValueError(f"not a kernel version: {version!r}")
    numbers = [int(part) for part in match[1].split(".")]
    candidate = 2 * int(match[2]) + bool(match[3]) if match[2] else FINAL
    return (*numbers, *[0] * (4 - len(numbers)), candidate)
