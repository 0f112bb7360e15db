# SPDX-License-Identifier: GPL-2.0-or-later
"""What does the simulator do with one numbered call, in the form of a trace?

The simulator knows no text: here the numbers of docs/internals.md, section 1 ("Numbered calls"), become its public
calls, and what they return becomes an observation, in the same words (hwtests/forms.py) that a target's does.
"""

from .driver import Driver

__all__ = ["Driver"]
