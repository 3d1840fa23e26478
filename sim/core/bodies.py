"""Where everybody is and was in the last seconds, and the room that bodies take."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from sim.core.arrays import Byte, Float, Int  # noqa: TC001  (numba reads the annotations of named tuples)
from sim.core.jit import kernel, leaf

# Seconds kept, and of them those that follow the second that is judged: a driver must really have come to the place of
# a conflict within them (the largest post-encroachment time of FHWA's SSAM, 5 s).
FRAMES, AFTER = 12, 5
# A lane change is held to be the cause of a conflict for so long [s] (assumed).
CUT_IN = 3
STANDING = 0.1  # [m/s]
# Angle between two directions of travel [cos]: below 30 degrees a rear-end conflict, above 85 a crossing one (SSAM 3).
COS_REAR_END, COS_CROSSING = math.cos(math.radians(30.0)), math.cos(math.radians(85.0))
# Steps of the searches for a time [s].
STEP = 0.1


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


def begin_second(frames: Frames, second: int) -> int:
    """
    Begin a second in which nobody is there yet; where each was last stays known.

    Parameters
    ----------
    frames : Frames
        The seconds; one row is changed in place.
    second : int
        The second, counted from 0.

    Returns
    -------
    int
        Its row.
    """
    row = second % FRAMES
    for column in frames:
        column[row] = column[(second - 1) % FRAMES]
    frames.there[row] = 0
    return row


@kernel
def place(
    lanes: Lanes,
    bodies: Bodies,
    frames: Frames,
    row: int,
    slots: Int,
    lane: Int,
    position: Float,
    speed: Float,
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
def overlap(
    one: tuple[float, float, float, float], other: tuple[float, float, float, float], a: Float, b: Float
) -> bool:
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
    return bool(abs(dx * bhy - dy * bhx) <= (b[1] + a[0] * sin + a[1] * cos) / 2.0)


@leaf
def apart(
    one: tuple[float, float, float, float], other: tuple[float, float, float, float], a: Float, b: Float
) -> float:
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
    return float(math.sqrt(dx * dx + dy * dy) - (a[0] + a[1] + b[0] + b[1]))


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
