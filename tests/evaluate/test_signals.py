"""The figures at signals, against a crossing that can be worked out by hand."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

import crossing
import numpy as np
import pytest
from crossing import CYCLE, END, GREEN, LENGTH, SPEED

from sim.errors import InputError, RunFailedError
from sim.evaluate.database import connect, records
from sim.evaluate.figures import EDGES, TURNS
from sim.evaluate.greens import greens_of
from sim.evaluate.record import read_record
from sim.evaluate.recorded import EDGE_TIMES, SWITCHES
from sim.evaluate.signal_figures import queue_lengths
from sim.evaluate.spillback import full_time
from sim.network.flow import saturation_headway
from sim.scenario import load_scenario
from sim.signals.quality import quality

if TYPE_CHECKING:
    from pathlib import Path


def table(file: Path) -> list[dict[str, object]]:
    return records(connect().execute("SELECT * FROM read_parquet($f)", {"f": str(file)}))


def turn(run: Path, from_edge: str) -> dict[str, object]:
    (row,) = [row for row in table(run / TURNS) if row["from_edge"] == from_edge]
    return row


@pytest.fixture(scope="module")
def net(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return crossing.build(tmp_path_factory.mktemp("crossing"))


# Three cars: the first is due in the red before 30 s, the second in the green, the third after it.
THREE = "".join(
    f'<trip id="{name}" type="car" depart="{depart}" departPos="0" departSpeed="max" from="in" to="out"/>'
    for name, depart in (("red", 0), ("green", 30), ("late", 45))
)


@pytest.fixture(scope="module")
def three(net: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("three")
    return crossing.simulate(crossing.scenario(folder, net, THREE, end=300), folder / "out")


# Twice as many as the green lets pass, and on the other road less than half of it.
OVERLOAD = (
    '<flow id="m" begin="0" end="900" period="3" departSpeed="max" from="in" to="out"/>'
    '<flow id="s" type="car" begin="0" end="900" period="9" departSpeed="max" from="side" to="gone"/>'
)


@pytest.fixture(scope="module")
def overload(net: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("overload")
    return crossing.simulate(crossing.scenario(folder, net, OVERLOAD), folder / "out")


def test_single_cars_wait_as_long_as_the_red(net: Path, three: Path) -> None:
    record, passages, _ = crossing.evaluate(three, net)
    names = [record.trips.ids[record.vehicle[row]] for row in passages.row]
    drive = LENGTH / SPEED
    due = {"red": drive, "green": 30 + drive, "late": 45 + drive}
    # It starts from a standstill within 2 s, or passes at full speed.
    expected = {"red": GREEN[0] - drive, "green": 0.0, "late": CYCLE + GREEN[0] - 45 - drive}
    assert sorted(names) == sorted(due)
    for name, arrival, passed, delay in zip(
        names, passages.arrival, passages.passed, passages.delay, strict=True
    ):
        assert arrival == pytest.approx(due[name], abs=1.5)
        assert expected[name] - 1 <= passed - arrival <= expected[name] + 2.5
        assert expected[name] - 1 <= delay <= expected[name] + 7
    row = turn(three, "in")
    assert row["flow"] == 3 * 3600 / 300
    assert row["on_green"] == pytest.approx(1 / 3)
    assert row["longest_wait"] == pytest.approx(passages.delay.max())
    assert row["queue_max"] == 1


def test_greens_from_the_lamps_are_those_of_the_plan(net: Path, three: Path, overload: Path) -> None:
    # Three cycles and 30 s of the fourth; ten cycles.
    assert turn(three, "in")["green_share"] == 3 * 30 / 300
    row = turn(overload, "in")
    assert (row["green_share"], row["cycle"], row["permissive_share"]) == (30 / 90, 90, 0)
    assert turn(overload, "side")["green_share"] == pytest.approx(50 / 90)
    record, passages, _ = crossing.evaluate(overload, net)
    (links,) = [way.links for way in passages.turns if way.from_edge == "in"]
    begins, ends = greens_of(record.lamps["c"], links, record.end)
    assert begins.tolist() == [GREEN[0] + CYCLE * k for k in range(10)]
    assert ends.tolist() == [GREEN[1] + CYCLE * k for k in range(10)]


def test_switches_are_changes_only(overload: Path) -> None:
    rows = table(overload / SWITCHES)
    states = [row["state"] for row in rows]
    assert len(rows) == 1 + 4 * 10
    assert all(a != b for a, b in itertools.pairwise(states))
    assert [float(str(row["time"])) for row in rows[:5]] == [0, 25, 30, 60, 65]


def test_saturation_is_demand_by_capacity(net: Path, overload: Path) -> None:
    row = turn(overload, "in")
    graph = crossing.evaluate(overload, net)[2]
    headway = saturation_headway(next(m.speed for m in graph.movements if m.from_edge == "in"))
    capacity = 3600 / headway * 31 / 90
    assert row["capacity"] == pytest.approx(capacity)
    # One every 3 s; the last 20 s are still on their way.
    assert row["demand"] == pytest.approx(1200, rel=0.03)
    assert row["saturation"] == pytest.approx(float(str(row["demand"])) / capacity)
    assert row["quality"] == "F"
    # What SUMO really lets pass is the capacity that we say: the queue never ends.
    assert row["flow"] == pytest.approx(capacity, rel=0.08)
    other = turn(overload, "side")
    # Ten greens of 50 s in eleven parts, each with a second of its yellow.
    assert other["saturation"] == pytest.approx(400 / (3600 / headway * (500 + 11) / 900), rel=0.03)
    assert other["quality"] == "A"


def test_queue_grows_by_what_cannot_pass(net: Path, overload: Path) -> None:
    record, passages, _ = crossing.evaluate(overload, net)
    (number,) = [k for k, way in enumerate(passages.turns) if way.from_edge == "in"]
    times = np.arange(record.begin, record.end + 2.5, 5.0)
    ours = passages.turn == number
    queue = queue_lengths(passages.arrival[ours], passages.passed[ours], times)
    come = np.array([3 * k + LENGTH / SPEED for k in range(300)])
    gone = np.sort(record.passed[(record.passed > 0) & (record.next_edge >= 0)])
    mine = np.sort(passages.passed[(passages.turn == number) & ~np.isnan(passages.passed)])
    assert len(mine) < len(gone)
    expected = np.array([(come <= t).sum() - (mine <= t).sum() for t in times])
    assert np.abs(queue - np.maximum(expected, 0)).max() <= 2
    row = turn(overload, "in")
    assert row["queue_max"] == pytest.approx(expected.max(), abs=2)
    assert row["queue"] == pytest.approx(queue.mean(), abs=1)


def test_flows_are_the_counts_of_the_trips(overload: Path) -> None:
    trips = table(overload / "tripinfo.parquet")
    arrived = sum(float(str(row["arrival"])) >= 0 for row in trips)
    edges = {row["edge"]: row for row in table(overload / EDGES)}
    assert sum(float(str(edges[name]["flow"])) for name in ("out", "gone")) == pytest.approx(
        arrived * 3600 / END
    )
    assert sum(float(str(row["depart"])) < 0 for row in trips) > 50
    assert sum(int(str(edges[name]["vehicles"])) for name in ("in", "side")) == len(trips)
    passed = sum(float(str(row["flow"])) for row in table(overload / TURNS)) * END / 3600
    assert passed == pytest.approx(sum(int(str(edges[name]["vehicles"])) for name in ("out", "gone")), abs=2)


def test_delays_of_edges_add_up_to_those_of_the_trips(overload: Path) -> None:
    trips = table(overload / "tripinfo.parquet")
    lost = sum(float(str(row["time_loss"])) + float(str(row["depart_delay"])) for row in trips)
    edges = table(overload / EDGES)
    assert sum(float(str(row["delay"])) * int(str(row["vehicles"])) for row in edges) == pytest.approx(
        lost, rel=0.002
    )


def test_full_edge_spills_back(overload: Path) -> None:
    edges = {row["edge"]: row for row in table(overload / EDGES)}
    # 300 m hold 40 cars; 8 a cycle more come than go, so it is full for good after about 5 cycles.
    assert 200 < float(str(edges["in"]["spillback"])) < END - 200
    assert edges["out"]["spillback"] == 0
    assert float(str(edges["in"]["insertion"])) > 10
    assert turn(overload, "in")["spillback"] == 0


def test_time_full_is_counted_with_somebody_late() -> None:
    entered, due, passed = (
        np.array([0.0, 5.0, 8.0]),
        np.array([10.0, 15.0, 18.0]),
        np.array([20.0, 30.0, 18.0]),
    )
    assert full_time(entered, due, passed, 2) == 10  # two from 5 s to 20 s, the first late from 10 s on
    assert full_time(entered, due, passed, 3) == 8
    assert full_time(entered, due, passed, 4) == 0


def test_waiting_at_the_end_counts(overload: Path, net: Path) -> None:
    record, passages, _ = crossing.evaluate(overload, net)
    waits = np.isnan(passages.passed)
    assert waits.sum() > 20
    assert (passages.arrival[waits] < END).all()
    # Whoever still waits has lost what the clock shows since it was due.
    late = END - passages.arrival[waits]
    assert passages.delay[waits].max() <= late.max() + 1
    trips = record.trips
    rows = passages.row[waits]
    assert np.isnan(record.passed[rows]).all()
    assert (record.next_edge[trips.last - 1] == -1).all()


@pytest.mark.parametrize("controller", ["program", "self-control"])
def test_recording_changes_no_trip(net: Path, tmp_path: Path, controller: str) -> None:
    demand = OVERLOAD + '<flow id="b" begin="0" end="200" period="20" from="side" to="gone"/>'
    runs = [
        crossing.simulate(
            crossing.scenario(tmp_path / name, net, demand, signals=on, end=200),
            tmp_path / name / "out",
            controller,
        )
        for name, on in (("with", True), ("without", False))
    ]
    assert table(runs[0] / "tripinfo.parquet") == table(runs[1] / "tripinfo.parquet")
    names = {path.name for path in runs[1].iterdir()}
    assert not names & {EDGE_TIMES, SWITCHES, TURNS, EDGES}
    assert {EDGE_TIMES, SWITCHES, TURNS, EDGES} <= {path.name for path in runs[0].iterdir()}
    assert not list(runs[0].glob("*.xml"))
    with pytest.raises(InputError, match=r"did not record its signals; run it again with 'signals = true'"):
        read_record(runs[1])


def test_adaptive_control_is_recorded_to_the_second(net: Path, tmp_path: Path) -> None:
    run = crossing.simulate(
        crossing.scenario(tmp_path / "in", net, OVERLOAD, end=300), tmp_path / "out", "max-pressure"
    )
    row = turn(run, "in")
    assert 0.2 < float(str(row["green_share"])) < 0.9
    assert float(str(row["flow"])) > 600
    record, passages, _ = crossing.evaluate(run, net)
    # Nobody passes at red: everybody in a green or within the yellow after it.
    for number, way in enumerate(passages.turns):
        begins, ends = greens_of(record.lamps["c"], way.links, record.end)
        assert (ends > begins).all()
        for time in passages.passed[(passages.turn == number) & ~np.isnan(passages.passed)]:
            assert ((begins <= time) & (time < ends + 5)).any()


@pytest.mark.parametrize("name", [EDGE_TIMES, SWITCHES, "tripinfo.parquet"])
def test_damaged_tables_are_one_line(three: Path, tmp_path: Path, name: str) -> None:
    for path in three.iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    (tmp_path / name).write_bytes((tmp_path / name).read_bytes()[:60])
    with pytest.raises(RunFailedError, match=rf"^[^\n]*{name}: damaged \(half-written\)[^\n]*$"):
        read_record(tmp_path)
    (tmp_path / name).write_bytes(b"PAR1" + b"\0" * 60 + b"PAR1")
    with pytest.raises(RunFailedError, match=rf"^[^\n]*{name}: damaged[^\n]*$"):
        read_record(tmp_path)


@pytest.mark.parametrize(
    ("kind", "wait", "saturation", "level"),
    [
        ("car", 20.0, 0.9, "A"),
        ("car", 20.1, 0.9, "B"),
        ("car", 70.1, 0.9, "E"),
        ("car", 500.0, 1.0, "E"),
        ("car", 5.0, 1.01, "F"),
        ("public transport", 60.0, 2.0, "E"),
        ("public transport", 60.1, 0.0, "F"),
        ("pedestrian", 70.0, 0.0, "D"),
        ("bicycle", 85.1, 0.0, "F"),
        ("car", float("nan"), 0.0, ""),
    ],
)
def test_levels_of_service(kind: str, wait: float, saturation: float, level: str) -> None:
    assert quality(kind, wait, saturation) == level  # type: ignore[arg-type]


def test_own_outputs_of_a_configuration_are_in_nobodys_way(net: Path, tmp_path: Path) -> None:
    crossing.scenario(tmp_path, net, THREE)
    config = tmp_path / "own.sumocfg"
    config.write_text(
        f"""<configuration><input><net-file value="{net}"/><route-files value="demand.rou.xml"/></input>
        <time><begin value="0"/><end value="100"/></time><output><vehroute-output value="mine.xml"/>
        <vehroute-output.dua value="true"/><tripinfo-output value="trips.xml"/></output></configuration>""",
        encoding="utf-8",
    )
    run = crossing.simulate(load_scenario(str(config)), tmp_path / "out")
    rows = table(run / EDGE_TIMES)
    assert [(row["vehicle"], row["edge"]) for row in rows[:2]] == [("green", "in"), ("green", "out")]
    assert not (tmp_path / "mine.xml").exists()
    assert not (tmp_path / "trips.xml").exists()
