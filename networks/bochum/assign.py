"""
From stated volumes to routes: gravity and Furness, duarouter, routeSampler.

Each pattern (am, pm, off) is sampled to its design hour; the same inputs give the same routes.
"""

from __future__ import annotations

import math
import os
import subprocess
import sys
import xml.etree.ElementTree as ET
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

import sumo
import sumolib
from volumes import PATTERNS, Count, all_counts, gates

from sim.design.fitting import geh

if TYPE_CHECKING:
    from lay import Plan

SEED = 20240507
DECAY = 2500.0  # distance over which the pull between two ends falls to 1/e [m], assumed
NEAR = 600.0  # trips shorter than this [m] are mostly made on foot: pull times distance over this, assumed
LEAST = 1.0  # pairs with less in every pattern are left out [veh/h]
VARIANTS = 2  # times that the routes are searched with other travel times, for more than one route per pair
MOTORWAYS = ("a40", "a43", "a448")  # no trip leaves a motorway to enter it again


def candidates(plan: Plan, net: Path, scratch: Path) -> dict[tuple[str, str], list[str]]:
    """
    Search routes between all ends of a network with duarouter.

    Parameters
    ----------
    plan : Plan
        The network.
    net : Path
        Its net.
    scratch : Path
        Folder for the files in between.

    Returns
    -------
    dict of (str, str) to list of str
        Routes, as edges with spaces between, by edge into and edge out of the network.
    """
    return search(
        sorted(
            {pair for pattern in PATTERNS for pair, v in od_table(plan, net, pattern).items() if v >= LEAST}
        ),
        net,
        scratch,
    )


def search(pairs: list[tuple[str, str]], net: Path, scratch: Path) -> dict[tuple[str, str], list[str]]:
    """
    Search routes between pairs of edges with duarouter, with other travel times for each variant.

    Parameters
    ----------
    pairs : list of (str, str)
        Edge into and edge out of the network.
    net : Path
        The net.
    scratch : Path
        Folder for the files in between.

    Returns
    -------
    dict of (str, str) to list of str
        One route per variant, as edges with spaces between.
    """
    trips = scratch / "trips.xml"
    lines = [f'<trip id="{n}" depart="0" from="{o}" to="{d}"/>' for n, (o, d) in enumerate(pairs)]
    trips.write_text(f"<trips>{''.join(lines)}</trips>", encoding="utf-8")
    found: dict[tuple[str, str], list[str]] = {pair: [] for pair in pairs}
    for variant in range(VARIANTS):
        out = scratch / f"candidates{variant}.rou.xml"
        run([_binary("duarouter"), "-n", str(net), "-r", str(trips), "-o", str(out), "--no-step-log",
             "--seed", str(SEED + variant), "--weights.random-factor", f"{1.0 + 0.3 * variant:.1f}"])  # fmt: skip
        for vehicle in ET.parse(out).getroot().iter("vehicle"):  # noqa: S314 - SUMO's own output
            found[pairs[int(vehicle.get("id", ""))]].append(vehicle[0].get("edges", ""))
    return found


def sample(
    plan: Plan, net: Path, pattern: str, routes: dict[tuple[str, str], list[str]], scratch: Path
) -> Counter[tuple[str, ...]]:
    """
    Choose how many take each route in the design hour, with routeSampler.

    Parameters
    ----------
    plan : Plan
        The network.
    net : Path
        Its net.
    pattern : str
        Key of volumes.PATTERNS.
    routes : dict
        Of `candidates`.
    scratch : Path
        Folder for the files in between.

    Returns
    -------
    Counter of tuple of str
        Vehicles of the design hour by route [veh/h].
    """
    table = od_table(plan, net, pattern)
    weights: Counter[str] = Counter()
    for pair, some in routes.items():
        for route in some:
            weights[route] += table.get(pair, 0.0) / len(some)
    lines = [f'<route id="{n}" edges="{r}" probability="{w:.4f}"/>' for n, (r, w) in enumerate(sorted(weights.items())) if w > 0.001]  # fmt: skip
    weighted, data, out = scratch / "weighted.rou.xml", scratch / "counts.xml", scratch / "sampled.rou.xml"
    weighted.write_text(f"<routes>{''.join(lines)}</routes>", encoding="utf-8")
    rows = [f'<edge id="{c.edge}" entered="{c.hourly(pattern):.2f}"/>' for c in all_counts(plan)]
    data.write_text(
        f'<data><interval id="c" begin="0" end="3600">{"".join(rows)}</interval></data>', encoding="utf-8"
    )
    script = Path(sumo.SUMO_HOME) / "tools" / "routeSampler.py"
    run([sys.executable, str(script), "-r", str(weighted), "-d", str(data), "-o", str(out),
         "-b", "0", "-e", "3600", "-i", "3600", "--weighted", "--seed", str(SEED), "--optimize", "10",
         "--threads", "1"])  # fmt: skip
    found: Counter[tuple[str, ...]] = Counter()
    for vehicle in ET.parse(out).getroot().iter("vehicle"):  # noqa: S314 - SUMO's own output
        found[tuple(vehicle[0].get("edges", "").split())] += 1
    return found


