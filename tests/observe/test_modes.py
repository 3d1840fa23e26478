"""Delay per mode and per person, waits at crossings: small runs whose results can be worked out by hand."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    Simulate = Callable[..., tuple[dict[str, Any], Path]]
    Table = Callable[[Path], list[dict[str, Any]]]

TYPES = """
<vType id="Linie" vClass="bus" length="12"/>
<vType id="Rad" vClass="bicycle"/>
<vType id="Lkw" vClass="truck"/>
<vType id="Fußgänger" vClass="pedestrian"/>
"""


def test_modes_come_from_the_class_of_a_type_and_persons_weight_them(
    simulate: Simulate, table: Table
) -> None:
    figures, directory = simulate(
        TYPES
        + """
        <trip id="a" depart="0" from="SC" to="CN"/>
        <trip id="bus" type="Linie" depart="1" from="WC" to="CE"/>
        <trip id="b" depart="2" from="WC" to="CE"/>
        <trip id="rad" type="Rad" depart="3" from="SC" to="CN"/>
        <person id="p" type="Fußgänger" depart="4" departPos="150"><walk from="SC" to="CN" arrivalPos="20"/></person>
        <trip id="lkw" type="Lkw" depart="5" from="EC" to="CW"/>
        """,
        settings="[occupancy]\nbus = 40\n",
    )
    trips = {row["id"]: row for row in table(directory / "tripinfo.parquet")}
    modes = {row["mode"]: row for row in table(directory / "modes.parquet")}
    assert list(modes) == ["car", "truck", "bus", "bicycle", "pedestrian"]
    assert [row["scheduled"] for row in modes.values()] == [2, 1, 1, 1, 1]
    assert all(row["arrived"] == row["scheduled"] and row["undeparted"] == 0 for row in modes.values())

    def lost(name: str) -> float:
        return float(trips[name]["time_loss"] + trips[name]["depart_delay"])

    (walk,) = table(directory / "persons.parquet")
    assert walk["kind"] == "walk"
    assert walk["type"] == "Fußgänger"
    cars = [lost("a"), lost("b")]
    assert figures["delay_car"] == pytest.approx(sum(cars) / 2)
    assert figures["delay_bus"] == pytest.approx(lost("bus"))
    assert figures["delay_bicycle"] == pytest.approx(lost("rad"))
    assert figures["delay_truck"] == pytest.approx(lost("lkw"))
    assert figures["delay_pedestrian"] == pytest.approx(walk["time_loss"])
    weighted = 1.3 * sum(cars) + 40 * lost("bus") + lost("rad") + lost("lkw") + walk["time_loss"]
    assert figures["delay_person"] == pytest.approx(weighted / (2 * 1.3 + 40 + 1 + 1 + 1))
    assert figures.get("delay_tram") is None
    # The bus came to a red that ends at 45 s.
    assert modes["bus"]["longest_wait"] > 10
    assert modes["bus"]["stops"] == trips["bus"]["waiting_count"] == 1


def test_a_pedestrian_waits_from_the_first_standstill_to_the_green(simulate: Simulate, table: Table) -> None:
    figures, directory = simulate(
        TYPES
        + '<person id="p" type="Fußgänger" depart="50" departPos="185"><walk from="SC" to="CN"/></person>',
        end=200,
    )
    (walk,) = table(directory / "persons.parquet")
    rows = table(directory / "crossings.parquet")
    assert [row["signal"] for row in rows] == ["C"] * len(rows)
    assert all(row["crossed"] for row in rows)
    (waited,) = [row for row in rows if row["wait"] > 0]
    # SUMO counts the seconds that stand, we those from the first of them to the step onto the crossing.
    assert waited["wait"] == pytest.approx(walk["waiting_time"], abs=1)
    # The crossing beside the north-south road turns green at 90 s; the step is seen a second later.
    assert waited["began"] + waited["wait"] == 91
    assert figures["pedestrian_longest_wait"] == waited["wait"]
    assert figures["pedestrian_wait"] == pytest.approx(sum(row["wait"] for row in rows) / len(rows))


def test_who_still_waits_at_the_end_has_waited_until_then(simulate: Simulate, table: Table) -> None:
    figures, directory = simulate(
        TYPES
        + '<person id="p" type="Fußgänger" depart="50" departPos="185"><walk from="SC" to="CN"/></person>',
        end=80,
    )
    (row,) = table(directory / "crossings.parquet")
    assert not row["crossed"]
    assert row["began"] + row["wait"] == 80
    assert figures["pedestrian_longest_wait"] == row["wait"] > 10
    (mode,) = table(directory / "modes.parquet")
    assert (mode["scheduled"], mode["arrived"], mode["running"]) == (1, 0, 1)
    # An unfinished walk is charged what it stood.
    assert figures["delay_pedestrian"] == pytest.approx(row["wait"], abs=1)


def test_persons_in_vehicles_are_the_vehicles_occupants(simulate: Simulate, table: Table) -> None:
    figures, directory = simulate(
        TYPES
        + """
        <vehicle id="bus" type="Linie" depart="0"><route edges="SC CN"/>
            <stop lane="CN_1" startPos="50" endPos="80" duration="10"/></vehicle>
        <person id="p" type="Fußgänger" depart="0"><ride from="SC" to="CN" lines="ANY"/></person>
        """
    )
    assert [row["kind"] for row in table(directory / "persons.parquet")] == ["ride"]
    assert [row["mode"] for row in table(directory / "modes.parquet")] == ["bus"]
    assert figures["delay_person"] == figures["delay_bus"]


def test_a_run_without_safety_measures_modes_and_leaves_the_rest_open(simulate: Simulate) -> None:
    figures, directory = simulate('<trip id="a" depart="0" from="SC" to="CN"/>', end=60, safety=False)
    assert figures["delay_person"] == figures["delay_car"] == figures["delay"]
    assert figures.get("conflicts") is None
    assert not (directory / "conflicts.parquet").exists()
