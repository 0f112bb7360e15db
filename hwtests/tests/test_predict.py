# SPDX-License-Identifier: GPL-2.0-or-later
"""Does a program's prediction follow its calls: names, handles, values, processes, and the form of a trace?"""

import dataclasses

import pytest

from hwtests.language import compile_program, parse
from hwtests.predict import predict
from hwtests.regions.traits import load_traits
from hwtests.trace import Header, Kernel, ProgramId, dump_trace, parse_trace
from simulator import load_profile

BAR = load_traits()["bar"]


HEAD = ("region dev pages=4 fill=0x5a", "process p")


def trace(*ops, profile="x86_64-6.1", traits=BAR, uid=0, limits=None, head=HEAD):
    text = "\n".join(("pfn 1", *head, *ops)) + "\n"
    compiled = compile_program(parse(text, "x.pfn"), {"dev": 4})
    header = Header(
        trace=1, program=ProgramId("x", compiled.program.hash, text), target="t",
        kernel=Kernel("6.1", "", "x86_64", "x86_64"), page_size=4096, uid=uid, caps="all",
        limits=limits or {}, tool="t",
    )  # fmt: skip
    return predict(compiled, {"dev": traits}, load_profile(profile), header)


def last(*ops, **about):
    return trace(*ops, **about).lines[-1].obs


def test_a_private_write_is_copied_and_the_device_page_stays():
    lines = trace("p: m = mmap dev private rw", "p: store m[1] 0x41", "p: load m[1]", "peek dev[1]").lines

    assert [line.obs for line in lines] == [
        {"ret": "ok"},
        {"ret": "ok"},
        {"ret": "ok", "value": "0x41"},
        {"ret": "ok", "value": "0x5a"},
    ]
    assert "cow.private-write-copies" in lines[1].rules


def test_an_allowed_trace_is_a_trace():
    allowed = trace("p: m = mmap dev shared rw", "p: smaps m", "p: rss", "p: pagemap m")

    assert parse_trace(dump_trace(allowed)) == allowed
    assert allowed.header.profile == "x86_64-6.1"


def test_a_prediction_does_not_depend_on_the_one_before():
    ops = ("p: m = mmap dev private rw", "p: store m[0] 1", "p: q = fork", "q: store m[0] 2", "p: smaps m", "p: rss")
    first = trace(*ops)
    trace("p: m = mmap dev shared rw", "p: store page m[0] 9", "p: q = fork", profile="unpaged")

    assert trace(*ops) == first


def test_a_fault_names_the_mapping_that_the_operation_named():
    obs = last("p: m = mmap dev shared r", "p: store m[1]+8 1")

    assert obs == {"ret": "SIGSEGV", "code": "SEGV_ACCERR", "addr": "m[1]+0x8"}


def test_a_mapping_that_failed_still_names_its_place():
    obs = last("p: f = open dev ro", "p: m = mmap f shared rw", "p: load m[0]")

    assert obs == {"ret": "SIGSEGV", "code": "SEGV_MAPERR", "addr": "m[0]"}


def test_names_are_copied_by_fork_and_go_their_own_way():
    ops = ("p: m = mmap dev shared rw", "p: q = fork", "q: mremap m fixed", "q: load m[0]", "p: load m[0]")
    lines = trace(*ops).lines

    assert lines[2].obs == {"ret": "ok", "at": "requested"}
    assert [line.obs["value"] for line in lines[3:]] == ["0x5a", "0x5a"]


def test_a_value_is_used_later():
    ops = ("p: m = mmap dev private rw", "p: v = load m[0]", "p: store u32 m[1] v", "p: load u32 m[1]")

    assert last(*ops)["value"] == "0x5a"


def test_a_value_from_outside_belongs_to_the_first_process():
    ops = ("v = peek dev[0]", "p: m = mmap dev private rw", "p: store u16 m[0] v", "p: load u16 m[0]")

    assert last(*ops)["value"] == "0x5a"


@pytest.mark.parametrize("op", ["q: load m[0]", "q: rss", "p: peekdata q m[0]", "q: exit 0"])
def test_a_process_that_ended_is_no_process(op):
    assert last("p: m = mmap dev shared rw", "p: q = fork", "q: exit 3", op) == {"ret": "no-process"}


def test_a_parent_learns_how_its_child_ended():
    assert last("p: q = fork", "q: exit 3", "p: wait q") == {"ret": "ok", "status": "exit 3"}


def test_a_killed_process_died_and_its_parent_learns_of_what():
    ops = ("p: m = mmap dev private rw", "p: q = fork", "q: store m[0] 1", "p: wait q")
    lines = trace(*ops, profile="unpaged").lines

    assert lines[2].obs == {"ret": "died", "signal": "SIGKILL"}
    assert lines[3].obs == {"ret": "ok", "status": "signal SIGKILL"}


