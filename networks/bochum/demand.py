"""
Make the demand of a network: ``python networks/bochum/demand.py NETWORK...``, or with ``--geh`` only compare.

One route file holds the whole day of every mode as flows, hour by hour; the scenarios take their window of it. The
same inputs give the same bytes. Also writes NETWORK.counts.csv: stated and modelled volume of every counted
direction in the three design hours, with GEH.
"""

from __future__ import annotations

import argparse
import csv
import gzip
import importlib.util
import io
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import assign
from city import HERE, read_city
from equip import edge_lengths
from lay import Plan, lay_out
from lines import DWELL, departures, read_modes, runs
from volumes import DESIGN_SHARE, HOURS, PATTERNS, pattern_of

if TYPE_CHECKING:
    from collections import Counter

NETWORKS = HERE.parent
DEMAND = NETWORKS.parent / "scenarios" / "demand"
WALK_IN = 45.0  # a walk begins and ends this far from the crossing [m]
HEAD = """\
<?xml version="1.0" encoding="UTF-8"?>
<routes>
    <vTypeDistribution id="traffic">
        <vType id="car" vClass="passenger" emissionClass="HBEFA4/PC_petrol_Euro-6ab" speedFactor="normc(1.00,0.10,0.80,1.20)" probability="{cars:.3f}"/>
        <vType id="truck" vClass="truck" emissionClass="HBEFA4/RT_le7.5t_Euro-VI_A-C" length="9.00" speedFactor="normc(0.95,0.05,0.80,1.05)" probability="{trucks:.3f}"/>
    </vTypeDistribution>
    <vType id="bicycle" vClass="bicycle" speedFactor="normc(1.00,0.10,0.70,1.30)"/>
    <vType id="bus" vClass="bus" length="18.00" emissionClass="HBEFA4/UBus_Artic_gt18t_Euro-VI_A-C"/>
    <vType id="tram" vClass="tram" length="30.00" speedFactor="1.00" emissionClass="Zero/default"/>
    <vType id="walker" vClass="pedestrian" speedFactor="normc(1.00,0.10,0.80,1.20)"/>
"""


def load_plan(network: str) -> tuple[Plan, Path]:
    """
    Lay out a network as its build.py does.

    Parameters
    ----------
    network : str
        Its name.

    Returns
    -------
    plan : Plan
        The cut of the city.
    net : Path
        The built net.
    """
    path = NETWORKS / network / "build.py"
    spec = importlib.util.spec_from_file_location(f"build_{network.replace('-', '_')}", path)
    if spec is None or spec.loader is None or not path.is_file():
        sys.exit(f"there is no {path}")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    city = read_city()
    return lay_out(city, module.JUNCTIONS or tuple(city.junctions)), path.parent / f"{network}.net.xml"


def build(network: str, routes_file: Path, counts_file: Path) -> None:
    """
    Write the route file and the counts of a network.

    Parameters
    ----------
    network : str
        Its name.
    routes_file : Path
        The gzipped route file to write.
    counts_file : Path
        The table to write.
    """
    plan, net = load_plan(network)
    with tempfile.TemporaryDirectory() as scratch:
        routes = assign.candidates(plan, net, Path(scratch))
        sampled = {name: assign.sample(plan, net, name, routes, Path(scratch)) for name in PATTERNS}
    modes = read_modes()
    names = {
        route: f"r{n}" for n, route in enumerate(sorted({r for found in sampled.values() for r in found}))
    }
    motor = {e.id for e in plan.edges if e.link.road.motor}
    lines = [HEAD.format(cars=1.0 - modes["truck_share"], trucks=modes["truck_share"])]
    lines += [f'    <route id="{name}" edges="{" ".join(route)}"/>\n' for route, name in names.items()]
    flows: list[tuple[int, str]] = []
    for hour in range(24):
        flows += _vehicles(hour, sampled[pattern_of(hour)], names, motor, modes)
        flows += _walks(hour, plan, net, modes)
    flows += _lines(plan, net)
    lines += [text for _, text in sorted(flows, key=lambda item: item[0])]
    text = "".join(lines) + "</routes>\n"
    raw = io.BytesIO()
    # No name and no time in the header: the same text gives the same bytes.
    with gzip.GzipFile(filename="", mode="wb", fileobj=raw, mtime=0, compresslevel=9) as file:
        file.write(text.encode())
    routes_file.write_bytes(raw.getvalue())
    with counts_file.open("w", encoding="utf-8", newline="") as table:
        writer = csv.writer(table, lineterminator="\n")
        writer.writerow(["pattern", "edge", "stated_veh_h", "modelled_veh_h", "geh", "source"])
        for pattern, found in sampled.items():
            for count, stated, modelled, value in assign.compare(plan, found, pattern):
                writer.writerow(
                    [pattern, count.edge, f"{stated:.0f}", f"{modelled:.0f}", f"{value:.2f}", count.source]
                )


