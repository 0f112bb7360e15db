# SPDX-License-Identifier: GPL-2.0-or-later
"""Does the agent for 32-bit ARM say what the kernel says, with 64-bit numbers where the wire has them?"""

import errno
import signal
import struct

import pytest

from native.tests.guests import guest
from native.tests.programs import PAGE, compiled, counters, fork, last, load, mapping, rss, run, store
from native.wire import Kind, ProcessOptions, RegionStage, Stage

pytestmark = [pytest.mark.slow, pytest.mark.real]

ARENA = 0x10000000
PLACE = ARENA + 8 * PAGE
WORD = 0xDE5F_1234_89AB_CDEF


@pytest.fixture(scope="module")
def link():
    with guest("qemu:6.1-armhf") as link:
        yield link


def test_hello_names_the_machine_and_its_arena(link):
    hello = link.hello()

    assert hello.facts["machine"] == "armv7l"
    assert int(hello.facts["arena"], 16) == ARENA


def test_every_width_is_loaded_and_stored(link):
    for width in (1, 2, 4, 8):
        obs = last(link, mapping(1), store(8, WORD, width), load(8, 8))

        assert obs.payload == struct.pack("<Q", WORD & (1 << 8 * width) - 1)


def test_fault_has_its_address_and_code(link):
    obs = last(link, mapping(1), load(-1))

    assert (obs.stage, obs.signal, obs.code, obs.address) == (Stage.FAULT, signal.SIGSEGV, 1, PLACE - 1)


def test_last_byte_of_memory_is_the_same_as_everywhere(link):
    obs = last(link, ("load", 0, -1, (-1, -1, 1)))

    assert (obs.stage, obs.address) == (Stage.FAULT, (1 << 64) - 1)


def test_mapping_in_the_upper_half_is_no_error(link):
    mapped, loaded = run(link, ("mmap", 0, 0, (0, 0, 3, 2, -1, 0, PAGE, 0)), load(0)).observations

    assert mapped.ret == mapped.handle_address > 1 << 31
    assert loaded.payload == b"\0"


def test_eight_bytes_are_peeked_and_poked_as_two_words(link):
    peek, poke = ("peekdata", 0, 0, (1, 0, 8)), ("pokedata", 0, -1, (1, 0, 8, 0, ~WORD & (1 << 64) - 1))
    *_, peeked, poked, loaded = run(
        link, mapping(1), store(8, WORD, 8), fork(), peek, poke, load(8, 8, process=1)
    ).observations

    assert peeked.payload == struct.pack("<Q", WORD)
    assert poked.ret == 0
    assert loaded.payload == struct.pack("<Q", ~WORD & (1 << 64) - 1)


def test_word_over_the_end_is_peeked_by_neither_word(link):
    obs = last(link, mapping(1), fork(), ("peekdata", 0, 0, (1, 0, PAGE - 4)))

    assert (obs.stage, obs.ret, obs.payload) == (Stage.CALL, -errno.EIO, b"")


@pytest.mark.parametrize("verb", ["mem_read", "vm_readv"])
def test_memory_of_another_process_is_read(link, verb):
    obs = last(link, mapping(1), store(8, WORD, 8), fork(), (verb, 0, 0, (1, 0, 0, 16)))

    assert obs.payload == struct.pack("<QQ", 0, WORD)


def test_counters_count_what_the_program_has(link):
    result = run(link, rss(), mapping(4), store(0, 0x41), fork(), store(0, 0x42, process=1), rss(), rss(1))

    assert [counters(result.observations[i]) for i in (0, 5, 6)] == [(0, 0, 0, 0), (1, 0, 4, 0), (1, 0, 4, 0)]


def test_pagemap_tells_frames(link):
    obs = last(link, mapping(2), store(0, 0x41), ("pagemap", 0, -1, (0, 0, -1)))
    there, hole = struct.unpack("<2Q", obs.payload)

    assert there >> 63 == 1
    assert (there & (1 << 55) - 1) * PAGE >= 0x40000000  # where the machine's memory begins
    assert hole == 0


