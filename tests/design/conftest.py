"""Networks for the tests of the design: made by netgenerate, once a session."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

sys.path.insert(0, str(Path(__file__).parent))
from made_nets import BIN, ENVIRONMENT, GRID

if TYPE_CHECKING:
    from collections.abc import Callable


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
