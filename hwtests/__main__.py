# SPDX-License-Identifier: GPL-2.0-or-later
"""What runs when somebody types `pfnlab` (or `python -m hwtests`)?"""

import sys

from hwtests.cli.main import main

__all__ = ["main"]

if __name__ == "__main__":
    sys.exit(main())
