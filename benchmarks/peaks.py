"""
The peak hours of Bochum: adaptive control against the base programmes, for every mode, beside what is asked.

    python benchmarks/peaks.py                                     # ten peak hours, five seeds: hours of computing
    python benchmarks/peaks.py --scenarios bochum-ring-am --seeds 1-2 -c horizon -c self-control

Every scenario is run with `program` and with the controllers of the command line (default: horizon), as it is shipped, but
with the onlooker on and without emissions; and with the controllers at --scale (1.2; only for gridlocks; 1.0 spares it). Asked of the
best of the controllers, the one with the least delay per person, as means over the seeds:

    person     delay per person at least 25 % below the programme's
    transit    delay of trams and buses together at least 40 % below
    walk       mean wait of pedestrians not above the programme's
    longest    longest wait of a pedestrian at most 90 s, in every seed
    conflicts  per vehicle not above the programme's
    locked     no gridlock at --scale

Finished runs are kept in the output folder and not run again. Exit code 1 if a figure is missed.
"""

from __future__ import annotations

import argparse
import math
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from rich import box
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from sim.batch.events import RunFailed, RunFinished, RunResumed
from sim.batch.keys import run_key
from sim.batch.supervisor import run_batch
from sim.control.registry import parse_controller
from sim.errors import GruenbandError
from sim.evaluate.database import connect
from sim.evaluate.results import read_rows
from sim.run import RunTask
from sim.scenario import load_scenario
from sim.scenario.values import parse_seeds

if TYPE_CHECKING:
    from sim.scenario.model import Scenario

NETWORKS = ("ring", "herner", "universitaet", "dorstener", "inner-city")
PEAKS = tuple(f"bochum-{network}-{time}" for network in NETWORKS for time in ("am", "pm"))
BASE = "program"
PERSON, TRANSIT, LONGEST = 0.75, 0.60, 90.0  # at most: shares of the programme's, and s
COLUMNS = ("person", "transit", "walk", "longest", "conflicts", "locked")


@dataclass
class Figures:
    """Means over the seeds of one scenario and controller; the longest wait is that of all seeds."""

    runs: int
    person: float
    transit: float
    walk: float
    longest: float
    conflicts: float
    car: float
    gridlocks: int


