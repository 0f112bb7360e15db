# SPDX-License-Identifier: GPL-2.0-or-later
"""A process goes through consecutive calls of its own by itself: is what it saw the same as call by call?"""

import pytest

from native.tests.programs import PAGE, compiled, fork, load, mapping, store
from native.wire import RunFlag, Stage

LONG = (mapping(4), *(call for i in range(60) for call in (store(i, i + 1), load(i))))
BIG = (
    mapping(4),
    *(call for i in range(20) for call in (store(PAGE * (i % 4), i + 1), load(PAGE * (i % 4), 0), load())),
)
TURNS = (
    mapping(1), store(0, 1), fork(), store(0, 2, process=1), load(process=1), load(), load(1), store(1, 3),
    load(1, process=1), ("mem_read", 0, -1, (1, 0, 0, 2)), load(-1), load(0), ("exit", 1, -1, (3,)),
    load(process=1), ("wait", 0, -1, (1,)), load(),
)  # fmt: skip


@pytest.mark.parametrize("calls", [LONG, BIG, TURNS], ids=["long", "big", "turns"])
def test_run_sees_what_single_calls_see(actor, calls):
    single, whole = (actor.run(compiled(*calls), flags=flags).observations for flags in (RunFlag.AT_ONCE, RunFlag(0)))

    def known(obs):  # a fork's result is a pid
        return [
            (o.call, o.stage, 0 if calls[o.call][0] in ("fork", "wait") else o.ret, o.address, o.payload) for o in obs
        ]

    assert known(whole) == known(single)
    assert [o.call for o in whole] == list(range(len(calls)))


def test_observations_that_no_log_holds_end_a_run_and_not_the_program(actor):
    obs = actor.run(compiled(*BIG)).observations

    assert [o.payload[0] for o in obs[2::3]] == [i + 1 for i in range(20)]
    assert {o.stage for o in obs} == {Stage.CALL}
