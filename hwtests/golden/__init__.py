# SPDX-License-Identifier: GPL-2.0-or-later
"""What did thirteen real kernels do with 750 small programs, and does the simulator say the same?

The data and how it was made: `data/FORMAT.md`, `data/CAUSES.md`. `python -m hwtests.golden` compares.
"""
