"""How fast a queue flows off: an estimate of saturation flow from the lane's path and users."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

# Default Krauss driver of SUMO: reaction time 1 s, vehicle 5 m and gap 2.5 m, and about 3 m more because he dawdles. A
# queue crosses the stop line while it still accelerates, at about 10.9 m/s on a 50 km/h road, which gives the 1.95 s
# (1,850 veh/h) measured in SUMO from the fifth vehicle on, and 2.3 s for a turn at 8 m/s.
REACTION_TIME = 1.0
QUEUE_SPACE = 7.5
DAWDLE = 3.0
DISCHARGE_SPEED = 10.9
# Slower paths than this are the exception (a turnaround on the spot), and the formula would call them closed [m/s].
SLOWEST = 2.0

# Length and gap of SUMO's default vehicle of each class [m], the commonest user of a lane first.
SPACES = (
    ("passenger", QUEUE_SPACE),
    ("bus", 14.5),
    ("tram", 24.5),
    ("truck", 9.6),
    ("delivery", 9.0),
    ("taxi", 7.5),
    ("rail_urban", 112.0),
    ("motorcycle", 4.7),
    ("bicycle", 2.1),
)


def saturation_headway(speed: float, space: float = QUEUE_SPACE) -> float:
    """
    Estimate the time between two vehicles of a queue that cross the stop line.

    Parameters
    ----------
    speed : float
        Speed allowed on the path over the junction [m/s].
    space : float, optional
        Length of a vehicle and the gap to the next when they stand [m].

    Returns
    -------
    float
        Headway [s]; the saturation flow is 3600 / headway [veh/h].

    References
    ----------
    .. [1] S. Krauss, Microscopic Modeling of Traffic Flow, 1998: net time gap tau and safe speed.
    """
    return REACTION_TIME + (space + DAWDLE) / min(max(speed, SLOWEST), DISCHARGE_SPEED)


def queue_space(allows: Callable[[str], Any]) -> float:
    """
    Tell how much room a vehicle takes in a queue, from who may use the lane.

    Parameters
    ----------
    allows : callable
        Tells whether a SUMO vehicle class may use the lane.

    Returns
    -------
    float
        Length and gap of the commonest user [m].
    """
    return next((space for name, space in SPACES if allows(name)), QUEUE_SPACE)
