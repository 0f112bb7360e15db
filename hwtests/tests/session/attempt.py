# SPDX-License-Identifier: GPL-2.0-or-later
"""Run in the guest: which of these regions can be mapped, and which gate closes the others?  Nothing is read of them.

argv[1] is a JSON list of arguments of map_region(); those with `hold` stay mapped to the end. Out: a JSON list, for
each None when it was mapped, else {"gate", "found", "cure", "errno"}.
"""

import errno
import json
import sys

from native.instrument import GateClosed, map_region

answers: list[dict[str, str] | None] = []
held = []
for arguments in json.loads(sys.argv[1]):
    hold = arguments.pop("hold", False)
    try:
        region = map_region(**arguments)
    except GateClosed as closed:
        name = errno.errorcode[closed.errno or 0]
        answers.append({"gate": closed.gate, "found": closed.found, "cure": closed.cure, "errno": name})
    else:
        answers.append(None)
        if hold:
            held.append(region)
        else:
            region.close()
print(json.dumps(answers))
