# SPDX-License-Identifier: GPL-2.0-or-later
"""Which pfnlab is this?"""

from functools import cache


@cache
def version() -> str:
    """The version of the installed distribution, or `0+checkout` where none is installed."""
    from importlib import metadata

    try:
        return metadata.version("pfnlab")
    except metadata.PackageNotFoundError:
        return "0+checkout"


def tool() -> str:
    """As traces and reports name it: `pfnlab 0.1.0`."""
    return f"pfnlab {version()}"
