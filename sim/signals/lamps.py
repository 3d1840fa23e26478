"""What the groups of a signal show, second by second."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from sim.signals.plan import Group, Program, SignalPlan

# SUMO's letters; a group outside its greens, yellows and red-yellows rests.
REST = {"red": "r", "arrow": "s", "off": "O", "blinking": "o"}
GREEN, PERMISSIVE, YELLOW, RED_YELLOW = (ord(letter) for letter in "Ggyu")


def lamps(signal: SignalPlan, program: Program) -> NDArray[np.uint8]:
    """
    Write a program down second by second.

    Parameters
    ----------
    signal : SignalPlan
        The signal.
    program : Program
        One of its programs.

    Returns
    -------
    ndarray
        Shape (groups, cycle), SUMO's letter of each group in each second of the program. Where a gap is too short
        for yellow and red-yellow, yellow comes first and is cut at the next green.
    """
    number = signal.number()
    cycle = program.cycle
    shown = np.empty((len(signal.groups), cycle), np.uint8)
    for k, group in enumerate(signal.groups):
        shown[k] = ord(REST[group.rest])
    greens = [(number[green.group], green) for green in program.greens if green.group in number]
    for k, green in greens:
        lead = np.arange(green.begin - signal.groups[k].red_yellow, green.begin)
        shown[k, lead % cycle] = RED_YELLOW
    for k, green in greens:
        tail = np.arange(green.end, green.end + signal.groups[k].yellow)
        shown[k, tail % cycle] = YELLOW
    for k, green in greens:
        shown[k, seconds_of(green.begin, green.end, cycle)] = PERMISSIVE if green.permissive else GREEN
    return shown


def seconds_of(begin: int, end: int, cycle: int) -> NDArray[np.intp]:
    """
    List the seconds of a cycle from one to another.

    Parameters
    ----------
    begin, end : int
        First second, and the first one no longer meant; across the end of the cycle if begin > end.
    cycle : int
        Cycle [s].

    Returns
    -------
    ndarray
        Seconds, 0 to cycle - 1.
    """
    length = min(end - begin if end > begin else end - begin + cycle, cycle)
    return np.arange(begin, begin + length) % cycle


def is_green(shown: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """
    Tell where lamps show green, whether it gives way or not.

    Parameters
    ----------
    shown : ndarray
        SUMO's letters.

    Returns
    -------
    ndarray
        Of the same shape.
    """
    green: NDArray[np.bool_] = (shown == GREEN) | (shown == PERMISSIVE)
    return green


def is_moving(shown: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """
    Tell where lamps are in transition.

    Parameters
    ----------
    shown : ndarray
        SUMO's letters.

    Returns
    -------
    ndarray
        Of the same shape; True at yellow and red-yellow.
    """
    moving: NDArray[np.bool_] = (shown == YELLOW) | (shown == RED_YELLOW)
    return moving


def link_states(signal: SignalPlan, shown: NDArray[np.uint8]) -> list[str]:
    """
    Write lamps as SUMO's state strings.

    Parameters
    ----------
    signal : SignalPlan
        The signal.
    shown : ndarray
        Shape (groups, seconds).

    Returns
    -------
    list of str
        One state a second; links of no group show red.
    """
    indices = [link.index for group in signal.groups for link in group.links]
    rows = np.full((max(indices, default=-1) + 1, shown.shape[1]), ord("r"), np.uint8)
    for k, group in enumerate(signal.groups):
        for link in group.links:
            rows[link.index] = shown[k]
    return [bytes(column).decode() for column in np.ascontiguousarray(rows.T)]


def greens_of(row: NDArray[np.uint8]) -> list[tuple[int, int, bool]]:
    """
    Find the greens in the lamps of one group over a cycle.

    Parameters
    ----------
    row : ndarray
        Shape (cycle), SUMO's letters.

    Returns
    -------
    list of tuple
        Begin, end and whether it is permissive, in order of begin, as `sim.signals.plan.Green` has them.
    """
    cycle = len(row)
    found = []
    for letter, permissive in ((GREEN, False), (PERMISSIVE, True)):
        for begin, length in runs(row == letter):
            end = (begin + length) % cycle or cycle
            found.append((begin, end, permissive))
    return sorted(found)


def runs(mask: NDArray[np.bool_]) -> list[tuple[int, int]]:
    """
    Find the unbroken runs in a cycle.

    Parameters
    ----------
    mask : ndarray
        Shape (cycle).

    Returns
    -------
    list of tuple of int
        First second and length of each, in order; one from 0 over the whole cycle if all are set.
    """
    if mask.all():
        return [(0, len(mask))]
    begins = np.flatnonzero(mask & ~np.roll(mask, 1))
    ends = np.flatnonzero(mask & ~np.roll(mask, -1)) + 1
    # The run across the end of the cycle ends first and begins last.
    if len(ends) and ends[0] <= begins[0]:
        ends = np.roll(ends, -1)
    return [(int(a), int((b - a - 1) % len(mask)) + 1) for a, b in zip(begins, ends, strict=True)]


def stage_order(groups: Sequence[Group], shown: NDArray[np.uint8]) -> list[tuple[str, ...]]:
    """
    Find the stages of a program as they follow each other.

    Parameters
    ----------
    groups : sequence of Group
        The signal's groups.
    shown : ndarray
        Shape (groups, cycle).

    Returns
    -------
    list of tuple of str
        Names of the groups green together; only sets that no neighbouring set contains, which leaves out staggered
        begins and ends.
    """
    green = is_green(shown)
    sets: list[frozenset[int]] = []
    for column in green.T:
        now = frozenset(np.flatnonzero(column).tolist())
        if not sets or sets[-1] != now:
            sets.append(now)
    if len(sets) > 1 and sets[0] == sets[-1]:
        sets.pop()
    kept = [
        now
        for k, now in enumerate(sets)
        if not (now < sets[k - 1] or now < sets[(k + 1) % len(sets)]) and now
    ]
    # What is left out may stand between two times the same.
    order = [now for k, now in enumerate(kept) if len(kept) == 1 or now != kept[k - 1]] or kept[:1]
    return [tuple(groups[k].name for k in sorted(now)) for now in order]
