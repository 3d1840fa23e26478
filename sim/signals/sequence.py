"""The safety rules of what a signal shows second after second, whatever program it comes from."""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from typing import TYPE_CHECKING

import numpy as np

from sim.signals.lamps import RED_YELLOW, is_green
from sim.signals.rules import Finding

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from sim.signals.plan import Group, SignalPlan

YELLOW_RUN, RED_YELLOW_RUN = re.compile(b"y+"), re.compile(b"u+")
# Longer ago than any time counts [s].
NEVER = -(10**9)


def sequence_findings(
    signal: SignalPlan, shown: NDArray[np.uint8], first: int, last: int, minimum_red: int
) -> list[Finding]:
    """
    Judge the begins and ends of green in a sequence of lamps.

    Parameters
    ----------
    signal : SignalPlan
        The signal with its safety data.
    shown : ndarray
        Shape (groups, seconds), SUMO's letters; what lies before and after the judged part is known, too.
    first, last : int
        Begins and ends of green in this part are judged [s].
    minimum_red : int
        Shortest red between two greens of a group [s].

    Returns
    -------
    list of Finding
        ``second`` counts from the begin of the sequence.
    """
    green = is_green(shown)
    change = np.diff(green.astype(np.int8), axis=1)
    found: list[Finding] = []
    ends: list[NDArray[np.intp]] = []
    begins: list[NDArray[np.intp]] = []
    for k, group in enumerate(signal.groups):
        begins.append(np.flatnonzero(change[k] == 1) + 1)
        ends.append(np.flatnonzero(change[k] == -1) + 1)
        found += _own(
            group, shown[k].tobytes(), begins[k].tolist(), ends[k].tolist(), (first, last, minimum_red)
        )
    found += _conflicts(signal, shown, green, first, last)
    found += _intergreens(signal, green, begins, ends, (first, last))
    return found


def _conflicts(
    signal: SignalPlan, shown: NDArray[np.uint8], green: NDArray[np.bool_], first: int, last: int
) -> Iterator[Finding]:
    """Find conflicting groups that go together; who sees red-yellow is about to."""
    going = (green | (shown == RED_YELLOW))[:, first:last]
    counted = going.astype(np.float32)
    together = counted @ counted.T > 0
    number = signal.number()
    pairs = {(number[cell.clearing], number[cell.entering]) for cell in signal.intergreens}
    for i, j in sorted({(min(pair), max(pair)) for pair in pairs}):
        if not together[i, j]:
            continue
        one, other = signal.groups[i].name, signal.groups[j].name
        both = np.flatnonzero(going[i] & going[j]) + first
        clear = green[i, both] & green[j, both]
        second = int(both[np.argmax(clear)])
        if clear.any():
            text = f"conflicting groups '{one}' and '{other}' are both green"
        else:
            lead, ahead = (other, one) if green[i, second] else (one, other)
            text = f"group '{lead}' shows red-yellow while the conflicting group '{ahead}' goes"
        yield Finding("conflict", text, groups=(one, other), second=second)


def _intergreens(
    signal: SignalPlan,
    green: NDArray[np.bool_],
    begins: list[NDArray[np.intp]],
    ends: list[NDArray[np.intp]],
    judged: tuple[int, int],
) -> Iterator[Finding]:
    """Find begins of green too soon after the end of a conflicting one."""
    number = signal.number()
    needed = np.full((len(signal.groups),) * 2, -1, np.int64)
    for cell in signal.intergreens:
        needed[number[cell.clearing], number[cell.entering]] = cell.seconds
    ended = np.full(green.shape, NEVER, np.int64)
    for i, times in enumerate(ends):
        ended[i, times] = times
    np.maximum.accumulate(ended, axis=1, out=ended)
    for j, times in enumerate(begins):
        at = times[(times >= judged[0]) & (times < judged[1])]
        passed = at - ended[:, at]
        for i, k in np.argwhere((passed < needed[:, j, np.newaxis]) & ~green[:, at]).tolist():
            names = (signal.groups[i].name, signal.groups[j].name)
            text = (
                f"group '{names[1]}' begins {passed[i, k]} s after the end of '{names[0]}'; "
                f"the intergreen is {needed[i, j]} s"
            )
            yield Finding("intergreen", text, groups=names, second=int(at[k]))


def _own(
    group: Group, row: bytes, begins: list[int], ends: list[int], judged: tuple[int, int, int]
) -> Iterator[Finding]:
    """Judge one group's greens, yellows, reds and red-yellows."""
    first, last, minimum_red = judged
    name = (group.name,)
    for end in ends[bisect_left(ends, first) : bisect_left(ends, last)]:
        k = bisect_left(begins, end)
        if k and end - begins[k - 1] < group.minimum_green:
            begin = begins[k - 1]
            text = f"group '{group.name}' is green for {end - begin} s; its minimum green is {group.minimum_green} s"
            yield Finding("minimum-green", text, groups=name, second=begin)
        after = len(row) - end - len(row[end:].lstrip(b"y"))
        if after != group.yellow:
            text = f"group '{group.name}' shows {after} s of yellow after its green; {group.yellow} s"
            yield Finding("yellow", text, groups=name, second=end)
    for begin in begins[bisect_left(begins, first) : bisect_left(begins, last)]:
        lead = begin - len(row[:begin].rstrip(b"u"))
        if lead != group.red_yellow:
            text = f"group '{group.name}' shows {lead} s of red-yellow before its green; {group.red_yellow} s"
            yield Finding("red-yellow", text, groups=name, second=begin)
        k = bisect_right(ends, begin)
        if k:
            red = begin - ends[k - 1] - group.yellow - group.red_yellow
            if red < minimum_red:
                text = f"group '{group.name}' shows {max(red, 0)} s of red before its green; at least {minimum_red} s"
                yield Finding("minimum-red", text, groups=name, second=begin)
    yield from _strays(group, row, first, last)


def _strays(group: Group, row: bytes, first: int, last: int) -> Iterator[Finding]:
    """Find yellow that follows no green, and red-yellow that no green follows."""
    for run, rule, what in (
        (YELLOW_RUN, "yellow", "yellow that follows no green"),
        (RED_YELLOW_RUN, "red-yellow", "red-yellow that no green follows"),
    ):
        for match in run.finditer(row):
            if match.end() <= first or match.start() >= last:
                continue
            beside = match.start() - 1 if rule == "yellow" else match.end()
            # Where the run reaches the edge of what is known, green may stand beyond; not if there is nothing else.
            alone = len(match.group()) == len(row)
            if row[beside] not in b"Gg" if 0 <= beside < len(row) else alone:
                second = max(match.start(), first)
                yield Finding(rule, f"group '{group.name}' shows {what}", groups=(group.name,), second=second)
                break
