"""Odd networks, odd signals and odd vehicles: an adaptive controller runs through, or one line says what is wrong."""

from __future__ import annotations

import gzip
import json
import re
import subprocess
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest
import sumo

import sim.run as run_module
from sim.control.registry import parse_controller
from sim.errors import InputError
from sim.run import RunTask, run
from sim.scenario import Scenario
from sim.sumo.session import Session

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

# Every adaptive controller; a new one is added here.
ADAPTIVE = ("self-control", "max-pressure", "horizon", "horizon:class=grid")

# A crossing c of two streets with one lane each way, and a node m just before it in the west.
NODES = """<nodes><node id="c" x="0" y="0" type="traffic_light"/><node id="m" x="-30" y="0"/><node id="w" x="-200" y="0"/>
<node id="e" x="200" y="0"/><node id="n" x="0" y="200"/><node id="s" x="0" y="-200"/></nodes>"""
ARMS = ("wm", "mw", "mc", "cm", "ec", "ce", "nc", "cn", "sc", "cs")
LINKS = ("mc ce", "ec cm", "nc cs", "sc cn")
DRIVES = ("wm mc ce", "ec cm mw", "nc cs", "sc cn")
GREENS = ("GGrr", "rrGG")
END = 400.0


class Outcome(NamedTuple):
    """What a run left behind."""

    scheduled: int
    arrived: int
    facts: dict[str, Any]


def phases(*states: str) -> str:
    """Write the phases of a program: each state for 20 s and its yellow for 3 s."""
    rows = []
    for state in states:
        rows.append(f'<phase duration="20" state="{state}"/>')
        if "G" in state:
            rows.append(f'<phase duration="3" state="{state.replace("G", "y")}"/>')
    return "".join(rows)


def logic(content: str, name: str = "odd") -> str:
    """Write a program of the crossing."""
    return f'<tlLogic id="c" type="static" programID="{name}" offset="0">{content}</tlLogic>'


@pytest.fixture(scope="module")
def make_net(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Path]:
    """Have netconvert build the crossing; single edges can be given a length [m]."""
    made: dict[Any, Path] = {}

    def build(**lengths: float) -> Path:
        key = tuple(sorted(lengths.items()))
        if key not in made:
            folder = tmp_path_factory.mktemp("odd")
            edges = "".join(
                f'<edge id="{a}" from="{a[0]}" to="{a[1]}" speed="13.89"'
                + (f' length="{lengths[a]}"/>' if a in lengths else "/>")
                for a in ARMS
            )
            links = "".join(
                f'<connection from="{pair[:2]}" to="{pair[3:]}"/>' for pair in (*LINKS, "wm mc", "cm mw")
            )
            for name, text in (
                ("n.nod.xml", NODES),
                ("e.edg.xml", f"<edges>{edges}</edges>"),
                ("c.con.xml", f"<connections>{links}</connections>"),
            ):
                (folder / name).write_text(text, encoding="utf-8")
            net = folder / "odd.net.xml"
            files = ["-n", "n.nod.xml", "-e", "e.edg.xml", "-x", "c.con.xml", "-o", net.name]
            command = [Path(sumo.SUMO_HOME) / "bin" / "netconvert", "--no-turnarounds", *files]
            done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
            assert done.returncode == 0, done.stderr
            # The links in our order and a program that fits it.
            text = net.read_text(encoding="utf-8")
            for k, pair in enumerate(LINKS):
                text = re.sub(rf'(from="{pair[:2]}" to="{pair[3:]}"[^>]*linkIndex=)"\d"', rf'\1"{k}"', text)
            text = re.sub("<tlLogic.*</tlLogic>", logic(phases(*GREENS), "0"), text, flags=re.DOTALL)
            net.write_text(text, encoding="utf-8")
            made[key] = net
        return made[key]

    return build


def vehicles(drives: Sequence[str] = DRIVES, each: int = 5, more: str = "") -> str:
    """Write a few vehicles of each drive."""
    rows = [
        f'<vehicle id="{k}.{turn}" depart="{6 * k + turn}"><route edges="{drive}"/></vehicle>'
        for k in range(each)
        for turn, drive in enumerate(drives)
    ]
    return "".join(rows) + more


