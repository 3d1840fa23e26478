"""A small real scenario, its results, and a running server."""

from __future__ import annotations

import shutil
import subprocess
import threading
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import sumo

from sim.batch.plan import plan_batch
from sim.batch.supervisor import run_batch
from sim.scenario import load_scenario
from sim.watch.server import Server

if TYPE_CHECKING:
    from collections.abc import Iterator

GENERATE = Path(sumo.SUMO_HOME) / "bin" / "netgenerate"
OPTIONS = (
    "--grid --grid.number 2 --grid.length 120 --grid.attach-length 120 -j traffic_light --no-turnarounds"
)
WAYS = (("left0A0", "B0right0"), ("bottom0A0", "A1top0"), ("top1B1", "B0bottom1"))


@pytest.fixture(scope="session")
def cross(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Four signals; ``short.toml`` takes a moment, ``long.toml`` longer than any test."""
    folder = tmp_path_factory.mktemp("cross")
    subprocess.run(
        [GENERATE, *OPTIONS.split(), "-o", folder / "net.net.xml"], check=True, capture_output=True
    )
    flows = "".join(
        f'<flow id="f{k}" begin="0" end="9000000" period="exp(0.1)" from="{a}" to="{b}"/>'
        for k, (a, b) in enumerate(WAYS)
    )
    (folder / "rou.rou.xml").write_text(f"<routes>{flows}</routes>", encoding="utf-8")
    for name, end, signals in (("short", 200, "true"), ("long", 9_000_000, "false")):
        (folder / f"{name}.toml").write_text(
            'network = "net.net.xml"\ndemand = "rou.rou.xml"\nbegin = 0\n'
            f'end = {end}\nseeds = [1, 2]\ncontrollers = ["program"]\ntime_limit = 86400\n'
            f"[outputs]\nemissions = false\nsafety = false\nsignals = {signals}\n",
            encoding="utf-8",
        )
    return folder


@pytest.fixture(scope="session")
def results(cross: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two seeds of the short scenario; not to be changed."""
    out = tmp_path_factory.mktemp("results") / "short"
    tasks = plan_batch([load_scenario(str(cross / "short.toml"))])
    assert run_batch(tasks, out).done == len(tasks) == 4
    return out


@pytest.fixture
def folder(results: Path, tmp_path: Path) -> Path:
    """A copy to damage."""
    return Path(shutil.copytree(results, tmp_path / "copy"))


@pytest.fixture
def server(folder: Path) -> Iterator[Server]:
    with Server(folder, 0) as serving:
        thread = threading.Thread(target=serving.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        yield serving
        serving.shutdown()
        thread.join()