def main() -> int:
    """Run what is missing, print the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--scenarios", default=",".join(PEAKS))
    parser.add_argument("-c", "--controller", action="append", default=[])
    parser.add_argument("--seeds", default="1-5")
    parser.add_argument("--scale", type=float, default=1.2)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--out", type=Path, default=Path("results/peaks"))
    args = parser.parse_args()
    try:
        controllers = [parse_controller(text) for text in args.controller or ["horizon"]]
        seeds = parse_seeds(args.seeds)
        scenarios = [observed(load_scenario(name)) for name in args.scenarios.split(",")]
    except (GruenbandError, ValueError) as fault:
        parser.error(str(fault))
    tasks = [
        RunTask(scenario, spec, seed, scale)
        for scenario in scenarios
        for seed in seeds
        for spec, scale in [
            (parse_controller(BASE), 1.0),
            *((spec, scale) for spec in controllers for scale in sorted({1.0, args.scale})),
        ]
    ]
    labels = {run_key(task): (task.scenario.name, task.controller.label, task.scale) for task in tasks}
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns) as bar:
        line = bar.add_task("peak hours", total=len(tasks))

        def note(event: object) -> None:
            if isinstance(event, (RunFinished, RunFailed, RunResumed)):
                bar.advance(line)

        run_batch(tasks, args.out, args.jobs, None, note)
    cells: dict[tuple[str, str, float], list[dict]] = {label: [] for label in labels.values()}
    for row in read_rows(args.out):
        if row["run_key"] in labels and row["status"] == "done":
            cells[labels[row["run_key"]]].append(row)
    return int(show(scenarios, [spec.label for spec in controllers], cells, args, len(seeds)) > 0)


def observed(scenario: Scenario) -> Scenario:
    """Have the onlooker look; emissions cost time and change none of these figures."""
    outputs = scenario.outputs.model_copy(update={"emissions": False, "safety": True})
    return scenario.model_copy(update={"outputs": outputs})


def average(rows: list[dict], out: Path) -> Figures | None:
    """Average the runs of a cell."""
    if not rows:
        return None
    files = [str(out / "runs" / row["run_key"] / "modes.parquet") for row in rows]
    connection = connect()
    ((transit,),) = connection.execute(
        "SELECT sum(scheduled * delay) / sum(scheduled) FROM read_parquet($files) "
        "WHERE mode IN ('bus', 'tram') AND delay IS NOT NULL",
        {"files": files},
    ).fetchall()
    connection.close()

    def mean(name: str) -> float:
        values = [row[name] for row in rows if row[name] is not None]
        return sum(values) / len(values) if values else math.nan

    return Figures(
        len(rows),
        mean("delay_person"),
        math.nan if transit is None else transit,
        mean("pedestrian_wait"),
        max((row["pedestrian_longest_wait"] or 0.0 for row in rows), default=math.nan),
        mean("conflicts"),
        mean("delay_car"),
        sum(bool(row["gridlock"]) for row in rows),
    )


def show(
    scenarios: list[Scenario],
    controllers: list[str],
    cells: dict[tuple[str, str, float], list[dict]],
    args: argparse.Namespace,
    seeds: int,
) -> int:
    """Print a row per scenario and controller; tell how many figures are missed."""
    table = Table(
        title=f"peak hours, mean of {seeds} seeds; missed figures are marked with !", box=box.SIMPLE_HEAD
    )
    table.add_column("scenario", no_wrap=True)
    table.add_column("controller", no_wrap=True)
    heads = ("person", "transit", "walk", "longest walk", "conflicts", "car", "gridlocks")
    for head, unit in zip(
        heads, ("s", "s/veh", "s", "s", "1/veh", "s/veh", f"1.0, {args.scale:g}"), strict=True
    ):
        table.add_column(f"{head}\n{unit}", justify="right")
    missed = 0
    for scenario in scenarios:
        base = average(cells[scenario.name, BASE, 1.0], args.out)
        found = {
            name: figures
            for name in controllers
            if (figures := average(cells[scenario.name, name, 1.0], args.out)) is not None
        }
        if base is None or not found:
            table.add_row(scenario.name, "no result")
            missed += 1
            continue
        table.add_row(scenario.name, BASE, *spelled(base), str(base.gridlocks))
        best = min(found, key=lambda name: found[name].person)
        for name, figures in found.items():
            full = average(cells[scenario.name, name, args.scale], args.out)
            locked = "-" if full is None else str(full.gridlocks)
            wrong = missing(base, figures, full, seeds) if name == best else set()
            missed += len(wrong)
            texts = spelled(figures, base)
            marked = [
                f"{text}{' !' if head in wrong else ''}" for head, text in zip(COLUMNS, texts, strict=False)
            ]
            gridlocks = f"{figures.gridlocks}, {locked}{' !' if 'locked' in wrong else ''}"
            table.add_row("", f"{name}{' *' if name == best else ''}", *marked[:5], texts[5], gridlocks)
    console = Console() if sys.stdout.isatty() else Console(width=150)
    console.print(table)
    console.print(f"* the best of the controllers; {missed} figures missed", highlight=False)
    return missed


def missing(base: Figures, best: Figures, full: Figures | None, seeds: int) -> set[str]:
    """List the figures that are not reached; what does not occur in a scenario is not asked."""
    reached = {
        "person": best.person <= PERSON * base.person,
        "transit": math.isnan(base.transit) or best.transit <= TRANSIT * base.transit,
        "walk": math.isnan(base.walk) or best.walk <= base.walk,
        "longest": best.longest <= LONGEST,
        "conflicts": best.conflicts <= base.conflicts,
        "locked": full is not None and full.runs == seeds and full.gridlocks == 0,
    }
    return {name for name, good in reached.items() if not good}


def spelled(figures: Figures, base: Figures | None = None) -> list[str]:
    """Write figures down, with the change against the base where a change is asked."""

    def changed(value: float, before: float | None, digits: int) -> str:
        if math.isnan(value):
            return "-"
        text = f"{value:.{digits}f}"
        return text if before is None or not before > 0 else f"{text} ({100 * (value / before - 1):+.0f} %)"

    def of(name: str) -> float | None:
        return None if base is None else float(getattr(base, name))

    return [
        changed(figures.person, of("person"), 1),
        changed(figures.transit, of("transit"), 1),
        changed(figures.walk, of("walk"), 1),
        changed(figures.longest, None, 0),
        changed(figures.conflicts, of("conflicts"), 3),
        changed(figures.car, of("car"), 1),
    ]


if __name__ == "__main__":
    sys.exit(main())
