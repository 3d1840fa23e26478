"""Networks for the tests of the design: made by netgenerate, once a session."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import sumo

if TYPE_CHECKING:
    from collections.abc import Callable

BIN = Path(sumo.SUMO_HOME) / "bin"
ENVIRONMENT = {**os.environ, "SUMO_HOME": str(sumo.SUMO_HOME)}
GRID = ("--grid", "--grid.number", "1", "--grid.attach-length", "150", "--default-junction-type", "traffic_light")


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Path]:
    """Make a net with netgenerate; the same options give the same file."""
    folder = tmp_path_factory.mktemp("nets")
    known: dict[tuple[str, ...], Path] = {}

    def make(*options: str) -> Path:
        if options not in known:
            path = folder / f"net{len(known)}.net.xml"
            command = [str(BIN / "netgenerate"), *options, "-o", str(path)]
            subprocess.run(command, env=ENVIRONMENT, capture_output=True, check=True)
            known[options] = path
        return known[options]

    return make


@pytest.fixture(scope="session")
def crossroads(made: Callable[..., Path]) -> Path:
    """One junction of two roads with crossings and lanes for left turns."""
    return made(*GRID, "-L", "2", "--turn-lanes", "1", "--sidewalks.guess", "--crossings.guess")


def warnings_of(net: Path) -> list[str]:
    """Load a net in SUMO and list what it complains about."""
    command = [str(BIN / "sumo"), "-n", str(net), "-e", "2", "--no-step-log", "-X", "never"]
    done = subprocess.run(command, env=ENVIRONMENT, capture_output=True, text=True, check=True)
    return [line for line in (done.stdout + done.stderr).splitlines() if "Warning" in line or "Error" in line]
