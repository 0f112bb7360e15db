# SPDX-License-Identifier: GPL-2.0-or-later
"""Are the normal forms of docs/internals.md written as that page says?"""

import pytest

from hwtests import forms

PAGE = 4096
NAMES = forms.PfnNames((("dev", 0x100, 4),))


@pytest.mark.parametrize(
    ("data", "text"),
    [
        (b"\x41", "0x41"),
        (b"\x41\x00", "0x41"),
        (b"\x01\x02\x03\x04", "0x4030201"),
        (bytes(8), "0x0"),
        (b"\x41\x5a\x5a", "0x41 0x5a*2"),
        (b"\x41" + b"\x5a" * 4095, "0x41 0x5a*4095"),
        (bytes(4096), "0x0*4096"),
        (bytes(range(16)), " ".join(map(hex, range(16)))),
    ],
)
def test_values_are_numbers_or_runs(data, text):
    assert text == forms.value_text(data)


def test_more_than_sixteen_runs_are_a_hash():
    assert forms.value_text(bytes(range(17))).startswith("sha256:")


def test_an_address_before_the_start_has_a_negative_page():
    assert forms.address_text("m", -8, PAGE) == "m[-1]+0xff8"
    assert forms.address_text("m", 4 * PAGE, PAGE) == "m[4]"


def test_a_size_is_pages_unless_it_is_no_whole_number_of_them():
    assert (forms.size_value(8, PAGE), forms.size_value(2, PAGE)) == (2, "2kB")


def test_offset_is_a_region_page_only_when_it_is_that_pfn():
    assert NAMES.offset(0x101 * PAGE, PAGE) == "dev[1]"
    assert NAMES.offset(0x104 * PAGE, PAGE) == "0x104000"


def test_pagemap_entries_name_the_page():
    assert forms.pagemap_entry_text(0, NAMES) == "none"
    assert forms.pagemap_entry_text(1 << 55, NAMES) == "soft-dirty"
    assert forms.pagemap_entry_text(1 << 63 | 1 << 61 | 0x102, NAMES) == "present file dev[2]"
    assert forms.pagemap_entry_text(1 << 63, NAMES) == "present hidden"
    assert forms.pagemap_entry_text(1 << 63 | 1 << 56 | 0x999, NAMES) == "present excl anon"


def test_wait_status_tells_exit_from_signal():
    assert (forms.status_text(3 << 8), forms.status_text(9)) == ("exit 3", "signal SIGKILL")


def test_si_codes_are_named_by_their_signal():
    assert (
        forms.code_name(11, 2), forms.code_name(7, 2), forms.code_name(11, 0x80),
    ) == ("SEGV_ACCERR", "BUS_ADRERR", "SI_KERNEL")  # fmt: skip


def test_page_flags_without_a_name_keep_their_bit():
    assert forms.kpageflags_text(1 << 12 | 1 << 57) == "anon bit57"
    assert forms.kpageflags_text(forms.NO_PFN) is None


@pytest.mark.parametrize(
    ("said", "written"),
    [
        ("[mem 0x7000-0x7fff]", "[mem dev[2]]"),
        ("[mem 0x6000-0x7fff]", "[mem dev[1:3]]"),
        ("[mem 0x7000-0x9fff]", "[mem 0x7000-0x9fff]"),  # past the region's end
        ("[mem 0x7000-0x7ffe]", "[mem 0x7000-0x7ffe]"),  # no whole page
        ("[mem 0x1000-0x1fff]", "[mem 0x1000-0x1fff]"),
    ],
)
def test_a_range_of_a_region_in_the_kernels_log_is_told_by_its_pages(said, written):
    names = forms.PfnNames((("dev", 5, 4),))
    line = "x86/PAT: agent:12 freeing invalid memtype {}"
    assert names.log(line.format(said), 4096) == line.format(written)
