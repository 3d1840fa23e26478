"""
From stages and their greens to the second in which each head begins and ends.

Vehicles of a stage begin together and end together. The change between two stages lasts as long as its longest
intergreen. Pedestrians who end with a stage end earlier, so early that they have cleared when the vehicles that cross
them begin, while vehicles that do not cross them drive on.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from sim.errors import InputError
from sim.signals.lamps import GREEN, PERMISSIVE, RED_YELLOW, YELLOW, seconds_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from sim.design.site import Site

Stage = frozenset[int]
# Rounds of lengthening stages until every minimum holds; each adds a second at least.
MOST_ROUNDS = 500


@dataclass(frozen=True)
class Safety:
    """
    What heads need, whatever the stages.

    Parameters
    ----------
    on_foot : tuple of bool
        Whether a head is for pedestrians.
    minimum, yellow, red_yellow : tuple of int
        [s].
    intergreen : ndarray
        Shape (heads, heads), clearing in rows, entering in columns [s]; -1 where they do not meet.
    """

    on_foot: tuple[bool, ...]
    minimum: tuple[int, ...]
    yellow: tuple[int, ...]
    red_yellow: tuple[int, ...]
    intergreen: NDArray[np.int32]


@dataclass(frozen=True)
class Layout:
    """
    When stages and heads are green in a cycle that begins with the first stage.

    Parameters
    ----------
    cycle : int
        [s].
    begins, ends : tuple of int
        Of each stage: its vehicles' begin and end of green [s].
    walk_ends : tuple of int
        When the pedestrians end who end with the stage [s].
    greens : tuple of tuple of int
        Head, begin, end; the end may lie beyond the cycle.
    """

    cycle: int
    begins: tuple[int, ...]
    ends: tuple[int, ...]
    walk_ends: tuple[int, ...]
    greens: tuple[tuple[int, int, int], ...]


def safety_of(site: Site) -> Safety:
    """
    Take what the heads of a signal need.

    Parameters
    ----------
    site : Site
        The signal.

    Returns
    -------
    Safety
        By head.
    """
    return Safety(
        tuple(head.on_foot for head in site.heads),
        tuple(head.minimum_green for head in site.heads),
        tuple(head.yellow for head in site.heads),
        tuple(head.red_yellow for head in site.heads),
        site.intergreen,
    )


def change_time(safety: Safety, stage: Stage, following: Stage) -> int:
    """
    Compute the time from the end of a stage's vehicles to the begin of the next stage.

    Parameters
    ----------
    safety : Safety
        What the heads need.
    stage, following : frozenset of int
        Heads green in each.

    Returns
    -------
    int
        [s].
    """
    ending = [i for i in stage - following if not safety.on_foot[i]]
    beginning = sorted(following - stage)
    lead = max((safety.red_yellow[j] for j in beginning if not safety.on_foot[j]), default=0)
    least = max((safety.yellow[i] for i in ending), default=0) + lead
    return max([least, *(int(safety.intergreen[i, j]) for i in ending for j in beginning)])


def lay_out(
    safety: Safety, stages: Sequence[Stage], greens: Sequence[int], walks: Sequence[int | None] | None = None
) -> Layout:
    """
    Lay out one cycle.

    Parameters
    ----------
    safety : Safety
        What the heads need.
    stages : sequence of frozenset of int
        Heads green in each stage.
    greens : sequence of int
        Green of each stage's vehicles [s].
    walks : sequence of int or None, optional
        Longest green of the pedestrians who end with a stage [s].

    Returns
    -------
    Layout
        Whether minimum greens hold is for `shortages` to say.
    """
    n = len(stages)
    changes = [change_time(safety, stages[p], stages[(p + 1) % n]) for p in range(n)]
    begins, at = [], 0
    for green, change in zip(greens, changes, strict=True):
        begins.append(at)
        at += green + change
    cycle = at
    ends = [begin + green for begin, green in zip(begins, greens, strict=True)]
    walk_ends = []
    for p, stage in enumerate(stages):
        latest = ends[p]
        walkers = [i for i in stage - stages[(p + 1) % n] if safety.on_foot[i]]
        for i, j, begin in _later_begins(stages, begins, cycle, p, walkers):
            if safety.intergreen[i, j] >= 0:
                latest = min(latest, begin - int(safety.intergreen[i, j]))
        if walkers and walks is not None and (walk := walks[p]) is not None:
            latest = min(latest, begins[p] + walk)
        walk_ends.append(latest)
    return Layout(
        cycle,
        tuple(begins),
        tuple(ends),
        tuple(walk_ends),
        tuple(_greens(safety, stages, begins, (ends, walk_ends), cycle)),
    )


def _later_begins(
    stages: Sequence[Stage], begins: Sequence[int], cycle: int, ended: int, heads: Sequence[int]
) -> list[tuple[int, int, int]]:
    """List which heads begin, and when, between the end of a head with a stage and its next begin."""
    n = len(stages)
    found = []
    for i in heads:
        for step in range(1, n):
            p = (ended + step) % n
            if i in stages[p]:
                break
            begin = begins[p] + (cycle if ended + step >= n else 0)
            found += [(i, j, begin) for j in sorted(stages[p] - stages[p - 1])]
    return found


def _greens(
    safety: Safety,
    stages: Sequence[Stage],
    begins: Sequence[int],
    ends: tuple[Sequence[int], Sequence[int]],
    cycle: int,
) -> list[tuple[int, int, int]]:
    n = len(stages)
    found = []
    for head in range(len(safety.minimum)):
        if all(head in stage for stage in stages):
            found.append((head, 0, cycle))
            continue
        for p, stage in enumerate(stages):
            if head in stage and head not in stages[p - 1]:
                q = p
                while head in stages[(q + 1) % n]:
                    q += 1
                end = ends[safety.on_foot[head]][q % n] + (cycle if q >= n else 0)
                found.append((head, begins[p], end))
    return found


def shortages(safety: Safety, stages: Sequence[Stage], layout: Layout) -> list[tuple[int, int]]:
    """
    Find where minimum greens or intergreens over a short stage do not hold.

    Parameters
    ----------
    safety : Safety
        What the heads need.
    stages : sequence of frozenset of int
        Heads green in each stage.
    layout : Layout
        A cycle.

    Returns
    -------
    list of tuple of int
        Stage to lengthen and by how much [s].
    """
    n = len(stages)
    found = []
    for head, begin, end in layout.greens:
        lack = safety.minimum[head] - (end - begin)
        if lack > 0 and end - begin < layout.cycle:
            first = layout.begins.index(begin)
            last = first
            while head in stages[(last + 1) % n]:
                last += 1
            found.append((last % n, lack))
    for p, stage in enumerate(stages):
        # Pedestrians who end before the stage they end with has begun would not be in it at all.
        if layout.walk_ends[p] <= layout.begins[p]:
            found.append((p, layout.begins[p] + 1 - layout.walk_ends[p]))
        riders = [i for i in sorted(stage - stages[(p + 1) % n]) if not safety.on_foot[i]]
        for i, j, begin in _later_begins(stages, layout.begins, layout.cycle, p, riders):
            lack = int(safety.intergreen[i, j]) - (begin - layout.ends[p])
            if lack > 0:
                before = next(q for q in range(n) if layout.begins[q] == begin % layout.cycle)
                found.append(((before - 1) % n, lack))
    return found


def least_greens(safety: Safety, stages: Sequence[Stage]) -> list[int]:
    """
    Find the shortest green of each stage with which every minimum holds.

    Parameters
    ----------
    safety : Safety
        What the heads need.
    stages : sequence of frozenset of int
        Heads green in each stage.

    Returns
    -------
    list of int
        [s].

    Raises
    ------
    InputError
        If none is found, which no sound matrix leads to.
    """
    greens = [1] * len(stages)
    for _ in range(MOST_ROUNDS):
        lacking = shortages(safety, stages, lay_out(safety, stages, greens))
        if not lacking:
            return greens
        p, lack = max(lacking, key=lambda item: item[1])
        greens[p] += lack
    msg = "the minimum greens and intergreens of a signal fit into no cycle; look at its longest crossing"
    raise InputError(msg)


def head_lamps(safety: Safety, layout: Layout) -> NDArray[np.uint8]:
    """
    Write down what the heads show second by second.

    Parameters
    ----------
    safety : Safety
        What the heads need.
    layout : Layout
        A cycle.

    Returns
    -------
    ndarray
        Shape (heads, cycle), SUMO's letters; every green as ``G``.
    """
    cycle = layout.cycle
    shown = np.full((len(safety.minimum), cycle), ord("r"), np.uint8)
    for head, begin, end in layout.greens:
        if end - begin >= cycle:
            continue
        shown[head, np.arange(begin - safety.red_yellow[head], begin) % cycle] = RED_YELLOW
        shown[head, np.arange(end, end + safety.yellow[head]) % cycle] = YELLOW
    for head, begin, end in layout.greens:
        seconds = (
            np.arange(cycle)
            if end - begin >= cycle
            else seconds_of(begin % cycle, (end - 1) % cycle + 1, cycle)
        )
        shown[head, seconds] = GREEN
    return shown


def stream_lamps(site: Site, shown: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """
    Tell streams that have to give way from those that have not.

    Parameters
    ----------
    site : Site
        The signal.
    shown : ndarray
        Shape (heads, cycle), lamps of the heads.

    Returns
    -------
    ndarray
        Shape (streams, cycle): ``g`` instead of ``G`` while somebody moves to whom the stream gives way.
    """
    rows = shown[site.owner]
    green = rows == GREEN
    moving = green | (rows == YELLOW)
    gives = (site.gives @ moving.astype(np.float32)) > 0
    gives[sorted(site.outside)] = True
    rows[green & gives] = PERMISSIVE
    return rows
