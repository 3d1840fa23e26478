"""Plans from files that know lanes and greens, and a base plan that knows links and safety data."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from pydantic import ValidationError

from sim.errors import InputError, near_miss
from sim.faults import describe
from sim.signals.lamps import is_moving, lamps
from sim.signals.plan import MOST_PROGRAMS, Green, Group, Intergreen, Plan, Program, SignalPlan

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from sim.signals.plan import Link


@dataclass(frozen=True)
class FileGroup:
    """
    A signal group as such a file has it.

    Parameters
    ----------
    name : str
        Its name.
    lanes : tuple of tuple of str
        Lane or edge it comes from, and lane or edge it leads to; the second empty for all.
    greens : tuple of tuple of int
        Begin and end [s], as `sim.signals.plan.Green` has them.
    yellow, red_yellow : int
        Transition times [s].
    """

    name: str
    lanes: tuple[tuple[str, str], ...]
    greens: tuple[tuple[int, int], ...]
    yellow: int
    red_yellow: int


@dataclass(frozen=True)
class FileProgram:
    """A program of such a file: id, cycle and offset [s], groups, and the file's name for messages."""

    id: str
    cycle: int
    offset: int
    groups: tuple[FileGroup, ...]
    source: str


@dataclass(frozen=True)
class FileSignal:
    """All programs that the files have for a signal."""

    id: str
    programs: tuple[FileProgram, ...]


def rebuild(signals: Sequence[FileSignal], base: Plan) -> Plan:
    """
    Make a plan of what files say and a base plan adds.

    Parameters
    ----------
    signals : sequence of FileSignal
        What the files say.
    base : Plan
        Gives links, minimum greens, intergreens and kinds by the lanes of the groups, and for programs of the same
        name what the files do not have.

    Returns
    -------
    Plan
        The signals and programs of the files.

    Raises
    ------
    InputError
        If a signal, a lane or an edge is not in `base`, or programs of a signal have different groups.
    """
    given = {signal.id: signal for signal in signals}
    known = [signal.id for signal in base.signals]
    for name, signal in given.items():
        if name not in known:
            msg = f"{signal.programs[0].source}: the base plan has no signal '{name}'{near_miss(name, known)}"
            raise InputError(msg)
    if not given:
        msg = "there is no file to read a plan from"
        raise InputError(msg)
    try:
        built = tuple(_signal(given[old.id], old) for old in base.signals if old.id in given)
        plan = base.model_copy(update={"signals": built, "schedule": None})
    except ValidationError as error:
        msg = f"the files make no plan: {'; '.join(map(str, describe(error, Plan)))}"
        raise InputError(msg) from error
    return plan.model_copy(update={"schedule": base.schedule}) if _fits(plan, base) else plan


def _fits(plan: Plan, base: Plan) -> bool:
    """Tell whether all programs of the base plan's schedule are there."""
    if base.schedule is None:
        return False
    names = {entry.program for entries in base.schedule.day_plans.values() for entry in entries}
    return all(signal.program(name) is not None for signal in plan.signals for name in names)


def _signal(given: FileSignal, old: SignalPlan) -> SignalPlan:
    first = given.programs[0]
    ids = [program.id for program in given.programs]
    for program in given.programs:
        if ids.count(program.id) > 1:
            msg = (
                f"{program.source}: program '{program.id}' of signal '{old.id}' stands in two files; keep one"
            )
            raise InputError(msg)
        for one, other in zip(_heads(first), _heads(program), strict=False):
            if one != other:
                msg = (
                    f"{program.source}: group '{other[0]}' of signal '{old.id}' differs from {first.source} in name, "
                    "lanes or transition times; the programs of a signal have the same groups"
                )
                raise InputError(msg)
        if len(program.groups) != len(first.groups):
            msg = f"{program.source}: signal '{old.id}' has other groups than in {first.source}"
            raise InputError(msg)
    links = _links(first, old)
    dark = [group.model_copy(update={"links": _free(group, links)}) for group in old.groups]
    groups = [_group(group, links[group.name], old) for group in first.groups]
    # As readers of these files do it: links that no group of the file has are switched off.
    groups += [
        Group(
            name=_new_name(group.name, [*links, *(other.name for other in old.groups)]),
            kind=group.kind,
            links=group.links,
            minimum_green=0,
            rest="blinking",
        )
        for group in dark
        if group.links
    ]
    built = SignalPlan(
        id=old.id,
        groups=tuple(groups),
        intergreens=_matrix(first.source, links, old),
        compatible=old.compatible,
        programs=(_placeholder(),),
    )
    numbers = {program.number for program in old.programs if program.id in ids}
    programs = []
    # The base plan's order, then the files'.
    order = [program.id for program in old.programs if program.id in ids]
    for program in sorted(given.programs, key=lambda p: order.index(p.id) if p.id in order else len(order)):
        number = next(k for k in range(1, MOST_PROGRAMS + len(ids) + 2) if k not in numbers)
        programs.append(_program(built, program, old, number))
        numbers.add(programs[-1].number)
    return SignalPlan(**{**dict(built), "programs": tuple(programs)})


def _placeholder() -> Program:
    return Program(id="-", number=1, cycle=1, greens=())


def _heads(program: FileProgram) -> Iterable[tuple[str, tuple[tuple[str, str], ...], int, int]]:
    ordered = sorted(program.groups, key=lambda group: group.name)
    return [(group.name, group.lanes, group.yellow, group.red_yellow) for group in ordered]


