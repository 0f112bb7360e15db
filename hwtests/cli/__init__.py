# SPDX-License-Identifier: GPL-2.0-or-later
"""The command line: one module a command, loaded when it is called for, so that `pfnlab --help` is quick."""
