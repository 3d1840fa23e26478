"""``gruenband results --signals``."""

from __future__ import annotations

import csv
import io
import json
import shutil
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path

    from conftest import Call


@pytest.fixture(scope="module")
def folder(cross: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    from sim.cli.main import invoke

    out = tmp_path_factory.mktemp("signals") / "out"
    assert invoke(["run", str(cross), "-c", "program", "-c", "fixed-webster", "-j", "1", "-o", str(out)]) == 0
    return out


def test_table_has_every_turn_in_use_the_worst_first(call: Call, folder: Path) -> None:
    answer = call("results", folder, "--signals")
    assert (answer.code, answer.err) == (0, "")
    assert "cross  program  scale 1, 2 seeds" in answer.out
    assert "turns and crossings in use" in answer.out
    assert "left0A0 -> A0right0" in answer.out
    rows = [json.loads(line) for line in call("results", folder, "--signals", "--json").out.splitlines()]
    assert {row["controller"] for row in rows} == {"program", "fixed-webster"}
    assert all(row["seeds"] == 2 for row in rows)
    used = [row for row in rows if row["controller"] == "program" and row["quality"]]
    assert [row["quality"] for row in used] == sorted((row["quality"] for row in used), reverse=True)
    (turn,) = [row for row in used if row["to_edge"] == "A0right0"]
    # 120 s of each seed.
    runs = [json.loads(line) for line in call("results", folder, "--json").out.splitlines()]
    scheduled = sum(run["scheduled"] for run in runs if run["controller"] == "program") / 2
    assert turn["demand"] <= scheduled * 30
    assert turn["flow"] <= turn["demand"]
    table = list(csv.DictReader(io.StringIO(call("results", folder, "--signals", "--csv").out)))
    assert [row["to_edge"] for row in table] == [row["to_edge"] for row in rows]


def test_runs_without_figures_are_told_and_the_rest_shown(call: Call, folder: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    shutil.copytree(folder, out)
    files = sorted(out.glob("runs/*/turns.parquet"))
    assert len(files) == 4
    files[0].unlink()
    files[1].write_bytes(files[1].read_bytes()[:100])
    files[2].write_bytes(b"PAR1" + b"\0" * 90 + b"PAR1")
    answer = call("results", out, "--signals", "--json")
    assert answer.code == 0
    assert {json.loads(line)["seeds"] for line in answer.out.splitlines()} == {1}
    lines = answer.err.splitlines()
    assert len(lines) == 3
    assert any("1 run did not record signals; set signals = true under [outputs]" in line for line in lines)
    for file in files[1:3]:
        assert any(str(file) in line and "damaged" in line for line in lines)
    files[2].unlink()
    files[3].unlink()
    answer = call("results", out, "--signals")
    assert answer.code == 2
    assert "has no figures of signals" in answer.error


def test_scenario_may_switch_the_record_off(call: Call, cross: Path, tmp_path: Path) -> None:
    for path in cross.parent.iterdir():
        shutil.copyfile(path, tmp_path / path.name)
    scenario = tmp_path / cross.name
    scenario.write_text(cross.read_text() + "[outputs]\nsignals = false\n")
    assert call("run", scenario, "--seeds", "1", "-j", "1", "-o", tmp_path / "out").code == 0
    answer = call("results", tmp_path / "out", "--signals")
    assert answer.code == 2
    assert "cross program: 1 run did not record signals" in answer.error
    assert call("results", tmp_path / "out").code == 0
