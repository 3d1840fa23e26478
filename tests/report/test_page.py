"""The page as a file: its figures, what it says of faults, and names that try to break it."""

from __future__ import annotations

import re
import shutil
from html.parser import HTMLParser
from typing import TYPE_CHECKING, Any

import pytest

from sim.errors import InputError
from sim.evaluate.kpi import KPI_COLUMNS, write_kpi
from sim.evaluate.results import read_results, read_rows, summarise
from sim.report.pack import packed, to_script
from sim.report.page import build_page
from sim.report.words import write_number

if TYPE_CHECKING:
    from pathlib import Path

EVIL = "<script>alert(1)</script>\"'&\n\u202eäß\u2028 שלום {{ 7*7 }} {name}"


class Elements(HTMLParser):
    """Every element with its attributes, as a browser would see them, and the texts."""

    def __init__(self, page: str) -> None:
        super().__init__(convert_charrefs=True)
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text += data

    def count(self, tag: str) -> int:
        return sum(name == tag for name, _ in self.elements)


def build(folder: Path, **options: Any) -> tuple[str, list[str]]:
    faults: list[str] = []
    return build_page(folder, on_fault=faults.append, **options), faults


def change(folder: Path, number: int = 0, **values: object) -> str:
    """Write other values into the row of a run that is no floor; returns its folder's name."""
    rows = [row for row in read_rows(folder) if not row["controller_id"].startswith("floor")]
    row = rows[number]
    write_kpi(row | values, folder / "runs" / row["run_key"] / "kpi.parquet")
    return str(row["run_key"])


def test_page_needs_nothing_else(page: str) -> None:
    seen = Elements(page)
    addresses = [
        value
        for _, attributes in seen.elements
        for key, value in attributes.items()
        if key in {"src", "href"}
    ]
    assert addresses
    assert all(str(value).startswith("#") for value in addresses)
    assert seen.count("link") == seen.count("img") == seen.count("iframe") == 0
    assert set(re.findall(r"https?://[^\s\"'<]+", page)) == {"http://www.w3.org/2000/svg"}
    (policy,) = [a["content"] for tag, a in seen.elements if tag == "meta" and a.get("http-equiv")]
    assert str(policy).startswith("default-src 'none'; script-src 'sha256-")
    assert "unsafe" not in str(policy)


def test_every_figure_is_that_of_the_results(page: str, results: Path) -> None:
    cells = [a for tag, a in Elements(page).elements if tag == "td" and "data-n" in a]
    shown = [attributes["data-n"] for attributes in cells]
    for row in summarise(results):
        for column in ("delay", "control_delay", "floor", "stops", "waiting", "co2"):
            assert str(row[column]) in shown


def test_answer_tells_the_paired_difference(page: str, results: Path) -> None:
    rows = read_results(results)
    by = {(row["controller"], row["seed"]): row["delay"] for row in rows}
    difference = sum(by["actuated", seed] - by["program", seed] for seed in (1, 2, 3)) / 3
    text = Elements(page).text
    assert write_number(difference, 1, "en", sign=True) in text
    assert write_number(difference, 1, "de", sign=True) in text


def test_both_languages_say_everything(page: str) -> None:
    seen = Elements(page)
    for language in ("en", "de"):
        marked = [a for tag, a in seen.elements if a.get("class") == "t" and a.get("lang") == language]
        assert len(marked) > 100
    for tag, attributes in seen.elements:
        assert ("data-label-en" in attributes) == ("data-label-de" in attributes), (tag, attributes)


def test_names_stay_names(page: str) -> None:
    seen = Elements(page)
    # Data, the packed parts (one network, two cells) and the one script of the page.
    assert seen.count("script") == 5
    assert not any(key.startswith("on") for _, attributes in seen.elements for key in attributes)


def test_hostile_rows_stay_text(folder: Path) -> None:
    change(folder, 0, scenario=EVIL, controller=EVIL)
    change(folder, 1, status="failed", reason=EVIL, delay=None, controller=EVIL)
    page, _ = build(folder)
    seen = Elements(page)
    assert seen.count("script") == 1 + seen.text.count("H4sI") + 1
    assert not any(key.startswith("on") for _, attributes in seen.elements for key in attributes)
    assert "<script>alert" not in page
    assert "{{ 7*7 }}" in page
    assert "49" not in re.findall(r"שלום (\S+)", page)


def test_data_cannot_end_its_element() -> None:
    written = to_script({"</script>": ["<!--", "&", float("nan"), "\u2028"]})
    assert not set("<>&\u2028") & set(written)
    assert packed([1, 2]) == packed([1, 2])


