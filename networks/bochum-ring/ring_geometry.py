"""
Read the signal links of a net with their paths, and compute intergreens by the formula of the German guideline RiLSA.

The intergreen of an ordered pair of conflicting links, t_z = t_U + t_r - t_e, needs the distances from the stop
lines to the conflict point; they are measured on the centre lines of the net's internal lanes.
"""

from __future__ import annotations

import itertools
import math
import xml.etree.ElementTree as ET
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from sim.network.meeting import conflict_point

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

# RiLSA values; the README beside this file names the public sources and says which are from general knowledge.
CROSSING_TIME_STRAIGHT = 3.0  # t_U [s]
CROSSING_TIME_TURNING = 2.0  # t_U [s]
CLEARING_SPEED_STRAIGHT = 10.0  # v_r [m/s]
CLEARING_SPEED_TURNING = 7.0  # v_r [m/s]
CLEARING_SPEED_PEDESTRIAN = 1.2  # v_r [m/s]
ENTERING_SPEED = 40.0 / 3.6  # v_e [m/s]
VEHICLE_LENGTH = 6.0  # l_Fz [m]

Point = tuple[float, float]


@dataclass(frozen=True)
class Link:
    """
    One signal link: a lane-to-lane connection or one pedestrian crossing.

    Attributes
    ----------
    index : int
        Link index in the program's state string.
    node, request : str, int
        Junction and the link's row in the junction's right-of-way matrix.
    source, target : str
        Edges; for a crossing both name the crossing.
    source_lane, target_lane : int
        Lane indices; 0 for a crossing.
    direction : str
        SUMO's direction letter, or ``"p"`` for a crossing.
    path : tuple of (float, float)
        Centre line from the stop line to the exit [m]; for a crossing from kerb to kerb.
    """

    index: int
    node: str
    request: int
    source: str
    source_lane: int
    target: str
    target_lane: int
    direction: str
    path: tuple[Point, ...]

    @property
    def is_crossing(self) -> bool:
        """Whether pedestrians use this link."""
        return self.direction == "p"


@dataclass
class Signal:
    """
    All links of one controller with their right of way.

    Attributes
    ----------
    name : str
        Id of the tlLogic.
    links : dict of int to Link
        By link index.
    foes, yields : set of (int, int)
        Ordered pairs of link indices: in conflict; the first must give way to the second.
    """

    name: str
    links: dict[int, Link] = field(default_factory=dict)
    foes: set[tuple[int, int]] = field(default_factory=set)
    yields: set[tuple[int, int]] = field(default_factory=set)


def read_signals(net: Path) -> dict[str, Signal]:
    """
    Read every signal of a net with paths and right of way.

    Parameters
    ----------
    net : Path
        A SUMO network file.

    Returns
    -------
    dict of str to Signal
        By tlLogic id.
    """
    root = ET.parse(net).getroot()  # noqa: S314
    shapes = {lane.get("id", ""): _points(lane.get("shape", "")) for lane in root.iter("lane")}
    onward = {
        (c.get("from", ""), c.get("fromLane", "")): c.get("via", "")
        for c in root.iter("connection")
        if c.get("via") and c.get("from", "").startswith(":")
    }
    rows = {
        lane: (junction.get("id", ""), row)
        for junction in root.iter("junction")
        if junction.get("type") != "internal"
        for row, lane in enumerate(junction.get("intLanes", "").split())
    }
    signals: dict[str, Signal] = {}
    for connection in root.iter("connection"):
        name, index = connection.get("tl"), connection.get("linkIndex")
        if name is None or index is None:
            continue
        link = _link(connection, int(index), shapes, onward, rows)
        signals.setdefault(name, Signal(name)).links[link.index] = link
    for signal in signals.values():
        _right_of_way(signal, root)
    return signals


def _link(
    connection: ET.Element,
    index: int,
    shapes: dict[str, tuple[Point, ...]],
    onward: dict[tuple[str, str], str],
    rows: dict[str, tuple[str, int]],
) -> Link:
    source, target = connection.get("from", ""), connection.get("to", "")
    if target.startswith(":") and f"{target}_0" in rows:
        node, row = rows[f"{target}_0"]
        return Link(index, node, row, target, 0, target, 0, "p", shapes[f"{target}_0"])
    via = connection.get("via", "")
    path = list(shapes[via])
    last = via
    while last not in rows:  # a turn that may wait inside the junction is cut into two internal lanes
        edge, _, lane = last.rpartition("_")
        last = onward[edge, lane]
        path.extend(shapes[last][1:])
    node, row = rows[last]
    lanes = int(connection.get("fromLane", "0")), int(connection.get("toLane", "0"))
    return Link(index, node, row, source, lanes[0], target, lanes[1], connection.get("dir", "s"), tuple(path))


def _right_of_way(signal: Signal, root: ET.Element) -> None:
    by_row = {(link.node, link.request): link.index for link in signal.links.values()}
    nodes = {link.node for link in signal.links.values()}
    for junction in root.iter("junction"):
        node = junction.get("id", "")
        if node not in nodes:
            continue
        for request in junction.iter("request"):
            one = by_row.get((node, int(request.get("index", "-1"))))
            if one is None:
                continue
            for attribute, pairs in (("foes", signal.foes), ("response", signal.yields)):
                for row, bit in enumerate(reversed(request.get(attribute, ""))):
                    other = by_row.get((node, row))
                    if bit == "1" and other is not None:
                        pairs.add((one, other))
    signal.foes |= {(b, a) for a, b in signal.foes}


def intergreen(clearing: Link, entering: Link) -> int:
    """
    Compute the intergreen of one ordered pair of conflicting links.

    Parameters
    ----------
    clearing : Link
        Whose green ends.
    entering : Link
        Whose green begins.

    Returns
    -------
    int
        Least time from the end of the clearing link's green to the begin of the entering link's green [s],
        rounded up.

    References
    ----------
    FGSV, Richtlinien für Lichtsignalanlagen (RiLSA): t_z = t_U + t_r - t_e with t_r = (s_0 + l_Fz) / v_r and
    t_e = s_e / v_e.
    """
    if clearing.is_crossing:
        # The whole crossing is cleared, whichever kerb the pedestrian came from.
        cleared = _length(clearing.path) / CLEARING_SPEED_PEDESTRIAN
        _, into = conflict_point(clearing.path, entering.path)
        return math.ceil(cleared - into / ENTERING_SPEED - 1e-9)
    out, into = conflict_point(clearing.path, entering.path)
    straight = CROSSING_TIME_STRAIGHT + (out + VEHICLE_LENGTH) / CLEARING_SPEED_STRAIGHT
    turning = CROSSING_TIME_TURNING + (out + VEHICLE_LENGTH) / CLEARING_SPEED_TURNING
    if clearing.direction == "s":
        cleared = straight
    elif clearing.direction in "LR":  # a bend between straight and turning: the slower of both counts
        cleared = max(straight, turning)
    else:
        cleared = turning
    entered = 0.0 if entering.is_crossing else into / ENTERING_SPEED
    return math.ceil(cleared - entered - 1e-9)


def _length(path: Sequence[Point]) -> float:
    return sum(math.dist(a, b) for a, b in itertools.pairwise(path))


def _points(text: str) -> tuple[Point, ...]:
    return tuple((float(x), float(y)) for x, y, *_ in (p.split(",") for p in text.split()))
