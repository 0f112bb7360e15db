# SPDX-License-Identifier: GPL-2.0-or-later
"""Would the catalogue see it if the simulator were wrong?  Mutants of the simulator, and what kills them."""
