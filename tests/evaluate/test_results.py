"""The table over many runs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from sim.errors import InputError
from sim.evaluate.database import connect
from sim.evaluate.kpi import write_kpi
from sim.evaluate.results import FLOOR_CONTROLLER, read_results, read_rows, summarise

BASE = {"scenario": "s", "scale": 1.0, "status": "done", "sumo_version": "1", "package_version": "1"}


def store(out: Path, *rows: dict[str, Any]) -> Path:
    for number, row in enumerate(rows):
        key = f"{number:016x}"
        directory = out / "runs" / key
        directory.mkdir(parents=True)
        name = row.get("controller", "program")
        full = BASE | {
            "controller_id": f"{name}-v1",
            "controller_spec": name,
            "scenario_key": "k",
            "run_key": key,
        }
        write_kpi(full | {"controller": name} | row, directory / "kpi.parquet")
    return out


def floor(seed: int, delay: float | None, **more: Any) -> dict[str, Any]:
    return {"controller": "floor", "controller_id": FLOOR_CONTROLLER, "seed": seed, "delay": delay} | more


def test_floor_is_joined_by_content_seed_scale_and_software(tmp_path: Path) -> None:
    out = store(
        tmp_path,
        floor(1, 5.0),
        floor(2, 6.0),
        floor(1, 7.0, scale=1.5),
        floor(1, 8.0, scenario_key="other"),
        floor(1, 9.0, package_version="2"),
        {"seed": 1, "delay": 30.0},
        {"seed": 2, "delay": 40.0},
        {"seed": 1, "delay": 50.0, "scale": 1.5},
        {"seed": 1, "delay": 60.0, "scenario_key": "other"},
        {"seed": 3, "delay": 70.0},
    )
    rows = read_results(out)
    assert [(r["delay"], r["floor"], r["control_delay"]) for r in rows] == [
        (30.0, 5.0, 25.0),
        (40.0, 6.0, 34.0),
        (70.0, None, None),
        (50.0, 7.0, 43.0),
        (60.0, 8.0, 52.0),
    ]


def test_failed_runs_are_rows_also_when_they_are_floors(tmp_path: Path) -> None:
    out = store(
        tmp_path,
        floor(1, None, status="failed", reason="why"),
        floor(2, 5.0),
        {"seed": 1, "delay": 30.0},
        {"seed": 2, "status": "timeout", "reason": "late"},
    )
    rows = read_results(out)
    assert [(r["controller"], r["seed"], r["status"], r["reason"]) for r in rows] == [
        ("floor", 1, "failed", "why"),
        ("program", 1, "done", None),
        ("program", 2, "timeout", "late"),
    ]
    assert rows[1]["floor"] is None


def test_summary_has_mean_spread_and_worst_over_the_seeds(tmp_path: Path) -> None:
    out = store(
        tmp_path,
        *(floor(seed, 1.0) for seed in (1, 2, 3)),
        {"seed": 1, "delay": 10.0, "gridlock": False},
        {"seed": 2, "delay": 20.0, "gridlock": False},
        {"seed": 3, "delay": 60.0, "gridlock": True},
        {"seed": 4, "status": "failed", "reason": "why"},
    )
    (row,) = summarise(out)
    assert (row["runs"], row["done"], row["failed"], row["gridlocks"]) == (4, 3, 1, 1)
    assert (row["delay"], row["delay_worst"], row["floor"], row["control_delay"]) == (30.0, 60.0, 1.0, 29.0)
    assert row["delay_sd"] == pytest.approx(700**0.5)


def test_summary_never_mixes_content_or_software_under_one_name(tmp_path: Path) -> None:
    out = store(
        tmp_path,
        {"seed": 1, "delay": 10.0},
        {"seed": 1, "delay": 20.0, "scenario_key": "edited"},
        {"seed": 1, "delay": 30.0, "package_version": "2"},
    )
    assert sorted(row["delay"] for row in summarise(out)) == [10.0, 20.0, 30.0]


def test_damaged_rows_are_told_and_left_out(tmp_path: Path) -> None:
    out = store(tmp_path, *({"seed": seed, "delay": 1.0} for seed in range(8)))
    names = sorted(path.name for path in (out / "runs").iterdir())
    (out / "runs" / names[1] / "kpi.parquet").unlink()
    (out / "runs" / names[3] / "kpi.parquet").write_bytes(b"")
    whole = (out / "runs" / names[5] / "kpi.parquet").read_bytes()
    (out / "runs" / names[5] / "kpi.parquet").write_bytes(whole[: len(whole) // 2])
    (out / "runs" / names[6] / "kpi.parquet").write_bytes(b"PAR1" + b"\xff" * 40 + b"PAR1")
    (out / "runs" / "a stray file").write_text("not a run", encoding="utf-8")

    told: list[str] = []
    rows = read_results(out, told.append)
    assert [row["seed"] for row in rows] == [0, 2, 4, 7]
    assert sorted(Path(line.split(":")[0]).name for line in told) == [names[i] for i in (1, 3, 5, 6)]
    assert all("\n" not in line for line in told)
    assert len(read_results(out)) == 4


@pytest.mark.parametrize("older", [0, 1])
def test_row_of_an_older_release_with_fewer_columns_is_read(tmp_path: Path, older: int) -> None:
    out = store(tmp_path, *({"seed": seed, "delay": 1.0, "pmx": 0.5} for seed in (1, 2, 3)))
    file = out / "runs" / f"{older:016x}" / "kpi.parquet"
    connection = connect()
    connection.execute("CREATE TABLE old AS SELECT * EXCLUDE (pmx) FROM read_parquet($f)", {"f": str(file)})
    connection.execute(f"COPY old TO '{file}' (FORMAT parquet)")
    rows = read_results(out)
    assert [row["seed"] for row in rows] == [1, 2, 3]
    assert [row["pmx"] for row in rows] == [None if number == older else 0.5 for number in range(3)]


def test_folder_without_runs_is_wrong_input_and_an_empty_store_is_empty(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no results in this folder"):
        read_results(tmp_path)
    assert read_rows(tmp_path) == []
    (tmp_path / "runs").mkdir()
    assert read_results(tmp_path) == summarise(tmp_path) == []
