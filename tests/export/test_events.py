"""Event logs: the codes of hand-made lamps and passages, and a run that atspm judges as SUMO's own records do."""

from __future__ import annotations

import csv
import io
import json
import os
import subprocess
from collections import defaultdict
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from defusedxml.ElementTree import parse

from sim.control.registry import parse_controller
from sim.errors import InputError
from sim.export.detectors import Detector, place_detectors, write_recorders
from sim.export.events import (
    Event,
    Lamps,
    Passage,
    Pattern,
    Phase,
    detector_events,
    detectors_csv,
    events_csv,
    lamp_events,
    phases_csv,
)
from sim.export.record import read_lamps, read_passages, record_events
from sim.network.graph import RoadGraph
from sim.run import RunTask, run
from sim.scenario import load_scenario

HERE = Path(__file__).parent
SECONDS = 900
LOOP = Detector("x", "A", 3, 2, "Presence", "e_0", 50.0)


def rows_of(path: Path) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(path.read_text(encoding="utf-8"))))


def lamps_of(states: list[str], program: str = "1") -> Lamps:
    return Lamps([float(k) for k in range(len(states))], states, [program] * len(states))


def test_a_green_makes_the_events_of_a_phase() -> None:
    shown = lamps_of(["r", "u", "G", "g", "y", "r"])
    events = lamp_events("A", [Phase(0)], shown, {"1": Pattern(7, 300, 12)})
    assert events == [
        Event(0.0, "A", 131, 7),
        Event(0.0, "A", 132, 255),
        Event(0.0, "A", 133, 12),
        Event(2.0, "A", 0, 1),
        Event(2.0, "A", 1, 1),
        Event(4.0, "A", 6, 1),
        Event(4.0, "A", 7, 1),
        Event(4.0, "A", 8, 1),
        Event(5.0, "A", 9, 1),
        Event(5.0, "A", 10, 1),
        Event(5.1, "A", 11, 1),
        Event(5.1, "A", 12, 1),
    ]


def test_only_a_fixed_program_says_why_a_green_ends() -> None:
    shown = lamps_of(["r", "G", "y"], "actuated")
    assert 6 not in {event.code for event in lamp_events("A", [Phase(0)], shown, {"1": Pattern(1, 90, 0)})}


def test_a_pedestrian_group_walks_and_stops() -> None:
    events = lamp_events("A", [Phase(0), Phase(1, pedestrian=True)], lamps_of(["rr", "rG", "rr"]), {})
    assert events == [Event(1.0, "A", 21, 2), Event(2.0, "A", 23, 2)]


def test_a_loop_is_on_while_a_vehicle_is_over_it() -> None:
    passages = [
        Passage("x", 0.5, enters=False),  # It stood there when the log began.
        Passage("x", 2.04, enters=True),
        Passage("x", 2.07, enters=False),
        Passage("x", 3.5, enters=True),
    ]
    # A vehicle that needs less than a tenth is seen for one: on and off of one moment would have no order.
    assert detector_events([LOOP], passages) == [
        Event(2.0, "A", 82, 3),
        Event(2.1, "A", 81, 3),
        Event(3.5, "A", 82, 3),
    ]
    with pytest.raises(InputError, match="none of the run's"):
        detector_events([], passages)


def test_the_tables_are_csv_with_any_name() -> None:
    events = [Event(25200.19, 'Straße "1", Süd', 1, 2), Event(25200.1, "A", 8, 1), Event(90061.0, "A", 1, 1)]
    rows = list(csv.DictReader(io.StringIO(events_csv(events).decode())))
    assert [row["TimeStamp"] for row in rows] == [
        "2024-01-01 07:00:00.1",
        "2024-01-01 07:00:00.1",
        "2024-01-02 01:01:01.0",
    ]
    assert [row["DeviceId"] for row in rows] == ["A", 'Straße "1", Süd', "A"]
    lines = detectors_csv([LOOP]).decode().splitlines()
    assert lines == [
        "DeviceId,Phase,Parameter,Function,Lane,Position",
        "A,2,3,Presence,e_0,50",
    ]
    assert phases_csv({"A": ["K1", "F1"]}).decode().splitlines()[1:] == ["A,1,K1", "A,2,F1"]


@pytest.mark.parametrize("text", ["", "<a", '<a><tlsState time="x" id="A" state="r" programID="0"/></a>'])
def test_broken_records_are_named(text: str, tmp_path: Path) -> None:
    path = tmp_path / "states.xml"
    path.write_text(text)
    with pytest.raises(InputError, match=r"states\.xml"):
        read_lamps(path)
    path.write_text('<a><instantOut id="x" state="enter"/></a>')
    with pytest.raises(InputError, match="lacks an attribute"):
        read_passages(path)


