"""SUMO as a foreign reader: of its own additional files, and by its tool of signal-group tables."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from xml.sax.saxutils import quoteattr

import numpy as np
import pytest
import sumo
from defusedxml.ElementTree import parse
from lxml import etree

from sim.errors import InputError
from sim.export.gate import file_findings
from sim.export.group_csv import FORMAT as TABLE
from sim.export.sumo import FORMAT
from sim.export.sumo_read import import_programs
from sim.run import timing_rules
from sim.scenario import load_scenario
from sim.signals.lamps import lamps, link_states
from sim.signals.plan import DAYS, Green, Link, Plan, Program, Schedule, SignalPlan, Switch
from sim.signals.profile import load_profile
from sim.signals.safety import check_plan
from sim.signals.sequence import sequence_findings
from sim.signals.timeline import courses, shown_lamps

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
        nodes += [
            f'<node id="a{k}" x="{-500 + 20 * k}" y="500"/>',
            f'<node id="b{k}" x="{500 - 20 * k}" y="-500"/>',
        ]
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
            *(
                "-n",
                str(folder / "p.nod.xml"),
                "-e",
                str(folder / "p.edg.xml"),
                "-x",
                str(folder / "p.con.xml"),
            ),
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
    return plan.model_copy(update={"signals": (plan.signals[0].model_copy(update={"id": name}),), **changes})


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
def test_the_schema_accepts_the_file_and_the_plan_comes_back(
    name: str, request: pytest.FixtureRequest
) -> None:
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
@pytest.mark.parametrize(
    ("day", "night", "offset"), [(0, 0, 63), (0, 0, 50), (40, 40, 63), (45, 40, 63), (40, 45, 10)]
)
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


def damaged(old: str, new: str, files: dict[str, bytes]) -> dict[str, bytes]:
    return {name: content.decode().replace(old, new, 1).encode() for name, content in files.items()}


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("<additional", "<!DOCTYPE a [<!ENTITY b 'c'>]><additional", "declares a document type"),
        ("</additional>", "", "is not well-formed XML"),
        ('type="static"', 'type="actuated"', "it is of type actuated"),
        ('id="Köln_Süd"', 'id="Elsewhere"', "the base plan has no signal 'Elsewhere'"),
        ('duration="3"', 'duration="2.5"', "[whole-seconds]"),
        ('duration="3"', 'duration="1e99"', "a cycle has 1 to 3600 s"),
        ('duration="3"', 'duration="inf"', "is not a time in seconds"),
        ('state="r', 'state="X', "of the letters"),
        ('state="', 'state="r', "a state of another length"),
        ('period="604800"', 'period="100"', "its period is 100 s"),
        ('time="21600"', 'time="21601"', "at no whole minute"),
        ('junctionID="Köln_Süd"', 'junctionID="other"', None),
    ],
)
def test_a_faulty_additional_file_is_refused_in_one_line(
    old: str, new: str, words: str | None, ring_plan: Plan
) -> None:
    plan = renamed(ring_plan)
    files = damaged(old, new, FORMAT.write(plan))
    if words is None:
        assert FORMAT.read(files, plan).schedule is None
        return
    with pytest.raises(InputError) as caught:
        FORMAT.read(files, plan)
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)


def test_the_gate_finds_a_fault_planted_in_the_additional_file(ring_plan: Plan) -> None:
    plan = renamed(ring_plan)
    files = damaged('offset="60"', 'offset="61"', FORMAT.write(plan))
    assert [f.text for f in file_findings(plan, FORMAT, files, BASIC)] == ["the offset is 61 s, not 60 s"]


def test_changes_too_fast_for_sumo_are_refused(ring_plan: Plan) -> None:
    entries = tuple(
        Switch(time=time, program=name)
        for time, name in (("00:00", "night"), ("06:00", "day"), ("06:02", "night"))
    )
    schedule = Schedule(day_plans={"all": entries}, week=dict.fromkeys(DAYS, "all"))
    with pytest.raises(InputError, match="program 'day' is wanted for 120 s only; SUMO needs up to 200 s"):
        FORMAT.write(renamed(ring_plan, schedule=schedule))


def test_foreign_programs_are_read_with_their_network(bochum_plan: Plan, tmp_path: Path) -> None:
    (signal,) = (s for s in bochum_plan.signals if s.id == "R02")
    other = signal.programs[0].model_copy(
        update={"id": "late", "number": 2, "offset": 30, "switch": 9, "stages": ()}
    )
    both = signal.model_copy(update={"programs": (signal.programs[0], other)})
    plan = bochum_plan.model_copy(update={"signals": (both,)})
    scenario = load_scenario("bochum-ring-am")
    path = written(plan, tmp_path)
    read, left_out = import_programs(scenario.network, path, timing_rules(scenario), plan.name)
    assert left_out == []
    assert read == plan
    odd = path.read_text().replace('state="GGGGGrr"', 'state="GGGgGrr"', 1)
    path.write_text(odd)
    read, left_out = import_programs(scenario.network, path, timing_rules(scenario), plan.name)
    assert [program.id for program in read.signals[0].programs] == ["0"]
    assert len(left_out) == 1
    assert "program 'gruenband-late': the links of group" in left_out[0]


def table_states(path: Path) -> dict[tuple[str, str], tuple[int, list[str]]]:
    """Offset and states of a cycle of each program that SUMO's tool made."""
    found = {}
    for logic in parse(path).iter("tlLogic"):
        states = [s.get("state") for s in logic.iter("phase") for _ in range(int(s.get("duration")))]
        found[logic.get("id"), logic.get("programID")] = (int(logic.get("offset")), states)
    return found


