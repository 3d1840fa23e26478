"""SUMO's additional file: SUMO itself shows the plan's lamps, and its schema accepts the file."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING
from xml.sax.saxutils import quoteattr

import numpy as np
import pytest
import sumo
from defusedxml.ElementTree import parse
from lxml import etree

from sim.errors import InputError
from sim.export.gate import file_findings
from sim.export.sumo import FORMAT
from sim.export.sumo_read import import_programs
from sim.run import timing_rules
from sim.scenario import load_scenario
from sim.signals.lamps import lamps, link_states
from sim.signals.plan import DAYS, Green, Plan, Schedule, Switch
from sim.signals.profile import load_profile
from sim.signals.safety import check_plan
from sim.signals.sequence import sequence_findings
from sim.signals.timeline import courses, shown_lamps

if TYPE_CHECKING:
    from sim.signals.plan import Program, SignalPlan

HOME = Path(sumo.SUMO_HOME)
ENVIRONMENT = os.environ | {"SUMO_HOME": str(HOME)}
HEAD = '<additional xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:noNamespaceSchemaLocation="http://sumo.dlr.de/xsd/additional_file.xsd">'


def run_sumo(net: Path, files: list[Path], signals: list[str], begin: int, end: int) -> dict[str, list[str]]:
    """Run SUMO with every check on, and give what each signal showed in each second."""
    out = net.parent / f"states-{begin}.xml"
    save = net.parent / f"save-{begin}.add.xml"
    events = "".join(
        f'<timedEvent type="SaveTLSStates" source={quoteattr(name)} dest="{out}"/>' for name in signals
    )
    save.write_text(f"{HEAD}{events}</additional>", encoding="utf-8")
    done = subprocess.run(
        [
            str(HOME / "bin" / "sumo"),
            *("-n", str(net), "-a", ",".join(map(str, [*files, save])), "-b", str(begin), "-e", str(end)),
            *("--xml-validation", "always", "--xml-validation.net", "never", "--no-step-log"),
            *("--duration-log.disable",),
        ],
        env=ENVIRONMENT,
        capture_output=True,
        text=True,
        check=False,
    )
    # In the nets built here roads stand for crossings, which need no yellow.
    walkers = re.compile(r"Missing yellow phase in tlLogic 'Köln_Süd', .* for tl-index (8|9|10|11) ")
    lines = (line for line in done.stderr.splitlines() if line and "proj" not in line)
    told = [line for line in lines if not walkers.search(line)]
    assert done.returncode == 0, done.stderr
    assert not told, told
    shown: dict[str, dict[int, str]] = {name: {} for name in signals}
    for state in parse(out).iter("tlsState"):
        shown[state.get("id")][round(float(state.get("time")))] = state.get("state")
    assert all(sorted(rows) == list(range(begin, end)) for rows in shown.values())
    return {name: [rows[t] for t in range(begin, end)] for name, rows in shown.items()}


def plan_states(signal: SignalPlan, program: Program, begin: int, end: int) -> list[str]:
    """Give what a program shows at clock seconds."""
    states = link_states(signal, lamps(signal, program))
    return [states[(t - program.offset) % program.cycle] for t in range(begin, end)]


def build_net(plan: Plan, folder: Path, lanes: dict[str, str] | None = None) -> Path:
    """Build one junction for a plan of one signal, with a road in and out for each of its links."""
    (signal,) = plan.signals
    indices = sorted(link.index for group in signal.groups for link in group.links)
    name = quoteattr(signal.id)
    nodes = [f'<node id="centre" x="0" y="0" type="traffic_light" tl={name}/>']
    edges, connections = [], []
    for k in indices:
        nodes += [f'<node id="a{k}" x="{-500 + 20 * k}" y="500"/>', f'<node id="b{k}" x="{500 - 20 * k}" y="-500"/>']
        edges += [
            f'<edge id="in{k + 1}" from="a{k}" to="centre" numLanes="1"/>',
            f'<edge id="out{k + 1}" from="centre" to="b{k}" numLanes="1"/>',
        ]
        connections.append(
            f'<connection from="in{k + 1}" to="out{k + 1}" fromLane="0" toLane="0" tl={name} linkIndex="{k}"/>'
        )
    logic = f'<tlLogic id={name} type="static" programID="0" offset="0"><phase duration="60" state="{"G" * len(indices)}"/></tlLogic>'
    for kind, rows in (("nod", nodes), ("edg", edges), ("con", connections), ("tll", [logic, *connections])):
        tag = {"nod": "nodes", "edg": "edges", "con": "connections", "tll": "tlLogics"}[kind]
        (folder / f"p.{kind}.xml").write_text(f"<{tag}>{''.join(rows)}</{tag}>", encoding="utf-8")
    net = folder / "p.net.xml"
    subprocess.run(
        [
            str(HOME / "bin" / "netconvert"),
            *("-n", str(folder / "p.nod.xml"), "-e", str(folder / "p.edg.xml"), "-x", str(folder / "p.con.xml")),
            *("-i", str(folder / "p.tll.xml"), "-o", str(net), "--no-turnarounds", "true"),
        ],
        env=ENVIRONMENT,
        capture_output=True,
        check=True,
    )
    return net


def csv_tool(net: Path, tables: list[Path], out: Path) -> subprocess.CompletedProcess[str]:
    """Convert tables to programs by SUMO's own tool."""
    return subprocess.run(
        [
            *(sys.executable, str(HOME / "tools" / "tls" / "tls_csvSignalGroups.py")),
            *("-n", str(net), "-i", ",".join(map(str, tables)), "-o", str(out)),
        ],
        env=ENVIRONMENT | {"PYTHONUTF8": "1"},
        capture_output=True,
        text=True,
        check=False,
    )