def _edge(lane: str) -> str:
    edge, _, number = lane.rpartition("_")
    return edge if edge and number.isdecimal() else lane


def _links(program: FileProgram, old: SignalPlan) -> dict[str, tuple[Link, ...]]:
    """Find the links of each group by the lanes or edges that the file names."""
    owner: dict[int, str] = {}
    every = [link for group in old.groups for link in group.links]
    found: dict[str, tuple[Link, ...]] = {}
    for group in program.groups:
        mine: dict[int, Link] = {}
        for source, target in group.lanes:
            fits = [
                link
                for link in every
                if source in {link.from_lane, _edge(link.from_lane)}
                and target in {"", link.to_lane, _edge(link.to_lane)}
            ]
            if not fits:
                to = f" to '{target}'" if target else ""
                msg = (
                    f"{program.source}: group '{group.name}': signal '{old.id}' of the base plan has no link from "
                    f"'{source}'{to}"
                )
                raise InputError(msg)
            mine |= {link.index: link for link in fits}
        for index in mine:
            if owner.setdefault(index, group.name) != group.name:
                msg = (
                    f"{program.source}: link {index} of signal '{old.id}' belongs to the groups '{owner[index]}' and "
                    f"'{group.name}'; name the lanes it leads to"
                )
                raise InputError(msg)
        found[group.name] = tuple(mine[index] for index in sorted(mine))
    return found


def _free(group: Group, links: dict[str, tuple[Link, ...]]) -> tuple[Link, ...]:
    taken = {link.index for several in links.values() for link in several}
    return tuple(link for link in group.links if link.index not in taken)


def _new_name(name: str, taken: list[str]) -> str:
    new = f"{name} off"
    while new in taken:
        new += "+"
    return new


def _owners(links: Sequence[Link], old: SignalPlan) -> list[Group]:
    indices = {link.index for link in links}
    return [group for group in old.groups if indices & {link.index for link in group.links}]


def _group(given: FileGroup, links: tuple[Link, ...], old: SignalPlan) -> Group:
    """Take the safety data of the base plan's groups that have these links."""
    owners = _owners(links, old)
    same = next((group for group in owners if set(group.links) == set(links)), None)
    return Group(
        name=given.name,
        kind=owners[0].kind,
        links=same.links if same else links,
        minimum_green=max(group.minimum_green for group in owners),
        yellow=given.yellow,
        red_yellow=given.red_yellow,
        rest=owners[0].rest if len({group.rest for group in owners}) == 1 else "red",
        speed=max((group.speed for group in owners if group.speed is not None), default=None),
        crossing=max((group.crossing for group in owners if group.crossing is not None), default=None),
    )


def _matrix(source: str, links: dict[str, tuple[Link, ...]], old: SignalPlan) -> tuple[Intergreen, ...]:
    """Give each pair of groups the longest intergreen of the base plan's groups in them."""
    holders: dict[str, list[str]] = {group.name: [] for group in old.groups}
    for name, own in links.items():
        for group in _owners(own, old):
            holders[group.name].append(name)
    cells: dict[tuple[str, str], Intergreen] = {}
    for cell in old.intergreens:
        for one in holders.get(cell.clearing, ()):
            for other in holders.get(cell.entering, ()):
                if one == other:
                    msg = (
                        f"{source}: group '{one}' of signal '{old.id}' joins the groups '{cell.clearing}' and "
                        f"'{cell.entering}' of the base plan, which conflict"
                    )
                    raise InputError(msg)
                have = cells.get((one, other))
                cells[one, other] = Intergreen(
                    clearing=one,
                    entering=other,
                    seconds=max(cell.seconds, have.seconds if have else 0),
                    entering_path=min(cell.entering_path, have.entering_path if have else cell.entering_path),
                )
    return tuple(cells.values())


def _program(signal: SignalPlan, given: FileProgram, old: SignalPlan, number: int) -> Program:
    before = old.program(given.id)
    greens: list[Green] = []
    same = before is not None and before.cycle == given.cycle
    for group in given.groups:
        own = [g for program in old.programs for g in program.greens if g.group == group.name]
        theirs = [g for g in before.greens if g.group == group.name] if before is not None else []
        if _covered([(g.begin, g.end) for g in theirs], given.cycle) == _covered(group.greens, given.cycle):
            # The file cannot say where a green gives way; the base plan's are the same seconds.
            greens += theirs
            continue
        same = False
        permissive = bool(own) and all(green.permissive for green in own)
        greens += [Green(group=group.name, begin=a, end=b, permissive=permissive) for a, b in group.greens]
    program = Program(
        id=given.id,
        number=before.number if before is not None else number,
        cycle=given.cycle,
        offset=given.offset,
        switch=before.switch if before is not None and same else 0,
        greens=before.greens if before is not None and set(greens) == set(before.greens) else tuple(greens),
        stages=before.stages if before is not None and same else (),
    )
    if same:
        return program
    shown = lamps(signal, program)
    moving = is_moving(shown).any(axis=0)
    return program.model_copy(update={"switch": int(np.argmin(moving))})


def _covered(greens: Iterable[tuple[int, int]], cycle: int) -> frozenset[int]:
    return frozenset(
        second % cycle
        for begin, end in greens
        for second in range(begin, end if end > begin else end + cycle)
    )
