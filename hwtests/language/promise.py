# SPDX-License-Identifier: GPL-2.0-or-later
"""What does a `# promise:` comment say, for which kernels, and where does it come from?"""

from __future__ import annotations

import re
from functools import lru_cache
from itertools import pairwise

from .conditions import VERSION
from .errors import ProgramError, nearest
from .expect import RET_WORD, Exactly, parse_expected
from .nodes import Alternative, Promise
from .verbs import COMMON_FIELDS, Verb

PARTS = 4  # 2.6.16.1
FINAL = 1 << 16  # after every release candidate

_MARK = re.compile(r" *promise: *")
_ALMOST = re.compile(r" *promises? *[:=]", re.IGNORECASE)
_FIELD = re.compile(r" *([A-Za-z][A-Za-z0-9_]*) *=")
_SPAN = re.compile(
    rf"(?P<value>.*?)(?: +since +(?P<since>{VERSION}))?(?: +before +(?P<before>{VERSION}))?"
    r"(?: +on +(?P<arch>[a-z0-9_]+))? *"
)
_STRAY = re.compile(r"(?:^|.* )(since|before|on)(?: |$)")


def parse_promise(comment: str, verb: Verb | None, path: str, line: int, column: int) -> Promise | None:
    """The promise that a comment holds, or None. `column` is where the comment starts, `verb` what it speaks of."""
    mark = _MARK.match(comment)
    if mark is None:
        if almost := _ALMOST.match(comment):
            raise ProgramError(
                path, line, column, f"'{almost.group().strip()}' reads like a promise and is none, expected 'promise:'"
            )
        return None
    if verb is None:
        raise ProgramError(path, line, column, "promise without an operation, expected one on its line or above it")
    body, semicolon, citation = comment[mark.end() :].partition(";")
    if not citation.strip():
        after = column + mark.end() + len(body) + len(semicolon)
        raise ProgramError(
            path, line, after, "promise without a source, expected '; ' and the kernel function or document"
        )
    place = _Place(path, line, column + mark.end())
    field, start = _field(body, verb, place)
    alternatives: list[Alternative] = []
    for part in body[start:].split(","):
        indent = len(part) - len(part.lstrip(" "))
        alternatives.append(_alternative(part, field, place.moved(start + indent)))
        start += len(part) + 1
    _check_spans(alternatives, place)
    if field is None and verb.main is None and not all(_is_ret(one.value) for one in alternatives):
        place.fail(f"promise without a field, expected one of {', '.join(verb.fields)} and '='")
    return Promise(field, tuple(alternatives), " ".join(citation.split()))


def print_promise(promise: Promise) -> str:
    """The canonical comment (what follows the `#`)."""
    return f" promise: {promised(promise)} ; {promise.citation}"


def promised(promise: Promise) -> str:
    """The field and its values with their spans."""
    field = f"{promise.field}=" if promise.field else ""
    return field + ", ".join(_print_alternative(one) for one in promise.alternatives)


@lru_cache(maxsize=1024)
def version(text: str) -> tuple[int, ...]:
    """What versions are compared by: `6.1.176-1+b13` as 6.1.176, missing parts as 0; `2.6.15-rc3` is before 2.6.15.

    `2.6.15-rc2+` is what came after the tag -rc2 and before -rc3.
    """
    match = re.match(r"([0-9]+(?:\.[0-9]+)*)(?:-rc([0-9]+)(\+?))?", text)
    numbers = [int(part) for part in match[1].split(".")[:PARTS]] if match else []
    candidate = 2 * int(match[2]) + bool(match[3]) if match and match[2] else FINAL
    return (*numbers, *[0] * (PARTS - len(numbers)), candidate)


def pick(promise: Promise, release: str, arch: str) -> Alternative | None:
    """The alternative for this kernel: those `on ARCH` first, else those for every architecture."""
    own = [one for one in promise.alternatives if one.arch == arch]
    at = version(release)
    chosen: Alternative | None = None
    for one in own or [one for one in promise.alternatives if one.arch is None]:
        if one.since is None or version(one.since) <= at:
            chosen = one
    return chosen


class _Place:
    def __init__(self, path: str, line: int, column: int) -> None:
        self.path, self.line, self.column = path, line, column

    def moved(self, by: int) -> _Place:
        return _Place(self.path, self.line, self.column + by)

    def fail(self, message: str) -> None:
        raise ProgramError(self.path, self.line, self.column, message)


def _field(body: str, verb: Verb, place: _Place) -> tuple[str | None, int]:
    match = _FIELD.match(body)
    if match is None:
        return None, 0
    known = (*verb.fields, *COMMON_FIELDS)
    if match[1] not in known:
        place.moved(match.start(1)).fail(
            f"'{verb.name}' has no field '{match[1]}'{nearest(match[1], known)}, expected one of {', '.join(known)}"
        )
    return match[1], match.end()


def _alternative(part: str, field: str | None, place: _Place) -> Alternative:
    match = _SPAN.fullmatch(part.strip(" "))
    if match is None:  # pragma: no cover: the pattern has only optional parts
        raise AssertionError(part)
    value = " ".join(match["value"].split())
    if field != "klog" and (stray := _STRAY.match(value)):
        place.fail(f"'{stray[1]}' not understood, expected VALUE [since VERSION] [before VERSION] [on ARCH]")
    wrong = parse_expected(value)
    if isinstance(wrong, str):
        place.fail(wrong)
    return Alternative(value, match["since"], match["before"], match["arch"])


def _check_spans(alternatives: list[Alternative], place: _Place) -> None:
    # Every kernel must find exactly one value: no gap and no overlap, from the first kernel to the last.
    groups: dict[str | None, list[Alternative]] = {}
    for one in alternatives:
        groups.setdefault(one.arch, []).append(one)
    if None not in groups:
        place.fail("promise says nothing of other architectures, expected a value without 'on' too")
    for group in groups.values():
        if group[0].since is not None:
            place.fail(
                f"promise says nothing of kernels before {group[0].since}, expected a first value without 'since'"
            )
        for before, after in pairwise(group):
            _check_next(before, after, place)
        if group[-1].before is not None:
            place.fail(
                f"promise says nothing of kernels since {group[-1].before}, expected a last value without 'before'"
            )


def _check_next(before: Alternative, after: Alternative, place: _Place) -> None:
    if after.since is None:
        place.fail(f"two values for the same kernels, expected 'since' after '{after.value}'")
    elif before.before is not None and version(before.before) != version(after.since):
        place.fail(f"'before {before.before}' and 'since {after.since}' differ, expected the same version in both")
    elif before.since is not None and version(before.since) >= version(after.since):
        place.fail(f"'since {after.since}' does not follow 'since {before.since}', expected rising versions")


def _is_ret(value: str) -> bool:
    expected = parse_expected(value)
    return not isinstance(expected, str) and all(
        isinstance(one, Exactly) and RET_WORD.fullmatch(one.text) is not None for one in expected
    )


def _print_alternative(one: Alternative) -> str:
    spans = (("since", one.since), ("before", one.before), ("on", one.arch))
    return one.value + "".join(f" {word} {value}" for word, value in spans if value is not None)
