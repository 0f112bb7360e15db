# SPDX-License-Identifier: GPL-2.0-or-later
"""What is done around a program on an agent, whatever the kernel?  Regions are opened and filled, a trace is made."""

from __future__ import annotations

import errno
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from hwtests import forms
from hwtests.kernels import config as kernel_config
from hwtests.language.compile import compile_program
from hwtests.language.nodes import Compiled, Program
from hwtests.language.printer import print_program
from hwtests.language.settings import RegionSettings, process_settings, region_settings
from hwtests.normalise import Refusal, normalise
from hwtests.regions.traits import SOURCES, RegionTraits, settled
from hwtests.targets.base import Region, TargetError, Unusable
from hwtests.targets.level import level
from hwtests.targets.numbering import renumbered
from hwtests.targets.view import answer, fill
from hwtests.trace import End, Header, Kernel, ProgramId, Trace
from hwtests.version import tool
from native.channel import AgentLink, AgentLost, RunResult
from native.wire import MAX_REGIONS as SLOTS
from native.wire import DoneFlag, Fill, Hello, Kind, OutsideRequest, ProcessOptions, RegionFlag, RunFlag

if TYPE_CHECKING:
    from hwtests.targets.view import Bytes

_VIEW_FLAGS = {
    "host-file": RegionFlag.VIEW_OUTSIDE,
    "own-mapping": RegionFlag.VIEW_MAPPED,
    "read": RegionFlag.VIEW_READ,
    "file": RegionFlag.VIEW_READ | RegionFlag.VIEW_WRITE,
    "none": RegionFlag(0),
}
_OPENED = ("file", "devmem", "lab")  # sources that are opened as a file of the guest


@dataclass(frozen=True, slots=True)
class Offer:
    """A region to be opened on an agent: `base` in bytes from where its file starts, `view` its content on the host.

    `around`: memory of the lab's own that a program can reach through the region's file; zero before each program.
    """

    traits: RegionTraits
    pages: int = 0
    base: int = 0
    path: str = ""
    view: Bytes | None = None
    around: Bytes | None = None
    sync: bool = False
    never_store: bool = False


@dataclass(frozen=True, slots=True)
class Opened:
    """A region that the agent has, or had, open as number `id`."""

    id: int
    offer: Offer
    region: Region


