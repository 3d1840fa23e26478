"""The safety check of a timing plan: every program, every change between programs, every rule."""

from __future__ import annotations

import math
from collections import Counter
from typing import TYPE_CHECKING

import numpy as np

from sim.errors import GruenbandError
from sim.signals.lamps import is_green, is_moving, lamps, seconds_of, stage_order
from sim.signals.rules import Finding
from sim.signals.schedule import changes, schedule_faults
from sim.signals.sequence import sequence_findings

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from sim.signals.plan import Group, Plan, Program, SignalPlan
    from sim.signals.profile import Profile

# Faults of form: with one of them seconds cannot be laid out, and what shows there would mislead.
FORM = frozenset({"ids", "greens", "matrix"})
# RiLSA 2015, 2.7: speed of entering vehicles, 40 km/h [m/s].
ENTERING_SPEED = 40.0 / 3.6


class UnsafePlanError(GruenbandError):
    """
    A plan breaks a safety rule (exit code 1).

    Parameters
    ----------
    what : str
        What is refused.
    findings : list of Finding
        Why, at least one.
    """

    exit_code = 1

    def __init__(self, what: str, findings: list[Finding]) -> None:
        super().__init__(f"{what}: {describe_findings(findings)}")
        self.findings = findings


def check_plan(plan: Plan, profile: Profile) -> list[Finding]:
    """
    Check a plan against all rules.

    Parameters
    ----------
    plan : Plan
        The plan.
    profile : Profile
        The limits.

    Returns
    -------
    list of Finding
        Empty if the plan is safe.
    """
    found = [
        Finding("ids", f"two signals are called '{name}'", name)
        for name in _twice(signal.id for signal in plan.signals)
    ]
    for signal in plan.signals:
        found += check_signal(signal, profile)
    found += schedule_faults(plan)
    if any(finding.rule in FORM or finding.rule == "schedule" for finding in found):
        return found
    # What is wrong within a program would be told again at each change to it and from it.
    faulty = {(finding.signal, finding.program) for finding in found}
    for signal in plan.signals:
        for before, after in changes(plan, signal):
            if not {(signal.id, before.id), (signal.id, after.id)} & faulty:
                found += check_change(signal, before, after, profile)
    # A switch second in transition shows at every change to its program.
    return list(dict.fromkeys(found))


def check_signal(signal: SignalPlan, profile: Profile) -> list[Finding]:
    """
    Check one signal with all its programs.

    Parameters
    ----------
    signal : SignalPlan
        The signal.
    profile : Profile
        The limits.

    Returns
    -------
    list of Finding
        Empty if it is safe.
    """
    found = [*_names(signal), *_links(signal), *_matrix(signal), *_group_times(signal, profile)]
    laid_out = not any(finding.rule in FORM for finding in found)
    for program in signal.programs:
        form = list(_form(signal, program, profile))
        found += form
        if laid_out and not any(finding.rule in FORM for finding in form):
            found += check_program(signal, program, lamps(signal, program), profile)
    return found


def check_program(
    signal: SignalPlan, program: Program, shown: NDArray[np.uint8], profile: Profile
) -> list[Finding]:
    """
    Check what a signal shows over a cycle.

    Parameters
    ----------
    signal : SignalPlan
        The signal with its safety data.
    program : Program
        The program; its stages are compared if it names any.
    shown : ndarray
        Shape (groups, cycle), what a file or the plan shows.
    profile : Profile
        The limits.

    Returns
    -------
    list of Finding
        Empty if it is safe.
    """
    cycle = shown.shape[1]
    # Three cycles, of which the middle one is judged: nothing begins or ends at the edge of what is known.
    found = [
        Finding(
            f.rule, f.text, signal.id, program.id, f.groups, None if f.second is None else f.second % cycle
        )
        for f in sequence_findings(signal, np.tile(shown, 3), cycle, 2 * cycle, profile.minimum_red)
    ]
    green = is_green(shown)
    found += [
        Finding("served", f"group '{group.name}' has no green", signal.id, program.id, (group.name,))
        for k, group in enumerate(signal.groups)
        if group.rest in {"red", "arrow"} and not green[k].any()
    ]
    if program.stages:
        found += _stages(signal, program, shown)
    return found


