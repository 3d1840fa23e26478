"""The safety rules of what a signal shows second after second, whatever program it comes from."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from sim.signals.rules import Finding

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from sim.signals.plan import Group, SignalPlan

G, PERMISSIVE, YELLOW, RED_YELLOW = (ord(letter) for letter in "Ggyu")


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
    green = (shown == G) | (shown == PERMISSIVE)
    change = np.diff(green.astype(np.int8), axis=1)
    found: list[Finding] = []
    ends: list[NDArray[np.intp]] = []
    begins: list[NDArray[np.intp]] = []
    for k, group in enumerate(signal.groups):
        begins.append(np.flatnonzero(change[k] == 1) + 1)
        ends.append(np.flatnonzero(change[k] == -1) + 1)
        found += _own(group, shown[k], begins[k], ends[k], (first, last, minimum_red))
    number = signal.number()
    matrix = {(number[c.clearing], number[c.entering]): c.seconds for c in signal.intergreens}
    names = [group.name for group in signal.groups]
    for (i, j), seconds in matrix.items():
        if i < j:
            both = np.flatnonzero(green[i, first:last] & green[j, first:last])
            if len(both):
                text = f"conflicting groups '{names[i]}' and '{names[j]}' are both green"
                found.append(
                    Finding("conflict", text, groups=(names[i], names[j]), second=first + int(both[0]))
                )
        for begin in begins[j]:
            if not first <= begin < last or green[i, begin]:
                continue
            before = ends[i][ends[i] <= begin]
            if len(before) and begin - before[-1] < seconds:
                text = (
                    f"group '{names[j]}' begins {begin - before[-1]} s after the end of '{names[i]}'; "
                    f"the intergreen is {seconds} s"
                )
                found.append(Finding("intergreen", text, groups=(names[i], names[j]), second=int(begin)))
    return found


def _own(
    group: Group,
    row: NDArray[np.uint8],
    begins: NDArray[np.intp],
    ends: NDArray[np.intp],
    judged: tuple[int, int, int],
) -> Iterator[Finding]:
    """Judge one group's greens, yellows, reds and red-yellows."""
    first, last, minimum_red = judged
    name = (group.name,)
    for end in ends[(ends >= first) & (ends < last)].tolist():
        before = begins[begins < end]
        if len(before) and end - before[-1] < group.minimum_green:
            begin = int(before[-1])
            text = f"group '{group.name}' is green for {end - begin} s; its minimum green is {group.minimum_green} s"
            yield Finding("minimum-green", text, groups=name, second=begin)
        after = int(np.argmax(row[end:] != YELLOW)) if (row[end:] != YELLOW).any() else len(row) - end
        if after != group.yellow:
            text = f"group '{group.name}' shows {after} s of yellow after its green; {group.yellow} s"
            yield Finding("yellow", text, groups=name, second=end)
    for begin in begins[(begins >= first) & (begins < last)].tolist():
        past = row[:begin][::-1]
        lead = int(np.argmax(past != RED_YELLOW)) if (past != RED_YELLOW).any() else begin
        if lead != group.red_yellow:
            text = f"group '{group.name}' shows {lead} s of red-yellow before its green; {group.red_yellow} s"
            yield Finding("red-yellow", text, groups=name, second=begin)
        before = ends[ends <= begin]
        if len(before):
            red = int(begin - before[-1]) - group.yellow - group.red_yellow
            if red < minimum_red:
                text = f"group '{group.name}' shows {max(red, 0)} s of red before its green; at least {minimum_red} s"
                yield Finding("minimum-red", text, groups=name, second=begin)
    yield from _strays(group, row, first, last)


def _strays(group: Group, row: NDArray[np.uint8], first: int, last: int) -> Iterator[Finding]:
    """Find yellow that follows no green, and red-yellow that no green follows."""
    for letter, step, rule, what in (
        (YELLOW, -1, "yellow", "yellow that follows no green"),
        (RED_YELLOW, 1, "red-yellow", "red-yellow that no green follows"),
    ):
        for at in np.flatnonzero(row[first:last] == letter).tolist():
            k = first + at
            while 0 <= k < len(row) and row[k] == letter:
                k += step
            if 0 <= k < len(row) and row[k] not in {G, PERMISSIVE}:
                yield Finding(
                    rule, f"group '{group.name}' shows {what}", groups=(group.name,), second=first + at
                )
                break
