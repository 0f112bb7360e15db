# SPDX-License-Identifier: GPL-2.0-or-later
"""What does somebody get who installs the wheel?  All that runs need, and nothing that only serves this repository."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from hwtests.selection import catalogue
from hwtests.targets.base import Unusable
from hwtests.targets.registry import expand, make_target
from native.agent import cache_directory
from native.agent_build import HERE, SOURCES

ROOT = Path(__file__).parents[2]
pytestmark = pytest.mark.slow


def unavailable(cause: str) -> None:
    if os.environ.get("PFNLAB_FORCE") == "1":
        pytest.fail(cause)
    pytest.skip(cause)


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Made of the files that git knows, as they are now: nothing that lies about here gets in."""
    folder = tmp_path_factory.mktemp("wheel")
    try:
        names = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True).stdout.decode()
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("needs a checkout and git; found none; cure: run the tests in a clone")
    for name in filter(None, names.split("\0")):
        if (ROOT / name).is_file():
            (folder / "src" / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / "src" / name).write_bytes((ROOT / name).read_bytes())
    command = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "-w", str(folder), str(folder / "src")]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        unavailable(f"needs pip and what builds a wheel (setuptools, cffi); found {done.stderr.strip()[-300:]}; "
                    "cure: run with a network")  # fmt: skip
    [made] = folder.glob("*.whl")
    return made


@pytest.fixture
def installed(wheel: Path, tmp_path: Path) -> Path:
    """What pip would put into site-packages, executable bits included."""
    site = tmp_path / "site"
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(site)
        for info in archive.infolist():
            if mode := info.external_attr >> 16 & 0o777:
                (site / info.filename).chmod(mode)
    return site


def pfnlab(site: Path, cache: Path, *words: str) -> str:
    """A command of the installed pfnlab, far from the checkout and with no compiler in PATH."""
    environment = {"PYTHONPATH": str(site), "PATH": str(cache), "PFNLAB_CACHE": str(cache), "HOME": str(cache)}
    code = """if True:
        import sys, hwtests
        assert hwtests.__file__.startswith(sys.argv.pop(1))
        from hwtests.cli.main import main
        sys.exit(main())"""
    cache.mkdir(exist_ok=True)
    command = [sys.executable, "-c", code, str(site), *words]
    done = subprocess.run(command, cwd=cache, env=environment, capture_output=True, text=True)

    assert done.returncode == 0, done.stderr
    return done.stdout


def verdicts(said: str) -> dict[str, int]:
    [target] = json.loads(said)["targets"]
    return {name: count for name, count in target["verdicts"].items() if count and name != "skip"}


def test_it_holds_the_three_rooms_and_neither_tests_nor_golden_records(wheel):
    names = zipfile.ZipFile(wheel).namelist()

    assert {name.split("/")[0] for name in names if ".dist-info/" not in name} == {"hwtests", "native", "simulator"}
    assert [name for name in names if "/tests/" in name or "golden" in name] == []
    assert {f"native/{source}.c" for source in SOURCES} <= set(names)
    assert {f"native/{path.name}" for path in HERE.glob("*.h")} <= set(names)
    assert wheel.stat().st_size < 6_000_000  # most of it what ten kernels did with the catalogue


def test_its_simulator_is_held_against_the_recorded_traces_that_travel_in_it(installed, tmp_path):
    said = pfnlab(installed, tmp_path / "cache", "run", "--on", "sim", "--json")
    [target] = json.loads(said)["targets"]

    assert verdicts(said) == {"agree": len(catalogue())}
    assert target["recorded"]["accepted"] > len(catalogue())


def test_it_runs_on_the_host_without_a_compiler(installed, tmp_path):
    if isinstance(cause := make_target("host").probe(), Unusable):
        unavailable(str(cause))

    assert set(verdicts(pfnlab(installed, tmp_path / "cache", "run", "--on", "host", "--json"))) <= {"agree"}


@pytest.mark.real
def test_it_runs_on_a_kernel_without_a_compiler(installed, tmp_path):
    kernel = expand("uml")[0]
    if cause := make_target(kernel).probe():
        unavailable(str(cause))
    cache = tmp_path / "cache"
    cache.mkdir()
    (cache / "kernels").symlink_to(cache_directory() / "kernels")

    assert set(verdicts(pfnlab(installed, cache, "run", "--on", kernel, "--json"))) == {"agree"}
