# SPDX-License-Identifier: GPL-2.0-or-later
# ruff: noqa: E501 - a case a line reads better than one wrapped
"""A program's text, its nodes and its text again."""

from __future__ import annotations

import random
import re
import string

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hwtests.language import ProgramError, parse, parse_file, print_program
from hwtests.language.lexer import lex_line
from hwtests.language.nodes import (
    Address,
    End,
    Hazard,
    Header,
    Line,
    Name,
    Needs,
    Number,
    Op,
    Operand,
    ProcessDecl,
    Program,
    Range,
    RegionDecl,
    Repeat,
    Rule,
    Statement,
    Watch,
)  # fmt: skip
from hwtests.language.verbs import ENDS, VERBS, Option, Slot

EXAMPLE = """\
pfn 1
# A private write is copied; the device page stays as it was.
rule cow.private-write-copies
hazard none
needs dev.cow dev.view
region dev pages=4 fill=0x5a
process p

p: m = mmap dev private rw
p: store m[1] 0x41
p: load m[1]              # promise: 0x41 ; mm/memory.c wp_page_copy()
p: smaps m                # promise: Anonymous=1p before 3.10, 0 since 3.10, 1p since 6.2 ; fs/proc/task_mmu.c
peek dev[1]               # promise: 0x5a ; the device's own view, from outside
"""

EVERYTHING = """\
pfn 1
rule a.b-c d.e
hazard may-oops
needs dev.cow dev.pages>=4 kernel>=5.14 arch!=um uid=0
watch rss smaps
region dev pages=4 fill=pattern
region other
process p uid=65534 drop=sys_admin,sys_rawio memlock=0
process r
p: f = open dev rw sync
p: m = mmap f shared rwx pages=2 offset=2+8 at=any populate locked noreserve
p: n = mmap dev private none at=m[-1]-0x8
p: a = mmap anon private rw pages=2 at=0x10000000
p: o = map other pages=1
repeat 2
p: munmap m[1:3]+8 len=0x10
p: mprotect m 0x8
p: c = mremap m[1:2] pages=1 fixed to=n[4]
p: mremap m pages=2 maymove flags=0x40
p: mremap n fixed
end
p: madvise m dontneed
p: madvise m 999
p: mlock m onfault
p: munlock m[-1]
p: msync m async invalidate
p: mincore m+8
p: q = fork
q: v = load u64 m[1]+8
q: store page m[0] 0x41
q: store u32 m v
p: peekdata q m[1]
p: pokedata q m[1] 0x41
p: mem_read q m[1] len=16
p: mem_write q m[1] 0x41 len=8
p: vm_readv q m[1]
p: vm_writev q m[1] 0x41
p: write m[1] len=8
p: read m[1] 0x41 len=8
w = peek u64 dev[1]+8
poke page dev[1] 0x41
p: smaps m
p: maps m
p: rss
p: pagemap m[0:2]
kpagecount dev[0:2]
p: kpagecount m
p: kpageflags m[0]
p: ptes m[0:2]
page_state dev[0:2]
p: page_state m
p: vma m
p: vmsplice m[1] len=8
p: mlockall current future onfault flags=0x8
p: munlockall
p: fsync f
p: process_madvise q m[1] cold len=8
p: mseal m
p: remap_file_pages m[1] dev[2]
p: mbind m bind strict move move_all
p: move_pages m[0:2] to=0
p: futex_wait m[1]+4 0x7 private
p: futex_wake m[1]
p: uffd_register m missing wp minor
p: clear_refs 4
p: read_zero m[1] len=0x4000
p: d = direct_write m[1] len=512
p: direct_read m[1] d
p: call m[1]
p: pagemap_scan m[0:2]
p: rollup
p: numa_maps m
r: exec
release dev[1]
ask dev[1] 0x41 tries=3
p: close f
q: exit
p: wait q
p: coredump m filter=0x1ff
"""


@pytest.mark.parametrize("text", [EXAMPLE, EVERYTHING, EXAMPLE.rstrip("\n"), "pfn 1", "pfn 1\n\n\n", "  pfn  1  \n"])
def test_printing_what_was_parsed_gives_the_same_text(text):
    assert print_program(parse(text)) == text


def test_every_verb_is_in_the_round_trip():
    used = {statement.verb for _, statement in parse(EVERYTHING).statements() if isinstance(statement, Op)}

    assert used == set(VERBS)


def test_the_nodes_of_an_operation():
    program = parse(
        "pfn 1\nregion dev\nprocess p\np: m = mmap dev private rw pages=0x2 locked # x\np: load u16 m[-1]+0x8\n"
    )

    assert program.lines[3].statement == Op(
        "p", "m", "mmap", (Name("dev"), Name("private"), Name("rw")), (("pages", Number(2)), ("locked", None))
    )
    assert program.lines[3].comment == " x"
    assert program.lines[4].statement == Op("p", None, "load", (Name("u16"), Address("m", Number(-1), Number(8))))


