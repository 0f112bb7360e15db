# SPDX-License-Identifier: GPL-2.0-or-later
"""What kills a mutant and what does not, on the real simulator: each mutant in a process of its own."""

import os
import time
from collections.abc import Callable
from dataclasses import dataclass, field

import pytest

from hwtests.language import parse
from hwtests.mutation.cases import ByVectors, Recorded, Said, Simulated, catalogue_cases
from hwtests.mutation.killing import fate_of, within
from hwtests.mutation.live import all_functions
from hwtests.mutation.reached import unmarked
from hwtests.mutation.sites import files, mutants_of, read_sources
from hwtests.mutation.table import build
from hwtests.mutation.words import word_mutants
from hwtests.mutation.workers import LOST, each
from hwtests.plan import Selected
from hwtests.recorded import read_recordings
from hwtests.regions.traits import load_traits
from hwtests.selection import catalogue
from hwtests.simulated import Prepared
from simulator import load_profile

COPY = """\
pfn 1
# A private copy.
rule {rule}
hazard none
region dev pages=4 fill=0x5a
process p

p: m = mmap dev private rw
p: store m[0] 0x41
p: q = fork
q: load m[0]{promise}
p: munmap m
"""


@pytest.fixture(scope="module")
def sources():
    return read_sources([path for path in files() if path.stem in ("cow", "fork", "msync", "vma")])


@pytest.fixture(scope="module")
def mutants(sources):
    return {one.key: one for source in sources for one in mutants_of(source)} | {m.key: m for m in word_mutants()}


def simulated(rule="fork.page-shared", promise=""):
    program = parse(COPY.format(rule=rule, promise=promise), "copy.pfn")
    return Simulated(Prepared("copy", program), load_profile("uml-6.12"), {"dev": load_traits()["uml-iomem"]})


def the(mutants, file, after, **more):
    found = [
        one for key, one in mutants.items()
        if key.file == file and key.after == after and all(getattr(key, name) == value for name, value in more.items())
    ]  # fmt: skip
    assert found, f"{file} has no such mutant: {after}"
    return found[0]


def fate(cases, sources, mutant, wanted=1):
    table = build(cases, sources, print, kept=False)
    assert list(table.wrong()) == []
    ((_, found),) = each([mutant], lambda one: fate_of(one, table, wanted, thorough=True), 1)
    assert found.error == ""
    return found


def test_a_promise_that_breaks_kills(sources, mutants):
    wrong = the(mutants, "fork.py", "pass", before="target[index] = pte & ~(P_YOUNG | P_MAYBE | P_TLB)")
    promised = simulated(promise="  # promise: 0x41 ; mm/memory.c copy_present_pte()")

    killed = fate([promised], sources, wrong).killed

    assert [one.program for one in killed] == ["copy"]
    assert "promise broken" in killed[0].why


def test_a_difference_alone_kills_nothing(sources, mutants):
    wrong = the(mutants, "fork.py", "pass", before="target[index] = pte & ~(P_YOUNG | P_MAYBE | P_TLB)")

    found = fate([simulated()], sources, wrong)

    assert found.killed == []
    assert (found.tried, found.tells) == (1, ["copy"])


def test_a_rule_that_the_program_names_and_no_trace_cites_any_more_kills(sources, mutants):
    wrong = the(mutants, "fork.py", "pass", before="k.rules.append('fork.page-shared')", function="copy_page_range")

    assert [one.why for one in fate([simulated()], sources, wrong).killed] == ["no trace cites fork.page-shared"]
    assert fate([simulated(rule="fork.write-protects")], sources, wrong).killed == []


def test_a_simulator_that_fails_kills(sources, mutants):
    fails = the(mutants, "vma.py", "pass", before="self.flags = flags", function="Vma.__init__")

    assert "failed" in fate([simulated()], sources, fails).killed[0].why


def test_a_mutant_that_no_case_reaches_survives_untried(sources, mutants):
    elsewhere = next(one for key, one in mutants.items() if key.file == "msync.py" and one.statement >= 0)

    found = fate([simulated()], sources, elsewhere)

    assert (found.killed, found.reached, found.tried) == ([], 0, 0)


def test_what_is_done_by_vectors_is_reached_by_vectors(sources, mutants):
    page_by_page = simulated(promise="  # promise: 0x41 ; mm/memory.c copy_present_pte()")
    by_vectors = ByVectors(page_by_page)
    wrong = the(mutants, "fork.py", "pass", before="np.bitwise_and(ptes, u64(keep), out=new.ptes)")

    assert fate([page_by_page], sources, wrong).reached == 0
    assert [one.case for one in fate([page_by_page, by_vectors], sources, wrong).killed] == [by_vectors.label]


@pytest.mark.slow
def test_a_recorded_trace_that_is_no_longer_accepted_kills(sources, mutants):
    program = Selected.read("private-write-copies", catalogue()["private-write-copies"])
    cases = [one for one in catalogue_cases([program], read_recordings()) if isinstance(one, Recorded)][:3]
    wrong = the(mutants, "cow.py", "pass", before="cow_user_page(k, task, vma, new, source, address, old)")

    assert cases
    assert fate(cases, sources, wrong).killed[0].case == cases[0].label


def test_a_word_that_is_another_kernels_is_told_by_the_cases_of_that_kernel(sources, mutants):
    cow_absent = load_profile("uml-6.12").cow_absent
    word = next(m for key, m in mutants.items() if key.function == "cow_absent" and key.before == repr(cow_absent))

    found = fate([simulated()], sources, word, wanted=2)

    assert (found.reached, found.tells) == (1, ["copy"])


@dataclass(frozen=True)
class Planted:
    does: Callable[[], Said]
    kind: str = "simulated"
    program: str = "planted"
    label: str = "planted"
    profile: str = "uml-6.12"
    bound: dict[str, str] = field(default_factory=dict)

    def run(self):
        return self.does()


def test_a_case_that_does_not_end_is_stopped_and_one_that_fails_says_so():
    def for_ever():
        while True:
            pass

    def fails():
        raise KeyError("nothing there")

    started = time.process_time()

    assert within(0.05, Planted(for_ever)) == Said("the simulator does not end")
    assert time.process_time() - started < 1
    assert within(0.05, Planted(fails)).wrong == "the simulator failed: KeyError: 'nothing there'"
    assert within(0.05, Planted(lambda: Said("", frozenset(), 1))) == Said("", frozenset(), 1)


def test_a_process_that_ends_without_a_word_is_said_to():
    ((_, found),) = each([1], lambda _: os._exit(3), 1)

    assert (found.killed, found.error) == ([], LOST)


@pytest.mark.slow
def test_every_function_of_the_simulator_is_found_and_is_left_unmarked():
    sources = read_sources(files())
    build([simulated()], sources, print, kept=False)

    assert all(unmarked(function) for _, _, _, function in all_functions(sources))