def check_by_tool(plan: Plan, net: Path, folder: Path) -> None:
    files = TABLE.write(plan)
    paths = [folder / name for name in files]
    for path, content in zip(paths, files.values(), strict=True):
        path.write_bytes(content)
    out = folder / "tables.add.xml"
    done = csv_tool(net, paths, out)
    assert done.returncode == 0, done.stderr
    found = table_states(out)
    for signal in plan.signals:
        for program in signal.programs:
            offset, states = found[signal.id, program.id]
            # Which greens give way is taken from the network by the tool, not from the table.
            shown = [states[(t - offset) % len(states)].replace("g", "G") for t in range(program.cycle)]
            want = [s.replace("g", "G") for s in plan_states(signal, program, 0, program.cycle)]
            assert shown == want, (signal.id, program.id)
    assert TABLE.read(files, plan) == plan
    assert file_findings(plan, TABLE, files, BASIC) == []


def test_sumos_tool_makes_the_same_states_of_the_tables_of_bochum(bochum_plan: Plan, tmp_path: Path) -> None:
    check_by_tool(bochum_plan, load_scenario("bochum-ring-am").network, tmp_path)


def test_sumos_tool_makes_the_same_states_of_the_tables_of_cologne(
    cologne_plan: Plan, tmp_path: Path
) -> None:
    # One signal has a group whose yellow fills the gap to its next green, which the tool shows as red for ever.
    with pytest.raises(InputError, match="signal '32319828': program '0': group 'K2' has 3 s from 87"):
        TABLE.write(cologne_plan)
    kept = tuple(signal for signal in cologne_plan.signals if signal.id != "32319828")
    plan = cologne_plan.model_copy(update={"signals": kept})
    check_by_tool(plan, load_scenario("resco-cologne8").network, tmp_path)


def with_lanes(plan: Plan) -> Plan:
    """The ring plan with lanes for its crossings, too."""
    (signal,) = plan.signals
    groups = tuple(
        group.model_copy(
            update={
                "links": tuple(
                    Link(index=x.index, from_lane=f"in{x.index + 1}_0", to_lane=f"out{x.index + 1}_0")
                    for x in group.links
                )
            }
        )
        for group in signal.groups
    )
    return plan.model_copy(update={"signals": (signal.model_copy(update={"groups": groups}),)})


def test_sumos_tool_makes_the_same_states_of_the_tables_of_both_programs(
    ring_plan: Plan, tmp_path: Path
) -> None:
    with pytest.raises(InputError, match="group 'F2': link 8 names no lane it comes from"):
        TABLE.write(ring_plan)
    plan = renamed(with_lanes(ring_plan))
    check_by_tool(plan, build_net(plan, tmp_path), tmp_path)
    assert list(TABLE.write(plan)) == ["K-ln-S-d_day.csv", "K-ln-S-d_night.csv"]


@pytest.mark.parametrize(
    ("greens", "words"),
    [
        ([(0, 10), (30, 40), (60, 70)], "has 3 greens in a cycle; the table has columns for 2"),
        ([(0, 100)], "is always green"),
        ([(0, 50), (50, 100)], "is always green"),
        ([], "has no green"),
        ([(0, 40), (42, 80)], "has 2 s from 40 to its next green"),
        ([(0, 40), (43, 97)], "has 3 s from 40 to its next green"),
    ],
)
def test_what_the_table_cannot_say_is_refused(
    greens: list[tuple[int, int]], words: str, ring_plan: Plan
) -> None:
    plan = with_lanes(ring_plan)
    (signal,) = plan.signals
    program = signal.programs[0]
    mine = tuple(Green(group="K1", begin=a, end=b) for a, b in greens)
    program = program.model_copy(update={"greens": (*mine, *program.greens[1:])})
    signal = signal.model_copy(update={"programs": (program,)})
    with pytest.raises(InputError, match=words):
        TABLE.write(plan.model_copy(update={"signals": (signal,)}))


FOREIGN = """[general]
cycle time;80
key;Köln_Süd
subkey;SP7
offset;5
actuated;10;14
[links]
Nord;in1;
Nord;in2_0;out2
Sued;in5;
[signal groups]
id;on1;off1;transOn;transOff
Nord;70;20;1;3
Sued;30;60;1;3
"""


