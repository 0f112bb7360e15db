# SPDX-License-Identifier: GPL-2.0-or-later
"""Which kernels a program's promises are held against on `sim`."""

from __future__ import annotations

import pytest

from hwtests.language import parse
from hwtests.on_sim import result_on_sim
from hwtests.plan import Selected

TEXT = """pfn 1
needs dev.cow
{needs}region dev pages=4 fill=0x5a
process p
p: m = mmap dev private rw
p: store m[1] 0x41  # promise: ok{since} ; mm/memory.c do_wp_page()
"""


@pytest.mark.parametrize(
    ("needs", "since", "theme", "verdict"),
    [
        ("", "", "", "agree"),
        ("", "", "cow", "mismatch"),
        ("needs kernel>=2.6.14\n", "", "", "mismatch"),
        ("needs kernel>=2.6.15-rc3\n", "", "", "agree"),
        ("needs dev.no-struct-page\n", " since 2.6.15-rc3", "", "agree"),
    ],
)
def test_a_write_that_once_killed_is_seen_by_who_speaks_of_those_kernels(needs, since, theme, verdict):
    text = TEXT.format(needs=needs, since=since)
    if since:
        # The tags refuse the mapping.
        earlier = "died before 2.6.15-rc1, SIGSEGV since 2.6.15-rc1, died since 2.6.15-rc2+"
        text = text.replace("promise: ok", f"promise: {earlier}, ok")

    result, _ = result_on_sim(Selected("p", parse(text, "p.pfn"), theme, "none"), [])

    assert result.verdict == verdict
