"""The figures of a run, from what SUMO really writes."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from sim.errors import RunFailedError
from sim.evaluate.database import connect, records
from sim.evaluate.kpi import KPI_COLUMNS, measure, write_kpi
from sim.evaluate.tripinfo import TRIP_COLUMNS, tripinfo_to_parquet
from sim.scenario.xmlfile import read_tree

Simulate = Callable[..., Path]
JAM = '<flow id="f" begin="100" end="400" vehsPerHour="4000" from="A0A1" to="B1C1" departSpeed="0"/>'
CROSSING = '<trip id="{id}" depart="{depart}" from="C2C1" to="B1A1"/>'


def vehicles(directory: Path) -> list[dict[str, Any]]:
    rows = []
    for element in read_tree(directory / "tripinfo.xml"):
        row: dict[str, Any] = dict(element.attrib)
        for name in (
            "depart",
            "departDelay",
            "timeLoss",
            "arrival",
            "waitingTime",
            "duration",
            "routeLength",
        ):
            row[name] = float(row[name])
        rows.append(row)
    return rows


def test_delay_charges_every_vehicle_of_the_window(simulate: Simulate) -> None:
    directory = simulate(JAM)
    rows = vehicles(directory)
    figures = measure(directory)

    losses = [
        300 - (300 - v["departDelay"]) if v["depart"] < 0 else v["timeLoss"] + v["departDelay"] for v in rows
    ]
    assert figures["undeparted"] > 100
    assert figures["scheduled"] == len(rows) == 222  # one every 0.9 s; SUMO makes the last in step 300
    assert figures["arrived"] + figures["running"] + figures["undeparted"] == figures["scheduled"]
    assert figures["delay"] == pytest.approx(sum(losses) / len(losses), rel=1e-12)
    departed = [v for v in rows if v["depart"] >= 0]
    assert figures["waiting"] == pytest.approx(sum(v["waitingTime"] for v in departed) / len(departed))
    assert figures["mean_speed"] == pytest.approx(
        sum(v["routeLength"] for v in departed) / sum(v["duration"] for v in departed)
    )
    assert figures["throughput"] == pytest.approx(figures["arrived"] * 3600 / 200)


@pytest.mark.parametrize(
    ("depart", "counted"),
    [("50", 0), ("99.9", 0), ("100", 1), ("299.5", 1), ("300", 0), ("450", 0), ("4500", 0)],
)
def test_window_is_closed_at_its_begin_and_open_at_its_end(
    simulate: Simulate, depart: str, counted: int
) -> None:
    assert measure(simulate(CROSSING.format(id="x", depart=depart)))["scheduled"] == counted


def test_empty_demand_has_no_delay(simulate: Simulate) -> None:
    figures = measure(simulate(""))

    assert figures["scheduled"] == 0
    assert figures["throughput"] == 0
    assert figures["delay"] is figures["resco_delay"] is figures["mean_speed"] is figures["stops"] is None


def test_persons_and_mixed_devices_do_not_break_the_table(simulate: Simulate) -> None:
    figures = measure(
        simulate(
            """<vType id="ev" emissionClass="MMPEVEM/zero"><param key="has.battery.device" value="true"/></vType>
            <trip id="a" depart="100" from="A0A1" to="B1C1"/>
            <trip id="b" type="ev" depart="101" from="A0A1" to="B1C1"/>
            <person id="p0" depart="110"><walk from="A0A1" to="B1C1"/></person>
            <person id="p1" depart="120"><ride from="A0A1" to="B1C1" lines="waits"/></person>
            <trip id="waits" depart="triggered" from="A0A1" to="B1C1"/>
            <trip id="waits_for_ever" depart="triggered" from="A0A1" to="B1C1"/>
            <trip id="stops" depart="150" from="C2C1" to="B1A1"><stop edge="B1A1" duration="30"/></trip>
            <person id="p2" depart="400"><walk from="A0A1" to="B1C1"/></person>""",
            "--device.emissions.probability",
            "1",
        )
    )

    # The driverless car has no scheduled time in the window and does not count.
    assert (figures["scheduled"], figures["arrived"]) == (4, 4)
    assert figures["co2"] > 50  # g per vehicle over 0.4 km, one of four electric


def test_table_keeps_names_and_tells_empty_from_missing(simulate: Simulate, tmp_path: Path) -> None:
    simulate('<trip id="ü#(1)" depart="100" from="A0A1" to="B1C1"/>')
    connection = connect()
    rows = records(
        connection.execute("SELECT * FROM read_parquet($f)", {"f": str(tmp_path / "tripinfo.parquet")})
    )
    assert [row["id"] for row in rows] == ["ü#(1)"]
    assert rows[0]["co2"] is None
    assert rows[0]["vaporized"] == ""
    assert list(rows[0]) == [column for column, _, _ in TRIP_COLUMNS]


def test_emissions_are_grams_per_departed_vehicle(simulate: Simulate) -> None:
    directory = simulate(JAM, "--device.emissions.probability", "1")
    figures = measure(directory)
    tree = read_tree(directory / "tripinfo.xml")
    milligrams = [
        float(element[0].get("CO2_abs", "nan"))
        for element in tree
        if float(element.get("depart", "nan")) >= 0
    ]
    assert figures["co2"] == pytest.approx(sum(milligrams) / len(milligrams) / 1000)
    assert figures["co2"] > figures["fuel"] > figures["nox"] > figures["pmx"] > 0


def resco_script(directory: Path, demand: dict[str, float], end: float, *, tag: str) -> float:
    """RESCO's readXML.py, metric timeLoss, in plain Python."""
    count, total, latest, latest_id = 0, 0.0, 0.0, ""
    for vehicle in vehicles(directory):
        if vehicle["depart"] < 0:  # RESCO runs SUMO without write-undeparted
            continue
        count += 1
        total += vehicle["timeLoss"] + vehicle["departDelay"]
        if vehicle["depart"] > latest:
            latest, latest_id = vehicle["depart"], vehicle["id"]
    for scheduled in demand.values():
        if tag == "vehicle" and scheduled > demand[latest_id]:
            total += end - scheduled
            count += 1
    return total / count


