"""NTCIP 1202 v03 and 1201 v03: one database list a signal, ready for a controller's transaction."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from sim.errors import InputError
from sim.export.format import Format
from sim.export.names import file_names
from sim.export.ntcip_objects import read_list, write_list
from sim.export.ntcip_reader import Database, read_rings
from sim.export.ntcip_schedule import read_schedule
from sim.export.ntcip_settings import signal_settings, transaction
from sim.export.ring_file import ending_yellows, refuse_faulty
from sim.signals.lamps import GREEN, PERMISSIVE, greens_of, lamps
from sim.signals.plan import Green
from sim.signals.ring_mapping import map_rings, ring_program

if TYPE_CHECKING:
    from sim.export.format import Files
    from sim.export.ntcip_objects import Setting
    from sim.signals.plan import Group, Plan, Program, SignalPlan
    from sim.signals.rings import RingProgram


def list_names(plan: Plan) -> list[str]:
    """
    Name the list of each signal.

    Parameters
    ----------
    plan : Plan
        The plan.

    Returns
    -------
    list of str
        In the order of its signals.
    """
    return file_names([(signal.id,) for signal in plan.signals], ".csv")


def settings_of(plan: Plan, signal: SignalPlan) -> list[Setting]:
    """
    Write a signal of a plan as settings of NTCIP objects.

    Parameters
    ----------
    plan : Plan
        The plan, for its schedule.
    signal : SignalPlan
        One of its signals.

    Returns
    -------
    list of Setting
        In the order they are to be set, with the commands of the database transaction.

    Raises
    ------
    InputError
        If a program has no rings and barriers, or a value has no place in the objects.
    """
    rings = [map_rings(signal, program) for program in signal.programs]
    refuse_faulty(rings, signal, "the plan does not go into NTCIP objects")
    return transaction(signal_settings(signal, rings, plan.schedule))


def write(plan: Plan) -> dict[str, bytes]:
    """
    Write a plan.

    Parameters
    ----------
    plan : Plan
        The plan.

    Returns
    -------
    dict
        One list for each signal.

    Raises
    ------
    InputError
        If the objects cannot express it.
    """
    lists = (write_list(settings_of(plan, signal)) for signal in plan.signals)
    return dict(zip(list_names(plan), lists, strict=True))


def read(files: Files, base: Plan | None) -> Plan:
    """
    Read the lists of a plan's signals.

    Parameters
    ----------
    files : mapping
        File names and contents.
    base : Plan or None
        The plan that gives names and what the objects have no place for.

    Returns
    -------
    Plan
        Times of the lists, the rest of the plan.

    Raises
    ------
    InputError
        If there is no plan, a signal has no list, or a list is faulty.
    """
    if base is None:
        msg = "NTCIP objects have numbers only; give the plan that names the groups and programs (--plan)"
        raise InputError(msg)
    names = dict(zip(list_names(base), base.signals, strict=True))
    strange = [name for name in files if name not in names]
    if strange:
        msg = f"{strange[0]} is the list of no signal of plan '{base.name}'; expected {next(iter(names))} and the like"
        raise InputError(msg)
    signals, schedules = [], []
    for name, signal in names.items():
        if name not in files:
            msg = f"the list {name} of signal '{signal.id}' is missing"
            raise InputError(msg)
        data = Database(read_list(files[name], name), name)
        rings = read_rings(data, signal)
        refuse_faulty(rings, signal, name)
        signals.append(_signal(rings, signal))
        schedules.append(read_schedule(data, signal, base))
        if schedules[-1] != schedules[0]:
            msg = f"{name} has another schedule than {next(iter(names))}; a plan has one for all signals"
            raise InputError(msg)
    return base.model_copy(update={"signals": tuple(signals), "schedule": schedules[0]})


def _signal(rings: list[RingProgram], base: SignalPlan) -> SignalPlan:
    groups = tuple(_timed(group, rings[0], base) for group in base.groups)
    signal = base.model_copy(update={"groups": groups})
    programs = tuple(
        _program(signal, base, program, ring) for program, ring in zip(base.programs, rings, strict=True)
    )
    return signal.model_copy(update={"programs": programs})


def _timed(group: Group, ring: RingProgram, base: SignalPlan) -> Group:
    """Give a group the yellow of its phases; walks end without one."""
    yellows = {seconds for name, seconds in ending_yellows(ring) if name == group.name}
    if len(yellows) > 1:
        msg = f"signal '{base.id}': group '{group.name}' ends with yellows of {sorted(yellows)} s"
        raise InputError(msg)
    return group.model_copy(update={"yellow": yellows.pop() if yellows else 0})


def _program(signal: SignalPlan, base: SignalPlan, program: Program, ring: RingProgram) -> Program:
    """Give a program the greens of the list; which of them give way stays as it was."""
    found = ring_program(ring, signal)
    shown = lamps(signal, found)
    if found.cycle == program.cycle:
        shown[(shown == GREEN) & (lamps(base, program) == PERMISSIVE)] = PERMISSIVE
    greens = tuple(
        Green(group=group.name, begin=begin, end=end, permissive=permissive)
        for group, row in zip(signal.groups, shown, strict=True)
        for begin, end, permissive in greens_of(np.ascontiguousarray(row))
    )
    return program.model_copy(update={"cycle": found.cycle, "offset": found.offset, "greens": greens})


FORMAT = Format(
    name="ntcip",
    title="NTCIP 1202 v03 and 1201 v03: a database list for each signal, to be set over SNMP",
    suffix="",
    carries=frozenset({"greens", "yellow", "offset", "programs", "schedule"}),
    write=write,
    read=read,
)
