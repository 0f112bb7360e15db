# SPDX-License-Identifier: GPL-2.0-or-later
"""Which commands and options are there?  The parser, and nothing that takes time to load."""

from __future__ import annotations

import argparse
from typing import NoReturn

from hwtests.errors import UsageError

HAZARDS = ("taints", "leaks", "may-oops")

EPILOG = """\
targets
  sim             the simulator, held against the promises of the programs and
                  against the recorded traces of real kernels
  host            this machine's own kernel, with the regions it offers you
  uml             a User-Mode Linux kernel: the machine's own suite's, else the
                  newest cached; uml:6.12, uml:/path/to/linux, uml:all
  qemu:6.1-amd64  Debian's kernel under software emulation; qemu:all,
                  qemu:/path/to/bzImage

exit status, the first that applies
  130 interrupted, 5 wrong usage, 2 any error, 1 any mismatch, crash, timeout
  or unpredicted, 3 no results, 4 everything skipped, 0

environment
  PFNLAB_TARGET   targets of a run that names none, separated by commas
  PFNLAB_RESULTS  where results directories are made
  PFNLAB_CACHE    where fetched kernels are kept
  PFNLAB_FORCE=1  a skip for want of a capability is an error
  NO_COLOR        no colours
"""


class Parser(argparse.ArgumentParser):
    """An argument parser whose errors are UsageError: one line, exit status 5."""

    def error(self, message: str) -> NoReturn:
        raise UsageError(f"{message}; see `{self.prog} --help`")


def build() -> argparse.ArgumentParser:
    """The parser of the whole command line; `command` names the module hwtests.cli.<command> that does it."""
    parser = Parser(
        prog="pfnlab",
        description="Checks what Linux kernels promise of PFN mappings: on real kernels, and\nagainst a specification.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument("--version", action="store_true", help="print the version and exit")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", dest="command", parser_class=Parser)
    _run(commands)
    _traces(commands)
    _listings(commands)
    return parser


def _command(
    commands: argparse._SubParsersAction[Parser], name: str, help_: str, description: str, listing: bool = False
) -> Parser:
    parser = commands.add_parser(name, help=help_, description=description, allow_abbrev=False)
    if listing:
        parser.add_argument("--json", action="store_true", help="print JSON")
    return parser


def _run(commands: argparse._SubParsersAction[Parser]) -> None:
    run = _command(
        commands,
        "run",
        "run programs on targets, judge what the kernels did, report",
        "Runs the catalogue, or the programs named, on the targets, judges each, writes a results directory and "
        "prints the summary. Without --on: the host's own kernel with the regions it offers, beside it a User-Mode "
        "Linux kernel unless one of those regions can be copied on write, and sim where there is none. Nothing is "
        "fetched.",
    )
    run.add_argument(
        "programs", nargs="*", metavar="PROGRAM", help="a name, file, theme or pattern (default: the whole catalogue)"
    )
    _on(run, "append", "run on this target; may be repeated")
    run.add_argument("--region", action="append", default=[], metavar="NAME", help="use this region; may be repeated")
    run.add_argument(
        "--allow-write",
        action="store_true",
        help="let programs store to a region that --region names and is not the lab's own",
    )
    _module(run)
    run.add_argument(
        "--allow-hazard",
        action="append",
        default=[],
        choices=HAZARDS,
        metavar="CLASS",
        help="let this hazard run on the host: taints, leaks or may-oops; may be repeated",
    )
    run.add_argument("--dry-run", action="store_true", help="show what would run and be stored where; run nothing")
    run.add_argument("--record", action="store_true", help="keep the traces of real kernels beside the catalogue")
    run.add_argument("--shuffle", action="store_true", help="run in a random order; the seed is printed and kept")
    run.add_argument("--seed", type=int, metavar="N", help="shuffle by this seed")
    run.add_argument("--results", metavar="DIR", help="where results directories are made (default: results)")
    run.add_argument("--resume", metavar="DIR", help="go on with this results directory: what has a verdict stays")
    run.add_argument(
        "--with-private",
        action="store_true",
        help="keep the host's name, home directories, and addresses and ids of the kernel's command line in run.json",
    )
    run.add_argument("--json", action="store_true", help="print the summary as a JSON object")
    run.add_argument("--quiet", action="store_true", help="print nothing but errors")


def _on(parser: Parser, action: str, help_: str) -> None:
    parser.add_argument("--on", action=action, default=[] if action == "append" else None, metavar="TARGET", help=help_)


def _module(parser: Parser) -> None:
    parser.add_argument(
        "--module",
        action="append",
        default=[],
        metavar="FILE.ko[,NAME=VALUE…]",
        help="load this kernel module in a qemu guest, after the lab's driver; may be repeated",
    )


def _traces(commands: argparse._SubParsersAction[Parser]) -> None:
    observe = _command(
        commands,
        "observe",
        "run one program, print its trace",
        "Runs one program on one target and prints what the kernel did as JSON lines (docs/trace.schema.json).",
    )
    observe.add_argument("program", metavar="FILE", help="the program: a file or a name")
    _on(observe, "store", "the target (default: PFNLAB_TARGET, else sim)")
    observe.add_argument("--region", metavar="NAME", help="the region (default: the first that suits the program)")
    observe.add_argument(
        "--allow-write", action="store_true", help="let it store to a region that is not the lab's own"
    )
    _module(observe)
    observe.add_argument(
        "--allow-hazard",
        action="append",
        default=[],
        choices=HAZARDS,
        metavar="CLASS",
        help="let this hazard run on the host",
    )

    predict = _command(
        commands,
        "predict",
        "print the simulator's trace of one program",
        "Prints what the specification allows one program to observe, as JSON lines of the same form as `observe`.",
    )
    predict.add_argument("program", metavar="FILE", help="the program: a file or a name")
    predict.add_argument("--profile", required=True, metavar="NAME", help="the semantics to expect, such as uml-6.12")
    predict.add_argument(
        "--region", metavar="NAME", help="the kind of region (default: the first that suits the program)"
    )

    judge = _command(
        commands,
        "judge",
        "judge stored traces again",
        "Holds stored traces against today's specification and the promises of the programs that the traces hold.",
        listing=True,
    )
    judge.add_argument("traces", nargs="+", metavar="TRACE", help="a file of traces, or a results directory")

    report = _command(
        commands,
        "report",
        "one self-contained page of one or more runs",
        "Writes one HTML page, readable without a network, from results directories and nothing else.",
    )
    report.add_argument("runs", nargs="+", metavar="RUN", help="a results directory")
    report.add_argument("-o", "--output", required=True, metavar="FILE.html", help="the page to write")


