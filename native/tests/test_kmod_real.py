# SPDX-License-Identifier: GPL-2.0-or-later
"""Does the lab's driver build without a warning, and do its own test and the toys run, on every kernel at hand?"""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from hwtests.kernels.build_tree import Tree, tree_of
from hwtests.kernels.cache import Kernel, cached
from hwtests.kernels.errors import KernelError
from hwtests.kernels.guest_modules import loadable
from hwtests.kernels.modules import built, lab_module
from hwtests.kernels.names import parse_name
from hwtests.targets.base import Unusable
from hwtests.targets.initramfs import directory, file, newc, node
from native.channel import AgentLink
from native.tests.guests import guest
from native.tests.programs import PAGE, PLACE, R, W, last, load, mapping, store
from native.wire import Kind

pytestmark = [pytest.mark.slow, pytest.mark.real]

KMOD = Path(__file__).parents[1] / "kmod"
#: Per kernel: the emulator's machine, its console, the kernel's mem= and an address above it.
PC = ("qemu-system-x86_64", ("-machine", "q35", "-cpu", "max"), "ttyS0", "mem=128M", 0xA000000)
ARM = ("qemu-system-arm", ("-machine", "virt", "-cpu", "cortex-a15"), "ttyAMA0", "mem=192M", 0x4D000000)
KERNELS = {
    "qemu:5.10-amd64": PC, "qemu:6.1-amd64": PC, "qemu:6.12-amd64": PC, "qemu:7.2-amd64": PC, "qemu:6.1-armhf": ARM,
}  # fmt: skip
CROSS = {"amd64": "", "armhf": "arm-linux-gnueabihf-"}
SHARED, EINVAL, EFAULT = 1, -22, -14
WITHOUT_COUNTS = {"page", "mixed", "normal"}  # pages of the VM's own, or where there is no pte_special()


def kernel_and_tree(name: str) -> tuple[Kernel, Tree]:
    kernel = cached(parse_name(name))
    try:
        if kernel is not None:
            return kernel, tree_of(kernel)
        error = KernelError(name, "none in the cache", f"pfnlab kernels fetch {name}")
    except KernelError as raised:
        error = raised
    pytest.skip(f"needs {error.needs}; found {error.found}; cure: {error.cure}")


def static(name: str, target: Path) -> Path:
    """The self-test as one static program for the kernel's architecture."""
    compiler = f"{CROSS[parse_name(name).arch]}gcc"
    if shutil.which(compiler) is None:
        pytest.skip(f"needs {compiler}; found none in PATH; cure: install it")
    sources = [str(path) for path in sorted((KMOD / "selftest").glob("*.c"))]
    options = ["-std=gnu11", "-Wall", "-Wextra", "-Werror", "-O1", "-static"]
    subprocess.run([compiler, *options, "-o", str(target), *sources], check=True)
    return target


@pytest.fixture(scope="module", params=sorted(KERNELS))
def seen(request, tmp_path_factory) -> tuple[str, str]:
    """The kernel, and what the self-test prints on it as init."""
    kernel, _ = kernel_and_tree(request.param)
    emulator, machine, console, memory, absent = KERNELS[request.param]
    module = lab_module(kernel)
    if isinstance(module, Unusable) or shutil.which(emulator) is None:
        pytest.skip(str(module) if isinstance(module, Unusable) else f"needs {emulator}; found none; cure: install it")
    folder = tmp_path_factory.mktemp("selftest")
    init = static(request.param, folder / "init")
    entries = [directory("dev"), node("dev/console", 5, 1), file("init", init.read_bytes())]
    (folder / "initrd").write_bytes(newc([*entries, file("pfnlab.ko", module.read_bytes())]))
    words = f"console={console} {memory} quiet panic=-1 iomem=relaxed lab=absent={absent:#x}"
    command = [
        emulator, "-nodefaults", "-no-user-config", "-no-reboot", *machine, "-accel", "tcg", "-m", "256M",
        "-display", "none", "-kernel", str(kernel.folder / kernel.file), "-initrd", str(folder / "initrd"),
        "-append", words, "-serial", "stdio",
    ]  # fmt: skip
    done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, timeout=240)
    return request.param, done.stdout.decode(errors="replace").replace("\r", "")


def nodes(text: str) -> dict[str, str]:
    """What was printed of each node."""
    parts = re.split(r"^(\w+): \d+ pages$", text.partition("\nunload:")[0], flags=re.M)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


def test_selftest_passes_and_the_driver_unloads_in_silence(seen):
    _, text = seen

    assert re.search(r"^PASSED$", text, re.M), text[-3000:]
    assert "unload: ok" in text
    assert [line for line in text.splitlines() if re.search(r"BUG|Bad page|Oops|pfnlab: (?!load|modu)", line)] == []


def test_remapped_pages_are_never_counted(seen):
    _, text = seen
    counts = {
        name: set(re.findall(r"refcount (-?\d+) mapcount (-?\d+)", lines))
        for name, lines in nodes(text).items()
        if name not in WITHOUT_COUNTS
    }

    assert len(counts) >= 13
    assert counts.pop("absent") == {("-1", "-1")}
    assert {name for name, found in counts.items() if found != {("1", "0")}} == set()


def test_inserted_pages_are_counted(seen):
    name, text = seen

    assert ("3", "2") in re.findall(r"refcount (\d+) mapcount (\d+)", nodes(text)["page"])
    without_pte_special = name.endswith("armhf")
    assert ("refcount 3 mapcount 2" in nodes(text)["mixed"]) == without_pte_special


