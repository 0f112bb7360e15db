# SPDX-License-Identifier: GPL-2.0-or-later
"""How does a command end?  Dispatch, and every failure as one line and one exit status, never as a traceback."""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Sequence
from importlib import import_module

from hwtests.cli import options
from hwtests.errors import Interrupted, LabError, UsageError

USAGE = 5
ERROR = 2
INTERRUPTED = 130


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; returns its exit status (docs/exit-status.md)."""
    try:
        _need_streams()
        parser = options.build()
        arguments = parser.parse_args(argv)
        if arguments.version:
            from hwtests.version import version

            print(f"pfnlab {version()}")
            return 0
        if arguments.command is None:
            raise UsageError("expected a command; see `pfnlab --help`")
        status = int(import_module(f"hwtests.cli.{arguments.command}").main(arguments))
        sys.stdout.flush()
        return status
    except SystemExit as leave:  # argparse: --help
        return leave.code if isinstance(leave.code, int) else 0
    except UsageError as error:
        return _fail(str(error), USAGE)
    except (Interrupted, KeyboardInterrupt) as error:
        return _fail(str(error) or "interrupted", INTERRUPTED)
    except BrokenPipeError:
        # The reader went away; keep the interpreter from writing to it again on the way out.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return ERROR
    except LabError as error:
        return _fail(str(error), ERROR)
    except OSError as error:
        where = f"{error.filename}: " if error.filename else ""
        return _fail(f"{where}{error.strerror or error}", ERROR)
    except Exception as error:
        return _fail(_internal(error), ERROR)


def _need_streams() -> None:
    # A program started with a closed stream (`>&-`) has None for it, and what is printed would be lost without a word.
    if sys.stderr is None:
        sys.stderr = open(os.devnull, "w")  # noqa: SIM115 - for as long as the process lives
    if sys.stdout is None:
        raise LabError("standard output is closed: expected somewhere to print to")
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper) and stream.encoding.lower().replace("-", "") != "utf8":
            stream.reconfigure(errors="backslashreplace")  # a locale that lacks `…` is no reason to fail


def _fail(message: str, status: int) -> int:
    print("pfnlab: " + " ".join(message.split()), file=sys.stderr)
    return status


def _internal(error: Exception) -> str:
    # The rooms' errors are known by name here, so that a command which does not use a room need not load it.
    known = {"ProgramError", "TraceError", "ResultsError", "KernelError", "TargetError", "RegionError"}
    if known & {kind.__name__ for kind in type(error).__mro__}:
        return str(error)
    frame = error.__traceback__
    while frame is not None and frame.tb_next is not None:
        frame = frame.tb_next
    where = f" at {frame.tb_frame.f_code.co_filename}:{frame.tb_lineno}" if frame else ""
    return f"internal error, please report it: {type(error).__name__}: {error}{where}"
