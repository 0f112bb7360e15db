# SPDX-License-Identifier: GPL-2.0-or-later
"""What killed this mutant the last time?  It is tried first, so that a second run takes seconds; it decides nothing."""

from __future__ import annotations

import os

import msgspec

from hwtests.kernels.cache import cache_folder

_NAME = "hints.json"


def read() -> dict[str, list[str]]:
    """Cases (or programs) by mutant; empty where there are none that can be read."""
    try:
        text = (cache_folder() / "mutants" / _NAME).read_bytes()
        return msgspec.json.decode(text, type=dict[str, list[str]])
    except (OSError, msgspec.DecodeError):
        return {}


def write(found: dict[str, list[str]]) -> None:
    folder = cache_folder() / "mutants"
    folder.mkdir(parents=True, exist_ok=True)
    aside = folder / f"{_NAME}.{os.getpid()}"
    aside.write_bytes(msgspec.json.encode(found))
    os.replace(aside, folder / _NAME)
