# SPDX-License-Identifier: GPL-2.0-or-later
"""How is a run shown?  A summary of 80 columns, a page, JUnit XML: from the results directory and nothing else."""

from hwtests.report.html import write_html
from hwtests.report.junit import write_junit
from hwtests.report.model import RunView, load
from hwtests.report.summary import summary_text

__all__ = ["RunView", "load", "summary_text", "write_html", "write_junit"]
