# SPDX-License-Identifier: GPL-2.0-or-later
# ruff: noqa: E501 - a case a line reads better than one wrapped
"""What a promise says, held against observations."""

from __future__ import annotations

import pytest

from hwtests.language import compile_program, parse
from hwtests.promises import check_promises
from hwtests.tests.test_judge import trace
from hwtests.trace import End

HEAD = "pfn 1\nregion dev pages=4\nprocess p\np: m = mmap dev private rw\n"


def kept(operation, promise, obs, *, release="6.1.0", arch="um", before="", earlier=(), end=None):
    """What became of the promise of the last operation."""
    text = f"{HEAD}{before}p: {operation} # promise: {promise} ; x\n"
    seen = trace(text, [{"ret": "ok"}, *earlier, obs], release=release, arch=arch, end=end)
    (found,) = check_promises(compile_program(parse(text), {"dev": 4}), seen, "kernel")
    return found


CASES = [
    ("load m", "0x41", {"ret": "ok", "value": "0x41"}, True),
    ("load m", "65", {"ret": "ok", "value": "0x41"}, True),
    ("load m", "0x42", {"ret": "ok", "value": "0x41"}, False),
    ("load m", "0x41|0x42", {"ret": "ok", "value": "0x42"}, True),
    ("load m", "0x41", {"ret": "SIGBUS"}, False),
    ("load m", "SIGBUS", {"ret": "SIGBUS"}, True),
    ("load m", "SIGBUS", {"ret": "ok", "value": "0x0"}, False),
    ("load m", "code=SEGV_MAPERR", {"ret": "SIGSEGV", "code": "SEGV_MAPERR"}, True),
    ("load m", "0x1..0x3", {"ret": "ok", "value": "0x2"}, False),
    ("load m", "1..3", {"ret": "ok", "value": "0x3"}, True),
    ("load m", "1..3", {"ret": "ok", "value": "0x4"}, False),
    ("load m", "ret=ok", {"ret": "ok", "value": "0x4"}, True),
    ("load page m", "0x41 0x5a*4095", {"ret": "ok", "value": "0x41 0x5a*4095"}, True),
    ("store m 1", "ok", {"ret": "ok"}, True),
    ("store m 1", "EIO|EFAULT", {"ret": "EFAULT"}, True),
    ("mincore m", "0000", {"ret": "ok", "vec": "0000"}, True),
    ("mincore m", "0", {"ret": "ok", "vec": "0000"}, False),
    ("mincore m", "ENOMEM", {"ret": "ENOMEM"}, True),
    ("ptes m", "each none", {"ret": "ok", "ptes": ["none", "none"]}, True),
    ("ptes m", "+dev[0] -write / none", {"ret": "ok", "ptes": ["dev[0] young", "none"]}, True),
    ("ptes m", "+dev[0] -write / none", {"ret": "ok", "ptes": ["dev[0] write", "none"]}, False),
    ("ptes m", "+dev[0] -write / none", {"ret": "ok", "ptes": ["dev[0] young", "anon"]}, False),
    ("page_state m", "refcount=each 1", {"ret": "ok", "refcount": [1, {"any": [1, 2]}]}, False),
    ("page_state m", "refcount=each 1..2", {"ret": "ok", "refcount": [1, {"any": [1, 2]}]}, True),
    ("page_state m", "mapcount=each none", {"ret": "ok", "mapcount": [None, None]}, True),
    ("vma m", "flags=+pfnmap +io -mixedmap", {"ret": "ok", "vmas": [{"flags": "read pfnmap io"}]}, True),
    ("vma m", "pgoff=dev[0]", {"ret": "ok", "vmas": [{"pgoff": "0x0"}]}, False),
    ("vmsplice m", "0x41", {"ret": "ok", "bytes": 8, "data": "0x41"}, True),
    ("rss", "RssAnon=1p", {"ret": "ok", "RssAnon": 1}, True),
    ("rss", "RssAnon=1", {"ret": "ok", "RssAnon": 0}, False),
    ("rss", "RssAnon=-1..1", {"ret": "ok", "RssAnon": -1}, True),
    ("rss", "RssAnon=0..1", {"ret": "ok", "RssAnon": {"any": [0, 1]}}, True),
    ("rss", "RssAnon=0", {"ret": "ok", "RssAnon": {"any": [0, 1]}}, False),
    ("rss", "RssAnon=0", {"ret": "ok", "RssAnon": {"unknown": "lag"}}, None),
    ("rss", "RssAnon=0", {"ret": {"unknown": "silent"}}, None),
    ("smaps m", "Rss=3p", {"ret": "ok", "vmas": [{"Rss": 1}, {"Rss": 2}]}, True),
    ("smaps m", "Rss=1p", {"ret": "ok", "vmas": [{"Rss": 1}, {"Rss": 2}]}, False),
    ("smaps m", "Rss=0", {"ret": "ok", "vmas": []}, True),
    ("smaps m", "Rss=2kB", {"ret": "ok", "vmas": [{"Rss": "2kB"}]}, True),
    ("smaps m", "Rss=0", {"ret": "ok", "vmas": [{"Rss": "2kB"}]}, False),
    ("smaps m", "Rss=1", {"ret": "ok", "vmas": [{"Rss": "2kB"}, {"Rss": 1}]}, False),
    ("smaps m", "Anonymous=0", {"ret": "ok", "vmas": [{"Rss": 1}]}, None),
    ("smaps m", "Rss=1..2", {"ret": "ok", "vmas": [{"Rss": {"any": [0, 1]}}, {"Rss": 1}]}, True),
    ("smaps m", "Rss=1", {"ret": "ok", "vmas": [{"Rss": {"any": [0, 1]}}, {"Rss": 1}]}, False),
    ("smaps m", "Rss=1", {"ret": "ok", "vmas": [{"Rss": {"unknown": "lag"}}]}, None),
    ("smaps m", "vmas=2", {"ret": "ok", "vmas": [{}, {}]}, True),
    ("smaps m", "vmas=1", {"ret": "ok", "vmas": [{}, {}]}, False),
    ("smaps m", "first=-1", {"ret": "ok", "vmas": [{"first": -1}, {"first": 3}]}, True),
    ("smaps m", "VmFlags=+pf -lo", {"ret": "ok", "vmas": [{"VmFlags": "rd pf io"}]}, True),
    ("smaps m", "VmFlags=+pf", {"ret": "ok", "vmas": [{"VmFlags": "rd pf"}, {"VmFlags": "rd"}]}, False),
    ("smaps m", "VmFlags=-lo", {"ret": "ok", "vmas": [{"VmFlags": "rd lo"}]}, False),
    ("smaps m", "VmFlags=-lo", {"ret": "ok", "vmas": []}, False),
    ("smaps m", "VmFlags=-lo", {"ret": "ok", "vmas": [{"Rss": 1}]}, None),
    ("maps m", "perms=rw-p", {"ret": "ok", "vmas": [{"perms": "rw-p"}, {"perms": {"unknown": "silent"}}]}, None),
    ("maps m", "first=0", {"ret": "ok", "vmas": [{"first": {"unknown": "silent"}}]}, None),
    ("maps m", "perms=rw-p", {"ret": "ok", "vmas": [{"perms": "rw-p"}]}, True),
    ("maps m", "pages=4", {"ret": "ok", "vmas": [{"pages": 1}, {"pages": 3}]}, True),
    ("maps m", "offset=dev[0]", {"ret": "ok", "vmas": [{"offset": "dev[0]"}]}, True),
    ("pagemap m", "each none", {"ret": "ok", "pages": ["none", "none"]}, True),
    ("pagemap m", "each none", {"ret": "ok", "pages": ["none", "present"]}, False),
    ("pagemap m", "each none", {"ret": "ok", "pages": []}, False),
    ("pagemap m", "none / present dev[1]", {"ret": "ok", "pages": ["none", "present dev[1]"]}, True),
    ("pagemap m", "none / none", {"ret": "ok", "pages": ["none"]}, False),
    ("pagemap m", "none", {"ret": "ok", "pages": ["none"]}, True),
    ("pagemap m", "none", {"ret": "ok", "pages": ["none", "none"]}, False),
    ("pagemap m", "each +present -swap", {"ret": "ok", "pages": ["present anon"]}, True),
    ("kpagecount m", "1 / none", {"ret": "ok", "counts": [1, None]}, True),
    ("kpagecount m", "each 1", {"ret": "ok", "counts": [1, 2]}, False),
]  # fmt: skip


