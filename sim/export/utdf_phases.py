"""Phases of a UTDF file as rings and barriers, and the movement columns that groups are written to."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sim.errors import InputError
from sim.export.utdf_table import whole
from sim.signals.rings import Overlap, RingPhase, RingProgram, phase_begins

if TYPE_CHECKING:
    from sim.export.utdf_table import Tables

PHASES = range(1, 9)
MOVEMENT = r"(N|S|E|W|NE|NW|SE|SW)B?(U|L|L2|T|R|R2)"
# Synchro's usual movement of each phase.
USUAL = {1: "WBL", 2: "EBT", 3: "NBL", 4: "SBT", 5: "EBL", 6: "WBT", 7: "SBL", 8: "NBT"}
APPROACHES = ("NB", "SB", "EB", "WB")
SKEWED = ("NE", "NW", "SE", "SW")
COLUMNS = tuple(approach + turn for approach in APPROACHES for turn in "LTR")
MORE_COLUMNS = COLUMNS + tuple(approach + turn for approach in SKEWED for turn in "LTR")
# Begin of the last green, of the first yellow, of the first red, of the first green, of flashing don't walk.
REFERENCES = ("last green", "yellow", "red", "first green", "don't walk")
FIRST_GREEN = 3


@dataclass(frozen=True, slots=True)
class Movement:
    """Phases that give a movement its green, and those of them in which it gives way."""

    parents: tuple[int, ...]
    permissive: tuple[int, ...] = ()


def columns(ring: RingProgram) -> dict[str, str]:
    """
    Choose the movement column of each group.

    A plan knows no directions: the first group of a phase takes the phase's usual movement, further ones and overlaps
    the right turn of the same approach or the next free column.

    Parameters
    ----------
    ring : RingProgram
        The program.

    Returns
    -------
    dict
        Columns by group.

    Raises
    ------
    InputError
        If there are more groups than columns, or phases beyond 8.
    """
    beyond = [phase.number for phase in ring.phases if phase.number not in PHASES]
    if beyond:
        msg = f"it takes phase {beyond[0]}; UTDF has phases 1 to 8"
        raise InputError(msg)
    wanted = [(name, phase.number) for phase in ring.phases for name in phase.groups]
    wanted += [(overlap.group, overlap.parents[0]) for overlap in ring.overlaps]
    free = list(COLUMNS if len(wanted) <= len(COLUMNS) else MORE_COLUMNS)
    if len(wanted) > len(free):
        msg = f"it has {len(wanted)} groups that drive; UTDF has {len(free)} movements"
        raise InputError(msg)
    chosen: dict[str, str] = {}
    for turn in ("own", "right", "any"):
        for name, number in wanted:
            usual = USUAL[number]
            column = {"own": usual, "right": f"{usual[:2]}R", "any": free[0] if free else ""}[turn]
            if name not in chosen and column in free:
                chosen[name] = column
                free.remove(column)
    return chosen


def movements(ring: RingProgram) -> dict[str, Movement]:
    """
    List the phases of each group that drives.

    Parameters
    ----------
    ring : RingProgram
        The program.

    Returns
    -------
    dict
        By group.
    """
    found = {
        name: Movement((phase.number,), (phase.number,) if name in phase.permissive else ())
        for phase in ring.phases
        for name in phase.groups
    }
    found.update({o.group: Movement(o.parents, o.permissive) for o in ring.overlaps})
    return found


def read_movements(tables: Tables, node: str, name: str) -> dict[str, Movement]:
    """
    Read the phases of each movement of an intersection.

    Parameters
    ----------
    tables : dict
        Sections of the file.
    node : str
        Number of the intersection.
    name : str
        Of the file, for messages.

    Returns
    -------
    dict
        By column; movements without a phase are left out.

    Raises
    ------
    InputError
        If a phase is no number, or a movement is green in a phase twice.
    """
    found: dict[str, Movement] = {}
    rows = {
        kind: [tables["Lanes"].get((node, f"{kind}{k}"), {}) for k in range(1, 5)]
        for kind in ("Phase", "PermPhase")
    }
    for column in dict.fromkeys(column for row in [*rows["Phase"], *rows["PermPhase"]] for column in row):
        if not re.fullmatch(MOVEMENT, column):
            continue
        parts = {
            kind: [
                _phase(row[column], f"{name}: intersection {node}, {column}")
                for row in rows[kind]
                if row.get(column)
            ]
            for kind in rows
        }
        # 0 and -1 stand for no phase and for a movement without a signal.
        full, perm = ([number for number in parts[kind] if number > 0] for kind in rows)
        both = (*full, *perm)
        if len(set(both)) != len(both):
            msg = f"{name}: intersection {node}: movement {column} names a phase twice"
            raise InputError(msg)
        if both:
            found[column] = Movement(tuple(both), tuple(perm))
    return found


def _phase(cell: str, what: str) -> int:
    if cell.lstrip("-").isdecimal() and len(cell) <= 3:
        return int(cell)
    msg = f"{what}: '{cell[:40]}' is no phase number"
    raise InputError(msg)


def read_ring(
    tables: Tables, node: str, groups: dict[str, Movement], place: tuple[str, str, int], name: str
) -> RingProgram:
    """
    Read the timings of an intersection.

    Parameters
    ----------
    tables : dict
        Sections of the file.
    node : str
        Number of the intersection.
    groups : dict
        What its phases serve, by group.
    place : tuple
        Signal, program and number of the program.
    name : str
        Of the file, for messages.

    Returns
    -------
    RingProgram
        Without pedestrian groups; second 0 of the program is the begin of the first coordinated green.

    Raises
    ------
    InputError
        If times are missing, not in whole seconds, or contradict each other.
    """
    where = f"{name}: intersection {node}"
    cycle = whole(
        tables["Timeplans"].get((node, "Cycle Length"), {}).get("DATA", ""), f"{where}: Cycle Length"
    )
    if not 1 <= cycle <= 3600:
        msg = f"{where}: Cycle Length is {cycle} s; 1 to 3600 s"
        raise InputError(msg)
    phases, begins = [], {}
    for column, place_cell in tables["Phases"].get((node, "BRP"), {}).items():
        if not (column.startswith("D") and column[1:].isdecimal() and place_cell):
            continue
        number = int(column[1:])
        if not _given(tables, node, "Start", column) and not any(
            number in m.parents for m in groups.values()
        ):
            continue
        own = {g: m for g, m in groups.items() if m.parents == (number,)}
        begins[number] = whole(_given(tables, node, "Start", column), f"{where}: Start of {column}") % cycle
        phases.append(_read_phase(tables, (node, column), cycle, own, where))
    known = {phase.number for phase in phases}
    unknown = [(g, n) for g, m in groups.items() for n in m.parents if n not in known]
    if unknown:
        msg = f"{where}: '{unknown[0][0]}' is served by phase {unknown[0][1]}, which has no timings"
        raise InputError(msg)
    coordinated = _coordinated(tables, node, phases, where)
    offset = min(
        (begins[number] for number in coordinated),
        key=lambda at: sum((begins[number] - at) % cycle for number in coordinated),
    )
    ring = RingProgram(
        signal=place[0],
        program=place[1],
        number=place[2],
        cycle=cycle,
        offset=offset,
        phases=tuple(sorted(phases, key=lambda phase: phase.number)),
        overlaps=tuple(
            Overlap(k, g, m.parents, m.permissive)
            for k, (g, m) in enumerate(((g, m) for g, m in groups.items() if len(m.parents) > 1), start=1)
        ),
        coordinated=coordinated,
        start=0,
    )
    _agree(ring, begins, tables, node, where)
    return ring


def _given(tables: Tables, node: str, record: str, column: str) -> str:
    return tables["Phases"].get((node, record), {}).get(column, "")


def _read_phase(
    tables: Tables, at: tuple[str, str], cycle: int, groups: dict[str, Movement], where: str
) -> RingPhase:
    node, column = at
    place = _given(tables, node, "BRP", column)
    if not (len(place) == 3 and place.isdecimal()):
        msg = f"{where}: BRP of {column} is '{place[:40]}', not barrier, ring and position"
        raise InputError(msg)

    def seconds(record: str, default: str = "") -> int:
        return whole(_given(tables, node, record, column) or default, f"{where}: {record} of {column}")

    split = (seconds("End") - seconds("Start") - 1) % cycle + 1
    yellow, red = seconds("Yellow"), seconds("AllRed")
    green = split - yellow - red
    if green < 1:
        msg = f"{where}: {column} lasts {split} s, which yellow and all-red of {yellow + red} s leave no green of"
        raise InputError(msg)
    return RingPhase(
        number=int(column[1:]),
        ring=int(place[1]),
        barrier=int(place[0]),
        position=int(place[2]),
        green=green,
        yellow=yellow,
        red_clear=red,
        minimum_green=seconds("MinGreen"),
        groups=tuple(groups),
        walk=seconds("Walk", "0"),
        pedestrian_clear=seconds("DontWalk", "0"),
        permissive=tuple(name for name, movement in groups.items() if movement.permissive),
    )


def _coordinated(tables: Tables, node: str, phases: list[RingPhase], where: str) -> tuple[int, ...]:
    """Read the reference phases, that of the first ring times 100."""
    cell = tables["Timeplans"].get((node, "Reference Phase"), {}).get("DATA", "")
    value = _phase(cell, f"{where}: Reference Phase")
    known = {phase.number for phase in phases}
    found = tuple(number for number in divmod(value, 100) if number in known)
    if not found:
        msg = f"{where}: Reference Phase is '{cell}', which names no phase with timings"
        raise InputError(msg)
    return found


def _agree(ring: RingProgram, begins: dict[int, int], tables: Tables, node: str, where: str) -> None:
    """Refuse a file whose starts contradict its rings or its offset: readers differ in which they believe."""
    for number, at in phase_begins(ring).items():
        if at != (begins[number] - ring.offset) % ring.cycle:
            msg = (
                f"{where}: Start of D{number} is {begins[number]} s, but by the phases before it in its ring it begins at "
                f"{(at + ring.offset) % ring.cycle} s"
            )
            raise InputError(msg)
    plans = tables["Timeplans"]
    cell = plans.get((node, "Referenced To"), {}).get("DATA", "")
    if cell not in {str(k) for k in range(len(REFERENCES))}:
        msg = f"{where}: Referenced To is '{cell[:40]}'; 0 to {len(REFERENCES) - 1}"
        raise InputError(msg)
    offset = whole(plans.get((node, "Offset"), {}).get("DATA", ""), f"{where}: Offset")
    shifts = []
    for phase in ring.phases:
        if phase.number in ring.coordinated:
            later = (0, phase.green, phase.green + phase.yellow, 0, phase.walk)[int(cell)]
            shifts.append((begins[phase.number] - ring.offset) % ring.cycle + later)
    at = (ring.offset + (max if cell == "0" else min)(shifts)) % ring.cycle
    if offset % ring.cycle != at:
        msg = (
            f"{where}: Offset is {offset} s, but by the starts of the reference phases the "
            f"{REFERENCES[int(cell)]} begins at {at} s"
        )
        raise InputError(msg)
