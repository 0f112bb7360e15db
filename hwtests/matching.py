# SPDX-License-Identifier: GPL-2.0-or-later
"""Does a value of an observation match what a promise expects of it?"""

from __future__ import annotations

from typing import Any

from hwtests.language.expect import Between, Each, Elements, Exactly, Expected, Flags, as_number

# Fields whose digits are no number: `0110` is four pages of mincore.
_TEXTS = frozenset(
    {"ret", "signal", "vec", "perms", "VmFlags", "status", "at", "code", "addr", "stage", "offset", "pgoff"}
)


class Absent:
    # Said of a field that an observation does not have (a failed call has no value).
    def __repr__(self) -> str:
        return "absent"


ABSENT = Absent()


def matches(expected: Expected, field: str, value: Any) -> bool:
    if isinstance(value, Absent):
        return False
    if isinstance(value, list):
        return _list_matches(expected, field, value)
    match expected:
        case Exactly(wanted, text):
            if field in _TEXTS or value is None:
                return text == text_of(value)
            return wanted == (as_number(value) if isinstance(value, str) else value)
        case Between(low, high):
            number = as_number(value) if isinstance(value, str) else value
            return isinstance(number, int) and low <= number <= high
        case Flags(with_, without):
            flags = set(str(value).split())
            return with_ <= flags and not without & flags
    return False


def _list_matches(expected: Expected, field: str, values: list[Any]) -> bool:
    match expected:
        case Each(element):
            return bool(values) and all(matches(element, field, value) for value in values)
        case Elements(elements):
            return len(values) == len(elements) and all(
                matches(one, field, value) for one, value in zip(elements, values, strict=True)
            )
        case _:
            return len(values) == 1 and matches(expected, field, values[0])


def klog_matches(expected: Expected, lines: list[str]) -> bool:
    if not isinstance(expected, Exactly):
        return False
    return not lines if expected.text == "none" else any(expected.text in line for line in lines)


def text_of(value: Any) -> str:
    return "none" if value is None else str(value)
