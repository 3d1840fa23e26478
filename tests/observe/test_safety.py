"""Planted dangers: each must be found, and nothing else."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest

from sim.control.registry import parse_controller
from sim.run import RunTask, run
from sim.scenario import load_scenario

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    Simulate = Callable[..., tuple[dict[str, Any], Path]]
    Table = Callable[[Path], list[dict[str, Any]]]

RECKLESS = '<vType id="Raser" jmDriveAfterRedTime="1000" jmDriveRedSpeed="20" sigma="0"/>'


def test_a_car_that_runs_a_red_is_counted_at_its_signal(simulate: Simulate, table: Table) -> None:
    # West to east is red until 45 s; both arrive at about 17 s.
    figures, directory = simulate(
        RECKLESS
        + '<trip id="a" type="Raser" depart="0" from="WC" to="CE"/><trip id="b" depart="0" from="EC" to="CW"/>',
        end=100,
    )
    rows = {row["type"]: row for row in table(directory / "stop_lines.parquet")}
    assert {row["signal"] for row in rows.values()} == {"C"}
    assert [rows["Raser"][key] for key in ("crossed", "yellow", "late_yellow", "red")] == [1, 0, 0, 1]
    assert [rows["DEFAULT_VEHTYPE"][key] for key in ("crossed", "yellow", "late_yellow", "red")] == [
        1,
        0,
        0,
        0,
    ]
    assert figures["red_running"] == 500.0  # one of two, in thousandths
    assert figures["late_yellow"] == 0.0


@pytest.mark.parametrize(
    ("depart", "yellow", "late"),
    [
        (20, 0, 0),
        # North-south is yellow from 42 to 45 s, and a car that drives at 13.9 m/s is over the line 14 s after its start.
        (29, 1, 0),
        (30, 1, 1),
    ],
)
def test_the_last_second_of_yellow_is_late(
    depart: int, yellow: int, late: int, simulate: Simulate, table: Table
) -> None:
    # The steps that begin at 42, 43 and 44 s show yellow. It drives on as some drivers do; the speed is exact, so that the second is.
    kind = '<vType id="eilig" sigma="0" speedFactor="1" speedDev="0" jmDriveAfterYellowTime="9"/>'
    _, directory = simulate(
        f'{kind}<trip id="a" type="eilig" depart="{depart}" departSpeed="max" from="SC" to="CN"/>', end=100
    )
    (row,) = table(directory / "stop_lines.parquet")
    assert (row["crossed"], row["yellow"], row["late_yellow"], row["red"]) == (1, yellow, late, 0)


@pytest.mark.parametrize(("deceleration", "found"), [(4.5, 0), (8.0, 1)])
def test_only_braking_above_the_threshold_is_hard(
    deceleration: float, found: int, simulate: Simulate, table: Table
) -> None:
    # It comes to a red light; SUMO's driver brakes with all its type allows.
    kind = f'<vType id="t" sigma="0" decel="{deceleration}" emergencyDecel="9"/>'
    figures, directory = simulate(
        f'{kind}<trip id="a" type="t" depart="0" departSpeed="max" from="WC" to="CE"/>', end=40
    )
    rows = table(directory / "braking.parquet")
    assert len(rows) == figures["hard_braking"] == found
    for row in rows:
        assert row["vehicle"] == "a"
        assert row["signal"] == "C"
        assert 4.5 < row["deceleration"] <= 8.0


def test_closing_in_on_a_stopped_car_is_a_rear_end_conflict(simulate: Simulate, table: Table) -> None:
    # One stands on the road, the other comes upon it and brakes as late as it can.
    figures, directory = simulate(
        """<vType id="t" sigma="0" decel="8" emergencyDecel="9"/>
        <trip id="ahead" type="t" depart="0" from="WC" to="CE"><stop lane="WC_1" endPos="150" duration="60"/></trip>
        <trip id="behind" type="t" depart="15" departSpeed="max" from="WC" to="CE"/>""",
        end=60,
    )
    (row,) = table(directory / "conflicts.parquet")
    assert (row["kind"], row["ego"], row["foe"], row["signal"]) == ("rear-end", "behind", "ahead", "C")
    assert 0 < row["ttc"] <= 1.5
    assert row["pet"] is None
    assert row["foe_speed"] == 0
    assert figures["conflicts"] == figures["conflicts_rear_end"] == 0.5
    modes = table(directory / "modes.parquet")
    assert [mode["conflicts"] for mode in modes] == [2]  # both are cars


def test_who_crosses_shortly_behind_another_is_a_crossing_conflict(simulate: Simulate, table: Table) -> None:
    # The one from the west ignores its red and comes to the middle a little after the one from the south.
    kind = RECKLESS.replace("/>", ' speedDev="0" jmIgnoreFoeProb="1" jmIgnoreFoeSpeed="99"/>')
    demand = kind + '<trip id="{}" type="Raser" depart="{}" departSpeed="max" from="{}" to="{}"/>' * 2
    _, directory = simulate(demand.format("a", 10, "SC", "CN", "b", 11, "WC", "CE"), end=60)
    (row,) = table(directory / "conflicts.parquet")
    assert row["kind"] == "crossing"
    assert {row["ego"], row["foe"]} == {"a", "b"}
    # SUMO's own positions: a's rear leaves b's path, 1.8 m wide, at 24.33 s (front at 199.7 m at 24 s, 4.6 m to go at
    # 13.9 m/s); b's front reaches a's path at 25.24 s (front at 197.33 m at 25 s, 3.37 m to go).
    assert row["pet"] == pytest.approx(0.91, abs=0.15)


def test_who_crosses_long_after_another_is_none(simulate: Simulate, table: Table) -> None:
    kind = RECKLESS.replace("/>", ' speedDev="0"/>')
    demand = kind + '<trip id="{}" type="Raser" depart="{}" departSpeed="max" from="{}" to="{}"/>' * 2
    figures, directory = simulate(demand.format("a", 10, "SC", "CN", "b", 15, "WC", "CE"), end=60)
    assert table(directory / "conflicts.parquet") == []
    assert figures["conflicts"] == 0.0


@pytest.mark.parametrize("controller", ["program", "self-control"])
def test_looking_on_changes_no_trip(controller: str, tmp_path: Path) -> None:
    scenario = load_scenario("rilsa-1")
    scenario = scenario.model_copy(update={"end": scenario.begin + 240.0})
    found = []
    for safety in (True, False):
        folder = tmp_path / str(safety)
        folder.mkdir()
        outputs = scenario.outputs.model_copy(update={"safety": safety})
        run(
            RunTask(scenario.model_copy(update={"outputs": outputs}), parse_controller(controller), 1, 1.0),
            folder,
        )
        found.append(re.sub(r"<!--.*?-->", "", (folder / "tripinfo.xml").read_text(), flags=re.DOTALL))
    assert found[0].count("<tripinfo ") > 100
    assert found[0] == found[1]
