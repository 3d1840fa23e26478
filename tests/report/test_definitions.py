"""One source of definitions: what the page shows on hover is what docs/metrics.md says."""

from __future__ import annotations

import re
from pathlib import Path

from sim.evaluate.kpi import KPI_COLUMNS
from sim.report.page import MODE_COLUMNS, RESULT_COLUMNS, SAFETY_TERMS, SEED_FIGURES, TURN_TERMS
from sim.report.pictures import SAFETY_COLUMNS, TURN_COLUMNS
from sim.report.words import LANGUAGES, table

METRICS = Path(__file__).resolve().parents[2] / "docs" / "metrics.md"
HEAD = "| figure | Kenngröße | unit | what it means | was sie bedeutet |\n|---|---|---|---|---|\n"


def documented() -> str:
    """The table that docs/metrics.md has to carry."""
    lines = [
        f"| {entry['name_en']} | {entry['name_de']} | {entry['unit']} | {entry['en']} | {entry['de']} |"
        for entry in table("definitions").values()
    ]
    return HEAD + "\n".join(lines) + "\n"


def test_metrics_page_carries_the_same_definitions() -> None:
    assert documented() in METRICS.read_text(encoding="utf-8"), (
        f"docs/metrics.md must hold:\n\n{documented()}"
    )


def test_units_are_those_of_the_columns() -> None:
    units = {}
    columns = METRICS.read_text(encoding="utf-8").partition("## In words")[0]
    for names, unit in re.findall(r"^\| ([a-z0-9_, ]+) \| ([^|]*) \|", columns, re.MULTILINE):
        units.update(dict.fromkeys(names.split(", "), unit.strip()))
    shared = [key for key in table("definitions") if key in KPI_COLUMNS and key in units]
    assert {"delay", "stops", "waiting", "longest_wait", "co2"} <= set(shared)
    for key in shared:
        assert table("definitions")[key]["unit"] == units[key], key


def test_everything_on_the_page_is_defined_in_both_languages() -> None:
    used = {key for key, _ in (*RESULT_COLUMNS, *MODE_COLUMNS)} | set(SEED_FIGURES)
    used |= {TURN_TERMS.get(key, key) for key, _ in TURN_COLUMNS[2:]}
    used |= {SAFETY_TERMS.get(key, key) for key, _ in SAFETY_COLUMNS}
    assert used <= set(table("definitions"))
    for key, entry in table("definitions").items():
        assert {"unit", "name_en", "name_de", "en", "de"} <= set(entry), key
    for key, entry in table("texts").items():
        assert set(entry) == set(LANGUAGES), key
        assert sorted(re.findall(r"\{\w+\}", entry["en"])) == sorted(re.findall(r"\{\w+\}", entry["de"])), key


def test_scripts_ask_for_texts_that_exist() -> None:
    folder = Path(__file__).resolve().parents[2] / "sim" / "report"
    scripts = "".join(path.read_text(encoding="utf-8") for path in sorted((folder / "js").glob("*.js")))
    asked = set(re.findall(r'G\.say\("([\w-]+)"', scripts))
    assert asked == {key for key in table("texts") if key.startswith("chart-")}
    # Names from files reach the page as text only.
    assert not re.search(
        r"innerHTML|outerHTML|insertAdjacent|document\.write|eval\(|new Function|setAttribute\(\"on", scripts
    )
    template = (folder / "page.html.j2").read_text(encoding="utf-8")
    assert "| safe" not in template
    known = set(
        re.findall(
            r'say\("([\w-]+)"', template + "".join(p.read_text(encoding="utf-8") for p in folder.glob("*.py"))
        )
    )
    assert known <= {*table("texts"), "section-", "plain-mode-", "plain-change-", "signal-legend-", "plain-"}
