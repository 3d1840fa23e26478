"""Post-encroachment time: how long before somebody another left the place that it takes."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from sim.core.bodies import COS_REAR_END, FRAMES, STANDING, STEP, Frames, Lanes, apart, between, overlap
from sim.core.jit import inner, leaf

if TYPE_CHECKING:
    from sim.core.arrays import Float, Int

# A conflict: at most so long between one leaving a place and the other coming to it [s] (Peesapati et al. 2018).
POST_ENCROACHMENT = 1.5
# More than a sum of floating-point numbers may be off [m].
ROUNDING = 1e-6
# Who is further away than both drive and so much more has not been at the same place [m].
FAR_ENOUGH = 15.0


@leaf
def whereabouts(frames: Frames, second: int, j: int) -> tuple[float, float, float, float]:
    """
    Find the box that somebody's front was in during the last seconds.

    Parameters
    ----------
    frames : Frames
        The seconds.
    second : int
        The newest one.
    j : int
        Who.

    Returns
    -------
    tuple of float
        Smallest and largest x, smallest and largest y [m]; an empty box for who was not there.
    """
    west, east, south, north = math.inf, -math.inf, math.inf, -math.inf
    for back in range(4):
        row = (second - back) % FRAMES
        if frames.there[row, j] != 0:
            west, east = min(west, frames.x[row, j]), max(east, frames.x[row, j])
            south, north = min(south, frames.y[row, j]), max(north, frames.y[row, j])
    return west, east, south, north


@leaf
def outside(
    box: tuple[float, float, float, float], x: float, other_x: float, y: float, other_y: float
) -> float:
    """
    Measure how far a way lies outside a box at least.

    Parameters
    ----------
    box : tuple of float
        Smallest and largest x, smallest and largest y [m].
    x, other_x, y, other_y : float
        Both ends of the way [m].

    Returns
    -------
    float
        Square of the distance between the box and that around the way [m2].
    """
    dx = max(0.0, box[0] - max(x, other_x), min(x, other_x) - box[1])
    dy = max(0.0, box[2] - max(y, other_y), min(y, other_y) - box[3])
    return dx * dx + dy * dy


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
        Post-encroachment time [s], at most a tenth or two too long; infinite if it is above the threshold or both go the same way.
    """
    last, now = (second - 1) % FRAMES, second % FRAMES
    best = math.inf
    a, b = size[i], size[j]
    # How fast the other moved at most, in the seconds looked at.
    fastest = STANDING
    for back in range(4):
        fastest = max(fastest, frames.speed[(second - back) % FRAMES, j])
    dx, dy = frames.x[now, i] - frames.x[now, j], frames.y[now, i] - frames.y[now, j]
    reach = frames.speed[now, i] + 3.0 * fastest + FAR_ENOUGH + a[0] + b[0]
    if dx * dx + dy * dy > reach * reach:
        return best
    box = whereabouts(frames, second, j)
    # Fronts further apart than this belong to bodies that do not touch.
    near = (a[0] + a[1] + b[0] + b[1]) / 2.0 + (a[0] + b[0]) / 2.0 + ROUNDING
    if outside(box, frames.x[last, i], frames.x[now, i], frames.y[last, i], frames.y[now, i]) > near * near:
        return best
    for step in range(1, 11):
        share = step * STEP
        here = between(frames, last, now, i, share)
        if outside(box, here[0], here[0], here[1], here[1]) > near * near:
            continue
        k, last_step = 0, round(POST_ENCROACHMENT / STEP)
        while k <= last_step and k * STEP < best:
            at = share - k * STEP
            whole = math.floor(at)
            row, after = (second - 1 + int(whole)) % FRAMES, (second + int(whole)) % FRAMES
            if frames.there[row, j] == 0 or frames.there[after, j] == 0:
                k += 1  # it has left the network or the crossing since
                continue
            there = between(frames, row, after, j, at - whole)
            if not overlap(here, there, a, b):
                k += max(1, int(apart(here, there, a, b) / (STEP * fastest)))
                continue
            if k > 0 and here[2] * there[2] + here[3] * there[3] < COS_REAR_END:
                best = k * STEP
            break
    return best


@inner
def nodes_used(lanes: Lanes, frames: Frames, second: int) -> Int:
    """
    Find who was on a junction within the last seconds.

    Parameters
    ----------
    lanes : Lanes
        The net.
    frames : Frames
        The seconds.
    second : int
        The second that ends now.

    Returns
    -------
    Int
        Shape (slots), the junction's number; -1 for all others.
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
    return node
