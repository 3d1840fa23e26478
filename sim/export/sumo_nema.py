"""SUMO's NEMA programs: two rings with two barriers, for simulations that then let the greens vary."""

from __future__ import annotations

from typing import TYPE_CHECKING
from xml.etree.ElementTree import Element, SubElement, indent, tostring

from sim.errors import InputError
from sim.export.format import Format
from sim.export.ring_file import base_plan, plan_rings, restore
from sim.scenario.xmlfile import parse_tree
from sim.signals.ring_mapping import map_rings
from sim.signals.rings import RingPhase, RingProgram, ring_orders

if TYPE_CHECKING:
    from sim.export.format import Files
    from sim.signals.plan import Plan, Program, SignalPlan

SCHEMA = "http://sumo.dlr.de/xsd/additional_file.xsd"
# SUMO: characters that an id of a traffic light must not have.
FORBIDDEN = frozenset(" \t\n\r|\\'\";,<>&")
# SUMO 1.28 forces off phases of other orders, or rings of other lengths, seconds away from their splits.
EIGHT = [[1, 2, 3, 4], [5, 6, 7, 8]]
# The duration of a phase is not used by this kind of program, but must be there [s].
UNUSED = 99


def write_nema(plan: Plan) -> dict[str, bytes]:
    """
    Write a plan as an additional file.

    Parameters
    ----------
    plan : Plan
        The plan.

    Returns
    -------
    dict
        The content by file name.

    Raises
    ------
    InputError
        If a program does not have two rings and two sides of a barrier, or shows what such phases cannot.
    """
    root = Element(
        "additional",
        {
            "xmlns:xsi": "http://www.w3.org/2001/XMLSchema-instance",
            "xsi:noNamespaceSchemaLocation": SCHEMA,
        },
    )
    for _, signal, program, ring in plan_rings(plan):
        try:
            _check(signal, program, ring)
        except InputError as error:
            msg = f"signal '{signal.id}': program '{program.id}' cannot be a NEMA program of SUMO: {error}"
            raise InputError(msg) from error
        _logic(root, signal, program, ring)
    indent(root, "    ")
    return {"plan.add.xml": b'<?xml version="1.0" encoding="UTF-8"?>\n' + tostring(root) + b"\n"}


def _check(signal: SignalPlan, program: Program, ring: RingProgram) -> None:
    for name in (signal.id, program.id):
        if FORBIDDEN & set(name):
            msg = f"'{name}' is no id of SUMO's; leave out blanks and the characters | \\ ' \" ; , < > &"
            raise InputError(msg)
    if [[phase.number for phase in order] for order in ring_orders(ring)] != EIGHT:
        msg = (
            f"it is not the signal of eight phases in two rings, 1 2 | 3 4 and 5 6 | 7 8, with the longer phase of each pair "
            f"last, but {_order_told(ring)}; SUMO runs others at other seconds"
        )
        raise InputError(msg)
    for overlap in ring.overlaps:
        msg = f"group '{overlap.group}' is green through several phases, between which SUMO shows yellow"
        raise InputError(msg)
    for group in signal.groups:
        if group.kind == "pedestrian":
            msg = f"pedestrian group '{group.name}': SUMO shows pedestrians the green and the yellow of the vehicles"
            raise InputError(msg)
        if not group.links:
            msg = f"group '{group.name}' has no links, which SUMO's states are made of"
            raise InputError(msg)


def _order_told(ring: RingProgram) -> str:
    """Say the phases of each ring with their groups."""
    over = {number: [o.group for o in ring.overlaps if number in o.parents] for number in range(1, 17)}
    told = []
    for phases in ring_orders(ring):
        sides = [
            ", ".join(
                f"{p.number} ({' '.join([*p.groups, *over.get(p.number, ())]) or 'no group'})"
                for p in phases
                if p.barrier == side
            )
            for side in sorted({p.barrier for p in phases})
        ]
        told.append(" | ".join(sides))
    return " and ".join(told)


def _logic(root: Element, signal: SignalPlan, program: Program, ring: RingProgram) -> None:
    logic = SubElement(
        root, "tlLogic", id=signal.id, type="NEMA", programID=program.id, offset=str(ring.offset)
    )
    orders = ring_orders(ring)
    ends = [[[p.number for p in order if p.barrier == side][-1] for order in orders] for side in (1, 2)]
    numbers = [phase.number for phase in ring.phases]
    for key, value in (
        ("total-cycle-length", [ring.cycle]),
        ("ring1", [p.number for p in orders[0]]),
        ("ring2", [p.number for p in orders[1]]),
        ("barrierPhases", ends[1]),
        ("barrier2Phases", ends[0]),
        ("coordinate-mode", ["true"]),
        ("coordinatePhases", list(ring.coordinated)),
        ("maxRecall", numbers),
        ("fixForceOff", ["true"]),
        ("controllerType", ["TS2"]),
    ):
        SubElement(logic, "param", key=key, value=",".join(map(str, value)))
    count = max(link.index for group in signal.groups for link in group.links) + 1
    groups = {group.name: group for group in signal.groups}
    for phase in ring.phases:
        state = ["r"] * count
        for name in phase.groups:
            for link in groups[name].links:
                state[link.index] = "g" if name in phase.permissive else "G"
        SubElement(
            logic,
            "phase",
            duration=str(UNUSED),
            minDur=str(phase.minimum_green),
            maxDur=str(phase.green),
            vehext="1",
            yellow=str(phase.yellow),
            red=str(phase.red_clear),
            name=str(phase.number),
            state="".join(state),
        )


