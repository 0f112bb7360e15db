# SPDX-License-Identifier: GPL-2.0-or-later
"""What does pfnlab do when root runs it?  A guest in which it can be tried: Python, this checkout, nothing else."""
