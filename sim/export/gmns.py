"""GMNS 0.96 signal tables: a folder of CSV files for planning tools."""

from __future__ import annotations

import csv
import io
from dataclasses import replace
from typing import TYPE_CHECKING

from sim.errors import InputError
from sim.export.format import Format
from sim.export.ring_file import base_plan, plan_rings, restore
from sim.signals.files import refuse_larger
from sim.signals.ring_mapping import map_rings
from sim.signals.rings import Overlap, RingPhase, RingProgram, phase_begins

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sim.export.format import Files
    from sim.signals.plan import Plan, Program, SignalPlan

# Columns of each table in the order of the specification; readers miss a column that is left out.
TABLES = {
    "signal_controller": ("controller_id",),
    "signal_timing_plan": ("timing_plan_id", "controller_id", "timeday_id", "time_day", "cycle_length"),
    "signal_timing_phase": (
        *("timing_phase_id", "timing_plan_id", "signal_phase_num", "min_green", "max_green", "extension"),
        *("clearance", "walk_time", "ped_clearance", "ring", "barrier", "position"),
    ),
    "signal_phase_mvmt": ("signal_phase_mvmt_id", "timing_phase_id", "mvmt_id", "link_id", "protection"),
    "signal_coordination": (
        *("coordination_id", "timing_plan_id", "controller_id", "coord_contr_id"),
        *("coord_phase", "coord_ref_to", "offset"),
    ),
}
LONGEST_CYCLE = 600
LONGEST = 120
MOST = 12
Row = dict[str, str]


def write_gmns(plan: Plan) -> dict[str, bytes]:
    """
    Write a plan as the signal tables.

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
        If a program has no rings and barriers, or a value is beyond the specification.
    """
    rows: dict[str, list[dict[str, object]]] = {table: [] for table in TABLES}
    known: dict[str, tuple[str, str]] = {}
    for signal in plan.signals:
        if signal.id == "NaN" or signal.id != signal.id.strip():
            msg = f"signal '{signal.id}': GMNS reads that id as missing or cuts its blanks; give the signal another id"
            raise InputError(msg)
        rows["signal_controller"].append({"controller_id": signal.id})
        for group in signal.groups:
            owner = known.setdefault(_movement(signal.id, group.name), (signal.id, group.name))
            if owner != (signal.id, group.name):
                msg = (
                    f"signal '{signal.id}': movement '{_movement(signal.id, group.name)}' would also be group "
                    f"'{owner[1]}' of signal '{owner[0]}'; give one of them another name"
                )
                raise InputError(msg)
    for k, signal, program, ring in plan_rings(plan):
        _check(ring)
        at = f"{k}-{program.number}"
        rows["signal_timing_plan"].append(
            {"timing_plan_id": at, "controller_id": signal.id, "cycle_length": ring.cycle}
        )
        rows["signal_timing_phase"] += [_phase(at, phase) for phase in ring.phases]
        served = _served(signal, ring)
        rows["signal_phase_mvmt"] += [
            {
                "signal_phase_mvmt_id": f"{at}-{n}",
                "timing_phase_id": f"{at}-{number}",
                "mvmt_id": _movement(signal.id, name),
                "protection": protection,
            }
            for n, (number, name, protection) in enumerate(served, start=1)
        ]
        begins = phase_begins(ring)
        rows["signal_coordination"] += [
            {
                "coordination_id": f"{at}-{number}",
                "timing_plan_id": at,
                "controller_id": signal.id,
                "coord_phase": number,
                "coord_ref_to": "begin_of_green",
                "offset": (begins[number] - ring.start + ring.offset) % ring.cycle,
            }
            for number in ring.coordinated
        ]
    return {f"{table}.csv": _table(table, found) for table, found in rows.items()}


def _movement(signal: str, group: str) -> str:
    return f"{signal}/{group}"


def _check(ring: RingProgram) -> None:
    times = [
        (f"phase {p.number}: yellow and red clearance", p.yellow + p.red_clear, LONGEST) for p in ring.phases
    ]
    times += [(f"phase {p.number}: walk", p.walk, LONGEST) for p in ring.phases]
    times += [(f"phase {p.number}: pedestrian clearance", p.pedestrian_clear, LONGEST) for p in ring.phases]
    times += [("the cycle", ring.cycle, LONGEST_CYCLE)]
    for what, seconds, most in times:
        if seconds > most:
            msg = f"signal '{ring.signal}': program '{ring.program}': {what} of {seconds} s; GMNS allows {most} s"
            raise InputError(msg)
    side = max(phase.barrier for phase in ring.phases)
    if side > MOST:
        msg = f"signal '{ring.signal}': program '{ring.program}' has {side} barriers; GMNS allows {MOST}"
        raise InputError(msg)


