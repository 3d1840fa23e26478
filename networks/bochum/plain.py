"""Write a cut of the city as SUMO's plain XML, which people can read and edit."""

from __future__ import annotations

from typing import TYPE_CHECKING
from xml.sax.saxutils import quoteattr

import turns
from lay import WIDTH

if TYPE_CHECKING:
    from pathlib import Path

    from lay import Edge, Plan

HEAD = '<?xml version="1.0" encoding="UTF-8"?>\n'
RAIL = "rail_urban rail rail_electric rail_fast ship"
CROSSING = 4.0  # width of a crossing [m], assumed


def write_plain(plan: Plan, name: str, folder: Path) -> None:
    """
    Write nodes, edges and connections.

    Parameters
    ----------
    plan : Plan
        The cut.
    name : str
        Name of the network.
    folder : Path
        Where the files go.
    """
    (folder / f"{name}.nod.xml").write_text(_nodes(plan), encoding="utf-8")
    (folder / f"{name}.edg.xml").write_text(_edges(plan), encoding="utf-8")
    (folder / f"{name}.con.xml").write_text(_connections(plan), encoding="utf-8")


def _nodes(plan: Plan) -> str:
    xs, ys = [p[0] for p in plan.nodes.values()], [p[1] for p in plan.nodes.values()]
    # The degrees are the frame of the whole city; SUMO only shows them.
    lines = [
        (
            '    <location netOffset="-375000.00,-5704000.00" '
            f'convBoundary="{min(xs):.2f},{min(ys):.2f},{max(xs):.2f},{max(ys):.2f}" '
            'origBoundary="7.180,51.440,7.260,51.525" projParameter="+proj=utm +zone=32 +ellps=GRS80 +units=m +no_defs"/>'
        )
    ]
    for name, (x, y) in plan.nodes.items():
        kind = "priority"
        if name in plan.signals:
            junction = plan.city.junctions[name]
            kind = f'traffic_light" tl="{junction.signal}" radius="{junction.radius:.2f}'
        elif name in plan.ends:
            kind = "dead_end"
        lines.append(f'    <node id="{name}" x="{x:.2f}" y="{y:.2f}" type="{kind}"/>')
    return HEAD + "<nodes>\n" + "\n".join(lines) + "\n</nodes>\n"


def _edges(plan: Plan) -> str:
    lines = []
    for edge in plan.edges:
        road = edge.link.road
        shape = " ".join(f"{x:.2f},{y:.2f}" for x, y in edge.shape)
        priority = 10 if road.lanes > 1 else 8 if road.speed >= 50 else 5
        lines.append(
            f'    <edge id="{edge.id}" from="{edge.tail}" to="{edge.head}" name={quoteattr(road.name)} '
            f'priority="{priority}" numLanes="{len(edge.lanes)}" speed="{road.speed / 3.6:.2f}" '
            f'spreadType="right" shape="{shape}">'
        )
        for index, kind in enumerate(edge.lanes):
            lines.append(
                f'        <lane index="{index}" {_permission(edge, index, kind)} width="{WIDTH[kind]:.2f}"/>'
            )
        lines.append("    </edge>")
    return HEAD + "<edges>\n" + "\n".join(lines) + "\n</edges>\n"


def _permission(edge: Edge, index: int, kind: str) -> str:
    if kind == "walk":
        return 'allow="pedestrian"'
    if kind == "cycle":
        return 'allow="bicycle"'
    if kind == "bus":
        return 'allow="bus taxi emergency bicycle"'
    if kind == "tram":
        return 'allow="tram"'
    banned = "pedestrian"
    if edge.link.road.motor:
        banned += " bicycle moped"
    if edge.link.road.tram != "shared" or (index != edge.indices("car")[-1] and not _beside_bay(edge, index)):
        banned += " tram"
    return f'disallow="{banned} {RAIL}"'


def _beside_bay(edge: Edge, index: int) -> bool:
    """Trams share the left through lane; bays lie left of it."""
    return edge.lanes.count("car") > edge.link.road.lanes and index >= edge.indices("car")[0]


def _connections(plan: Plan) -> str:
    lines = [
        f'    <connection from="{one}" to="{other}" fromLane="{lane}" toLane="{target}"/>'
        for one, other, lane, target in turns.connections(plan)
    ]
    lines += [
        f'    <crossing node="{node}" edges="{" ".join(edges)}" width="{CROSSING:.2f}"/>'
        for node, leg in turns.crossings(plan)
        for edges in turns.steps(plan, leg)
    ]
    return HEAD + "<connections>\n" + "\n".join(lines) + "\n</connections>\n"
