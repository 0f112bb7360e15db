# SPDX-License-Identifier: GPL-2.0-or-later
"""Do AddressSanitizer and UBSan find nothing in the agent's C while programs run through it?"""

import os
import shutil
import subprocess

import pytest

from native.actor import Actor
from native.agent_build import HERE, SOURCES, WARNINGS
from native.tests.programs import PAGE, fork, load, mapping, rss, run, store
from native.wire import Fill, Kind, RegionFlag, Stage

pytestmark = pytest.mark.slow
OPTIONS = (
    "-DPFN_HOSTED",
    "-g",
    "-O1",
    "-fsanitize=address,undefined",
    "-fno-sanitize-recover=all",
    "-fno-omit-frame-pointer",
)


@pytest.fixture(scope="module")
def sanitized(tmp_path_factory):
    gcc = shutil.which("gcc")
    if gcc is None:
        pytest.skip("needs gcc; found none; cure: apt-get install gcc")
    agent = tmp_path_factory.mktemp("sanitized") / "agent"
    subprocess.run([gcc, *WARNINGS, *OPTIONS, *(str(HERE / f"{name}.c") for name in SOURCES), "-o", agent], check=True)
    with Actor(agent=agent) as actor:
        yield actor


def test_programs_run_clean(sanitized, tmp_path):
    (tmp_path / "region").write_bytes(bytes(4 * PAGE))
    sanitized.region(0, Kind.FILE, str(tmp_path / "region"), flags=RegionFlag.VIEW_MAPPED, pages=4)
    sanitized.fill(0, Fill.PATTERN)
    result = run(
        sanitized, mapping(4, region=0), store(0, 0x41), load(-1), load(PAGE, 0), fork(), store(8, 1, 8, process=1),
        ("peekdata", 0, 0, (1, 0, 8)), ("mem_write", 0, -1, (1, 0, 0, 5, 0, 0x4142)), ("vm_readv", 0, -1, (1, 0, 0, 5)),
        ("write", 0, -1, (0, 0, 100)), ("read", 0, -1, (0, 0, 100, 0, 7)), ("smaps", 0, -1, (0,)),
        ("maps", 1, -1, (0,)),
        rss(), ("pagemap", 0, -1, (0, 0, -1)), ("kpagecount", 0, -1, (1, 0, 0, -1)),
        ("kpageflags", -1, -1, (0, 0, 0, 4)),
        ("peek", -1, 0, (0, 0, 0)), ("poke", -1, -1, (0, 0, 8, 1, 0)), ("exit", 1, -1, (1,)), ("wait", 0, -1, (1,)),
    )  # fmt: skip
    stages = {i: o.stage for i, o in enumerate(result.observations) if o.stage != Stage.CALL}

    by_pfn = {} if os.getuid() == 0 else {15: Stage.OPEN, 16: Stage.OPEN}  # /proc/kpage* are root's

    assert stages == {2: Stage.FAULT, **by_pfn}
    assert len(result.observations) == 21


def test_calls_beyond_run_clean(sanitized, tmp_path):
    # Not MCL_CURRENT: AddressSanitizer's shadow of all memory would be there, too.
    (tmp_path / "region").write_bytes(bytes(4 * PAGE))
    sanitized.region(1, Kind.FILE, str(tmp_path / "region"), pages=4)
    everything = (0, 0, -1)
    result = run(
        sanitized, mapping(4, region=1), ("open", 0, 0, (1, 0)), ("fsync", 0, -1, (0,)), ("mlockall", 0, -1, (2,)),
        ("munlockall", 0, -1, ()), fork(), ("process_madvise", 0, -1, (1, *everything, 20)), store(0, 0x41),
        ("mbind", 0, -1, (*everything, 2, 0)), ("move_pages", 0, -1, (*everything, -1)),
        ("futex_wait", 0, -1, (0, 0, 0, 1, 0)), ("futex_wake", 0, -1, (0, 0, 1)),
        ("uffd_register", 0, -1, (*everything, 1)), ("clear_refs", 0, -1, (1,)), ("read_zero", 0, -1, (0, 0, 100)),
        ("direct_write", 0, 0, (0, 0, PAGE)), ("direct_read", 0, -1, (0, 0, PAGE, 0, 1)),
        ("pagemap_scan", 0, -1, everything), ("rollup", 0, -1, ()), ("numa_maps", 0, -1, (0,)),
        ("remap_file_pages", 0, -1, (*everything, 1, 0)), ("call", 0, -1, (0, 0)), ("mseal", 0, -1, everything),
        ("coredump", 0, -1, (0, 0x33)), ("release", -1, -1, (1, 0)), rss(), ("exec", 0, -1, ()), rss(), load(0),
    )  # fmt: skip
    observations = result.observations

    assert len(observations) == 29
    assert [observations[i].stage for i in (21, 23, 24, 26, 28)] == [
        Stage.FAULT, Stage.OPEN, Stage.REFUSED, Stage.CALL, Stage.FAULT,
    ]  # fmt: skip


def test_hello_with_configuration_is_clean(sanitized):
    assert sanitized.hello(config=True).page_size == PAGE
