# SPDX-License-Identifier: GPL-2.0-or-later
"""Writes docs/facts.md anew, and says how many facts there are: `python -m hwtests.facts`."""

from __future__ import annotations

from pathlib import Path

from hwtests.facts.page import page, summary

PAGE = Path(__file__).parents[2] / "docs" / "facts.md"


def main() -> None:
    PAGE.write_text(page())
    print(summary())


if __name__ == "__main__":
    main()
