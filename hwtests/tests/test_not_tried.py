# SPDX-License-Identifier: GPL-2.0-or-later
"""Is what was not tried on a user's region said, with what would cure it?"""

from hwtests.language import parse
from hwtests.needs import check
from hwtests.not_tried import not_tried, not_tried_text
from hwtests.plan import Job, Selected
from hwtests.regions.named import parse_named
from hwtests.targets.base import Unusable
from hwtests.trace import Kernel

ONE = Selected("one", parse("pfn 1\nregion dev\n", "one.pfn"), "", "none")
TWO = Selected("two", parse("pfn 1\nregion dev\n", "two.pfn"), "", "none")
STORE = Unusable("dev.cow", "/dev/x is not the lab's to write", "--allow-write, where it is harmless")
OTHER = Unusable("dev.split", "/dev/x may not be split", "use a region of another kind")


def test_programs_with_one_cause_are_one_group():
    groups = not_tried([Job(ONE, "/dev/x", {}, STORE), Job(TWO, "/dev/x", {}, STORE), Job(ONE, "/dev/x", {"dev": "x"})])

    assert groups == [
        {"region": "/dev/x", "found": STORE.found, "cure": STORE.cure, "needs": ["dev.cow"], "programs": ["one", "two"]}
    ]


def test_of_the_labs_own_regions_nothing_is_listed():
    assert not_tried([Job(ONE, "btf", {}, OTHER)]) == []
    assert not_tried_text([{"name": "host"}]) == ""


def test_what_the_user_can_mend_is_told_apart_from_what_does_not_apply():
    groups = not_tried([Job(ONE, "/dev/x", {}, OTHER), Job(TWO, "/dev/x", {}, STORE)])
    text = not_tried_text([{"name": "host", "not_tried": groups}])

    assert text == (
        "not tried on /dev/x (host), and why:\n"
        "     1  /dev/x is not the lab's to write: two\n"
        "        cure: --allow-write, where it is harmless\n"
        "     1  about mappings of another kind: may not be split (1)\n"
    )


def test_what_a_store_would_open_has_allow_write_for_its_cure():
    program = parse("pfn 1\nneeds dev.cow\nregion dev\nprocess p\n", "x.pfn")
    kernel = Kernel("6.12", "", "", "x86_64")
    here = {"dev": parse_named("/dev/x", 4096).traits}
    shared = {"dev": parse_named("/dev/x,shared", 4096).traits}

    unstored, unshared = (check(program, traits, {"dev": 4}, kernel) for traits in (here, shared))

    assert unstored is not None
    assert unshared is not None
    assert unstored.cure.startswith("--allow-write")
    assert not unshared.cure.startswith("--allow-write")
