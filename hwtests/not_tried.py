# SPDX-License-Identifier: GPL-2.0-or-later
"""What was not tried on a region that the user named, and why?  Skipped programs by their cause, for its author.

Kept with the target in run.json (`not_tried`), and printed under the summary.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from textwrap import wrap
from typing import Any

from hwtests.plan import Job

WIDTH = 80
#: How a cure begins that the user can try on the same region.
MENDED = ("--", "add ,", "leave out", "name a longer", "run as")


def not_tried(jobs: Iterable[Job]) -> list[dict[str, Any]]:
    """By region and cause: `region`, `found`, `cure`, the `needs` that were not met and the `programs`; most first."""
    groups: dict[tuple[str, str, str], dict[str, Any]] = {}
    for job in jobs:
        if job.skip is None or not job.region.startswith(("/", ".")):
            continue
        key = (job.region, job.skip.found, job.skip.cure)
        group = groups.setdefault(key, {"region": key[0], "found": key[1], "cure": key[2], "needs": [], "programs": []})
        group["programs"].append(job.selected.name)
        if job.skip.needs not in group["needs"]:
            group["needs"].append(job.skip.needs)
    return sorted(groups.values(), key=lambda one: (one["region"], -len(one["programs"]), one["found"]))


def not_tried_text(targets: Sequence[Mapping[str, Any]]) -> str:
    """The lists of all targets of a run.json, for people; "" when everything was tried."""
    lines: list[str] = []
    for target in targets:
        groups = target.get("not_tried", [])
        for region in dict.fromkeys(group["region"] for group in groups):
            lines.append(f"not tried on {region} ({target['name']}), and why:")
            here = [group for group in groups if group["region"] == region]
            for group in here:
                if _is_for_the_user(group):
                    lines += _group(group)
            lines += _others([group for group in here if not _is_for_the_user(group)], region)
    return "\n".join(lines) + "\n" if lines else ""


def _is_for_the_user(group: Mapping[str, Any]) -> bool:
    return bool(group["cure"].startswith(MENDED))


def _others(groups: Sequence[Mapping[str, Any]], region: str) -> list[str]:
    # Programs about mappings of another sort: no fault of anybody's.
    count = sum(len(group["programs"]) for group in groups)
    if not count:
        return []
    causes = [f"{group['found'].removeprefix(region).strip()} ({len(group['programs'])})" for group in groups]
    text = f"  {count:>4}  about mappings of another kind: {'; '.join(causes)}"
    return wrap(text, WIDTH, subsequent_indent=" " * 8, break_on_hyphens=False)


def _group(group: Mapping[str, Any]) -> list[str]:
    count = len(group["programs"])
    first = f"  {count:>4}  "
    who = f": {group['programs'][0]}" if count == 1 else ""
    told = wrap(
        f"{group['found']}{who}", WIDTH, initial_indent=first, subsequent_indent=" " * 8, break_on_hyphens=False
    )
    indent = " " * 8
    return told + wrap(
        f"cure: {group['cure']}", WIDTH, initial_indent=indent, subsequent_indent=indent + "  ", break_on_hyphens=False
    )
