# SPDX-License-Identifier: GPL-2.0-or-later
# ruff: noqa: E501 - a case a line reads better than one wrapped
"""What the judge says of a trace, branch by branch."""

from __future__ import annotations

import msgspec
import pytest

from hwtests.judge import Verdict, judge
from hwtests.language import compile_program, parse
from hwtests.trace import End, Header, Kernel, Line, ProgramId, Trace

HEAD = "pfn 1\nregion dev pages=4\nprocess p\n"
TEXT = HEAD + "p: m = mmap dev private rw\np: load m[1]\n"
FINE = [{"ret": "ok"}, {"ret": "ok", "value": "0x41"}]


def trace(text, observations, *, end=None, release="6.1.176", arch="um", **header):
    program = parse(text)
    calls = compile_program(program, {"dev": 4}).calls
    return Trace(
        Header(
            trace=1, program=ProgramId("t", header.get("hash", program.hash), text), target="t", page_size=4096, uid=0, caps="all",
            tool="t", kernel=Kernel(release, "", "", arch), regions={"dev": {"pages": 4}},
        ),
        [
            Line(op=call.index, line=call.line, process="p", text=call.text, obs=obs, rules=header.get("rules", []))
            for call, obs in zip(calls, observations, strict=False)
        ],
        End(klog=[], taint=0) if end is None else end,
    )  # fmt: skip


def verdict(observed, allowed, text=TEXT, *, end=None, allowed_end=None):
    return judge(trace(text, observed, end=end), trace(text, allowed, end=allowed_end, rules=["a.b"]), parse(text))


def test_the_same_observations_agree():
    judged = verdict(FINE, FINE)

    assert (judged.verdict, judged.why, judged.differences) == (Verdict.AGREE, "", ())


def test_another_value_is_a_mismatch_that_says_what_was_allowed():
    judged = verdict([FINE[0], {"ret": "ok", "value": "0x42"}], FINE)
    (difference,) = judged.differences

    assert judged.verdict == Verdict.MISMATCH
    assert judged.why == "line 5: unexpected value=0x42; allowed are only {0x41}"
    assert (difference.op, difference.line, difference.text, difference.field) == (1, 5, "load m[1]", "value")
    assert (difference.seen, difference.allowed, difference.rules) == ("0x42", ("0x41",), ("a.b",))


def test_each_of_several_allowed_values_agrees_and_no_other():
    allowed = [FINE[0], {"ret": "ok", "value": {"any": ["0x41", "0x42"]}}]

    assert verdict([FINE[0], {"ret": "ok", "value": "0x42"}], allowed).verdict == Verdict.AGREE
    assert verdict([FINE[0], {"ret": "ok", "value": "0x43"}], allowed).why.endswith("allowed are only {0x41, 0x42}")


def test_another_outcome_is_one_difference():
    judged = verdict([FINE[0], {"ret": "SIGBUS", "code": "BUS_ADRERR", "addr": "m[1]"}], FINE)

    assert [str(one) for one in judged.differences] == ["unexpected ret=SIGBUS; allowed are only {ok}"]


def test_all_differing_fields_are_told():
    fault = {"ret": "SIGSEGV", "code": "SEGV_MAPERR", "addr": "m[1]"}
    judged = verdict([FINE[0], fault], [FINE[0], {**fault, "code": "SEGV_ACCERR", "addr": "m[2]"}])

    assert [one.field for one in judged.differences] == ["code", "addr"]


def test_a_field_that_the_kernel_did_not_give_is_a_mismatch():
    judged = verdict([FINE[0], {"ret": "ok"}], FINE)

    assert judged.verdict == Verdict.MISMATCH
    assert judged.why == "line 5: missing value; allowed are only {0x41}"


def test_what_the_model_does_not_know_is_unpredicted():
    judged = verdict(FINE, [FINE[0], {"ret": "ok", "value": {"unknown": "why"}}])

    assert judged.verdict == Verdict.UNPREDICTED
    assert judged.why == "line 5: unpredicted value=0x41; why"


def test_a_field_that_the_model_does_not_have_is_unpredicted():
    assert verdict([FINE[0], {"ret": "ok", "value": "0x41", "new": 1}], FINE).verdict == Verdict.UNPREDICTED


def test_a_mismatch_beats_unpredicted_whatever_the_order():
    silent, other = {"ret": {"unknown": "why"}}, {"ret": "EIO"}

    assert verdict([{"ret": "ok"}, {"ret": "ok"}], [silent, other]).verdict == Verdict.MISMATCH
    assert verdict([{"ret": "ok"}, {"ret": "ok"}], [other, silent]).verdict == Verdict.MISMATCH


SMAPS = HEAD + "p: m = mmap dev private rw\np: smaps m\n"


def smaps(*vmas):
    return [{"ret": "ok"}, {"ret": "ok", "vmas": list(vmas)}]


