# SPDX-License-Identifier: GPL-2.0-or-later
# ruff: noqa: E501 - a case a line reads better than one wrapped
"""What is wrong with a program is said in one line: where, what, and what was expected."""

from __future__ import annotations

import pytest

from hwtests.language import ProgramError, parse

HEAD = "pfn 1\nregion dev pages=4\nprocess p\n"
MAPPED = HEAD + "p: m = mmap dev private rw\n"  # the next line is line 5

WRONG = [
    ("", "1:1: no header, expected 'pfn 1'"),
    ("# only a comment\n", "1:1: no header, expected 'pfn 1'"),
    ("region dev\n", "1:1: unexpected 'region' before the header, expected 'pfn 1'"),
    ("pfn\n", "1:4: line ends, expected the version of the language"),
    ("pfn 2\n", "1:5: version 2 of the language is unknown, expected 1"),
    ("pfn 1\npfn 1\n", "2:1: second 'pfn', expected only the one in line 1"),
    ("pfn 1\r\n", "1:6: carriage return, expected lines that end in a line feed only"),
    ("pfn 1\n\tend\n", "2:1: tab, expected spaces"),
    ("pfn 1\nend \x00\n", "2:5: control character U+0000, expected text"),
    ("\ufeffpfn 1\n", "1:1: control character U+FEFF, expected text"),
    ("pfn 1\nrégion dev\n", "2:2: character 'é' outside a comment, expected ASCII letters, digits and marks"),
    ("pfn 1\n# \udc80\n", "2:3: not UTF-8, expected text in UTF-8"),
    ("pfn 1\n" + "#" * 1001 + "\n", "2:1001: line too long, expected at most 1000 characters"),
    ("pfn 1\n" + "\n" * 20000, "20001:1: 20001 lines, expected at most 20000"),
    ("pfn 1\n" + "#\n" * (1 << 19), "1:1: text of 1048582 characters, expected at most 1048576"),
    ("pfn 1\nregoin dev\n", "2:1: unknown statement 'regoin' (did you mean 'region'?), expected"),
    ("pfn 1\nrule Cow\n", "2:6: 'Cow' is no rule, expected lower-case words"),
    ("pfn 1\nrule a.b c\n", "2:10: 'c' is no rule, expected lower-case words"),
    ("pfn 1\nrule a.b a.b\n", "2:10: rule 'a.b' given twice, expected it once"),
    ("pfn 1\nrule a.b\nrule a.c\n", "3:1: second 'rule', expected only the one in line 2"),
    ("pfn 1\nhazard mild\n", "2:8: unknown hazard 'mild', expected 'none', 'taints', 'leaks' or 'may-oops'"),
    ("pfn 1\nhazard none\nhazard none\n", "3:1: second 'hazard', expected only the one in line 2"),
    ("pfn 1\nneeds\n", "2:6: line ends, expected a condition, like dev.cow or kernel>=5.14"),
    ("pfn 1\nregion dev\nneeds dev.cwo\n", "3:7: unknown trait 'cwo' (did you mean 'cow'?), expected"),
    ("pfn 1\nregion dev\nneeds kernel>5\n", "3:7: unknown condition 'kernel>5', expected"),
    ("pfn 1\nneeds uid=0 div.cow\nregion dev\n", "2:13: 'div' is no region (did you mean 'dev'?), expected one"),
    ("pfn 1\nwatch rsss\n", "2:7: 'rsss' cannot be watched (did you mean 'rss'?), expected"),
    ("pfn 1\nwatch rss rss\n", "2:11: 'rss' is watched already, expected it once"),
    ("pfn 1\nregion dev\nregion dev\n", "3:8: 'dev' is declared already, as a region, expected another name"),
    ("pfn 1\nregion load\n", "2:8: 'load' is a word of the language, expected another name"),
    ("pfn 1\nregion dev page=4\n", "2:12: unknown option 'page' (did you mean 'pages'?), expected 'pages' or 'fill'"),
    ("pfn 1\nregion dev pages=0\n", "2:18: 0 is out of range, expected a number of pages from 1 to 1048576"),
    ("pfn 1\nregion dev fill=256\n", "2:17: 256 is out of range, expected a byte or 'pattern' from 0 to 255"),
    ("pfn 1\nregion dev fill=1 fill=2\n", "2:19: option 'fill' given twice, expected it once"),
    ("pfn 1\nprocess p drop=sys_admn\n", "2:16: unknown capability 'sys_admn' (did you mean 'sys_admin'?), expected"),
    ("pfn 1\nprocess p uid=4294967295\n", "2:15: 4294967295 is out of range, expected a user id from 0 to 4294967294"),
    (HEAD + "repeat 0\n", "4:8: 0 is out of range, expected a number of times from 1 to 10000"),
    (HEAD + "repeat 2\n", "4:1: 'repeat' without 'end', expected 'end' after what it repeats"),
    (HEAD + "end\n", "4:1: 'end' without 'repeat', expected 'repeat N' before it"),
    (HEAD + "repeat 2\n" * 9, "12:1: 'repeat' 9 deep, expected at most 8"),
    (HEAD + "repeat 10000\n" * 2 + "p: rss\n", "6:1: 100000000 operations with 'repeat' expanded, expected at most 60000"),
    (HEAD + "m = mmap dev private rw\n", "4:5: 'mmap' without a process, expected 'NAME:' before it"),
    (HEAD + "p: mmap dev private rw\n", "4:4: 'mmap' without a name for what it gives, expected 'NAME =' before it"),
    (HEAD + "p: m = mmap dve private rw\n", "4:13: 'dve' is not defined (did you mean 'dev'?), expected a region or descriptor"),
    (HEAD + "p: m = mmap dev rw\n", "4:17: unexpected 'rw', expected sharing: 'private' or 'shared'"),
    (HEAD + "p: m = mmap dev private wr\n", "4:25: unexpected 'wr', expected prot: "),
    (HEAD + "p: m = mmap dev private rw lockd\n", "4:28: 'mmap' has no option 'lockd' (did you mean 'locked'?), expected"),
    (HEAD + "p: m = mmap dev private rw locked=1\n", "4:34: 'locked' takes no value, expected a space"),
    (HEAD + "p: m = mmap dev private rw pages\n", "4:33: line ends, expected '=' and a value for 'pages'"),
    (HEAD + "p: m = mmap dev private rw pages=9999999\n", "4:34: 9999999 is out of range, expected a number for 'pages' from 0"),
    (HEAD + "p: m = mmap dev private rw at=n\n", "4:31: 'n' is not defined, expected a mapping"),
    (HEAD + "p: p = mmap dev private rw\n", "4:4: 'p' is a process already, expected another name for a mapping"),
    (HEAD + "q: rss\n", "4:1: 'q' is not defined, expected a process"),
    (HEAD + "p: lod m[1]\n", "4:4: unknown operation 'lod' (did you mean 'load'?), expected one of"),
    (HEAD + "p: load m[1]\n", "4:9: 'm' is not defined, expected a mapping"),
    (HEAD + "p: peek dev[0]\n", "4:1: 'peek' is done from outside, expected no process before it"),
    ("pfn 1\nregion dev\nv = peek dev[0]\n", "3:1: no process to keep 'v' for, expected 'process NAME' above"),
    (MAPPED + "p: load dev[1]\n", "5:9: 'dev' is a region, expected a mapping"),
    (MAPPED + "p: load m[1:2]\n", "5:12: a range where one address is meant, expected ']'"),
    (MAPPED + "p: load m[1\n", "5:12: line ends, expected ']'"),
    (MAPPED + "p: load m[x]\n", "5:11: unexpected 'x', expected a page number"),
    (MAPPED + "p: load m[9999999]\n", "5:11: 9999999 is out of range, expected a page number from -1048576 to 1048576"),
    (MAPPED + "p: load\n", "5:8: line ends, expected an address: a mapping or a number"),
    (MAPPED + "p: load 12ab\n", "5:9: '12ab' is not a number, expected digits"),
    (MAPPED + "p: load m[1] $\n", "5:14: unexpected character '$', expected a name"),
    (MAPPED + "p: store m[1]\n", "5:14: line ends, expected a value: a number or the name of one"),
    (MAPPED + "p: store m[1] v\n", "5:15: 'v' is not defined, expected a value"),
    (MAPPED + "p: store m[1] 0x10000000000000000\n", "5:15: 0x10000000000000000 is out of range, expected a value"),
    (MAPPED + "p: store m[1] 1 2\n", "5:17: unexpected '2', expected the end of the line"),
    (MAPPED + "p: v = store m[1] 1\n", "5:4: 'store' gives nothing that can be named, expected no 'v ='"),
    (MAPPED + "p: munmap m[3:1]\n", "5:15: range ends at page 1, before it starts, expected 3 or more"),
    (MAPPED + "p: munmap m len=1 len=2\n", "5:19: option 'len' given twice, expected it once"),
    (MAPPED + "p: madvise m dontned\n", "5:14: unexpected 'dontned', expected advice: "),
    (MAPPED + "p: madvise m 100\n", "5:14: advice 100 would poison a page of the machine, expected another"),
    (MAPPED + "p: mremap m to=m[8]\n", "5:20: 'to=' without 'fixed', expected 'fixed' or 'dontunmap' too"),
    (MAPPED + "p: p = fork\n", "5:4: 'p' is there from the start, expected another name for a child"),
    (MAPPED + "p: q = fork\np: q = fork\n", "6:4: 'q' is forked already and did not exit, expected 'exit' of it"),
    (MAPPED + "repeat 2\np: q = fork\nend\n", "6:1: when repeated: 'q' is forked already and did not exit"),
    (MAPPED + "region two\n", "5:1: 'region' after an operation, expected it before the first one"),
    (HEAD + "process r\np: m = mmap dev shared r\nr: load m[0]\n", "6:9: 'm' is a mapping of another process, expected one that 'r'"),
    (HEAD + "process r\nr: m = mmap dev shared r\nr: peekdata p m[0]\n", "6:15: 'm' is a mapping of another process"),
    (MAPPED + "p: q = fork\np: n = mmap dev shared r\nq: load n[0]\n", "7:9: 'n' is a mapping of another process"),
    (HEAD + "p: release dev[0]\n", "4:1: 'release' is done from outside, expected no process before it"),
    (MAPPED + "p: mbind m binds\n", "5:12: unexpected 'binds', expected mode: "),
    (MAPPED + "p: fsync m\n", "5:10: 'm' is a mapping, expected a descriptor"),
    (MAPPED + "p: remap_file_pages m[0] m[1]\n", "5:26: 'm' is a mapping, expected a region"),
    (MAPPED + "p: process_madvise p m 101\n", "5:24: advice 101 would poison a page of the machine, expected another"),
    (HEAD + "process r\np: m = mmap dev shared r\np: process_madvise r m cold\n", "6:22: 'm' is a mapping of another process"),
    (MAPPED + "p: direct_write m len=65537\n", "5:23: 65537 is out of range, expected a number for 'len' from 0 to"),
    (MAPPED + "repeat 2\np: q = fork\nend\nq: coredump m\n", "6:1: when repeated: 'q' is forked already"),
    ("pfn 1\n# promise: 0 ; x\n", "2:2: promise without an operation, expected one on its line or above it"),
    (MAPPED + "p: load m # promise: 0x0\n", "5:25: promise without a source, expected '; '"),
    (MAPPED + "p: load m # promise = 0x0 ; x\n", "5:12: 'promise =' reads like a promise and is none, expected 'promise:'"),
    (MAPPED + "p: load m # promise: val=0x0 ; x\n", "5:22: 'load' has no field 'val' (did you mean 'value'?), expected"),
    (MAPPED + "p: smaps m # promise: 0 ; x\n", "5:23: promise without a field, expected one of"),
    (MAPPED + "p: load m # promise: ; x\n", "5:22: empty value, expected what the field must be"),
    (MAPPED + "p: load m # promise: 1 since 3 ; x\n", "5:22: promise says nothing of kernels before 3, expected"),
    (MAPPED + "p: load m # promise: 1 before 3 ; x\n", "5:22: promise says nothing of kernels since 3, expected"),
    (MAPPED + "p: load m # promise: 1, 2 ; x\n", "5:22: two values for the same kernels, expected 'since' after '2'"),
    (MAPPED + "p: load m # promise: 1 before 3, 2 since 4 ; x\n", "5:22: 'before 3' and 'since 4' differ, expected"),
    (MAPPED + "p: load m # promise: 1, 2 since 4, 3 since 3 ; x\n", "5:22: 'since 3' does not follow 'since 4', expected"),
    (MAPPED + "p: load m # promise: 1 on um ; x\n", "5:22: promise says nothing of other architectures, expected"),
    (MAPPED + "p: load m # promise: 1 since soon ; x\n", "5:22: 'since' not understood, expected VALUE [since VERSION]"),
    (MAPPED + "p: load m # promise: 3..1 ; x\n", "5:22: range '3..1' ends before it starts, expected LOW..HIGH"),
    (MAPPED + "p: load m # promise: same as v ; x\n", "5:12: 'v' is not defined, expected a value"),
    (MAPPED + "p: load m # promise: unchanged ; x\n", "5:12: 'unchanged' without 'p: load m' above, expected the same"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "expected"), WRONG, ids=[expected[:50] for _, expected in WRONG])
