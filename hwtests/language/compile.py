# SPDX-License-Identifier: GPL-2.0-or-later
"""Which numbered calls is a program, for a target and the simulator alike?  (docs/internals.md, "Numbered calls".)"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from .arguments import Arguments
from .errors import ProgramError
from .nodes import Call, Compiled, End, Line, Op, Program, Repeat, Watch
from .parser import MAX_CALLS
from .places import Names, declared_pages, number_names, stride
from .printer import print_operation
from .verbs import ENDS, VERBS


def compile_program(program: Program, region_pages: Mapping[str, int], page_size: int = 4096) -> Compiled:
    """The calls of a program whose regions have these many pages.

    All arguments are signed 64-bit (a value of 2**63 or more wraps). Raises ProgramError when `watch` and `repeat` make
    more calls than a target takes.
    """
    key = (id(program), tuple(region_pages.items()), page_size)
    if key in _compiled:
        return _compiled[key]
    if len(_compiled) >= MAX_KEPT:
        _compiled.clear()
    _compiled[key] = _compile(program, region_pages, page_size)
    return _compiled[key]


# A program is compiled by the target, the simulator and the judge in turn, with the same pages each time. What is kept
# holds its program, so that while it is kept no other program has its id.
MAX_KEPT = 16
_compiled: dict[tuple[int, tuple[tuple[str, int], ...], int], Compiled] = {}


def _compile(program: Program, region_pages: Mapping[str, int], page_size: int) -> Compiled:
    names = number_names(program)
    pages = declared_pages(program, region_pages)
    compiler = _Compiler(program, names, Arguments(names, pages, stride(program, pages, region_pages), page_size))
    return Compiled(
        program=program,
        calls=tuple(compiler.calls()),
        processes=tuple(names.processes),
        roots=names.roots,
        handles=tuple(names.handles),
        values=tuple(names.values),
        fds=tuple(names.fds),
        regions=tuple(names.regions),
        stride=compiler.arguments.stride,
        page_size=page_size,
        region_pages=dict(region_pages),
    )


class _Compiler:
    def __init__(self, program: Program, names: Names, arguments: Arguments) -> None:
        self.program = program
        self.names = names
        self.arguments = arguments
        self.watch: tuple[str, ...] = next((s.what for _, s in program.statements() if isinstance(s, Watch)), ())
        # The mappings that each living process has, in the order of their slots: what `watch` looks at.
        self.living: dict[str, set[str]] = {}

    def calls(self) -> Iterator[Call]:
        self.living = {name: set() for name, slot in self.names.processes.items() if slot in self.names.roots}
        index = 0
        for line, op in _expanded(self.program):
            for call in (self._call(index, line, op), *self._watched(index + 1, line, op)):
                if call.index >= MAX_CALLS:
                    raise ProgramError(
                        self.program.path,
                        line.number,
                        1,
                        f"call {call.index + 1} of the program, expected at most {MAX_CALLS}",
                    )
                yield call
                index = call.index + 1

    def _call(self, index: int, line: Line, op: Op) -> Call:
        process = -1 if op.process is None else self.names.processes[op.process]
        verb = VERBS[op.verb].call or op.verb
        return Call(index, line.number, print_operation(op), op, verb, process, self._result(op), self.arguments.of(op))

    def _result(self, op: Op) -> int:
        if op.result is None:
            return -1
        names = self.names
        tables = {"process": names.processes, "mapping": names.handles, "value": names.values, "fd": names.fds}
        kind = VERBS[op.verb].result
        return -1 if kind is None else tables[kind][op.result]

    def _watched(self, index: int, line: Line, op: Op) -> Iterator[Call]:
        if not self.watch:
            return
        self._follow(op)
        for process in sorted(self.living, key=lambda name: self.names.processes[name]):
            slot = self.names.processes[process]
            for verb in self.watch:
                if verb == "rss":
                    yield Call(index, line.number, "rss", None, "rss", slot, -1, ())
                    index += 1
                    continue
                for name in sorted(self.living[process], key=lambda name: self.names.handles[name]):
                    handle = self.names.handles[name]
                    args = (handle, 0, -1) if verb == "pagemap" else (handle,)
                    yield Call(index, line.number, f"{verb} {name}", None, verb, slot, -1, args)
                    index += 1

    def _follow(self, op: Op) -> None:
        if op.process is None:
            return
        if op.verb in ENDS:
            self.living.pop(op.process, None)
        elif op.verb == "fork" and op.result is not None:
            self.living[op.result] = set(self.living.get(op.process, ()))
        elif VERBS[op.verb].result == "mapping" and op.result is not None and op.process in self.living:
            self.living[op.process].add(op.result)


def _expanded(program: Program) -> Iterator[tuple[Line, Op]]:
    # The operations in the order in which they run.
    statements = [
        (line, statement) for line, statement in program.statements() if isinstance(statement, Op | Repeat | End)
    ]

    def run(at: int, times: int) -> Iterator[tuple[Line, Op]]:
        for _ in range(times):
            place, depth = at, 0
            while place < len(statements):
                line, statement = statements[place]
                if isinstance(statement, End):
                    if depth == 0:
                        break
                    depth -= 1
                elif isinstance(statement, Repeat):
                    if depth == 0:
                        yield from run(place + 1, statement.count)
                    depth += 1
                elif depth == 0:
                    yield line, statement
                place += 1

    return run(0, 1)