def test_a_page_that_was_not_written_is_not_printed():
    text = (
        "pfn 1\nregion dev\nprocess p\np: m = mmap dev shared r\np: load m\np: load m[0]\np: load m+0\np: load m[0]-0\n"
    )

    assert print_program(parse(text)) == text


def respaced(text: str, rng: random.Random) -> str:
    """The same tokens with other white space between them, where there may be some."""
    lines = []
    for number, line in enumerate(text.split("\n"), 1):
        lexed = lex_line(line, "t", number)
        raw = bool(lexed.tokens) and lexed.tokens[0].text in ("rule", "needs")
        parts = []
        for before, token in zip((None, *lexed.tokens), lexed.tokens, strict=False):
            glued = before is not None and "mark" not in (before.kind, token.kind)
            parts.append(" " * rng.randint(1 if glued or (raw and before) else 0, 3) + token.text)
        parts.append(" " * rng.randint(0, 2))
        lines.append("".join(parts) + ("" if lexed.comment is None else f"#{lexed.comment}"))
    return "\n".join(lines)


@pytest.mark.slow
@settings(deadline=None)
@given(st.integers(0, 2**32))
def test_any_spacing_is_kept_and_means_the_same(seed):
    text = respaced(EVERYTHING, random.Random(seed))
    program = parse(text)

    assert print_program(program) == text
    assert program.hash == parse(EVERYTHING).hash


numbers = st.builds(
    lambda value, form: Number(value, form.format(value)),
    st.integers(0, 4096),
    st.sampled_from(["{}", "{:#x}", "0X{:X}"]),
)
signed_numbers = st.builds(lambda number, sign: Number(sign * number, ("-" if sign < 0 else "") + number.text), numbers,
                           st.sampled_from([1, -1]))  # fmt: skip
bytes_ = st.one_of(st.just(Number(0, "")), signed_numbers)
pages = st.one_of(st.just(Number(0, "")), signed_numbers)
addresses = st.builds(Address, st.just("m"), pages, bytes_)
ranges = st.one_of(
    st.builds(Range, st.just("m"), byte=bytes_),
    st.builds(Range, st.just("m"), signed_numbers, byte=bytes_),
    st.builds(lambda a, n, b: Range("m", a, Number(a + n), b), signed_numbers, numbers, bytes_),
)
words = st.sampled_from


def operand(slot: Slot) -> st.SearchStrategy[Operand]:
    match slot.kind:
        case "word":
            return words([Name(word) for word in slot.words])
        case "number":
            return st.integers(0, min(slot.limit or 255, 255)).map(Number)
        case "region":
            return st.just(Name("dev"))
        case "fd":
            return st.just(Name("f"))
        case "source":
            return words([Name("dev"), Name("f"), Name("anon")])
        case "mapping":
            return st.just(Name("m"))
        case "process":
            return words([Name("p"), Name("q")])
        case "address":
            return st.one_of(addresses, numbers.map(lambda n: Address(None, byte=n)))
        case "region-address":
            return st.builds(Address, st.just("dev"), pages, bytes_)
        case "range":
            return ranges
        case "pfns":
            return st.one_of(ranges, st.builds(Range, st.just("dev"), numbers))
        case "value":
            return st.one_of(numbers, st.just(Name("v")))
    raise AssertionError(slot.kind)


def option(one: Option) -> st.SearchStrategy[tuple[str, Operand | None]]:
    match one.kind:
        case "flag":
            return st.just((one.name, None))
        case "number":
            return st.tuples(st.just(one.name), numbers.filter(lambda number: number <= one.limit))
        case "offset":
            return st.tuples(
                st.just(one.name), st.one_of(numbers, st.builds(Address, st.none(), numbers, signed_numbers))
            )
        case "place":
            return st.tuples(st.just(one.name), addresses)
    raise AssertionError(one.kind)


@st.composite
def operations(draw):
    verb = VERBS[draw(words(sorted(set(VERBS) - {"fork", *ENDS})))]
    operands = tuple(draw(operand(slot)) for slot in verb.slots)
    process = None if verb.process == "none" else draw(words(["p", "q"]))
    if any(isinstance(one, Range) and one.base == "dev" for one in operands):
        process = None
    elif any(slot.kind == "pfns" for slot in verb.slots):
        process = process or "p"
    options = [draw(option(one)) for one in verb.options if draw(st.booleans())]
    if (
        verb.name == "mremap"
        and any(name == "to" for name, _ in options)
        and not any(name == "fixed" for name, _ in options)
    ):
        options.append(("fixed", None))
    results = {"mapping": "m", "value": "v", "fd": "f"}
    result = results[verb.result] if verb.result and (verb.result_needed or draw(st.booleans())) else None
    if process is None and result == "v":
        result = None
    return Op(process, result, verb.name, operands, tuple(options))


