"""What stands beside the carriageway: induction loops in front of the stop lines, and stops."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from typing import TYPE_CHECKING

from lines import runs

if TYPE_CHECKING:
    from pathlib import Path

    from lay import Plan

NEAR, FAR = 2.0, 40.0  # distance of the loops from the stop line [m], assumed


def edge_lengths(net: Path) -> dict[str, float]:
    """
    Read the lengths of the edges of a built net.

    Parameters
    ----------
    net : Path
        The net.

    Returns
    -------
    dict of str to float
        [m].
    """
    root = ET.parse(net).getroot()  # noqa: S314 - our own net
    return {
        e.get("id", ""): float(e[0].get("length", "0"))
        for e in root.iter("edge")
        if e.get("function") is None
    }


def write_additional(plan: Plan, net: Path, out: Path) -> None:
    """
    Write loops and stops as a SUMO additional file.

    Parameters
    ----------
    plan : Plan
        The network.
    net : Path
        Its built net.
    out : Path
        The file to write.
    """
    lengths = edge_lengths(net)
    lines = []
    for edge in plan.edges:
        if edge.head not in plan.signals:
            continue
        for lane in edge.indices("cycle", "bus", "car", "tram"):
            for name, distance in (("near", NEAR), ("far", FAR)):
                place = lengths[edge.id] - distance
                if place > 5.0:
                    lines.append(
                        f'    <inductionLoop id="{edge.id}_{lane}_{name}" lane="{edge.id}_{lane}" '
                        f'pos="{place:.2f}" period="900" file="NUL"/>'
                    )
    stops = {stop.id: stop for run in runs(plan, lengths) for stop in run.stops}
    lines += [
        f'    <busStop id="{stop.id}" name="{stop.name}" lane="{stop.lane}" startPos="{stop.begin:.2f}" endPos="{stop.end:.2f}"/>'
        for stop in stops.values()
    ]
    text = '<?xml version="1.0" encoding="UTF-8"?>\n<additional>\n' + "\n".join(lines) + "\n</additional>\n"
    out.write_text(text, encoding="utf-8")
