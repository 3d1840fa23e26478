"""The files of a design: the network with its programs, programs for netconvert, the plan, the report."""

from __future__ import annotations

import gzip
import re
from itertools import groupby
from typing import TYPE_CHECKING
from xml.parsers import expat
from xml.sax.saxutils import quoteattr

from sim.design.report import write_report
from sim.errors import InputError
from sim.signals.files import write_aside
from sim.signals.lamps import lamps, link_states
from sim.signals.plan import dump_plan

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from sim.design.network import Design
    from sim.signals.plan import Plan, Program, SignalPlan

_GZIP_MAGIC = b"\x1f\x8b"


def write_design(design: Design, folder: Path, name: str, running: str = "am") -> list[Path]:
    """
    Write all files of a design, whole or not at all.

    Parameters
    ----------
    design : Design
        The design.
    folder : Path
        Where to.
    name : str
        What the files are called: ``NAME.net.xml``, ``NAME.plan.json``, ``NAME.tll.xml``, ``NAME.design.md``.
    running : str, optional
        The program that the network runs; it also holds the others.

    Returns
    -------
    list of Path
        The files.

    Raises
    ------
    InputError
        If the network that was designed would be overwritten.
    """
    if (folder / f"{name}.net.xml").resolve() == design.graph.path.resolve():
        msg = f"{design.graph.path} would be overwritten by its design; name another folder or another name"
        raise InputError(msg)
    net = with_programs(design.graph.path.read_bytes(), design.plan, running)
    contents = {
        folder / f"{name}.net.xml": net,
        folder / f"{name}.tll.xml": netconvert_programs(design, running).encode(),
        folder / f"{name}.plan.json": dump_plan(design.plan),
        folder / f"{name}.design.md": write_report(design).encode(),
    }
    made = not folder.exists()
    written = write_aside(contents)
    try:
        for file in written.values():
            file.place()
    except BaseException:
        for file in written.values():
            file.drop()
        if made and folder.is_dir() and not any(folder.iterdir()):
            folder.rmdir()
        raise
    return list(contents)


def with_programs(net: bytes, plan: Plan, running: str) -> bytes:
    """
    Put the programs of a plan into a network in place of its own; nothing else is touched.

    Parameters
    ----------
    net : bytes
        The network file, plain or gzipped.
    plan : Plan
        The plan.
    running : str
        The program that is to run: SUMO takes the last one of each signal.

    Returns
    -------
    bytes
        The network file, plain.
    """
    plain = gzip.decompress(net) if net.startswith(_GZIP_MAGIC) else net
    ours = {signal.id for signal in plan.signals}
    cuts, place = _find(plain, ours)
    programs = "".join(f"{logic}\n" for signal in plan.signals for logic in _logics(signal, running)).encode()
    parts, at = [], 0
    for begin, end in sorted([*cuts, (place, place)]):
        parts.append(plain[at:begin])
        if begin == end == place:
            parts.append(programs)
        at = max(end, at)
    return b"".join([*parts, plain[at:]])


def _find(plain: bytes, ours: set[str]) -> tuple[list[tuple[int, int]], int]:
    """Find the bytes of the programs of some signals, and where programs stand in a network."""
    parser = expat.ParserCreate()
    cuts: list[tuple[int, int]] = []
    opened: list[int] = []
    places: list[int] = []

    def begin(tag: str, attrs: dict[str, str]) -> None:
        at = parser.CurrentByteIndex
        if tag == "tlLogic" and attrs.get("id") in ours:
            opened.append(at)
        # SUMO wants programs before the junctions and the connections that use them.
        if tag in {"tlLogic", "junction", "connection"} and not places:
            places.append(plain.rfind(b"\n", 0, at) + 1)

    def end(tag: str) -> None:
        if tag == "tlLogic" and opened:
            start, stop = opened.pop(), parser.CurrentByteIndex
            stop = plain.find(b">", stop) + 1
            line = plain.rfind(b"\n", 0, start) + 1
            start = line if not plain[line:start].strip() else start
            after = re.compile(rb"[ \t]*\r?\n?").match(plain, stop)
            cuts.append((start, after.end() if after else stop))

    parser.StartElementHandler = begin
    parser.EndElementHandler = end
    parser.Parse(plain, True)  # noqa: FBT003
    return cuts, places[0]


def netconvert_programs(design: Design, running: str = "am") -> str:
    """
    Write the programs as netconvert takes them (``--tllogic-files``), for a net that is built again.

    Parameters
    ----------
    design : Design
        The design.
    running : str, optional
        The program that the net is to run.

    Returns
    -------
    str
        A ``tlLogics`` file: programs, and the link of every connection.
    """
    lines = ['<?xml version="1.0" encoding="UTF-8"?>', "<tlLogics>"]
    for signal in design.plan.signals:
        lines += _logics(signal, running)
    for name, signal_design in design.signals.items():
        for stream in signal_design.site.streams:
            if stream.on_foot:
                continue
            lanes = (stream.lane.rpartition("_")[2], stream.to_lane.rpartition("_")[2])
            lines.append(
                f"    <connection from={quoteattr(stream.source)} to={quoteattr(stream.target)} "
                f'fromLane="{lanes[0]}" toLane="{lanes[1]}" tl={quoteattr(name)} linkIndex="{stream.link}"/>'
            )
    return "\n".join([*lines, "</tlLogics>", ""])


def _logics(signal: SignalPlan, running: str) -> list[str]:
    order: Sequence[Program] = sorted(signal.programs, key=lambda program: program.id == running)
    return [_logic(signal, program) for program in order]


def _logic(signal: SignalPlan, program: Program) -> str:
    states = link_states(signal, lamps(signal, program))
    lines = [
        (
            f'    <tlLogic id={quoteattr(signal.id)} type="static" programID={quoteattr(program.id)} '
            f'offset="{program.offset}">'
        )
    ]
    lines += [
        f'        <phase duration="{len(list(seconds))}" state="{state}"/>'
        for state, seconds in groupby(states)
    ]
    return "\n".join([*lines, "    </tlLogic>"])
