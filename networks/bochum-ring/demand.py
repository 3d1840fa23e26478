"""
Make the morning-peak demand: ``python networks/bochum-ring/demand.py``.

Daily volumes (demand.toml) give the peak hour of every gate; a doubly constrained gravity model (Furness) gives
the OD table; od2trips draws departures, duarouter finds the routes. Writes
scenarios/demand/bochum-ring-am.rou.xml and bochum-ring-am.od.csv; the same inputs give the same bytes.
"""

from __future__ import annotations

import csv
import math
import random
import subprocess
import sys
import tempfile
import tomllib
import xml.etree.ElementTree as ET
from pathlib import Path
from typing import Any

import sumo
import sumolib

HERE = Path(__file__).resolve().parent
NET = HERE / "bochum-ring.net.xml"
OUT = HERE.parents[1] / "scenarios" / "demand"
STEM = "bochum-ring-am"
QUARTER = 900  # [s]
WALK_IN = 45.0  # a walk begins and ends this far from the crossing [m]

Table = dict[str, dict[str, float]]

VEHICLE_TYPES = """\
    <vType id="car" vClass="passenger" emissionClass="HBEFA4/PC_petrol_Euro-6ab" speedFactor="normc(1.00,0.10,0.80,1.20)"/>
    <vType id="truck" vClass="truck" emissionClass="HBEFA4/RT_le7.5t_Euro-VI_A-C" length="9.00" speedFactor="normc(0.95,0.05,0.80,1.05)"/>
    <vType id="walker" vClass="pedestrian" speedFactor="normc(1.00,0.10,0.80,1.20)"/>
"""


def od_table(design: dict[str, Any]) -> Table:
    """
    Distribute the peak hour over origins and destinations.

    Parameters
    ----------
    design : dict
        demand.toml.

    Returns
    -------
    dict of dict of float
        Vehicles from the outer to the inner key in the hour [veh/h].

    References
    ----------
    K. P. Furness (1965), Time function iteration, Traffic Engineering and Control 7.
    """
    net = sumolib.net.readNet(str(NET))
    names = list(design["gates"])
    peak = {n: design["peak_share"] * gate["daily"] for n, gate in design["gates"].items()}
    rows = {n: peak[n] * design["gates"][n]["inward"] for n in names}
    columns = {n: peak[n] - rows[n] for n in names}
    balance = sum(rows.values()) / sum(columns.values())
    columns = {n: volume * balance for n, volume in columns.items()}
    radials = design["radials"]
    neighbours = set(zip(radials, [*radials[1:], radials[0]], strict=True))
    table: Table = {o: {} for o in names}
    for o in names:
        for d in names:
            if o == d or not rows[o] or not columns[d]:
                continue
            path, _ = net.getShortestPath(net.getEdge(f"{o}_in"), net.getEdge(f"{d}_out"), vClass="passenger")
            if path:
                ring = sum(e.getLength() for e in path if e.getID().startswith("R"))
                beside = (o, d) in neighbours or (d, o) in neighbours
                table[o][d] = math.exp(-ring / design["decay"]) * (design["beside"] if beside else 1.0)
    for _ in range(200):
        for o in (name for name in names if table[name]):
            scale = rows[o] / sum(table[o].values())
            table[o] = {d: v * scale for d, v in table[o].items()}
        for d in names:
            scale = columns[d] / sum(table[o].get(d, 0.0) for o in names)
            for o in names:
                if d in table[o]:
                    table[o][d] *= scale
    return table


def whole_numbers(table: Table, share: float, draw: random.Random) -> dict[tuple[str, str], int]:
    """
    Round a share of the OD table at random so that small cells keep their mean.

    Parameters
    ----------
    table : dict of dict of float
        [veh/h].
    share : float
        Of every cell [-].
    draw : random.Random
        Source of chance.

    Returns
    -------
    dict of (str, str) to int
        Vehicles by origin and destination.
    """
    cells = {(o, d): v * share for o, row in table.items() for d, v in row.items()}
    return {cell: int(v) + (draw.random() < v - int(v)) for cell, v in cells.items()}


def draw_trips(design: dict[str, Any], table: Table, scratch: Path) -> Path:
    """
    Draw the trips with od2trips and route them with duarouter.

    Parameters
    ----------
    design : dict
        demand.toml.
    table : dict of dict of float
        [veh/h].
    scratch : Path
        Folder for the files in between.

    Returns
    -------
    Path
        Route file with one vehicle per trip.
    """
    draw = random.Random(design["seed"])  # noqa: S311 - a traffic demand, not a secret
    zones = scratch / "zones.taz.xml"
    rows = [
        f'<taz id="{n}"><tazSource id="{n}_in" weight="1"/><tazSink id="{n}_out" weight="1"/></taz>'
        for n in table
    ]
    zones.write_text("<tazs>" + "".join(rows) + "</tazs>", encoding="utf-8")
    matrices: dict[str, list[str]] = {"car": [], "truck": []}
    for quarter, share in enumerate(design["quarters"]):
        for kind, part in (("car", 1.0 - design["truck_share"]), ("truck", design["truck_share"])):
            counts = whole_numbers(table, share * part, draw)
            begin = design["begin"] + quarter * QUARTER
            clock = [f"{t // 3600}.{t % 3600 // 60:02d}" for t in (begin, begin + QUARTER)]
            body = "\n".join(f"{o} {d} {n}" for (o, d), n in counts.items() if n)
            matrix = scratch / f"{kind}{quarter}.od"
            matrix.write_text(f"$OR;D2\n{clock[0]} {clock[1]}\n1.00\n{body}\n", encoding="utf-8")
            matrices[kind].append(str(matrix))
    parts = []
    for kind, files in matrices.items():
        trips = scratch / f"{kind}.trips.xml"
        _tool("od2trips", "-n", str(zones), "-d", ",".join(files), "-o", str(trips), "--vtype", kind,
              "--prefix", kind, "--seed", str(design["seed"]), "--departlane", "best", "--departspeed", "max")  # fmt: skip
        parts.append(str(trips))
    types, routed = scratch / "types.xml", scratch / "routed.rou.xml"
    types.write_text(f"<additional>\n{VEHICLE_TYPES}</additional>\n", encoding="utf-8")
    _tool("duarouter", "-n", str(NET), "-r", ",".join(parts), "-a", str(types), "-o", str(routed),
          "--seed", str(design["seed"]), "--no-step-log")  # fmt: skip
    return routed