def test_a_field_of_a_vma_is_named_by_its_number():
    judged = verdict(smaps({"Rss": 0}, {"Rss": 1, "first": 2}), smaps({"Rss": 0}, {"Rss": 0, "first": 2}), SMAPS)

    assert [str(one) for one in judged.differences] == ["unexpected vmas[1].Rss=1; allowed are only {0}"]


def test_a_set_within_a_vma_is_a_set():
    allowed = smaps({"Rss": {"any": [0, 1]}, "Pss": {"unknown": "lag"}})

    assert verdict(smaps({"Rss": 1, "Pss": 1}), allowed, SMAPS).verdict == Verdict.UNPREDICTED
    assert verdict(smaps({"Rss": 2, "Pss": 1}), allowed, SMAPS).verdict == Verdict.MISMATCH


def test_another_number_of_vmas_is_a_mismatch():
    judged = verdict(smaps({"Rss": 0}), smaps({"Rss": 0}, {"Rss": 0}), SMAPS)

    assert judged.why == "line 5: unexpected vmas.count=1; allowed are only {2}"


def test_one_of_two_layouts_is_shown_field_by_field():
    allowed = [{"ret": "ok"}, {"ret": "ok", "vmas": {"any": [[{"Rss": 0}], [{"Rss": 1, "first": 2}]]}}]

    assert verdict(smaps({"Rss": 1, "first": 2}), allowed, SMAPS).verdict == Verdict.AGREE
    assert verdict(smaps({"Rss": 2}), allowed, SMAPS).why == (
        "line 5: unexpected vmas=[Rss=2]; allowed are only {[Rss=0], [Rss=1 first=2]}"
    )


def test_a_new_field_of_smaps_is_unpredicted_and_a_lost_one_a_mismatch():
    assert verdict(smaps({"Rss": 0, "New": 0}), smaps({"Rss": 0}), SMAPS).verdict == Verdict.UNPREDICTED
    assert verdict(smaps({"Rss": 0}), smaps({"Rss": 0, "Old": 0}), SMAPS).verdict == Verdict.MISMATCH


def test_lists_of_texts_are_compared_as_a_whole():
    text = HEAD + "p: m = mmap dev private rw\np: pagemap m[0:2]\n"

    assert verdict([FINE[0], {"ret": "ok", "pages": ["none", "present"]}], [FINE[0], {"ret": "ok", "pages": ["none", "none"]}],
                   text).why == "line 5: unexpected pages=[none, present]; allowed are only {[none, none]}"  # fmt: skip


def test_no_allowed_trace_is_unpredicted():
    assert judge(trace(TEXT, FINE), None, parse(TEXT)).verdict == Verdict.UNPREDICTED


# What cannot be judged.


def test_a_trace_of_another_text_is_an_error():
    judged = judge(trace(TEXT, FINE, hash="0" * 16), trace(TEXT, FINE), parse(TEXT))

    assert judged.verdict == Verdict.ERROR
    assert judged.why.startswith("observed trace is of another text: hash 0000000000000000")


def test_an_allowed_trace_of_another_text_is_an_error():
    judged = judge(trace(TEXT, FINE), trace(TEXT, FINE, hash="0" * 16), parse(TEXT))

    assert judged.why.startswith("allowed trace is of another text")


def test_a_trace_that_is_cut_off_is_an_error():
    cut = Trace(trace(TEXT, FINE).header, trace(TEXT, FINE).lines[:1], None)

    assert judge(cut, trace(TEXT, FINE), parse(TEXT)).why == "observed trace is cut off after 1 of 2 calls"
    assert judge(cut, None, parse(TEXT)).verdict == Verdict.ERROR


@pytest.mark.parametrize("observations", [[], FINE[:1]])
def test_a_trace_that_lacks_calls_is_an_error(observations):
    judged = verdict(observations, FINE)

    assert (judged.verdict, judged.why) == (
        Verdict.ERROR, f"observed trace has {len(observations)} calls, the program has 2"
    )  # fmt: skip


def test_a_program_without_operations_is_an_error():
    assert verdict([], [], HEAD).why == "the program has no operations: nothing was seen"


def test_more_calls_than_the_program_has_are_an_error():
    long = trace(TEXT, FINE, end=End(klog=[], taint=0, how="timeout"))
    long.lines.append(Line(op=2, line=6, process="p", text="x", obs={"ret": "ok"}))

    assert judge(long, None, parse(TEXT)).why == "observed trace has 3 calls, the program has only 2"


def test_a_call_that_is_not_the_programs_is_an_error():
    other = trace(TEXT, FINE)
    other.lines[1] = msgspec.structs.replace(other.lines[1], text="load m[2]")

    assert judge(other, None, parse(TEXT)).why == (
        "observed trace: call 1 is 'load m[2]' (line 5), expected 'load m[1]' (5)"
    )


@pytest.mark.parametrize(("how", "why"), [("lost", "lost without a word"), ("moved", "pages moved")])
def test_a_lost_kernel_and_moved_pages_are_errors(how, why):
    judged = verdict(FINE[:1], FINE, end=End(klog=[], taint=0, how=how))

    assert judged.verdict == Verdict.ERROR
    assert why in judged.why


