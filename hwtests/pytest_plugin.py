# SPDX-License-Identifier: GPL-2.0-or-later
"""How do programs run under pytest?  `*.pfn` files are collected; tests of one's own use `pfn_region` and `pfn_actor`.

Loaded in every pytest session of an environment that has pfnlab, so nothing heavy is imported until a program or a
fixture is used.
"""

from __future__ import annotations

import os
from collections.abc import Generator, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from native.fixtures import pfn_actor, pfn_region

if TYPE_CHECKING:
    from hwtests.pytest_lab import Lab

__all__ = ["pfn_actor", "pfn_region"]

LAB: pytest.StashKey[Lab] = pytest.StashKey()
REACHED: pytest.StashKey[set[str]] = pytest.StashKey()
FIXTURES = {"pfn_actor", "pfn_region"}
ALL_SKIPPED = 4


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("pfnlab", "programs about PFN mappings")
    group.addoption("--pfn-target", metavar="TARGET", help="run *.pfn programs on this target (default: sim)")
    group.addoption("--pfn-results", metavar="DIR", help="keep a results directory under DIR")
    group.addoption(
        "--pfn-region",
        action="append",
        default=[],
        metavar="NAME",
        help="run programs on this region; may be repeated (default: the first that suits the program)",
    )
    group.addoption(
        "--pfn-allow-empty",
        action="store_true",
        help="with --pfn-target: do not exit 4 when no program reached a verdict other than skip",
    )


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "pfn: a program about PFN mappings, or a test that uses a region or an actor")
    config.addinivalue_line("markers", "real: boots a real kernel (User-Mode Linux or QEMU)")
    config.addinivalue_line("markers", "slow: takes over a quarter of a second")
    config.stash[REACHED] = set()
    if name := config.getoption("--pfn-target"):
        from hwtests.pytest_lab import check_target

        check_target(name, config.getoption("--pfn-region"))


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> pytest.Collector | None:
    if file_path.suffix == ".pfn":
        collector: pytest.Collector = ProgramFile.from_parent(parent, path=file_path)
        return collector
    return None


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if FIXTURES & set(getattr(item, "fixturenames", ())):
            item.add_marker("pfn")


class ProgramFile(pytest.File):
    """A program: one item a region asked for, or one on the first region that suits it."""

    def collect(self) -> Iterable[pytest.Item]:
        from hwtests.language import ProgramError
        from hwtests.plan import Selected

        try:
            selected = Selected.read(self.path.stem, self.path)
        except ProgramError as error:
            raise self.CollectError(str(error)) from None
        regions: list[str | None] = [*self.config.getoption("--pfn-region")]
        for region in regions or [None]:
            name = f"{selected.name}[{region}]" if region else selected.name
            yield ProgramItem.from_parent(self, name=name, selected=selected, region=region)


class ProgramItem(pytest.Item):
    """One program on one region of the session's target."""

    def __init__(self, *, selected: Any, region: str | None, **given: Any) -> None:
        super().__init__(**given)
        self.selected = selected
        self.region = region
        self.add_marker("pfn")

    def runtest(self) -> None:
        result = lab_of(self.config).verdict(self.selected, self.region)
        self.config.stash[REACHED].add(result.verdict)
        self.user_properties.append(("pfn_verdict", result.verdict))
        if result.verdict == "skip":
            pytest.skip(f"needs {result.needs}; found {result.found}; cure: {result.cure}")
        if result.verdict != "agree":
            raise ProgramFailure(result)

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: Any = None) -> Any:
        if isinstance(excinfo.value, ProgramFailure):
            return excinfo.value.text(self.path)
        return super().repr_failure(excinfo, style)

    def reportinfo(self) -> tuple[Path, int, str]:
        return self.path, 0, self.name


class ProgramFailure(Exception):
    """A verdict that is neither agreement nor a skip."""

    def __init__(self, result: Any) -> None:
        super().__init__(f"{result.verdict}: {result.program}")
        self.result = result

    def text(self, path: Path) -> str:
        """What a person needs to see: the verdict and where, then each difference with its line of the program."""
        result = self.result
        where = " ".join(filter(None, [result.target, result.region, result.kernel]))
        lines = [f"{result.verdict} on {where}"]
        for difference in result.differences:
            lines.append(f"{path}:{difference.line}: {difference.text}")
            lines.append(f"    {difference.sentence()}")
        if result.why:
            lines.append(result.why)
        return "\n".join(lines)


def lab_of(config: pytest.Config) -> Lab:
    """The session's target and results, made when the first program needs them."""
    if LAB not in config.stash:
        from hwtests.pytest_lab import Lab

        name = config.getoption("--pfn-target") or os.environ.get("PFNLAB_TARGET") or "sim"
        config.stash[LAB] = Lab(name, config.getoption("--pfn-results"), config.getoption("--pfn-region"))
    return config.stash[LAB]


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, object, object]:
    # A test of one's own that used a region or an actor has reached a verdict when it was not skipped.
    outcome = yield
    if FIXTURES & set(getattr(item, "fixturenames", ())):
        item.config.stash[REACHED].add("agree")
    return outcome


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    config = session.config
    if LAB in config.stash:
        config.stash[LAB].close()
    if not config.getoption("--pfn-target") or config.getoption("--pfn-allow-empty") or config.option.collectonly:
        return
    if exitstatus in (pytest.ExitCode.OK, pytest.ExitCode.NO_TESTS_COLLECTED) and not config.stash[REACHED] - {"skip"}:
        session.exitstatus = ALL_SKIPPED


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    if LAB in config.stash and (said := config.stash[LAB].summary()):
        terminalreporter.section("pfnlab")
        terminalreporter.write_line(said)
