"""SUMO's NEMA programs: SUMO itself runs the written file, and shows the plan second by second."""

from __future__ import annotations

import os
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest
import sumo
from defusedxml import ElementTree
from lxml import etree

from sim.errors import InputError
from sim.export.gate import export_plan, file_findings
from sim.export.sumo_nema import FORMAT
from sim.signals.lamps import lamps, link_states
from sim.signals.plan import Link, Plan, SignalPlan
from sim.signals.profile import load_profile
from sim.signals.ring_mapping import map_rings, ring_program

BASIC = load_profile("basic").limits
HOME = Path(sumo.SUMO_HOME)
# The link that netconvert gives to the movement of each phase: 1 WBL, 2 EBT, 3 NBL, 4 SBT and so on.
LINKS = {1: 3, 2: 6, 3: 5, 4: 0, 5: 7, 6: 2, 7: 1, 8: 4}
AROUND = {"n": (0, 200), "e": (200, 0), "s": (0, -200), "w": (-200, 0)}
ACROSS, LEFT = dict(zip("nesw", "swne", strict=True)), dict(zip("nesw", "eswn", strict=True))


@pytest.fixture(scope="module")
def crossroads(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build a crossroads whose approaches have a lane ahead and a lane to the left."""
    folder = tmp_path_factory.mktemp("net")
    nodes = "".join(f'<node id="{d}" x="{x}" y="{y}"/>' for d, (x, y) in AROUND.items())
    edges = "".join(
        f'<edge id="{d}i" from="{d}" to="c" numLanes="2"/><edge id="{d}o" from="c" to="{d}"/>' for d in AROUND
    )
    ways = "".join(
        f'<connection from="{d}i" to="{to[d]}o" fromLane="{lane}" toLane="0"/>'
        for d in AROUND
        for lane, to in enumerate((ACROSS, LEFT))
    )
    node = '<node id="c" x="0" y="0" type="traffic_light"/>'
    (folder / "n.xml").write_text(f"<nodes>{node}{nodes}</nodes>", encoding="utf-8")
    (folder / "e.xml").write_text(f"<edges>{edges}</edges>", encoding="utf-8")
    (folder / "x.xml").write_text(f"<connections>{ways}</connections>", encoding="utf-8")
    files = [f"-{kind}={folder / f'{kind}.xml'}" for kind in "nex"]
    command = [HOME / "bin" / "netconvert", *files, "--no-turnarounds", "-o", folder / "net.xml"]
    subprocess.run(command, check=True, capture_output=True)
    return folder / "net.xml"


def driven(plan: Plan, offset: int | None = None) -> Plan:
    """Leave the crossings out of the dual-ring signal and name it and its links as the net does."""
    signal = plan.signals[0]
    groups = tuple(
        group.model_copy(update={"links": (Link(index=LINKS[int(group.name[1:])]),)})
        for group in signal.groups
        if group.kind == "vehicle"
    )
    names = {group.name for group in groups}
    programs = tuple(
        program.model_copy(
            update={
                "greens": tuple(green for green in program.greens if green.group in names),
                "offset": program.offset if offset is None else offset,
            }
        )
        for program in signal.programs
    )
    cells = tuple(c for c in signal.intergreens if {c.clearing, c.entering} <= names)
    changes = {"id": "c", "groups": groups, "programs": programs, "intergreens": cells}
    return plan.model_copy(update={"signals": (signal.model_copy(update=changes),), "schedule": None})


def recorded(net: Path, plans: Path, program: str) -> dict[int, str]:
    """Have SUMO run a program without traffic and give the state of each second."""
    folder = plans.parent
    (folder / "run.xml").write_text(
        '<additional><WAUT id="w" refTime="0" startProg="PROGRAM"/>'
        '<wautJunction wautID="w" junctionID="c"/>'
        '<timedEvent type="SaveTLSStates" source="c" dest="states.xml"/></additional>'.replace(
            "PROGRAM", program
        ),
        encoding="utf-8",
    )
    command = [HOME / "bin" / "sumo", "-n", net, "-a", f"{plans},{folder / 'run.xml'}", "--end", "700"]
    environment = os.environ | {"SUMO_HOME": str(HOME)}
    done = subprocess.run(
        [*command, "--no-step-log"], check=True, capture_output=True, text=True, env=environment
    )
    assert "Error" not in done.stderr
    states = ElementTree.parse(folder / "states.xml").getroot()
    return {int(float(e.get("time", ""))): e.get("state", "") for e in states}


def check(net: Path, plan: Plan, folder: Path) -> None:
    signal = plan.signals[0]
    for program in signal.programs:
        alone = plan.model_copy(update={"signals": (signal.model_copy(update={"programs": (program,)}),)})
        (path,) = export_plan(alone, FORMAT, folder / f"{program.id}.add.xml", BASIC)
        seen = recorded(net, path, program.id)
        want = link_states(signal, lamps(signal, program))
        # The first cycles bring the rings into step.
        for t in range(400, 400 + 2 * program.cycle):
            assert seen[t] == want[(t - program.offset) % program.cycle], t


@pytest.mark.parametrize("offset", [None, 0, 99])
def test_sumo_shows_the_plan_second_by_second(
    crossroads: Path, ring_plan: Plan, tmp_path: Path, offset: int | None
) -> None:
    check(crossroads, driven(ring_plan, offset), tmp_path)


def lagging(plan: Plan) -> Plan:
    """Let the left turns of the first ring follow the movements ahead."""
    signal = plan.signals[0]
    programs = []
    for program in signal.programs:
        ring = map_rings(signal, program)
        phases = tuple(replace(p, position=3 - p.position) if p.ring == 1 else p for p in ring.phases)
        programs.append(ring_program(replace(ring, phases=phases), signal))
    return plan.model_copy(update={"signals": (signal.model_copy(update={"programs": tuple(programs)}),)})


def test_lagging_left_turns_which_sumo_runs_at_other_seconds_are_refused(ring_plan: Plan) -> None:
    plan = lagging(driven(ring_plan))
    ring = map_rings(plan.signals[0], plan.signals[0].programs[0])
    positions = {name: p.position for p in ring.phases for name in p.groups}
    assert positions == {"K1": 2, "K2": 1, "K3": 2, "K4": 1, "K5": 1, "K6": 2, "K7": 1, "K8": 2}
    with pytest.raises(InputError, match=r"signal 'c'.*SUMO runs others at other seconds"):
        FORMAT.write(plan)


def test_the_file_keeps_sumos_schema(ring_plan: Plan) -> None:
    (content,) = FORMAT.write(driven(ring_plan)).values()
    schema = etree.XMLSchema(etree.parse(HOME / "data" / "xsd" / "additional_file.xsd"))
    schema.assertValid(etree.fromstring(content))


def test_what_sumo_cannot_show_is_refused_by_name(
    ring_plan: Plan, cologne_plan: Plan, bochum_plan: Plan
) -> None:
    def only(signal: SignalPlan, plan: Plan, **changes: object) -> Plan:
        return plan.model_copy(update={"signals": (signal.model_copy(update=changes),), "schedule": None})

    for signal in bochum_plan.signals:
        with pytest.raises(InputError, match=f"signal '{signal.id}'.*red-yellow"):
            FORMAT.write(only(signal, bochum_plan))
    for signal in cologne_plan.signals:
        with pytest.raises(
            InputError, match=f"signal '{signal.id}'.*(green again with the very next|eight phases)"
        ):
            FORMAT.write(only(signal, cologne_plan))
    signal = ring_plan.signals[0]
    with pytest.raises(InputError, match="'Main & 1st' is no id of SUMO's"):
        FORMAT.write(ring_plan)
    with pytest.raises(InputError, match="pedestrian group 'F2'"):
        FORMAT.write(only(signal, ring_plan, id="c"))
    plan = driven(ring_plan)
    bare = tuple(group.model_copy(update={"links": ()}) for group in plan.signals[0].groups)
    with pytest.raises(InputError, match="group 'K1' has no links"):
        FORMAT.write(only(plan.signals[0], plan, groups=bare))


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ('yellow="3" red="1" name="1"', 'yellow="4" red="0" name="1"', "yellows of 4 s and 3 s"),
        ('state="rrrGrrrr"', 'state="rrrgrrrr"', "group 'K1' shows something else"),
        ('state="rrrGrrrr"', 'state="rrrrrrrr"', "group 'K1' shows something else"),
        ('offset="45"', 'offset="46"', "the offset is 26 s, not 25 s"),
        ('offset="45"', 'offset="4.5"', "offset is '4.5', not a whole number"),
        ('value="1,2,3,4"', 'value="1,2,3,9"', "ring 1 names phase 9"),
        ('type="NEMA"', 'type="static"', "exactly one of type NEMA"),
        ('value="TS2"', 'value="Type170"', "controllerType is 'Type170', not 'TS2'"),
        ("<additional", "<!DOCTYPE a [<!ENTITY b 'c'>]><additional", "declares a document type"),
        ("</additional>", "", "is not well-formed XML"),
    ],
)
def test_a_fault_in_the_file_is_found(ring_plan: Plan, old: str, new: str, words: str) -> None:
    plan = driven(ring_plan)
    files = FORMAT.write(plan)
    assert file_findings(plan, FORMAT, files, BASIC) == []
    ((name, content),) = files.items()
    text = content.decode()
    assert old in text
    try:
        broken = {name: text.replace(old, new, 1).encode()}
        found = "; ".join(map(str, file_findings(plan, FORMAT, broken, BASIC)))
    except InputError as error:
        found = str(error)
    assert words in found
