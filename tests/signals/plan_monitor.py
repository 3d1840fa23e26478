"""
A judge of lamps that shares no line and no idea with `sim.signals.sequence`.

That one looks for begins and ends and measures backwards. This one walks through the seconds with a clock for each
group, as somebody at the kerb with a stop-watch would, and notes what goes wrong the moment it can be seen.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

UNKNOWN = None


@dataclass
class Watch:
    """What is known of a group: its lamp, since when, and when its last green began and ended."""

    lamp: str
    since: int | None = UNKNOWN
    green_since: int | None = UNKNOWN
    green_until: int | None = UNKNOWN
    green: bool = False


def judge(
    rows: Sequence[str],
    names: Sequence[str],
    matrix: Mapping[tuple[str, str], int],
    minimum_green: Sequence[int],
    yellow: Sequence[int],
) -> set[tuple[str, tuple[str, ...]]]:
    """Watch a program that repeats for ever and note each kind of fault with its groups."""
    cycle = len(rows[0])
    # Two cycles until all clocks run, one that counts, and one in which what began in it comes to its end.
    found = watch_record(
        [row * 4 for row in rows],
        names,
        matrix,
        minimum_green,
        yellow,
        first=2 * cycle,
        before=[row[-1] for row in rows],
    )
    for k, row in enumerate(rows):
        if set(row) == {"y"}:
            found.add(("yellow", (names[k],)))
    return found


def watch_record(
    rows: Sequence[str],
    names: Sequence[str],
    matrix: Mapping[tuple[str, str], int],
    minimum_green: Sequence[int],
    yellow: Sequence[int],
    *,
    first: int = 0,
    before: Sequence[str] = (),
) -> set[tuple[str, tuple[str, ...]]]:
    """Watch a record and note each kind of fault seen from its ``first`` second on."""
    watches = [Watch(lamp) for lamp in before or [row[0] for row in rows]]
    for watch in watches:
        watch.green = watch.lamp in "Gg"
    found: set[tuple[str, tuple[str, ...]]] = set()
    for second in range(len(rows[0])):
        noted: set[tuple[str, tuple[str, ...]]] = set()
        for k, row in enumerate(rows):
            noted |= {
                (rule, (names[k],))
                for rule in step(watches[k], row[second], second, minimum_green[k], yellow[k])
            }
        for a, one in enumerate(watches):
            for b, other in enumerate(watches):
                seconds = matrix.get((names[a], names[b]))
                if seconds is None:
                    continue
                if one.lamp in "Ggu" and other.lamp in "Ggu":
                    noted.add(("conflict", (names[min(a, b)], names[max(a, b)])))
                starts = other.green and other.green_since == second
                free = UNKNOWN if one.green or one.green_until is UNKNOWN else one.green_until + seconds
                if starts and free is not UNKNOWN and second < free:
                    noted.add(("intergreen", (names[a], names[b])))
        if second >= first:
            found |= noted
    return found


def step(watch: Watch, lamp: str, second: int, minimum_green: int, yellow: int) -> set[str]:
    """Move one group's clock on and tell what its lamp gives away."""
    faults = set()
    before, watch.lamp = watch.lamp, lamp
    was, watch.green = watch.green, lamp in "Gg"
    if lamp != before:
        if before == "y" and watch.since is not UNKNOWN and second - watch.since != yellow:
            faults.add("yellow")
        watch.since = second
    if lamp == "y" and before not in "yGg":
        faults.add("yellow")
    if watch.green and not was:
        watch.green_since = second or UNKNOWN
    if was and not watch.green:
        watch.green_until = second
        if watch.green_since is not UNKNOWN and second - watch.green_since < minimum_green:
            faults.add("minimum-green")
        if lamp != "y" and yellow:
            faults.add("yellow")
    return faults
