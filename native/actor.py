# SPDX-License-Identifier: GPL-2.0-or-later
"""How do programs run on this machine's own kernel?  `Actor` starts the agent as an ordinary process."""

from __future__ import annotations

import os
import socket
import subprocess
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType

from native.agent import agent_binary
from native.channel import AgentLink, Channel
from native.wire import Hello


class Actor(AgentLink):
    """The agent on this machine, as this user. A context manager; `close()` leaves no process behind.

    `launcher` is put before the agent's command (to set limits or a filter first); it must keep the descriptor open.
    Raises `NoAgent` without an agent and a compiler, `AgentLost` when it does not start.
    """

    hello_seen: Hello

    def __init__(self, *, agent: Path | None = None, launcher: Sequence[str] = ()) -> None:
        ours, theirs = socket.socketpair()
        with theirs:
            fd = theirs.fileno()
            command = [*launcher, str(agent or agent_binary(os.uname().machine)), f"fd={fd}"]
            self._process = subprocess.Popen(command, pass_fds=[fd], stdin=subprocess.DEVNULL, start_new_session=True)
        super().__init__(Channel(ours.detach()))
        try:
            self.hello_seen = self.hello(10.0)
        except BaseException:
            self.close()
            raise

    @property
    def pid(self) -> int:
        """The agent's process id; the processes of programs are its children."""
        return self._process.pid

    def close(self) -> None:
        """Ends the agent: it ends its own processes when the stream closes, and is killed if it does not."""
        if self._process.returncode is not None:
            return
        super().close()
        try:
            self._process.wait(5)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def __enter__(self) -> Actor:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
