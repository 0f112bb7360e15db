# SPDX-License-Identifier: GPL-2.0-or-later
"""What was seen of real kernels, and which program of the catalogue says it?  The ledger of facts."""