def _phase(at: str, phase: RingPhase) -> dict[str, object]:
    return {
        "timing_phase_id": f"{at}-{phase.number}",
        "timing_plan_id": at,
        "signal_phase_num": phase.number,
        # The tables have no split: a green that cannot vary is its own minimum and maximum.
        "min_green": phase.green,
        "max_green": phase.green,
        "extension": 0,
        "clearance": phase.yellow + phase.red_clear,
        "walk_time": phase.walk if phase.pedestrians else "",
        "ped_clearance": phase.pedestrian_clear if phase.pedestrians else "",
        "ring": phase.ring,
        "barrier": phase.barrier,
        "position": phase.position,
    }


def _served(signal: SignalPlan, ring: RingProgram) -> list[tuple[int, str, str]]:
    """List phase, group and protection."""
    found = []
    arrows = [group.name for group in signal.groups if group.rest == "arrow"]
    for phase in ring.phases:
        own = {name: "permitted" if name in phase.permissive else "protected" for name in phase.groups}
        own |= dict.fromkeys(phase.pedestrians, "protected")
        for overlap in ring.overlaps:
            if phase.number in overlap.parents:
                own[overlap.group] = "permitted" if phase.number in overlap.permissive else "protected"
        found += [(phase.number, name, protection) for name, protection in own.items()]
        found += [(phase.number, name, "rtor") for name in arrows if name not in own]
    return found