def _vehicles(hour: int, sampled: Counter[tuple[str, ...]], names: dict[tuple[str, ...], str], motor: set[str],
              modes: dict[str, Any]) -> list[tuple[int, str]]:  # fmt: skip
    """Cars, trucks and bicycles of an hour: Poisson arrivals at the rate of each route."""
    begin, share = hour * 3600, HOURS[hour] / 100.0 / DESIGN_SHARE
    found = []
    ban = set(modes["truck_ban"])
    for route, name in names.items():
        number = sampled[route] * share
        if not number:
            continue
        kind = "car" if len(ban & set(route)) == len(ban) else "traffic"
        found.append((begin, _flow("flow", f"{name}.{hour}", kind, begin, number,
                                   f'route="{name}" departLane="best" departSpeed="max"')))  # fmt: skip
        if not motor & set(route):
            cycles = number * modes["bicycle_share"]
            found.append((begin, _flow("flow", f"b{name}.{hour}", "bicycle", begin, cycles,
                                       f'route="{name}" departLane="best"')))  # fmt: skip
    return found


def _flow(tag: str, name: str, kind: str, begin: int, number: float, rest: str, inside: str = "") -> str:
    end = f">{inside}</{tag}>" if inside else "/>"
    return (f'    <{tag} id="{name}" type="{kind}" begin="{begin}" end="{begin + 3600}" '
            f'period="exp({number / 3600.0:.7f})" {rest}{end}\n')  # fmt: skip


def _walks(hour: int, plan: Plan, net: Path, modes: dict[str, Any]) -> list[tuple[int, str]]:
    """People over the crossings: from one pavement of a leg to the other."""
    import turns  # noqa: PLC0415

    lengths = edge_lengths(net)
    walkable = {e.id for e in plan.edges if e.indices("walk")}
    found = []
    begin, share = hour * 3600, HOURS[hour] / 100.0 / DESIGN_SHARE
    for node, edges in turns.crossings(plan):
        if len(edges) < 2 or not set(edges) <= walkable:
            continue
        count = modes["pedestrians"].get(node, modes["pedestrians"]["default"]) * share / 2.0
        towards = next(e.id for e in plan.edges if e.id in edges and e.head == node)
        away = next(e.id for e in plan.edges if e.id in edges and e.tail == node)
        near = min(WALK_IN, lengths[towards] / 3.0, lengths[away] / 3.0)
        places = {towards: lengths[towards] - near, away: near}
        for start, end in ((towards, away), (away, towards)):
            walk = f'<walk edges="{start} {end}" arrivalPos="{places[end]:.2f}"/>'
            found.append((begin, _flow("personFlow", f"w.{node}.{start}.{hour}", "walker", begin, count,
                                       f'departPos="{places[start]:.2f}"', walk)))  # fmt: skip
    return found


def _lines(plan: Plan, net: Path) -> list[tuple[int, str]]:
    found = []
    lengths = edge_lengths(net)
    for number, run in enumerate(runs(plan, lengths)):
        stops = "".join(f'<stop busStop="{s.id}" duration="{DWELL[run.kind]}"/>' for s in run.stops)
        stops += f'<param key="line" value="{run.id}"/>'
        for begin, end, period in departures(run.headway):
            # Lines do not all start on the full hour.
            first = begin + (number * 97) % int(min(period, 600.0))
            place = "base" if run.kind == "bus" else f"{min(35.0, lengths[run.edges[0]] / 2.0):.2f}"
            found.append((first, (
                f'    <flow id="{run.id}.{begin // 3600}" type="{run.kind}" line="{run.id}" begin="{first}" end="{end}" '
                f'period="{period:.0f}" departLane="{run.lane}" departPos="{place}" departSpeed="0">'
                f'<route edges="{" ".join(run.edges)}"/>{stops}</flow>\n')))  # fmt: skip
    return found


def report(network: str) -> float:
    """
    Print how the modelled volumes meet the stated ones.

    Parameters
    ----------
    network : str
        Its name.

    Returns
    -------
    float
        Least share of counts with GEH below 5 over the patterns [-].
    """
    with (NETWORKS / network / f"{network}.counts.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    worst = 1.0
    for pattern in PATTERNS:
        chosen = [row for row in rows if row["pattern"] == pattern]
        good = sum(float(row["geh"]) < 5.0 for row in chosen)
        worst = min(worst, good / len(chosen))
        most = max(chosen, key=lambda row: float(row["geh"]))
        print(f"{network:20} {pattern:4} GEH < 5: {good:3} of {len(chosen):3} counts ({100 * good / len(chosen):.0f} %), "
              f"highest {float(most['geh']):.1f} at {most['edge']} ({most['modelled_veh_h']} for {most['stated_veh_h']} veh/h)")  # fmt: skip
    return worst


def main() -> None:
    """Build the demand of the networks named, or check or compare it."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("network", nargs="+")
    parser.add_argument("--geh", action="store_true", help="only print GEH of the committed demand")
    parser.add_argument(
        "--check", action="store_true", help="build aside and compare with the committed files"
    )
    wish = parser.parse_args()
    for network in wish.network:
        routes, counts = DEMAND / f"{network}.rou.xml.gz", NETWORKS / network / f"{network}.counts.csv"
        if wish.check:
            with tempfile.TemporaryDirectory() as scratch:
                made = Path(scratch) / routes.name, Path(scratch) / counts.name
                build(network, *made)
                if any(a.read_bytes() != b.read_bytes() for a, b in zip(made, (routes, counts), strict=True)):
                    sys.exit(f"{network}: the demand differs from a fresh one")
        elif not wish.geh:
            build(network, routes, counts)
        if report(network) < 0.85:
            sys.exit(f"{network}: fewer than 85 % of the counts are met with GEH < 5")


if __name__ == "__main__":
    main()
