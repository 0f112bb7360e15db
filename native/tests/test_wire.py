# SPDX-License-Identifier: GPL-2.0-or-later
"""Do wire.py and wire.h say the same, and does what is encoded come back?"""

import re

import pytest

from native import wire
from native.agent_build import HERE
from native.tests.programs import compiled, fork, load, mapping

HEADER = (HERE / "wire.h").read_text()


def enum_of(name: str) -> dict[str, int]:
    body = re.sub(r"/\*.*?\*/", "", HEADER, flags=re.S)
    found = re.search(rf"enum {name} \{{(.*?)\}}", body, re.S)
    assert found
    return {key: int(value) for key, value in re.findall(r"(\w+) = (\d+)", found[1])}


def test_verbs_have_the_numbers_and_argument_counts_of_the_header():
    in_header = [(name.lower(), int(count)) for name, count in re.findall(r"V\((\w+), (\d+)\)", HEADER)]

    assert in_header == [(name, arguments) for name, (_, arguments) in wire.VERBS.items()]
    assert [number for number, _ in wire.VERBS.values()] == list(range(1, len(in_header) + 1))


@pytest.mark.parametrize(
    ("name", "prefix", "values"),
    [
        ("to_agent", "TO_", wire.To),
        ("from_agent", "FROM_", wire.From),
        ("stage", "STAGE_", wire.Stage),
        ("region_stage", "REGION_", wire.RegionStage),
        ("region_kind", "KIND_", wire.Kind),
        ("region_flag", "REGION_", wire.RegionFlag),
        ("run_flag", "RUN_", wire.RunFlag),
        ("done_flag", "DONE_", wire.DoneFlag),
        ("fill_mode", "FILL_", wire.Fill),
    ],
)
def test_enums_are_those_of_the_header(name, prefix, values):
    mine = {prefix + member.name: member.value for member in values}

    assert enum_of(name) == mine


@pytest.mark.parametrize(
    "name", ["MAX_PROCESSES", "MAX_HANDLES", "MAX_VALUES", "MAX_FDS", "MAX_REGIONS", "MAX_ARGS", "MAX_PAYLOAD", "PIECE"]
)
def test_limits_are_those_of_the_header(name):
    found = re.search(rf"#define {name} (\d+)", HEADER)

    assert found
    assert int(found[1]) == getattr(wire, name)


def test_observation_comes_back_as_it_was_sent():
    obs = wire.RawObs(3, wire.Stage.FAULT, -5, 11, 2, 0xFFFF_8000_0000_0000, -1, 4096, b"data")
    frame = wire.encode_obs(obs)
    length, kind = wire.decode_head(frame[: wire.HEAD_SIZE])

    assert (length, kind) == (len(frame) - wire.HEAD_SIZE, wire.From.OBS)
    assert wire.decode_obs(frame[wire.HEAD_SIZE :]) == obs


def test_hello_text_becomes_facts_and_configuration():
    hello = wire.decode_hello(bytes(24) + b"release=6.1.0\ncmdline=a=b c\n\0\x1f\x8b\0packed")

    assert hello.facts == {"release": "6.1.0", "cmdline": "a=b c"}
    assert hello.config_gz == b"\x1f\x8b\0packed"


def test_announced_frame_longer_than_any_is_an_error():
    with pytest.raises(wire.WireError, match="out of step"):
        wire.decode_head(b"\xff\xff\xff\xff\1\0\0\0")


def test_program_with_too_many_processes_is_refused_before_it_is_sent():
    program = compiled(mapping(), processes=[f"p{i}" for i in range(17)])

    with pytest.raises(wire.WireError, match="17 processes, the agent has room for 16"):
        wire.encode_run(program, 1000)


def test_call_with_a_missing_argument_is_refused():
    with pytest.raises(wire.WireError, match="load takes 3 arguments"):
        wire.encode_run(compiled(("load", 0, -1, (0, 0))), 1000)


def test_unsigned_values_travel_as_they_are():
    frame = wire.encode_run(compiled(("store", 0, -1, (0, 0, 8, 0, 0xDE5F_0000_0000_0000))), 1000)

    assert frame.endswith((0xDE5F_0000_0000_0000).to_bytes(8, "little"))


def test_forked_process_names_its_parent():
    frame = wire.encode_run(compiled(mapping(), fork(), load()), 1000)
    first = wire.HEAD_SIZE + 12

    assert frame[first : first + 2] == b"\xff\xff"
    assert frame[first + 24 : first + 26] == b"\0\0"