def od_table(plan: Plan, net: Path, pattern: str) -> dict[tuple[str, str], float]:
    """
    Distribute the design hour over pairs of ends.

    Parameters
    ----------
    plan : Plan
        The network.
    net : Path
        Its net.
    pattern : str
        Key of volumes.PATTERNS.

    Returns
    -------
    dict of (str, str) to float
        [veh/h] by edge into and edge out of the network.

    References
    ----------
    K. P. Furness (1965), Time function iteration, Traffic Engineering and Control 7.
    """
    graph = sumolib.net.readNet(str(net))
    ends = gates(plan)
    rows = {into.edge: into.hourly(pattern) for into, _ in ends.values() if into}
    columns = {out.edge: out.hourly(pattern) for _, out in ends.values() if out}
    balance = sum(rows.values()) / sum(columns.values())
    columns = {edge: volume * balance for edge, volume in columns.items()}
    table: dict[tuple[str, str], float] = {}
    for end, (into, _) in ends.items():
        if into is None:
            continue
        reach = _distances(graph, into.edge)
        for other, (_, out) in ends.items():
            if out is None or other == end or _same_motorway(end, other) or out.edge not in reach:
                continue
            distance = reach[out.edge]
            table[into.edge, out.edge] = math.exp(-distance / DECAY) * min(1.0, distance / NEAR)
    for _ in range(100):
        _scale(table, rows, 0)
        _scale(table, columns, 1)
    return table


def _scale(table: dict[tuple[str, str], float], wanted: dict[str, float], side: int) -> None:
    sums: dict[str, float] = {}
    for pair, value in table.items():
        sums[pair[side]] = sums.get(pair[side], 0.0) + value
    for pair in table:
        table[pair] *= wanted[pair[side]] / sums[pair[side]] if sums[pair[side]] else 0.0


def _same_motorway(one: str, other: str) -> bool:
    return any(one.startswith(name) and other.startswith(name) for name in MOTORWAYS)


def _distances(graph: sumolib.net.Net, start: str) -> dict[str, float]:
    """Shortest distances for cars from one edge, in the order in which they are found."""
    import heapq  # noqa: PLC0415

    reached: dict[str, float] = {}
    queue = [(0.0, start)]
    while queue:
        distance, name = heapq.heappop(queue)
        if name in reached:
            continue
        reached[name] = distance
        edge = graph.getEdge(name)
        for after in edge.getAllowedOutgoing("passenger"):
            if after.getID() not in reached:
                heapq.heappush(queue, (distance + after.getLength(), after.getID()))
    return reached


def compare(
    plan: Plan, routes: Counter[tuple[str, ...]], pattern: str
) -> list[tuple[Count, float, float, float]]:
    """
    Compare the routes of a design hour with the stated volumes.

    Parameters
    ----------
    plan : Plan
        The network.
    routes : Counter of tuple of str
        Vehicles by route [veh/h].
    pattern : str
        Key of volumes.PATTERNS.

    Returns
    -------
    list of (Count, float, float, float)
        The count, stated and modelled volume [veh/h], GEH [-].
    """
    flow: Counter[str] = Counter()
    for route, number in routes.items():
        for edge in route:
            flow[edge] += number
    return [
        (count, count.hourly(pattern), flow[count.edge], geh(flow[count.edge], count.hourly(pattern)))
        for count in all_counts(plan)
    ]


def run(command: list[str]) -> None:
    """
    Run a tool of SUMO and refuse a failure.

    Parameters
    ----------
    command : list of str
        Program and arguments.
    """
    done = subprocess.run(
        command, capture_output=True, text=True, check=False, env={**os.environ, "SUMO_HOME": sumo.SUMO_HOME}
    )
    if done.returncode != 0:
        sys.exit(f"{Path(command[0]).name}: {done.stdout[-1000:]}{done.stderr[-2000:]}")


def _binary(name: str) -> str:
    return str(Path(sumo.SUMO_HOME) / "bin" / name)
