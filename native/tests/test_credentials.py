# SPDX-License-Identifier: GPL-2.0-or-later
"""Does a process of a program become what its options say?  Needs root to become anything else."""

import errno
import os

import pytest

from native.tests.programs import PAGE, compiled, counters, mapping, rss, store
from native.wire import Kind, ProcessOptions, Stage

pytestmark = pytest.mark.skipif(os.getuid() != 0, reason="needs uid 0; found another; cure: run as root")

LOCK = ("mlock", 0, -1, (0, 0, -1, 0))
CAP_IPC_LOCK, CAP_SYS_ADMIN = 14, 21


def observe(actor, option, *calls):
    return actor.run(compiled(*calls), options={"p": option}).observations


def test_memlock_limit_binds_a_process_without_the_capability(actor):
    option = ProcessOptions(uid=65534, memlock=PAGE)

    assert observe(actor, option, mapping(2), LOCK)[1].ret == -errno.ENOMEM
    assert observe(actor, option, mapping(1), LOCK)[1].ret == 0


def test_memlock_limit_does_not_bind_root(actor):
    assert observe(actor, ProcessOptions(memlock=0), mapping(2), LOCK)[1].ret == 0


def test_dropped_capability_is_gone(actor):
    option = ProcessOptions(drop_caps=1 << CAP_IPC_LOCK, memlock=0)

    assert observe(actor, option, mapping(2), LOCK)[1].ret == -errno.EPERM


def test_another_uid_opens_with_its_own_rights(actor, tmp_path):
    path = tmp_path / "secret"
    path.write_bytes(b"x")
    path.chmod(0o600)
    actor.region(0, Kind.FILE, str(path), pages=1)

    assert observe(actor, ProcessOptions(uid=65534), ("open", 0, 0, (0, os.O_RDONLY)))[0].ret == -errno.EACCES
    assert observe(actor, ProcessOptions(), ("open", 0, 0, (0, os.O_RDONLY)))[0].ret >= 0


def test_another_uid_can_read_its_own_proc_files(actor):
    calls = (mapping(2), store(0, 1), ("pagemap", 0, -1, (0, 0, -1)), ("smaps", 0, -1, (0,)), rss())
    pagemap, smaps, count = observe(actor, ProcessOptions(uid=65534), *calls)[2:]

    assert pagemap.stage == smaps.stage == Stage.CALL
    assert int.from_bytes(pagemap.payload[:8], "little") & ((1 << 55) - 1) == 0  # pfns are hidden without CAP_SYS_ADMIN
    assert counters(count) == (1, 0, 2, 0)


def test_pfns_are_shown_to_root(actor):
    observed = observe(actor, ProcessOptions(), mapping(1), store(0, 1), ("kpagecount", 0, -1, (1, 0, 0, -1)))[2]

    assert int.from_bytes(observed.payload, "little") == 1