def test_an_offset_of_maps_is_the_region_page_that_it_is_the_pfn_of():
    vma = last("p: m = mmap dev private rw pages=2 offset=1", "p: maps m")["vmas"][0]

    assert vma == {"first": 0, "pages": 2, "perms": "rw-p", "offset": "dev[1]"}


def test_a_mapping_without_pages_option_keeps_its_length_when_it_moves():
    vmas = last("p: m = mmap dev private rw", "p: mremap m fixed", "p: maps m")["vmas"]

    assert [vma["pages"] for vma in vmas] == [4]


def test_a_limit_comes_from_the_program_or_else_from_the_header():
    lock = ("p: m = mmap dev shared rw", "p: mlock m")
    poor = ("region dev pages=4", "process p uid=65534 memlock=0")

    assert last(*lock, uid=65534, limits={"memlock": 0}) == {"ret": "EPERM"}
    assert last(*lock, head=poor) == {"ret": "EPERM"}
    assert last(*lock) == {"ret": "ok"}


def test_a_failed_access_to_proc_mem_says_no_stage_of_another_call():
    ops = ("p: m = mmap dev private rw", "p: store m[0] 1", "p: mem_read p m[0]")

    assert last(*ops) == {"ret": "EIO"}


def test_traits_decide_not_names():
    shared_only = dataclasses.replace(BAR, sharing="shared", sharing_errno="ENODEV")

    assert last("p: m = mmap dev private rw", traits=shared_only) == {"ret": "ENODEV"}


@pytest.mark.parametrize("profile", ["2.6.14", "uml-6.1", "x86_64-6.1"])
@pytest.mark.parametrize("offset", [40, 900000, 1 << 20])
def test_a_mapping_of_pages_that_the_model_does_not_have_is_the_end_of_what_it_says(profile, offset):
    traits = dataclasses.replace(BAR, length="any")
    ops = (f"p: m = mmap dev private rw offset={offset}", "p: store m[1] 0x41", "p: load m[1]", "p: smaps m")
    lines = trace(*ops, profile=profile, traits=traits).lines

    assert [set(line.obs["ret"]) for line in lines] == [{"unknown"}] * 4
    assert last("p: m = mmap dev private rw", traits=traits) == {"ret": "ok"}  # the next program is another matter


PLAIN = load_traits()["lab-plain"]
INSERTED = load_traits()["lab-page"]


def test_ptes_are_told_in_the_words_of_a_target():
    lines = trace(
        "p: m = mmap dev private rw pages=2", "p: store m[1] 1", "p: ptes m", "p: munmap m", "p: ptes m"
    ).lines

    # A copy is an ordinary page: the kernel may make its pte old at any time (mm/vmscan.c walk_pte_range()).
    copied = {"any": ["anon write dirty", "anon write dirty young"]}
    assert lines[2].obs == {"ret": "ok", "ptes": ["dev[0] young special", copied]}
    assert lines[4].obs == {"ret": "ok", "ptes": ["none", "none"]}


def test_a_page_without_a_struct_page_has_no_state():
    assert last("page_state dev[0]") == {"ret": "ok", "refcount": [None], "mapcount": [None], "flags": [None]}


def test_a_raw_page_is_not_counted_and_an_inserted_one_is():
    ops = ("p: m = mmap dev shared r", "page_state dev[1]")

    assert last(*ops, traits=PLAIN) == {"ret": "ok", "refcount": [1], "mapcount": [0], "flags": [""]}
    assert last(*ops, traits=INSERTED) == {"ret": "ok", "refcount": [2], "mapcount": [1], "flags": ["mmap"]}


def test_what_timing_decides_of_a_copys_state_is_a_set():
    obs = last("p: m = mmap dev private rw", "p: store m[1] 1", "p: page_state m[1]", traits=PLAIN)

    assert (obs["refcount"], obs["mapcount"]) == ([{"any": [1, 2, 3]}], [1])
    assert all("anon" in text.split() for text in obs["flags"][0]["any"])


def test_a_vma_is_told_with_its_flags_and_the_pfn_in_vm_pgoff():
    obs = last("p: m = mmap dev private r pages=2", "p: vma m")

    flags = "read mayread maywrite pfnmap io dontexpand dontdump"
    assert obs["vmas"] == [{"first": 0, "pages": 2, "pgoff": "dev[0]", "flags": flags}]


def test_vmsplice_takes_the_copy_and_not_the_raw_page():
    ops = ("p: m = mmap dev private rw", "p: vmsplice m[1]", "p: store m[1] 0x41", "p: vmsplice m[1]")

    assert trace(*ops).lines[1].obs == {"ret": "EFAULT"}
    assert last(*ops) == {"ret": "ok", "bytes": 8, "data": "0x5a5a5a5a5a5a5a41"}