def check_change(signal: SignalPlan, before: Program, after: Program, profile: Profile) -> list[Finding]:
    """
    Check the change from one program to another at their switch seconds.

    Parameters
    ----------
    signal : SignalPlan
        The signal.
    before, after : Program
        What runs until the switch second of the first, and what from the switch second of the second on; its first
        second may be held until its offset fits.
    profile : Profile
        The limits.

    Returns
    -------
    list of Finding
        Empty if it is safe.
    """
    old, new = lamps(signal, before), lamps(signal, after)
    place = f"{before.id} -> {after.id}"
    moving = [group.name for k, group in enumerate(signal.groups) if is_moving(new[k, after.switch])]
    found = [
        Finding(
            "switch",
            f"group '{name}' is in transition at the switch second",
            signal.id,
            after.id,
            (name,),
            after.switch,
        )
        for name in moving
    ]
    # The cycle before the change is judged, as a yellow in it may be cut; what it began with stands before it.
    at = 2 * old.shape[1] + before.switch
    shown = np.hstack([old, old, old[:, : before.switch], new[:, after.switch :], new, new])
    last = at + new.shape[1]
    for fault in sequence_findings(signal, shown, at - old.shape[1], last, profile.minimum_red):
        text = f"{fault.text} ({fault.rule})"
        found.append(Finding("change", text, signal.id, place, fault.groups, (fault.second or 0) - at))
    return found


def unknown_speeds(plan: Plan, profile: Profile) -> list[tuple[str, str]]:
    """
    List the groups whose yellow could only be held against the profile's least, as no permitted speed is given.

    Parameters
    ----------
    plan : Plan
        The plan.
    profile : Profile
        The limits.

    Returns
    -------
    list of tuple
        Signal and group; empty if the profile asks for no yellow by speed.
    """
    if not profile.yellow_at_speed:
        return []
    return [
        (signal.id, group.name)
        for signal in plan.signals
        for group in signal.groups
        if group.kind == "vehicle" and group.speed is None and group.rest in {"red", "arrow"}
    ]


def _twice(names: Iterator[str]) -> list[str]:
    return [name for name, count in Counter(names).items() if count > 1]


def _names(signal: SignalPlan) -> Iterator[Finding]:
    for name in _twice(group.name for group in signal.groups):
        yield Finding("ids", f"two groups are called '{name}'", signal.id, groups=(name,))
    for name in _twice(program.id for program in signal.programs):
        yield Finding("ids", f"two programs are called '{name}'", signal.id, name)
    for number in _twice(str(program.number) for program in signal.programs):
        yield Finding("ids", f"two programs have the number {number}", signal.id)


def _links(signal: SignalPlan) -> Iterator[Finding]:
    owners: dict[int, list[str]] = {}
    for group in signal.groups:
        for link in group.links:
            owners.setdefault(link.index, []).append(group.name)
    for index, names in sorted(owners.items()):
        if len(names) > 1:
            both = "', '".join(names)
            yield Finding(
                "links", f"link {index} belongs to the groups '{both}'", signal.id, groups=tuple(names)
            )
    # Formats without links carry none at all.
    for index in range(max(owners, default=-1)):
        if index not in owners:
            yield Finding("links", f"link {index} belongs to no group", signal.id)


