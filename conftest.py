# SPDX-License-Identifier: GPL-2.0-or-later
"""For this repository only: loads the plugin when it is not installed, and pytester, which its tests are made with."""

import os
from importlib.metadata import entry_points

PLUGIN = "hwtests.pytest_plugin"
installed = any(point.value == PLUGIN for point in entry_points(group="pytest11"))
pytest_plugins = ["pytester"]
if not installed or os.environ.get("PYTEST_DISABLE_PLUGIN_AUTOLOAD"):
    pytest_plugins.append(PLUGIN)