@pytest.mark.parametrize(("operation", "promise", "obs", "held"), CASES)
def test_a_promise_holds_or_not(operation, promise, obs, held):
    assert kept(operation, promise, obs).held is held


@pytest.mark.parametrize(
    ("release", "arch", "promised"),
    [
        ("2.6.15", "x86_64", "1"), ("3.10-rc1", "x86_64", "1"), ("3.9.99", "x86_64", "1"), ("3.10.0", "x86_64", "0"), ("6.1.176+b13-amd64", "x86_64", "0"),
        ("6.2", "x86_64", "2"), ("6.12.101", "um", "7"), ("3.10", "um", "7"), ("6.10-rc1", "x86_64", "2"),
    ],
)  # fmt: skip
def test_the_value_for_a_kernel_is_taken(release, arch, promised):
    promise = "RssAnon=1 before 3.10, 0 since 3.10, 2 since 6.2, 7 on um"

    assert kept("rss", promise, {"ret": "ok", "RssAnon": 1}, release=release, arch=arch).promised == promised


def test_a_release_is_compared_by_numbers():
    assert kept("rss", "RssAnon=1, 2 since 5.9", {"ret": "ok", "RssAnon": 2}, release="5.10.46").held is True


def test_unchanged_is_as_it_was_the_time_before():
    before = "p: rss\np: store m 1\n"
    first, store = {"ret": "ok", "RssAnon": 3}, {"ret": "ok"}

    assert kept("rss", "RssAnon=unchanged", first, before=before, earlier=[first, store]).held is True
    changed = kept("rss", "RssAnon=unchanged", {"ret": "ok", "RssAnon": 4}, before=before, earlier=[first, store])
    assert (changed.held, changed.found) == (False, "4")


