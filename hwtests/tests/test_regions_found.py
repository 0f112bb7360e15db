# SPDX-License-Identifier: GPL-2.0-or-later
"""What of a machine is found, and what of it is touched unasked?"""

import pytest

from hwtests.regions.discover import discover
from hwtests.regions.named import parse_named
from hwtests.regions.physical import ranges
from hwtests.regions.traits import load_traits
from hwtests.targets import host_regions
from hwtests.targets.base import Region, Unusable
from hwtests.tests.machines import IOMEM, PHYSICAL, machine, pci

IVSHMEM = pci("0000:00:04.0", "1af4:1110", 2, "0xfe010000 0xfe01ffff 0x14220c")
NETWORK = pci("0000:00:03.0", "1af4:1041", 4, "0xfe000000 0xfe003fff 0x14220c")
EDU = pci("0000:00:05.0", "1234:11e8", 0, "0xfe100000 0xfe1fffff 0x40200")


def found(tmp_path, files):
    return {one.name: one for one in discover(machine(tmp_path, files), load_traits())}


def unasked(rows):
    return {name for name, one in rows.items() if one.unasked and one.path}


def test_ram_that_the_command_line_took_is_found(tmp_path):
    kinds = [(one.kind, one.start, one.end) for one in ranges(machine(tmp_path, PHYSICAL))]

    assert ("reserved", 0x10000000, 0x10010000) in kinds
    assert ("hidden", 0x10010000, 0x20000000) in kinds


def test_system_ram_is_never_offered(tmp_path):
    for one in ranges(machine(tmp_path, PHYSICAL)):
        assert not (one.start < 0x10000000 and one.end > 0x100000)


def test_a_range_that_the_kernel_uses_after_all_is_no_reserved_one(tmp_path):
    files = {**PHYSICAL, "/proc/cmdline": "memmap=64K$0x2000000"}

    assert "reserved" not in {one.kind for one in ranges(machine(tmp_path, files))}


def test_hidden_addresses_offer_nothing(tmp_path):
    hidden = "\n".join("00000000-00000000 : " + line.split(" : ")[1] for line in IOMEM.splitlines())

    assert ranges(machine(tmp_path, {**PHYSICAL, "/proc/iomem": hidden})) == []


def test_only_memory_taken_from_the_kernel_is_used_unasked(tmp_path):
    rows = found(tmp_path, PHYSICAL)

    assert unasked(rows) == {
        "/dev/mem,offset=0x10000000,length=0x10000",
        "/dev/mem,offset=0x10010000,length=0x10000",
    }
    assert rows["/dev/mem,offset=0xf0000,length=0x10000"].traits.summary == "System ROM"


@pytest.mark.parametrize(
    ("files", "harmless"),
    [
        (IVSHMEM, {"/sys/bus/pci/devices/0000:00:04.0/resource2"}),
        (NETWORK, set()),
        (EDU, {"/sys/bus/pci/devices/0000:00:05.0/resource0"}),
    ],
)
def test_only_bars_of_known_devices_are_used_unasked(tmp_path, files, harmless):
    assert unasked(found(tmp_path, files)) == harmless


def test_a_known_device_brings_its_widths(tmp_path):
    rows = found(tmp_path, EDU)

    assert rows["/sys/bus/pci/devices/0000:00:05.0/resource0"].traits.widths == (4,)


@pytest.mark.parametrize(("end", "length"), [("0xfe01ffff", "any"), ("0xfe00ffff", "region")])
def test_a_part_of_a_bar_can_be_mapped_beyond_its_end(tmp_path, end, length):
    files = pci("0000:00:04.0", "1af4:1110", 2, f"0xfe000000 {end} 0x14220c")
    path = "/sys/bus/pci/devices/0000:00:04.0/resource2"
    named = parse_named(f"{path},length=64K", 4096, machine=machine(tmp_path, files))

    assert {found(tmp_path, files)[path].traits.length, named.traits.length} == {length}


