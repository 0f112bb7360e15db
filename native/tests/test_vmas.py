# SPDX-License-Identifier: GPL-2.0-or-later
"""Is the text of smaps taken apart as it is written?"""

from native.vmas import Vma, parse_vmas

SMAPS = """\
1000008000-100000a000 rw-p 299a6000 00:05 2                              /dev/mem
Size:                  8 kB
Rss:                   4 kB
THPeligible:           0
VmFlags: rd wr mr mw me pf
ffffffffff600000-ffffffffff601000 --xp 00000000 00:00 0                  [vsyscall]
Size:                  4 kB
"""


def test_smaps_of_two_vmas():
    first, second = parse_vmas(SMAPS)

    assert first == Vma(
        0x1000008000, 0x100000A000, "rw-p", 0x299A6000, "/dev/mem",
        {"Size": 8, "Rss": 4, "THPeligible": 0}, ("rd", "wr", "mr", "mw", "me", "pf"),
    )  # fmt: skip
    assert (second.name, second.flags) == ("[vsyscall]", ())


def test_maps_have_no_fields():
    (vma,) = parse_vmas("00400000-00401000 r-xp 00000000 00:00 0 \n")

    assert (vma.name, vma.fields) == ("", {})


def test_name_with_spaces_stays_whole():
    (vma,) = parse_vmas("00400000-00401000 r-xp 00000000 00:00 7    /tmp/a b (deleted)\n")

    assert vma.name == "/tmp/a b (deleted)"


def test_no_text_is_no_vma():
    assert parse_vmas("") == []