def test_every_approach_lane_has_its_loops() -> None:
    scenario = load_scenario("bochum-ring-am")
    graph = RoadGraph.from_file(scenario.network, scenario.additional)
    placed = place_detectors(graph)
    lanes = {
        graph.movements[m].from_lane
        for signal in graph.signals.values()
        for group in signal.groups
        if not group.pedestrian
        for m in group.movements
    }
    assert {loop.lane for loop in placed if loop.function == "Presence"} == lanes
    assert all(0 < loop.position < graph.net.getLane(loop.lane).getLength() for loop in placed)
    channels = [(loop.signal, loop.channel) for loop in placed]
    assert len(set(channels)) == len(channels)


def task(controller: str, seconds: int = SECONDS) -> RunTask:
    scenario = load_scenario("resco-cologne1")
    scenario = scenario.model_copy(update={"end": scenario.begin + seconds})
    return RunTask(scenario, parse_controller(controller), 1, 1.0, keep_sumo_output=True)


@pytest.fixture(scope="module")
def log(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("log")
    record_events(task("program"), out)
    return out


def foreign_python() -> str:
    """Find the second environment, since atspm and the project need different versions of pandas."""
    default = HERE.parents[1] / ".venv/foreign/bin/python"
    path = Path(os.environ.get("GRUENBAND_FOREIGN_PYTHON", default))
    if not path.is_file():
        pytest.skip(f"atspm's environment is not there: {path} ('make test' makes it)")
    return str(path)


@pytest.fixture(scope="module")
def judged(log: Path) -> dict[str, list[dict[str, Any]]]:
    script = HERE / "foreign_atspm.py"
    files = [str(log / "events.csv"), str(log / "detector_config.csv")]
    command = [foreign_python(), str(script), *files]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


class Records:
    """SUMO's own records, read without the code under test."""

    def __init__(self, folder: Path) -> None:
        states = parse(folder / "tls-states.xml").getroot().findall("tlsState")
        self.begin = int(float(states[0].get("time", "")))
        self.states = [element.get("state", "") for element in states]
        scenario = load_scenario("resco-cologne1")
        graph = RoadGraph.from_file(scenario.network, scenario.additional)
        (signal,) = graph.signals.values()
        self.links = {k: group.links[0] for k, group in enumerate(signal.groups, 1)}
        self.loops: dict[tuple[int, str], list[str]] = defaultdict(list)
        for loop in place_detectors(graph):
            self.loops[loop.phase, loop.function].append(loop.id)
        self.passages: dict[str, list[tuple[float, str]]] = defaultdict(list)
        for element in parse(folder / "detectors.xml").getroot().findall("instantOut"):
            if element.get("state") != "stay":
                passage = (float(element.get("time", "")), element.get("state", ""))
                self.passages[element.get("id", "")].append(passage)

    def row(self, phase: int) -> str:
        return "".join(state[self.links[phase]] for state in self.states)

    def greens(self, phase: int) -> list[tuple[int, int, int]]:
        """Begin of green, of yellow and of red of every green that began and whose red began in the log."""
        row = self.row(phase)
        found = []
        for t in range(1, len(row)):
            if row[t] in "Gg" and row[t - 1] not in "Gg":
                yellow = next((k for k in range(t, len(row)) if row[k] not in "Gg"), None)
                red = next((k for k in range(yellow or len(row), len(row)) if row[k] == "r"), None)
                if yellow is not None and red is not None:
                    found.append((t, yellow, red))
        return found

    def occupied(self, phase: int, begin: int, end: int) -> float:
        """Share of the tenths from one second to another in which a vehicle is over a loop at the stop line."""
        tenths = [False] * ((end - begin) * 10)
        for loop in self.loops[phase, "Presence"]:
            entered = None
            for time, what in sorted(self.passages[loop], key=lambda p: p[0]):
                at = int((time - self.begin - begin) * 10 + 1e-6)
                if what == "enter":
                    entered = at
                elif entered is not None:
                    tenths[max(entered, 0) : max(at, 0)] = [True] * (
                        len(tenths[max(entered, 0) : max(at, 0)])
                    )
                    entered = None
            if entered is not None:
                tenths[max(entered, 0) :] = [True] * len(tenths[max(entered, 0) :])
        return sum(tenths) / len(tenths)


def test_atspm_finds_the_arrivals_on_green_that_sumo_records(
    log: Path, judged: dict[str, list[dict[str, Any]]]
) -> None:
    records = Records(log)
    assert {row["Phase"] for row in judged["arrival_on_green"]} == set(records.links)
    for row in judged["arrival_on_green"]:
        phase = row["Phase"]
        letters = records.row(phase)
        first = records.greens(phase)[0][0]
        arrivals = [
            int(time - records.begin)
            for loop in records.loops[phase, "Advance"]
            for time, what in records.passages[loop]
            if what == "enter"
        ]
        # The green that was on when the log began has no event.
        on_green = sum(t >= first and letters[t] in "Gg" for t in arrivals)
        assert row["Total_Actuations"] == len(arrivals)
        assert row["Percent_AOG"] == pytest.approx(on_green / len(arrivals), abs=1e-6)
    assert sum(row["Total_Actuations"] for row in judged["arrival_on_green"]) > 500


def test_atspm_finds_the_greens_that_sumo_shows(log: Path, judged: dict[str, list[dict[str, Any]]]) -> None:
    records = Records(log)
    found = defaultdict(list)
    for row in judged["timeline"]:
        assert row["IsValid"]
        if row["EventClass"] == "Green":
            found[row["EventValue"]].append(row["Duration"])
    for phase in records.links:
        want = [yellow - begin for begin, yellow, _ in records.greens(phase)]
        assert len(want) >= 9
        # A last green may have its yellow, but not its red, in the log.
        assert sorted(found[phase])[: len(want)] == sorted(want)
        assert len(found[phase]) - len(want) in {0, 1}
    ends = {
        row["Phase"]: row["Total"]
        for row in judged["terminations"]
        if row["PerformanceMeasure"] == "ForceOff"
    }
    assert set(ends) == set(records.links)
    (coordination,) = judged["coordination_agg"]
    assert (coordination["Pattern"], coordination["CycleLength"]) == (1, 90)


def test_atspm_finds_the_split_failures_that_sumo_records(
    log: Path, judged: dict[str, list[dict[str, Any]]]
) -> None:
    records = Records(log)
    failures = 0
    for row in judged["split_failures"]:
        phase, stamp = row["Phase"], row["TimeStamp"]
        hours, minutes, seconds = map(float, stamp.split(" ")[1].split(":"))
        # Its time is five seconds after the begin of red.
        red_at = int(hours * 3600 + minutes * 60 + seconds) - 5 - records.begin
        begin, yellow, red = next(green for green in records.greens(phase) if green[2] == red_at)
        green = records.occupied(phase, begin, yellow)
        after = records.occupied(phase, red, red + 5)
        assert row["Green_Time"] == yellow - begin
        assert row["Green_Occupancy"] == pytest.approx(green, abs=0.011)
        assert row["Red_Occupancy"] == pytest.approx(after, abs=0.021)
        if min(abs(green - 0.8), abs(after - 0.8)) > 0.02:
            assert row["Split_Failure"] == (green >= 0.8 and after >= 0.8)
        failures += row["Split_Failure"]
    assert len(judged["split_failures"]) >= 60


def test_recording_does_not_change_the_run(tmp_path: Path) -> None:
    short = task("actuated", 200)
    graph = RoadGraph.from_file(short.scenario.network, short.scenario.additional)
    trips = []
    for name in ("plain", "recorded"):
        folder = tmp_path / name
        folder.mkdir()
        more = [folder / "recorders.add.xml"] if name == "recorded" else []
        if more:
            write_recorders(
                graph, place_detectors(graph), more[0], folder / "lamps.xml", folder / "loops.xml"
            )
        run(short, folder, None, more)
        root = parse(folder / "tripinfo.xml").getroot()
        trips.append([dict(trip.attrib) for trip in root.findall("tripinfo")])
    assert trips[0] == trips[1]
    assert len(trips[0]) > 50


def test_the_same_run_gives_the_same_bytes(tmp_path: Path) -> None:
    for name in ("one", "two"):
        record_events(task("program", 100), tmp_path / name)
    assert (tmp_path / "one/events.csv").read_bytes() == (tmp_path / "two/events.csv").read_bytes()


def test_an_adaptive_controller_has_no_pattern_and_no_reason(tmp_path: Path) -> None:
    record_events(task("max-pressure", 300), tmp_path)
    codes = {int(row["EventId"]) for row in rows_of(tmp_path / "events.csv")}
    assert {0, 1, 7, 8, 9, 10, 11, 12, 81, 82} <= codes
    assert 6 not in codes


def test_a_fixed_program_of_the_controller_is_the_pattern(tmp_path: Path) -> None:
    record_events(task("fixed-webster", 300), tmp_path)
    rows = rows_of(tmp_path / "events.csv")
    cycle = next(int(row["Parameter"]) for row in rows if row["EventId"] == "132")
    begins = [row["TimeStamp"] for row in rows if (row["EventId"], row["Parameter"]) == ("1", "1")]
    seconds = [int(stamp[14:16]) * 60 + float(stamp[17:]) for stamp in begins]
    assert {b - a for a, b in pairwise(seconds)} == {float(cycle)}
    assert {row["EventId"] for row in rows} >= {"6", "131", "133"}


def test_the_folder_of_a_log_is_no_file(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_text("")
    with pytest.raises(InputError, match="is a file"):
        record_events(task("program", 60), path)