def test_a_bar_that_is_switched_off_is_not_used(tmp_path):
    off = pci("0000:00:04.0", "1af4:1110", 2, "0xfe010000 0xfe01ffff 0x14220c", command=0)
    one = found(tmp_path, off)["/sys/bus/pci/devices/0000:00:04.0/resource2"]

    assert one.closed is not None
    assert (one.closed.gate, one.unasked) == ("BAR disabled", False)


def test_nothing_found_on_a_machine_is_the_labs_own_to_store_to(tmp_path):
    for one in discover(machine(tmp_path, {**PHYSICAL, **IVSHMEM, **NETWORK}), load_traits()):
        if one.closed is None and one.traits.source in ("file", "devmem"):
            assert not (one.traits.own and one.traits.stores), one.name
            assert not one.traits.stores or one.traits.read_only, one.name


def test_each_map_of_a_uio_device_is_a_region(tmp_path):
    files = {
        "/sys/class/uio/uio0/maps/map0/size": "0x1000",
        "/sys/class/uio/uio0/maps/map1/size": "0x4000",
    }
    rows = found(tmp_path, files)

    assert rows["/dev/uio0,offset=0x1000,length=0x4000"].base == 4096
    assert not rows["/dev/uio0,offset=0x1000,length=0x4000"].unasked


def test_a_missing_node_says_what_makes_it(tmp_path):
    rows = found(tmp_path, {"/proc/config": "# CONFIG_DEVMEM is not set\n"})

    assert rows["hidden"].closed.gate == "CONFIG_DEVMEM"
    assert rows["bar"].closed.gate == "device"
    assert rows["lab-whole"].closed.gate == "module"


@pytest.mark.parametrize(
    ("text", "stores"),
    [
        ("/dev/mem,offset=0x10000000,length=64K", True),
        ("/dev/mem,offset=0xff00000,length=2M", False),
        ("/dev/mem,offset=0x100000,length=4K", False),
    ],
)
def test_a_store_to_system_ram_is_never_allowed(tmp_path, text, stores):
    named = parse_named(text, 4096, allow_write=True, machine=machine(tmp_path, PHYSICAL))

    assert named.traits.stores == stores


def test_where_ram_is_hidden_from_the_user_no_physical_address_is_stored_to(tmp_path):
    named = parse_named("/dev/mem,offset=0x10000000", 4096, allow_write=True, machine=machine(tmp_path, {}))

    assert not named.traits.stores


@pytest.mark.parametrize("word", ["width=4", "volatile", "registers"])
def test_registers_are_not_read_by_pages_unless_it_is_said(tmp_path, word):
    assert not parse_named(f"/dev/x,{word}", 4096).traits.page_reads
    assert parse_named(f"/dev/x,{word},page-reads", 4096).traits.page_reads


def test_a_file_of_a_known_kind_has_its_traits(tmp_path):
    named = parse_named("/dev/mem,offset=0x10000000,length=64K", 4096, machine=machine(tmp_path, PHYSICAL))

    assert (named.traits.access, named.traits.length, named.traits.learn, named.traits.own) == (
        "phys", "any", False, False,
    )  # fmt: skip


def test_of_a_part_a_driver_need_not_refuse_what_is_longer():
    assert parse_named("/dev/x,length=64K", 4096).traits.holds("limited")
    assert not parse_named("/dev/x,length=64K,part", 4096).traits.holds("limited")


@pytest.mark.parametrize(
    ("source", "found", "gate"),
    [
        ("perf", "the agent refused: EPERM", "sysctl"),
        ("packet", "open of packet: EPERM", "permission"),
        ("io_uring", "open of io_uring: ENOSYS", "kernel"),
        ("premapped", "VmFlags lacks pf (rd mr)", "not as its traits say"),
    ],
)
def test_the_gate_of_what_the_agent_makes_is_named_too(source, found, gate):
    traits = next(one for one in load_traits().values() if one.source == source)
    region = Region(traits, unusable=Unusable("x", found, "y"))

    unusable = host_regions._gated(region).unusable

    assert unusable is not None
    assert unusable.gate == gate