def _matrix(signal: SignalPlan) -> Iterator[Finding]:
    number = signal.number()
    if len(number) > 1 and not signal.intergreens and not signal.compatible:
        text = 'no pair of its groups has an intergreen; if none conflicts, say so with "compatible": true'
        yield Finding("matrix", text, signal.id)
    if signal.compatible and signal.intergreens:
        yield Finding("matrix", "its groups are said to be compatible, and there are intergreens", signal.id)
    pairs = Counter((cell.clearing, cell.entering) for cell in signal.intergreens)
    for (one, other), count in pairs.items():
        names = (one, other)
        unknown = [name for name in names if name not in number]
        if unknown:
            yield Finding(
                "matrix",
                f"the matrix names group '{unknown[0]}', which does not exist",
                signal.id,
                groups=names,
            )
        elif one == other:
            yield Finding("matrix", f"group '{one}' conflicts with itself", signal.id, groups=names)
        elif count > 1:
            yield Finding(
                "matrix", f"the intergreen '{one}' to '{other}' is given twice", signal.id, groups=names
            )
        elif (other, one) not in pairs:
            text = f"there is an intergreen '{one}' to '{other}' but none '{other}' to '{one}'"
            yield Finding("matrix", text, signal.id, groups=names)


def _group_times(signal: SignalPlan, profile: Profile) -> Iterator[Finding]:
    with_green = {green.group for program in signal.programs for green in program.greens}
    conflicts = {cell.clearing: cell.entering for cell in reversed(signal.intergreens)}
    for group in signal.groups:
        name = (group.name,)
        stops = group.rest in {"red", "arrow"} or (group.rest == "blinking" and profile.blinking_gives_way)
        if not stops and group.name in conflicts:
            foe = conflicts[group.name]
            how = "dark" if group.rest == "off" else "blinking"
            text = f"group '{group.name}' rests {how}, which stops nobody, and conflicts with '{foe}'"
            yield Finding("conflict", text, signal.id, groups=(group.name, foe))
        if group.rest in {"off", "blinking"} and group.name not in with_green:
            continue
        on_foot = group.kind == "pedestrian"
        least = profile.pedestrian_green if on_foot else profile.minimum_green
        if group.minimum_green < least:
            text = f"group '{group.name}' has a minimum green of {group.minimum_green} s; at least {least} s"
            yield Finding("minimum-green", text, signal.id, groups=name)
        if on_foot:
            yield from _walkers(signal, group, profile)
        elif group.rest not in {"off", "blinking"}:
            yield from _vehicles(signal, group, profile)


def _walkers(signal: SignalPlan, group: Group, profile: Profile) -> Iterator[Finding]:
    name = group.name
    cells = [cell for cell in signal.intergreens if cell.clearing == name]
    if group.crossing is None:
        if cells:
            text = f"the walk of group '{name}' from kerb to kerb is not given, and it conflicts with '{cells[0].entering}'"
            yield Finding("pedestrian-clearance", text, signal.id, groups=(name, cells[0].entering))
        return
    middle = math.ceil(group.crossing / 2.0 / profile.walking_speed - 1e-9)
    if profile.walk_to_middle and group.minimum_green < middle:
        text = (
            f"group '{name}' needs {middle} s to the middle of its {group.crossing:g} m at {profile.walking_speed:g} m/s; "
            f"its minimum green is {group.minimum_green} s"
        )
        yield Finding("pedestrian-green", text, signal.id, groups=(name,))
    walk = group.crossing / profile.walking_speed
    for cell in cells:
        # t_z = t_r - t_e: who enters needs a while to get there.
        need = max(math.ceil(walk - cell.entering_path / ENTERING_SPEED - 1e-9), 0)
        if cell.seconds < need:
            text = (
                f"group '{name}' needs {need} s to clear its {group.crossing:g} m at {profile.walking_speed:g} m/s; "
                f"the intergreen to '{cell.entering}' is {cell.seconds} s"
            )
            yield Finding("pedestrian-clearance", text, signal.id, groups=(name, cell.entering))


