"""A command line to call, and a small real scenario to call it with."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
import sumo

from sim.cli.main import invoke

GENERATE = Path(sumo.SUMO_HOME) / "bin" / "netgenerate"


@dataclass(frozen=True)
class Answer:
    """What a call wrote and how it ended."""

    code: int
    out: str
    err: str

    @property
    def error(self) -> str:
        """The one line of an error."""
        lines = self.err.splitlines()
        assert len(lines) == 1, self.err
        assert lines[0].startswith("gruenband: error: ")
        return lines[0].removeprefix("gruenband: error: ")


Call = Callable[..., Answer]


@pytest.fixture
def call(capsys: pytest.CaptureFixture[str]) -> Call:
    def run(*arguments: object) -> Answer:
        code = invoke([str(argument) for argument in arguments])
        captured = capsys.readouterr()
        return Answer(code, captured.out, captured.err)

    return run


@pytest.fixture(scope="session")
def cross(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One signal, two minutes, some twenty vehicles."""
    folder = tmp_path_factory.mktemp("cross")
    command = [GENERATE, "--grid", "--grid.number", "1", "--grid.attach-length", "150"]
    command += ["--default-junction-type", "traffic_light", "-o", folder / "cross.net.xml"]
    subprocess.run(command, check=True, capture_output=True)
    (folder / "cross.rou.xml").write_text(
        '<routes><flow id="e" from="left0A0" to="A0right0" begin="0" end="100" period="exp(0.2)"/></routes>',
        encoding="utf-8",
    )
    scenario = folder / "cross.toml"
    scenario.write_text(
        'network = "cross.net.xml"\ndemand = "cross.rou.xml"\nbegin = 0\nend = 120\nseeds = [1, 2]\n',
        encoding="utf-8",
    )
    return scenario
