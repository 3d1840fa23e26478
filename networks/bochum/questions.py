"""
Write what the scenarios with a question add to a peak hour: ``python networks/bochum/questions.py [--check]``.

The figures and their sources stand in questions.toml. Vehicles and people come on top of a network's own demand, in
small files of their own; lanes are closed and speeds changed by SUMO's own means, so that no second net is needed.
Only for the closed A40 there is a demand file of its own, since ramps lose their traffic.
"""

from __future__ import annotations

import argparse
import gzip
import io
import sys
import tempfile
import tomllib
import xml.etree.ElementTree as ET
from pathlib import Path
from typing import TYPE_CHECKING, Any

import assign
import sumolib
from city import HERE
from demand import DEMAND, NETWORKS, WALK_IN
from equip import edge_lengths
from lines import read_modes

if TYPE_CHECKING:
    from collections.abc import Iterable

TYPES = """\
    <vType id="added_car" vClass="passenger" emissionClass="HBEFA4/PC_petrol_Euro-6ab" speedFactor="normc(1.00,0.10,0.80,1.20)"/>
    <vType id="added_walker" vClass="pedestrian" speedFactor="normc(1.00,0.10,0.80,1.20)"/>
    <vType id="blue_light" vClass="emergency" length="6.50" emissionClass="HBEFA4/RT_le7.5t_Euro-VI_A-C"><param key="has.bluelight.device" value="true"/></vType>
"""


def seconds(clock: str) -> int:
    """
    Read a time of day.

    Parameters
    ----------
    clock : str
        As "07:30:00".

    Returns
    -------
    int
        [s].
    """
    hours, minutes, rest = map(int, clock.split(":"))
    return hours * 3600 + minutes * 60 + rest


def _demand(base: str) -> ET.Element:
    with gzip.open(DEMAND / f"{base}.rou.xml.gz") as file:
        return ET.parse(file).getroot()  # noqa: S314 - our own file


def _rate(flow: ET.Element) -> float:
    return float(flow.get("period", "")[4:-1]) * 3600.0


def _net(base: str) -> Path:
    return NETWORKS / base / f"{base}.net.xml"


def added_vehicles(one: dict[str, Any]) -> Iterable[tuple[int, str]]:
    """
    Write the flows of some more vehicles.

    Parameters
    ----------
    one : dict
        A table ``vehicles`` of questions.toml.

    Yields
    ------
    begin : int
        When the flow begins [s].
    text : str
        The flow.
    """
    pairs = sorted((o, d) for o in one["from"] for d in one["to"])
    with tempfile.TemporaryDirectory() as scratch:
        found = assign.search(pairs, _net(one["base"]), Path(scratch))
    begin, end = seconds(one["begin"]), seconds(one["end"])
    for o, d in pairs:
        routes = list(dict.fromkeys(found[o, d]))
        rate = one["number"] * one["from"][o] * one["to"][d] / len(routes) / 3600.0
        for number, route in enumerate(routes):
            yield (
                begin,
                (
                    f'    <flow id="added.{o}.{d}.{number}" type="added_car" begin="{begin}" end="{end}" '
                    f'period="exp({rate:.7f})" departLane="best" departSpeed="max"><route edges="{route}"/></flow>\n'
                ),
            )


def added_walkers(one: dict[str, Any]) -> Iterable[tuple[int, str]]:
    """
    Write the flows of some more people.

    Parameters
    ----------
    one : dict
        A table ``walkers`` of questions.toml.

    Yields
    ------
    begin : int
        When the flow begins [s].
    text : str
        The flow.
    """
    lengths = edge_lengths(_net(one["base"]))
    begin, end = seconds(one["begin"]), seconds(one["end"])
    for towards, away in one["over"]:
        near = min(WALK_IN, lengths[towards] / 3.0, lengths[away] / 3.0)
        places = {towards: lengths[towards] - near, away: near}
        for start, stop in ((towards, away), (away, towards)):
            yield (
                begin,
                (
                    f'    <personFlow id="added.{start}" type="added_walker" begin="{begin}" end="{end}" '
                    f'period="exp({one["number"] / 2.0 / 3600.0:.7f})" departPos="{places[start]:.2f}">'
                    f'<walk edges="{start} {stop}" arrivalPos="{places[stop]:.2f}"/></personFlow>\n'
                ),
            )


