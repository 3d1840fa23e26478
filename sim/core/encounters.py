"""Who comes too close to whom: time to collision, post-encroachment time and hard braking, second by second."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from sim.core.arrays import Byte, Float, Int
from sim.core.jit import inner, kernel, leaf

# Seconds kept, and of them those that follow the second that is judged: a driver must really have come to the place of
# a conflict within them (the largest post-encroachment time of FHWA's SSAM, 5 s).
FRAMES, AFTER = 12, 5
# A conflict: at most so long to the collision if both go on as they do [s] (Hydén 1987; FHWA-HRT-08-051).
TIME_TO_COLLISION = 1.5
# A conflict: at most so long between one leaving a place and the other coming to it [s] (Peesapati et al. 2018).
POST_ENCROACHMENT = 1.5
# Angle between two directions of travel [cos]: below 30 degrees a rear-end conflict, above 85 a crossing one (SSAM 3).
COS_REAR_END, COS_CROSSING = math.cos(math.radians(30.0)), math.cos(math.radians(85.0))
# A lane change is held to be the cause of a conflict for so long [s] (assumed).
CUT_IN = 3
STANDING = 0.1  # [m/s]
# Steps of the search [s].
STEP = 0.1

REAR_END, LANE_CHANGE, CROSSING, WITH_PEDESTRIAN = 0, 1, 2, 3
# How many numbers an event has, see `Event`.
WIDTH = 10


class Lanes(NamedTuple):
    """Every lane of the net, with its axis."""

    ptr: Int  # (lanes+1) points of the axis
    x: Float  # (points) [m]
    y: Float  # (points) [m]
    along: Float  # (points) position on the lane [m]
    length: Float  # (lanes) [m]
    edge: Int  # (lanes)
    begin: Int  # (lanes) node it begins at; for a lane on a junction, that node
    end: Int  # (lanes) node it ends at
    inside: Byte  # (lanes) 1: on a junction


class Bodies(NamedTuple):
    """What does not change about a vehicle or a person."""

    length: Float  # (slots) [m]
    width: Float  # (slots) [m]
    person: Byte  # (slots)
    origin: Int  # (slots) the lane it was on last, outside junctions; -1: none yet; the only one that changes


class Frames(NamedTuple):
    """The last seconds, each in row ``second % FRAMES``."""

    there: Byte  # (FRAMES, slots) 1: in the network
    lane: Int  # (FRAMES, slots)
    left: Float  # (FRAMES, slots) to the end of the lane [m]
    x: Float  # (FRAMES, slots) front [m]
    y: Float  # (FRAMES, slots)
    hx: Float  # (FRAMES, slots) direction of travel, length 1
    hy: Float  # (FRAMES, slots)
    speed: Float  # (FRAMES, slots) [m/s]


def new_frames(slots: int) -> Frames:
    """
    Make empty frames.

    Parameters
    ----------
    slots : int
        Vehicles and persons at once.

    Returns
    -------
    Frames
        Nobody is there.
    """
    return Frames(
        np.zeros((FRAMES, slots), np.uint8),
        np.zeros((FRAMES, slots), np.int32),
        *np.zeros((6, FRAMES, slots)),
    )


@kernel
def place(
    lanes: Lanes, bodies: Bodies, frames: Frames, row: int, slots: Int, lane: Int, position: Float, speed: Float
) -> None:
    """
    Put vehicles where they are on their lanes' axes.

    Parameters
    ----------
    lanes : Lanes
        The net.
    bodies : Bodies
        ``origin`` is changed in place.
    frames : Frames
        One row is changed in place.
    row : int
        Which.
    slots : Int
        Shape (n), the vehicles.
    lane : Int
        Shape (n), their lanes.
    position : Float
        Shape (n), on the lane [m].
    speed : Float
        Shape (n) [m/s].
    """
    for k in range(len(slots)):
        i, number = slots[k], lane[k]
        at, last = lanes.ptr[number], lanes.ptr[number + 1] - 1
        while at + 1 < last and lanes.along[at + 1] < position[k]:
            at += 1
        dx, dy = lanes.x[at + 1] - lanes.x[at], lanes.y[at + 1] - lanes.y[at]
        size = math.sqrt(dx * dx + dy * dy)
        share = 0.0
        if size > 0.0:
            frames.hx[row, i], frames.hy[row, i] = dx / size, dy / size
            share = (position[k] - lanes.along[at]) / max(lanes.along[at + 1] - lanes.along[at], 1e-9)
        frames.x[row, i] = lanes.x[at] + share * dx
        frames.y[row, i] = lanes.y[at] + share * dy
        frames.there[row, i] = 1
        frames.lane[row, i] = number
        frames.left[row, i] = lanes.length[number] - position[k]
        frames.speed[row, i] = speed[k]
        if lanes.inside[number] == 0:
            bodies.origin[i] = number


@leaf
def overlap(one: tuple[float, float, float, float], other: tuple[float, float, float, float], a: Float, b: Float) -> bool:
    """
    Tell whether two bodies share a place (separating axes of two rectangles).

    Parameters
    ----------
    one, other : tuple of float
        Front [m] and direction of each: x, y, hx, hy.
    a, b : Float
        Length and width of each [m].

    Returns
    -------
    bool
        True if they do.
    """
    ax, ay, ahx, ahy = one
    bx, by, bhx, bhy = other
    # Between the centres.
    dx = bx - bhx * b[0] / 2.0 - ax + ahx * a[0] / 2.0
    dy = by - bhy * b[0] / 2.0 - ay + ahy * a[0] / 2.0
    reach = (a[0] + a[1] + b[0] + b[1]) / 2.0
    if dx * dx + dy * dy > reach * reach:
        return False
    cos = abs(ahx * bhx + ahy * bhy)
    sin = abs(ahx * bhy - ahy * bhx)
    if abs(dx * ahx + dy * ahy) > (a[0] + b[0] * cos + b[1] * sin) / 2.0:
        return False
    if abs(dx * ahy - dy * ahx) > (a[1] + b[0] * sin + b[1] * cos) / 2.0:
        return False
    if abs(dx * bhx + dy * bhy) > (b[0] + a[0] * cos + a[1] * sin) / 2.0:
        return False
    return abs(dx * bhy - dy * bhx) <= (b[1] + a[0] * sin + a[1] * cos) / 2.0


@leaf
def apart(one: tuple[float, float, float, float], other: tuple[float, float, float, float], a: Float, b: Float) -> float:
    """
    Measure how far two bodies are apart at least.

    Parameters
    ----------
    one, other : tuple of float
        Front [m] and direction of each: x, y, hx, hy.
    a, b : Float
        Length and width of each [m].

    Returns
    -------
    float
        Distance of the fronts less all that the bodies reach [m]; below 0 where they may overlap.
    """
    dx, dy = one[0] - other[0], one[1] - other[1]
    return math.sqrt(dx * dx + dy * dy) - (a[0] + a[1] + b[0] + b[1])


@leaf
def between(frames: Frames, row: int, after: int, i: int, share: float) -> tuple[float, float, float, float]:
    """
    Find where somebody was between two seconds.

    Parameters
    ----------
    frames : Frames
        The seconds.
    row, after : int
        The two rows.
    i : int
        Who.
    share : float
        0: at the first, 1: at the second.

    Returns
    -------
    tuple of float
        Front [m] and direction: x, y, hx, hy.
    """
    hx = frames.hx[row, i] + share * (frames.hx[after, i] - frames.hx[row, i])
    hy = frames.hy[row, i] + share * (frames.hy[after, i] - frames.hy[row, i])
    size = math.sqrt(hx * hx + hy * hy)
    if size > 1e-6:
        hx, hy = hx / size, hy / size
    else:
        hx, hy = frames.hx[row, i], frames.hy[row, i]
    x = frames.x[row, i] + share * (frames.x[after, i] - frames.x[row, i])
    y = frames.y[row, i] + share * (frames.y[after, i] - frames.y[row, i])
    return x, y, hx, hy


@leaf
def ahead(frames: Frames, second: int, i: int, distance: float) -> tuple[float, float, float, float]:
    """
    Find where somebody is after some way along the path it really took, and straight on beyond its last second.

    Parameters
    ----------
    frames : Frames
        The seconds.
    second : int
        Where it starts.
    i : int
        Who.
    distance : float
        Way [m].

    Returns
    -------
    tuple of float
        Front [m] and direction: x, y, hx, hy.
    """
    row = second % FRAMES
    for k in range(AFTER):
        after = (second + k + 1) % FRAMES
        if frames.there[after, i] == 0:
            break
        dx, dy = frames.x[after, i] - frames.x[row, i], frames.y[after, i] - frames.y[row, i]
        size = math.sqrt(dx * dx + dy * dy)
        if size >= distance and size > 0.0:
            return between(frames, row, after, i, distance / size)
        distance -= size
        row = after
    hx, hy = frames.hx[row, i], frames.hy[row, i]
    return frames.x[row, i] + hx * distance, frames.y[row, i] + hy * distance, hx, hy


@leaf
def way(frames: Frames, second: int, i: int) -> float:
    """
    Measure how far somebody came in the seconds that followed.

    Parameters
    ----------
    frames : Frames
        The seconds.
    second : int
        Since when.
    i : int
        Who.

    Returns
    -------
    float
        Way [m]; without bound for who left the network, since nothing is known against it.
    """
    total = 0.0
    row = second % FRAMES
    for k in range(AFTER):
        after = (second + k + 1) % FRAMES
        if frames.there[after, i] == 0:
            return math.inf
        dx, dy = frames.x[after, i] - frames.x[row, i], frames.y[after, i] - frames.y[row, i]
        total += math.sqrt(dx * dx + dy * dy)
        row = after
    return total


@leaf
def cut_in(lanes: Lanes, frames: Frames, second: int, i: int) -> bool:
    """
    Tell whether somebody changed lanes within the last seconds.

    Parameters
    ----------
    lanes : Lanes
        The net.
    frames : Frames
        The seconds.
    second : int
        Now.
    i : int
        Who.

    Returns
    -------
    bool
        True if it was on another lane of the same road.
    """
    here = frames.lane[second % FRAMES, i]
    for k in range(1, CUT_IN + 1):
        row = (second - k) % FRAMES
        if frames.there[row, i] == 0:
            return False
        lane = frames.lane[row, i]
        if lanes.edge[lane] != lanes.edge[here]:
            return False
        if lane != here:
            return True
    return False


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
    return bool((comes_i and lanes.end[one] == lanes.begin[other]) or (comes_j and lanes.end[other] == lanes.begin[one]))


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
def collide(size: Float, frames: Frames, second: int, i: int, j: int, follows: bool) -> tuple[float, int]:
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
    follows : bool
        They come from the same lane: whatever they do behind the stop line, one follows the other.

    Returns
    -------
    tuple of float and int
        Time to collision [s], infinite if there is none within the threshold, and its kind.
    """
    row = second % FRAMES
    vi, vj = frames.speed[row, i], frames.speed[row, j]
    a, b = size[i], size[j]
    dx, dy = frames.x[row, i] - frames.x[row, j], frames.y[row, i] - frames.y[row, j]
    reach = TIME_TO_COLLISION * (vi + vj) + a[0] + b[0]
    if dx * dx + dy * dy > reach * reach:
        return math.inf, REAR_END
    if overlap(ahead(frames, second, i, 0.0), ahead(frames, second, j, 0.0), a, b):
        return math.inf, REAR_END  # bodies of long vehicles overlap while they turn: no collision course
    k, last = 1, round(TIME_TO_COLLISION / STEP)
    while k <= last:
        time = k * STEP
        one, other = ahead(frames, second, i, vi * time), ahead(frames, second, j, vj * time)
        if not overlap(one, other, a, b):
            # Nothing can happen before they have come as near as their bodies reach.
            k += max(1, int(apart(one, other, a, b) / (STEP * max(vi + vj, STANDING))))
            continue
        cos = one[2] * other[2] + one[3] * other[3]
        if cos > COS_REAR_END or follows:
            # Side by side on two lanes of a bend is no conflict: the front of one has to come up to the rear of the other.
            gap = math.sqrt(dx * dx + dy * dy) - (b[0] if vi > vj else a[0])
            if gap <= 0.0 or abs(vi - vj) * time < gap / 2.0:
                return math.inf, REAR_END
            return time, REAR_END
        if way(frames, second, i) < vi * time or way(frames, second, j) < vj * time:
            return math.inf, CROSSING  # one stopped before: at its stop line
        return time, CROSSING if cos < COS_CROSSING else LANE_CHANGE
    return math.inf, REAR_END


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


