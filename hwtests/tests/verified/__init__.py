# SPDX-License-Identifier: GPL-2.0-or-later
"""Is the simulator a fake that can be trusted?  Its own tests, run against real kernels."""
