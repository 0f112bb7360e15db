# SPDX-License-Identifier: GPL-2.0-or-later
"""What may a kernel do with a program?  The simulator's trace, each value with the rules that it comes from.

Program, region traits and profile go in; the observed trace too, where the kernel was free to choose, and then only
what it chose is taken from it. Nothing is asked of any hardware.
"""

from __future__ import annotations

import dataclasses
import threading
from collections.abc import Mapping, Sequence
from contextlib import suppress
from functools import cache

import msgspec
import numpy as np

from hwtests import forms
from hwtests.asked import grants
from hwtests.content import Content, ForeignRegion, is_foreign
from hwtests.drive import Driver
from hwtests.language.nodes import Compiled
from hwtests.language.settings import RegionSettings, process_settings, region_settings
from hwtests.regions.traits import RegionTraits
from hwtests.trace import End, Header, Line, Trace
from simulator import Kernel, Profile, Region, Stopped, Task

_SHARED_TRAITS = tuple(
    field.name for field in dataclasses.fields(Region) if field.name in RegionTraits.__dataclass_fields__
)


def predict(
    compiled: Compiled, traits: Mapping[str, RegionTraits], profile: Profile, header: Header,
    *, choices: Trace | None = None,
) -> Trace:  # fmt: skip
    """The allowed trace of a program.

    `traits` by region name of the program; `header` is that of the observed trace, or one like it: uid, capabilities
    and limits are taken from there where the program does not say. `choices`: the observed trace.
    """
    kernel = _kernel(profile)
    kernel.reset()
    settings = region_settings(compiled.program)
    regions = [
        _add_region(kernel, settings[name], traits[name], compiled.region_pages[name], compiled.page_size)
        for name in compiled.regions
    ]
    names = forms.PfnNames(
        tuple(
            (name, kernel.region_pfn(region), compiled.region_pages[name])
            for name, region in zip(compiled.regions, regions, strict=True)
        )
    )
    content = _foreign_content(kernel, compiled, traits, regions, choices)
    driver = Driver(kernel, compiled, regions, names, _spawn(kernel, compiled, header), content)
    driver.granted = grants(compiled, None if choices is None else choices.lines)
    lines = []
    for call in compiled.calls:
        obs = driver.do(call)
        process = compiled.processes[call.proc] if call.proc >= 0 else None
        rules, choice = list(dict.fromkeys(kernel.rules)), driver.choice
        line = Line(op=call.index, line=call.line, process=process, text=call.text, obs=obs, rules=rules, choice=choice)
        lines.append(line)
    for left in driver.processes.values():  # they end with the program, and the kernel may have words for it
        if left.task.alive and kernel.lost is None:
            with suppress(Stopped):
                kernel.exit(left.task, 0)
    end = End(klog=[names.log(line, compiled.page_size) for line in kernel.klog], taint=0)
    return Trace(msgspec.structs.replace(header, profile=profile.name), lines, end)


_own = threading.local()


def forget_machine() -> None:
    """The next prediction of this thread makes its simulated machine anew."""
    _own.__dict__.clear()


def _kernel(profile: Profile) -> Kernel:
    # One simulated machine a thread, reset between programs, so that its physical memory is not made anew.
    kernel: Kernel | None = getattr(_own, "machine", None)
    if kernel is None:
        kernel = _own.machine = Kernel(profile)
    elif kernel.profile is not profile:
        kernel.set_profile(profile)
    return kernel


def _add_region(kernel: Kernel, settings: RegionSettings, traits: RegionTraits, pages: int, page_size: int) -> int:
    values = {name: getattr(traits, name) for name in _SHARED_TRAITS}
    region = kernel.add_region(Region(name=settings.name, pages=pages, **values))
    if settings.fill is not None and not is_foreign(traits):
        kernel.region_bytes(region)[:] = _content(settings, pages, page_size)
    return region


def _foreign_content(
    kernel: Kernel, compiled: Compiled, traits: Mapping[str, RegionTraits], regions: Sequence[int],
    choices: Trace | None,
) -> Content | None:  # fmt: skip
    foreign = [
        ForeignRegion(kernel.region_pfn(region), compiled.region_pages[name], its.stable, its.holds("cow"))
        for name, region in zip(compiled.regions, regions, strict=True)
        if is_foreign(its := traits[name])
    ]
    if not foreign:
        return None
    return Content(kernel, foreign, compiled.page_size, None if choices is None else choices.lines)


@cache
def _content(settings: RegionSettings, pages: int, page_size: int) -> np.ndarray[tuple[int], np.dtype[np.uint8]]:
    content = b"".join(settings.content(page, page_size) or b"" for page in range(pages))
    return np.frombuffer(content, dtype=np.uint8)


def _spawn(kernel: Kernel, compiled: Compiled, header: Header) -> dict[int, Task]:
    settings = process_settings(compiled.program)
    roots = {}
    for slot in compiled.roots:
        asked = settings[compiled.processes[slot]]
        memlock = asked.memlock if asked.memlock is not None else header.limits.get("memlock")
        roots[slot] = kernel.spawn(uid=asked.uid or header.uid, drop_caps=asked.drop, memlock=memlock)
    return roots
