# SPDX-License-Identifier: GPL-2.0-or-later
"""How does pfnlab say that something is wrong?  One line: what, where, what was expected."""


class UsageError(Exception):
    """What the user asked for cannot be meant: exit status 5."""


class LabError(Exception):
    """pfnlab could not do what it was asked for, and it is not the program's or the kernel's doing: exit status 2."""


class Interrupted(Exception):
    """The user stopped the run; what was done so far is kept: exit status 130."""
