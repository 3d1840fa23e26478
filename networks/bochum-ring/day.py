"""
Make the demand of the whole day and the other programmes: ``python networks/bochum-ring/day.py [--check]``.

The daily volumes of demand.toml, hour by hour: the pull towards the centre in the morning turns round in the
afternoon and is even at other times. Vehicles arrive at random (Poisson), with every seed others. Signals for the
afternoon, the rest of the day and the night are designed by ``sim.design`` for these volumes; the net keeps its
hand-made programme of the morning. Writes scenarios/demand/bochum-ring.rou.xml.gz and bochum-ring.*.add.xml.
"""

from __future__ import annotations

import argparse
import copy
import gzip
import io
import sys
import tempfile
import tomllib
from pathlib import Path
from typing import Any

import sumolib

HERE = Path(__file__).resolve().parent
# This folder has a demand.py too, and so has the shared one: ours is the one wanted.
sys.path.insert(0, str(HERE.parent / "bochum"))
sys.path.insert(0, str(HERE))

import demand as ring  # noqa: E402 - the folders are added first
import signals  # noqa: E402
from volumes import HOURS, pattern_of  # noqa: E402

NAME = "bochum-ring"
HEAD = """\
<?xml version="1.0" encoding="UTF-8"?>
<routes>
    <vTypeDistribution id="traffic">
        <vType id="car" vClass="passenger" emissionClass="HBEFA4/PC_petrol_Euro-6ab" speedFactor="normc(1.00,0.10,0.80,1.20)" probability="{cars:.3f}"/>
        <vType id="truck" vClass="truck" emissionClass="HBEFA4/RT_le7.5t_Euro-VI_A-C" length="9.00" speedFactor="normc(0.95,0.05,0.80,1.05)" probability="{trucks:.3f}"/>
    </vTypeDistribution>
    <vType id="walker" vClass="pedestrian" speedFactor="normc(1.00,0.10,0.80,1.20)"/>
"""


def design_hour(design: dict[str, Any], pattern: str) -> dict[str, Any]:
    """
    Turn the directions of the morning to another time of day.

    Parameters
    ----------
    design : dict
        demand.toml.
    pattern : str
        "am", "pm" or "off".

    Returns
    -------
    dict
        The same with other shares of the directions.
    """
    turned = copy.deepcopy(design)
    for gate in turned["gates"].values():
        if 0.0 < gate["inward"] < 1.0:
            gate["inward"] = {"am": gate["inward"], "pm": 1.0 - gate["inward"], "off": 0.5}[pattern]
    return turned


def write_routes(target: Path) -> None:
    """
    Write the flows of the day.

    Parameters
    ----------
    target : Path
        The gzipped route file.
    """
    design = tomllib.loads((HERE / "demand.toml").read_text(encoding="utf-8"))
    net = sumolib.net.readNet(str(ring.NET))
    tables = {pattern: ring.od_table(design_hour(design, pattern)) for pattern in ("am", "pm", "off")}
    lines = [HEAD.format(cars=1.0 - design["truck_share"], trucks=design["truck_share"])]
    for o, row in tables["off"].items():
        for d in row:
            path, _ = net.getOptimalPath(
                net.getEdge(f"{o}_in"), net.getEdge(f"{d}_out"), fastest=True, vClass="passenger"
            )
            lines.append(f'    <route id="{o}.{d}" edges="{" ".join(e.getID() for e in path)}"/>\n')
    walks = [line for _, line in ring.walks({**design, "pedestrians": {"default": 2}})]
    for hour, percent in enumerate(HOURS):
        share, begin = percent / 100.0 / design["peak_share"], hour * 3600
        for o, row in tables[pattern_of(hour)].items():
            for d, volume in row.items():
                if volume * share > 0.005:
                    lines.append(
                        f'    <flow id="{o}.{d}.{hour}" type="traffic" route="{o}.{d}" begin="{begin}" end="{begin + 3600}" '
                        f'period="exp({volume * share / 3600.0:.7f})" departLane="best" departSpeed="max"/>\n'
                    )
        lines += [_walk(line, design, hour, share) for line in walks]
    raw = io.BytesIO()
    with gzip.GzipFile(filename="", mode="wb", fileobj=raw, mtime=0, compresslevel=9) as file:
        file.write("".join([*lines, "</routes>\n"]).encode())
    target.write_bytes(raw.getvalue())


def _walk(person: str, design: dict[str, Any], hour: int, share: float) -> str:
    """Make a flow of one of the two ways over a crossing."""
    import re  # noqa: PLC0415

    found = re.search(r'id="(walk\.(R\d\d)[^"]*)".*departPos="([\d.]+)">(<walk .*/>)', person)
    if found is None:
        sys.exit(f"no walk: {person}")
    name, node, place, walk = found.groups()
    rate = design["pedestrians"].get(node, design["pedestrians"]["default"]) * share / 2.0 / 3600.0
    return (
        f'    <personFlow id="{name}.{hour}" type="walker" begin="{hour * 3600}" end="{hour * 3600 + 3600}" '
        f'period="exp({rate:.7f})" departPos="{place}">{walk}</personFlow>\n'
    )


def build(routes: Path, folder: Path) -> None:
    """
    Write the demand and the programmes.

    Parameters
    ----------
    routes : Path
        The route file.
    folder : Path
        Where the programmes go.
    """
    write_routes(routes)
    made = signals.design(NAME, ring.NET, routes, HERE / "design.toml")
    signals.write_programs(NAME, made, folder)


def main() -> None:
    """Build in place, or compare with --check."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--check", action="store_true", help="build aside and compare with the files here")
    routes = ring.OUT / f"{NAME}.rou.xml.gz"
    if not parser.parse_args().check:
        build(routes, HERE)
        return
    with tempfile.TemporaryDirectory() as scratch:
        aside = Path(scratch)
        build(aside / routes.name, aside)
        places = {
            file: routes if file.name == routes.name else HERE / file.name for file in sorted(aside.iterdir())
        }
        differing = [file.name for file, place in places.items() if file.read_bytes() != place.read_bytes()]
    if differing:
        sys.exit(f"differs from a fresh build: {', '.join(differing)}")
    print("the files are what a fresh build gives")


if __name__ == "__main__":
    main()
