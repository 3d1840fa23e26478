"""A small signalised grid, and plain SUMO on it: the semantics of its trip file are tested, not assumed."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import sumo

from sim.evaluate.tripinfo import tripinfo_to_parquet

# The helpers of these tests stand beside them.
sys.path.insert(0, str(Path(__file__).parent))

Simulate = Callable[..., Path]
BIN = Path(sumo.SUMO_HOME) / "bin"


@pytest.fixture(scope="session")
def grid(tmp_path_factory: pytest.TempPathFactory) -> Path:
    net = tmp_path_factory.mktemp("grid") / "grid.net.xml"
    subprocess.run(
        [
            BIN / "netgenerate",
            "--grid",
            "--grid.number",
            "3",
            "--grid.length",
            "150",
            "--default.lanenumber",
            "1",
            "-j",
            "traffic_light",
            "--sidewalks.guess",
            "--crossings.guess",
            "--no-turnarounds",
            "-o",
            net,
        ],
        check=True,
        capture_output=True,
    )
    return net


@pytest.fixture
def simulate(grid: Path, tmp_path: Path) -> Simulate:
    """Run SUMO from 100 s to 300 s on a demand and return the run directory."""

    def run(demand: str, *options: str, **facts: object) -> Path:
        routes = tmp_path / "demand.rou.xml"
        routes.write_text(f"<routes>{demand}</routes>", encoding="utf-8")
        subprocess.run(
            [
                BIN / "sumo",
                "-n",
                grid,
                "-r",
                routes,
                "-b",
                "100",
                "-e",
                "300",
                "--seed",
                "1",
                "--time-to-teleport",
                "-1",
                "--no-step-log",
                "--no-warnings",
                "--tripinfo-output",
                tmp_path / "tripinfo.xml",
                "--personinfo-output",
                tmp_path / "persons.xml",
                "--tripinfo-output.write-unfinished",
                "--tripinfo-output.write-undeparted",
                *options,
            ],
            check=True,
            capture_output=True,
        )
        tripinfo_to_parquet(tmp_path / "tripinfo.xml", tmp_path / "tripinfo.parquet")
        (tmp_path / "run.json").write_text(json.dumps({"begin": 100, "end": 300} | facts), encoding="utf-8")
        return tmp_path

    return run