def test_huge_is_where_such_an_entry_can_be_special(seen):
    name, text = seen
    expected = name in ("qemu:6.12-amd64", "qemu:7.2-amd64")

    assert ("huge" in nodes(text)) == expected
    if expected:
        assert "loaded: ptes 0-15 from page 0, step 1, bits 0x3b" in nodes(text)["huge"]


@pytest.mark.parametrize("folder", ["", "toys"])
@pytest.mark.parametrize("name", sorted(KERNELS))
def test_build_has_no_warning(name, folder, tmp_path):
    _, tree = kernel_and_tree(name)
    sources = tmp_path / "kmod"
    shutil.copytree(KMOD, sources, ignore=shutil.ignore_patterns("*.o", "*.ko", "*.mod*", ".*"))
    checked = ["C=2"] if shutil.which("sparse") else []
    compiler = tree.compiler
    said = [f"CC={compiler.cc}", f"CROSS_COMPILE={compiler.prefix}"] if compiler else []
    path = f"{compiler.path}:{os.environ['PATH']}" if compiler and compiler.path else os.environ["PATH"]
    done = subprocess.run(
        ["make", "-C", str(tree.folder), f"M={sources / folder}", "W=1", *checked, *said, *tree.variables, "modules"],
        env={**os.environ, "PATH": path, "LC_ALL": "C"}, capture_output=True, text=True, stdin=subprocess.DEVNULL,
    )  # fmt: skip
    complaints = [line for line in (done.stdout + done.stderr).splitlines() if re.search(r"warning:|error:", line)]

    assert done.returncode == 0
    assert [line for line in complaints if "pahole" not in line] == []  # not the sources': pahole is not installed
    assert sorted(path.name for path in (sources / folder).glob("*.ko"))


@contextlib.contextmanager
def toys(*names: str) -> Iterator[AgentLink]:
    kernel, tree = kernel_and_tree("qemu:6.1-amd64")
    modules = {path.name: path.read_bytes() for path in built(tree, KMOD / "toys") if path.stem in names}
    with guest(kernel.name, modules) as link:
        assert link.hello().modules == {f"{name}.ko": 0 for name in sorted(names)}
        for i, name in enumerate(names):
            assert link.region(i, Kind.FILE, f"/dev/{name}", pages=8).ret == 0
        yield link


@pytest.fixture(scope="module")
def toy() -> Iterator[AgentLink]:
    with toys(*TOYS) as link:
        yield link


TOYS = ("toy_flags", "toy_good", "toy_long", "toy_noio", "toy_pgoff")
FLAGS, GOOD, LONG, NOIO, PGOFF = range(5)


def at_page(region: int, first: int, pages: int):
    """A shared mapping of a toy from its page `first`, as handle 1."""
    return ("mmap", 0, 1, (1, region, R | W, SHARED | 0x10, -3, PLACE + 64 * PAGE, pages * PAGE, first * PAGE))


def test_good_toy_refuses_a_page_too_many_and_long_one_shows_it(toy):
    assert last(toy, mapping(5, region=GOOD, flags=SHARED)).ret == EINVAL
    assert last(toy, mapping(6, region=LONG, flags=SHARED)).ret == EINVAL
    assert last(toy, mapping(5, region=LONG, flags=SHARED), load(4 * PAGE)).payload == b"\x5a"


@pytest.mark.parametrize(("region", "shown"), [(GOOD, b"\x22"), (PGOFF, b"\x11")])
def test_offset_is_honoured_by_the_good_toy_only(toy, region, shown):
    calls = (mapping(4, region=region, flags=SHARED), store(0, 0x11), store(PAGE, 0x22), at_page(region, 1, 1))

    assert last(toy, *calls, load(0, handle=1)).payload == shown


def smaps(link: AgentLink, region: int) -> str:
    return last(link, mapping(4, region=region, flags=SHARED), ("smaps", 0, -1, (0,))).payload.decode()


@pytest.mark.parametrize(("region", "kept"), [(GOOD, {"pf", "io", "de", "dd"}), (NOIO, {"pf"}), (FLAGS, set())])
def test_flags_of_remapped_memory_are_kept_by_the_good_toy_only(toy, region, kept):
    match = re.search(r"^VmFlags: (.*)$", smaps(toy, region), re.M)

    assert match is not None
    assert set(match[1].split()) & {"pf", "io", "de", "dd"} == kept


@pytest.mark.parametrize(("region", "rss"), [(GOOD, 0), (FLAGS, 16)])
def test_only_pages_that_are_the_vms_own_are_resident(toy, region, rss):
    assert re.search(rf"^Rss: +{rss} kB$", smaps(toy, region), re.M)


@pytest.mark.parametrize(("region", "got"), [(GOOD, EFAULT), (NOIO, EFAULT), (FLAGS, 8)])
def test_only_pages_that_are_the_vms_own_can_be_referenced_by_others(toy, region, got):
    assert last(toy, mapping(4, region=region, flags=SHARED), ("vm_readv", 0, 0, (0, 0, 0, 8))).ret == got


def test_uio_device_maps_memory_of_the_labs_own():
    kernel, tree = kernel_and_tree("qemu:6.1-amd64")
    files = loadable(kernel, [path for path in built(tree, KMOD) if path.stem == "pfnlab_uio"])
    modules = {f"{i}-{path.name}": path.read_bytes() for i, path in enumerate(files)}
    with guest(kernel.name, modules) as link:
        assert set(link.hello().modules.values()) == {0}
        assert link.region(0, Kind.FILE, "/dev/uio0", pages=16).ret == 0
        both = (mapping(16, region=0, flags=SHARED), at_page(0, 0, 16), store(15 * PAGE, 0x41))

        assert last(link, mapping(17, region=0, flags=SHARED)).ret == EINVAL
        assert last(link, *both, load(15 * PAGE, handle=1)).payload == b"\x41"
