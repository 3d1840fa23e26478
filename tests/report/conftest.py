"""A road with two signals whose names try to break the page, simulated for real."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest
import sumo

from sim.batch.plan import plan_batch
from sim.batch.supervisor import run_batch
from sim.control.registry import parse_controller
from sim.report.page import build_page
from sim.scenario.model import OutputSettings, Scenario

BIN = Path(sumo.SUMO_HOME) / "bin"
# SUMO refuses ids with blanks, quotes, angle brackets; a street's name may be anything.
EVIL_SIGNAL = "zwölf{{7*7}}(\u202e12)"
EVIL_EDGE = "${7*7}#ü--"
EVIL_NAME = "\"'><script>alert('ü')</script>&amp;\n\u202eteertS\u2066 שלום"
NODES = """<nodes>
  <node id="west" x="0" y="0"/><node id="one" x="200" y="0" type="traffic_light" tl="one"/>
  <node id="{evil}" x="420" y="0" type="traffic_light" tl="{evil}"/><node id="east" x="620" y="0"/>
  <node id="north1" x="200" y="200"/><node id="south1" x="200" y="-200"/>
  <node id="north2" x="420" y="200"/><node id="south2" x="420" y="-200"/>
</nodes>"""


def escaped(text: str) -> str:
    for character, entity in (("&", "&amp;"), ("<", "&lt;"), (">", "&gt;"), ('"', "&quot;"), ("\n", "&#10;")):
        text = text.replace(character, entity)
    return text


@pytest.fixture(scope="session")
def street(tmp_path_factory: pytest.TempPathFactory) -> Scenario:
    """Two signals 220 m apart on one road."""
    folder = tmp_path_factory.mktemp("street")
    evil, edge, name = map(escaped, (EVIL_SIGNAL, EVIL_EDGE, EVIL_NAME))
    (folder / "n.nod.xml").write_text(NODES.format(evil=evil), encoding="utf-8")
    ways = [
        ("in", "west", "one"), (edge, "one", evil), ("out", evil, "east"),
        ("back-in", "east", evil), ("back", evil, "one"), ("back-out", "one", "west"),
        ("n1", "north1", "one"), ("s1", "one", "south1"), ("n2", "north2", evil), ("s2", evil, "south2"),
    ]  # fmt: skip
    edges = "".join(
        f'<edge id="{i}" from="{a}" to="{b}" numLanes="1" speed="13.89" name="{name}"/>' for i, a, b in ways
    )
    (folder / "n.edg.xml").write_text(f"<edges>{edges}</edges>", encoding="utf-8")
    net = folder / "street.net.xml"
    command = [BIN / "netconvert", "-n", folder / "n.nod.xml", "-e", folder / "n.edg.xml", "-o", net]
    subprocess.run([*command, "--no-turnarounds", "--output.street-names"], check=True, capture_output=True)
    flows = "".join(
        f'<flow id="{k}" begin="0" end="600" period="exp({rate})" from="{a}" to="{b}"/>'
        for k, (a, b, rate) in enumerate(
            [("in", "out", 0.12), ("back-in", "back-out", 0.1), ("n1", "s1", 0.06), ("n2", "s2", 0.06)]
        )
    )
    (folder / "street.rou.xml").write_text(f"<routes>{flows}</routes>", encoding="utf-8")
    return Scenario(
        name="street",
        network=net,
        demand=(folder / "street.rou.xml",),
        begin=0,
        end=300,
        seeds=(1, 2, 3),
        outputs=OutputSettings(safety=False),
    )


@pytest.fixture(scope="session")
def results(street: Scenario, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two controllers, three seeds; not to be changed."""
    out = tmp_path_factory.mktemp("results") / "street"
    tasks = plan_batch([street], [parse_controller("program"), parse_controller("actuated")])
    assert run_batch(tasks, out, jobs=1).done == len(tasks)
    return out


@pytest.fixture
def folder(results: Path, tmp_path: Path) -> Path:
    """A copy to damage."""
    return Path(shutil.copytree(results, tmp_path / "copy"))


@pytest.fixture(scope="session")
def page(results: Path) -> str:
    faults: list[str] = []
    built = build_page(results, on_fault=faults.append)
    assert faults == []
    return built
