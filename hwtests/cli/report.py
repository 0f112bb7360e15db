# SPDX-License-Identifier: GPL-2.0-or-later
"""`pfnlab report`: one page of one or more runs."""

from argparse import Namespace
from pathlib import Path

from hwtests.errors import UsageError
from hwtests.report import load, write_html
from hwtests.results import ResultsError


def main(arguments: Namespace) -> int:
    try:
        views = [load(Path(run).resolve()) for run in arguments.runs]
    except ResultsError as error:
        raise UsageError(str(error)) from None
    write_html(views, Path(arguments.output))
    print(arguments.output)
    return 0
