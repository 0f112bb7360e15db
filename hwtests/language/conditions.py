# SPDX-License-Identifier: GPL-2.0-or-later
"""Which conditions may `needs` name, and what are their parts?"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache

from .errors import nearest, quoted

TRAITS: tuple[str, ...] = (
    "cow", "private", "shared", "shared-write", "readable", "stable", "view", "poke", "access", "no-access",
    "struct-page", "unreserved", "no-struct-page", "offset", "no-offset", "eager", "split", "no-split", "file",
    "no-file", "no-fsync", "inherited", "not-inherited", "ram-access", "limited", "read-only", "own", "special",
    "mixedmap", "counted", "pieces", "reversed", "holes", "lazy", "io", "no-io", "notified", "exec",
)  # fmt: skip
WORDS = ("pte-special", "no-pte-special", "lab-driver", "own-kernel")
VERSION = r"[0-9]+(?:\.[0-9]+)*(?:-rc[0-9]+\+?)?"  # `2.6.15-rc2+`: after the tag -rc2, before -rc3

_REGION = re.compile(r"(?P<region>[A-Za-z_][A-Za-z0-9_]*)\.(?P<rest>.*)")
_PAGES = re.compile(r"pages>=(?P<value>[0-9]{1,7})")
_KIND = re.compile(r"kind=(?P<value>[A-Za-z0-9_.\[\]-]+)")
_KERNEL = re.compile(rf"kernel(?P<relation>>=|<)(?P<value>{VERSION})")
_ARCH = re.compile(r"arch(?P<relation>!?=)(?P<value>[a-z0-9_]+)")
_UID = re.compile(r"uid=0")
_CONFIG = re.compile(r"(?P<key>CONFIG_[A-Z0-9_]+)=(?P<value>[yn])")


@dataclass(frozen=True, slots=True)
class Condition:
    """`dev.pages>=4`: region dev, key pages, relation >=, value 4. `kernel<6.2` has no region, `dev.cow` no value."""

    text: str
    region: str | None
    key: str
    relation: str = ""
    value: str = ""


@cache
def parse_condition(text: str) -> Condition | str:
    """The parts of a condition, or what is wrong with it."""
    if match := _REGION.fullmatch(text):
        return _region_condition(text, match["region"], match["rest"])
    if match := _KERNEL.fullmatch(text):
        return Condition(text, None, "kernel", match["relation"], match["value"])
    if match := _ARCH.fullmatch(text):
        return Condition(text, None, "arch", match["relation"], match["value"])
    if match := _CONFIG.fullmatch(text):
        return Condition(text, None, match["key"], "=", match["value"])
    if _UID.fullmatch(text):
        return Condition(text, None, "uid", "=", "0")
    if text in WORDS:
        return Condition(text, None, text)
    near = nearest(text, WORDS) if text.replace("-", "").isalpha() else ""
    return (
        f"unknown condition '{text}'{near}, expected REGION.TRAIT, kernel>=V, kernel<V, arch=A, "
        f"arch!=A, CONFIG_X=y, uid=0, {quoted(WORDS)}"
    )


def _region_condition(text: str, region: str, rest: str) -> Condition | str:
    if match := _PAGES.fullmatch(rest):
        return Condition(text, region, "pages", ">=", match["value"])
    if match := _KIND.fullmatch(rest):
        return Condition(text, region, "kind", "=", match["value"])
    if rest in TRAITS:
        return Condition(text, region, rest)
    return f"unknown trait '{rest}'{nearest(rest, TRAITS)}, expected pages>=N, kind=NAME, {quoted(TRAITS)}"