def _rules(listing: Parser) -> None:
    one = listing.add_mutually_exclusive_group()
    one.add_argument(
        "--diff",
        nargs=2,
        metavar=("A", "B"),
        help="what differs between two profiles, by which commit, and which programs tell; 6.1 means x86_64-6.1",
    )
    one.add_argument(
        "--coverage",
        action="store_true",
        help="which programs exercise each rule in the simulator, and which real kernels were seen to keep it",
    )
    one.add_argument(
        "--zoo",
        action="store_true",
        help="known defects of this area's history: kernels of the simulator that have one, and what catches it",
    )
    listing.add_argument(
        "--branches",
        action="store_true",
        help="with --coverage: which branches of the simulator run when which kernel's recorded traces are judged",
    )


def _listings(commands: argparse._SubParsersAction[Parser]) -> None:
    for name, help_ in (
        ("targets", "what can execute programs; for what cannot, the cause and the cure"),
        ("regions", "what can be mapped; for what cannot, the cause and the cure"),
        ("rules", "the clauses of the specification"),
        ("programs", "the catalogue"),
    ):
        listing = _command(commands, name, help_, f"Lists {help_}.", listing=True)
        if name == "rules":
            _rules(listing)
        if name == "programs":
            _redundant(listing)
        if name == "regions":
            _on(listing, "store", "start this target and list its regions (default: the host's)")
            listing.add_argument(
                "--region",
                action="append",
                default=[],
                metavar="NAME",
                help="only this region, opened and mapped but not read; may be a file's path; may be repeated",
            )
            _module(listing)
    explain = _command(
        commands,
        "explain",
        "a rule, word, profile or program: its source, its history, what exercises it",
        "Explains a rule (its sentence, the kernel function, its history, its programs, the kernels seen to keep it), "
        "a word that the profiles differ in, a profile, or a program.",
        listing=True,
    )
    explain.add_argument(
        "name", metavar="NAME", help="a rule such as cow.private-write-copies, a word, a profile such as 6.1, a program"
    )
    _mutants(commands)
    kernels = _command(
        commands,
        "kernels",
        "kernels known, cached, fetchable; `kernels fetch NAME` fetches one",
        "Lists the kernels that can be had by name, or fetches some through apt's signed index into the cache.",
        listing=True,
    )
    actions = kernels.add_subparsers(metavar="fetch", dest="action", parser_class=Parser)
    fetch = _command(
        actions,
        "fetch",
        "fetch the kernels named",
        "Fetches kernels through apt's signed index into the cache, and what modules for them are built with.",
    )
    fetch.add_argument(
        "names",
        nargs="+",
        metavar="NAME",
        help="such as uml:6.12; `uml` (the machine's own suite), uml:all, qemu:all, all",
    )
    fetch.add_argument(
        "--no-headers",
        dest="headers",
        action="store_false",
        help="leave out what modules are built with (13 MB a kernel, 50 MB where a compiler is fetched too)",
    )


def _redundant(listing: Parser) -> None:
    listing.add_argument(
        "--redundant",
        action="store_true",
        help="only those without which no mutant of the simulator would live longer, no rule would go unexercised with "
        "any trait on any profile, and no difference between kernels would be lost; takes an hour the first time",
    )
    listing.add_argument("--jobs", type=int, default=1, choices=(1, 2), help="with --redundant: processes at a time")


def _mutants(commands: argparse._SubParsersAction[Parser]) -> None:
    mutants = _command(
        commands,
        "mutants",
        "would the catalogue see it if the simulator were wrong?",
        "Makes mutants of the simulator, one change each, and says which of them no program, no recorded trace and no "
        "golden record can tell from it. Exit status 1 when one survives that is not argued.",
        listing=True,
    )
    mutants.add_argument("--file", action="append", default=[], metavar="NAME", help="of this file, as fork.py; "
                         "`profiles` for their words; may be repeated")  # fmt: skip
    mutants.add_argument("--function", action="append", default=[], metavar="NAME", help="of this function or word")
    mutants.add_argument("--sample", type=int, default=0, metavar="N", help="only this many, at random")
    mutants.add_argument("--seed", type=int, default=0, metavar="N", help="at random by this seed (default: 0)")
    mutants.add_argument("--programs", nargs="+", default=[], metavar="PROGRAM", help="let only these try")
    mutants.add_argument("--golden", type=int, default=100, metavar="N", help="golden records a kernel (default: 100)")
    mutants.add_argument("--thorough", action="store_true", help="let all of a program's circumstances try, not one of "
                         "those that reach the same statements of the simulator")  # fmt: skip
    mutants.add_argument("--jobs", type=int, default=1, choices=(1, 2), help="processes at a time (default: 1)")
    mutants.add_argument("--list", action="store_true", help="list the mutants, judge none")
