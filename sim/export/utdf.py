"""UTDF version 8, Synchro's combined CSV: one file for each program number, read by Synchro, Vistro, Visum and others."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

from sim.errors import InputError
from sim.export.format import Format
from sim.export.ring_file import plan_rings, restore
from sim.export.utdf_alone import read_alone
from sim.export.utdf_phases import (
    APPROACHES,
    COLUMNS,
    FIRST_GREEN,
    MORE_COLUMNS,
    PHASES,
    SKEWED,
    Movement,
    columns,
    movements,
    read_movements,
    read_ring,
)
from sim.export.utdf_table import Tables, read_tables, write_tables
from sim.signals.ring_mapping import map_rings
from sim.signals.rings import phase_begins

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sim.export.format import Files
    from sim.signals.plan import Group, Plan, Program, SignalPlan
    from sim.signals.rings import RingProgram

# Signals stand in a row, and so do the nodes their approaches come from: a plan knows no coordinates [m].
SPACING, APPROACH = 1000, 300
AROUND = {"NB": (0, -1), "SB": (0, 1), "EB": (-1, 0), "WB": (1, 0)}
AROUND |= {"NE": (-1, -1), "NW": (1, -1), "SE": (-1, 1), "SW": (1, 1)}
# Where a left turn, a through movement and a right turn of each approach lead: the side of its node.
LEADS = {"NB": "EB SB WB", "SB": "WB NB EB", "EB": "SB WB NB", "WB": "NB EB SB"}
LEADS |= {"NE": "SE SW NW", "NW": "NE SE SW", "SE": "SW NW NE", "SW": "NW NE SE"}
Rows = list["Sequence[object]"]


def write_utdf(plan: Plan) -> dict[str, bytes]:
    """
    Write a plan, one file for each program number.

    Parameters
    ----------
    plan : Plan
        The plan.

    Returns
    -------
    dict
        Contents by file name.

    Raises
    ------
    InputError
        If a program has no rings and barriers, or more groups than UTDF has movements, or a name has a comma.
    """
    named: dict[int, list[tuple[int, SignalPlan, RingProgram]]] = {}
    for k, signal, program, ring in plan_rings(plan):
        if re.search(r'[,"]', signal.id) or signal.id != signal.id.strip():
            msg = f"signal '{signal.id}': UTDF has no place for commas and quotes in names; give the signal another id"
            raise InputError(msg)
        named.setdefault(program.number, []).append((k, signal, ring))
    return {f"program-{number}.csv": _file(programs) for number, programs in sorted(named.items())}


def _file(programs: list[tuple[int, SignalPlan, RingProgram]]) -> bytes:
    places = [(k, signal, ring, _columns(signal, ring)) for k, signal, ring in programs]
    wide = any(column not in COLUMNS for *_, chosen in places for column in chosen.values())
    sides = APPROACHES + SKEWED if wide else APPROACHES
    movement = MORE_COLUMNS if wide else COLUMNS
    network: Rows = [("RECORDNAME", "DATA"), ("UTDFVERSION", 8), ("Metric", 1)]
    nodes: Rows = [
        (
            *("INTID", "TYPE", "X", "Y", "Z", "DESCRIPTION"),
            *("CBD", "Inside Radius", "Outside Radius", "Roundabout Lanes", "Circle Speed"),
        )
    ]
    links: Rows = [("RECORDNAME", "INTID", *sides)]
    lanes: Rows = [("RECORDNAME", "INTID", *movement, "PED", "HOLD")]
    timeplans: Rows = [("RECORDNAME", "INTID", "DATA")]
    phases: Rows = [("RECORDNAME", "INTID", *(f"D{k}" for k in PHASES))]
    last = max(k for k, *_ in places)
    for k, signal, ring, chosen in places:
        ends = {side: last + len(sides) * (k - 1) + n for n, side in enumerate(sides, start=1)}
        x = SPACING * (k - 1)
        nodes.append((k, 0, x, 0, 0, signal.id, *[""] * 5))
        nodes += [
            (node, 1, x + APPROACH * AROUND[side][0], APPROACH * AROUND[side][1], 0, "schematic", *[""] * 5)
            for side, node in ends.items()
        ]
        used = sorted({column[:2] for column in chosen.values()}, key=sides.index)
        links += _links(signal, k, ends, sides, {column: name for name, column in chosen.items()}, used)
        groups = {group.name: group for group in signal.groups}
        by_column = {column: groups[name] for name, column in chosen.items()}
        lanes += _lanes(k, ends, movement, by_column, movements(ring))
        timeplans += _timeplan(k, ring)
        phases += _phases(k, ring)
    return write_tables(
        {
            "Network": network,
            "Nodes": nodes,
            "Links": links,
            "Lanes": lanes,
            "Timeplans": timeplans,
            "Phases": phases,
        }
    )


def _columns(signal: SignalPlan, ring: RingProgram) -> dict[str, str]:
    try:
        return columns(ring)
    except InputError as error:
        msg = f"signal '{signal.id}': program '{ring.program}' has no place in UTDF: {error}"
        raise InputError(msg) from error


def _links(
    signal: SignalPlan,
    k: int,
    ends: dict[str, int],
    sides: tuple[str, ...],
    names: dict[str, str],
    used: list[str],
) -> Rows:
    speeds = {group.name: group.speed for group in signal.groups}
    fastest = {
        side: max((speeds[name] or 0.0 for column, name in names.items() if column[:2] == side), default=0.0)
        for side in sides
    }
    rows: Rows = [
        ("Up ID", k, *(ends[side] if side in used else "" for side in sides)),
        ("Lanes", k, *(1 if side in used else "" for side in sides)),
        ("Distance", k, *(APPROACH if side in used else "" for side in sides)),
        ("Speed", k, *(f"{fastest[side] * 3.6:.0f}" if fastest[side] else "" for side in sides)),
    ]
    for side in sides:
        # Seen from the node at the end, the signal is where its own approach is from the other side.
        rows.append(("Up ID", ends[side], *(k if LEADS[side].split()[1] == other else "" for other in sides)))
    return rows


def _lanes(
    k: int,
    ends: dict[str, int],
    movement: tuple[str, ...],
    groups: dict[str, Group],
    served: dict[str, Movement],
) -> Rows:
    def row(name: str, cells: dict[str, object]) -> Sequence[object]:
        return (name, k, *(cells.get(column, "") for column in movement), "", "")

    rows: Rows = [
        row("Up Node", {c: ends[c[:2]] for c in groups}),
        row("Dest Node", {c: ends[LEADS[c[:2]].split()["LTR".index(c[2])]] for c in groups}),
        row("Lanes", {c: max(len({link.from_lane for link in g.links}), 1) for c, g in groups.items()}),
        row("Shared", dict.fromkeys(groups, 0)),
    ]
    parents = {c: served[g.name] for c, g in groups.items()}
    full = {c: [n for n in m.parents if n not in m.permissive] for c, m in parents.items()}
    for n in range(4):
        rows.append(row(f"Phase{n + 1}", {c: v[n] for c, v in full.items() if len(v) > n}))
    for n in range(4):
        cells: dict[str, object] = {c: m.permissive[n] for c, m in parents.items() if len(m.permissive) > n}
        rows.append(row(f"PermPhase{n + 1}", cells))
    for column, m in parents.items():
        if max(len(full[column]), len(m.permissive)) > 4:
            msg = f"group '{groups[column].name}' is green in more than 4 phases, which UTDF has no place for"
            raise InputError(msg)
    rows.append(row("Allow RTOR", {c: int(g.rest == "arrow") for c, g in groups.items()}))
    return rows


def _timeplan(k: int, ring: RingProgram) -> Rows:
    first, *others = ring.coordinated
    records = {
        "Control Type": 0,
        "Cycle Length": ring.cycle,
        "Lock Timings": 0,
        "Referenced To": FIRST_GREEN,
        "Reference Phase": 100 * first + others[0] if others else first,
        "Offset": ring.offset,
        "Master": 0,
        "Yield": 0,
        "Node 0": k,
        "Node 1": 0,
    }
    return [(name, k, value) for name, value in records.items()]


def _phases(k: int, ring: RingProgram) -> Rows:
    shift = ring.offset - ring.start
    local = {number: (at - ring.start) % ring.cycle for number, at in phase_begins(ring).items()}
    records: dict[str, dict[int, int | str]] = {
        "BRP": {p.number: f"{p.barrier}{p.ring}{p.position}" for p in ring.phases},
        "MinGreen": {p.number: p.minimum_green for p in ring.phases},
        "MaxGreen": {p.number: p.green for p in ring.phases},
        "VehExt": {p.number: 0 for p in ring.phases},
        "Yellow": {p.number: p.yellow for p in ring.phases},
        "AllRed": {p.number: p.red_clear for p in ring.phases},
        "Recall": {p.number: 3 for p in ring.phases},
        "Walk": {p.number: p.walk for p in ring.phases if p.pedestrians},
        "DontWalk": {p.number: p.pedestrian_clear for p in ring.phases if p.pedestrians},
        "MinSplit": {p.number: p.minimum_green + p.yellow + p.red_clear for p in ring.phases},
        "DualEntry": {p.number: 0 for p in ring.phases},
        "InhibitMax": {p.number: 1 for p in ring.phases},
        "Start": {n: (at + ring.start + shift) % ring.cycle for n, at in local.items()},
        "End": {p.number: (local[p.number] + p.split + ring.offset) % ring.cycle for p in ring.phases},
        "LocalStart": dict(local),
        "ActGreen": {p.number: p.green for p in ring.phases},
    }
    return [(name, k, *(values.get(n, "") for n in PHASES)) for name, values in records.items()]


def read_utdf(files: Files, plan: Plan | None) -> Plan:
    """
    Read files of the format.

    Parameters
    ----------
    files : mapping
        Contents by file name.
    plan : Plan or None
        The plan they were made from; without it movements become groups, as `sim.export.utdf_alone` says.

    Returns
    -------
    Plan
        The plan as the files have it.

    Raises
    ------
    InputError
        If a file is no UTDF file of version 8, or does not belong to the plan.
    """
    tables = {name: read_tables(content, name) for name, content in files.items()}
    if plan is None:
        return read_alone(tables)
    signals = []
    for signal in plan.signals:
        rings, arrows = [], set[str]()
        for program in signal.programs:
            name = f"program-{program.number}.csv"
            if name not in tables:
                msg = f"{name} is missing; it has program '{program.id}' of signal '{signal.id}'"
                raise InputError(msg)
            ring, resting = _program(tables[name], signal, program, name)
            rings.append(ring)
            arrows |= resting
        signals.append(restore(signal, rings, frozenset(arrows)))
    return plan.model_copy(update={"signals": tuple(signals)})


def _program(tables: Tables, signal: SignalPlan, program: Program, name: str) -> tuple[RingProgram, set[str]]:
    nodes = [node for (node, _), cells in tables["Nodes"].items() if cells.get("DESCRIPTION") == signal.id]
    nodes = [node for node in nodes if tables["Nodes"][(node, "")].get("TYPE") == "0"]
    if len(nodes) != 1:
        msg = f"{name}: {len(nodes)} signals are called '{signal.id}'"
        raise InputError(msg)
    node = nodes[0]
    made = map_rings(signal, program)
    names = {column: group for group, column in columns(made).items()}
    served = {}
    for column, movement in read_movements(tables, node, name).items():
        if column not in names:
            msg = f"{name}: intersection {node}: movement {column} is no group of signal '{signal.id}'"
            raise InputError(msg)
        served[names[column]] = movement
    ring = read_ring(tables, node, served, (signal.id, program.id, program.number), name)
    walkers = {phase.number: phase.pedestrians for phase in made.phases}
    phases = tuple(replace(phase, pedestrians=walkers.get(phase.number, ())) for phase in ring.phases)
    turns = tables["Lanes"].get((node, "Allow RTOR"), {})
    resting = {group for column, group in names.items() if turns.get(column) == "1"}
    return replace(ring, phases=phases, start=made.start), resting


FORMAT = Format(
    name="utdf",
    title="UTDF version 8 (Synchro's combined CSV), one file for each program number",
    suffix="",
    carries=frozenset({"greens", "permissive", "yellow", "rest", "offset", "programs"}),
    write=write_utdf,
    read=read_utdf,
    reads_alone=True,
)
