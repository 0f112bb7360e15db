# SPDX-License-Identifier: GPL-2.0-or-later
"""How is a program written as text?  Parsed lines keep their own spacing; lines made by code get the canonical one."""

from __future__ import annotations

from hashlib import sha256

from .nodes import (
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
from .promise import print_promise

# A token and whether, in the canonical form, a space stands before it.
_Token = tuple[str, bool]


def print_program(program: Program) -> str:
    """The text of a program: what was parsed comes out to the letter."""
    lines = [print_line(line) for line in program.lines]
    return "\n".join(lines) + ("\n" if program.final_newline else "")


def print_line(line: Line) -> str:
    """One line without its newline."""
    tokens = statement_tokens(line.statement) if line.statement is not None else []
    comment = line.comment
    if comment is None and line.promises:
        comment = print_promise(line.promises[0])
    layout = line.layout
    if layout is None or len(layout) != len(tokens) + 1:
        layout = (*(" " if spaced else "" for _, spaced in tokens), "  " if tokens and comment is not None else "")
    text = "".join(space + token for space, (token, _) in zip(layout, tokens, strict=False)) + layout[-1]
    return text if comment is None else f"{text}#{comment}"


def print_statement(statement: Statement) -> str:
    """A statement in its canonical form."""
    return "".join(" " * spaced + token for token, spaced in statement_tokens(statement))


def print_operation(op: Op) -> str:
    """An operation without its process, as a trace shows it: `m = mmap dev private rw`."""
    return "".join(" " * spaced + token for token, spaced in _operation(op)).lstrip(" ")


def program_hash(program: Program) -> str:
    """16 hexadecimal digits of sha256 of what a kernel sees.

    No comment, layout, rule, hazard or condition is part of it, nor how a number was written.
    """
    seen = [
        "".join(" " * spaced + _plain(token) for token, spaced in statement_tokens(statement))
        for _, statement in program.statements()
        if isinstance(statement, RegionDecl | ProcessDecl | Watch | Repeat | End | Op)
    ]
    return sha256("\n".join(seen).encode()).hexdigest()[:16]


def _plain(token: str) -> str:
    return str(int(token, 0 if token[:2] in ("0x", "0X") else 10)) if token[:1].isdigit() else token


def statement_tokens(statement: Statement) -> list[_Token]:
    """The tokens of a statement, as the lexer would find them."""
    match statement:
        case Header(version):
            return [("pfn", False), *_number(version, True)]
        case Rule(ids):
            return [("rule", False), *((text, True) for text in ids)]
        case Hazard(kind):
            return [("hazard", False), *_dashed(kind)]
        case Needs(conditions):
            return [("needs", False), *((text, True) for text in conditions)]
        case Watch(what):
            return [("watch", False), *((word, True) for word in what)]
        case RegionDecl(name, options):
            return [("region", False), (name, True), *_options(options)]
        case ProcessDecl(name, options):
            return [("process", False), (name, True), *_options(options)]
        case Repeat(count):
            return [("repeat", False), *_number(count, True)]
        case End():
            return [("end", False)]
        case Op():
            process: list[_Token] = [] if statement.process is None else [(statement.process, False), (":", False)]
            operation = _operation(statement)
            return [*process, (operation[0][0], bool(process)), *operation[1:]]


def _operation(op: Op) -> list[_Token]:
    tokens: list[_Token] = [] if op.result is None else [(op.result, True), ("=", True)]
    tokens.append((op.verb, True))
    for operand in op.operands:
        tokens += _operand(operand, True)
    return [*tokens, *_options(op.options)]


def _options(options: tuple[tuple[str, Operand | None], ...] | tuple[tuple[str, Operand], ...]) -> list[_Token]:
    tokens: list[_Token] = []
    for name, value in options:
        tokens.append((name, True))
        if value is not None:
            tokens += [("=", False), *_operand(value, False)]
    return tokens


def _operand(operand: Operand, spaced: bool) -> list[_Token]:
    match operand:
        case Name(text):
            first, *others = text.split(",")
            return [(first, spaced), *(token for other in others for token in ((",", False), (other, False)))]
        case Address(None, page, byte):
            return [*_number(page, spaced), *_byte(byte)] if page.text else _number(byte, spaced)
        case Address(str(base), page, byte):
            index = [("[", False), *_number(page, False), ("]", False)] if page.text else []
            return [(base, spaced), *index, *_byte(byte)]
        case Range(base, first_page, last, byte):
            tokens: list[_Token] = [(base, spaced)]
            if first_page is not None:
                end = [] if last is None else [(":", False), *_number(last, False)]
                tokens += [("[", False), *_number(first_page, False), *end, ("]", False)]
            return [*tokens, *_byte(byte)]
        case Number():
            return _number(operand, spaced)
    raise TypeError(f"expected an operand, got {operand!r}")


def _number(number: Number, spaced: bool) -> list[_Token]:
    text = number.text or str(int(number))
    return [("-", spaced), (text[1:], False)] if text.startswith("-") else [(text, spaced)]


def _byte(byte: Number) -> list[_Token]:
    if not byte.text:
        return []
    return _number(byte, False) if byte.text.startswith("-") else [("+", False), (byte.text, False)]


def _dashed(text: str) -> list[_Token]:
    first, *others = text.split("-")
    return [(first, True), *(token for other in others for token in (("-", False), (other, False)))]
