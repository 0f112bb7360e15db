# SPDX-License-Identifier: GPL-2.0-or-later
"""How is a rule, a word or a profile told to a person?  As lines of 80 columns, from the rows that `--json` prints."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from textwrap import wrap
from typing import Any

from simulator.catalogue import spelled

WIDTH = 80  # columns
LABEL = 12  # columns that a fact's text is indented by
HOW = ("host", "uml", "qemu", "golden")  # what the targets of recorded traces begin with
SHOWN = 8  # programs that a list names; the rest is counted

Row = Mapping[str, Any]


def fact(name: str, text: str, label: int = LABEL) -> list[str]:
    """`  name      text`, folded; nothing where there is no text."""
    if not text:
        return []
    first = f"  {name}".ljust(label - 1) + " "
    return wrap(text, WIDTH, initial_indent=first, subsequent_indent=" " * label, break_on_hyphens=False)


def item(text: str) -> list[str]:
    """One of several texts under a fact's name."""
    indent = " " * LABEL
    return wrap(text, WIDTH, initial_indent=indent, subsequent_indent=indent + "  ", break_on_hyphens=False)


def fold(text: str) -> list[str]:
    """A paragraph, indented by two."""
    return wrap(text, WIDTH, initial_indent="  ", subsequent_indent="  ", break_on_hyphens=False)


def several(names: Sequence[str], shown: int = SHOWN) -> str:
    """The first names of a list, and how many more there are."""
    rest = len(names) - shown
    return ", ".join(names) if rest <= 1 else f"{', '.join(names[:shown])} and {rest} more"


def rule_lines(row: Row) -> list[str]:
    """All that is known of a rule: hwtests/listing_rules.py."""
    lines = [row["id"], *fold(row["says"]), ""]
    lines += fact("source", row["function"])
    lines += fact("commit", row["commit"])
    for word in dict.fromkeys(one["word"] for one in row["history"]):
        stretches = [one for one in row["history"] if one["word"] == word]
        lines += fact("word", f"{word}: {stretches[0]['says']}")
        lines += [line for one in stretches for line in item(stretch(one))]
    lines += fact("holds in", ", ".join(row["profiles"]) if row["others"] else "every profile")
    lines += fact("not in", ", ".join(row["others"]))
    lines += fact("programs", several(row["programs"]) or "none is about it")
    lines += fact("seen on", kernels(row["seen"]) or "no kernel")
    lines += fact("unseen", row["unseen"])
    return lines


def word_lines(row: Row) -> list[str]:
    """All that is known of a word of the profiles: hwtests/listing_words.py."""
    lines = [row["word"], *fold(row["says"]), ""]
    lines += fact("source", row["function"])
    lines += fact("rules", ", ".join(row["rules"]))
    values = [f"{value}: {means}" for value, means in row["values"].items()]
    lines += fact("values", values[0] if values else "") + [line for text in values[1:] for line in item(text)]
    lines += fact("a list of", row["each"])
    lines += fact("history", stretch(row["history"][0]))
    lines += [line for one in row["history"][1:] for line in item(stretch(one))]
    return lines


def profile_lines(row: Row) -> list[str]:
    """What a profile is: its kernel, where it stands among the others, and what it has of its own."""
    lines = [row["name"], *fold(row["is"]), ""]
    lines += fact("release", row["release"])
    lines += fact("level", f"{row['level']} (the lowest that was seen to behave so)")
    lines += fact("arch", row["arch"])
    lines += fact("assumed", row["assumed"])
    lines += fact("seen on", ", ".join(row["kernels"]))
    if row["before"]:
        lines += fact("differs", f"from {row['before']} in:" if row["words"] else f"in no word from {row['before']}")
    for one in row["words"]:
        lines += item(f"{one['word']}: {changed(one['a'], one['b'])}")
    lines += fact("config", ", ".join(f"{name}={value}" for name, value in row["config"].items()))
    return lines


def diff_lines(rows: Sequence[Row], a: str, b: str) -> list[str]:
    """The words and options in which two profiles differ: hwtests/rules_diff.py."""
    words = [row for row in rows if "word" in row]
    label = max(LABEL, len(a) + 4, len(b) + 4)
    lines = [f"{a} and {b} differ in {len(words)} {'word' if len(words) == 1 else 'words'}"]
    for row in words:
        lines += ["", row["word"], *fold(row["says"])]
        if isinstance(row["a"]["value"], (list, tuple)):
            lines += fact(b, changed(row["a"], row["b"]), label)
        else:
            lines += fact(a, valued(row["a"]), label) + fact(b, valued(row["b"]), label)
        lines += fact("source", row["function"], label)
        lines += fact("why", reasons(row["changes"]), label)
        lines += fact("rules", ", ".join(row["rules"]), label)
        lines += fact("programs", several(row["programs"]) or "none tells them apart", label)
    if options := [row for row in rows if "config" in row]:
        lines += ["", "configuration"]
        lines += [f"  {row['config']}: {row['a']} and {row['b']}" for row in options]
    return lines