@pytest.mark.parametrize("tag", ["vehicle", "trip"])
def test_resco_delay_is_what_its_script_computes(simulate: Simulate, tag: str) -> None:
    # Two entries: one jams, and the vehicles of the other that depart after the last scheduled one count twice.
    route = '<route edges="{}"/>'
    jammed, free = ("A0A1 A1B1 B1C1", "C2C1 C1B1 B1A1")
    demand = {f"j{i}": (100 + i, jammed) for i in range(199)} | {
        f"k{i}": (101.5 + 4 * i, free) for i in range(48)
    }
    text = ""
    for name, (depart, edges) in sorted(demand.items(), key=lambda item: item[1][0]):
        if tag == "vehicle":
            text += f'<vehicle id="{name}" depart="{depart}" departSpeed="0">{route.format(edges)}</vehicle>'
        else:
            first, _, last = edges.split()
            text += f'<trip id="{name}" depart="{depart}" departSpeed="0" from="{first}" to="{last}"/>'
    directory = simulate(text, vehicles_in_demand=tag == "vehicle")
    figures = measure(directory)
    expected = resco_script(directory, {name: depart for name, (depart, _) in demand.items()}, 300, tag=tag)

    assert figures["undeparted"] > 20
    assert figures["resco_delay"] == pytest.approx(expected, rel=1e-12)
    assert figures["resco_delay"] != pytest.approx(figures["delay"], rel=0.01)


def test_sumo_stopped_later_than_the_window_charges_to_the_window_end_only(simulate: Simulate) -> None:
    directory = simulate(JAM)
    facts = {"begin": 100, "end": 290, "stopped_at": 300}
    (directory / "run.json").write_text(json.dumps(facts), encoding="utf-8")
    figures = measure(directory)

    inside = [v for v in vehicles(directory) if v["depart"] >= 0 or 300 - v["departDelay"] < 290]
    assert figures["scheduled"] == len(inside)
    assert figures["delay"] == pytest.approx(
        sum(v["departDelay"] - 10 if v["depart"] < 0 else v["timeLoss"] + v["departDelay"] for v in inside)
        / len(inside)
    )


def test_cut_off_trip_file_is_one_line(simulate: Simulate) -> None:
    directory = simulate(JAM)
    xml = directory / "tripinfo.xml"
    xml.write_bytes(xml.read_bytes()[:5000])
    with pytest.raises(RunFailedError, match=r"tripinfo\.xml: cut off or damaged"):
        tripinfo_to_parquet(xml, directory / "tripinfo.parquet")
    xml.unlink()
    with pytest.raises(RunFailedError, match=r"tripinfo\.xml: SUMO did not write it"):
        tripinfo_to_parquet(xml, directory / "tripinfo.parquet")


@pytest.mark.parametrize("content", [None, "", "{", "[]", '{"begin": 1}', '{"begin": "x", "end": 2}'])
def test_damaged_facts_are_one_line(simulate: Simulate, content: str | None) -> None:
    directory = simulate("")
    if content is None:
        (directory / "run.json").unlink()
    else:
        (directory / "run.json").write_text(content, encoding="utf-8")
    with pytest.raises(RunFailedError, match=r"^[^\n]*run\.json: not readable[^\n]*$"):
        measure(directory)


def test_damaged_trip_table_is_one_line(simulate: Simulate) -> None:
    directory = simulate("")
    (directory / "tripinfo.parquet").write_bytes(b"PAR1" + b"\0" * 50 + b"PAR1")
    with pytest.raises(RunFailedError, match=r"^[^\n]*tripinfo\.parquet: not a trip table[^\n]*$"):
        measure(directory)


def test_row_keeps_its_types_and_fills_gaps_with_null(tmp_path: Path) -> None:
    file = tmp_path / "it's a row.parquet"
    write_kpi({"scenario": "s", "seed": 3, "scale": 1, "status": "failed", "gridlock": False}, file)
    (row,) = records(connect().execute("SELECT * FROM read_parquet($f)", {"f": str(file)}))
    assert list(row) == list(KPI_COLUMNS)
    assert (row["seed"], row["scale"], row["gridlock"], row["delay"]) == (3, 1.0, False, None)


def test_row_with_an_unknown_column_is_refused(tmp_path: Path) -> None:
    with pytest.raises(KeyError, match="not a KPI column: delya"):
        write_kpi({"delya": 1.0}, tmp_path / "kpi.parquet")


def test_row_that_cannot_be_written_is_an_error_of_the_file_system(tmp_path: Path) -> None:
    with pytest.raises(OSError, match=r"kpi\.parquet"):
        write_kpi({"seed": 1}, tmp_path / "missing" / "kpi.parquet")


def test_times_by_the_clock_are_refused(simulate: Simulate) -> None:
    with pytest.raises(RunFailedError, match=r"tripinfo\.xml: not what SUMO 1\.28 writes .* in seconds\?"):
        simulate(JAM, "--human-readable-time")
