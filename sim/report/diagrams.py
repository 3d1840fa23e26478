"""The large parts of the page: networks, and what one run of each cell shows on them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from sim.batch.keys import scenario_key
from sim.errors import GruenbandError, InputError
from sim.evaluate.results import RUNS
from sim.network.graph import RoadGraph
from sim.report.corridors import Corridor, describe, find_corridors
from sim.report.geometry import draw_network
from sim.report.pack import packed
from sim.report.pictures import draw_run
from sim.run import RunTask
from sim.signals.files import read_text

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from sim.report.runs import Cell, Situation

# A task is a page of text [bytes].
LARGEST_TASK = 4 * 2**20
# What all networks and diagrams together may take in the page [bytes]; the rest of it is small.
MOST = 13 * 10**6
# So many runs have pictures: each takes a second, and nobody looks at more.
MOST_RUNS = 24


@dataclass
class Net:
    """A network that several situations may share."""

    number: int
    graph: RoadGraph
    corridors: list[Corridor]


@dataclass
class Gallery:
    """The packed parts by the id of their element, and which situation uses which network."""

    parts: dict[str, str] = field(default_factory=dict)
    nets: dict[int, int] = field(default_factory=dict)
    left_out: list[str] = field(default_factory=list)

    @property
    def size(self) -> int:
        """What they take [bytes]."""
        return sum(map(len, self.parts.values()))


def draw_all(folder: Path, situations: list[Situation], on_fault: Callable[[str], None]) -> Gallery:
    """
    Draw the networks, and one run of every cell.

    Parameters
    ----------
    folder : Path
        Output folder of a batch.
    situations : list of Situation
        Its situations, with the run to show for each cell.
    on_fault : callable
        Called with one line for everything that cannot be drawn.

    Returns
    -------
    Gallery
        As much as a page may hold; the reference and the best controller of every situation come first.
    """
    gallery = Gallery()
    nets: dict[tuple[Any, ...], Net] = {}
    own: dict[int, Net | None] = {}
    # The reference and the best of every situation first, then the second best of all, and so on.
    ranked = [
        (rank, s.number, s, cell) for s in situations for rank, cell in enumerate(s.cells) if cell.shown
    ]
    drawn = 0
    for _, number, situation, cell in sorted(ranked, key=lambda item: item[:2]):
        if number in own and own[number] is None:
            continue
        directory = folder / RUNS / str(cell.shown["run_key"] if cell.shown else "")
        try:
            task = read_task(directory)
            net = own[number] = own.get(number) or _network(task, cell, nets, gallery)
            gallery.nets[number] = net.number
        except GruenbandError as error:
            own[number] = None
            on_fault(f"{situation.title}: no map and no diagrams: {error}")
            continue
        if drawn == MOST_RUNS:
            gallery.left_out.append(f"{situation.title}, {cell.controller}")
            continue
        drawn += 1
        try:
            part = packed(draw_run(directory, net.graph, net.corridors))
        except GruenbandError as error:
            on_fault(f"{situation.title}, {cell.controller}: no diagrams: {error}")
            continue
        if gallery.size + len(part) > MOST:
            gallery.left_out.append(f"{situation.title}, {cell.controller}")
            continue
        gallery.parts[f"cell-{cell.number}"] = part
    return gallery


def read_task(directory: Path) -> RunTask:
    """
    Read what a run was asked to do.

    Parameters
    ----------
    directory : Path
        Folder of the run.

    Returns
    -------
    RunTask
        The task.

    Raises
    ------
    InputError
        If its file is missing or not a task of this release.
    """
    path = directory / "task.json"
    try:
        return RunTask.from_json(read_text(path, LARGEST_TASK))
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        msg = f"{path} is no task of this release ({type(error).__name__}: {reason})"
        raise InputError(msg) from error


def _network(task: RunTask, cell: Cell, nets: dict[tuple[Any, ...], Net], gallery: Gallery) -> Net:
    scenario = task.scenario
    if not scenario.network.is_file():
        msg = f"{scenario.network}: the network is not there any more; put it back to see the map"
        raise InputError(msg)
    if scenario_key(scenario) != cell.summary["scenario_key"]:
        msg = f"{scenario.network}: the network or the demand has changed since the runs, or another release made them; run again to see the map"
        raise InputError(msg)
    key = (scenario.network, scenario.additional)
    net = nets.get(key)
    if net is None:
        graph = RoadGraph.from_file(scenario.network, scenario.additional)
        net = Net(len(nets), graph, find_corridors(graph))
        part = packed(draw_network(graph) | {"corridors": [describe(c) for c in net.corridors]})
        gallery.parts[f"net-{net.number}"] = part
        nets[key] = net
    return net
