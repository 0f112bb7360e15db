# SPDX-License-Identifier: GPL-2.0-or-later
"""A host without a file that takes O_DIRECT has nothing to say of a program that is about it; a guest has a disk."""

from __future__ import annotations

import msgspec

from hwtests.language import parse
from hwtests.language.nodes import Program
from hwtests.silent import no_disk
from hwtests.simulated import Prepared
from hwtests.trace import Trace
from hwtests.verdict import judge_trace
from simulator import load_profile

TEXT = """\
pfn 1
# A page of ordinary memory goes to the disk.
hazard none
process p
p: m = mmap anon private rw pages=1
p: direct_write m len=4096
"""


def refused(target: str) -> tuple[Program, Trace]:
    """What a kernel says where no file can be opened."""
    program = parse(TEXT, "a.pfn")
    trace = Prepared("a", program).simulate(load_profile("x86_64-6.1"), {})
    last = msgspec.structs.replace(trace.lines[-1], obs={"ret": "EINVAL", "stage": "open"})
    return program, Trace(msgspec.structs.replace(trace.header, target=target), [*trace.lines[:-1], last], trace.end)


def test_a_host_without_such_a_file_is_a_skip_that_says_so():
    program, trace = refused("host")
    cause = no_disk(program, trace)
    assert cause is not None
    assert (cause.needs, cause.found) == ("a disk, for direct_write", "no file here takes O_DIRECT: EINVAL")
    assert judge_trace(trace, program).judgement.verdict == "skip"


def test_a_guest_without_a_disk_is_no_excuse():
    program, trace = refused("qemu:6.1-amd64")
    assert no_disk(program, trace) is None
    assert judge_trace(trace, program).judgement.verdict == "mismatch"
