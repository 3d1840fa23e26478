"""Baseline files, damaged folders, and the index of large ones."""

from __future__ import annotations

import json
import os
from pathlib import Path  # noqa: TC003
from typing import Any

import pytest

from sim.errors import InputError
from sim.evaluate import index, results
from sim.evaluate.baseline import read_runs, write_baseline
from sim.evaluate.comparison import Question, compare
from sim.evaluate.database import connect
from sim.evaluate.kpi import write_kpi
from sim.evaluate.results import FLOOR_CONTROLLER

BASE = {
    "scenario": "Straße 1",
    "controller": "program",
    "controller_id": "program-v1",
    "controller_spec": "{}",
    "scale": 1.0,
    "status": "done",
    "sumo_version": "1.28.0",
    "package_version": "0.1.0",
    "platform": "linux-x86_64",
    "scenario_key": "k",
    "wall_seconds": 3.0,
}


def store(out: Path, *rows: dict[str, Any]) -> Path:
    for number, row in enumerate(rows):
        directory = out / "runs" / f"{number:016x}"
        directory.mkdir(parents=True)
        write_kpi(BASE | {"run_key": directory.name} | row, directory / "kpi.parquet")
    return out


def read(path: Path) -> tuple[list[dict[str, Any]], list[str]]:
    told: list[str] = []
    return read_runs(path, told.append), told


def test_a_folder_equals_its_baseline_to_the_last_bit(tmp_path: Path) -> None:
    out = store(
        tmp_path,
        *({"seed": seed, "delay": seed / 3} for seed in range(1, 8)),
        {"seed": 1, "controller_id": FLOOR_CONTROLLER, "controller": "floor", "delay": 0.1},
        {"seed": 9, "status": "failed", "reason": "why"},
    )
    rows, _ = read(out)
    file = tmp_path / "baseline.json"
    assert write_baseline(rows, file) == 7
    again, told = read(file)
    assert told == []
    assert [row["delay"] for row in again] == [seed / 3 for seed in range(1, 8)]
    assert again[0]["control_delay"] == 1 / 3 - 0.1
    assert "wall_seconds" not in again[0]
    comparison = compare(again, rows, Question(), ("a", "b"))
    assert [cell.finding.verdict for cell in comparison.cells] == ["equal"]
    assert comparison.passed
    text = file.read_text(encoding="utf-8")
    assert len(text.splitlines()) == 7 + 2
    assert "Straße" in text


def test_baseline_of_a_clash_or_of_nothing_is_refused(tmp_path: Path) -> None:
    twice = store(
        tmp_path / "a", {"seed": 1, "delay": 1.0}, {"seed": 1, "delay": 2.0, "package_version": "2"}
    )
    with pytest.raises(InputError, match=r"seed 1 has two results \(run keys 0{16} and 0{15}1\)"):
        write_baseline(read(twice)[0], tmp_path / "x")
    failed = store(tmp_path / "b", {"seed": 1, "status": "failed", "reason": "why"})
    with pytest.raises(InputError, match="none of the runs is done"):
        write_baseline(read(failed)[0], tmp_path / "x")
    assert not (tmp_path / "x").exists()


GOOD = {"scenario": "s", "controller": "c", "status": "done", "seed": 1, "scale": 1, "delay": 1.0}


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ("", "no baseline: not JSON"),
        ("[" * 100_000, "no baseline: not JSON"),
        ("[]", "is no baseline"),
        ('{"runs": []}', "is no baseline"),
        ('{"format": "gruenband-baseline-v9", "runs": []}', "has the format 'gruenband-baseline-v9'"),
        ({"runs": {}}, "'runs' is no list"),
        ({"runs": []}, "is a baseline of no runs"),
        ({"runs": [5]}, "run 1 is no object"),
        ({"runs": [GOOD, GOOD | {"seed": "1"}]}, "run 2 has no whole number as 'seed'"),
        ({"runs": [GOOD | {"seed": True}]}, "has no whole number as 'seed'"),
        ({"runs": [GOOD | {"scale": float("nan")}]}, "has no number as 'scale'"),
        ({"runs": [GOOD | {"scale": 10**400}]}, "has no number as 'scale'"),
        ({"runs": [GOOD | {"scenario": None}]}, "has no 'scenario'"),
        ({"runs": [GOOD | {"controller": "a\x1b[2Jb"}]}, "has a 'controller' that cannot be printed"),
        ({"runs": [GOOD | {"controller": "\ud800"}]}, "has a 'controller' that cannot be printed"),
    ],
)
def test_bad_baselines_are_refused_in_one_line(tmp_path: Path, content: Any, told: str) -> None:
    file = tmp_path / "baseline.json"
    text = content if isinstance(content, str) else json.dumps({"format": "gruenband-baseline-v1"} | content)
    file.write_text(text, encoding="utf-8")
    with pytest.raises(InputError, match=r"baseline\.json") as caught:
        read(file)
    assert told in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("value", ["many", True, [1], {"a": 1}, float("inf"), 10**400])
