"""Level of service at signals: Qualitätsstufe des Verkehrsablaufs (QSV) A to F."""

from __future__ import annotations

import math
from typing import Literal

Kind = Literal["car", "public transport", "bicycle", "pedestrian"]
LEVELS = "ABCDEF"
# Upper limits of the levels from A on [s]. Motor traffic is judged by its mean wait and has no limit of E: F means that
# the demand is above the capacity. Public transport is judged by its mean wait, people on foot and on bicycles by the
# longest one. Taken from teaching material on HBS 2015, part S, chapter S4; to be checked against the standard.
LIMITS: dict[Kind, tuple[float, ...]] = {
    "car": (20.0, 35.0, 50.0, 70.0),
    "public transport": (5.0, 15.0, 25.0, 40.0, 60.0),
    "bicycle": (30.0, 40.0, 55.0, 70.0, 85.0),
    "pedestrian": (30.0, 40.0, 55.0, 70.0, 85.0),
}
BY_LONGEST_WAIT: frozenset[Kind] = frozenset({"bicycle", "pedestrian"})


def quality(kind: Kind, wait: float, saturation: float = 0.0) -> str:
    """
    Judge a wait.

    Parameters
    ----------
    kind : str
        Whose wait it is.
    wait : float
        Mean wait, of bicycles and pedestrians the longest one [s].
    saturation : float, optional
        Degree of saturation; motor traffic above 1 is F, whatever its wait.

    Returns
    -------
    str
        ``A`` to ``F``; empty if the wait is nan.

    References
    ----------
    .. [1] FGSV, Handbuch für die Bemessung von Straßenverkehrsanlagen (HBS), 2015, part S, chapter S4.
    """
    if math.isnan(wait):
        return ""
    if kind == "car" and saturation > 1.0:
        return "F"
    return LEVELS[sum(wait > limit for limit in LIMITS[kind])]