@inner
def follow(lanes: Lanes, bodies: Float, frames: Frames, second: int, order: Int, events: Float, count: int) -> int:
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
        count = note(
            events,
            count,
            (
                float(i),
                float(leader),
                float(kind),
                time,
                math.inf,
                closing / (2.0 * time),
                frames.x[row, i],
                frames.y[row, i],
                frames.speed[row, i],
                frames.speed[row, leader],
            ),
        )
    return count


@inner
def meet(lanes: Lanes, bodies: Bodies, size: Float, frames: Frames, second: int, events: Float, count: int) -> int:
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
    # Nobody further apart than this can meet.
    fastest, longest = 0.0, 0.0
    for i in there:
        fastest, longest = max(fastest, frames.speed[row, i]), max(longest, size[i, 0])
    for k in range(len(there)):
        i = there[k]
        reach = TIME_TO_COLLISION * (frames.speed[row, i] + fastest) + size[i, 0] + longest
        for m in range(k + 1, len(there)):
            j = there[m]
            if frames.x[row, j] - frames.x[row, i] > reach:
                break
            if abs(frames.y[row, j] - frames.y[row, i]) > reach:
                continue
            if frames.speed[row, i] < STANDING and frames.speed[row, j] < STANDING:
                continue
            if bodies.person[i] != 0 and bodies.person[j] != 0:
                continue
            if lanes.edge[frames.lane[row, i]] == lanes.edge[frames.lane[row, j]] and (
                frames.lane[row, i] == frames.lane[row, j] or lanes.inside[frames.lane[row, i]] == 0
            ):
                continue
            follows = bodies.origin[i] == bodies.origin[j] >= 0
            if not follows and beside(lanes, bodies, i, j):
                continue
            if not may_meet(lanes, frames, row, i, j):
                continue
            time, kind = collide(size, frames, second, i, j, follows)
            if time > TIME_TO_COLLISION:
                continue
            first, then = i, j
            needed = math.nan
            if bodies.person[i] != 0 or bodies.person[j] != 0:
                if kind == REAR_END:
                    continue  # on the same path: none walks on the carriageway
                kind = WITH_PEDESTRIAN
                if bodies.person[i] != 0:
                    first, then = j, i
            elif kind == REAR_END:
                dx, dy = frames.x[row, j] - frames.x[row, i], frames.y[row, j] - frames.y[row, i]
                if dx * frames.hx[row, i] + dy * frames.hy[row, i] < 0.0:
                    first, then = j, i
                closing = frames.speed[row, first] - frames.speed[row, then]
                if closing <= 0.0:
                    continue
                needed = closing / (2.0 * time)
            count = note(
                events,
                count,
                (
                    float(first),
                    float(then),
                    float(kind),
                    time,
                    math.inf,
                    needed,
                    frames.x[row, first],
                    frames.y[row, first],
                    frames.speed[row, first],
                    frames.speed[row, then],
                ),
            )
    return count