def test_what_is_no_figure_in_a_baseline_is_a_missing_value(tmp_path: Path, value: Any) -> None:
    file = tmp_path / "baseline.json"
    bad = json.dumps(
        {"format": "gruenband-baseline-v1", "runs": [GOOD | {"delay": value}, GOOD | {"seed": 2}]}
    )
    file.write_text(bad, encoding="utf-8")
    rows, _ = read(file)
    (cell,) = compare(rows, [GOOD, GOOD | {"seed": 2}], Question(), ("a", "b")).cells
    assert cell.finding.verdict == "equal"
    assert cell.finding.pairs == 1


def test_there_is_nothing_of_that_name(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="does not exist"):
        read(tmp_path / "none")
    with pytest.raises(InputError, match="no results in this folder"):
        read(tmp_path)
    (tmp_path / "runs").mkdir()
    with pytest.raises(InputError, match="holds no runs yet"):
        read(tmp_path)


def test_rows_without_identity_are_told_and_left_out(tmp_path: Path) -> None:
    out = store(
        tmp_path,
        {"seed": 1, "delay": 1.0},
        {"seed": 2, "delay": 1.0, "scenario": None},
        {"seed": 3, "delay": 1.0, "controller": "\x1b]0;x\x07"},
    )
    rows, told = read(out)
    assert [row["seed"] for row in rows] == [1]
    assert len(told) == 2
    assert all(line.isprintable() for line in told)


def test_row_of_a_newer_release_with_more_columns_is_read(tmp_path: Path) -> None:
    out = store(tmp_path, *({"seed": seed, "delay": 1.0} for seed in (1, 2, 3)))
    file = out / "runs" / f"{1:016x}" / "kpi.parquet"
    connection = connect()
    connection.execute("CREATE TABLE newer AS SELECT *, 5 AS future FROM read_parquet($f)", {"f": str(file)})
    connection.execute(f"COPY newer TO '{file}' (FORMAT parquet)")
    rows, told = read(out)
    assert [row["seed"] for row in rows] == [1, 2, 3]
    assert told == []


@pytest.fixture
def indexed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(results, "FEWEST", 2)
    out = store(tmp_path / "out", *({"seed": seed, "delay": float(seed)} for seed in range(1, 6)))
    fresh(out)
    assert (out / index.INDEX).is_file()
    return out


def fresh(out: Path) -> list[float]:
    """Read as another process would."""
    results._database.cache_clear()
    return [row["delay"] for row in read_runs(out, lambda _: None)]


def test_index_gives_the_same_rows(indexed: Path) -> None:
    first = fresh(indexed)
    for row in (indexed / "runs").glob("*/kpi.parquet"):
        content, stat = row.read_bytes(), row.stat()
        row.write_bytes(b"x" * len(content))  # only the index can know the row now
        os.utime(row, ns=(stat.st_atime_ns, stat.st_mtime_ns))
    assert fresh(indexed) == first == [1.0, 2.0, 3.0, 4.0, 5.0]


def test_changed_new_and_removed_runs_are_seen(indexed: Path) -> None:
    runs = sorted((indexed / "runs").iterdir())
    write_kpi(BASE | {"seed": 1, "delay": 99.0, "run_key": runs[0].name}, runs[0] / "kpi.parquet")
    (runs[1] / "kpi.parquet").unlink()
    new = indexed / "runs" / "f"
    new.mkdir()
    write_kpi(BASE | {"seed": 6, "delay": 6.0, "run_key": "f"}, new / "kpi.parquet")
    assert fresh(indexed) == [99.0, 3.0, 4.0, 5.0, 6.0]


@pytest.mark.parametrize("content", [b"", b"PAR1" + b"\xff" * 99 + b"PAR1"])
def test_damaged_index_is_built_anew(indexed: Path, content: bytes) -> None:
    (indexed / index.INDEX).write_bytes(content)
    assert fresh(indexed) == [1.0, 2.0, 3.0, 4.0, 5.0]
    assert (indexed / index.INDEX).stat().st_size > 200


def test_index_of_another_release_is_built_anew(indexed: Path) -> None:
    file = indexed / index.INDEX
    connection = connect()
    connection.execute("CREATE TABLE old AS SELECT * EXCLUDE (pmx) FROM read_parquet($f)", {"f": str(file)})
    connection.execute(f"COPY old TO '{file}' (FORMAT parquet)")
    assert fresh(indexed) == [1.0, 2.0, 3.0, 4.0, 5.0]


def test_a_folder_that_cannot_be_written_is_read_all_the_same(indexed: Path) -> None:
    (indexed / index.INDEX).unlink()
    (indexed / index.INDEX).mkdir()
    assert fresh(indexed) == [1.0, 2.0, 3.0, 4.0, 5.0]
    assert sorted(path.name for path in indexed.iterdir()) == [index.INDEX, "runs"]