BASIC = load_profile("basic").limits
NAME = "plan.add.xml"


def renamed(plan: Plan, name: str = "Köln_Süd", **changes: object) -> Plan:
    """The plan with an id that SUMO takes."""
    return plan.model_copy(
        update={"signals": (plan.signals[0].model_copy(update={"id": name}),), **changes}
    )


def written(plan: Plan, folder: Path) -> Path:
    path = folder / NAME
    path.write_bytes(FORMAT.write(plan)[NAME])
    return path


def lamps_of(signal: SignalPlan, states: list[str]) -> np.ndarray:
    rows = np.array([list(state.encode()) for state in states], np.uint8).T
    return rows[[group.links[0].index for group in signal.groups]]


@pytest.mark.parametrize("name", ["bochum-ring-am", "resco-cologne8"])
def test_sumo_shows_the_plan(name: str, request: pytest.FixtureRequest, tmp_path: Path) -> None:
    plan = request.getfixturevalue("bochum_plan" if name.startswith("bochum") else "cologne_plan")
    net = tmp_path / "net.net.xml"
    net.symlink_to(load_scenario(name).network)
    shown = run_sumo(net, [written(plan, tmp_path)], [s.id for s in plan.signals], 0, 200)
    for signal in plan.signals:
        assert shown[signal.id] == plan_states(signal, signal.programs[0], 0, 200), signal.id


def test_without_a_schedule_sumo_starts_with_the_first_program(ring_plan: Plan, tmp_path: Path) -> None:
    plan = renamed(ring_plan, schedule=None)
    (signal,) = plan.signals
    shown = run_sumo(build_net(plan, tmp_path), [written(plan, tmp_path)], [signal.id], 0, 250)
    assert shown[signal.id] == plan_states(signal, signal.programs[0], 0, 250)
    assert FORMAT.read(FORMAT.write(plan), plan) == plan


@pytest.mark.parametrize("name", ["bochum_plan", "cologne_plan", "ring_plan"])
def test_the_schema_accepts_the_file_and_the_plan_comes_back(name: str, request: pytest.FixtureRequest) -> None:
    plan = request.getfixturevalue(name)
    if name == "ring_plan":
        with pytest.raises(InputError, match="signal 'Main & 1st': SUMO's ids have no spaces"):
            FORMAT.write(plan)
        plan = renamed(plan, 'K"ln&<Süd>')
    files = FORMAT.write(plan)
    schema = etree.XMLSchema(etree.parse(HOME / "data" / "xsd" / "additional_file.xsd"))
    schema.assertValid(etree.fromstring(files[NAME]))
    assert FORMAT.read(files, plan) == plan
    assert file_findings(plan, FORMAT, files, BASIC) == []
    assert files == FORMAT.write(plan)


# Seconds at which ring_plan has no group in transition.
@pytest.mark.parametrize(("day", "night", "offset"), [(0, 0, 63), (0, 0, 50), (40, 40, 63), (45, 40, 63), (40, 45, 10)])
def test_sumo_changes_programs_at_their_switch_seconds(
    day: int, night: int, offset: int, ring_plan: Plan, tmp_path: Path
) -> None:
    one, other = ring_plan.signals[0].programs
    # Another cycle makes the change wait for the clock.
    programs = (
        one.model_copy(update={"switch": day}),
        other.model_copy(update={"switch": night, "offset": offset, "cycle": 110}),
    )
    entries = (
        Switch(time="00:00", program="night"),
        Switch(time="00:10", program="day"),
        Switch(time="00:20", program="night"),
    )
    schedule = Schedule(day_plans={"all": entries}, week=dict.fromkeys(DAYS, "all"))
    plan = renamed(ring_plan, schedule=schedule)
    signal = plan.signals[0].model_copy(update={"programs": programs})
    plan = plan.model_copy(update={"signals": (signal,)})
    assert check_plan(plan, BASIC) == []
    end = 1600
    shown = run_sumo(build_net(plan, tmp_path), [written(plan, tmp_path)], [signal.id], 0, end)[signal.id]
    judged = lamps_of(signal, shown)
    assert sequence_findings(signal, judged, 110, end - 110, 1) == []
    # SUMO's change is the plan's: each at its switch second, held until the clock fits.
    want = [shown_lamps(signal, course) for course in courses(plan, signal, 0, 0, end)]
    assert len(want) == 3
    assert np.array_equal(np.hstack(want), judged)