class Try(NamedTuple):
    """Runs a controller on a network in a folder of its own."""

    folder: Path
    controller: str

    def scenario(self, net: Path, demand: str, program: str = "", **settings: Any) -> Scenario:
        """Write the demand and a program that replaces the net's."""
        routes = self.folder / ("d.rou.xml.gz" if settings.pop("packed", False) else "d.rou.xml")
        text = f"<routes>{demand}</routes>".encode()
        routes.write_bytes(gzip.compress(text) if routes.suffix == ".gz" else text)
        additional = []
        if program:
            additional = [self.folder / "p.add.xml"]
            additional[0].write_text(f"<additional>{program}</additional>", encoding="utf-8")
        return Scenario(
            name="odd",
            network=net,
            demand=(routes,),
            additional=tuple(additional),
            begin=0.0,
            end=END,
            **settings,
        )

    def run(self, net: Path, demand: str, program: str = "", **settings: Any) -> Outcome:
        """Simulate and count."""
        out = self.folder / "out"
        out.mkdir()
        run(
            RunTask(
                self.scenario(net, demand, program, **settings), parse_controller(self.controller), 1, 1.0
            ),
            out,
        )
        arrivals = re.findall(r'<tripinfo [^>]*? arrival="([^"]*)"', (out / "tripinfo.xml").read_text())
        facts = json.loads((out / "run.json").read_text())
        return Outcome(len(arrivals), sum(float(time) >= 0 for time in arrivals), facts)

    def refusal(self, net: Path, demand: str, program: str = "", **settings: Any) -> str:
        """Simulate what must be refused in one line."""
        with pytest.raises(InputError) as caught:
            self.run(net, demand, program, **settings)
        assert "\n" not in str(caught.value)
        return str(caught.value)


@pytest.fixture(params=ADAPTIVE)
def attempt(request: pytest.FixtureRequest, tmp_path: Path) -> Try:
    return Try(tmp_path, request.param)


def all_arrive(outcome: Outcome, number: int) -> None:
    """Nobody is left behind, and it is no gridlock."""
    assert (outcome.scheduled, outcome.arrived) == (number, number)
    assert outcome.facts["gridlock"] is False
    assert outcome.facts["steps"] == END


def interfere(
    monkeypatch: pytest.MonkeyPatch, meddle: Callable[[Any, float], None] | None = None, **options: str
) -> None:
    """Start SUMO with other options, and do something to its vehicles after each step."""

    class Meddled(Session):
        def __init__(self, arguments: list[str], error_log: Path, *, gui: bool = False) -> None:
            given = list(arguments)
            for name, value in options.items():
                given[given.index(f"--{name.replace('_', '-')}") + 1] = value
            super().__init__(given, error_log, gui=gui)

        def step(self, until: float = 0.0) -> None:
            super().step(until)
            if meddle is not None:
                meddle(self._api, self.time)

    monkeypatch.setattr(run_module, "Session", Meddled)


# Signals


def test_a_plain_crossing(attempt: Try, make_net: Callable[..., Path]) -> None:
    all_arrive(attempt.run(make_net(), vehicles()), 20)


def test_one_stage(attempt: Try, make_net: Callable[..., Path]) -> None:
    """It is shown for good; the cross street has no vehicles."""
    all_arrive(attempt.run(make_net(), vehicles(DRIVES[:2]), logic(phases("GGrr", "rrrr"))), 10)


@pytest.mark.parametrize("states", [("OOOO",), ("oooo",), ("oooo", "OOOO"), ("GGGG",)])
def test_no_stage_is_left_to_sumo(
    attempt: Try, make_net: Callable[..., Path], states: tuple[str, ...]
) -> None:
    """Dark, flashing, or green for everybody for good."""
    program = logic("".join(f'<phase duration="20" state="{state}"/>' for state in states))
    all_arrive(attempt.run(make_net(), vehicles(), program), 20)


