"""A tiny network with signals and demand: a run takes half a second, most of it for starting SUMO."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
import sumo

from sim.scenario.model import Scenario

NETGENERATE = (
    "--grid --grid.number 2 --grid.length 120 --grid.attach-length 120 -j traffic_light --no-turnarounds"
)
FLOW = '<flow id="{id}" begin="0" end="1000000" period="exp(0.1)" from="{start}" to="{goal}"/>'


@pytest.fixture(scope="session")
def crossings(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("crossings")
    program = Path(sumo.SUMO_HOME) / "bin" / "netgenerate"
    subprocess.run(
        [program, *NETGENERATE.split(), "-o", folder / "net.net.xml"], check=True, capture_output=True
    )
    pairs = [
        ("left0A0", "B0right0"),
        ("bottom0A0", "A1top0"),
        ("top1B1", "B0bottom1"),
        ("right1B1", "A1left1"),
    ]
    flows = (FLOW.format(id=f"f{i}", start=a, goal=b) for i, (a, b) in enumerate(pairs))
    (folder / "demand.rou.xml").write_text(f"<routes>{''.join(flows)}</routes>", encoding="utf-8")
    return folder


@pytest.fixture
def scenario(crossings: Path) -> Scenario:
    return Scenario(
        name="crossings",
        network=crossings / "net.net.xml",
        demand=(crossings / "demand.rou.xml",),
        begin=0,
        end=300,
        seeds=(1, 2),
        controllers=("program",),
    )