def _vehicles(signal: SignalPlan, group: Group, profile: Profile) -> Iterator[Finding]:
    name = group.name
    (low, high), (least, most) = profile.transitions(group.kind)
    if group.kind == "vehicle" and group.speed is not None and profile.yellow_at_speed:
        # Speeds in nets are rounded: 13.89 m/s is meant to be 50 km/h.
        speed = group.speed * 3.6 - 1.0
        fits = [time for limit, time in profile.yellow_at_speed if speed <= limit]
        if not fits:
            limit = profile.yellow_at_speed[-1][0]
            text = f"group '{name}' is permitted {group.speed * 3.6:.0f} km/h; there are signals up to {limit:g} km/h"
            yield Finding("yellow-time", text, signal.id, groups=(name,))
        low = max(low, fits[0] if fits else low)
    if not low <= group.yellow <= high:
        at = f" at {group.speed * 3.6:.0f} km/h" if group.speed is not None else ""
        text = f"group '{name}' has a yellow of {group.yellow} s; {low} to {high} s{at}"
        yield Finding("yellow-time", text, signal.id, groups=(name,))
    if not least <= group.red_yellow <= most:
        text = f"group '{name}' has a red-yellow of {group.red_yellow} s; {least} to {most} s"
        yield Finding("red-yellow", text, signal.id, groups=(name,))


def _form(signal: SignalPlan, program: Program, profile: Profile) -> Iterator[Finding]:
    cycle = program.cycle
    low, high = profile.cycle
    if not low <= cycle <= high:
        yield Finding("cycle", f"the cycle is {cycle} s; {low} to {high} s", signal.id, program.id)
    if not 0 <= program.offset < cycle:
        text = f"the offset is {program.offset} s, not below the cycle of {cycle} s"
        yield Finding("offset", text, signal.id, program.id)
    if program.switch >= cycle:
        text = f"the switch second is {program.switch} s, not below the cycle of {cycle} s"
        yield Finding("switch", text, signal.id, program.id)
    number = signal.number()
    taken = np.zeros((len(signal.groups), cycle), np.bool_)
    for green in program.greens:
        name = (green.group,)
        k = number.get(green.group)
        text = f"group '{green.group}': green from {green.begin} to {green.end}"
        if k is None:
            yield Finding("greens", f"{text}: there is no such group", signal.id, program.id, name)
        elif not (green.begin < cycle and 1 <= green.end <= cycle and green.begin != green.end):
            yield Finding(
                "greens", f"{text} is not within 0 to {cycle}", signal.id, program.id, name, green.begin
            )
        else:
            seconds = seconds_of(green.begin, green.end, cycle)
            if taken[k, seconds].any():
                yield Finding("greens", f"{text} overlaps another", signal.id, program.id, name, green.begin)
            taken[k, seconds] = True


def _stages(signal: SignalPlan, program: Program, shown: NDArray[np.uint8]) -> Iterator[Finding]:
    number = signal.number()
    green = is_green(shown)
    unknown = [name for stage in program.stages for name in stage if name not in number]
    if unknown:
        yield Finding(
            "stages", f"a stage names group '{unknown[0]}', which does not exist", signal.id, program.id
        )
        return
    seen = [frozenset(stage) for stage in stage_order(signal.groups, shown)]
    for k, stage in enumerate(program.stages):
        rows = [number[name] for name in stage]
        if not stage or not green[rows].all(axis=0).any():
            what = f"({', '.join(stage)}) is never green as a whole" if stage else "names no group"
            yield Finding("stages", f"stage {k + 1} {what}", signal.id, program.id, stage)
            return
    if len(program.stages) != len(seen):
        text = f"{len(program.stages)} stages are named, and the greens show {len(seen)}"
        yield Finding("stages", text, signal.id, program.id)
    elif not any(
        all(seen[k - turn].issuperset(stage) for k, stage in enumerate(program.stages))
        for turn in range(len(seen))
    ):
        yield Finding(
            "stages", "the stages follow each other in another order than named", signal.id, program.id
        )


def describe_findings(findings: list[Finding], most: int = 5) -> str:
    """
    Put findings into one line.

    Parameters
    ----------
    findings : list of Finding
        At least one.
    most : int, optional
        How many are told in full.

    Returns
    -------
    str
        The line.
    """
    told = "; ".join(str(finding) for finding in findings[:most])
    return f"{told}; and {len(findings) - most} more" if len(findings) > most else told
