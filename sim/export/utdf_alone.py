"""Makes a plan of UTDF files that no plan of ours stands behind: movements become groups."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

from sim.errors import InputError
from sim.export.ring_file import restore
from sim.export.utdf_phases import Movement, read_movements, read_ring
from sim.signals.plan import Group, Intergreen, Plan, SignalPlan
from sim.signals.rings import followers

if TYPE_CHECKING:
    from sim.export.utdf_table import Tables
    from sim.signals.rings import RingProgram

KM_H = 3.6
MPH = 2.2369362920544


def read_alone(tables: dict[str, Tables]) -> Plan:
    """
    Make a plan of files.

    A movement with phases becomes a group of its name, a phase with a walk the pedestrian group ``PED2`` and so on.
    Two groups conflict if none of their phases may run together; the intergreen is yellow and all-red of the clearing
    phase, and after a walk also its flashing don't walk. Second 0 of a program is the begin of the first coordinated
    green.

    Parameters
    ----------
    tables : dict
        Sections by file name; each file is a program, numbered by the last number in its name or else by its place.

    Returns
    -------
    Plan
        The plan.

    Raises
    ------
    InputError
        If there is no signal, times are not in whole seconds, or the files do not have the same groups.
    """
    programs: dict[str, list[tuple[SignalPlan, RingProgram]]] = {}
    for k, (name, sections) in enumerate(sorted(tables.items()), start=1):
        digits = re.findall(r"\d+", name)
        number = int(digits[-1]) if len(tables) > 1 and digits and 1 <= int(digits[-1][:4]) <= 253 else k
        nodes = dict.fromkeys(node for node, record in sections["Timeplans"] if record == "Cycle Length")
        for node in nodes:
            title = _title(sections, node)
            programs.setdefault(title, []).append(_signal(sections, node, (title, str(number), number), name))
    if not programs:
        msg = f"{', '.join(tables) or 'the folder'} has no signal with a timing plan"
        raise InputError(msg)
    signals = []
    for title, found in programs.items():
        first = found[0][0]
        for signal, ring in found:
            if (signal.groups, signal.intergreens) != (first.groups, first.intergreens):
                msg = (
                    f"signal '{title}': program {ring.number} has other groups or clearances than "
                    f"program {found[0][1].number}"
                )
                raise InputError(msg)
        signals.append(restore(first, [ring for _, ring in found]))
    return Plan(name="UTDF", signals=tuple(signals))


def _title(tables: Tables, node: str) -> str:
    """Call a signal as its description does, if that is a name of its own."""
    names = [cells.get("DESCRIPTION", "") for cells in tables["Nodes"].values() if cells.get("TYPE") == "0"]
    name = tables["Nodes"].get((node, ""), {}).get("DESCRIPTION", "")
    fit = name.strip() and name.isprintable() and len(name) <= 200 and names.count(name) == 1
    return name if fit else node


def _signal(
    tables: Tables, node: str, place: tuple[str, str, int], name: str
) -> tuple[SignalPlan, RingProgram]:
    served = read_movements(tables, node, name)
    ring = read_ring(tables, node, served, place, name)
    if not served:
        msg = f"{name}: intersection {node} has no movement with a phase"
        raise InputError(msg)
    phases = {phase.number: phase for phase in ring.phases}
    walks = {f"PED{phase.number}": phase for phase in ring.phases if phase.walk}
    ring = replace(
        ring,
        phases=tuple(replace(p, pedestrians=(f"PED{p.number}",) if p.walk else ()) for p in ring.phases),
    )
    right_on_red = tables["Lanes"].get((node, "Allow RTOR"), {})
    groups = [
        Group(
            name=column,
            minimum_green=min(phases[number].minimum_green for number in movement.parents),
            yellow=phases[movement.parents[-1]].yellow,
            rest="arrow" if column.endswith("R") and right_on_red.get(column) == "1" else "red",
            speed=_speed(tables, node, column),
        )
        for column, movement in served.items()
    ]
    groups += [Group(name=ped, kind="pedestrian", minimum_green=phase.walk) for ped, phase in walks.items()]
    everyone = served | {ped: Movement((phase.number,)) for ped, phase in walks.items()}
    signal = SignalPlan.model_construct(
        id=place[0], groups=tuple(groups), intergreens=_matrix(ring, everyone), programs=()
    )
    return signal, ring


def _speed(tables: Tables, node: str, column: str) -> float | None:
    cell = tables["Links"].get((node, "Speed"), {}).get(column[:2], "")
    metric = tables["Network"].get(("", "Metric"), {}).get("DATA", "0") == "1"
    if not re.fullmatch(r"\d{1,3}(\.\d{1,3})?", cell) or not 0 < float(cell) <= 200:
        return None
    return round(float(cell) / (KM_H if metric else MPH), 2)


def _matrix(ring: RingProgram, served: dict[str, Movement]) -> tuple[Intergreen, ...]:
    phases = {phase.number: phase for phase in ring.phases}
    follows = followers(ring)

    def together(a: int, b: int) -> bool:
        one, other = phases[a], phases[b]
        return a == b or (one.ring != other.ring and one.barrier == other.barrier)

    def clearance(name: str, movement: Movement) -> int:
        last = [phases[n] for n in movement.parents if follows[n] not in movement.parents]
        walk = name.startswith("PED")
        return max((p.yellow + p.red_clear + walk * p.pedestrian_clear for p in last), default=0)

    return tuple(
        Intergreen(clearing=a, entering=b, seconds=clearance(a, one))
        for a, one in served.items()
        for b, other in served.items()
        if a != b and not any(together(m, n) for m in one.parents for n in other.parents)
    )
