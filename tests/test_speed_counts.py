"""What a second of control and a start cost in counts: no more than the committed ones."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

PROGRAM = Path(__file__).resolve().parents[1] / "benchmarks" / "speed_counts.py"
EACH = "calls a second: "


@pytest.fixture(scope="module")
def seen(tmp_path_factory: pytest.TempPathFactory) -> dict[str, float]:
    """All counts, which the program also has to find no higher than the committed ones."""
    file = tmp_path_factory.mktemp("counts") / "counts.json"
    done = subprocess.run(
        [sys.executable, PROGRAM, "--json", file], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, (
        f"{done.stdout}{done.stderr}\nIf more is meant: python benchmarks/speed_counts.py --renew"
    )
    counts: dict[str, float] = json.loads(file.read_text(encoding="utf-8"))
    return counts


def test_sumo_steps_once_a_second_and_lamps_are_set_only_where_they_change(seen: dict[str, float]) -> None:
    assert seen[EACH + "simulation_step"] == 1.0
    assert seen["lamps set that showed the same"] == 0
    assert 0 < seen[EACH + "trafficlight_setRedYellowGreenState"] < 6  # signals


def test_vehicles_are_asked_once_an_interval_and_only_what_is_used(seen: dict[str, float]) -> None:
    start = EACH + "vehicle_"
    vehicle = {name.removeprefix(start): n for name, n in seen.items() if name.startswith(start)}
    of_a_reading = {vehicle[name] for name in ("getLaneID", "getLanePosition", "getSpeed")}
    assert max(of_a_reading) == vehicle["getLaneID"] > 1
    # Route and length never change: once for each vehicle, of which fewer than one a second comes.
    assert vehicle["getRoute"] == vehicle["getLength"] < 1
    # An interval of five seconds, and a look at who stands every ten.
    assert vehicle["getIDList"] == pytest.approx(1 / 5 + 1 / 10)


def test_a_second_of_control_keeps_no_memory(seen: dict[str, float]) -> None:
    assert seen["vehicles in the second that is repeated"] > 20
    assert seen["blocks kept by a second of control"] == 0
    assert seen["arrays kept by kernels"] == 0
    assert seen["arrays allocated by kernels in a second"] > 0
    assert 0 < seen["peak bytes of a second of control"] < 100_000


def test_help_imports_few_modules(seen: dict[str, float]) -> None:
    names = {name.rpartition(" ")[2] for name in seen if name.startswith("modules of --help: ")}
    assert {"sim", "typer"} <= names
    assert not names & {"numba", "numpy", "duckdb", "networkx", "scipy", "libsumo", "pydantic", "jinja2"}
