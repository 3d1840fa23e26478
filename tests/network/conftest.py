"""Networks to read: those of installed packages, and small ones that SUMO's own tools make here."""

from __future__ import annotations

import importlib.util
import subprocess
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import sumo

from sim.network.graph import RoadGraph

if TYPE_CHECKING:
    from collections.abc import Callable

NODES = """<nodes><node id="c" x="0" y="0" type="{kind}"/><node id="w" x="-200" y="0"/><node id="e" x="200" y="0"/>
<node id="n" x="0" y="200"/><node id="s" x="0" y="-200"/></nodes>"""
ARMS = ["wc", "cw", "ec", "ce", "nc", "cn", "sc", "cs"]
EDGES = "".join(f'<edge id="{a}" from="{a[0]}" to="{a[1]}" numLanes="2" speed="13.89"/>' for a in ARMS)


def folder_of(package: str) -> Path:
    """Find an installed package without importing it: sumo_rl would load much more than its networks."""
    spec = importlib.util.find_spec(package)
    if spec is None or not spec.submodule_search_locations:
        pytest.fail(f"{package} is not installed; install gruenband[resco]")
    return Path(next(iter(spec.submodule_search_locations)))


def resco_path(name: str) -> Path:
    return folder_of("sumo_rl") / "nets" / "RESCO" / name / f"{name}.net.xml"


@cache
def resco(name: str) -> RoadGraph:
    return RoadGraph.from_file(resco_path(name))


@cache
def rilsa(number: int, *, own: bool = True) -> RoadGraph:
    folder = folder_of("sumolib") / "scenario" / "scenarios" / "RealWorld" / f"RiLSA_example{number}"
    additional = [folder / f"rilsa{number}_tls.add.xml"] if own else []
    return RoadGraph.from_file(folder / f"rilsa{number}.net.xml", additional)


def make(program: str, target: Path, *options: str | Path) -> Path:
    """Have netgenerate or netconvert write a network."""
    command = [Path(sumo.SUMO_HOME) / "bin" / program, *options, "-o", target]
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return target


@pytest.fixture(scope="session")
def convert(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Path]:
    """Build a network from plain XML; by default a crossing of two streets with two lanes each way."""

    def build(
        *options: str,
        nodes: str = NODES,
        edges: str = EDGES,
        connections: str = "",
        kind: str = "traffic_light",
    ) -> Path:
        folder = tmp_path_factory.mktemp("plain")
        (folder / "n.nod.xml").write_text(nodes.replace("{kind}", kind), encoding="utf-8")
        (folder / "e.edg.xml").write_text(f"<edges>{edges}</edges>", encoding="utf-8")
        files: list[str | Path] = ["-n", folder / "n.nod.xml", "-e", folder / "e.edg.xml"]
        if connections:
            (folder / "c.con.xml").write_text(f"<connections>{connections}</connections>", encoding="utf-8")
            files += ["-x", folder / "c.con.xml"]
        return make("netconvert", folder / "made.net.xml", *files, *options)

    return build


@pytest.fixture(scope="session")
def crossing(convert: Callable[..., Path]) -> Path:
    """A plain crossing: four arms, two lanes each, no turnarounds, two stages."""
    return convert("--no-turnarounds")


@pytest.fixture(scope="session")
def grid(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two by two signals with sidewalks and crossings."""
    return make(
        "netgenerate",
        tmp_path_factory.mktemp("grid") / "grid.net.xml",
        *["--grid", "--grid.number", "2", "--grid.length", "150", "--grid.attach-length", "150", "-L", "2"],
        *[
            "--sidewalks.guess",
            "--crossings.guess",
            "--tls.guess",
            "--default-junction-type",
            "traffic_light",
        ],
    )
