# SPDX-License-Identifier: GPL-2.0-or-later
"""Does the controller survive an agent that falls silent, ends or talks nonsense?  The test plays the agent."""

import os
import socket
import threading

import pytest

from native import wire
from native.channel import AgentLink, AgentLost, Channel
from native.tests.programs import compiled, load, mapping
from native.wire import From, RawObs, Stage

READY = wire.encode_frame(From.READY)
OBS = wire.encode_obs(RawObs(0, Stage.CALL, 0))
DONE = wire.encode_frame(From.DONE, bytes(16))


@pytest.fixture
def ends():
    """(link, the agent's socket)."""
    ours, theirs = socket.socketpair()
    link = AgentLink(Channel(ours.detach()))
    yield link, theirs
    link.close()
    theirs.close()


def test_agent_that_never_speaks_is_lost_in_time(ends):
    link, _ = ends

    with pytest.raises(AgentLost, match="fell silent"):
        link.hello(0.01)


def test_agent_that_ends_before_it_speaks_is_lost(ends):
    link, agent = ends
    agent.close()

    with pytest.raises(AgentLost, match="ended"):
        link.hello(5)


def test_agent_of_another_protocol_is_refused(ends):
    link, agent = ends
    agent.sendall(READY + wire.encode_frame(From.HELLO, (99).to_bytes(4, "little") + bytes(20)))

    with pytest.raises(AgentLost, match="protocol 99, this is 1"):
        link.hello(5)


def test_observations_before_the_end_are_kept(ends):
    link, agent = ends
    agent.sendall(OBS + OBS[:20])
    agent.shutdown(socket.SHUT_WR)

    with pytest.raises(AgentLost) as caught:
        link.run(compiled(mapping(), load()), 1000)
    assert [o.call for o in caught.value.observations] == [0]


def test_agents_own_failure_is_quoted(ends):
    link, agent = ends
    agent.sendall(OBS + wire.encode_frame(From.LOST, b"RUN: malformed call"))

    with pytest.raises(AgentLost, match="the agent says: RUN: malformed call"):
        link.run(compiled(mapping()), 1000)


def test_frame_that_does_not_belong_there_is_told(ends):
    link, agent = ends
    agent.sendall(READY)

    with pytest.raises(AgentLost, match="expected a frame REGION, got 7"):
        link.region(0, wire.Kind.PERF, timeout=5)


def test_stream_out_of_step_is_told(ends):
    link, agent = ends
    agent.sendall(b"\xff" * 8)

    with pytest.raises(AgentLost, match="out of step"):
        link.hello(5)


@pytest.mark.parametrize(
    "frame", [OBS[:8] + b"", wire.encode_frame(From.OBS, b"short"), wire.encode_frame(From.DONE, b"")]
)
def test_malformed_frame_is_told(ends, frame):
    link, agent = ends
    agent.sendall(frame)
    agent.shutdown(socket.SHUT_WR)

    with pytest.raises(AgentLost):
        link.run(compiled(mapping()), 1000)


def test_stage_that_nobody_knows_is_no_frame(ends):
    link, agent = ends
    agent.sendall(wire.encode_frame(From.OBS, b"\0\0\x63" + bytes(41)))

    with pytest.raises(AgentLost, match="no frame: 99 is not a valid Stage"):
        link.run(compiled(mapping()), 1000)


def test_program_that_does_not_fit_is_the_callers_error(ends):
    link, _ = ends

    with pytest.raises(wire.WireError):
        link.run(compiled(mapping(), processes=["p"] * 17), 1000)


def test_bytes_that_trickle_make_whole_frames(ends):
    link, agent = ends

    def trickle():
        for byte in OBS + DONE:
            agent.send(bytes([byte]))

    sender = threading.Thread(target=trickle)
    sender.start()
    result = link.run(compiled(mapping()), 1000)
    sender.join()

    assert len(result.observations) == 1
    assert result.klog == ()


def test_channel_of_two_descriptors_reads_one_and_writes_the_other():
    reading, feed = os.pipe()
    sink, writing = os.pipe()
    channel = Channel(reading, writing)
    os.write(feed, b"in")
    channel.write(b"out", 1)

    assert channel.read(10, 1) == b"in"
    assert os.read(sink, 10) == b"out"
    channel.close()
    os.close(feed)
    os.close(sink)


def test_quit_of_an_agent_that_is_gone_says_nothing(ends):
    link, agent = ends
    agent.close()

    link.quit()
