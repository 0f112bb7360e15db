# SPDX-License-Identifier: GPL-2.0-or-later
"""Does the agent build without a warning, small and static, and say what is missing when it cannot?"""

import shutil
import subprocess

import pytest

from native import agent, agent_build
from native.agent_build import COMPILERS, FREESTANDING, HERE, SOURCES, WARNINGS, NoAgent


@pytest.mark.slow
@pytest.mark.parametrize("arch", COMPILERS)
def test_no_warning(tmp_path, arch):
    compiler, _, options = COMPILERS[arch]
    if shutil.which(compiler) is None:
        pytest.skip(f"needs {compiler}; found no such command; cure: apt-get install {COMPILERS[arch][1][0]}")
    sources = [str(HERE / f"{name}.c") for name in SOURCES]
    command = [compiler, *WARNINGS, "-Werror", *FREESTANDING, *sources, *options, "-o", tmp_path / "agent"]
    subprocess.run(command, check=True)

    assert (tmp_path / "agent").stat().st_size < 72 * 1024


def test_every_c_file_is_part_of_the_agent():
    assert {path.stem for path in HERE.glob("*.c")} - {"_ops"} == set(SOURCES)


def test_agent_is_static():
    assert b"/lib64/ld-linux" not in agent.agent_binary("x86_64").read_bytes()


def test_agent_says_how_it_is_called():
    done = subprocess.run([agent.agent_binary("x86_64")], capture_output=True, text=True, check=False)

    assert (done.returncode, done.stderr) == (2, "usage: agent fd=N (as init: pfnlab.channel=DEVICE)\n")


def test_other_architecture_is_said_not_to_be_there():
    with pytest.raises(NoAgent) as caught:
        agent.agent_binary("s390x")

    assert (caught.value.needs, caught.value.found) == ("an agent for s390x", "agents for x86_64, armv7l only")


def test_without_a_compiler_the_cure_is_the_compiler(monkeypatch, tmp_path):
    monkeypatch.setenv("PFNLAB_CACHE", str(tmp_path))
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(agent, "HERE", tmp_path)

    with pytest.raises(NoAgent, match="apt-get install gcc"):
        agent.agent_binary("x86_64")


def test_compiler_that_fails_is_quoted(monkeypatch, tmp_path):
    fake = tmp_path / "gcc"
    fake.write_text("#!/bin/sh\necho 'asm/unistd.h: No such file' >&2\nexit 1\n")
    fake.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")

    with pytest.raises(NoAgent, match=r"asm/unistd\.h: No such file"):
        agent_build.build_agent("x86_64", tmp_path / "out" / "agent")
