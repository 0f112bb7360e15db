# SPDX-License-Identifier: GPL-2.0-or-later
"""What may be read of memory whose content the lab did not make?"""

import dataclasses

import msgspec
import pytest

from hwtests import forms
from hwtests.language import compile_program, parse
from hwtests.predict import predict
from hwtests.regions.traits import load_traits
from hwtests.trace import Header, Kernel, ProgramId
from simulator import load_profile

PROFILE = load_profile("x86_64-6.12")
FOREIGN = dataclasses.replace(load_traits()["hidden"], kind="mine", own=False, view_stores=False, stable=True)
CLOCK = dataclasses.replace(FOREIGN, stable=False)


def program(*ops):
    text = "\n".join(("pfn 1", "region dev pages=4", "process p", "p: m = mmap dev private rw", *ops)) + "\n"
    return compile_program(parse(text, "x.pfn"), {"dev": 4})


def allowed(compiled, traits, *values, field="value"):
    """The allowed values of the reads, when a kernel read `values` (none: no trace)."""
    text = ProgramId("x", compiled.program.hash, "")
    header = Header(
        trace=1, program=text, target="t", kernel=Kernel("6.12", "", "", "x86_64"), page_size=4096, uid=0, caps="all",
        tool="test",
    )  # fmt: skip
    without = predict(compiled, {"dev": traits}, PROFILE, header)
    if not values:
        trace = without
    else:
        left = list(values)
        lines = [
            msgspec.structs.replace(line, obs={**line.obs, field: left.pop(0)}) if field in line.obs else line
            for line in without.lines
        ]
        seen = msgspec.structs.replace(without, lines=lines)
        trace = predict(compiled, {"dev": traits}, PROFILE, header, choices=seen)
    return [line.obs[field] for line in trace.lines if field in line.obs], [line.choice for line in trace.lines]


def test_without_a_trace_the_model_is_silent():
    values, _ = allowed(program("p: load m[0]"), FOREIGN)

    assert list(values[0]) == ["unknown"]


def test_the_first_value_is_taken_from_the_trace_and_said_to_be():
    values, choices = allowed(program("p: load m[0]"), FOREIGN, "0x41")

    assert values == ["0x41"]
    assert choices[-1] == {"value": "0x41"}


def test_stable_content_is_read_again():
    values, choices = allowed(program("p: load m[0]", "p: load m[0]"), FOREIGN, "0x41", "0x42")

    assert values == ["0x41", "0x41"]
    assert choices[-1] == {}


def test_stable_content_is_the_same_from_outside():
    values, _ = allowed(program("p: load u32 m[1]", "peek dev[1]+1"), FOREIGN, "0x44434241", "0x99")

    assert values == ["0x44434241", "0x42"]


def test_a_clock_may_show_something_else_each_time():
    values, _ = allowed(program("p: load m[0]", "p: load m[0]"), CLOCK, "0x41", "0x42")

    assert values == ["0x41", "0x42"]


def test_what_the_program_stored_is_no_choice():
    values, _ = allowed(program("p: store m[0] 7", "p: load m[0]"), FOREIGN, "0x41")

    assert values == ["0x7"]


def test_what_a_copy_was_made_of_is_taken_from_the_trace():
    values, _ = allowed(program("p: store m[0] 7", "p: load m[0]+1", "p: load m[0]+1"), FOREIGN, "0x41", "0x42")

    assert values == ["0x41", "0x41"]


def test_a_length_of_bytes_is_settled_byte_by_byte():
    compiled = program("p: store m[0] 7", "p: write m[0] len=3")
    values, _ = allowed(compiled, FOREIGN, "0x9*3", field="data")

    assert values == ["0x7 0x9*2"]


@pytest.mark.parametrize("data", [b"\x41", bytes(8), b"\x41" + bytes(4095), bytes(range(16)), b"abc"])
def test_a_value_can_be_read_back(data):
    assert forms.value_bytes(forms.value_text(data), len(data)) == data


def test_a_hash_tells_no_bytes():
    assert forms.value_bytes(forms.value_text(bytes(range(64))), 64) is None
