# SPDX-License-Identifier: GPL-2.0-or-later
"""What is said when a kernel cannot be had: what is needed, what was found, what would cure it."""

from __future__ import annotations


class KernelError(Exception):
    """No kernel, and why. The three texts are whole clauses for people; `str()` joins them on one line."""

    def __init__(self, needs: str, found: str, cure: str) -> None:
        super().__init__(f"needs {needs}; found {found}; cure: {cure}")
        self.needs = needs
        self.found = found
        self.cure = cure
