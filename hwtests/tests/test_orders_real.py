# SPDX-License-Identifier: GPL-2.0-or-later
"""Does the order in which the catalogue runs on a real kernel matter?  It must not: no program leaves anything."""

from __future__ import annotations

import json

import pytest

from hwtests.cli.main import main
from hwtests.kernels.cache import cached
from hwtests.kernels.names import parse_name

KERNEL = "qemu:6.1-amd64"
pytestmark = [
    pytest.mark.real,
    pytest.mark.slow,
    pytest.mark.skipif(
        cached(parse_name(KERNEL)) is None,
        reason=f"needs {KERNEL}; found none cached; cure: pfnlab kernels fetch {KERNEL}",
    ),
]
ORDERS = (1, 20051128)
# One region each of device memory, of RAM without a struct page, and of the lab's driver at mmap and at faults.
REGIONS = ("bar", "hidden", "lab-plain", "lab-fault")


def test_two_orders_of_the_catalogue_give_the_same_verdicts(tmp_path):
    orders, verdicts = [], []
    for seed in ORDERS:
        folder = tmp_path / str(seed)
        asked = [word for region in REGIONS for word in ("--region", region)]
        status = main(["run", "--on", KERNEL, *asked, "--seed", str(seed), "--results", str(folder), "--quiet"])
        assert status in (0, 1)  # what the verdicts are is another test's question
        lines = map(json.loads, (folder / "latest" / "results.jsonl").read_text().splitlines())
        found = {(line["program"], line["region"]): line["verdict"] for line in lines}
        orders.append([job for job in found if found[job] != "skip"])
        verdicts.append(found)

    assert orders[0] != orders[1]
    assert sorted(orders[0]) == sorted(orders[1])
    assert verdicts[0] == verdicts[1]