@pytest.mark.parametrize(
    "call",
    [
        ("load", 0, -1, (-1, 1 << 33, 1)),
        ("munmap", 0, -1, (0, 0, 1 << 33)),
        ("mmap", 0, 1, (0, 0, 3, 0x12, -1, 1 << 33, PAGE, 0)),
    ],
)
def test_number_that_the_machine_does_not_have_is_refused_and_harms_nothing(link, call):
    _, _, refused, loaded = run(link, mapping(1), store(0, 0x41), call, load(0)).observations

    assert (refused.stage, refused.ret) == (Stage.REFUSED, -errno.EOVERFLOW)
    assert loaded.payload == b"\x41"


def test_offset_past_four_gigabytes_reaches_the_kernel(link):
    answer = link.region(0, Kind.DEVMEM, "/dev/mem", base=1 << 40, pages=1)
    obs = last(link, ("mmap", 0, 0, (1, 0, 1, 0x11, -3, 8 * PAGE, PAGE, 0)))

    assert (answer.ret, answer.pfn) == (0, 1 << 28)
    assert obs.ret == -errno.EINVAL  # arch/arm/mm/mmap.c valid_mmap_phys_addr_range()


def test_packet_ring_is_a_region_as_everywhere(link):
    answer = link.region(0, Kind.PACKET, pages=4)
    obs = last(link, ("map", 0, 0, (0, -3, 8 * PAGE, 0)), store(0, 0x41), load(0))

    assert (answer.ret, answer.stage) == (0, RegionStage.FINE)
    assert obs.payload == b"\x41"


def test_process_becomes_who_the_program_wants(link):
    options = {"p": ProcessOptions(uid=65534, memlock=PAGE)}
    program = compiled(mapping(2), ("mlock", 0, -1, (0, 0, -1, 0)), ("mlock", 0, -1, (0, 0, PAGE, 0)))
    _, too_much, enough = link.run(program, options=options).observations

    assert (too_much.ret, enough.ret) == (-errno.ENOMEM, 0)


def test_locking_everything_counts_what_the_program_has(link):
    lock = ("mlockall", 0, -1, (3,))
    result = run(link, mapping(4), store(0, 1), lock, rss(), ("munlockall", 0, -1, ()), rss())

    assert [counters(result.observations[i]) for i in (3, 5)] == [(4, 0, 4, 4), (4, 0, 4, 0)]


def test_core_of_32_bits_is_read(link):
    obs = last(link, mapping(1), store(0, 0x41), ("coredump", 0, -1, (0, 0x33)))

    assert (obs.stage, obs.signal) == (Stage.DIED, signal.SIGABRT)
    assert struct.unpack_from("<4Q", obs.payload) == (PLACE, PAGE, PAGE, 6)
    assert obs.payload[32:34] == b"\x41\0"


def test_agent_executes_itself(link):
    result = run(link, mapping(1), store(0, 5), rss(), ("exec", 0, -1, ()), rss(), load(0))

    assert counters(result.observations[4]) == (0, 0, 0, 0)
    assert result.observations[5].stage == Stage.FAULT


@pytest.mark.parametrize(
    ("call", "ret"),
    [
        (("mseal", 0, -1, (0, 0, -1)), -errno.ENOSYS),
        (("pagemap_scan", 0, -1, (0, 0, -1)), -errno.ENOTTY),
        (("process_madvise", 0, -1, (0, 0, 0, -1, 20)), PAGE),
        (("futex_wait", 0, -1, (0, 0, 0, 0, 0)), -errno.ETIMEDOUT),
        (("futex_wait", 0, -1, (0, 0, 0, 1, 1)), -errno.EAGAIN),
        (("remap_file_pages", 0, -1, (0, 0, -1, 0, 0)), -errno.EINVAL),
        (("read_zero", 0, -1, (0, 8, 100)), 100),
        (("clear_refs", 0, -1, (1,)), 0),
        (("rollup", 0, -1, ()), None),
    ],
)
def test_call_beyond_is_answered(link, call, ret):
    link.region(0, Kind.FILE, "/init", flags=1, pages=1)
    obs = last(link, mapping(1), call)

    assert obs.stage == Stage.CALL
    assert obs.ret == ret or (ret is None and b"\0" in obs.payload)