@leaf
def encroach(size: Float, frames: Frames, second: int, i: int, j: int) -> float:
    """
    Find how long before somebody another left the place that it takes in this second.

    Parameters
    ----------
    size : Float
        Shape (slots, 2), length and width [m].
    frames : Frames
        The seconds.
    second : int
        The second that ends now.
    i : int
        Who comes.
    j : int
        Who was there.

    Returns
    -------
    float
        Post-encroachment time [s], to a tenth; infinite if it is above the threshold or both go the same way.
    """
    last, now = (second - 1) % FRAMES, second % FRAMES
    best = math.inf
    a, b = size[i], size[j]
    # How fast the other moved at most, in the seconds looked at.
    fastest = STANDING
    for back in range(4):
        fastest = max(fastest, frames.speed[(second - back) % FRAMES, j])
    for step in range(1, 6):
        share = step / 5.0
        here = between(frames, last, now, i, share)
        k, last_step = 0, round(POST_ENCROACHMENT / STEP)
        while k <= last_step and k * STEP < best:
            at = share - k * STEP
            whole = math.floor(at)
            row, after = (second - 1 + int(whole)) % FRAMES, (second + int(whole)) % FRAMES
            if frames.there[row, j] == 0 or frames.there[after, j] == 0:
                break
            there = between(frames, row, after, j, at - whole)
            if not overlap(here, there, a, b):
                k += max(1, int(apart(here, there, a, b) / (STEP * fastest)))
                continue
            if k > 0 and here[2] * there[2] + here[3] * there[3] < COS_REAR_END:
                best = k * STEP
            break
    return best