def read_nema(files: Files, plan: Plan | None) -> Plan:
    """
    Read such a file.

    Parameters
    ----------
    files : mapping
        The content by file name.
    plan : Plan or None
        The plan it was made from, which knows the groups of the links.

    Returns
    -------
    Plan
        The plan as the file has it.

    Raises
    ------
    InputError
        If it is not such a file, or does not belong to the plan.
    """
    base = base_plan(plan, "sumo-nema")
    name, root = _parse(files)
    signals = []
    for signal in base.signals:
        rings = []
        for program in signal.programs:
            found = [
                logic
                for logic in root.iter("tlLogic")
                if (logic.get("id"), logic.get("programID")) == (signal.id, program.id)
            ]
            where = f"{name}: tlLogic '{signal.id}', program '{program.id}'"
            if len(found) != 1 or found[0].get("type") != "NEMA":
                msg = f"{where} stands there {len(found)} times; exactly one of type NEMA is expected"
                raise InputError(msg)
            rings.append(_ring(found[0], signal, program, where))
        signals.append(restore(signal, rings))
    return base.model_copy(update={"signals": tuple(signals)})


def _parse(files: Files) -> tuple[str, Element]:
    if len(files) != 1:
        msg = f"{len(files)} files are given; a sumo-nema export is one"
        raise InputError(msg)
    name, content = next(iter(files.items()))
    return name, parse_tree(content, name)


def _ring(logic: Element, signal: SignalPlan, program: Program, where: str) -> RingProgram:
    params = {param.get("key", ""): param.get("value", "") for param in logic.iter("param")}
    for key, expected in (("coordinate-mode", "true"), ("controllerType", "TS2"), ("fixForceOff", "true")):
        if params.get(key) != expected:
            msg = f"{where}: {key} is '{params.get(key, '')[:40]}', not '{expected}'"
            raise InputError(msg)
    phases = {
        _whole(phase.get("name", ""), f"{where}: name of a phase"): phase for phase in logic.iter("phase")
    }
    if len(phases) != sum(1 for _ in logic.iter("phase")):
        msg = f"{where}: a phase stands there twice"
        raise InputError(msg)
    barrier = _numbers(params, "barrier2Phases", where)
    if set(_numbers(params, "maxRecall", where)) != set(phases):
        msg = f"{where}: maxRecall does not name all phases, so the greens are not fixed"
        raise InputError(msg)
    found = []
    for n in (1, 2):
        side, position = 1, 0
        for number in _numbers(params, f"ring{n}", where):
            if number not in phases:
                msg = f"{where}: ring {n} names phase {number}, which is not there"
                raise InputError(msg)
            position += 1
            found.append(_phase(phases[number], (number, n, side, position), signal, where))
            if number in barrier:
                side, position = side + 1, 0
    coordinated = _numbers(params, "coordinatePhases", where)
    if not set(coordinated) <= {phase.number for phase in found} or len(found) != len(phases):
        msg = f"{where}: the rings and the coordinated phases do not name each phase once"
        raise InputError(msg)
    cycle = _whole(params.get("total-cycle-length", ""), f"{where}: total-cycle-length")
    if not 1 <= cycle <= 3600:
        msg = f"{where}: total-cycle-length is {cycle} s; 1 to 3600 s"
        raise InputError(msg)
    return RingProgram(
        signal=signal.id,
        program=program.id,
        number=program.number,
        cycle=cycle,
        offset=_whole(logic.get("offset", ""), f"{where}: offset"),
        phases=tuple(sorted(found, key=lambda phase: phase.number)),
        overlaps=(),
        coordinated=tuple(coordinated),
        start=map_rings(signal, program).start,
    )


def _phase(phase: Element, place: tuple[int, int, int, int], signal: SignalPlan, where: str) -> RingPhase:
    number, ring, side, position = place
    state = phase.get("state", "")
    groups, permissive = [], []
    for group in signal.groups:
        letters = {state[link.index] if link.index < len(state) else "" for link in group.links}
        if len(letters) > 1 or not letters <= {"r", "g", "G"}:
            msg = f"{where}: phase {number} shows the links of group '{group.name}' not one of r, g and G"
            raise InputError(msg)
        if letters & {"g", "G"}:
            groups.append(group.name)
        if "g" in letters:
            permissive.append(group.name)
    times = {
        key: _whole(phase.get(key, ""), f"{where}: {key} of phase {number}")
        for key in ("minDur", "maxDur", "yellow", "red")
    }
    return RingPhase(
        number=number,
        ring=ring,
        barrier=side,
        position=position,
        green=times["maxDur"],
        yellow=times["yellow"],
        red_clear=times["red"],
        minimum_green=times["minDur"],
        groups=tuple(groups),
        permissive=tuple(permissive),
    )


def _numbers(params: dict[str, str], key: str, where: str) -> list[int]:
    return [_whole(part, f"{where}: {key}") for part in params.get(key, "").split(",")]


def _whole(text: str, what: str) -> int:
    if not (text.isascii() and text.isdecimal() and len(text) <= 5):
        msg = f"{what} is '{text[:40]}', not a whole number of at most 5 digits [whole-seconds]"
        raise InputError(msg)
    return int(text)


FORMAT = Format(
    name="sumo-nema",
    title="SUMO's NEMA programs with rings and barriers",
    suffix=".add.xml",
    carries=frozenset({"greens", "permissive", "yellow", "offset", "programs"}),
    write=write_nema,
    read=read_nema,
)
