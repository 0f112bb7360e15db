# SPDX-License-Identifier: GPL-2.0-or-later
"""The executable specification of PFN mappings: what does a Linux kernel do with this program?

The public calls are those of `docs/internals.md`, section 4; `Kernel` is their facade.
"""

from simulator.fault import Fault
from simulator.kernel import Kernel
from simulator.oops import Stopped
from simulator.profile import Profile, load_profile, profile_for, profile_names
from simulator.region import Region
from simulator.task import Task

__all__ = ["Fault", "Kernel", "Profile", "Region", "Stopped", "Task", "load_profile", "profile_for", "profile_names"]
