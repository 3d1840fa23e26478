"""Options of made networks, and what SUMO says of a network."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import sumo

BIN = Path(sumo.SUMO_HOME) / "bin"
ENVIRONMENT = {**os.environ, "SUMO_HOME": str(sumo.SUMO_HOME)}
GRID = (
    "--grid",
    "--grid.number",
    "1",
    "--grid.attach-length",
    "150",
    "--default-junction-type",
    "traffic_light",
)


def warnings_of(net: Path) -> list[str]:
    """Load a net in SUMO and list what it complains about."""
    command = [str(BIN / "sumo"), "-n", str(net), "-e", "2", "--no-step-log", "-X", "never"]
    done = subprocess.run(command, env=ENVIRONMENT, capture_output=True, text=True, check=True)
    return [line for line in (done.stdout + done.stderr).splitlines() if "Warning" in line or "Error" in line]
