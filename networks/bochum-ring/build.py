"""
Build bochum-ring.net.xml from the plain XML beside this file: ``python networks/bochum-ring/build.py``.

Two passes of netconvert: the first gives the geometry of the junctions, from which ring_programs.py computes
intergreens and programs (bochum-ring.tll.xml); the second builds the net with these programs. The same sources
and the same SUMO version give the same bytes.
"""

from __future__ import annotations

import argparse
import re
import sys
import tempfile
from pathlib import Path

import ring_programs

HERE = Path(__file__).resolve().parent
sys.path.append(str(HERE.parent / "bochum"))

from convert import netconvert  # noqa: E402 - shared with the other networks of Bochum

NAME = "bochum-ring"


def build(target: Path) -> None:
    """
    Write the programs and the net into a folder.

    Parameters
    ----------
    target : Path
        Folder for bochum-ring.tll.xml and bochum-ring.net.xml.
    """
    programs, net = target / f"{NAME}.tll.xml", target / f"{NAME}.net.xml"
    with tempfile.TemporaryDirectory() as scratch:
        geometry = Path(scratch) / "geometry.net.xml"
        netconvert(NAME, HERE, geometry)
        ring_programs.write_programs(geometry, HERE / "signals.toml", programs)
        built = Path(scratch) / "built.net.xml"
        netconvert(NAME, HERE, built, "--tllogic-files", str(programs))
        # The first comment holds the date and the paths of the build.
        text = re.sub(r"<!--.*?-->\s*", "", built.read_text(encoding="utf-8"), count=1, flags=re.DOTALL)
    net.write_text(text, encoding="utf-8")


def main() -> None:
    """Build in place, or compare with --check."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="build aside and compare with the files here")
    if not parser.parse_args().check:
        build(HERE)
        return
    with tempfile.TemporaryDirectory() as scratch:
        build(Path(scratch))
        differing = [
            p.name for p in Path(scratch).iterdir() if p.read_bytes() != (HERE / p.name).read_bytes()
        ]
    if differing:
        sys.exit(f"differs from a fresh build: {', '.join(sorted(differing))}")
    print("the files are what a fresh build gives")


if __name__ == "__main__":
    main()
