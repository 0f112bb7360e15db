# SPDX-License-Identifier: GPL-2.0-or-later
"""On which targets does a run go that names none?  The host's kernel, a User-Mode Linux kernel, or the simulator."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Sequence

from hwtests.errors import UsageError
from hwtests.kernels.cache import cached
from hwtests.kernels.names import KNOWN
from hwtests.regions.named import is_named
from hwtests.regions.traits import load_traits
from hwtests.targets.base import Region, Target, TargetError
from hwtests.targets.registry import expand, make_target

Say = Callable[[str], None]


def targets_of(
    names: Sequence[str], regions: Sequence[str], allow_write: bool, modules: Sequence[str] = ()
) -> list[Target | str]:
    """What the names mean, each target once; `sim` stays a name. Raises UsageError for a name that means nothing."""
    found: dict[str, Target | str] = {}
    for word in names:
        for name in expand(word):
            found.setdefault(name, make(name, regions, allow_write, modules))
    check_places(list(found), regions, modules)
    return list(found.values())


def check_places(names: Sequence[str], regions: Sequence[str], modules: Sequence[str]) -> None:
    """Whether regions, files among them, and modules mean something on these targets. Raises UsageError."""
    check_files(names, regions, modules)
    check_regions(regions, here="host" in names)


def check_files(names: Sequence[str], regions: Sequence[str], modules: Sequence[str]) -> None:
    """Whether these targets can have a file as region, where one is named, and modules. Raises UsageError."""
    guests = any(name.startswith("qemu:") for name in names)
    if any(is_named(region) for region in regions) and "host" not in names and not guests:
        raise UsageError("a file can be a region of the host or of a qemu guest only: expected --on host, --on qemu:…")
    if modules and not guests:
        raise UsageError("a module is loaded in a qemu guest only: expected --on qemu:…")
    for module in modules:
        path = module.split(",")[0]
        if not path.endswith(".ko") or not os.path.isfile(path):
            raise UsageError(f"module {module}: expected a kernel module: FILE.ko[,NAME=VALUE…]")


def check_regions(regions: Sequence[str], *, here: bool = True) -> None:
    """Whether each region that the user names can be meant. Raises UsageError: what it is, and what was expected.

    `here`: files are this machine's; those of a guest are looked at by its agent.
    """
    known = load_traits()
    for region in regions:
        if not is_named(region):
            if region not in known:
                raise UsageError(f"no region {region!r}, expected one of {', '.join(known)}, or a file's path")
            continue
        if not here:
            continue
        # Looked at, not opened: opening a device can have effects, and a plan shall have none.
        path = region.split(",")[0]
        try:
            mode = os.stat(path).st_mode
        except OSError as error:
            raise UsageError(f"region {path}: {error.strerror}: expected a file or device that can be opened") from None
        if stat.S_ISDIR(mode):
            raise UsageError(f"region {path}: is a directory: expected a file or device that can be mapped")
        if not os.access(path, os.R_OK):
            raise UsageError(f"region {path}: Permission denied: expected a file or device that can be opened")


def make(name: str, regions: Sequence[str], allow_write: bool, modules: Sequence[str] = ()) -> Target | str:
    """The target that a name means; `sim` stays a name. Raises UsageError."""
    if name == "sim":
        return name
    if name.startswith("sim:"):
        raise UsageError(f"target {name!r}: a run on sim takes all profiles; see `pfnlab predict --profile NAME`")
    named = [region for region in regions if is_named(region)]
    try:
        return make_target(name, named=named, allow_write=allow_write, modules=modules)
    except TargetError as error:
        raise UsageError(str(error)) from None


def default_names(say: Say, *, dry: bool = False) -> list[str]:
    """The targets of a run that names none; `say` is told which and why. `dry`: nothing is opened to find out."""
    if words := os.environ.get("PFNLAB_TARGET", ""):
        names = [word.strip() for word in words.split(",") if word.strip()]
        if not names:
            raise UsageError(f"PFNLAB_TARGET={words!r}: expected targets, separated by commas")
        say(f"on {', '.join(names)}: PFNLAB_TARGET says so")
        return names
    usable, copied = _host_regions(say, dry)
    names = ["host"] if usable else []
    if usable:
        say(f"on host: it offers {', '.join(usable)}")
    if copied:
        return names
    if uml := _uml(say):
        why = "none of the host's regions can be copied on write" if usable else "the host offers no region"
        say(f"on {uml}: {why}")
        names.append(uml)
    else:
        why = "no User-Mode Linux kernel" if usable else "neither a region of the host nor a User-Mode Linux kernel"
        say(f"on sim: there is {why}")
        names.append("sim")
    return names


def _host_regions(say: Say, dry: bool) -> tuple[list[str], list[str]]:
    # Names of the host's usable regions, and of those that can be copied on write.
    host = make_target("host")
    try:
        if cause := host.probe():
            say(f"not on host: {cause}")
            return [], []
        usable = [region for region in _offered(host, dry) if region.unusable is None]
    except TargetError as error:
        say(f"not on host: {error}")
        return [], []
    return [region.name for region in usable], [region.name for region in usable if region.traits.holds("cow")]


def _offered(host: Target, dry: bool) -> list[Region]:
    from hwtests.targets.host import HostTarget

    if dry and isinstance(host, HostTarget):
        return host.planned()[1]
    with host:
        return host.regions()


def _uml(say: Say) -> str:
    name = expand("uml")[0]
    cause = make_target(name).probe()
    if cause is None:
        return name
    for item in reversed(KNOWN):
        if item.name.kind == "uml" and cached(item.name) and make_target(str(item.name)).probe() is None:
            return str(item.name)
    say(f"not on {name}: {cause}")
    return ""


def expand_one(name: str) -> str:
    """The one target that a name means. Raises UsageError for one that means several."""
    names = expand(name)
    if len(names) != 1:
        raise UsageError(f"expected one target, {name!r} means {', '.join(names)}")
    return names[0]
