# SPDX-License-Identifier: GPL-2.0-or-later
"""What of a machine is nobody's business in a report?  Its name, its users' names, addresses and serial numbers.

They are left out of run.json unless `--with-private` asks for them, and homes of causes in results.jsonl always. The
name of the results directory, which stays on the machine, has the host's name either way; the report does not show it.
"""

from __future__ import annotations

import os
import re
from pathlib import Path

LEFT_OUT = "(left out)"
# Parameters of the kernel's command line whose values name a machine, a network or a disk.
_KEYS = re.compile(
    r"(ip|nfsroot|nfsaddrs|netconsole|rd\.(luks|lvm|md|iscsi|znet|neednet|ssh)\S*|systemd\.(hostname|machine_id)|"
    r"hostname|ds|iscsi\S*|netroot|BOOTIF|url|inst\.\S+|cryptdevice|\S*(key|token|password|secret|serial)\S*)"
)
_IDS = re.compile(
    r"[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}"  # UUID
    r"|\b(?:[0-9a-fA-F]{2}[:-]){5}[0-9a-fA-F]{2}\b"  # MAC
    r"|\b(?:\d{1,3}\.){3}\d{1,3}\b"  # IPv4
    r"|\b(?:[0-9a-fA-F]{1,4}:){4,7}[0-9a-fA-F]{0,4}\b"  # IPv6
)


def public_cmdline(text: str) -> str:
    """A kernel's command line without values that identify the machine; every parameter's name stays."""
    return " ".join(_public_word(word) for word in text.split())


def public_path(text: str) -> str:
    """A text with the user's home as `~`, wherever it stands."""
    home = str(Path.home())
    return text if home == "/" else re.sub(re.escape(home) + r"(?=/|\s|'|$)", "~", text)


def here(path: str) -> str:
    """The path that `public_path` made, as this user's."""
    return os.path.expanduser(path)


def _public_word(word: str) -> str:
    key, equals, value = word.partition("=")
    if equals and _KEYS.fullmatch(key):
        return f"{key}={LEFT_OUT}"
    return f"{key}{equals}{_IDS.sub(LEFT_OUT, value)}"
