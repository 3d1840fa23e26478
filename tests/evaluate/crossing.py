"""One signal at which two one-way roads cross, with a plan that can be worked out by hand."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import sumo

from sim.batch.supervisor import run_batch
from sim.control.registry import parse_controller
from sim.evaluate.passages import Passages, find_passages
from sim.evaluate.record import Record, read_record
from sim.network.graph import RoadGraph
from sim.run import RunTask
from sim.scenario.model import OutputSettings, Scenario

if TYPE_CHECKING:
    from collections.abc import Sequence

# West to east shows green from 30 s to 60 s of each cycle of 90 s, south to north from 65 s to 25 s.
CYCLE, GREEN, END = 90, (30, 60), 900
LENGTH, SPEED = 300.0, 15.0
# Drives exactly at the limit.
CAR = '<vType id="car" sigma="0" speedFactor="1" speedDev="0"/>'
NODES = """<nodes>
<node id="w" x="-300" y="0"/><node id="e" x="300" y="0"/><node id="s" x="0" y="-300"/><node id="n" x="0" y="300"/>
<node id="c" x="0" y="0" type="traffic_light"/>
</nodes>"""
EDGES = """<edges>
<edge id="in" from="w" to="c" numLanes="1" speed="15" length="300"/><edge id="out" from="c" to="e" numLanes="1" speed="15"/>
<edge id="side" from="s" to="c" numLanes="1" speed="15"/><edge id="gone" from="c" to="n" numLanes="1" speed="15"/>
</edges>"""
CONNECTIONS = '<connections><connection from="in" to="out"/><connection from="side" to="gone"/></connections>'
PROGRAM = """<additional><tlLogic id="c" type="static" programID="plan" offset="0">
<phase duration="25" state="{side}"/><phase duration="5" state="{yellow}"/>
<phase duration="30" state="{main}"/><phase duration="5" state="{end}"/><phase duration="25" state="{side}"/>
</tlLogic></additional>"""


def build(folder: Path) -> Path:
    for name, text in (("nod", NODES), ("edg", EDGES), ("con", CONNECTIONS)):
        (folder / f"c.{name}.xml").write_text(text, encoding="utf-8")
    net = folder / "c.net.xml"
    command: Sequence[str | Path] = [
        Path(sumo.SUMO_HOME) / "bin" / "netconvert",
        *("-n", folder / "c.nod.xml", "-e", folder / "c.edg.xml", "-x", folder / "c.con.xml", "-o", net),
    ]
    subprocess.run(command, check=True, capture_output=True)
    (movement,) = [m for m in RoadGraph.from_file(net).movements if m.from_edge == "in"]

    def state(main: str, side: str) -> str:
        return main + side if movement.link == 0 else side + main

    (folder / "plan.add.xml").write_text(
        PROGRAM.format(
            side=state("r", "G"), yellow=state("r", "y"), main=state("G", "r"), end=state("y", "r")
        ),
        encoding="utf-8",
    )
    return net


def scenario(folder: Path, net: Path, demand: str, *, signals: bool = True, end: float = END) -> Scenario:
    folder.mkdir(exist_ok=True)
    routes = folder / "demand.rou.xml"
    routes.write_text(f"<routes>{CAR}{demand}</routes>", encoding="utf-8")
    return Scenario(
        name="crossing",
        network=net,
        demand=(routes,),
        additional=(net.parent / "plan.add.xml",),
        begin=0,
        end=end,
        outputs=OutputSettings(signals=signals),
    )


def simulate(what: Scenario, out: Path, controller: str = "program", seed: int = 1) -> Path:
    """Run it as a batch does and return the run's folder."""
    task = RunTask(what, parse_controller(controller), seed, 1.0)
    result = run_batch([task], out, 1)
    assert result.complete
    (folder,) = (out / "runs").iterdir()
    return folder


def evaluate(run: Path, net: Path) -> tuple[Record, Passages, RoadGraph]:
    record = read_record(run)
    graph = RoadGraph.from_file(net, [net.parent / "plan.add.xml"])
    return record, find_passages(record, graph), graph
