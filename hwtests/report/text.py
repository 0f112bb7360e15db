# SPDX-License-Identifier: GPL-2.0-or-later
"""How is an observation said to a person?  One short text a field; what is zero in smaps is left out."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

PLACE = ("first", "pages", "perms", "offset", "VmFlags")
PARTS = {"vmas": "vma", "ranges": "range", "segments": "segment"}


def fields(obs: Mapping[str, Any]) -> list[str]:
    """`["ok", "value 0x41"]`: the observation, `ret` first and without its name."""
    said = [value_text(obs["ret"])] if "ret" in obs else []
    for name, value in obs.items():
        if name == "ret":
            continue
        if name in PARTS and isinstance(value, list):
            said += [_part(PARTS[name], part) for part in value] or [f"no {PARTS[name]}"]
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


def _part(called: str, part: Any) -> str:
    if not isinstance(part, Mapping) or "first" not in part:
        return value_text(part)
    said = [f"{called} [{value_text(part['first'])}]" + (f"+{value_text(part['pages'])}p" if "pages" in part else "")]
    if "perms" in part:
        said.append(value_text(part["perms"]))
    if "offset" in part:
        said.append(f"at {value_text(part['offset'])}")
    said += [
        f"{name}={value_text(value)}" for name, value in part.items() if name not in PLACE and value not in (0, "")
    ]
    return " ".join([*said, *([f"({value_text(part['VmFlags'])})"] if "VmFlags" in part else [])])
