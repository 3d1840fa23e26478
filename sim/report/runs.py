"""The runs of a result folder, sorted into what may be compared."""

from __future__ import annotations

import math
import statistics
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from sim.evaluate.results import RUNS, read_results, summarise

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

# Who is compared with, if the user names nobody: what stands in the street today, then fixed time.
STREET = ("program", "fixed-webster")
# Without these nobody can tell which run a row is.
IDENTITY = ("run_key", "scenario", "controller", "controller_id", "seed", "scale", "status")
Row = dict[str, Any]


@dataclass
class Cell:
    """
    The runs of one controller in one situation, in the order of their seeds.

    Parameters
    ----------
    number : int
        Position among all cells of the report.
    controller : str
        Its label.
    runs : list of dict
        Rows of :func:`sim.evaluate.results.read_results`.
    summary : dict
        The row of :func:`sim.evaluate.results.summarise`.
    shown : dict, optional
        The run that the diagrams show.
    """

    number: int
    controller: str
    runs: list[Row]
    summary: Row
    shown: Row | None = None

    @property
    def done(self) -> list[Row]:
        """The runs with a delay."""
        return [
            row
            for row in self.runs
            if row["status"] == "done" and row["delay"] is not None and math.isfinite(row["delay"])
        ]


@dataclass
class Situation:
    """
    One scenario with one demand scale, content and release: cells whose runs are paired by seed.

    Parameters
    ----------
    number : int
        Position in the report.
    scenario : str
        Name of the scenario.
    scale : float
        Factor on the demand.
    remark : str
        What tells it from another one of the same name; empty if nothing has to.
    cells : list of Cell
        One per controller; the reference stands first, then by mean delay.
    """

    number: int
    scenario: str
    scale: float
    remark: str = ""
    cells: list[Cell] = field(default_factory=list)

    @property
    def title(self) -> str:
        """What the report calls it."""
        scale = "" if self.scale == 1 else f" × {self.scale:g}"
        return f"{self.scenario}{scale}{f' ({self.remark})' if self.remark else ''}"


def gather(
    folder: Path, base: str | None, on_fault: Callable[[str], None]
) -> tuple[list[Situation], list[Row]]:
    """
    Read a result folder and sort its runs.

    Parameters
    ----------
    folder : Path
        Output folder of a batch.
    base : str or None
        Controller to compare with; None takes the net's own programs, else the first.
    on_fault : callable
        Called with one line for everything that cannot be used.

    Returns
    -------
    tuple of list of Situation and list of dict
        The situations in order of their names, and all rows, the failed ones included.

    Raises
    ------
    InputError
        If the folder holds no runs.
    """
    rows = _distinct(folder, read_results(folder, on_fault), on_fault)
    by_cell: dict[tuple[Any, ...], list[Row]] = {}
    for row in rows:
        by_cell.setdefault(_key(row), []).append(row)
    situations: dict[tuple[Any, ...], Situation] = {}
    for summary in summarise(folder):
        runs = by_cell.get(_key(summary), [])
        if not runs:
            continue
        place = (summary["scenario"], *_key(summary)[:4])
        situation = situations.setdefault(
            place, Situation(len(situations), str(summary["scenario"]), _scale(summary["scale"]))
        )
        number = sum(len(other.cells) for other in situations.values())
        situation.cells.append(Cell(number, str(summary["controller"]), runs, summary))
    found = list(situations.values())
    _tell_apart(found)
    for situation in found:
        _order(situation, base)
        _choose_shown(situation)
    return found, rows


def _key(row: Row) -> tuple[Any, ...]:
    return (
        row["scenario_key"],
        row["scale"],
        row["sumo_version"],
        row["package_version"],
        row["controller"],
        row["controller_spec"],
    )


def _scale(value: float | None) -> float:
    return 1.0 if value is None else float(value)


def _distinct(folder: Path, rows: list[Row], on_fault: Callable[[str], None]) -> list[Row]:
    """Keep one row of each run key, and say which folders claim the same one or do not tell which run they are."""
    kept: dict[str, Row] = {}
    for row in rows:
        key = row["run_key"]
        lacks = [column for column in IDENTITY if row[column] is None]
        if lacks:
            on_fault(
                f"{folder / RUNS}: run {key} has no {', '.join(lacks)}, left out; remove it and run it again"
            )
        elif key in kept:
            on_fault(
                f"{folder / RUNS}: run key {key} is claimed by two folders, counted once; remove the copy"
            )
        else:
            kept[key] = row
    return list(kept.values())


def _tell_apart(situations: list[Situation]) -> None:
    """Give situations of one name and scale what differs: their content or their release."""
    named: dict[tuple[str, float], list[Situation]] = {}
    for situation in situations:
        named.setdefault((situation.scenario, situation.scale), []).append(situation)
    for twins in named.values():
        if len(twins) < 2:
            continue
        facts = [twin.cells[0].summary for twin in twins]
        for column, text in (
            ("package_version", "Grünband {}"),
            ("sumo_version", "SUMO {}"),
            ("scenario_key", "{}"),
        ):
            if len({fact[column] for fact in facts}) > 1:
                for twin, fact in zip(twins, facts, strict=True):
                    part = text.format(fact[column] or "?")
                    twin.remark = f"{twin.remark}, {part}" if twin.remark else part


def _order(situation: Situation, base: str | None) -> None:
    names = [base] if base is not None else list(STREET)
    ids = {
        name: cell
        for cell in reversed(situation.cells)
        for name in (cell.controller, cell.summary["controller_id"])
    }
    first = next((cell for name in names for known, cell in ids.items() if is_kind(known, name)), None)

    def rank(cell: Cell) -> tuple[bool, float, str]:
        delay = cell.summary["delay"]
        return (cell is not first, math.inf if delay is None else float(delay), cell.controller)

    situation.cells.sort(key=rank)


def is_kind(known: str | None, name: str) -> bool:
    """
    Take ``program`` for ``program-v1`` too.

    Parameters
    ----------
    known : str or None
        Label or id of a controller.
    name : str
        What it may be called.

    Returns
    -------
    bool
        Whether it is the one meant.
    """
    text = known or ""
    return text == name or (text.startswith(f"{name}-v") and text[len(name) + 2 :].isdigit())


def _choose_shown(situation: Situation) -> None:
    """
    Choose the run of each cell that the diagrams show: one seed for all, as near to every median as can be.

    The same seed is the same traffic, so that the controllers' pictures can be laid side by side.
    """
    distance: dict[int, list[float]] = {}
    for cell in situation.cells:
        if not cell.done:
            continue
        median = statistics.median(float(row["delay"]) for row in cell.done)
        for row in cell.done:
            off = abs(float(row["delay"]) - median) / max(abs(median), 1.0)
            distance.setdefault(row["seed"], []).append(off)
    # The seed that most controllers have, and among those the most usual one.
    order = sorted(distance, key=lambda seed: (-len(distance[seed]), sum(distance[seed]), seed))
    for cell in situation.cells:
        own = {row["seed"]: row for row in cell.done}
        cell.shown = next((own[seed] for seed in order if seed in own), None)