def calls(one: dict[str, Any]) -> Iterable[tuple[int, str]]:
    """
    Write the flow of emergency vehicles on one way.

    Parameters
    ----------
    one : dict
        A table ``calls`` of questions.toml.

    Yields
    ------
    begin : int
        When the flow begins [s].
    text : str
        The flow.
    """
    net = sumolib.net.readNet(str(_net(one["base"])))
    path, _ = net.getOptimalPath(
        net.getEdge(one["from"]), net.getEdge(one["to"]), fastest=True, vClass="emergency"
    )
    begin, end = seconds(one["begin"]), seconds(one["end"])
    yield (
        begin,
        (
            f'    <flow id="call.{one["to"]}" type="blue_light" begin="{begin}" end="{end}" period="{one["every"]}" '
            f'departLane="best" departSpeed="max"><route edges="{" ".join(e.getID() for e in path)}"/></flow>\n'
        ),
    )


def write_added(tables: dict[str, Any], target: Path) -> None:
    """
    Write the route files of all that comes on top of a network's own demand.

    Parameters
    ----------
    tables : dict
        questions.toml.
    target : Path
        Folder of the route files.
    """
    files: dict[str, list[tuple[int, str]]] = {}
    for key, make in (("vehicles", added_vehicles), ("walkers", added_walkers), ("calls", calls)):
        for one in tables[key]:
            files.setdefault(one["file"], []).extend(make(one))
    for file, flows in files.items():
        used = "".join(text for _, text in flows)
        types = [line for line in TYPES.splitlines(keepends=True) if f"type={line.split('id=')[1].split()[0]} " in used]  # fmt: skip
        ordered = [text for _, text in sorted(flows, key=lambda item: item[0])]
        _compress("".join([*types, *ordered]), target / f"{file}.rou.xml.gz")


def _compress(elements: str, target: Path) -> None:
    text = f'<?xml version="1.0" encoding="UTF-8"?>\n<routes>\n{elements}</routes>\n'
    raw = io.BytesIO()
    # No name and no time in the header: the same text gives the same bytes.
    with gzip.GzipFile(filename="", mode="wb", fileobj=raw, mtime=0, compresslevel=9) as file:
        file.write(text.encode())
    target.write_bytes(raw.getvalue())


def write_detour(one: dict[str, Any], target: Path) -> None:
    """
    Write the demand of an hour in which motorway ramps are closed.

    Parameters
    ----------
    one : dict
        The table ``detour`` of questions.toml.
    target : Path
        Folder of the route files.
    """
    root = _demand(one["base"])
    begin = one["hour"] * 3600
    routes = {item.get("id", ""): tuple(item.get("edges", "").split()) for item in root.findall("route")}
    kept = [
        item
        for item in root
        if item.tag in {"flow", "personFlow"}
        and float(item.get("begin", "")) < begin + 3600
        and float(item.get("end", "")) > begin
    ]
    moved = {name for name, r in routes.items() if r[0] in one["from"] or r[-1] in one["to"]}
    volumes: dict[tuple[str, str], float] = {(o, d): float(one["number"]) for o, d in one["through"]}
    for flow in kept:
        if flow.get("route") in moved:
            o, *_, d = routes[flow.get("route", "")]
            pair = one["from"].get(o, o), one["to"].get(d, d)
            volumes[pair] = volumes.get(pair, 0.0) + _rate(flow) * one["stay"]
    flows = [flow for flow in kept if flow.get("route") not in moved]
    used = {flow.get("route") for flow in flows}
    lines = [ET.tostring(item, encoding="unicode") for item in root if item.tag.startswith("vType")]
    lines += [
        ET.tostring(item, encoding="unicode") for item in root.findall("route") if item.get("id") in used
    ]
    lines += [ET.tostring(item, encoding="unicode") for item in flows]
    with tempfile.TemporaryDirectory() as scratch:
        found = assign.search(sorted(volumes), _net(one["base"]), Path(scratch))
    ban = set(read_modes()["truck_ban"])
    for pair, options in sorted(found.items()):
        choices = list(dict.fromkeys(options))
        for number, route in enumerate(choices):
            kind = "car" if ban <= set(route.split()) else "traffic"
            lines.append(
                f'    <flow id="detour.{pair[0]}.{pair[1]}.{number}" type="{kind}" begin="{begin}" end="{begin + 3600}" '
                f'period="exp({volumes[pair] / len(choices) / 3600.0:.7f})" departLane="best" departSpeed="max">'
                f'<route edges="{route}"/></flow>\n'
            )
    _compress("".join(lines), target / f"{one['file']}.rou.xml.gz")