# What the kernel said of itself.


def test_a_dead_kernel_is_a_crash_though_all_it_did_agrees():
    judged = verdict(FINE[:1], FINE, end=End(klog=[], taint=0, how="crash", why="Kernel panic"))

    assert (judged.verdict, judged.why) == (Verdict.CRASH, "Kernel panic")


def test_a_timeout_is_a_timeout_though_something_differed():
    judged = verdict([{"ret": "EIO"}], FINE, end=End(klog=[], taint=0, how="timeout"))

    assert judged.verdict == Verdict.TIMEOUT
    assert judged.why == "the program did not end after 1 calls"
    assert len(judged.differences) == 1


@pytest.mark.parametrize(
    "line",
    [
        "BUG: Bad rss-counter state mm:1 type:MM_ANONPAGES val:1", "kernel BUG at mm/rmap.c:492!", "WARNING: CPU: 0 PID: 1",
        "Oops: 0000 [#1]", "Bad pte = 8000000006800025, process = init", "Bad page state in process x", "Call Trace:",
    ],
)  # fmt: skip
def test_a_complaint_that_no_rule_predicts_is_a_crash(line):
    judged = verdict(FINE, FINE, end=End(klog=["hello", line], taint=0))

    assert judged.verdict == Verdict.CRASH
    assert judged.klog == (line,)
    assert line in judged.why


def test_other_lines_of_the_log_are_no_crash():
    assert verdict(FINE, FINE, end=End(klog=["debugging: warning: all is well"], taint=0)).verdict == Verdict.AGREE


def test_a_complaint_that_is_predicted_comes_with_its_head_and_trace():
    klog = ["WARNING: CPU: 0", "ioremap on RAM at 0x1", "Call Trace:"]
    predicted = End(klog=["ioremap on RAM"], taint=0)

    assert verdict(FINE, FINE, end=End(klog=klog, taint=512), allowed_end=predicted).verdict == Verdict.AGREE
    assert verdict(FINE, FINE, end=End(klog=[*klog, "WARNING: CPU: 1"], taint=512), allowed_end=predicted).klog == (
        "WARNING: CPU: 1",
    )
    assert (
        verdict(FINE, FINE, end=End(klog=[*klog, "kernel BUG at"], taint=512), allowed_end=predicted).verdict
        == Verdict.CRASH
    )


def test_a_predicted_complaint_need_not_come():
    assert verdict(FINE, FINE, allowed_end=End(klog=["ioremap on RAM"], taint=0)).verdict == Verdict.AGREE


def test_a_taint_that_no_rule_predicts_is_a_crash():
    assert verdict(FINE, FINE, end=End(klog=[], taint=0x200)).verdict == Verdict.CRASH
    assert (
        verdict(FINE, FINE, end=End(klog=[], taint=0x200), allowed_end=End(klog=[], taint=0x200)).verdict
        == Verdict.AGREE
    )


def test_a_complaint_counts_without_an_allowed_trace_too():
    assert judge(trace(TEXT, FINE, end=End(klog=["Oops"], taint=0)), None, parse(TEXT)).verdict == Verdict.CRASH


def test_a_broken_promise_is_a_mismatch_though_kernel_and_model_agree():
    text = TEXT.replace("load m[1]", "load m[1] # promise: 0x42 ; a person")
    judged = verdict(FINE, FINE, text)

    assert judged.verdict == Verdict.MISMATCH
    assert judged.why == "line 5: promise broken on the trace of the kernel: value=0x41; promised is 0x42 (a person)"
    assert [one.trace for one in judged.broken] == ["kernel", "simulator"]


def test_a_promise_that_only_the_model_breaks_says_so():
    text = TEXT.replace("load m[1]", "load m[1] # promise: 0x41 ; a person")
    judged = verdict(FINE, [FINE[0], {"ret": "ok", "value": {"any": ["0x41", "0x42"]}}], text)

    assert judged.verdict == Verdict.MISMATCH
    assert judged.why.startswith(
        "line 5: promise broken on the trace of the simulator: value=0x41|0x42; promised is 0x41"
    )


def test_a_broken_promise_counts_without_an_allowed_trace():
    text = TEXT.replace("load m[1]", "load m[1] # promise: 0x42 ; a person")

    assert judge(trace(text, FINE), None, parse(text)).verdict == Verdict.MISMATCH


def test_an_element_of_a_list_may_be_a_set():
    text = HEAD + "p: m = mmap dev private rw\np: page_state m\n"
    allowed = [FINE[0], {"ret": "ok", "refcount": [1, {"any": [1, 2]}]}]

    assert verdict([FINE[0], {"ret": "ok", "refcount": [1, 2]}], allowed, text).verdict == Verdict.AGREE
    refused = verdict([FINE[0], {"ret": "ok", "refcount": [2, 2]}], allowed, text)
    assert refused.why == "line 5: unexpected refcount=[2, 2]; allowed are only {[1, {1 | 2}]}"
