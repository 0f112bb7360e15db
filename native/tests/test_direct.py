# SPDX-License-Identifier: GPL-2.0-or-later
"""Do reads and writes past the page cache reach the program's memory?  Here, on UML, under QEMU, each with its disk."""

import errno

import pytest

from hwtests.kernels.cache import cached
from hwtests.kernels.errors import KernelError
from hwtests.kernels.guest_modules import modules_of
from hwtests.kernels.names import parse_name
from native.actor import Actor
from native.tests.guests import guest
from native.tests.programs import PAGE, fork, last, load, mapping, rss, run, store
from native.wire import Stage

VALUE = 0x4142434445464748


def booted(name: str):
    return pytest.param(name, marks=[pytest.mark.slow, pytest.mark.real])


@pytest.fixture(scope="module", params=["host", booted("uml:6.12"), booted("qemu:6.1-armhf")])
def link(request, tmp_path_factory, actor):
    if request.param == "host":
        yield actor
    elif request.param.startswith("uml"):
        disk = tmp_path_factory.mktemp("disk") / "disk"
        disk.write_bytes(bytes(1 << 16))
        with guest(request.param, devices=(f"ubd0={disk}",)) as agent:
            yield agent
    else:
        kernel = cached(parse_name(request.param))
        try:
            (brd,) = modules_of(kernel, ["brd"]) if kernel else (None,)
        except KernelError as error:
            pytest.skip(str(error))
        modules = {"brd.ko": brd.read_bytes(), "brd.ko.args": b"rd_nr=1 rd_size=64"} if brd else {}
        with guest(request.param, modules) as agent:
            yield agent


def write(byte: int, length: int = PAGE, *, process: int = 0, value: int = -1):
    return ("direct_write", process, value, (0, byte, length))


def read(byte: int, length: int = PAGE):
    return ("direct_read", 0, -1, (0, byte, length, 0, VALUE))


def test_what_was_written_is_on_the_disk(link):
    obs = last(link, mapping(2), store(8, 0x41), write(0, 2 * PAGE))

    assert (obs.stage, obs.ret) == (Stage.CALL, 2 * PAGE)
    assert obs.payload == bytes(8) + b"\x41" + bytes(2 * PAGE - 9)


def test_what_is_read_is_in_memory(link):
    *_, got, loaded, after = run(link, mapping(2), read(0), load(0, 8), load(PAGE, 8)).observations

    assert (got.stage, got.ret) == (Stage.CALL, PAGE)
    assert loaded.payload == VALUE.to_bytes(8, "little")
    assert after.payload == bytes(8)


def test_hole_is_a_fault(link):
    result = run(link, mapping(1), write(PAGE), read(PAGE))

    assert [o.ret for o in result.observations[1:]] == [-errno.EFAULT, -errno.EFAULT]


def test_disk_takes_no_part_of_its_block(link):
    assert last(link, mapping(1), write(0, 8)).ret == -errno.EINVAL


def test_nothing_of_the_agents_own_is_counted(link):
    result = run(link, mapping(2), store(0, 1), rss(), write(0), rss())

    assert result.observations[2].payload == result.observations[4].payload


def test_value_is_what_came_first(link):
    obs = last(link, mapping(1), store(0, VALUE, 8), write(0, value=0), ("store", 0, -1, (0, 64, 8, 1, 0)), load(64, 8))

    assert obs.payload == VALUE.to_bytes(8, "little")


def test_child_and_who_executes_have_it_too(link):
    result = run(
        link, fork(), ("exec", 1, -1, ()), mapping(1, process=1), store(0, 0x41, process=1), write(0, process=1)
    )

    assert result.observations[-1].payload[:1] == b"\x41"


def test_nothing_is_left_in_the_folder(tmp_path, monkeypatch):
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    with Actor() as own:
        obs = last(own, mapping(1), write(0))

    assert obs.stage == Stage.CALL
    assert not list(tmp_path.iterdir())
