"""All that the page shows of a result folder, except for the map."""

from __future__ import annotations

import hashlib
import threading
import time
from collections import Counter, defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sim.batch.store import Store
from sim.errors import GruenbandError
from sim.evaluate.results import FLOOR_CONTROLLER, read_rows, summarise
from sim.watch.batches import Batch, Batches

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from sim.batch.progress import PlannedRun

# What runs have in common that share a row of the table (summary.sql).
CELL = (
    "scenario", "scenario_key", "sumo_version", "package_version", "controller", "controller_id", "controller_spec",
    "scale",
)  # fmt: skip
# Shown of a longer list.
MOST_FAILURES = 50
MOST_FAULTS = 20
# Least time between two readings of the folder [s], and how many times as long as a reading it is at least [-].
EVERY = 0.9
SHARE = 10.0


@dataclass(frozen=True, slots=True)
class Shown:
    """
    What the page knows: the state as JSON has it, and what its map may be asked for.

    Parameters
    ----------
    state : dict
        See docs/watch.md.
    cells : dict
        Keys of the finished runs of each row of the table, by its id.
    running : frozenset of str
        Keys of running runs.
    """

    state: dict[str, Any]
    cells: dict[str, tuple[str, ...]]
    running: frozenset[str]


class Folder:
    """
    A result folder, looked at again and again, by several threads.

    Parameters
    ----------
    root : Path
        The folder.
    """

    def __init__(self, root: Path) -> None:
        self.store = Store(root.absolute())
        self._batches = Batches(self.store.tmp)
        self._lock = threading.Lock()
        self._shown: Shown | None = None
        self._fresh_until = 0.0

    def look(self) -> Shown:
        """
        Read the folder, unless that was done a moment ago.

        Returns
        -------
        Shown
            What there is.
        """
        with self._lock:
            begun = time.monotonic()
            if self._shown is None or begun >= self._fresh_until:
                self._shown = self._read()
                now = time.monotonic()
                self._fresh_until = begun + max(EVERY, SHARE * (now - begun))
            return self._shown

    def _read(self) -> Shown:
        faults: list[str] = []
        batches = self._batches.read(faults.append)
        rows: list[dict[str, Any]] = []
        summary: list[dict[str, Any]] = []
        try:
            rows = read_rows(self.store.root, faults.append)
            if rows:
                summary = summarise(self.store.root)
        except (GruenbandError, OSError) as fault:
            faults.append(str(fault))
        rows = [row for row in rows if row["run_key"]]
        planned = {key: run for batch in batches for key, run in batch.plan.runs.items()}
        running = _running(batches, planned)
        status = _status(rows, batches, planned, {run["key"] for run in running})
        cells, keys = _cells(summary, rows, planned)
        counts = Counter(status.values())
        lefts = [batch.progress.left for batch in batches if batch.alive and batch.progress.left is not None]
        failures = [row for row in rows if status.get(row["run_key"]) == "failed"]
        state = {
            "folder": str(self.store.root),
            "batches": [
                {
                    "name": batch.name.partition("-")[2],
                    "alive": batch.alive,
                    "message": batch.progress.message,
                }
                for batch in batches
            ],
            "runs": {"total": len(status)}
            | {name: counts[name] for name in ("done", "failed", "running", "waiting")},
            "left": max(lefts) if lefts else None,
            "running": running,
            "cells": cells,
            "failures": [
                {name: row[name] for name in ("scenario", "controller", "seed", "scale", "status", "reason")}
                for row in failures[:MOST_FAILURES]
            ],
            "failures_left_out": max(0, len(failures) - MOST_FAILURES),
            "faults": faults[:MOST_FAULTS],
            "faults_left_out": max(0, len(faults) - MOST_FAULTS),
        }
        return Shown(state, keys, frozenset(run["key"] for run in running))


def _running(batches: Sequence[Batch], planned: Mapping[str, PlannedRun]) -> list[dict[str, Any]]:
    """List the runs that living batches are doing."""
    return [
        {
            "key": key,
            **planned[key].model_dump(include={"scenario", "controller", "seed", "scale"}),
            "fraction": run.fraction,
            "vehicles": run.vehicles,
            "elapsed": run.elapsed,
            "left": run.elapsed * (1 - run.fraction) / run.fraction if run.fraction >= 0.02 else None,
        }
        for batch in batches
        if batch.alive
        for key, run in batch.progress.running.items()
        if key in planned
    ]


def _status(
    rows: Sequence[dict[str, Any]],
    batches: Sequence[Batch],
    planned: Mapping[str, PlannedRun],
    running: set[str],
) -> dict[str, str]:
    """Tell of every run whether it is done, failed, running or waiting; a batch tries failed ones again."""
    again = {key for batch in batches if batch.alive for key in batch.plan.runs}
    again -= {key for batch in batches if batch.alive for key in batch.progress.failed}
    status = dict.fromkeys(planned, "waiting")
    for row in rows:
        key = row["run_key"]
        if row["status"] == "done":
            status[key] = "done"
        elif key not in again:
            status[key] = "failed"
    return status | {key: "running" for key in running if status[key] != "done"}


def _cells(
    summary: Sequence[dict[str, Any]], rows: Sequence[dict[str, Any]], planned: Mapping[str, PlannedRun]
) -> tuple[list[dict[str, Any]], dict[str, tuple[str, ...]]]:
    """Make the rows of the table, those without a result yet too, and list the runs behind each."""
    runs: dict[tuple[Any, ...], list[dict[str, Any]]] = defaultdict(list)
    for row in rows:
        runs[tuple(row[name] for name in CELL)].append(row)
    ended = {row["run_key"] for row in rows}
    missing = Counter(
        (run.scenario, run.controller, run.scale)
        for key, run in planned.items()
        if key not in ended and run.controller_id != FLOOR_CONTROLLER
    )
    cells, keys = [], {}
    for row in summary:
        members = runs[tuple(row[name] for name in CELL)]
        name = (row["scenario"], row["controller"], row["scale"])
        # Of rows that are called the same, the missing runs belong to the one that the batch is at.
        mine = any(member["run_key"] in planned for member in members)
        known = hashlib.sha256(repr([row[part] for part in CELL]).encode()).hexdigest()[:12]
        figures = ("delay", "delay_sd", "control_delay", "floor", "done", "failed", "gridlocks")
        more = missing.pop(name, 0) if mine else 0
        cells.append(_cell(known, name, row["runs"] + more) | {figure: row[figure] for figure in figures})
        keys[known] = tuple(member["run_key"] for member in members if member["status"] == "done")
    cells += [_cell("", name, count) for name, count in missing.items()]
    cells.sort(key=lambda cell: (cell["scenario"], cell["scale"], cell["controller"]))
    return cells, keys


def _cell(known: str, name: tuple[str, str, float], planned: int) -> dict[str, Any]:
    scenario, controller, scale = name
    return {
        "id": known,
        "scenario": scenario,
        "controller": controller,
        "scale": scale,
        "planned": planned,
        "delay": None,
        "delay_sd": None,
        "control_delay": None,
        "floor": None,
        "done": 0,
        "failed": 0,
        "gridlocks": 0,
    }