class Execution:
    """Programs on one agent. `config`: the kernel's, as far as it is known from outside; `limits` in bytes by name."""

    def __init__(
        self,
        target: str,
        link: AgentLink,
        hello: Hello,
        config: Mapping[str, str],
        limits: Mapping[str, int] | None = None,
    ) -> None:
        self.target = target
        self.link = link
        self.hello = hello
        self.limits = dict(limits or {})
        told = kernel_config.parse(kernel_config.unpack(hello.config_gz)) if hello.config_gz else {}
        self.config = kernel_config.matter(told or config)
        #: Taint flags when the last program ended, and those that came up between it and the one before it.
        self.taint = int(hello.facts.get("tainted") or 0)
        self.late_taint = 0
        self.opened: dict[str, Opened] = {}
        self._slots = [""] * SLOTS
        self._used: dict[str, int] = {}

    @property
    def kernel(self) -> Kernel:
        facts = self.hello.facts
        release, version = facts.get("release", "?"), facts.get("version", "?")
        return Kernel(release, version, facts.get("machine", "?"), facts.get("arch", "?"), level(release, version))

    def open_region(self, offer: Offer) -> Region:
        """Have the agent open it; the region, with its cause when that fails. It may be closed for another again."""
        traits = offer.traits
        if traits.source in _OPENED and (offer.never_store or not traits.stores):
            traits = replace(traits, read_only=True)  # native/region.c open_path()
        if traits.read_only and traits.sharing != "shared":
            traits = replace(traits, default_sharing="private", default_prot=1)  # native/ops_mem.c, the verb `map`
        number = self._slot(traits.kind)
        flags = _VIEW_FLAGS[traits.view]
        flags |= RegionFlag.READ_ONLY if traits.read_only else RegionFlag(0)
        flags |= RegionFlag.MAP_READ if traits.default_prot == 1 else RegionFlag(0)
        flags |= RegionFlag.MAP_PRIVATE if traits.default_sharing == "private" else RegionFlag(0)
        flags |= RegionFlag.SYNC if offer.sync else RegionFlag(0)
        flags |= RegionFlag.NEVER_STORE if offer.never_store or not traits.stores else RegionFlag(0)
        answer = self.link.region(
            number,
            Kind(SOURCES[traits.source]),
            offer.path or traits.path or traits.premapped,
            flags=int(flags),
            base=offer.base,
            pages=offer.pages,
        )
        if answer.ret:
            self._slots[number] = ""
            what = f"{answer.stage.name.lower()} of {offer.path or traits.path or traits.premapped or traits.source}"
            found = f"{what}: {errno.errorcode.get(-answer.ret, answer.ret)}"
            return Region(traits, unusable=Unusable(traits.needs, found, traits.cure))
        known = self.opened.get(traits.kind)
        traits = settled(traits, answer.pfn * self.hello.page_size, self.kernel.at)
        region = replace(known.region if known else Region(traits), pages=answer.pages, pfn=answer.pfn)
        self.opened[traits.kind] = Opened(number, offer, region)
        return region

    def _slot(self, name: str) -> int:
        # The agent has fewer places than some kernels have regions: the one used longest ago is given up.
        number = next((at for at, one in enumerate(self._slots) if not one), None)
        if number is None:
            number = min(range(SLOTS), key=lambda at: self._used.get(self._slots[at], 0))
        self._slots[number] = name
        self._touch(name)
        return number

    def _touch(self, name: str) -> None:
        self._used[name] = max(self._used.values(), default=0) + 1

    def _at_hand(self, name: str) -> Opened:
        """The usable region `name`, opened again where its place was given to another. Raises TargetError."""
        opened = self.opened[name]
        if self._slots[opened.id] != name:
            region = self.open_region(opened.offer)
            if region.unusable:
                raise TargetError(f"{self.target}: region {name} cannot be opened again: {region.unusable.found}")
        self._touch(name)
        return self.opened[name]

    def _anew(self, released: list[Opened]) -> None:
        """A page that a program gave back to the kernel did not come back: other frames from here on."""
        for opened in released:
            self._slots[opened.id] = ""
            region = self.open_region(opened.offer)
            if region.unusable:
                raise TargetError(f"{self.target}: region {region.name} cannot be made anew: {region.unusable.found}")

    def withdraw(self, name: str, cause: Unusable) -> Region:
        """The region `name` shall not be used; it as it is listed from now on."""
        region = Region(self.opened[name].region.traits, unusable=cause)
        self.opened[name] = replace(self.opened[name], region=region)
        return region

    def learn(self, name: str, traits: RegionTraits) -> Region:
        """The region `name` has these traits; it as it is listed from now on."""
        region = replace(self.opened[name].region, traits=traits)
        self.opened[name] = replace(self.opened[name], region=region)
        return region

    def compile(self, program: Program, binding: Mapping[str, str]) -> tuple[Compiled, dict[str, Opened]]:
        """The calls of `program` with its regions bound. Raises TargetError for a region that is not here."""
        bound: dict[str, Opened] = {}
        for name in region_settings(program):
            opened = self.opened.get(binding.get(name, ""))
            if opened is None or opened.region.unusable:
                raise TargetError(f"{self.target}: region {name} of {program.path} is bound to no usable region")
            if opened in bound.values():
                raise TargetError(f"{self.target}: two regions of {program.path} are bound to {opened.region.name}")
            bound[name] = opened
        pages = {name: opened.region.pages for name, opened in bound.items()}
        return compile_program(program, pages, self.hello.page_size), bound

    def run(self, program: Program, binding: Mapping[str, str], *, limit: float, hazard: str) -> Trace:
        """One program, to its trace. Raises AgentLost (with what was observed) when the kernel went away."""
        for name in binding.values():
            if name in self.opened:
                self._at_hand(name)
        compiled, bound = self.compile(program, binding)
        settings = region_settings(program)
        for name, opened in bound.items():
            self._prepare(settings[name], opened)
        result = self.link.run(
            renumbered(compiled, [bound[name].id for name in compiled.regions]),
            int(limit * 1000),
            flags=0 if hazard == "none" else int(RunFlag.AT_ONCE),
            options=_options(program, self.hello.page_size),
            outside=self._outside,
        )
        trace = self._trace(compiled, bound, result)
        if DoneFlag.REGION_LOST in result.flags:
            self._anew([opened for opened in bound.values() if SOURCES[opened.offer.traits.source] == Kind.RAM])
        return trace

    def cut_off(self, program: Program, binding: Mapping[str, str], lost: AgentLost, end: End) -> Trace:
        """The trace of a program in which the kernel went away: what was observed by then, and `end`."""
        compiled, bound = self.compile(program, binding)
        try:
            lines = normalise(compiled, lost.observations, self._names(bound), self.hello.arena)
        except Refusal as refusal:
            raise TargetError(f"{self.target}: {program.path}: {refusal}") from None
        return Trace(self.header(compiled, bound), lines, end)

    def header(self, compiled: Compiled, bound: Mapping[str, Opened]) -> Header:
        program = compiled.program
        regions = {
            name: {**opened.region.traits.as_dict(), "pages": opened.region.pages} for name, opened in bound.items()
        }
        return Header(
            trace=1,
            program=ProgramId(program_name(program), program.hash, print_program(program)),
            target=self.target,
            kernel=self.kernel,
            page_size=self.hello.page_size,
            config=self.config,
            regions=regions,
            uid=self.hello.uid,
            caps=caps_text(self.hello.caps),
            limits=self.limits,
            tool=tool(),
        )

    def _names(self, bound: Mapping[str, Opened]) -> forms.PfnNames:
        return forms.PfnNames(
            tuple((name, opened.region.pfn, opened.region.pages) for name, opened in bound.items() if opened.region.pfn)
        )

    def _trace(self, compiled: Compiled, bound: Mapping[str, Opened], result: RunResult) -> Trace:
        try:
            lines = normalise(compiled, result.observations, self._names(bound), self.hello.arena)
        except Refusal as refusal:
            raise TargetError(f"{self.target}: {compiled.program.path}: {refusal}") from None
        before, after = result.taint
        self.late_taint, self.taint = before & ~self.taint, after
        names = self._names(bound)
        klog = [names.log(line, self.hello.page_size) for line in result.klog or ()]
        end = End(klog=klog, taint=after & ~before)
        if DoneFlag.REGION_MOVED in result.flags:
            end = End(
                klog=klog, taint=after & ~before, how="moved", why="the region's pages moved while the program ran"
            )
        elif DoneFlag.TIME_LIMIT in result.flags:
            end = End(klog=klog, taint=after & ~before, how="timeout", why="the program did not end in time")
        return Trace(self.header(compiled, bound), lines, end)

    def _prepare(self, settings: RegionSettings, opened: Opened) -> None:
        # What the program says, else zeros: nothing of the program before may be seen.
        traits, view = opened.region.traits, opened.offer.view
        if not traits.view_stores:
            return
        if opened.offer.around is not None:
            opened.offer.around[:] = 0
        if view is not None:
            fill(view, settings, opened.region.pages, self.hello.page_size)
        elif settings.fill == "pattern":
            self.link.fill(opened.id, Fill.PATTERN)
        else:
            self.link.fill(opened.id, Fill.BYTE, int(settings.fill or 0))

    def _outside(self, request: OutsideRequest) -> bytes:
        opened = self.opened[self._slots[request.region]]
        return answer(opened.offer.view, request, self.hello.page_size)


def _options(program: Program, page_size: int) -> dict[str, ProcessOptions]:
    return {
        name: ProcessOptions(asked.uid or None, asked.drop, asked.memlock)
        for name, asked in process_settings(program, page_size).items()
    }


def program_name(program: Program) -> str:
    """The program's name: its file's, without folder and `.pfn`."""
    return program.path.rsplit("/", 1)[-1].removesuffix(".pfn")


def caps_text(caps: int) -> str:
    """Effective capabilities: `all` (every bit up to the kernel's last), `none`, or the mask in hex."""
    if caps and caps & (caps + 1) == 0:
        return "all"
    return hex(caps) if caps else "none"
