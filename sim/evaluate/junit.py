"""A comparison as JUnit XML, the form in which CI systems take test results."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from typing import TYPE_CHECKING

from sim.evaluate import wording
from sim.evaluate.verdict import OPEN

if TYPE_CHECKING:
    from sim.evaluate.comparison import Cell, Comparison

SUITE = "gruenband compare"


def to_junit(comparison: Comparison) -> bytes:
    """
    Write a comparison as JUnit XML.

    Parameters
    ----------
    comparison : Comparison
        The comparison.

    Returns
    -------
    bytes
        One test case per cell and one for the keys of both sides. A cell at which the gate fails is a failure, one
        without enough seeds is skipped, all else has passed; figures stand in the text.
    """
    suite = ET.Element("testsuite", name=f"{SUITE}: {comparison.question.metric}")
    keys = ET.SubElement(suite, "testcase", classname=SUITE, name="same SUMO version and platform", time="0")
    if comparison.mismatches:
        _fail(keys, "BASE and HEAD were not made with the same", "\n".join(comparison.mismatches))
    for cell in comparison.cells:
        case = ET.SubElement(suite, "testcase", classname=_clean(cell.scenario), name=_name(cell), time="0")
        told = f"{cell.finding.verdict}: {wording.difference(cell)}"
        if wording.remarks(cell):
            told += f"; {wording.remarks(cell)}"
        if cell.failed:
            _fail(case, told, _figures(cell))
        elif cell.finding.verdict == OPEN:
            ET.SubElement(case, "skipped").text = _clean(f"{told}\n{_figures(cell)}")
        else:
            ET.SubElement(case, "system-out").text = _clean(f"{told}\n{_figures(cell)}")
    counts = {"tests": len(suite), "failures": len(suite.findall("*/failure")), "errors": 0}
    suites = ET.Element("testsuites", name=SUITE)
    for element in (suites, suite):
        for key, value in counts.items():
            element.set(key, str(value))
        element.set("time", "0")
    suite.set("skipped", str(len(suite.findall("*/skipped"))))
    suite.set("timestamp", "1970-01-01T00:00:00")  # the same runs give the same file
    suites.append(suite)
    ET.indent(suites)
    text: bytes = ET.tostring(suites, encoding="utf-8", xml_declaration=True)
    return text + b"\n"


def _name(cell: Cell) -> str:
    scale = "" if cell.scale is None else f" scale {cell.scale:g}"
    return _clean(f"{cell.controllers}{scale}")


def _fail(case: ET.Element, message: str, text: str) -> None:
    failure = ET.SubElement(case, "failure", message=_clean(message), type="gate")
    failure.text = _clean(text)


def _figures(cell: Cell) -> str:
    found = cell.finding
    return "\n".join(
        (
            f"BASE {wording.mean(cell, found.base)}, HEAD {wording.mean(cell, found.head)}, {found.pairs} seeds",
            f"95 % interval {wording.interval(cell, found.t_interval)}",
            f"BCa interval {wording.interval(cell, found.bca_interval)}",
            f"p (Holm) {wording.probability(found.p_holm)}, of control delay {wording.share(cell)}",
        )
    )


def _clean(text: str) -> str:
    """Drop what XML 1.0 cannot hold, escaped or not."""
    return "".join(
        letter if letter in "\n\t" or (letter.isprintable() and letter not in "\ufffe\uffff") else "?"
        for letter in text
    )
