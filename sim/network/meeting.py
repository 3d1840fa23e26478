"""Where two paths over a junction meet."""

from __future__ import annotations

import itertools
import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

Point = tuple[float, float]


def conflict_point(one: Sequence[Point], other: Sequence[Point]) -> tuple[float, float]:
    """
    Find where two paths meet, or come nearest to each other.

    Parameters
    ----------
    one, other : sequence of (float, float)
        Centre lines [m].

    Returns
    -------
    tuple of float
        Distance along each of them to that place [m].
    """
    best = (math.inf, 0.0, 0.0)
    along_one = 0.0
    for a, b in itertools.pairwise(one):
        along_other = 0.0
        for c, d in itertools.pairwise(other):
            gap, u, v = _nearest(a, b, c, d)
            if gap < best[0] - 1e-6:
                best = (gap, along_one + u * math.dist(a, b), along_other + v * math.dist(c, d))
            along_other += math.dist(c, d)
        along_one += math.dist(a, b)
    return best[1], best[2]


def _nearest(a: Point, b: Point, c: Point, d: Point) -> tuple[float, float, float]:
    """Give the gap [m] between two segments and the fractions along each at which it is reached."""
    bx, by, dx, dy = b[0] - a[0], b[1] - a[1], d[0] - c[0], d[1] - c[1]
    cross = bx * dy - by * dx
    if abs(cross) > 1e-9:
        u = ((c[0] - a[0]) * dy - (c[1] - a[1]) * dx) / cross
        v = ((c[0] - a[0]) * by - (c[1] - a[1]) * bx) / cross
        if 0.0 <= u <= 1.0 and 0.0 <= v <= 1.0:
            return 0.0, u, v
    candidates = [(*_project(a, c, d), 0.0, True), (*_project(b, c, d), 1.0, True)]
    candidates += [(*_project(c, a, b), 0.0, False), (*_project(d, a, b), 1.0, False)]
    gap, fraction, end, of_one = min(candidates)
    return (gap, end, fraction) if of_one else (gap, fraction, end)


def _project(p: Point, a: Point, b: Point) -> tuple[float, float]:
    """Give the distance [m] of a point from a segment and the fraction along it."""
    dx, dy = b[0] - a[0], b[1] - a[1]
    square = dx * dx + dy * dy
    t = 0.0 if square == 0.0 else max(0.0, min(1.0, ((p[0] - a[0]) * dx + (p[1] - a[1]) * dy) / square))
    return math.dist(p, (a[0] + t * dx, a[1] + t * dy)), t
