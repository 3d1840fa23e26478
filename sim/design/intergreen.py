"""
Intergreens (Zwischenzeiten) from geometry, by the formula of the German guideline.

References
----------
.. [1] FGSV, Richtlinien für Lichtsignalanlagen (RiLSA) 2015, 2.7: t_z = t_Ü + t_r - t_e with t_r = (s_0 + l_Fz) / v_r
   and t_e = s_e / v_e, for the ordered pair of a clearing and an entering stream.
"""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sim.network.meeting import conflict_point
from sim.network.timing import HAIR, WALKING_SPEED
from sim.signals.safety import ENTERING_SPEED

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sim.design.streams import Stream
    from sim.network.meeting import Point


@dataclass(frozen=True, slots=True)
class Clearing:
    """
    How a stream leaves the junction.

    Parameters
    ----------
    crossing_time : float
        Driven over the stop line after the end of green, t_Ü [s].
    speed : float
        Clearing speed v_r [m/s].
    length : float
        Of the vehicle, l_Fz [m].
    """

    crossing_time: float
    speed: float
    length: float


# docs/design-signals.md names the source of each figure, or that it is assumed.
STRAIGHT = Clearing(3.0, 10.0, 6.0)
TURNING = Clearing(2.0, 7.0, 6.0)
BUS_STRAIGHT = Clearing(3.0, 10.0, 12.0)
BUS_TURNING = Clearing(2.0, 7.0, 12.0)
BICYCLE = Clearing(1.0, 4.0, 0.0)
TRAM_STRAIGHT = Clearing(3.0, 10.0, 30.0)
TRAM_TURNING = Clearing(3.0, 5.0, 30.0)
BICYCLE_ENTERING = 5.0


def clearings(stream: Stream) -> tuple[Clearing, ...]:
    """
    Tell how vehicles of a stream clear.

    Parameters
    ----------
    stream : Stream
        Not of pedestrians.

    Returns
    -------
    tuple of Clearing
        Of a bend, which is neither straight nor a turn, both: the slower counts.
    """
    if stream.kind == "bicycle":
        return (BICYCLE,)
    straight, turning = {
        "tram": (TRAM_STRAIGHT, TRAM_TURNING),
        "bus": (BUS_STRAIGHT, BUS_TURNING),
    }.get("bus" if stream.buses else stream.kind, (STRAIGHT, TURNING))
    if stream.direction == "s":
        return (straight,)
    return (straight, turning) if stream.direction in "LR" else (turning,)


def clearing_time(stream: Stream, way: float) -> float:
    """
    Compute crossing and clearing time of a stream.

    Parameters
    ----------
    stream : Stream
        The clearing stream.
    way : float
        From its stop line to the conflict, s_0 [m]; of pedestrians the whole crossing counts.

    Returns
    -------
    float
        t_Ü + t_r [s].
    """
    if stream.on_foot:
        return length(stream.path) / WALKING_SPEED
    return max(c.crossing_time + (way + c.length) / c.speed for c in clearings(stream))


def entering_time(stream: Stream, way: float) -> float:
    """
    Compute how long the first of a stream needs to the conflict.

    Parameters
    ----------
    stream : Stream
        The entering stream.
    way : float
        From its stop line to the conflict, s_e [m].

    Returns
    -------
    float
        t_e [s]; 0 for pedestrians, who may stand at the kerb.
    """
    if stream.on_foot:
        return 0.0
    return way / (BICYCLE_ENTERING if stream.kind == "bicycle" else ENTERING_SPEED)


def intergreen(clearing: Stream, entering: Stream) -> int:
    """
    Compute the intergreen of one ordered pair of streams whose paths meet.

    Parameters
    ----------
    clearing : Stream
        Whose green ends.
    entering : Stream
        Whose green begins.

    Returns
    -------
    int
        Least time from the end of the one green to the begin of the other [s], rounded up.

    References
    ----------
    .. [1] FGSV, RiLSA 2015, 2.7.
    """
    out, into = conflict_point(clearing.path, entering.path)
    # The safety check lets nobody enter a crossing later than a car would, not even a bicycle.
    enter = into / ENTERING_SPEED if clearing.on_foot else entering_time(entering, into)
    return max(math.ceil(clearing_time(clearing, out) - enter - HAIR), 0)


def length(path: Sequence[Point]) -> float:
    """
    Measure a path.

    Parameters
    ----------
    path : sequence of (float, float)
        Centre line [m].

    Returns
    -------
    float
        Its length [m].
    """
    return sum(math.dist(a, b) for a, b in itertools.pairwise(path))