def test_switched_off(attempt: Try, make_net: Callable[..., Path]) -> None:
    all_arrive(attempt.run(make_net(), vehicles(), logic("", "off")), 20)


def test_flashing_in_part_of_the_program_or_for_one_street(
    attempt: Try, make_net: Callable[..., Path]
) -> None:
    program = logic(phases(*GREENS) + '<phase duration="20" state="oooo"/>')
    all_arrive(attempt.run(make_net(), vehicles(), program), 20)


def test_one_street_flashes_for_good(attempt: Try, make_net: Callable[..., Path]) -> None:
    all_arrive(attempt.run(make_net(), vehicles(), logic(phases("GGoo", "rroo"))), 20)


def test_all_red_is_refused_where_somebody_drives(attempt: Try, make_net: Callable[..., Path]) -> None:
    net = make_net()
    text = attempt.refusal(net, vehicles(), logic(phases("rrrr")))
    for part in (str(net), "signal 'c'", "program 'odd'", "d.rou.xml", "give it a green or close the lane"):
        assert part in text


def test_all_red_without_anybody(attempt: Try, make_net: Callable[..., Path]) -> None:
    all_arrive(attempt.run(make_net(), "", logic(phases("rrrr"))), 0)


NEVER = logic(phases("GGrr", "rrGr"))  # from the south nobody may go


def test_a_movement_that_is_never_green_and_never_used(attempt: Try, make_net: Callable[..., Path]) -> None:
    all_arrive(attempt.run(make_net(), vehicles(DRIVES[:3]), NEVER), 15)


@pytest.mark.parametrize(
    "demand",
    [
        '<vehicle id="v" depart="0"><route edges="sc cn"/></vehicle>',
        '<route id="r" edges="sc\n cn"/><vehicle id="v" depart="0" route="r"/>',
        '<flow id="f" begin="0" end="60" number="3" from="sc" to="cn"/>',
        '<trip id="t" depart="0" to="cn" from="sc"/>',
    ],
    ids=["route", "named route", "flow", "trip"],
)
def test_a_movement_that_is_never_green_but_used(
    attempt: Try, make_net: Callable[..., Path], demand: str
) -> None:
    text = attempt.refusal(make_net(), demand, NEVER)
    assert "signal 'c': movement sc_0 -> cn_0 (link 3) has no green in program 'odd', but d.rou.xml" in text


def test_a_packed_demand_is_looked_at_too(attempt: Try, make_net: Callable[..., Path]) -> None:
    text = attempt.refusal(make_net(), vehicles(DRIVES[3:]), NEVER, packed=True)
    assert "d.rou.xml.gz sends vehicles there" in text


def test_who_is_routed_to_a_movement_without_green_is_a_gridlock(
    attempt: Try, make_net: Callable[..., Path]
) -> None:
    """Only SUMO knows this route; the result says what became of it."""
    trip = '<trip id="t" depart="40" from="wm" to="ce"/>'
    program = logic(phases("rGrr", "rrGG"))
    outcome = attempt.run(make_net(), vehicles(DRIVES[1:], more=trip), program)
    assert (outcome.scheduled, outcome.arrived) == (16, 15)
    assert outcome.facts["gridlock"] is True


# Lanes


@pytest.mark.parametrize("short", ["mc", "ce", "cm"])
def test_a_lane_of_a_tenth_of_a_metre(attempt: Try, make_net: Callable[..., Path], short: str) -> None:
    """Before the stop line, behind it where drives end, and behind it where they go on."""
    net = make_net(**{short: 0.1})
    assert re.search(rf'<lane id="{short}_0"[^>]* length="0.10"', net.read_text(encoding="utf-8"))
    all_arrive(attempt.run(net, vehicles()), 20)


# Vehicles


def test_a_vehicle_that_stops_and_one_that_ends_before_the_signal(
    attempt: Try, make_net: Callable[..., Path]
) -> None:
    more = '<vehicle id="a" depart="40"><route edges="nc cs"/><stop lane="nc_0" endPos="100" duration="60"/></vehicle>'
    more += '<vehicle id="b" depart="41"><route edges="sc"/></vehicle>'
    more += '<vehicle id="p" depart="42"><route edges="ec cm"/><stop lane="ec_0" endPos="90" duration="60" parking="true"/></vehicle>'
    all_arrive(attempt.run(make_net(), vehicles(more=more)), 23)


