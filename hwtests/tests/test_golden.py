# SPDX-License-Identifier: GPL-2.0-or-later
"""Does the simulator say what real kernels did with 750 programs?  And would we see it if it did not?"""

import dataclasses
import json

import pytest

from hwtests.golden.check import Known, check, compiled, header, known, traits
from hwtests.golden.compare import differences
from hwtests.golden.convert import REGION
from hwtests.golden.records import PROFILES, programs, records
from hwtests.predict import predict
from simulator import load_profile

# One program of each op, of each process, of COW, fork, holes and moves.
SAMPLE = (0, 2, 4, 10, 16, 24, 62, 64, 130, 296, 708, 976, 1366, 1498)
EXACT = ("uml-6.1", "uml-6.12", "qemu-6.1")


@pytest.mark.parametrize("kernel", PROFILES)
def test_a_sample_of_each_kernel_is_reproduced_or_explained(kernel):
    explained = {name for exception in known(kernel) for name in exception.records}
    results = list(check(kernel, SAMPLE))

    assert results
    assert [str(r.differences[0]) for r in results if r.differences and r.record.name not in explained] == []


@pytest.mark.slow
@pytest.mark.parametrize("kernel", EXACT)
def test_every_record_is_reproduced_or_explained(kernel):
    # Both ways: a new difference is a regression, one that is gone an entry to take out.
    explained = {name for exception in known(kernel) for name in exception.records}
    results = list(check(kernel))
    differ = {r.record.name: str(r.differences[0]) for r in results if r.differences}

    assert {name: text for name, text in differ.items() if name not in explained} == {}
    assert explained - set(differ) == set()
    assert len(differ) <= len(results) / 100


def test_an_exception_names_its_records_and_their_cause():
    text = '[["uml-6.12"]]\ncause = "because"\nrecords = ["24/ram"]\n'

    assert known("uml-6.12", text) == [Known("because", frozenset({"24/ram"}))]
    assert known("uml-6.1", text) == []


def test_an_op_that_we_left_out_and_the_kernel_did_is_a_difference():
    record, converted, calls, observed = one()
    lines = (converted.lines[0], (), *converted.lines[2:])
    found = seen(record, dataclasses.replace(converted, lines=lines), calls, observed)

    assert "op 1 store, A ret: golden 'ok', here 'left out'" in map(str, found)


def test_a_process_that_we_did_not_watch_is_a_difference():
    record, *rest = one()
    extra = changed(record, lambda c: c["ops"][1]["st"].update(B=c["ops"][1]["st"]["A"]))

    assert "op 1 store, B state: golden 'alive', here 'not watched'" in map(str, seen(extra, *rest))


def test_a_vma_of_a_handle_that_we_do_not_have_is_a_difference():
    record, *rest = one()
    extra = changed(record, lambda c: state(c)["vmas"].append([2, 0, 1, "rw-p", 0, [0] * 12, "rdwr"]))

    assert "h2.vmas" in {d.field for d in seen(extra, *rest)}


def one(kernel="uml-6.12", id=2, region="ram"):
    record = next(r for r in records(kernel) if (r.id, r.region) == (id, region))
    converted, calls = compiled(id)
    profile = load_profile(PROFILES[kernel])
    allowed = predict(calls, {REGION: traits(kernel, region)}, profile, header(kernel, id))
    return record, converted, calls, [line.obs for line in allowed.lines]


def seen(record, converted, calls, observed):
    return list(differences(programs()[record.id], record, converted, calls, observed))


def changed(record, change):
    copy = json.loads(json.dumps({"ops": record.ops, "final": record.final}))
    change(copy)
    return dataclasses.replace(record, ops=copy["ops"], final=copy["final"])


def test_an_unchanged_record_has_no_difference():
    assert seen(*one()) == []


def state(copy):
    return copy["ops"][1]["st"]["A"]


@pytest.mark.parametrize(
    ("change", "field"),
    [
        (lambda c: c["ops"][2].update(r="dev(0,0x0)"), "value"),
        (lambda c: c["ops"][2].update(r="EFAULT"), "ret"),
        (lambda c: state(c).update(anon=2), "RssAnon"),
        (lambda c: state(c).update(file=1), "RssFile"),
        (lambda c: state(c).update(size=3), "VmSize"),
        (lambda c: state(c).update(lck=2), "VmLck"),
        (lambda c: state(c)["vmas"].clear(), "h0.vmas"),
        (lambda c: state(c)["vmas"][0].__setitem__(3, "rw-s"), "h0.vmas"),
        (lambda c: state(c)["vmas"][0].__setitem__(4, 1), "h0.vmas"),
        (lambda c: state(c)["vmas"][0][5].__setitem__(1, 8), "h0[0].Rss"),
        (lambda c: state(c)["vmas"][0].__setitem__(6, "rdwr"), "h0[0].VmFlags"),
        (lambda c: c["final"]["mem"]["A0"][1].__setitem__(2, "zero"), "A0[1].value"),
        (lambda c: c["final"]["region"][3].__setitem__(0, "val(2)"), "region[3].value"),
        (lambda c: c["final"].update(st={"A": None}), "state.ret"),
    ],
)
def test_every_kind_of_observation_is_compared(change, field):
    record, *rest = one()

    assert field in {d.field for d in seen(changed(record, change), *rest)}
