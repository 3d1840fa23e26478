"""
A safety monitor that knows nothing of the guard: it reads the lamps of a signal second by second, and the rules.

It is written in terms of whole records (when did which green begin and end), where the guard counts seconds: the
two share no line and no idea.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
NEVER = -(10**9)
# How much longer a begin may wait for vehicles that are still on the junction [s].
CLEARING = 10
# How much longer a crossing is green for who is seen there [s].
LATE_START = 5
LONGEST_STAY = 30


class Rules(NamedTuple):
    """What one signal with n groups must keep; times in seconds."""

    yellow: Array
    red_yellow: Array
    minimum_green: Array
    minimum_red: Array
    maximum_red: Array
    intergreen: Array  # n x n, -1: compatible
    yields: Array  # n x n
    served: Array  # n, some stage contains the group
    dark: Array  # n, the letter shown for ever, 0: none


def rules_of(network: Any, s: int) -> Rules:
    """Cut one signal's rules out of a network."""
    groups = slice(network.group_ptr[s], network.group_ptr[s + 1])
    n = groups.stop - groups.start
    pairs = slice(network.matrix_ptr[s], network.matrix_ptr[s + 1])
    shows = network.stage_shows[network.stage_matrix_ptr[s] : network.stage_matrix_ptr[s + 1]].reshape(-1, n)
    return Rules(
        *(np.array(getattr(network, name)[groups]) for name in Rules._fields[:5]),
        np.array(network.intergreen[pairs]).reshape(n, n),
        np.array(network.yields[pairs]).reshape(n, n) != 0,
        (shows != 0).any(axis=0),
        np.array(network.dark[groups]),
    )


def bounded_wait(rules: Rules) -> int:
    """
    Bound the seconds of demand beyond the maximum red.

    Groups are served one after the other, the one longest beyond its maximum first, each after the slowest
    transition there is. Where all wait all the time, each of n groups goes ahead at most once. Demands that come and
    go let others catch up; the game of emptying the fullest of n cups bounds that by a factor of 1 + ln n. A crossing
    before which somebody is seen is green for longer than its minimum, and so is a group whose exit is full.
    """
    slowest = (
        2 * rules.red_yellow.max(initial=0)
        + max(rules.minimum_green.max(initial=0) + LATE_START, LONGEST_STAY)
        + max(rules.intergreen.max(initial=0), rules.yellow.max(initial=0) + rules.minimum_red.max(initial=1))
        + CLEARING
        + 3
    )
    n = int(rules.served.sum())
    return int(slowest * (n + 1) * (1.0 + np.log(max(n, 1))))


def runs(mask: Array) -> tuple[Array, Array]:
    """Find the unbroken runs of a mask: their first seconds, and the seconds after their last."""
    edge = np.diff(np.concatenate([[0], mask.astype(np.int8), [0]]))
    return np.flatnonzero(edge == 1), np.flatnonzero(edge == -1)


def lamp_faults(lamps: Array, rules: Rules, waiting: Array | None = None) -> list[str]:
    """
    Name everything unsafe in a record.

    ``lamps`` has one row a second and one column a group, as ASCII letters; ``waiting`` is what the guard was told
    in the same seconds. Before the record every group was in the state of its first row for as long as need be.
    """
    faults: list[str] = []
    seconds, n = lamps.shape
    look = {name: np.isin(lamps, [ord(c) for c in letters]) for name, letters in LOOKS.items()}
    if not np.logical_or.reduce(list(look.values())).all():
        return ["unknown letter"]
    green, yellow, lead, red = look["green"], look["yellow"], look["red-yellow"], look["red"]
    begins = np.zeros_like(green)
    begins[1:] = green[1:] & ~green[:-1]
    ends = np.zeros_like(green)
    ends[1:] = ~green[1:] & green[:-1]
    clock = np.arange(seconds)[:, None]
    last_end = np.maximum.accumulate(np.where(ends, clock, NEVER), axis=0)
    for g in range(n):
        if rules.dark[g]:
            if (lamps[:, g] != rules.dark[g]).any():
                faults.append(f"group {g}: dark group switched")
            continue
        faults += [f"group {g}: {text}" for text in group_faults(g, look, rules)]
        if waiting is not None and rules.served[g]:
            faults += wait_faults(g, red[:, g] | yellow[:, g], waiting[:, g], rules)
        begun = np.flatnonzero(begins[:, g])
        for i in range(n):
            if i == g:
                continue
            if max(rules.intergreen[i, g], rules.intergreen[g, i]) >= 0:
                both = (green[:, i] | lead[:, i]) & (green[:, g] | lead[:, g])
                if both.any():
                    faults.append(f"groups {i} and {g}: conflict moving in second {both.argmax()}")
                short = begun[begun - last_end[begun, i] < rules.intergreen[i, g]]
                if len(short):
                    faults.append(f"groups {i} and {g}: intergreen short in second {short[0]}")
            if rules.yields[g, i]:
                bad = (lamps[:, g] == ord("G")) & ~red[:, i]
                if bad.any():
                    faults.append(f"groups {g} and {i}: right of way without cause in second {bad.argmax()}")
    return faults


LOOKS = {"green": "Gg", "yellow": "y", "red-yellow": "u", "red": "rsoO"}


def group_faults(g: int, look: dict[str, Array], rules: Rules) -> list[str]:
    """Check the order and the length of one group's states."""
    faults = []
    state = np.select([look[name][:, g] for name in LOOKS], list(range(4)))
    needs_yellow, needs_lead = rules.yellow[g] > 0, rules.red_yellow[g] > 0
    allowed = np.zeros((4, 4), np.bool_)
    allowed[0, 1 if needs_yellow else 3] = True
    allowed[1, 3] = True
    allowed[2, 0] = True
    allowed[3, 2 if needs_lead else 0] = True
    before, after = state[:-1], state[1:]
    wrong = (before != after) & ~allowed[before, after]
    if wrong.any():
        second = int(wrong.argmax())
        names = list(LOOKS)
        faults.append(f"{names[before[second]]} is followed by {names[after[second]]} in second {second + 1}")
    seconds = len(state)
    bounds = {
        "green": (max(rules.minimum_green[g], 1), None),
        "yellow": (rules.yellow[g], rules.yellow[g]),
        "red-yellow": (rules.red_yellow[g], rules.red_yellow[g]),
        "red": (max(rules.minimum_red[g], 1), None),
    }
    for k, (name, (least, most)) in enumerate(bounds.items()):
        first, past = runs(state == k)
        for a, b in zip(first, past, strict=True):
            begun_before = a == 0 and name != "green"
            if b < seconds and not begun_before and b - a < least:
                faults.append(f"{name} too short in second {b}")
                break
            if most is not None and b - a > most:
                faults.append(f"{name} too long in second {b}")
                break
    return faults


def wait_faults(g: int, stopped: Array, waiting: Array, rules: Rules) -> list[str]:
    """Check that a group that waits is served in time."""
    if rules.maximum_red[g] == np.iinfo(np.int32).max:
        return []
    demand = np.concatenate([[0], np.cumsum(waiting > 0)])
    for a, b in zip(*runs(stopped), strict=True):
        # The last row shows what came of the last second's request; nothing is asked in it.
        waited = demand[min(b, len(waiting))] - demand[a]
        if waited > rules.maximum_red[g] + bounded_wait(rules):
            return [f"group {g}: maximum red: waits {waited} s from second {a}"]
    return []
