"""The comparison as Markdown and as JUnit XML."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from lxml import etree

from sim.evaluate.comparison import Comparison, Question, compare
from sim.evaluate.junit import to_junit
from sim.evaluate.markdown import escape, to_markdown

HOSTILE = '|</details><script>alert("1")</script> [x](http://h) `c` *b* @team #1 ![i](j) ]]> &amp; \u202e'
DIRTY = HOSTILE + "\x1b[31m\x00\n\n# heading"


def rows(scenario: str, values: list[float], **more: Any) -> list[dict[str, Any]]:
    known = {"scenario": scenario, "controller": "c", "scale": 1.0, "status": "done", "scenario_key": "k"}
    return [
        known | {"seed": seed, "delay": value, "run_key": seed} | more for seed, value in enumerate(values)
    ]


@pytest.fixture
def comparison() -> Comparison:
    steps = [30.0, 31, 29, 30.5, 30.2]
    base = [*rows("equal", steps), *rows("worse", steps), *rows("open", steps), *rows(HOSTILE, steps)]
    head = [
        *rows("equal", steps),
        *rows("worse", [40.0, 41.5, 39, 40, 40], gridlock=True),
        *rows("open", [30.1, 31, 29, 30.5, 30.2]),
        *rows(HOSTILE, [30.0] * 5, status="failed", reason=DIRTY),
    ]
    return compare(base, head, Question(), (DIRTY, "head"))


def test_junit_is_valid_and_says_what_failed(comparison: Comparison) -> None:
    written = to_junit(comparison)
    root = etree.fromstring(written)
    schema = etree.XMLSchema(etree.parse(Path(__file__).with_name("junit.xsd")))
    schema.assertValid(root)
    (suite,) = root
    assert {key: suite.get(key) for key in ("tests", "failures", "errors", "skipped")} == {
        "tests": "5",
        "failures": "2",
        "errors": "0",
        "skipped": "1",
    }
    cases = {case.get("classname"): case for case in suite}
    assert cases["worse"][0].get("message").startswith("worse: +9.96 (+33.0 %); new gridlock at seeds 0-4")
    assert cases["open"][0].tag == "skipped"
    assert "95 % interval" in cases["equal"][0].text
    assert cases[HOSTILE.replace("\u202e", "?")][0].tag == "failure"
    assert to_junit(comparison) == written


def test_junit_tells_a_mismatch() -> None:
    base, head = (rows("s", [1.0], sumo_version=version) for version in ("1.28.0", "1.29.0"))
    root = etree.fromstring(to_junit(compare(base, head, Question(), ("a", "b"))))
    assert "1.28.0 in BASE, 1.29.0 in HEAD" in root.find(".//failure").text


def test_markdown_has_the_verdict_first_and_the_figures_folded(comparison: Comparison) -> None:
    lines = to_markdown(comparison).splitlines()
    assert lines[0].startswith("### 🔴 Traffic: FAILED: 1 worse, 1 missing, 1 not enough seeds, 1 equal")
    tables = [line for line in lines if line.startswith("|")]
    assert len({line.count("|") for line in tables}) == 2
    assert [line.split("|")[1].strip() for line in tables[2:5]] == [
        "🔴 worse",
        "🔴 missing",
        "⚪ not enough seeds",
    ]
    assert lines.index("</details>") == len(lines) - 1
    fold = next(number for number, line in enumerate(lines) if line.startswith("<details>"))
    assert "equal" not in "".join(lines[2:fold]).replace("&#", "")
    assert sum("equal" in line for line in lines[fold:]) == 1


def test_markdown_of_a_passed_gate() -> None:
    text = to_markdown(compare(rows("s", [1.0]), rows("s", [1.0]), Question(), ("a", "b")))
    assert text.startswith("### 🟢 Traffic: passed: 1 equal\n")


def test_names_cannot_become_markup(comparison: Comparison) -> None:
    text = to_markdown(comparison)
    without = text.replace("<details><summary>", "").replace("</summary>", "").replace("</details>", "")
    assert not re.search(r"[<>`@\[\]!\x00\x1b\u202e]", without)
    assert text.count("<details>") == text.count("</details>") == 1
    assert [line for line in text.splitlines() if line.startswith("#")] == [text.splitlines()[0]]
    assert escape("Königsallee-Süd_2") == "Königsallee-Süd&#95;2"
