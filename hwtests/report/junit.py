# SPDX-License-Identifier: GPL-2.0-or-later
"""What does a CI server read?  JUnit XML: one suite a target, one case a result, no verdict folded into another."""

from __future__ import annotations

import re
from pathlib import Path
from xml.etree import ElementTree as ET

from hwtests.report.model import RunView, TargetView
from hwtests.results import Result

# XML 1.0 has no way to write these, and consoles hold them.
_UNWRITABLE = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def junit(run: RunView) -> str:
    """The XML text of a run; `failure` has the verdict as its type, a result that is missing is an error."""
    root = ET.Element("testsuites", name="pfnlab")
    for target in run.targets:
        missing = [key for key in run.missing if key[1] == target.name]
        root.append(_suite(run, target, missing))
    for name in ("tests", "failures", "errors", "skipped"):
        root.set(name, str(sum(int(suite.get(name, "0")) for suite in root)))
    root.set("time", f"{sum(float(suite.get('time', '0')) for suite in root):.3f}")
    ET.indent(root)
    return '<?xml version="1.0" encoding="utf-8"?>\n' + ET.tostring(root, encoding="unicode") + "\n"


def write_junit(run: RunView, path: Path) -> None:
    path.write_text(junit(run), encoding="utf-8")


def _suite(run: RunView, target: TargetView, missing: list[tuple[str, str, str]]) -> ET.Element:
    suite = ET.Element("testsuite", name=target.name)
    counts = target.counts
    suite.set("tests", str(len(target.results) + len(missing)))
    suite.set("failures", str(sum(counts[name] for name in ("mismatch", "crash", "timeout", "unpredicted"))))
    suite.set("errors", str(counts["error"] + len(missing)))
    suite.set("skipped", str(counts["skip"]))
    suite.set("time", f"{sum(result.seconds for result in target.results):.3f}")
    if started := run.run.get("started"):
        suite.set("timestamp", str(started).removesuffix("Z"))
    suite.set("hostname", str(run.run.get("inventory", {}).get("host", "")))
    properties = ET.SubElement(suite, "properties")
    for name, value in (("kernel", target.kernel), ("seed", run.run.get("seed")), ("tool", run.run.get("tool"))):
        if value is not None:
            ET.SubElement(properties, "property", name=name, value=_clean(str(value)))
    for result in target.results:
        suite.append(_case(result))
    for program, name, region in missing:
        case = ET.SubElement(suite, "testcase", name=program, classname=_class(name, region), time="0.000")
        ET.SubElement(case, "error", type="no-result", message="the run ended before this program had a verdict")
    return suite


def _case(result: Result) -> ET.Element:
    case = ET.Element("testcase", name=result.program, classname=_class(result.target, result.region))
    case.set("time", f"{result.seconds:.3f}")
    told = [difference.sentence() for difference in result.differences]
    if result.verdict == "skip":
        message = f"needs {result.needs}; found {result.found}; cure: {result.cure}"
        ET.SubElement(case, "skipped", message=_clean(message))
    elif result.verdict != "agree":
        kind = "error" if result.verdict == "error" else "failure"
        message = result.why or (told[0] if told else result.verdict)
        problem = ET.SubElement(case, kind, type=result.verdict, message=_clean(message))
        problem.text = _clean(
            "\n".join(f"line {d.line}: {d.text}\n  {d.sentence()}" for d in result.differences) or result.why
        )
    return case


def _class(target: str, region: str) -> str:
    return f"{target}.{region}" if region else target


def _clean(text: str) -> str:
    return _UNWRITABLE.sub("\ufffd", text)