@inner
def pass_behind(lanes: Lanes, bodies: Bodies, size: Float, frames: Frames, second: int, events: Float, count: int) -> int:
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
    slots = frames.there.shape[1]
    node = np.full(slots, -1, np.int32)
    for back in range(3):
        row = (second - back) % FRAMES
        for i in range(slots):
            if node[i] >= 0 or frames.there[row, i] == 0:
                continue
            lane = frames.lane[row, i]
            if lanes.inside[lane] != 0:
                node[i] = lanes.end[lane]
                continue
            before = (second - back - 1) % FRAMES
            # A fast one is over the junction between two looks.
            if frames.there[before, i] != 0 and lanes.edge[frames.lane[before, i]] != lanes.edge[lane]:
                node[i] = lanes.begin[lane]
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
                if bodies.person[i] != 0 and bodies.person[j] != 0:
                    continue
                if beside(lanes, bodies, i, j):
                    continue  # one behind the other or side by side, then each its way
                dx, dy = frames.x[now, i] - frames.x[now, j], frames.y[now, i] - frames.y[now, j]
                reach = frames.speed[now, i] + 3.0 * frames.speed[now, j] + 15.0 + size[i, 0] + size[j, 0]
                if dx * dx + dy * dy > reach * reach:
                    continue
                time = encroach(size, frames, second, i, j)
                if time > POST_ENCROACHMENT:
                    continue
                cos = frames.hx[now, i] * frames.hx[last, j] + frames.hy[now, i] * frames.hy[last, j]
                kind = CROSSING if cos < COS_CROSSING else LANE_CHANGE
                if bodies.person[i] != 0 or bodies.person[j] != 0:
                    kind = WITH_PEDESTRIAN
                count = note(
                    events,
                    count,
                    (
                        float(i),
                        float(j),
                        float(kind),
                        math.inf,
                        time,
                        math.nan,
                        frames.x[now, i],
                        frames.y[now, i],
                        frames.speed[now, i],
                        frames.speed[now, j],
                    ),
                )
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
