"""``gruenband results --safety``: what happened at each signal."""

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

    home = tmp_path_factory.mktemp("safety")
    shutil.copy(cross.parent / "cross.net.xml", home)
    (home / "cross.rou.xml").write_text(
        '<routes><flow id="e" from="left0A0" to="A0right0" begin="0" end="100" period="exp(0.3)"/>'
        '<flow id="n" from="bottom0A0" to="A0top0" begin="0" end="100" period="exp(0.3)"/></routes>'
    )
    scenario = home / "cross.toml"
    scenario.write_text(cross.read_text(encoding="utf-8") + "[outputs]\nsafety = true\n", encoding="utf-8")
    assert invoke(["run", str(scenario), "-c", "program", "-j", "1", "-o", str(home / "out")]) == 0
    return home / "out"


def test_a_row_adds_up_to_what_the_runs_counted(call: Call, folder: Path) -> None:
    answer = call("results", folder, "--safety", "--json")
    assert (answer.code, answer.err) == (0, "")
    (row,) = [json.loads(line) for line in answer.out.splitlines()]
    assert (row["signal"], row["seeds"]) == ("A0", 2)
    runs = [json.loads(line) for line in call("results", folder, "--json").out.splitlines()]
    crossed = 2 * row["crossed"]
    assert crossed == int(crossed) > 20
    # The net has one signal and every road leads to it or away from it; what happens behind it is not its own.
    met = sum(round(run["conflicts"] * (run["scheduled"] - run["undeparted"])) for run in runs)
    assert 0 < row["conflicts"] * crossed <= met + 0.5
    kinds = ("rear_end", "lane_change", "crossing", "pedestrian")
    assert row["conflicts"] == pytest.approx(sum(row[f"conflicts_{kind}"] for kind in kinds))
    # Only cars drive there, two of them in each conflict, and nobody walks.
    assert row["involved_car"] == pytest.approx(2 * row["conflicts"])
    assert row["involved_bicycle"] is row["involved_pedestrian"] is None
    assert row["red_running"] == 0.0
    assert row["yellow"] >= row["late_yellow"]
    assert row["pedestrian_longest_wait"] is None
    (line,) = csv.DictReader(io.StringIO(call("results", folder, "--safety", "--csv").out))
    assert float(line["conflicts"]) == row["conflicts"]


def test_the_table_stands_below_that_of_the_turns(call: Call, folder: Path) -> None:
    turns, safety = (call("results", folder, *options).out for options in (["--signals"], ["--safety"]))
    assert "cross  program  scale 1, 2 seeds: safety" in safety
    assert safety in turns
    assert "turns and crossings in use" in turns
    assert call("results", folder, "--signals", "--safety").out == turns


def test_runs_without_it_are_told_and_damaged_ones_left_out(call: Call, folder: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    shutil.copytree(folder, out)
    one, other = sorted(out.glob("runs/*/conflicts.parquet"))
    one.unlink()
    answer = call("results", out, "--safety", "--json")
    assert json.loads(answer.out)["seeds"] == 1
    assert "1 run did not record safety; set safety = true under [outputs]" in answer.err
    assert call("results", out, "--signals").err == ""
    (other.parent / "braking.parquet").write_bytes(b"PAR1" + b"\0" * 90 + b"PAR1")
    answer = call("results", out, "--safety")
    assert answer.code == 2
    assert "has no figures of safety" in answer.error
    assert "braking.parquet: damaged" in answer.error


@pytest.mark.parametrize(
    "options", [("--safety", "--baseline", "x.json"), ("--signals", "--safety", "--json")]
)
def test_what_does_not_go_together_is_refused(call: Call, folder: Path, options: tuple[str, ...]) -> None:
    answer = call("results", folder, *options)
    assert answer.code == 2
    assert "give" in answer.error
