"""
Delay of controllers on the eight RESCO maps, beside the figures they have to reach.

    python benchmarks/resco.py --controller program --controller self-control --seeds 1-10
    python benchmarks/resco.py --controller program --controller self-control --seeds 1-3 --scale 1.5

Finished runs are kept in the output folder and not run again. Exit code 1 if a figure is missed.
"""

from __future__ import annotations

import argparse
import statistics
import sys
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from sim.batch.events import RunFailed, RunFinished, RunResumed
from sim.batch.plan import plan_batch
from sim.batch.supervisor import run_batch
from sim.control.registry import parse_controller
from sim.evaluate.results import read_results
from sim.scenario import load_scenario
from sim.scenario.values import parse_scales, parse_seeds

MAPS = (
    "cologne1",
    "cologne3",
    "cologne8",
    "ingolstadt1",
    "ingolstadt7",
    "grid4x4",
    "arterial4x4",
    "ingolstadt21",
)
# Measured once with plain SUMO 1.28, mean of two seeds [s/veh]: what `program` and the floor must agree with to 5 %.
PROGRAM = dict(zip(MAPS, (42.8, 35.8, 48.9, 28.7, 131.0, 91.4, 1472.0, 140.0), strict=True))
FLOOR = dict(zip(MAPS, (2.3, 3.3, 7.2, 4.1, 6.5, 7.9, 30.7, 19.2), strict=True))
# What self-control has to stay below at demand 1.0, mean of seeds 1 to 10 [s/veh].
SELF_CONTROL = dict(zip(MAPS, (17.5, 17.5, 15.2, 13.2, 21.0, 21.5, 660.0, 70.0), strict=True))


def main() -> int:
    """Run what is missing, print the table, and compare it with what is asked."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--controller", action="append", default=[])
    parser.add_argument("--seeds", default="1-3")
    parser.add_argument("--scale", default="1.0")
    parser.add_argument("--maps", default=",".join(MAPS))
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--out", type=Path, default=Path("results/resco"))
    args = parser.parse_args()
    maps = args.maps.split(",")
    controllers = [parse_controller(text) for text in args.controller or ["program", "self-control"]]
    seeds, scales = parse_seeds(args.seeds), parse_scales(args.scale)
    scenarios = []
    for name in maps:
        scenario = load_scenario(f"resco-{name}")
        # Emissions cost as much time as the traffic and change none of these figures.
        scenarios.append(
            scenario.model_copy(update={"outputs": scenario.outputs.model_copy(update={"emissions": False})})
        )
    # Longest first, so that no core idles at the end.
    tasks = sorted(
        plan_batch(scenarios, controllers, seeds, scales), key=lambda t: -PROGRAM[t.scenario.name[6:]]
    )
    console = Console()
    with Progress(
        TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn()
    ) as bar:
        line = bar.add_task("RESCO", total=len(tasks))

        def note(event: object) -> None:
            if isinstance(event, (RunFinished, RunFailed, RunResumed)):
                bar.advance(line)

        run_batch(tasks, args.out, args.jobs, None, note)
    rows = [r for r in read_results(args.out) if r["seed"] in seeds and r["scale"] in scales]
    labels = [c.label for c in controllers]
    return 1 if show(console, rows, maps, labels, scales) else 0


def show(
    console: Console, rows: list[dict], maps: list[str], labels: list[str], scales: tuple[float, ...]
) -> int:
    """Print one table a scale and say what is missed."""
    missed = 0
    for scale in scales:
        table = Table(title=f"whole-demand delay \\[s/veh], demand x {scale:g}")
        for column in ("map", "floor", *[f"{c}: mean ± sd (worst), gridlocks" for c in labels], "asked"):
            table.add_column(column, justify="left" if column in {"map", "asked"} else "right")
        for name in maps:
            here = [r for r in rows if r["scenario"] == f"resco-{name}" and r["scale"] == scale]
            floors = [r["floor"] for r in here if r["floor"] is not None]
            cells = {
                label: [r for r in here if r["controller"] == label and r["status"] == "done"]
                for label in labels
            }
            means = {label: statistics.mean(r["delay"] for r in c) for label, c in cells.items() if c}
            verdicts = judge(name, scale, means, cells, statistics.mean(floors) if floors else None)
            missed += sum(not good for good, _ in verdicts)
            table.add_row(
                name,
                f"{statistics.mean(floors):.1f}" if floors else "-",
                *[text_of(cells[label]) for label in labels],
                "; ".join(("[green]" if good else "[red]MISSED ") + text + "[/]" for good, text in verdicts),
            )
        console.print(table)
    return missed


def text_of(cell: list[dict]) -> str:
    """Write a cell: mean, standard deviation, worst seed, gridlocks."""
    if not cell:
        return "-"
    delays = [r["delay"] for r in cell]
    spread = statistics.stdev(delays) if len(delays) > 1 else 0.0
    locks = sum(bool(r["gridlock"]) for r in cell)
    return f"{statistics.mean(delays):.1f} ± {spread:.1f} ({max(delays):.1f}), {locks} of {len(cell)}"


def judge(
    name: str, scale: float, means: dict[str, float], cells: dict[str, list[dict]], floor: float | None
) -> list[tuple[bool, str]]:
    """Compare a map's figures with what is asked of them."""
    verdicts = []
    if scale == 1.0:
        if "program" in means:
            share = means["program"] / PROGRAM[name] - 1
            verdicts.append((abs(share) <= 0.05, f"program {share:+.1%}"))
        if floor is not None:
            share = floor / FLOOR[name] - 1
            verdicts.append((abs(share) <= 0.05, f"floor {share:+.1%}"))
        if "self-control" in means:
            verdicts.append(
                (means["self-control"] <= SELF_CONTROL[name], f"self-control <= {SELF_CONTROL[name]:g}")
            )
        if "max-pressure" in means and "actuated" in means:
            verdicts.append((means["max-pressure"] < means["actuated"], "max-pressure < actuated"))
        verdicts.extend(
            (False, f"{label} without gridlock")
            for label in ("self-control", "max-pressure")
            if label in cells and any(r["gridlock"] for r in cells[label])
        )
    elif "self-control" in means and "program" in means:
        verdicts.append((means["self-control"] < means["program"], "self-control < program"))
    return verdicts


if __name__ == "__main__":
    sys.exit(main())
