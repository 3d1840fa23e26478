"""Runs a scenario and writes down what its signals and detectors did, as a high-resolution event log."""

from __future__ import annotations

import shutil
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from sim.errors import InputError, RunFailedError
from sim.export.detectors import place_detectors, write_recorders
from sim.export.events import (
    LARGEST,
    Lamps,
    Passage,
    Pattern,
    Phase,
    detector_events,
    detectors_csv,
    events_csv,
    lamp_events,
    phases_csv,
)
from sim.network.book import ProgramBook
from sim.network.graph import RoadGraph
from sim.network.reader import read_programs
from sim.run import run
from sim.scenario.xmlfile import read_attributes
from sim.signals.files import write_whole

if TYPE_CHECKING:
    from sim.network.parts import Program
    from sim.run import Progress, RunTask

LAMPS, LOOPS = "tls-states.xml", "detectors.xml"


def record_events(task: RunTask, out: Path, progress: Progress | None = None) -> list[Path]:
    """
    Simulate a task and write its event log.

    Parameters
    ----------
    task : RunTask
        What to run; with ``keep_sumo_output`` SUMO's records of lamps and loops are kept too.
    out : Path
        Folder of the log.
    progress : callable, optional
        As `sim.run.run` has it.

    Returns
    -------
    list of Path
        ``events.csv``, ``detector_config.csv``, ``phases.csv``, and what was kept.

    Raises
    ------
    InputError
        If the network has no signal, or `out` is a file.
    RunFailedError
        If SUMO did not write its records.
    """
    scenario = task.scenario
    if out.exists() and not out.is_dir():
        msg = f"--out {out} is a file; an event log is a folder of files"
        raise InputError(msg)
    graph = RoadGraph.from_file(scenario.network, scenario.additional)
    if not graph.signals:
        msg = f"{scenario.network} has no signal whose events could be logged"
        raise InputError(msg)
    detectors = place_detectors(graph)
    with tempfile.TemporaryDirectory(prefix="gruenband-") as scratch:
        directory = Path(scratch)
        lamps, loops = directory / LAMPS, directory / LOOPS
        recorders = directory / "recorders.add.xml"
        write_recorders(graph, detectors, recorders, lamps, loops)
        run(replace(task, keep_sumo_output=True), directory, progress, [recorders])
        lacking = [path.name for path in (lamps, loops) if not path.is_file()]
        if lacking and (detectors or lamps.name in lacking):
            msg = f"SUMO did not write {lacking[0]}; take output options such as output-prefix out of the scenario"
            raise RunFailedError(msg)
        # The controller's own programs, which replace the network's.
        book = ProgramBook(str(scenario.network))
        read_programs(sorted(directory.glob("programs.add.xml")), book)
        events = []
        for name, shown in read_lamps(lamps).items():
            signal = graph.signals[name]
            phases = [Phase(group.links[0], group.pedestrian) for group in signal.groups]
            patterns = {}
            if signal.kind == "static" and signal.cycle % 1 == 0 and signal.offset % 1 == 0:
                patterns[signal.program] = _pattern(signal.program, signal.cycle, signal.offset)
            own = book.running.get(name)
            if own is not None:
                patterns |= _own_pattern(own)
            events += lamp_events(name, phases, shown, patterns)
        if loops.is_file():
            events += detector_events(detectors, read_passages(loops))
        names = {signal.id: [group.name for group in signal.groups] for signal in graph.signals.values()}
        contents = {
            "events.csv": events_csv(events),
            "detector_config.csv": detectors_csv(detectors),
            "phases.csv": phases_csv(names),
        }
        for name, content in contents.items():
            write_whole(out / name, content)
        kept = [path for path in (lamps, loops) if task.keep_sumo_output and path.is_file()]
        for path in kept:
            shutil.copyfile(path, out / path.name)
    return [out / name for name in contents] + [out / path.name for path in kept]


def _pattern(program: str, cycle: float, offset: float) -> Pattern:
    number = int(program) if program.isdecimal() else 1
    return Pattern(number if 1 <= number <= LARGEST else 1, int(cycle), int(offset % cycle))


def _own_pattern(program: Program) -> dict[str, Pattern]:
    cycle = sum(phase.duration for phase in program.phases)
    if program.kind != "static" or not cycle or cycle % 1 or program.offset % 1:
        return {}
    return {program.id: _pattern(program.id, cycle, program.offset)}


def read_lamps(path: Path) -> dict[str, Lamps]:
    """
    Read SUMO's record of all lamps.

    Parameters
    ----------
    path : Path
        Output of ``SaveTLSStates``.

    Returns
    -------
    dict
        By signal.

    Raises
    ------
    InputError
        If it is not such a file.
    """
    found: dict[str, tuple[list[float], list[str], list[str]]] = {}
    for attributes in read_attributes(path, "tlsState", lambda _: True):
        try:
            times, states, programs = found.setdefault(attributes["id"], ([], [], []))
            times.append(float(attributes["time"]))
            states.append(attributes["state"])
            programs.append(attributes["programID"])
        except (KeyError, ValueError) as fault:
            msg = f"{path}: a tlsState lacks an attribute or has no number: {fault}"
            raise InputError(msg) from fault
    return {name: Lamps(*columns) for name, columns in found.items()}


def read_passages(path: Path) -> list[Passage]:
    """
    Read SUMO's record of the loops.

    Parameters
    ----------
    path : Path
        Output of ``instantInductionLoop``.

    Returns
    -------
    list of Passage
        In order of time; a vehicle that leaves a loop before the one that enters it at the same moment.

    Raises
    ------
    InputError
        If it is not such a file.
    """
    # Most of the file are vehicles that stay where they are.
    rows = read_attributes(path, "instantOut", lambda element: element.get("state") != "stay")
    try:
        found = [Passage(row["id"], float(row["time"]), row["state"] == "enter") for row in rows]
    except (KeyError, ValueError) as fault:
        msg = f"{path}: an instantOut lacks an attribute or has no number: {fault}"
        raise InputError(msg) from fault
    # SUMO writes step by step, within a step vehicle by vehicle.
    return sorted(found, key=lambda passage: (passage.time, passage.detector, passage.enters))
