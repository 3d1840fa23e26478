"""Signals of a network: turning volumes from its demand, and the files of the design that ``sim.design`` makes."""

from __future__ import annotations

import gzip
import re
import sys
import xml.etree.ElementTree as ET
from collections import defaultdict
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from sim.design.choices import Choices, read_choices
from sim.design.files import with_programs
from sim.design.network import design_network
from sim.design.report import write_report
from sim.export.sumo import write

if TYPE_CHECKING:
    from sim.design.network import Design
    from sim.signals.plan import Plan

# The hour of the day that each program has to carry.
DESIGN_HOURS = {"am": 7, "pm": 16, "offpeak": 14, "night": 5}
RUNNING = "am"  # the program in the net; the others are additional files
# A truck counts as two cars (info-lsa.de, signalprogramm2); the others are assumed.
CAR_EQUIVALENT = {"car": 1.0, "bicycle": 0.3, "bus": 2.0, "tram": 2.0}
TRUCK = 2.0
EXPONENTIAL = re.compile(r"exp\(([\d.]+)\)")


def turn_volumes(routes_file: Path, hour: int) -> dict[tuple[str, str], float]:
    """
    Add up the turns of an hour.

    Parameters
    ----------
    routes_file : Path
        A demand file of demand.py.
    hour : int
        Hour of the day.

    Returns
    -------
    dict of (str, str) to float
        (from edge, to edge) to volume [car equivalents/h].
    """
    routes: dict[str, list[str]] = {}
    weights = dict(CAR_EQUIVALENT)
    found: dict[tuple[str, str], float] = defaultdict(float)
    with gzip.open(routes_file) as file:
        root = ET.parse(file).getroot()  # noqa: S314 - our own file
    truck = next(float(t.get("probability", "0")) for t in root.iter("vType") if t.get("id") == "truck")
    weights["traffic"] = 1.0 - truck + TRUCK * truck
    for item in root:
        if item.tag == "route":
            routes[item.get("id", "")] = item.get("edges", "").split()
        if (
            item.tag != "flow"
            or not float(item.get("begin", "0")) // 3600 <= hour < float(item.get("end", "0")) / 3600
        ):
            continue
        period = item.get("period", "")
        random = EXPONENTIAL.fullmatch(period)
        rate = float(random[1]) if random else 1.0 / float(period)
        inside = item.find("route")
        edges = inside.get("edges", "").split() if inside is not None else routes[item.get("route", "")]
        for turn in pairwise(edges):
            found[turn] += rate * 3600.0 * weights[item.get("type", "")]
    return dict(found)


def design(name: str, geometry: Path, routes_file: Path, *choices: Path) -> Design:
    """
    Design the signals of a network.

    Parameters
    ----------
    name : str
        Name of the network.
    geometry : Path
        Its net, with whatever programs.
    routes_file : Path
        Its demand.
    *choices : Path
        What is decided by hand, also for signals of other networks; need not exist. The last one counts.

    Returns
    -------
    Design
        Programs for the times of day, checked for safety.
    """
    volumes = {program: turn_volumes(routes_file, hour) for program, hour in DESIGN_HOURS.items()}
    text = geometry.read_text(encoding="utf-8")
    decided = Choices()
    for file in filter(Path.is_file, choices):
        read = read_choices(file)
        decided = read.model_copy(update={"signal": {**decided.signal, **read.signal}})
    here = {signal: one for signal, one in decided.signal.items() if f'tl="{signal}"' in text}
    return design_network(geometry, volumes, decided.model_copy(update={"signal": here}), name=name)


def write_signals(name: str, made: Design, target: Path) -> None:
    """
    Put the morning's programs into the net and write all else beside it.

    Parameters
    ----------
    name : str
        Name of the network, whose built net stands in the folder.
    made : Design
        The design.
    target : Path
        The folder.
    """
    net = target / f"{name}.net.xml"
    net.write_bytes(with_programs(net.read_bytes(), _only(made.plan, RUNNING), RUNNING))
    write_programs(name, made, target)


def write_programs(name: str, made: Design, target: Path) -> None:
    """
    Write the programs of the other times of day, of the whole day, and the report.

    Parameters
    ----------
    name : str
        Name of the network.
    made : Design
        The design.
    target : Path
        The folder.
    """
    for program in DESIGN_HOURS:
        if program != RUNNING:
            one = _only(made.plan, program)
            (target / f"{name}.{program}.add.xml").write_bytes(next(iter(write(one).values())))
    (target / f"{name}.day.add.xml").write_bytes(next(iter(write(made.plan).values())))
    (target / f"{name}.design.md").write_text(write_report(made), encoding="utf-8")


def _only(plan: Plan, program: str) -> Plan:
    """Keep one program of every signal."""
    signals = tuple(
        signal.model_copy(update={"programs": tuple(p for p in signal.programs if p.id == program)})
        for signal in plan.signals
    )
    return plan.model_copy(update={"signals": signals, "schedule": None})
