"""Cuts the greens of a program into phases: two rings with barriers, or one ring of stages."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sim.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

MOST_PHASES = 16
# Different greens, of phases and overlaps, beyond which no two rings are looked for.
MOST_SPANS = 64
# MUTCD 4D.26: a longer red clearance says that the phase's green was cut at the wrong second [s].
LONGEST_RED_CLEAR = 6


@dataclass(frozen=True, slots=True)
class Span:
    """
    A green of one group, from its first second, through changes between protected and permissive.

    Parameters
    ----------
    group : str
        The group.
    begin, green, yellow : int
        First second, length of the green and of the yellow after it [s].
    changes : tuple of int
        Seconds of the program at which it becomes protected or permissive.
    """

    group: str
    begin: int
    green: int
    yellow: int
    changes: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Slot:
    """The time of a phase before it has a number: first second, green, yellow, red clearance [s]."""

    begin: int
    green: int
    yellow: int
    red_clear: int

    @property
    def split(self) -> int:
        """Green and clearance [s]."""
        return self.green + self.yellow + self.red_clear


# Slots by side of the barrier, ring, and order.
Layout = list[list[list[Slot]]]
# Numbers and times of the phases of each ring as they follow each other.
Rings = list[list[tuple[int, Slot]]]


def one_ring(spans: Sequence[Span], walks: Sequence[int], cycle: int) -> Layout:
    """
    Cut a program into stages that follow each other.

    Parameters
    ----------
    spans : sequence of Span
        Greens of the groups that drive; one of a whole cycle never ends.
    walks : sequence of int
        First seconds of pedestrian greens [s].
    cycle : int
        Cycle [s].

    Returns
    -------
    list
        One side of the barrier with one ring, in order of the first second.

    Raises
    ------
    InputError
        If greens end or begin so shortly after each other that no phase lies between; naming the groups.
    """
    changing = [span for span in spans if span.green < cycle]
    begins = {span.begin for span in changing} | {at for span in spans for at in span.changes}
    begins |= {walk for walk in walks if not any((walk - s.begin) % cycle < s.green for s in spans)}
    if not begins:
        msg = "no green begins or ends, so there is no phase"
        raise InputError(msg)
    if len(begins) > MOST_PHASES:
        msg = f"it takes at least {len(begins)} phases; there are {MOST_PHASES}"
        raise InputError(msg)
    ends: dict[int, Span] = {}
    for span in changing:
        first = ends.setdefault((span.begin + span.green) % cycle, span)
        if first.yellow != span.yellow:
            msg = (
                f"groups '{first.group}' and '{span.group}' end together, but one shows {first.yellow} s of yellow "
                f"and the other {span.yellow} s; a phase has one yellow"
            )
            raise InputError(msg)
    usual = Counter(span.yellow for span in spans).most_common(1)[0][0] if spans else 0
    order = sorted(begins)
    slots: list[Slot] = []
    for begin, following in zip(order, [*order[1:], order[0] + cycle], strict=True):
        # The end at the very second of a begin closes the phase before it.
        inside = [((end - begin - 1) % cycle + 1, span) for end, span in ends.items()]
        close = sorted((x for x in inside if x[0] <= following - begin), key=lambda x: x[0])
        slots += _stage(begin, following - begin, close, usual)
    return [[[Slot(s.begin % cycle, s.green, s.yellow, s.red_clear) for s in slots]]]


def _stage(begin: int, length: int, ends: list[tuple[int, Span]], usual: int) -> list[Slot]:
    """Cut the time from one begin to the next at the ends of green in it."""
    if not ends:
        # Nothing ends with this phase; its clearance is seen nowhere.
        if length <= usual:
            msg = f"greens begin at {begin} s and again {length} s later, which leaves no green to a phase between"
            raise InputError(msg)
        return [Slot(begin, length - usual, usual, 0)]
    slots = []
    at = 0
    for k, (end, span) in enumerate(ends):
        clear = end + span.yellow
        last = k == len(ends) - 1
        if not last and clear >= ends[k + 1][0]:
            msg = (
                f"the greens of the groups '{span.group}' and '{ends[k + 1][1].group}' end {ends[k + 1][0] - end} s "
                f"after each other, which leaves no green to a phase between"
            )
            raise InputError(msg)
        if clear > length:
            msg = f"group '{span.group}' is still yellow when the next green begins {length - end} s after its end"
            raise InputError(msg)
        slots.append(Slot(begin + at, end - at, span.yellow, (length if last else clear) - clear))
        at = clear
    return slots


def two_rings(spans: Sequence[Span], cycle: int, conflict: Callable[[Span, Span], bool]) -> Layout | None:
    """
    Cut a program into two rings that cross barriers together.

    Parameters
    ----------
    spans : sequence of Span
        Greens of the groups that drive.
    cycle : int
        Cycle [s].
    conflict : callable
        Tells whether two greens may never be on at the same side of a barrier in different rings.

    Returns
    -------
    list or None
        Sides of the barriers in order of their first second; none if the greens do not show two rings.
    """
    times = sorted({(s.begin, s.green, s.yellow) for s in spans if s.green < cycle})
    if len(times) > MOST_SPANS:
        return None
    whole = {time for time in times if _is_chain(time, times, cycle)}
    phases = [time for time in times if time not in whole]
    if not 2 < len(phases) <= MOST_PHASES:
        return None
    barriers = [
        at
        for at in sorted({begin for begin, _, _ in phases})
        if not any(0 < (at - begin) % cycle < green + yellow for begin, green, yellow in phases)
    ]
    owners = {time: [s for s in spans if (s.begin, s.green, s.yellow) == time] for time in phases}

    def apart(one: _Time, other: _Time) -> bool:
        return not any(conflict(a, b) for a in owners[one] for b in owners[other])

    def side(first: int, last: int) -> list[list[Slot]] | None:
        """Fill the time from one barrier to another; both are counted on across the end of the cycle."""
        at = barriers[first % len(barriers)]
        length = (barriers[last % len(barriers)] - at - 1) % cycle + 1
        local = sorted(((begin - at) % cycle, green, yellow) for begin, green, yellow in phases)
        local = [time for time in local if time[0] < length]

        def free(one: _Time, other: _Time) -> bool:
            return apart(((one[0] + at) % cycle, *one[1:]), ((other[0] + at) % cycle, *other[1:]))

        chains = _pack(local, length, free, ([], []))
        return chains and [
            [Slot((begin + at) % cycle, green, yellow, red) for begin, green, yellow, red in chain]
            for chain in (_with_red(chain, length) for chain in _filled(chains))
        ]

    layout = _most_sides(len(barriers), side)
    return layout if any(rings[0] != rings[1] and _both(rings, times) for rings in layout) else None


def _most_sides(count: int, side: Callable[[int, int], list[list[Slot]] | None]) -> Layout:
    """
    Cut the cycle at as many barriers as leave sides that two rings fill.

    Where all that is on happens to end before a green of one ring begins, there only seems to be a barrier.
    """
    best: Layout = []
    for first in range(count):
        # Layouts from the first barrier on to each later one.
        reached: list[Layout | None] = [[]] + [None] * count
        for last in range(1, count + 1):
            for k in range(last):
                before, known = reached[k], reached[last]
                if before is None or (known is not None and len(known) > len(before)):
                    continue
                rings = side(first + k, first + last)
                if rings is not None:
                    reached[last] = [*before, rings]
        whole = reached[count]
        if whole is not None and len(whole) > len(best):
            best = whole
        if len(best) == count:
            break
    return best


_Time = tuple[int, int, int]


def _both(side: list[list[Slot]], times: list[_Time]) -> bool:
    """Tell whether both rings have phases of their own."""
    return all(any((s.begin, s.green, s.yellow) in times for s in ring) for ring in side)


def _is_chain(time: _Time, times: list[_Time], cycle: int) -> bool:
    """Tell whether other greens, one after the other, fill this one from its begin to its end."""
    begin, green, yellow = time
    heads = [(0, 0)]
    seen = {0}
    while heads:
        at, slack = heads.pop()
        for other in times:
            ahead = (other[0] - begin) % cycle
            if other == time or other[1] >= green or not at <= ahead <= at + slack:
                continue
            if ahead + other[1] == green and other[2] == yellow:
                return True
            clear = ahead + other[1] + other[2]
            if clear < green and clear not in seen:
                seen.add(clear)
                heads.append((clear, LONGEST_RED_CLEAR))
    return False


def _pack(
    times: list[_Time],
    length: int,
    free: Callable[[_Time, _Time], bool],
    chains: tuple[list[_Time], list[_Time]],
) -> tuple[list[_Time], list[_Time]] | None:
    """Put greens, in order of their begin, into two chains that fill the time between two barriers."""
    if not times:
        done = all(not chain or _fits(chain[-1], length) for chain in chains)
        return (list(chains[0]), list(chains[1])) if done else None
    now, rest = times[0], times[1:]
    # The chain that became free last is tried first: the shorter red clearance is the likelier.
    order = sorted((0, 1), key=lambda k: now[0] - (sum(chains[k][-1]) if chains[k] else 0))
    for k in order:
        chain, other = chains[k], chains[1 - k]
        starts = _fits(chain[-1], now[0]) if chain else now[0] == 0
        if starts and all(free(now, foe) for foe in other):
            longer = [*chain, now]
            found = _pack(rest, length, free, (longer, other) if k == 0 else (other, longer))
            if found is not None:
                return found
    return None


def _fits(time: _Time, following: int) -> bool:
    return 0 <= following - sum(time) <= LONGEST_RED_CLEAR


def _filled(chains: tuple[list[_Time], list[_Time]]) -> tuple[list[_Time], list[_Time]]:
    """Give a ring without a green of its own a phase that serves nobody, so that it keeps pace."""
    one, other = chains
    if other:
        return one, other
    last = one[-1]
    return one, [(0, last[0] + last[1], last[2])]


def _with_red(chain: list[_Time], length: int) -> list[tuple[int, int, int, int]]:
    nexts = [time[0] for time in chain[1:]] + [length]
    return [(*time, at - sum(time)) for time, at in zip(chain, nexts, strict=True)]
