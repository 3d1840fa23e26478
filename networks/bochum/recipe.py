"""
Build a network of Bochum from the description of the city.

Each network's own build.py names its junctions and calls :func:`main`. The same description and the same SUMO
version give the same bytes.
"""

from __future__ import annotations

import argparse
import re
import sys
import tempfile
from pathlib import Path

from city import HERE, read_city
from convert import netconvert
from equip import write_additional
from lay import lay_out
from plain import write_plain
from signals import design, write_signals


def build(name: str, junctions: tuple[str, ...], target: Path) -> None:
    """
    Write the plain XML, the net, and its loops and stops into a folder.

    Parameters
    ----------
    name : str
        Name of the network.
    junctions : tuple of str
        Its junctions; empty for all of the city.
    target : Path
        Folder for the files.
    """
    city = read_city()
    plan = lay_out(city, junctions or tuple(city.junctions))
    write_plain(plan, name, target)
    with tempfile.TemporaryDirectory() as scratch:
        built = Path(scratch) / "built.net.xml"
        netconvert(name, target, built)
        # The first comment holds the date and the paths of the build.
        text = re.sub(r"<!--.*?-->\s*", "", built.read_text(encoding="utf-8"), count=1, flags=re.DOTALL)
    net = target / f"{name}.net.xml"
    net.write_text(text, encoding="utf-8")
    write_additional(plan, net, target / f"{name}.add.xml")
    routes = HERE.parents[1] / "scenarios" / "demand" / f"{name}.rou.xml.gz"
    if routes.is_file():  # the first build of a new network gives the net that its demand is made for
        decided = HERE / "design.toml", HERE.parent / name / "design.toml"
        write_signals(name, design(name, net, routes, *decided), target)


def main(home: Path, junctions: tuple[str, ...]) -> None:
    """
    Build in place, or compare with ``--check``.

    Parameters
    ----------
    home : Path
        The network's folder, which has its name.
    junctions : tuple of str
        Its junctions; empty for all of the city.
    """
    parser = argparse.ArgumentParser(description=f"Build {home.name} from networks/bochum.")
    parser.add_argument("--check", action="store_true", help="build aside and compare with the files here")
    if not parser.parse_args().check:
        build(home.name, junctions, home)
        return
    with tempfile.TemporaryDirectory() as scratch:
        build(home.name, junctions, Path(scratch))
        made = sorted(Path(scratch).iterdir())
        differing = [
            p.name
            for p in made
            if not (home / p.name).is_file() or p.read_bytes() != (home / p.name).read_bytes()
        ]
    if differing:
        sys.exit(f"differs from a fresh build: {', '.join(differing)}")
    print("the files are what a fresh build gives")