def walks(design: dict[str, Any]) -> list[tuple[float, str]]:
    """
    Draw the people who cross at the signals.

    Parameters
    ----------
    design : dict
        demand.toml.

    Returns
    -------
    list of (float, str)
        Departure [s] and the XML of each person.
    """
    draw = random.Random(design["seed"] + 1)  # noqa: S311
    root = ET.parse(NET).getroot()  # noqa: S314
    lengths = {e.get("id", ""): float(e[0].get("length", "0")) for e in root.iter("edge") if len(e)}
    table = tomllib.loads((HERE / "signals.toml").read_text(encoding="utf-8"))
    heads = {e.get("id", ""): e.get("to", "") for e in root.iter("edge")}
    legs: dict[str, list[tuple[str, str]]] = {}
    for towards, away in (leg for signal in table["signal"] for leg in signal["legs"].values()):
        if towards:  # a one-way street has a pavement on one side only, so nobody walks there
            legs.setdefault(heads[towards], []).append((towards, away))
    people: list[tuple[float, str]] = []
    done: set[tuple[str, str]] = set()
    for crossing in root.iter("edge"):
        node = crossing.get("id", "").lstrip(":").partition("_")[0]
        if crossing.get("function") != "crossing" or not node.startswith("R"):
            continue
        # A leg with an island has two crossings, one for each direction; people take both.
        crossed = set(crossing.get("crossingEdges", "").split())
        leg = next((leg for leg in legs[node] if crossed <= set(leg)), None)
        if leg is None or leg in done:
            continue
        done.add(leg)
        towards, away = leg
        count = design["pedestrians"].get(node, design["pedestrians"]["default"])
        for number in range(count):
            depart = round(design["begin"] + draw.random() * 3600.0, 2)
            # People walk on the pavement in either direction, so half of them start on the far side.
            start, end = (towards, away) if number % 2 else (away, towards)
            # Nearer to this crossing than to the one at the other end of a short street.
            near = min(WALK_IN, lengths[towards] / 3.0, lengths[away] / 3.0)
            places = {towards: lengths[towards] - near, away: near}
            name = f"walk.{crossing.get('id', '').lstrip(':')}.{number}"
            people.append(
                (
                    depart,
                    (
                        f'    <person id="{name}" type="walker" depart="{depart:.2f}" departPos="{places[start]:.2f}">'
                        f'<walk edges="{start} {end}" arrivalPos="{places[end]:.2f}"/></person>'
                    ),
                )
            )
    return people


def vehicles(routed: Path) -> tuple[list[str], list[tuple[float, str]]]:
    """
    Give every route a name once and refer to it from its vehicles.

    Parameters
    ----------
    routed : Path
        Output of duarouter.

    Returns
    -------
    routes : list of str
        XML of the named routes.
    vehicles : list of (float, str)
        Departure [s] and XML of each vehicle.
    """
    routes: dict[str, str] = {}
    found = []
    for vehicle in ET.parse(routed).getroot().iter("vehicle"):  # noqa: S314
        edges = vehicle[0].get("edges", "")
        first, *_, last = edges.split()
        name = f"{first.removesuffix('_in')}.{last.removesuffix('_out')}"
        if routes.setdefault(name, edges) != edges:
            sys.exit(f"two routes from {first} to {last}")
        depart = float(vehicle.get("depart", "0"))
        found.append(
            (
                depart,
                (
                    f'    <vehicle id="{vehicle.get("id")}" type="{vehicle.get("type")}" route="{name}" '
                    f'depart="{depart:.2f}" departLane="best" departSpeed="max"/>'
                ),
            )
        )
    lines = [f'    <route id="{name}" edges="{edges}"/>' for name, edges in sorted(routes.items())]
    return lines, found


def _tool(name: str, *arguments: str) -> None:
    done = subprocess.run(
        [str(Path(sumo.SUMO_HOME) / "bin" / name), *arguments], capture_output=True, text=True, check=False
    )
    if done.returncode != 0 or "Warning" in done.stdout + done.stderr:
        sys.exit(f"{name}: {done.stdout}{done.stderr}")


def build(target: Path) -> None:
    """
    Write the OD table and the routes.

    Parameters
    ----------
    target : Path
        Folder.
    """
    design = tomllib.loads((HERE / "demand.toml").read_text(encoding="utf-8"))
    table = od_table(design)
    with (target / f"{STEM}.od.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["from", "to", "vehicles_per_hour"])
        writer.writerows([o, d, f"{v:.2f}"] for o, row in table.items() for d, v in row.items())
    with tempfile.TemporaryDirectory() as scratch:
        routes, found = vehicles(draw_trips(design, table, Path(scratch)))
    ordered = [line for _, line in sorted(found + walks(design))]
    text = '<?xml version="1.0" encoding="UTF-8"?>\n<routes>\n' + VEHICLE_TYPES
    text += "\n".join([*routes, *ordered]) + "\n</routes>\n"
    (target / f"{STEM}.rou.xml").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    build(OUT)