def _table(table: str, rows: list[dict[str, object]]) -> bytes:
    out = io.StringIO()
    writer = csv.DictWriter(out, TABLES[table], restval="", lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return out.getvalue().encode("utf-8")


def read_gmns(files: Files, plan: Plan | None) -> Plan:
    """
    Read the signal tables.

    Parameters
    ----------
    files : mapping
        Contents by file name.
    plan : Plan or None
        The plan they were made from: the tables have no yellow, matrix or kinds of groups.

    Returns
    -------
    Plan
        The plan as the tables have it.

    Raises
    ------
    InputError
        If a table is missing or faulty, or does not belong to the plan.
    """
    base = base_plan(plan, "gmns")
    tables = {table: _read(files, table) for table in TABLES}
    for row in tables["signal_timing_plan"]:
        if row["controller_id"] not in {signal.id for signal in base.signals}:
            msg = f"signal_timing_plan.csv: controller '{row['controller_id'][:40]}' is no signal of the plan"
            raise InputError(msg)
    signals = []
    for k, signal in enumerate(base.signals, start=1):
        rings, arrows = [], set[str]()
        for program in signal.programs:
            ring, resting = _ring(tables, f"{k}-{program.number}", signal, program)
            rings.append(ring)
            arrows |= resting
        signals.append(restore(signal, rings, frozenset(arrows), yellow=False))
    return base.model_copy(update={"signals": tuple(signals)})


def _read(files: Files, table: str) -> list[Row]:
    name = f"{table}.csv"
    if name not in files:
        msg = f"{name} is missing; the tables are {', '.join(f'{t}.csv' for t in TABLES)}"
        raise InputError(msg)
    refuse_larger(files[name], name)
    try:
        reader = csv.DictReader(io.StringIO(files[name].decode("utf-8-sig"), newline=""), strict=True)
        lacking = [column for column in TABLES[table] if column not in (reader.fieldnames or ())]
        if lacking:
            msg = f"{name} has no column '{lacking[0]}'"
            raise InputError(msg)
        rows = []
        for row in reader:
            if None in row or None in row.values():
                msg = f"{name}: line {reader.line_num} has not as many cells as columns"
                raise InputError(msg)
            rows.append(row)
    except UnicodeDecodeError as error:
        msg = f"{name} is not UTF-8 text (byte {error.start}); save it as UTF-8"
        raise InputError(msg) from error
    except csv.Error as error:
        msg = f"{name} is not valid CSV: {error}"
        raise InputError(msg) from error
    return rows


def _ring(
    tables: Mapping[str, list[Row]], at: str, signal: SignalPlan, program: Program
) -> tuple[RingProgram, set[str]]:
    made = map_rings(signal, program)
    plans = [row for row in tables["signal_timing_plan"] if row["timing_plan_id"] == at]
    if len(plans) != 1 or plans[0]["controller_id"] != signal.id:
        msg = f"signal_timing_plan.csv: plan {at} of controller '{signal.id}' stands there {len(plans)} times"
        raise InputError(msg)
    phases = {
        row["timing_phase_id"]: row for row in tables["signal_timing_phase"] if row["timing_plan_id"] == at
    }
    if len(phases) != sum(row["timing_plan_id"] == at for row in tables["signal_timing_phase"]):
        msg = f"signal_timing_phase.csv: plan {at} has a timing_phase_id twice"
        raise InputError(msg)
    names = {_movement(signal.id, group.name): group for group in signal.groups}
    served: dict[str, list[tuple[int, str]]] = {}
    for row in tables["signal_phase_mvmt"]:
        if row["timing_phase_id"] in phases:
            if row["mvmt_id"] not in names or row["protection"] not in {"protected", "permitted", "rtor"}:
                msg = (
                    f"signal_phase_mvmt.csv: row {row['signal_phase_mvmt_id'][:40]} gives movement "
                    f"'{row['mvmt_id'][:40]}' as '{row['protection'][:40]}'; neither is known"
                )
                raise InputError(msg)
            number = _whole(phases[row["timing_phase_id"]], "signal_timing_phase", "signal_phase_num")
            served.setdefault(names[row["mvmt_id"]].name, []).append((number, row["protection"]))
    parents = {name: [x for x in found if x[1] != "rtor"] for name, found in served.items()}
    walkers = {group.name for group in signal.groups if group.kind == "pedestrian"}
    yellows = {phase.number: phase.yellow for phase in made.phases}
    coordination = [row for row in tables["signal_coordination"] if row["timing_plan_id"] == at]
    for row in coordination:
        if row["coord_ref_to"] != "begin_of_green":
            msg = f"signal_coordination.csv: plan {at} refers to '{row['coord_ref_to'][:40]}', not begin_of_green"
            raise InputError(msg)
    greens = {
        _whole(row, "signal_coordination", "coord_phase"): _whole(row, "signal_coordination", "offset")
        for row in coordination
    }
    ring = RingProgram(
        signal=signal.id,
        program=program.id,
        number=program.number,
        cycle=_whole(plans[0], "signal_timing_plan", "cycle_length"),
        offset=0,
        phases=tuple(_read_phase(row, parents, walkers, yellows) for row in phases.values()),
        overlaps=tuple(
            Overlap(k, name, tuple(n for n, _ in found), tuple(n for n, how in found if how == "permitted"))
            for k, (name, found) in enumerate(((x, y) for x, y in parents.items() if len(y) > 1), start=1)
        ),
        coordinated=tuple(greens),
        start=made.start,
    )
    resting = {name for name, found in served.items() if any(how == "rtor" for _, how in found)}
    return _with_offset(ring, greens, at), resting


def _with_offset(ring: RingProgram, greens: dict[int, int], at: str) -> RingProgram:
    """Take the offset from the begins of green of the coordinated phases, which must fit each other."""
    if not 1 <= ring.cycle <= 3600:
        msg = f"signal_timing_plan.csv: plan {at} has a cycle of {ring.cycle} s"
        raise InputError(msg)
    known = {phase.number for phase in ring.phases}
    if len(known) != len(ring.phases) or not greens or not set(greens) <= known:
        msg = f"signal_coordination.csv: plan {at} has no coordinated phase, or one without timings"
        raise InputError(msg)
    begins = phase_begins(ring)
    offsets = {(green - begins[number] + ring.start) % ring.cycle for number, green in greens.items()}
    if len(offsets) > 1:
        msg = f"signal_coordination.csv: the offsets of plan {at} contradict the order of its phases"
        raise InputError(msg)
    return replace(ring, offset=offsets.pop())


def _read_phase(
    row: Row, parents: dict[str, list[tuple[int, str]]], walkers: set[str], yellows: dict[int, int]
) -> RingPhase:
    table = "signal_timing_phase"
    number = _whole(row, table, "signal_phase_num")
    green = _whole(row, table, "max_green")
    if _whole(row, table, "min_green") != green:
        msg = f"{table}.csv: phase {row['timing_phase_id'][:40]} has a green that varies; only fixed times are read"
        raise InputError(msg)
    yellow = yellows.get(number, 0)
    red = _whole(row, table, "clearance") - yellow
    if red < 0:
        msg = f"{table}.csv: phase {row['timing_phase_id'][:40]} clears less than the {yellow} s of yellow of the plan"
        raise InputError(msg)
    own = {name: found[0][1] for name, found in parents.items() if [n for n, _ in found] == [number]}
    return RingPhase(
        number=number,
        ring=_whole(row, table, "ring"),
        barrier=_whole(row, table, "barrier"),
        position=_whole(row, table, "position"),
        green=green,
        yellow=yellow,
        red_clear=red,
        minimum_green=green,
        groups=tuple(name for name in own if name not in walkers),
        walk=_whole(row, table, "walk_time") if row["walk_time"] else 0,
        pedestrian_clear=_whole(row, table, "ped_clearance") if row["ped_clearance"] else 0,
        pedestrians=tuple(name for name in own if name in walkers),
        permissive=tuple(name for name, how in own.items() if how == "permitted"),
    )


def _whole(row: Row, table: str, column: str) -> int:
    text = row[column].strip()
    # Spreadsheets write 5.0.
    digits = text.removesuffix(".0")
    if not (digits.isascii() and digits.isdecimal() and len(digits) <= 5):
        msg = f"{table}.csv: {column} '{text[:40]}' is no whole number of at most 5 digits [whole-seconds]"
        raise InputError(msg)
    return int(digits)


FORMAT = Format(
    name="gmns",
    title="GMNS 0.96 signal tables for planning tools",
    suffix="",
    carries=frozenset({"greens", "permissive", "rest", "offset", "programs"}),
    write=write_gmns,
    read=read_gmns,
)
