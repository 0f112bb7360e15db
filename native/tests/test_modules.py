# SPDX-License-Identifier: GPL-2.0-or-later
"""Does a guest load the modules that its archive has, and tell how it went?"""

import errno

import pytest

from native.tests.guests import guest
from native.tests.programs import load, mapping, run, store

pytestmark = [pytest.mark.slow, pytest.mark.real]


def test_what_is_no_module_is_told_and_the_guest_runs_on():
    files = {"20-b.ko": b"garbage", "10-a.ko": b"\x7fELF", "10-a.ko.args": b"x=1\n", "README": b"no module"}
    with guest("qemu:6.1-amd64", files) as link:
        hello = link.hello()
        loaded = run(link, mapping(1), store(0, 0x41), load(0)).observations[-1]

    assert list(hello.modules.items()) == [("10-a.ko", -errno.ENOEXEC), ("20-b.ko", -errno.ENOEXEC)]
    assert loaded.payload == b"\x41"
