# SPDX-License-Identifier: GPL-2.0-or-later
"""`python -m hwtests.golden`: what share of the golden records does the simulator reproduce, and why not the others?"""

from __future__ import annotations

import argparse
import sys
from collections import defaultdict

from hwtests.golden.check import Checked, check, known
from hwtests.golden.convert import convert
from hwtests.golden.records import PROFILES, programs
from hwtests.language import print_program
from hwtests.targets.base import TargetError


def main(arguments: list[str] | None = None) -> int:
    """Prints one line a kernel, then the causes. Exit status 1 when a record differs that is not a known exception."""
    parser = argparse.ArgumentParser(prog="python -m hwtests.golden", description=__doc__)
    parser.add_argument("kernels", nargs="*", metavar="KERNEL", help=f"of {', '.join(PROFILES)}; default: all")
    parser.add_argument("--ids", type=int, nargs="+", default=[], help="these programs only")
    parser.add_argument("--live", metavar="TARGET", help="run the programs on this target, not on the simulator")
    parser.add_argument("--text", type=int, metavar="ID", help="print one program in the program language, and end")
    parser.add_argument("--show", type=int, default=1, metavar="N", help="examples of each cause")
    options = parser.parse_args(arguments)
    if options.text is not None:
        return _text(parser, options.text)
    if options.live:
        return _live(options.live, options.ids, options.show)
    for kernel in options.kernels:
        if kernel not in PROFILES:
            parser.error(f"no golden kernel {kernel!r}; there are {', '.join(PROFILES)}")
    return max(_report(kernel, options.ids, options.show) for kernel in options.kernels or PROFILES)


def _text(parser: argparse.ArgumentParser, id: int) -> int:
    if id not in programs():
        parser.error(f"no golden program {id}; there are the even numbers to {max(programs())}")
    print(print_program(convert(programs()[id]).program), end="")
    return 0


def _report(kernel: str, ids: list[int], show: int) -> int:
    return _print(kernel, kernel, list(check(kernel, ids)), show)


def _live(target: str, ids: list[int], show: int) -> int:
    # What the simulator does not say is no excuse here: the same kernel shall do the same again.
    from hwtests.golden.live import live

    try:
        return _print(target, "", list(live(target, ids)), show)
    except (TargetError, FileNotFoundError) as error:
        print(f"{target}: {error}", file=sys.stderr)
        return 2


def _print(name: str, kernel: str, results: list[Checked], show: int) -> int:
    differ = [r for r in results if r.differences]
    explained = {name for exception in known(kernel) for name in exception.records}
    new = [r for r in differ if r.record.name not in explained]
    share = 100 * (len(results) - len(differ)) / len(results) if results else 0.0
    print(f"{name:18} {len(results) - len(differ):5}/{len(results)} {share:6.2f} %  {len(new)} unexplained")
    causes: dict[str, list[Checked]] = defaultdict(list)
    for result in new:
        causes[result.differences[0].cause].append(result)
    for cause, examples in sorted(causes.items(), key=lambda item: -len(item[1])):
        print(f"    {len(examples):4}  {cause}")
        for example in examples[:show]:
            print(f"          {example.record.name}: {example.differences[0]}")
    return 1 if new else 0


if __name__ == "__main__":
    sys.exit(main())