PRELUDE = [Op("p", "m", "mmap", (Name("dev"), Name("private"), Name("rw"))),
           Op("p", "f", "open", (Name("dev"), Name("rw"))), Op("p", "v", "load", (Address("m"),)), Op("p", "q", "fork")]  # fmt: skip


@st.composite
def programs(draw):
    statements: list[Statement] = [
        Header(),
        Rule(draw(words([("a.b",), ("a.b", "c.d-e")]))),
        Hazard(draw(words(["none", "taints", "leaks", "may-oops"]))),
    ]
    statements += draw(st.lists(words([Needs(("dev.cow", "kernel>=5.14"))]), max_size=2))
    statements += draw(st.lists(words([Watch(("rss",)), Watch(("maps", "pagemap"))]), max_size=1))
    statements.append(RegionDecl("dev", draw(words([(), (("pages", Number(4)), ("fill", Name("pattern")))]))))
    statements.append(ProcessDecl("p", draw(words([(), (("uid", Number(1)), ("drop", Name("chown,kill")))]))))
    statements += PRELUDE
    body = draw(st.lists(operations(), max_size=6))
    statements += [Repeat(Number(2)), *body, End()] if draw(st.booleans()) else body
    return Program("t", tuple(Line(number, one) for number, one in enumerate(statements, 1)))


def parsed_or_refused(text: str) -> tuple[Program | None, str]:
    try:
        return parse(text, "garbage"), ""
    except ProgramError as error:
        return None, str(error)


@pytest.mark.slow
@settings(deadline=None)
@given(programs())
def test_a_program_made_by_code_prints_to_text_that_parses_to_it(program):
    text = print_program(program)
    parsed = parse(text, "t")

    assert parsed == Program("t", tuple(Line(line.number, line.statement) for line in program.lines))
    assert print_program(parsed) == text


WORDS = sorted({*VERBS, "pfn 1", "region dev pages=4", "process p", "p: m = mmap dev private rw", "p:", "m[1]", "=", "[", "]",
                "0x41", "-1", "# promise:", "since 3.10", ";", "repeat 2", "end", "q", "dev", ",", "\n", " "})  # fmt: skip


@settings(max_examples=300, deadline=None)
@pytest.mark.slow
@given(st.one_of(st.text(), st.text(string.printable), st.lists(words(WORDS)).map(" ".join),
                 st.lists(words(WORDS)).map(lambda parts: "pfn 1\nregion dev\nprocess p\n" + " ".join(parts))))  # fmt: skip
def test_nothing_but_a_program_error_comes_of_garbage(text):
    program, message = parsed_or_refused(text)

    assert (
        re.fullmatch(r"garbage:[0-9]+:[0-9]+: [^\n]+", message) if program is None else print_program(program) == text
    )


@pytest.mark.slow
@settings(deadline=None)
@given(st.integers(0, len(EVERYTHING) - 1), st.sampled_from([*string.printable, "é", "", "#"]))
def test_one_wrong_character_is_an_error_or_another_program(at, character):
    text = EVERYTHING[:at] + character + EVERYTHING[at + 1 :]
    program, message = parsed_or_refused(text)

    assert "expected" in message if program is None else print_program(program) == text


def test_the_hash_is_of_what_a_kernel_sees():
    plain = parse("pfn 1\nregion dev\nprocess p\np: m = mmap dev private rw pages=16\n")
    dressed = parse(
        "pfn 1\nrule a.b\nhazard taints\nneeds dev.cow\n\nregion dev # comment\nprocess   p\np: m = mmap dev private rw pages=0x10"
    )
    other = parse("pfn 1\nregion dev\nprocess p\np: m = mmap dev private rw pages=17\n")

    assert plain.hash == dressed.hash
    assert plain.hash != other.hash
    assert re.fullmatch("[0-9a-f]{16}", plain.hash)


def test_a_file_that_cannot_be_read_is_a_program_error(tmp_path):
    with pytest.raises(ProgramError, match=r"nothing\.pfn:1:1: cannot be read: No such file"):
        parse_file(tmp_path / "nothing.pfn")


def test_a_file_that_is_not_utf8_says_where(tmp_path):
    path = tmp_path / "t.pfn"
    path.write_bytes(b"pfn 1\n# caf\xe9\n")

    with pytest.raises(ProgramError, match=r"t\.pfn:2:6: not UTF-8"):
        parse_file(path)