def test_a_foreign_table_is_read_onto_the_lanes_of_a_base_plan(ring_plan: Plan, tmp_path: Path) -> None:
    base = renamed(with_lanes(ring_plan))
    # Nord joins two groups that are no longer in conflict.
    (signal,) = base.signals
    cells = tuple(c for c in signal.intergreens if {c.clearing, c.entering} != {"K1", "K2"})
    base = base.model_copy(update={"signals": (signal.model_copy(update={"intergreens": cells}),)})
    plan = TABLE.read({"sp7.csv": FOREIGN.encode()}, base)
    (read,) = plan.signals
    assert [g.name for g in read.groups[:2]] == ["Nord", "Sued"]
    assert [[x.index for x in g.links] for g in read.groups[:2]] == [[0, 1], [4]]
    assert {g.rest for g in read.groups[2:]} == {"blinking"}
    (program,) = read.programs
    assert (program.id, program.cycle, program.offset, program.number) == ("SP7", 80, 5, 1)
    assert [(g.group, g.begin, g.end) for g in program.greens] == [("Nord", 70, 20), ("Sued", 30, 60)]
    path, out = tmp_path / "sp7.csv", tmp_path / "sp7.add.xml"
    path.write_text(FOREIGN, encoding="utf-8")
    assert csv_tool(build_net(base, tmp_path), [path], out).returncode == 0
    ((offset, states),) = table_states(out).values()
    assert offset == 5
    # The tool tells dark links that give way from others by the network.
    have = [state.replace("g", "G").replace("O", "o") for state in states]
    assert have == link_states(read, lamps(read, program))


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("[general]\n", "", "sp7.csv, line 1: a table begins with the line [general]"),
        ("cycle time;80\n", "", "section [general] has no 'cycle time'"),
        ("cycle time;80", "cycle time;80.5", "[whole-seconds]"),
        ("cycle time;80", "cycle time;0", "1 to 3600 s"),
        ("[links]", "[limbs]", "there is no section 'limbs'"),
        ("in5;", "in99;", "has no link from 'in99'"),
        ("Sued;in5;", "Sued;in1;", "belongs to the groups 'Nord' and 'Sued'"),
        ("key;Köln_Süd", "key;Kiel", "the base plan has no signal 'Kiel'"),
        ("Sued;30;60", "Sued;0;80", "is the whole cycle"),
        ("Sued;30;60", "Sued;30;90", "is beyond the cycle"),
        ("Sued;30;60", 'Sued;"30;60', "it is no CSV"),
        ("Sued;30;60", "West;30;60", "group 'West' has no line in [links]"),
        ("transOff\n", "\n", "lacks the column 'transOff'"),
        ("Nord;70", "Sued;70", "stands twice"),
        (
            "transOff\nNord;70;20",
            "transOff;on2;off2\nNord;70;20;1;3;10;30\nX;70;20",
            "its two greens overlap",
        ),
        ("Nord;in1;\n", "", None),
    ],
)
def test_a_faulty_table_is_refused_in_one_line(
    old: str, new: str, words: str | None, ring_plan: Plan
) -> None:
    base = renamed(with_lanes(ring_plan))
    # With its real matrix the base plan has no group that joins 1 and 2.
    words = words or ""
    text = FOREIGN.replace(old, new, 1)
    if not words:
        assert len(TABLE.read({"sp7.csv": text.encode()}, base).signals[0].programs) == 1
        return
    with pytest.raises(InputError) as caught:
        TABLE.read({"sp7.csv": text.encode()}, base)
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_table_in_another_encoding_or_with_groups_that_conflict_is_refused(ring_plan: Plan) -> None:
    base = renamed(with_lanes(ring_plan))
    with pytest.raises(InputError, match="is not UTF-8 text"):
        TABLE.read({"sp7.csv": FOREIGN.encode("latin-1")}, base)
    with pytest.raises(InputError, match="joins the groups 'K1' and 'K2' of the base plan, which conflict"):
        TABLE.read({"sp7.csv": FOREIGN.encode()}, base)
    with pytest.raises(InputError, match="give a plan of the network with --base"):
        TABLE.read({"sp7.csv": FOREIGN.encode()}, None)


def test_the_gate_finds_a_fault_planted_in_a_table(bochum_plan: Plan) -> None:
    files = dict(TABLE.write(bochum_plan))
    files["R02_0.csv"] = files["R02_0.csv"].replace(b"F1;50;82", b"F1;50;83")
    findings = file_findings(bochum_plan, TABLE, files, BASIC)
    assert findings[0].text == "group 'F1' shows something else"


def test_file_names_are_safe_and_unique(ring_plan: Plan) -> None:
    (signal,) = with_lanes(ring_plan).signals
    odd = tuple(signal.model_copy(update={"id": name}) for name in ('A;B/.."x', "a:b-X", "Ä" * 150))
    plan = ring_plan.model_copy(update={"signals": odd})
    files = TABLE.write(plan)
    assert len({name.lower() for name in files}) == 6
    assert all(re.fullmatch(r"[A-Za-z0-9_-]+\.csv", name) for name in files)
    assert TABLE.read(files, plan) == plan
