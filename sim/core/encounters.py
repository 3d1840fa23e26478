"""Who comes too close to whom: time to collision and post-encroachment time, second by second."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from sim.core.bodies import (
    AFTER,
    COS_CROSSING,
    COS_REAR_END,
    FRAMES,
    STANDING,
    STEP,
    Bodies,
    Frames,
    Lanes,
    ahead,
    apart,
    cut_in,
    overlap,
    way,
)
from sim.core.encroachment import POST_ENCROACHMENT, encroach, nodes_used
from sim.core.jit import inner, kernel, leaf

if TYPE_CHECKING:
    from sim.core.arrays import Float, Int

# A conflict: at most so long to the collision if both go on as they do [s] (Hydén 1987; FHWA-HRT-08-051).
TIME_TO_COLLISION = 1.5

REAR_END, LANE_CHANGE, CROSSING, WITH_PEDESTRIAN = 0, 1, 2, 3
# How many numbers an event has, see `Event`.
WIDTH = 10


@leaf
def may_meet(lanes: Lanes, frames: Frames, row: int, i: int, j: int) -> bool:
    """
    Tell whether two on different lanes can come together at a junction; roads that only cross on a bridge cannot.

    Parameters
    ----------
    lanes : Lanes
        The net.
    frames : Frames
        The seconds.
    row : int
        Which one.
    i, j : int
        The two.

    Returns
    -------
    bool
        True if both are on the same junction, leave it, or reach it within the time to collision.
    """
    one, other = frames.lane[row, i], frames.lane[row, j]
    here_i = lanes.inside[one] != 0
    here_j = lanes.inside[other] != 0
    comes_i = not here_i and frames.left[row, i] <= TIME_TO_COLLISION * frames.speed[row, i]
    comes_j = not here_j and frames.left[row, j] <= TIME_TO_COLLISION * frames.speed[row, j]
    if here_i and here_j:
        return bool(lanes.end[one] == lanes.end[other])
    if here_i:
        return bool((comes_j and lanes.end[other] == lanes.end[one]) or lanes.begin[other] == lanes.end[one])
    if here_j:
        return bool((comes_i and lanes.end[one] == lanes.end[other]) or lanes.begin[one] == lanes.end[other])
    if comes_i and comes_j:
        return bool(lanes.end[one] == lanes.end[other])
    return bool(
        (comes_i and lanes.end[one] == lanes.begin[other])
        or (comes_j and lanes.end[other] == lanes.begin[one])
    )


@leaf
def beside(lanes: Lanes, bodies: Bodies, i: int, j: int) -> bool:
    """
    Tell whether two come from the same road: their paths part behind the stop line, or go on side by side.

    Parameters
    ----------
    lanes : Lanes
        The net.
    bodies : Bodies
        Where they come from.
    i, j : int
        The two.

    Returns
    -------
    bool
        True if they do.
    """
    one, other = bodies.origin[i], bodies.origin[j]
    return bool(one >= 0 and other >= 0 and lanes.edge[one] == lanes.edge[other])


@leaf
def collide(size: Float, frames: Frames, second: int, i: int, j: int, follows: int) -> tuple[float, int]:
    """
    Find when two would collide if each kept its speed along its path.

    Parameters
    ----------
    size : Float
        Shape (slots, 2), length and width [m].
    frames : Frames
        The seconds.
    second : int
        From when on.
    i, j : int
        The two.
    follows : int
        1: they come from the same lane: whatever they do behind the stop line, one follows the other.

    Returns
    -------
    tuple of float and int
        Time to collision [s], infinite if there is none within the threshold, and its kind.
    """
    row = second % FRAMES
    vi, vj = frames.speed[row, i], frames.speed[row, j]
    a, b = size[i], size[j]
    dx, dy = frames.x[row, i] - frames.x[row, j], frames.y[row, i] - frames.y[row, j]
    distance = math.sqrt(dx * dx + dy * dy)
    found, kind = math.inf, REAR_END
    k, last = 1, round(TIME_TO_COLLISION / STEP)
    far = distance > TIME_TO_COLLISION * (vi + vj) + a[0] + b[0]
    # Bodies of long vehicles overlap while they turn: no collision course.
    if far or overlap(ahead(frames, second, i, 0.0), ahead(frames, second, j, 0.0), a, b):
        k = last + 1
    while k <= last:
        time = k * STEP
        one, other = ahead(frames, second, i, vi * time), ahead(frames, second, j, vj * time)
        if not overlap(one, other, a, b):
            # Nothing can happen before they have come as near as their bodies reach.
            k += max(1, int(apart(one, other, a, b) / (STEP * max(vi + vj, STANDING))))
            continue
        cos = one[2] * other[2] + one[3] * other[3]
        if cos > COS_REAR_END or follows != 0:
            # Side by side on two lanes of a bend is no conflict: the front of one has to come up to the rear of the other.
            gap = distance - (b[0] if vi > vj else a[0])
            if gap > 0.0 and abs(vi - vj) * time >= gap / 2.0:
                found = time
        elif way(frames, second, i) >= vi * time and way(frames, second, j) >= vj * time:
            # Neither stopped before, at its stop line.
            found, kind = time, CROSSING if cos < COS_CROSSING else LANE_CHANGE
        break
    return found, kind


@leaf
def note(events: Float, count: int, event: tuple[float, ...]) -> int:
    """
    Append an event if there is room.

    Parameters
    ----------
    events : Float
        Shape (capacity, WIDTH); changed in place.
    count : int
        Events so far.
    event : tuple of float
        The event.

    Returns
    -------
    int
        Events now; above the capacity if there was no room.
    """
    if count < len(events):
        for k in range(WIDTH):
            events[count, k] = event[k]
    return count + 1


@leaf
def follow(
    lanes: Lanes, bodies: Float, frames: Frames, second: int, order: Int, events: Float, count: int
) -> int:
    """
    Find who closes in on the vehicle ahead on the same lane.

    Parameters
    ----------
    lanes : Lanes
        The net.
    bodies : Float
        Shape (slots, 2), length and width [m].
    frames : Frames
        The seconds.
    second : int
        Which one.
    order : Int
        Vehicles, sorted by lane and from its end to its begin.
    events : Float
        Shape (capacity, WIDTH); changed in place.
    count : int
        Events so far.

    Returns
    -------
    int
        Events now.
    """
    row = second % FRAMES
    for k in range(1, len(order)):
        leader, i = order[k - 1], order[k]
        if frames.lane[row, leader] != frames.lane[row, i]:
            continue
        closing = frames.speed[row, i] - frames.speed[row, leader]
        gap = frames.left[row, i] - frames.left[row, leader] - bodies[leader, 0]
        if closing <= 0.0 or gap <= 0.0 or gap > TIME_TO_COLLISION * closing:
            continue
        kind = REAR_END
        if cut_in(lanes, frames, second, i) or cut_in(lanes, frames, second, leader):
            kind = LANE_CHANGE
        time = gap / closing
        measures = (time, math.inf, closing / (2.0 * time))
        count = note_pair(frames, row, (i, leader, kind), measures, events, count)
    return count


@leaf
def is_pair(lanes: Lanes, bodies: Bodies, frames: Frames, row: int, i: int, j: int) -> bool:
    """
    Tell whether two on different lanes are to be looked at.

    Parameters
    ----------
    lanes : Lanes
        The net.
    bodies : Bodies
        Who is a person, and where they come from.
    frames : Frames
        The seconds.
    row : int
        Which one.
    i, j : int
        The two.

    Returns
    -------
    bool
        False if both stand, both are on foot, or they cannot come together.
    """
    if frames.speed[row, i] < STANDING and frames.speed[row, j] < STANDING:
        return False
    if bodies.person[i] != 0 and bodies.person[j] != 0:
        return False
    one, other = frames.lane[row, i], frames.lane[row, j]
    # On one lane, or on two lanes of a road: `follow` sees them.
    if one == other or (lanes.edge[one] == lanes.edge[other] and lanes.inside[one] == 0):
        return False
    if bodies.origin[i] != bodies.origin[j] and beside(lanes, bodies, i, j):
        return False
    return may_meet(lanes, frames, row, i, j)


@leaf
def note_meeting(
    bodies: Bodies,
    frames: Frames,
    row: int,
    pair: tuple[int, int, int],
    time: float,
    events: Float,
    count: int,
) -> int:
    """
    Append a meeting of two on different lanes.

    Parameters
    ----------
    bodies : Bodies
        Who is a person.
    frames : Frames
        The seconds.
    row : int
        Which one.
    pair : tuple of int
        The two and the kind of their conflict.
    time : float
        Time to collision [s].
    events : Float
        Shape (capacity, WIDTH); changed in place.
    count : int
        Events so far.

    Returns
    -------
    int
        Events now.
    """
    first, then, kind = pair
    needed = math.nan
    if bodies.person[first] != 0 or bodies.person[then] != 0:
        if kind == REAR_END:
            return count  # on the same path: none walks on the carriageway
        kind = WITH_PEDESTRIAN
        if bodies.person[first] != 0:
            first, then = then, first
    elif kind == REAR_END:
        dx, dy = frames.x[row, then] - frames.x[row, first], frames.y[row, then] - frames.y[row, first]
        if dx * frames.hx[row, first] + dy * frames.hy[row, first] < 0.0:
            first, then = then, first
        closing = frames.speed[row, first] - frames.speed[row, then]
        if closing <= 0.0:
            return count
        needed = closing / (2.0 * time)
    return note_pair(frames, row, (first, then, kind), (time, math.inf, needed), events, count)


@leaf
def note_pair(
    frames: Frames,
    row: int,
    pair: tuple[int, int, int],
    measures: tuple[float, float, float],
    events: Float,
    count: int,
) -> int:
    """
    Append an event with the place of the ego and both speeds.

    Parameters
    ----------
    frames : Frames
        The seconds.
    row : int
        Which one.
    pair : tuple of int
        Ego, foe, kind.
    measures : tuple of float
        Time to collision, post-encroachment time [s], deceleration [m/s2].
    events : Float
        Shape (capacity, WIDTH); changed in place.
    count : int
        Events so far.

    Returns
    -------
    int
        Events now.
    """
    i, j, kind = pair
    event = (
        float(i),
        float(j),
        float(kind),
        measures[0],
        measures[1],
        measures[2],
        frames.x[row, i],
        frames.y[row, i],
        frames.speed[row, i],
        frames.speed[row, j],
    )
    return note(events, count, event)


@inner
def junctions(lanes: Lanes, frames: Frames, row: int, there: Int) -> tuple[Int, Int]:
    """
    Find the junctions at which somebody may meet others within the time to collision.

    Parameters
    ----------
    lanes : Lanes
        The net.
    frames : Frames
        The seconds.
    row : int
        Which one.
    there : Int
        Shape (n), everybody.

    Returns
    -------
    tuple of Int
        Shape (n) each: the junction that each is on or reaches in time, and the one that it is on or comes from; where
        there is none a number below zero, which nobody else has.
    """
    to, off = np.empty(len(there), np.int32), np.empty(len(there), np.int32)
    for k in range(len(there)):
        i = there[k]
        lane = frames.lane[row, i]
        if lanes.inside[lane] != 0:
            to[k] = off[k] = lanes.end[lane]
        else:
            comes = frames.left[row, i] <= TIME_TO_COLLISION * frames.speed[row, i]
            to[k] = lanes.end[lane] if comes else -1 - k
            off[k] = lanes.begin[lane]
    return to, off


@inner
def meet(
    lanes: Lanes, bodies: Bodies, size: Float, frames: Frames, second: int, events: Float, count: int
) -> int:
    """
    Find who would collide with somebody on another lane.

    Parameters
    ----------
    lanes : Lanes
        The net.
    bodies : Bodies
        Who is a person.
    size : Float
        Shape (slots, 2), length and width [m].
    frames : Frames
        The seconds.
    second : int
        Which one.
    events : Float
        Shape (capacity, WIDTH); changed in place.
    count : int
        Events so far.

    Returns
    -------
    int
        Events now.
    """
    row = second % FRAMES
    there = np.flatnonzero(frames.there[row])
    there = there[np.argsort(frames.x[row][there], kind="mergesort")]
    x, y = frames.x[row][there], frames.y[row][there]
    to, off = junctions(lanes, frames, row, there.astype(np.int32))
    # Nobody further apart than this can meet.
    fastest, longest = 0.0, 0.0
    for i in there:
        fastest, longest = max(fastest, frames.speed[row, i]), max(longest, size[i, 0])
    for k in range(len(there)):
        i = there[k]
        reach = TIME_TO_COLLISION * (frames.speed[row, i] + fastest) + size[i, 0] + longest
        for m in range(k + 1, len(there)):
            if x[m] - x[k] > reach:
                break
            # Most pairs end here: they have no junction in common. `may_meet` looks closer.
            if to[k] != to[m] and to[k] != off[m] and to[m] != off[k]:
                continue
            j = there[m]
            if abs(y[m] - y[k]) > reach or not is_pair(lanes, bodies, frames, row, i, j):
                continue
            follows = int(bodies.origin[i] == bodies.origin[j] and bodies.origin[i] >= 0)
            time, kind = collide(size, frames, second, i, j, follows)
            if time <= TIME_TO_COLLISION:
                count = note_meeting(bodies, frames, row, (i, j, kind), time, events, count)
    return count


@inner
def pass_behind(
    lanes: Lanes, bodies: Bodies, size: Float, frames: Frames, second: int, events: Float, count: int
) -> int:
    """
    Find who took a place on a junction shortly after another had left it.

    Parameters
    ----------
    lanes : Lanes
        The net.
    bodies : Bodies
        Who is a person.
    size : Float
        Shape (slots, 2), length and width [m].
    frames : Frames
        The seconds.
    second : int
        The second that ends now.
    events : Float
        Shape (capacity, WIDTH); changed in place.
    count : int
        Events so far.

    Returns
    -------
    int
        Events now.
    """
    node = nodes_used(lanes, frames, second)
    users = np.flatnonzero(node >= 0)
    users = users[np.argsort(node[users], kind="mergesort")]
    last, now = (second - 1) % FRAMES, second % FRAMES
    for k in range(len(users)):
        i = users[k]
        if frames.there[last, i] == 0 or frames.there[now, i] == 0 or frames.speed[now, i] < STANDING:
            continue
        for side in (-1, 1):
            m = k + side
            while 0 <= m < len(users) and node[users[m]] == node[i]:
                j = users[m]
                m += side
                both_walk = bodies.person[i] != 0 and bodies.person[j] != 0
                # From one road: one behind the other or side by side, then each its way.
                if both_walk or beside(lanes, bodies, i, j):
                    continue
                time = encroach(size, frames, second, i, j)
                if time > POST_ENCROACHMENT:
                    continue
                cos = frames.hx[now, i] * frames.hx[last, j] + frames.hy[now, i] * frames.hy[last, j]
                kind = CROSSING if cos < COS_CROSSING else LANE_CHANGE
                if bodies.person[i] != 0 or bodies.person[j] != 0:
                    kind = WITH_PEDESTRIAN
                count = note_pair(frames, now, (i, j, kind), (math.inf, time, math.nan), events, count)
    return count


@kernel
def encounters(lanes: Lanes, bodies: Bodies, frames: Frames, second: int, events: Float) -> tuple[int, int]:
    """
    Find the conflicts of one second: those of time to collision `AFTER` seconds ago, of post-encroachment time now.

    Parameters
    ----------
    lanes : Lanes
        The net.
    bodies : Bodies
        Lengths and widths.
    frames : Frames
        The seconds up to now.
    second : int
        The newest one, counted from 0.
    events : Float
        Shape (capacity, WIDTH): ego, foe, kind, time to collision [s], post-encroachment time [s], deceleration that
        avoids the collision [m/s2], x, y [m], speeds of ego and foe [m/s]; changed in place.

    Returns
    -------
    tuple of int
        How many come from the time to collision, and how many there are; more than the capacity: call again with more.
    """
    size = np.empty((len(bodies.length), 2))
    size[:, 0], size[:, 1] = bodies.length, bodies.width
    count = 0
    judged = second - AFTER
    if judged >= 0:
        row = judged % FRAMES
        there = np.flatnonzero((frames.there[row] != 0) & (bodies.person == 0))
        # By lane, then from its end backwards; equal ones stay in the order of slots.
        there = there[np.argsort(frames.left[row][there], kind="mergesort")]
        there = there[np.argsort(frames.lane[row][there], kind="mergesort")]
        count = follow(lanes, size, frames, judged, there.astype(np.int32), events, count)
        count = meet(lanes, bodies, size, frames, judged, events, count)
    colliding = count
    if second >= 3:
        count = pass_behind(lanes, bodies, size, frames, second, events, count)
    return colliding, count
