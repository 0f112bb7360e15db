# SPDX-License-Identifier: GPL-2.0-or-later
"""How is an observation said to a person?  One short text a field; what is zero in smaps is left out."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

PLACE = ("first", "pages", "perms", "offset", "VmFlags")


def fields(obs: Mapping[str, Any]) -> list[str]:
    """`["ok", "value 0x41"]`: the observation, `ret` first and without its name."""
    said = [value_text(obs["ret"])] if "ret" in obs else []
    for name, value in obs.items():
        if name == "ret":
            continue
        if name == "vmas" and isinstance(value, list):
            said += [_vma(vma) for vma in value] or ["no vma"]
        else:
            said.append(f"{name} {value_text(value)}")
    return said


def value_text(value: Any) -> str:
    """A value, or a set of allowed ones: `0x41`, `0x41 or 0x5a`, `not predicted: why`."""
    if isinstance(value, Mapping):
        if "any" in value:
            return " or ".join(value_text(item) for item in value["any"])
        if "unknown" in value:
            return f"not predicted: {value['unknown']}"
        return " ".join(f"{key}={value_text(item)}" for key, item in value.items())
    if isinstance(value, list):
        return "[" + ", ".join(value_text(item) for item in value) + "]"
    if isinstance(value, str):
        return value
    return json.dumps(value)


def _vma(vma: Any) -> str:
    if not isinstance(vma, Mapping) or "first" not in vma:
        return value_text(vma)
    place = f"vma [{value_text(vma['first'])}]+{value_text(vma.get('pages', '?'))}p {value_text(vma.get('perms', ''))}"
    place += f" at {value_text(vma.get('offset', ''))}"
    sizes = [f"{name}={value_text(value)}" for name, value in vma.items() if name not in PLACE and value != 0]
    flags = [f"({value_text(vma['VmFlags'])})"] if "VmFlags" in vma else []
    return " ".join([place, *sizes, *flags])
