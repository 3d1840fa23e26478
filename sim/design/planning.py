"""From designed signals to a timing plan with a day schedule."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from sim.design.intergreen import intergreen
from sim.design.site import LEAST_GREEN
from sim.network.meeting import conflict_point
from sim.signals.lamps import GREEN, PERMISSIVE, greens_of, is_green, stage_order
from sim.signals.plan import Green, Group, Intergreen, Link, Program, Schedule, SignalPlan, Switch

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from sim.design.site import Site
    from sim.design.splits import Timed
    from sim.signals.plan import Day

# Programs in the order of their numbers, and the part of the design volumes that each has where nothing else is
# known; assumed.
PROGRAMS = {"am": 1.0, "pm": 1.0, "offpeak": 0.6, "night": 0.15}
# What runs when; assumed.
WORKDAY = (
    ("00:00", "night"),
    ("06:00", "am"),
    ("09:00", "offpeak"),
    ("15:00", "pm"),
    ("19:00", "offpeak"),
    ("22:00", "night"),
)
WEEKEND = (("00:00", "night"), ("08:00", "offpeak"), ("22:00", "night"))
WORKDAYS: tuple[Day, ...] = ("monday", "tuesday", "wednesday", "thursday", "friday")
FREE_DAYS: tuple[Day, ...] = ("saturday", "sunday")
NO_LINK = "unused"


def signal_plan(site: Site, timed: Mapping[str, Timed], offsets: Mapping[str, int]) -> SignalPlan:
    """
    Write a designed signal as a plan.

    Parameters
    ----------
    site : Site
        The signal.
    timed : mapping
        By program.
    offsets : mapping
        By program [s].

    Returns
    -------
    SignalPlan
        Groups are the streams of a head that give way at the same seconds.
    """
    groups, members, rows = _groups(site, timed)
    programs = []
    for number, name in enumerate(timed, 1):
        shown, layout = rows[name], timed[name].layout
        first_end = min(layout.walk_ends[0], layout.ends[0])
        programs.append(
            Program(
                id=name,
                number=number,
                cycle=layout.cycle,
                offset=offsets[name] % layout.cycle,
                switch=max(first_end - 1, 0) if len(timed[name].stages) > 1 else 0,
                greens=tuple(
                    Green(group=group.name, begin=begin, end=end, permissive=permissive)
                    for group, row in zip(groups, shown, strict=True)
                    if group.rest == "red"
                    for begin, end, permissive in greens_of(row)
                ),
                stages=tuple(stage_order(groups, shown)),
            )
        )
    matrix = _matrix(site, groups, members, list(rows.values()))
    return SignalPlan(
        id=site.id,
        groups=tuple(groups),
        intergreens=tuple(matrix),
        compatible=not matrix,
        programs=tuple(programs),
    )


def _groups(
    site: Site, timed: Mapping[str, Timed]
) -> tuple[list[Group], list[tuple[int, ...]], dict[str, NDArray[np.uint8]]]:
    """Split heads by which of their links give way when, and list lamps by group for each program."""
    groups: list[Group] = []
    members: list[tuple[int, ...]] = []
    for head in site.heads:
        by_link: dict[int, list[int]] = {}
        for s in head.streams:
            by_link.setdefault(site.streams[s].link, []).append(s)
        parts: dict[bytes, list[int]] = {}
        for some in by_link.values():
            key = b"".join(_link_row(t.rows, some).tobytes() for t in timed.values())
            parts.setdefault(key, []).extend(some)
        taken: set[str] = set()
        for streams in sorted(parts.values(), key=lambda some: _rank(site, some)):
            name = _name(site, head.name, streams, taken)
            taken.add(name)
            links = {site.streams[s].link: site.streams[s] for s in reversed(streams)}
            groups.append(
                Group(
                    name=name,
                    kind=head.kind,
                    links=tuple(
                        Link(
                            index=k,
                            from_lane=links[k].from_lane,
                            to_lane=links[k].to_lane,
                        )
                        for k in sorted(links)
                    ),
                    minimum_green=head.minimum_green,
                    yellow=head.yellow,
                    red_yellow=head.red_yellow,
                    speed=head.speed,
                    # To the millimetre: a plan is written down, and no whole second lies between two of them.
                    crossing=round(head.crossing, 3) if head.crossing else None,
                )
            )
            members.append(tuple(streams))
    unused = sorted(set(range(site.links)) - {stream.link for stream in site.streams})
    if unused:
        links_of = tuple(Link(index=k) for k in unused)
        groups.append(Group(name=NO_LINK, links=links_of, minimum_green=LEAST_GREEN, rest="off"))
        members.append(())
    rows = {
        name: np.array(
            [
                _link_row(t.rows, some) if some else np.full(t.layout.cycle, ord("O"), np.uint8)
                for some in members
            ]
        )
        for name, t in timed.items()
    }
    return groups, members, rows


def _link_row(rows: NDArray[np.uint8], streams: Sequence[int]) -> NDArray[np.uint8]:
    """Take the lamps of a link; if any of its streams has to give way, it does."""
    row: NDArray[np.uint8] = rows[streams[0]].copy()
    for s in streams[1:]:
        row[(row == GREEN) & (rows[s] == PERMISSIVE)] = PERMISSIVE
    return row


def _rank(site: Site, streams: Sequence[int]) -> tuple[bool, int]:
    return all(site.streams[s].turns for s in streams), site.streams[streams[0]].link


def _name(site: Site, head: str, streams: Sequence[int], taken: set[str]) -> str:
    if not taken:
        return head
    letters = sorted({site.streams[s].direction.upper() if site.streams[s].turns else "S" for s in streams})
    name = head + "".join(letters)
    return name if name not in taken else f"{name}{len(taken) + 1}"


def _matrix(
    site: Site,
    groups: Sequence[Group],
    members: Sequence[tuple[int, ...]],
    shown: Sequence[NDArray[np.uint8]],
) -> list[Intergreen]:
    together = np.zeros((len(groups), len(groups)), np.bool_)
    for rows in shown:
        green = is_green(rows).astype(np.float32)
        together |= green @ green.T > 0
    found = []
    for i, clearing in enumerate(members):
        for j, entering in enumerate(members):
            meeting = [(a, b) for a in clearing for b in entering if (a, b) in site.pairs]
            if i == j or not meeting or together[i, j]:
                continue
            streams = [(site.streams[a], site.streams[b]) for a, b in meeting]
            way = 0.0
            if groups[i].kind == "pedestrian":
                # Rounded down: a shorter way asks for more.
                way = min(conflict_point(a.path, b.path)[1] for a, b in streams) // 0.01 / 100.0
            found.append(
                Intergreen(
                    clearing=groups[i].name,
                    entering=groups[j].name,
                    seconds=max(intergreen(a, b) for a, b in streams),
                    entering_path=way,
                )
            )
    return found


def day_schedule() -> Schedule:
    """
    Make the schedule of the four programs.

    Returns
    -------
    Schedule
        Workdays and weekends.
    """
    plans = {
        "workday": tuple(Switch(time=time, program=program) for time, program in WORKDAY),
        "weekend": tuple(Switch(time=time, program=program) for time, program in WEEKEND),
    }
    week: dict[Day, str] = dict.fromkeys(WORKDAYS, "workday") | dict.fromkeys(FREE_DAYS, "weekend")
    return Schedule(day_plans=plans, week=week)
