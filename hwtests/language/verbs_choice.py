# SPDX-License-Identifier: GPL-2.0-or-later
"""Which operation asks for a choice that is the kernel's to make?"""

from __future__ import annotations

from .verb import Option, Slot, Verb
from .words import WIDTHS

MAX_TRIES = 100
TRIES = 8
_WIDTH = Slot("width", "word", {name: width for name, width in WIDTHS.items() if width}, default=1)

CHOICE = (
    Verb(
        "ask",
        (_WIDTH, Slot("address", "region-address"), Slot("value", "number")),
        (Option("tries", "number", MAX_TRIES),),
        process="none",
        call="peek",
        args=("address", "width"),
        fields=("value",),
        main="value",
        meaning="asks for the choice that makes the region's content VALUE, seen as `peek` sees it: where it is "
        "another, the program is run anew, at most `tries=` times (8), and skipped if the kernel never chooses so",
    ),
)