def coverage_lines(rows: Sequence[Row], totals: Mapping[str, int]) -> list[str]:
    """Each rule with how many programs exercise it and how many kernels were seen to keep it; the totals; the rest."""
    width = max(len(row["id"]) for row in rows)
    lines = [f"{'rule':{width}}  programs  kernels"]
    lines += [f"{row['id']:{width}}  {len(row['programs']):8}  {len(row['kernels']):7}" for row in rows]
    lines += ["", f"{totals['rules']} rules"]
    lines.append(f"{share(totals['exercised'], totals['rules'])} are exercised by a program in the simulator")
    lines += wrap(
        f"{share(totals['seen'], totals['in_reach'])} of those that hold on a kernel in reach were seen on one", WIDTH
    )
    for row in rows:
        missing = [*["no program exercises it"] * (not row["programs"]), *["seen on no kernel"] * (not row["kernels"])]
        if missing:
            lines += ["", row["id"], *fold(" and ".join(missing) + (f": {row['unseen']}" if row["unseen"] else ""))]
    return lines


def branch_lines(rows: Sequence[Row]) -> list[str]:
    """Each file of the simulator with the share of it that recorded traces run, and whose; then what none runs."""
    targets = sorted({target for row in rows for target in row["by"]})
    lines: list[str] = []
    for row in rows:
        lines += ["", f"simulator/{row['file']}"]
        lines += fact("lines", share(row["lines_run"], row["lines"]))
        lines += fact("branches", share(row["branches_run"], row["branches"]))
        lines += fact("by", ", ".join(f"{target} {row['by'][target]['branches']}" for target in targets))
        lines += fact("not run", ", ".join(spans(row["not_run"])))
        lines += fact("not taken", ", ".join(f"{a}→{b if b > 0 else 'out'}" for a, b in row["not_taken"]))
    lines += ["", f"lines     {share(sum(row['lines_run'] for row in rows), sum(row['lines'] for row in rows))}"]
    lines += [f"branches  {share(sum(row['branches_run'] for row in rows), sum(row['branches'] for row in rows))}"]
    return [*lines[1:], *(f"  {target:18} {sum(row['by'][target]['branches'] for row in rows)}" for target in targets)]


def spans(lines: Sequence[int]) -> list[str]:
    """`12`, `14-17`: numbers in order as runs."""
    found: list[list[int]] = []
    for line in lines:
        if found and line == found[-1][1] + 1:
            found[-1][1] = line
        else:
            found.append([line, line])
    return [str(first) if first == last else f"{first}-{last}" for first, last in found]


def share(part: int, whole: int) -> str:
    """`98.1 % (158 of 161)`."""
    return f"{100 * part / whole if whole else 100:.1f} % ({part} of {whole})"


def stretch(row: Row) -> str:
    """One value of a word over some profiles, and what made it so."""
    where = row["first"] if row["first"] == row["last"] else f"{row['first']} to {row['last']}"
    text = f"{where}: {row['means'] or elements(row['value'])}"
    return f"{text}; {reasons(row['changes'])}" if row["changes"] else text


def reasons(changes: Iterable[Row]) -> str:
    """Why a word has another value than before."""
    return "; ".join(
        change["commit"] if not change["since"] or f"in v{change['since']})" in change["commit"]
        else f"since {change['since']}, {change['commit']}"
        for change in changes
    )  # fmt: skip


def elements(value: Any) -> str:
    """A list's value; a long one as how many there are."""
    text = spelled(tuple(value) if isinstance(value, list) else value)
    return text if len(text) <= WIDTH else f"{len(value)}: {text}"


def changed(a: Row, b: Row) -> str:
    """One value and the other; of a list, what came and what went."""
    if not isinstance(a["value"], (list, tuple)):
        return f"{valued(a)}; here {valued(b)}"
    came = [str(one) for one in b["value"] if one not in a["value"]]
    went = [str(one) for one in a["value"] if one not in b["value"]]
    return "; ".join(
        filter(None, ["with " + " ".join(came) if came else "", "without " + " ".join(went) if went else ""])
    )


def valued(one: Row) -> str:
    """`cow: cow mappings only`."""
    return f"{spelled(one['value'])}: {one['means']}" if one["means"] else elements(one["value"])


def kernels(seen: Mapping[str, Row]) -> str:
    """The kernels on which a rule was seen, by how they were run: `uml 5.10.46 6.1.176; qemu 6.1.192 6.1.176-armhf`."""
    by: dict[str, list[str]] = {}
    for target, one in seen.items():
        how, _, which = target.partition(":")
        machine = which.partition("-")[2] if how == "qemu" and not which.endswith("-amd64") else ""
        if how == "golden":
            machine = which.partition("-")[0] if which[0].isalpha() else ""
        by.setdefault(how, []).append("-".join(filter(None, [one["level"] or one["release"], machine])))
    return "; ".join(f"{how} {' '.join(names)}" for how, names in sorted(by.items(), key=lambda one: HOW.index(one[0])))
