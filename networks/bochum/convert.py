"""netconvert on the plain XML of a network, for all networks of Bochum."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import sumo

OPTIONS = (
    "--no-turnarounds",
    "--offset.disable-normalization",
    "--junctions.corner-detail",
    "5",
    "--precision",
    "2",
)


def netconvert(name: str, folder: Path, output: Path, *options: str) -> None:
    """
    Run netconvert on plain XML and refuse any warning.

    Parameters
    ----------
    name : str
        Name of the network.
    folder : Path
        Where its plain XML stands.
    output : Path
        The net to write.
    *options : str
        Further options.
    """
    command = [str(Path(sumo.SUMO_HOME) / "bin" / "netconvert")]
    for option, suffix in (("-n", "nod"), ("-e", "edg"), ("-x", "con")):
        command += [option, str(folder / f"{name}.{suffix}.xml")]
    done = subprocess.run(
        [*command, *OPTIONS, *options, "-o", str(output)], capture_output=True, text=True, check=False
    )
    if done.returncode != 0 or "Warning" in done.stdout + done.stderr:
        sys.exit(f"netconvert: {done.stdout}{done.stderr}")