def test_damaged_half_written_and_missing_runs_are_told(folder: Path) -> None:
    runs = sorted((folder / "runs").iterdir())
    keys = {row["run_key"]: row for row in read_results(folder)}
    broken, half, gone = [run for run in runs if run.name in keys][:3]
    content = (broken / "kpi.parquet").read_bytes()
    (broken / "kpi.parquet").write_bytes(content[:40] + b"\0" * (len(content) - 80) + content[-40:])
    (half / "kpi.parquet").write_bytes(b"PAR1")
    (gone / "kpi.parquet").unlink()
    page, faults = build(folder)
    for run in (broken, half, gone):
        assert sum(run.name in line for line in faults) == 1
        assert run.name in page
    assert 'id="faults"' in page


@pytest.mark.parametrize(
    "file", ["task.json", "switches.parquet", "edge_times.parquet", "turns.parquet", "tripinfo.parquet"]
)
def test_a_run_without_pictures_leaves_the_others(folder: Path, file: str) -> None:
    for run in (folder / "runs").iterdir():
        if (run / file).is_file():
            (run / file).write_bytes(b"{}" if file == "task.json" else b"PAR1PAR1")
    page, faults = build(folder)
    assert faults
    assert all("street" in line for line in faults)
    assert 'id="results"' in page


def test_an_older_release_stands_for_itself(folder: Path) -> None:
    change(folder, 0, package_version="0.0.1", scenario_key="0123456789abcdef")
    page, _ = build(folder)
    assert "street (Grünband 0.0.1" in page


def test_a_folder_copied_into_itself_counts_once(folder: Path) -> None:
    run = next(
        r for r in (folder / "runs").iterdir() if r.name in {row["run_key"] for row in read_results(folder)}
    )
    shutil.copytree(run, folder / "runs" / "copy-of-a-run")
    page, faults = build(folder)
    assert any(run.name in line and "counted once" in line for line in faults)
    assert page.count("<code>" + run.name) == 1


def test_rows_that_make_no_sense_are_left_out(folder: Path) -> None:
    nameless = change(folder, 0, seed=None)
    change(folder, 1, delay=float("nan"))
    change(folder, 2, delay=float("inf"), stops=float("-inf"))
    page, faults = build(folder)
    assert sum(nameless in line and "has no seed" in line for line in faults) == 1
    assert not set(re.findall(r"[^a-z](nan|inf)[^a-z]", Elements(page).text.lower()))


def test_locked_up_and_failed_runs_are_named(folder: Path) -> None:
    change(folder, 0, gridlock=True)
    change(folder, 5, status="failed", reason="SUMO stopped", delay=None)
    text = Elements(build(folder)[0]).text
    assert re.search(r"Caution: 1 of \d runs with \w+ locked up", text)
    assert re.search(r"1 of 3 runs with \w+ have no result \(SUMO stopped\)", text)


def test_nothing_finished_is_said(folder: Path) -> None:
    for number in range(6):
        change(
            folder,
            number,
            status="failed",
            reason="no",
            **{c: None for c in KPI_COLUMNS if c.startswith("delay")},
        )
    text = Elements(build(folder)[0]).text
    assert "No run is finished here" in text
    empty = folder.parent / "empty"
    (empty / "runs").mkdir(parents=True)
    assert "nothing to compare" in Elements(build(empty)[0]).text


def test_one_seed_is_not_enough(results: Path, tmp_path: Path) -> None:
    few = tmp_path / "few"
    for row in read_rows(results):
        if row["seed"] == 1:
            shutil.copytree(results / "runs" / row["run_key"], few / "runs" / row["run_key"])
    text = Elements(build(few)[0]).text
    assert "not enough seeds" in text
    assert "Not decided" in text


@pytest.mark.parametrize(("limit", "most"), [("MOST_RUNS", 1), ("MOST", 5000)])
def test_pictures_that_would_be_too_many_are_named(
    results: Path, monkeypatch: pytest.MonkeyPatch, limit: str, most: int
) -> None:
    monkeypatch.setattr(f"sim.report.diagrams.{limit}", most)
    page, faults = build(results)
    assert faults == []
    assert "Left out, to keep the page small: street, " in Elements(page).text
    assert page.count('<script type="text/plain" id="cell-') < 2


def test_base_can_be_chosen_and_must_exist(results: Path) -> None:
    text = Elements(build(results, base="actuated")[0]).text
    assert "Against actuated" in text
    with pytest.raises(InputError, match="did you mean 'actuated'"):
        build_page(results, base="actuatd")


def test_numbers_are_written_as_each_language_does() -> None:
    assert write_number(-1234.56, 1, "de") == "−1\u202f234,6"
    assert write_number(1234.56, 1, "en", sign=True) == "+1,234.6"
    assert write_number(None, 1, "de") == write_number(float("nan"), 1, "en") == "–"