def test_same_as_is_the_value_that_a_name_got():
    before = "p: v = load u64 m\np: store m 1\n"
    earlier = [{"ret": "ok", "value": "0x7"}, {"ret": "ok"}]

    assert kept("load u64 m", "same as v", {"ret": "ok", "value": "0x7"}, before=before, earlier=earlier).held is True
    assert kept("load u64 m", "same as v", {"ret": "ok", "value": "0x8"}, before=before, earlier=earlier).held is False


def test_same_as_of_a_value_that_was_never_got_is_broken():
    before, earlier = "p: v = load u64 m\n", [{"ret": "SIGBUS"}]

    assert kept("load u64 m", "same as v", {"ret": "ok", "value": "0x7"}, before=before, earlier=earlier).held is False
    assert kept("load u64 m", "same as v", {"ret": "SIGBUS"}, before=before, earlier=earlier).held is False


def test_promises_on_the_kernels_log():
    obs, said = {"ret": "ok"}, End(klog=["ioremap on RAM at 0x1"], taint=512)

    assert kept("store m 1", "klog=ioremap on RAM", obs, end=said).held is True
    assert kept("store m 1", "klog=none", obs, end=said).held is False
    assert kept("store m 1", "klog=none", obs).held is True
    assert kept("store m 1", "klog=0..1", obs, end=said).held is False
    assert kept("store m 1", "klog=ioremap on RAM", obs).held is False
    assert kept("store m 1", "taint=0", obs).held is True
    assert kept("store m 1", "taint=0", obs, end=said).held is False


def test_a_promise_holds_of_each_turn_of_a_repeat():
    text = HEAD + "repeat 2\np: load m # promise: 0x1 ; x\nend\n"
    seen = trace(text, [{"ret": "ok"}, {"ret": "ok", "value": "0x1"}, {"ret": "ok", "value": "0x2"}])

    assert [one.held for one in check_promises(compile_program(parse(text), {"dev": 4}), seen, "kernel")] == [
        True,
        False,
    ]


def test_a_promise_is_not_of_what_is_watched():
    text = HEAD.replace("pfn 1\n", "pfn 1\nwatch rss\n") + "p: load m # promise: 0x1 ; x\n"
    rss = {"ret": "ok", "RssAnon": 0}
    seen = trace(text, [{"ret": "ok"}, rss, {"ret": "ok", "value": "0x1"}, rss])

    assert [one.op for one in check_promises(compile_program(parse(text), {"dev": 4}), seen, "kernel")] == [2]


def test_what_the_trace_did_not_reach_is_not_promised():
    text = HEAD + "p: load m # promise: 0x1 ; x\n"

    assert check_promises(compile_program(parse(text), {"dev": 4}), trace(text, [{"ret": "ok"}]), "kernel") == []


def test_a_broken_promise_reads_as_what_was_found_and_what_was_promised():
    text = str(kept("rss", "RssAnon=1p", {"ret": "ok", "RssAnon": 0}))

    assert text == "kernel: RssAnon=0; promised is 1p (x)"


def test_same_as_what_the_model_does_not_know_is_not_checked():
    unknown = {"ret": "ok", "value": {"unknown": "the content"}}
    before = "p: v = load u64 m\n"

    assert kept("load u64 m", "same as v", unknown, before=before, earlier=[unknown]).held is None
    assert kept("load u64 m", "same as v", {"ret": "ok", "value": "0x7"}, before=before, earlier=[unknown]).held is None
    known = [{"ret": "ok", "value": "0x7"}]
    assert kept("load u64 m", "same as v", unknown, before=before, earlier=known).held is None


def test_same_as_what_came_out_of_a_pipe_is_its_data():
    before, eight = "p: v = write m len=8\n", {"ret": "ok", "bytes": 8, "data": "0x7"}

    assert kept("load u64 m", "same as v", {"ret": "ok", "value": "0x7"}, before=before, earlier=[eight]).held is True
    assert kept("load u64 m", "same as v", {"ret": "ok", "value": "0x8"}, before=before, earlier=[eight]).held is False


def test_a_promise_below_speaks_of_the_operation_above():
    text = HEAD + "p: load m\n# promise: 0x1 ; x\n\n# promise: ret=ok ; y\np: load m[1] # promise: 0x2 ; z\n"
    seen = trace(text, [{"ret": "ok"}, {"ret": "ok", "value": "0x1"}, {"ret": "ok", "value": "0x2"}])
    found = check_promises(compile_program(parse(text), {"dev": 4}), seen, "kernel")

    assert [(one.op, one.line, one.held) for one in found] == [(1, 6, True), (1, 8, True), (2, 9, True)]


def test_too_many_possible_sums_are_not_checked():
    vmas = [{"Rss": {"any": [0, 1]}} for _ in range(9)]

    assert kept("smaps m", "Rss=0..9", {"ret": "ok", "vmas": vmas[:8]}).held is True
    assert kept("smaps m", "Rss=0..9", {"ret": "ok", "vmas": vmas}).held is None
