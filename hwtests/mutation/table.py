# SPDX-License-Identifier: GPL-2.0-or-later
"""Which cases are there, what do they say of the simulator as it is, and which of its statements does each reach?

Made once for a state of the simulator, the catalogue and the recordings, and kept in the cache by its contents.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec
import numpy as np
from numpy.typing import NDArray

from hwtests.kernels.cache import cache_folder
from hwtests.mutation.cases import ByVectors, Case, Said
from hwtests.mutation.mutant import Mutant
from hwtests.mutation.reached import marks
from hwtests.mutation.sites import Source
from simulator import Kernel, load_profile

ROOT = Path(__file__).parents[2]
#: What a case's answer depends on: simulator, catalogue, recordings, and what holds one against the other.
DEPENDS = ("simulator/**/*", "hwtests/*.py", "hwtests/language/*.py", "hwtests/regions/**/*", "hwtests/golden/**/*",
           "hwtests/catalogue/**/*.pfn", "hwtests/recorded/**/*.gz", "hwtests/mutation/*.py")  # fmt: skip
EVERY = 500  # cases between two words of progress

Tell = Callable[[str], None]


class Known(msgspec.Struct, frozen=True):
    """What a case says of the simulator as it is; `reaches`: bit n for statement n."""

    wrong: str
    cited: frozenset[str]
    seen: int
    reaches: bytes


@dataclass(frozen=True)
class Table:
    """`cases` in the order in which they are tried; of each `known`, and `reached[case, statement]`."""

    cases: Sequence[Case]
    known: Sequence[Known]
    reached: NDArray[np.uint8]  # packed: 8 statements a byte
    profile: NDArray[np.str_]
    twin: NDArray[np.int64]  # of a case by vectors, the case page by page; else -1

    def wrong(self) -> Iterator[tuple[Case, str]]:
        """Cases that something is wrong with before there is any mutant: they kill nothing."""
        return ((case, known.wrong) for case, known in zip(self.cases, self.known, strict=True) if known.wrong)

    def warm(self) -> None:
        """Ask of every program one case, so that what it keeps of itself is there before there are processes."""
        seen = set()
        for case in self.cases:
            if (case.program, case.kind) not in seen:
                seen.add((case.program, case.kind))
                ask(case)

    def reaching(self, mutant: Mutant, thorough: bool = False) -> list[int]:
        """The cases that execute what is changed, in the order in which they are tried.

        Of a program's cases that reach the same statements only one, if not `thorough`.
        """
        if mutant.kind == "word":
            assert isinstance(mutant.change, tuple)
            names = [
                name
                for name in set(self.profile)
                if getattr(load_profile(name), mutant.key.function) == mutant.change[0]
            ]
            which = np.isin(self.profile, names) & (self.twin < 0)
        elif mutant.statement < 0:  # what stands outside of functions is everyone's
            which = self.twin < 0
        else:
            byte, bit = divmod(mutant.statement, 8)
            which = (self.reached[:, byte] & (0x80 >> bit)) != 0
            which &= (self.twin < 0) | ~which[self.twin]  # by vectors: only what is not reached page by page
        found = [index for index in np.flatnonzero(which).tolist() if not self.known[index].wrong]
        return found if thorough else sorted({self._alike(index): index for index in reversed(found)}.values())

    def _alike(self, index: int) -> tuple[str, str, bytes]:
        # What reaches the same statements of the simulator in the same program is told by the same mistakes.
        case, known = self.cases[index], self.known[index]
        return case.program or case.profile, case.kind, known.reaches


def build(cases: Sequence[Case], sources: Sequence[Source], tell: Tell, *, kept: bool = True) -> Table:
    """The table of these cases; what the cache knows of them is not asked again (`kept` false: it is not used)."""
    name = hashlib.sha256(contents().encode()).hexdigest()[:20]
    file = cache_folder() / "mutants" / f"{name}.msgpack"
    found: dict[str, Known] = {}
    if kept and file.exists():
        found = msgspec.msgpack.decode(file.read_bytes(), type=dict[str, Known])
    lacking = [case for case in cases if case.label not in found]
    if lacking:
        found.update(_asked(lacking, sources, tell))
        if kept:
            _keep(file, found)
    known = [found[case.label] for case in cases]
    width = (sources[-1].end + 7) // 8 if sources else 0
    reached = np.frombuffer(b"".join(one.reaches for one in known), np.uint8).reshape(len(known), width)
    place = {id(case): index for index, case in enumerate(cases)}
    twin = [place.get(id(case.case), -1) if isinstance(case, ByVectors) else -1 for case in cases]
    return Table(cases, known, reached, np.array([case.profile for case in cases]), np.array(twin, np.int64))


def contents() -> str:
    """A text that changes with whatever a case's answer depends on."""
    files = sorted(
        path for pattern in DEPENDS for path in ROOT.glob(pattern) if path.is_file() and "tests" not in path.parts
    )
    return "".join(
        f"{path.relative_to(ROOT)} {hashlib.sha256(path.read_bytes()).hexdigest()}\n"
        for path in files
        if path.suffix != ".pyc"
    )


def _asked(cases: Sequence[Case], sources: Sequence[Source], tell: Tell) -> dict[str, Known]:
    found: dict[str, Known] = {}
    with marks(sources) as reached:
        blank = bytes(len(reached))
        made: dict[str, NDArray[np.uint8]] = {}
        for number, case in enumerate(cases):
            if number % EVERY == 0:
                tell(f"what each case reaches: {number} of {len(cases)}")
            if case.profile not in made:  # making a machine is every case's of that profile, whoever is the first
                reached[:] = blank
                Kernel(load_profile(case.profile))
                made[case.profile] = np.frombuffer(bytes(reached), np.uint8)
            reached[:] = blank
            said = ask(case)
            bits = np.packbits(np.frombuffer(bytes(reached), np.uint8) | made[case.profile])
            found[case.label] = Known(said.wrong, said.cited, said.seen, bits.tobytes())
    return found


def ask(case: Case) -> Said:
    """What a case says; what its simulator does not survive is wrong with it."""
    try:
        return case.run()
    except Exception as error:
        return Said(f"the simulator failed: {type(error).__name__}: {error}")


def _keep(file: Path, found: dict[str, Known]) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    aside = file.with_suffix(f".{os.getpid()}")
    aside.write_bytes(msgspec.msgpack.encode(found))
    os.replace(aside, file)
    for old in sorted(file.parent.glob("*.msgpack"), key=lambda path: path.stat().st_mtime)[:-3]:
        old.unlink(missing_ok=True)