def test_what_is_wrong_is_said_where_it_is(text, expected):
    with pytest.raises(ProgramError) as caught:
        parse(text, "t.pfn")

    assert str(caught.value).startswith(f"t.pfn:{expected}")
    assert "\n" not in str(caught.value)


def test_a_child_may_be_forked_again_after_its_exit():
    parse(MAPPED + "repeat 3\np: q = fork\nq: load m[0]\nq: exit\np: wait q\nend\n")


def test_a_child_may_be_forked_again_after_its_core_was_dumped():
    parse(MAPPED + "repeat 2\np: q = fork\nq: coredump m\np: wait q\nend\n")


def test_a_child_has_what_its_parent_had_at_the_fork():
    parse(MAPPED + "p: v = load m[0]\np: q = fork\nq: store m[1] v\np: peekdata q m[1]\n")


def test_a_value_from_outside_is_of_the_first_process():
    parse("pfn 1\nregion dev\nprocess p\nv = peek dev[0]\npoke dev[1] v\np: m = mmap dev shared rw\np: store m[0] v\n")


def test_a_promise_may_stand_below_its_operation():
    program = parse(MAPPED + "p: load m\n# promise: 0x0 ; x\n# prose\n# promise: ret=ok ; y\n")

    assert [promise.citation for line in program.lines for promise in line.promises] == ["x", "y"]


def test_unchanged_needs_the_same_operation_before():
    parse(MAPPED + "p: rss\np: rss # promise: RssAnon=unchanged ; x\n")
    parse(MAPPED + "p: rss\np: rss\n# promise: RssAnon=unchanged ; x\n")

    with pytest.raises(ProgramError, match="expected the same operation before"):
        parse(MAPPED + "p: rss\n# promise: RssAnon=unchanged ; x\n")
