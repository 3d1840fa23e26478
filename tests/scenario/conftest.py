"""A small network with demand, made once by SUMO's own netgenerate."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest
import sumo

GENERATE = Path(sumo.SUMO_HOME) / "bin" / "netgenerate"
ROUTES = """<routes>
    <flow id="east" from="left0A0" to="A0right0" begin="0" end="60" period="5"/>
</routes>
"""


@dataclass(frozen=True)
class Files:
    """A folder with a net, a route file and a scenario TOML that is right."""

    folder: Path
    net: Path
    routes: Path

    def toml(self, text: str = "", name: str = "small.toml", **replaced: str) -> str:
        """Write a scenario with some keys replaced (or left out by an empty value) and text added."""
        keys = {
            "network": '"cross.net.xml"',
            "demand": '"cross.rou.xml"',
            "begin": "0",
            "end": "60",
        } | replaced
        lines = [f"{key} = {value}" for key, value in keys.items() if value]
        path = self.folder / name
        path.write_text("\n".join(lines) + "\n" + text, encoding="utf-8")
        return str(path)

    def config(self, text: str, name: str = "run.sumocfg") -> str:
        """Write a SUMO configuration."""
        path = self.folder / name
        path.write_text(text, encoding="utf-8")
        return str(path)


@pytest.fixture(scope="session")
def generated_net(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    net = tmp_path_factory.mktemp("net") / "cross.net.xml"
    command = [GENERATE, "--grid", "--grid.number", "1", "--grid.attach-length", "100", "-o", net]
    subprocess.run([*command, "--default-junction-type", "traffic_light"], check=True, capture_output=True)
    return net.read_bytes()


@pytest.fixture
def files(tmp_path: Path, generated_net: bytes) -> Files:
    net, routes = tmp_path / "cross.net.xml", tmp_path / "cross.rou.xml"
    net.write_bytes(generated_net)
    routes.write_text(ROUTES, encoding="utf-8")
    return Files(tmp_path, net, routes)
