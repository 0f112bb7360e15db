# SPDX-License-Identifier: GPL-2.0-or-later
"""What is kept of a run?  One object a result (`record`), in a directory that survives a crash (`directory`)."""

from hwtests.results.directory import ResultsDir, ResultsError, Written, read_results, read_run
from hwtests.results.record import VERDICTS, Difference, PromiseResult, Result, exit_status, schema

__all__ = [
    "VERDICTS",
    "Difference",
    "PromiseResult",
    "Result",
    "ResultsDir",
    "ResultsError",
    "Written",
    "exit_status",
    "read_results",
    "read_run",
    "schema",
]