def write_closed_lane(one: dict[str, Any], target: Path) -> None:
    """
    Write a closed lane as SUMO's rerouter.

    Parameters
    ----------
    one : dict
        The table ``closed`` of questions.toml.
    target : Path
        Folder of the additional file.
    """
    edge = one["lane"].rpartition("_")[0]
    text = (
        f'    <rerouter id="roadworks" edges="{edge}">\n        <interval begin="0" end="86400">\n'
        f'            <closingLaneReroute id="{one["lane"]}" disallow="all"/>\n        </interval>\n    </rerouter>\n'
    )
    _additional(text, target / f"{one['file']}.add.xml")


def write_speed(one: dict[str, Any], target: Path) -> None:
    """
    Write another speed limit as SUMO's variable speed sign.

    Parameters
    ----------
    one : dict
        The table ``speed`` of questions.toml.
    target : Path
        Folder of the additional file.
    """
    net = sumolib.net.readNet(str(_net(one["base"])), withInternal=True)
    old, new = one["instead_of"] / 3.6, one["speed"] / 3.6
    edges = [
        e
        for e in net.getEdges()
        if e.getID().startswith(f"{one['street']}_") and abs(e.getSpeed() - old) < 0.01
    ]
    lanes = {lane.getID() for e in edges for lane in e.getLanes() if lane.allows("passenger")}
    # The ways over the junctions between two such edges: netconvert gave them the old limit too.
    lanes |= {
        link.getViaLaneID()
        for e in edges
        for links in e.getOutgoing().values()
        for link in links
        if link.getTo() in edges and link.getViaLaneID() and link.getFromLane().allows("passenger")
    }
    if not edges:
        sys.exit(f"{one['base']}: no edge of {one['street']} has {one['instead_of']} km/h")
    text = (
        f'    <variableSpeedSign id="limit" lanes="{" ".join(sorted(lanes))}">\n'
        f'        <step time="0" speed="{new:.2f}"/>\n    </variableSpeedSign>\n'
    )
    _additional(text, target / f"{one['file']}.add.xml")


def _additional(elements: str, target: Path) -> None:
    text = f'<?xml version="1.0" encoding="UTF-8"?>\n<additional>\n{elements}</additional>\n'
    target.write_text(text, encoding="utf-8")


def build(demand: Path, networks: Path) -> None:
    """
    Write all files.

    Parameters
    ----------
    demand : Path
        Folder of the route files.
    networks : Path
        Folder in which each network has a folder.
    """
    tables = tomllib.loads((HERE / "questions.toml").read_text(encoding="utf-8"))
    write_added(tables, demand)
    write_detour(tables["detour"], demand)
    write_closed_lane(tables["closed"], networks / tables["closed"]["base"])
    write_speed(tables["speed"], networks / tables["speed"]["base"])


def main() -> None:
    """Build in place, or compare with ``--check``."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--check", action="store_true", help="build aside and compare with the committed files"
    )
    if not parser.parse_args().check:
        build(DEMAND, NETWORKS)
        return
    with tempfile.TemporaryDirectory() as scratch:
        places = {Path(scratch) / "demand": DEMAND, Path(scratch) / "networks": NETWORKS}
        for place in (
            *places,
            *(Path(scratch) / "networks" / p.name for p in NETWORKS.iterdir() if p.is_dir()),
        ):
            place.mkdir()
        build(*places)
        differing = [
            str(made.relative_to(place))
            for place, home in places.items()
            for made in sorted(place.rglob("*.xml*"))
            if made.read_bytes() != (home / made.relative_to(place)).read_bytes()
        ]
    if differing:
        sys.exit(f"differs from a fresh build: {', '.join(differing)}")
    print("the files are what a fresh build gives")


if __name__ == "__main__":
    main()
