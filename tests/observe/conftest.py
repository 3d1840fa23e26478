"""One signal with four legs and crossings; plain text in, a run with its tables out."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import sumo

from sim.control.registry import parse_controller
from sim.evaluate.columns import csv_to_parquet
from sim.evaluate.database import connect, records
from sim.evaluate.kpi import measure
from sim.evaluate.persons import persons_to_parquet
from sim.evaluate.tripinfo import tripinfo_to_parquet
from sim.observe.tables import OBSERVED
from sim.run import RunTask, run
from sim.scenario import load_scenario

if TYPE_CHECKING:
    from collections.abc import Callable

BIN = Path(sumo.SUMO_HOME) / "bin"
NODES = """<nodes>
<node id="C" x="0" y="0" type="traffic_light"/>
<node id="W" x="-200" y="0"/><node id="E" x="200" y="0"/><node id="N" x="0" y="200"/><node id="S" x="0" y="-200"/>
</nodes>"""
EDGES = "".join(
    f'<edge id="{a}{b}" from="{a}" to="{b}" numLanes="1" speed="13.9" sidewalkWidth="2"/>'
    for end in "WENS"
    for a, b in ((end, "C"), ("C", end))
)


@pytest.fixture(scope="session")
def junction(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A junction whose program shows the west-east road 30 s of green, 3 s of yellow, then the other one."""
    folder = tmp_path_factory.mktemp("junction")
    (folder / "x.nod.xml").write_text(NODES)
    (folder / "x.edg.xml").write_text(f"<edges>{EDGES}</edges>")
    net = folder / "x.net.xml"
    subprocess.run(
        [
            BIN / "netconvert",
            "-n",
            folder / "x.nod.xml",
            "-e",
            folder / "x.edg.xml",
            "--crossings.guess",
            "--no-turnarounds",
            "--tls.cycle.time",
            "90",
            "-o",
            net,
        ],
        check=True,
        capture_output=True,
    )
    return net


@pytest.fixture
def simulate(junction: Path, tmp_path: Path) -> Callable[..., tuple[dict[str, Any], Path]]:
    """Run a demand for some seconds under the net's program, and measure it as a batch does."""

    def simulated(
        demand: str, end: int = 200, controller: str = "program", settings: str = "", *, safety: bool = True
    ) -> tuple[dict[str, Any], Path]:
        (tmp_path / "d.rou.xml").write_text(f"<routes>{demand}</routes>")
        (tmp_path / "s.toml").write_text(
            f'network = "{junction}"\ndemand = "d.rou.xml"\nbegin = 0\nend = {end}\n'
            f"outputs.safety = {str(safety).lower()}\n{settings}"
        )
        directory = tmp_path / "run"
        directory.mkdir()
        task = RunTask(load_scenario(str(tmp_path / "s.toml")), parse_controller(controller), 1, 1.0)
        run(task, directory)
        tripinfo_to_parquet(directory / "tripinfo.xml", directory / "tripinfo.parquet")
        persons_to_parquet(directory / "tripinfo.xml", directory / "persons.parquet")
        for name, columns in OBSERVED.items():
            if (directory / f"{name}.csv").is_file():
                csv_to_parquet(directory / f"{name}.csv", columns, directory / f"{name}.parquet")
        return measure(directory), directory

    return simulated


@pytest.fixture
def table() -> Callable[[Path], list[dict[str, Any]]]:
    """Read a Parquet file as dictionaries."""

    def read(path: Path) -> list[dict[str, Any]]:
        connection = connect()
        try:
            return records(connection.execute("SELECT * FROM read_parquet($path)", {"path": str(path)}))
        finally:
            connection.close()

    return read


def facts(directory: Path) -> dict[str, Any]:
    """Read what a run said about itself."""
    found: dict[str, Any] = json.loads((directory / "run.json").read_text())
    return found