def test_a_vehicle_without_a_route(
    attempt: Try, make_net: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Inserted from outside without one: SUMO gives it a single edge, which may end at the stop line, or none at all."""
    seen = set()

    def meddle(api: Any, now: float) -> None:
        if now == 20.0:
            for name in ("ghost", "stray", "lost"):
                api.vehicle.add(name, "")
            api.vehicle.moveToXY("stray", "", -1, 250.0, 201.6, keepRoute=2)
        if now < 60.0 and "lost" in api.vehicle.getIDList():
            api.vehicle.moveToXY("lost", "", -1, 300.0, 300.0, keepRoute=2)
        names = {"ghost", "stray", "lost"} & set(api.vehicle.getIDList())
        seen.update((len(api.vehicle.getRoute(name)), api.vehicle.getLaneID(name)) for name in names)

    interfere(monkeypatch, meddle)
    outcome = attempt.run(make_net(), vehicles())
    assert {(1, "ec_0"), (1, "")} <= seen
    assert outcome.arrived >= 22
    assert outcome.facts["gridlock"] is False


def test_a_vehicle_that_is_sent_elsewhere(
    attempt: Try, make_net: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    """It gets a route that ends here, and later one onwards; it is put on a lane off its route."""

    def meddle(api: Any, now: float) -> None:
        on = [name for name in api.vehicle.getIDList() if api.vehicle.getLaneID(name) == "nc_0"]
        for name in on:
            api.vehicle.setRoute(name, ["nc"] if now % 20 < 10 else ["nc", "cs"])

    interfere(monkeypatch, meddle)
    all_arrive(attempt.run(make_net(), vehicles()), 20)


def test_vehicles_that_vanish(
    attempt: Try, make_net: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    removed = []

    def meddle(api: Any, now: float) -> None:
        for name in api.vehicle.getIDList():
            # One of two, where they are: under way, at the stop line, on the junction.
            if int(name.partition(".")[0]) % 2 and api.vehicle.getDistance(name) > 60.0 * len(removed) % 220:
                api.vehicle.remove(name)
                removed.append(name)

    interfere(monkeypatch, meddle)
    outcome = attempt.run(make_net(), vehicles())
    assert len(removed) == 8
    assert outcome.facts["gridlock"] is False
    # SUMO writes the removed ones down as arrived where they were.
    assert outcome.arrived == 20


def test_vehicles_that_teleport(
    attempt: Try, make_net: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    """After five seconds of standing SUMO lifts a vehicle over the junction."""
    interfere(monkeypatch, time_to_teleport="5")
    outcome = attempt.run(make_net(), vehicles())
    all_arrive(outcome, 20)
    assert outcome.facts["teleports"] > 0


# Time


@pytest.mark.parametrize("step", [0.1, 0.5, 0.125])
def test_steps_shorter_than_a_second(
    attempt: Try, make_net: Callable[..., Path], monkeypatch: pytest.MonkeyPatch, step: float
) -> None:
    """The guard still counts in seconds: lamps change at whole ones only, and each yellow keeps its time."""
    lamps: list[tuple[float, str]] = []
    yellows: list[float] = []

    def meddle(api: Any, now: float) -> None:
        shown = api.trafficlight.getRedYellowGreenState("c")
        if not lamps or lamps[-1][1] != shown:
            lamps.append((now, shown))

    interfere(monkeypatch, meddle)
    all_arrive(attempt.run(make_net(), vehicles(), step_length=step), 20)
    for link in range(len(lamps[0][1])):
        shown = [(now, state[link]) for now, state in lamps]
        changes = [shown[0], *(later for before, later in pairwise(shown) if before[1] != later[1])]
        yellows += [round(b - a, 3) for (a, letter), (b, _) in pairwise(changes) if letter == "y"]
    assert yellows
    assert [time for time in yellows if time < 3.0 or time % 1.0 != 0.0] == []
