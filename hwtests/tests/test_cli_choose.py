# SPDX-License-Identifier: GPL-2.0-or-later
"""On which targets a run goes that names none, and that it says why."""

from __future__ import annotations

import pytest

from hwtests.cli import choose


@pytest.mark.parametrize(
    ("usable", "copied", "uml", "names", "last"),
    [
        (["x"], ["x"], "uml:6.1", ["host"], "on host: it offers x"),
        (["x"], [], "uml:6.1", ["host", "uml:6.1"], "on uml:6.1: none of the host's regions can be copied on write"),
        ([], [], "uml:6.1", ["uml:6.1"], "on uml:6.1: the host offers no region"),
        (["x"], [], "", ["host", "sim"], "on sim: there is no User-Mode Linux kernel"),
        ([], [], "", ["sim"], "on sim: there is neither a region of the host nor a User-Mode Linux kernel"),
    ],
)
def test_a_run_that_names_no_target_takes_what_there_is(monkeypatch, usable, copied, uml, names, last):
    said: list[str] = []
    monkeypatch.delenv("PFNLAB_TARGET", raising=False)
    monkeypatch.setattr(choose, "_host_regions", lambda say, dry: (usable, copied))
    monkeypatch.setattr(choose, "_uml", lambda say: uml)

    assert choose.default_names(said.append) == names
    assert said[-1] == last
