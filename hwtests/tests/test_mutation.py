# SPDX-License-Identifier: GPL-2.0-or-later
"""What mistakes are made at each kind of code, what a mutant is called, and how survivors are argued."""

import ast

import pytest

from hwtests.errors import LabError
from hwtests.mutation.killing import Fate, Killed
from hwtests.mutation.mutant import Key, Mutant
from hwtests.mutation.score import scores
from hwtests.mutation.sites import files, mutants_of, read_sources
from hwtests.mutation.survivors import read_argued, stale


def mutants(tmp_path, body, head="def f(k, a, b):"):
    path = tmp_path / "example.py"
    path.write_text(f"{head}\n" + "".join(f"    {line}\n" for line in body.splitlines()))
    (source,) = read_sources([path])
    return [(one.kind, one.key.after) for one in mutants_of(source)]


@pytest.mark.parametrize(
    ("body", "made"),
    [
        ("k.x = a < b", [("statement", "pass"), ("compare", "k.x = a <= b"), ("compare", "k.x = a >= b")]),
        ("k.x = a is b", [("statement", "pass"), ("compare", "k.x = a is not b")]),
        ("k.x = a in b", [("statement", "pass"), ("compare", "k.x = a not in b")]),
        ("if a == b:\n    pass", [("boolean", "if True"), ("boolean", "if False")]),
        ("if a < b:\n    pass", [("boolean", "if True"), ("boolean", "if False"), ("compare", "if a <= b")]),
        ("while a:\n    pass", [("boolean", "while False")]),
        (
            "k.x = a and b",
            [
                ("statement", "pass"),
                ("boolean", "k.x = a or b"),
                ("boolean", "k.x = True and b"),
                ("boolean", "k.x = a and True"),
            ],
        ),
        ("k.x = not a", [("statement", "pass"), ("boolean", "k.x = a")]),
        ("k.x = a & ~b", [("statement", "pass"), ("arithmetic", "k.x = a | ~b"), ("arithmetic", "k.x = a & b")]),
        ("k.x += a", [("arithmetic", "k.x -= a"), ("statement", "pass")]),
        ("k.x = True", [("statement", "pass"), ("constant", "k.x = False")]),
        ("k.x = 2", [("statement", "pass"), ("constant", "k.x = 3"), ("constant", "k.x = 0")]),
        ("k.x = 'cow'", [("statement", "pass"), ("constant", "k.x = 'cow~'")]),
        ("return -errno.EINVAL", [("constant", "return -errno.ENOMEM")]),
        ("return -errno.EFAULT", [("constant", "return -errno.EINVAL")]),
        ("k.go(a)", [("statement", "pass")]),
        ("k.rules.append('a.b')", [("rule", "pass")]),
    ],
)
def test_every_mistake_is_made_once(tmp_path, body, made):
    assert mutants(tmp_path, body) == made


@pytest.mark.parametrize(
    "body",
    [
        '"""What it does."""',
        "x = a",  # the first time that the name gets a value: without it nothing goes at all
        "assert a",
        "raise ValueError('a sentence')\nreturn",
        "return a",
        "x: int",
    ],
)
def test_what_says_nothing_of_a_kernel_is_left_alone(tmp_path, body):
    assert [one for one in mutants(tmp_path, body) if one != ("statement", "pass")] == []


def test_what_is_said_to_people_is_left_alone(tmp_path):
    assert mutants(tmp_path, "k.log('oops')\nk.unknown = 'word'") == [("statement", "pass")] * 2


def test_a_name_for_a_number_is_left_alone_and_a_table_is_not(tmp_path):
    assert mutants(tmp_path, "pass", "VM_IO = 0x4000\nSIZE = 1 << 12\nif a:") == []
    assert mutants(tmp_path, "pass", "BOTH = VM_IO | VM_PFNMAP\nif a:") == [("arithmetic", "BOTH = VM_IO & VM_PFNMAP")]


def test_a_mutant_is_named_by_its_statement_and_counted_where_that_stands_twice(tmp_path):
    path = tmp_path / "example.py"
    path.write_text("class C:\n    def f(self):\n        self.g()\n        self.g()\n        return 0\n")
    (source,) = read_sources([path])

    keys = [one.key for one in mutants_of(source) if one.kind == "statement"]

    assert keys == [Key("example.py", "C.f", "self.g()", "pass", 1), Key("example.py", "C.f", "self.g()", "pass", 2)]
    assert len(set(keys)) == 2


def test_making_a_list_of_mutants_leaves_the_tree_as_it_was():
    (source,) = read_sources([path for path in files() if path.name == "normal.py"])
    before = ast.dump(source.tree)

    keys = [one.key for one in mutants_of(source)]

    assert ast.dump(source.tree) == before
    assert len(keys) == len(set(keys)) > 100


def entry(**changes):
    said = {"file": "a.py", "function": "f", "before": "x", "after": ["y", "z"], "why": "It is the same.", **changes}
    return "[[survivor]]\n" + "".join(f"{name} = {value!r}\n" for name, value in said.items())


def test_an_argument_holds_for_the_changes_that_it_lists():
    assert set(read_argued(entry())) == {Key("a.py", "f", "x", "y", 1), Key("a.py", "f", "x", "z", 1)}


@pytest.mark.parametrize("text", [entry(why=" "), entry() + entry(), entry(more=1), "[[survivor]]\nfile = 1", "["])
def test_arguments_that_are_none_are_refused(text):
    with pytest.raises(LabError):
        read_argued(text)


def test_an_argument_for_no_mutant_or_for_a_killed_one_is_stale():
    argued = read_argued(entry())
    first, second = argued

    assert stale(argued, [first, second], [], ["a.py"]) == []
    assert stale(argued, [], [], ["b.py"]) == []
    assert [text.split(":")[0] for text in stale(argued, [first], [first], ["a.py"])] == [
        "argued, but there is no such mutant",
        "argued, but killed",
    ]


def test_the_score_is_of_all_and_of_those_that_are_not_argued():
    keys = [Key("a.py", "f", "x", text, 1) for text in "abcd"]
    killed, alive = Fate([Killed("p", "p on x", "wrong")], 1, 1), Fate([], 1, 1)
    fates = [(Mutant(key, "compare", 1), killed if key.after in "ab" else alive) for key in keys]

    total, by_file = scores(fates, {keys[2]})

    assert (total.raw, round(total.net, 1), total.survived) == (50.0, 66.7, 1)
    assert by_file["a.py"] == total


@pytest.mark.slow
def test_every_argued_survivor_is_a_mutant_of_today():
    sources = read_sources(files())
    from hwtests.mutation.words import word_mutants

    there = {one.key for source in sources for one in mutants_of(source)} | {one.key for one in word_mutants()}

    assert [str(key) for key in read_argued() if key not in there] == []
