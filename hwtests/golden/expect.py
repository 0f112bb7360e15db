# SPDX-License-Identifier: GPL-2.0-or-later
"""What does a golden result say in the words of our trace?  Only what was recorded: a fault's address was not."""

from __future__ import annotations

import errno
import re
from typing import Any

from hwtests import forms
from hwtests.golden.records import GUARD

PATTERN = 0xDE5F000000000000  # region fill=pattern: docs/language.md
UNDONE = frozenset({"nohandle", "skipped", "parent-dead"})  # the op was left out
SIGNAL_NUMBERS = {"SIGSEGV": 11, "SIGBUS": 7}
PAGE = 4096

_DEV = re.compile(r"dev\((-?\d+),(0x[0-9a-f]+)\)")
_VALUE = re.compile(r"val\((\d+)\)")


def value(text: str) -> str | None:
    """A value class as a number of ours: `dev(1,0x120)` -> `0xde5f000000050120`; None when it is not a value."""
    if match := _DEV.fullmatch(text):
        return hex(PATTERN | (int(match[1]) + GUARD) << 16 | int(match[2], 16))
    if match := _VALUE.fullmatch(text):
        return hex(int(match[1]))
    if text == "zero":
        return "0x0"
    return hex(int(text, 16)) if text.startswith("0x") else None


def result(kind: str, text: str, death: str | None = None) -> dict[str, Any] | None:
    """The fields that a golden op's result fixes; None when the op was left out.

    Raises ValueError for a result that data/FORMAT.md does not explain.
    """
    if text in UNDONE:
        return None
    if text in ("proc-dead", "target-dead"):
        return {"ret": "no-process"}
    if text == "died":
        return {"ret": "died", **({"signal": forms.signal_name(int(death[3:]))} if death and death != "yes" else {})}
    if hasattr(errno, text):
        return {"ret": text}
    name, _, detail = text.partition("/")
    if name in SIGNAL_NUMBERS:
        return {"ret": name, "code": forms.code_name(SIGNAL_NUMBERS[name], int(detail))}
    if text == "ok":
        return {"ret": "ok"}
    head, _, rest = text.partition(":")
    if head == "vec":
        return {"ret": "ok", "vec": rest}
    if head == "status":
        return {"ret": "ok", "status": forms.status_text(int(rest, 16))}
    if head == "ok" and kind.startswith("mremap"):
        return {"ret": "ok", "at": rest}
    if head == "ok":
        return {"ret": "ok", "bytes": int(rest)}
    number = value(text)
    if number is None:
        raise ValueError(f"golden result {text!r} of {kind}: not one that data/FORMAT.md explains")
    if kind in ("mem_read", "pvm_read", "write_pipe"):
        return {"ret": "ok", "bytes": 8, "data": number}
    return {"ret": "ok", "value": number}


def vma(entry: list[Any], fields: tuple[str, ...]) -> dict[str, Any]:
    """One vma as a smaps observation has it, `first` included; a size that the kernel does not print is None."""
    _, first, pages, perms, pgoff, sizes, flags = entry
    form: dict[str, Any] = {
        "first": first,
        "pages": pages,
        "perms": perms,
        "offset": f"dev[{pgoff + GUARD}]" if isinstance(pgoff, int) else pgoff,
    }
    for name, kb in zip(fields, sizes, strict=True):
        form[name] = None if kb is None else forms.size_value(kb, PAGE)
    form["VmFlags"] = None if flags is None else " ".join(re.findall("..", flags))
    return form
