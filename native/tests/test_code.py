# SPDX-License-Identifier: GPL-2.0-or-later
"""Is code called that a program put into its memory, and what if it may not be, or is none?  Here, on UML, on ARM."""

import signal

import pytest

from native.channel import AgentLink
from native.tests.guests import guest
from native.tests.programs import PAGE, R, W, last, load, mapping, run, store
from native.wire import Stage

X = 4
MAPERR, ACCERR = 1, 2
#: Machine -> code that returns.
RETURN = {"x86_64": 0xC3, "armv7l": 0xE12FFF1E}


def booted(name: str):
    return pytest.param(name, marks=[pytest.mark.slow, pytest.mark.real])


@pytest.fixture(scope="module", params=["host", booted("uml:6.12"), booted("qemu:6.1-armhf")])
def link(request, actor):
    if request.param == "host":
        yield actor
        return
    with guest(request.param) as agent:
        yield agent


def code(link: AgentLink, prot: int = R | W | X):
    return [
        mapping(2, prot=R | W | X),
        store(64, RETURN[link.hello().facts["machine"]], 4),
        ("mprotect", 0, -1, (0, 0, -1, prot)),
    ]


def called(byte: int):
    return ("call", 0, -1, (0, byte))


def test_code_is_called_and_returns(link):
    *_, obs, loaded = run(link, *code(link), called(64), load(64)).observations

    assert (obs.stage, obs.ret) == (Stage.CALL, 0)
    assert loaded.stage == Stage.CALL


def test_page_that_is_not_executable_is_an_access_error_but_not_on_uml(link):
    obs = last(link, *code(link, R), called(64))

    if link.hello().facts["arch"] == "um":  # pte_exec() of arch/um/include/asm/pgtable.h is true of all that is mapped
        assert (obs.stage, obs.ret) == (Stage.CALL, 0)
        return
    assert (obs.stage, obs.signal, obs.code) == (Stage.FAULT, signal.SIGSEGV, ACCERR)
    assert obs.address - obs.handle_address == 64


def test_call_into_a_hole_faults_there(link):
    obs = last(link, mapping(1), called(PAGE))

    assert (obs.stage, obs.signal, obs.code, obs.address - obs.handle_address) == (
        Stage.FAULT,
        signal.SIGSEGV,
        MAPERR,
        PAGE,
    )


def test_code_that_is_none_does_no_harm(link):
    faulted, loaded = run(link, mapping(2, prot=R | W | X), called(0), load(0)).observations[1:]

    assert faulted.stage == Stage.FAULT
    assert loaded.payload == b"\0"
