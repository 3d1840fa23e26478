"""
Delay of controllers on the eight RESCO maps, beside the figures they have to reach and those that were published.

    python benchmarks/resco.py --controller program --controller self-control --seeds 1-10
    python benchmarks/resco.py -c program -c actuated -c delay-based -c max-pressure -c self-control --seeds 1-3
    python benchmarks/resco.py --controller program --controller self-control --seeds 1-3 --scale 0.5,1.5

Finished runs are kept in the output folder and not run again. Exit code 1 if a figure is missed; a run without a result
counts as one. Figures are asked of horizon as a mean over seeds 1 to 20, of self-control over 1 to 10; other seeds are
judged all the same.

The published figures (in capitals) were made with SUMO 1.9, ours with the version in the title. Absolute values of
different versions of SUMO do not compare: the nets' own programs, FIXED there and `program` here, are about a third worse
at 1.9 on cologne1, cologne3, cologne8 and ingolstadt1, and better on ingolstadt7 and ingolstadt21. The column "x program"
divides by the program of the same version, which compares better. RESCO's delay and ours agree where everybody got in
(docs/metrics.md); the column "RESCO" has theirs.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
from dataclasses import dataclass, field
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING

from rich import box
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from sim.batch.events import RunFailed, RunFinished, RunResumed
from sim.batch.keys import run_key
from sim.batch.plan import plan_batch
from sim.batch.supervisor import run_batch
from sim.control.registry import parse_controller
from sim.errors import GruenbandError
from sim.evaluate.results import read_results
from sim.scenario import load_scenario
from sim.scenario.values import parse_scales, parse_seeds

if TYPE_CHECKING:
    from sim.control.spec import ControllerSpec

# What runs if nothing is said.
DEFAULT = ("program", "self-control")

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
# What a controller has to stay below at demand 1.0, without a gridlock [s/veh]: self-control as the mean of seeds 1 to
# 10, horizon as that of seeds 1 to 20, deciding each second (free) or within RESCO's interface (grid).
LIMITS = {
    "self-control": dict(zip(MAPS, (17.5, 17.5, 15.2, 13.2, 21.0, 21.5, 660.0, 70.0), strict=True)),
    "horizon, free": dict(zip(MAPS, (13.0, 13.2, 12.2, 10.5, 16.8, 17.0, 540.0, 42.0), strict=True)),
    "horizon, grid": dict(zip(MAPS, (15.0, 15.0, 14.8, 12.0, 20.0, 22.0, 540.0, 48.0), strict=True)),
}
NO_GRIDLOCK = {*LIMITS, "max-pressure"}
# At these demands horizon (free) is at most so much worse than any of these controllers of the same run.
CALM_SCALES, SLACK = (0.5, 0.8, 1.2), 1.02
PEERS = ("program", "self-control", "max-pressure", "actuated")
# Above them it is at most this share of the program, on the maps that are not oversaturated throughout.
HEAVY_SCALES = {1.5: 0.42, 2.0: 0.7}
HEAVY_MAPS = ("cologne1", "cologne3", "cologne8", "ingolstadt1", "ingolstadt7")

# J. Ault, G. Sharon: Reinforcement Learning Benchmarks for Traffic Signal Control, NeurIPS 2021 Datasets and
# Benchmarks. Delay = timeLoss + departDelay [s/veh], by RESCO's own script. Of those that learn: the best episode of
# the mean over trials; of the others plain means. FIXED: the nets' own programs.
PUBLISHED_SUMO = "1.9"
PUBLISHED = {
    "best learner": {
        "cologne1": ("IDQN", 26.05),
        "cologne3": ("IDQN", 23.99),
        "cologne8": ("IPPO", 21.62),
        "ingolstadt1": ("IPPO", 20.90),
        "ingolstadt7": ("IDQN", 31.19),
        "grid4x4": ("IDQN", 32.95),
        "arterial4x4": ("FMA2C", 654.13),
        "ingolstadt21": ("IDQN", 59.64),
    },
    "no learning": {
        "cologne1": ("MAXWAVE", 27.81),
        "cologne3": ("FIXED", 46.35),
        "cologne8": ("MAXWAVE", 21.87),
        "ingolstadt1": ("MAXPRESSURE", 23.62),
        "ingolstadt7": ("MAXPRESSURE", 46.82),
        "grid4x4": ("MAXWAVE", 34.32),
        "arterial4x4": ("MAXWAVE", 820.8),
        "ingolstadt21": ("MAXWAVE", 76.32),
    },
    "own program": {
        "cologne1": ("FIXED", 56.61),
        "cologne3": ("FIXED", 46.35),
        "cologne8": ("FIXED", 63.77),
        "ingolstadt1": ("FIXED", 39.40),
        "ingolstadt7": ("FIXED", 91.31),
        "ingolstadt21": ("FIXED", 133.10),
    },
}

Verdict = tuple[bool, str]


@dataclass
class Cell:
    """One controller on one map at one demand, over all seeds."""

    map: str
    scale: float
    controller: str
    role: str  # what figures are asked of it: its name, for horizon with its class
    runs: int
    delays: dict[int, float] = field(default_factory=dict)  # by seed
    resco_delay: float | None = None
    gridlocks: int = 0
    sumo: str = ""
    published: bool = False
    times_program: float | None = None
    verdicts: list[Verdict] = field(default_factory=list)

    @property
    def mean(self) -> float | None:
        """Mean delay over the seeds that have a result [s/veh]."""
        return statistics.mean(self.delays.values()) if self.delays else None

    @property
    def spread(self) -> float:
        """Standard deviation over the seeds [s/veh]."""
        return statistics.stdev(self.delays.values()) if len(self.delays) > 1 else 0.0

    @property
    def worst(self) -> int | None:
        """The seed with the greatest delay."""
        return max(self.delays, key=self.delays.__getitem__, default=None)

    def ratio(self, other: Cell) -> float | None:
        """Divide by another's mean delay, over the seeds that both have: who fails on the worst gains nothing."""
        both = sorted(self.delays.keys() & other.delays.keys())
        below = sum(other.delays[seed] for seed in both)
        return sum(self.delays[seed] for seed in both) / below if below else None

    def judge(self, text: str, *, good: bool) -> None:
        """Note whether a figure is reached."""
        self.verdicts.append((good, text))

    def as_row(self) -> dict[str, object]:
        """Write the cell for other tools."""
        return {
            "map": self.map,
            "scale": self.scale,
            "controller": self.controller,
            "published": self.published,
            "sumo": self.sumo,
            "runs": self.runs,
            "done": len(self.delays),
            "mean": self.mean,
            "sd": self.spread if len(self.delays) > 1 else None,
            "worst": None if self.worst is None or self.published else self.delays[self.worst],
            "worst_seed": None if self.published else self.worst,
            "gridlocks": None if self.published else self.gridlocks,
            "resco_delay": self.resco_delay,
            "times_program": self.times_program,
            "delays": {} if self.published else self.delays,
            "asked": [{"what": text, "reached": good} for good, text in self.verdicts],
        }


def main() -> int:
    """Run what is missing, print the tables, and compare them with what is asked."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("-c", "--controller", action="append", default=[], help="any number of them")
    parser.add_argument("--seeds", default="1-3")
    parser.add_argument("--scale", default="1.0", help="factors on the demand")
    parser.add_argument("--maps", default=",".join(MAPS))
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--out", type=Path, default=Path("results/resco"))
    parser.add_argument("--json", type=Path, help="write the rows of the tables to this file")
    args = parser.parse_args()
    maps = args.maps.split(",")
    unknown = sorted(set(maps) - set(MAPS))
    if unknown:
        parser.error(f"--maps: no map {', '.join(unknown)}; known: {', '.join(MAPS)}")
    try:
        specs = [parse_controller(text) for text in args.controller or DEFAULT]
        seeds, scales = parse_seeds(args.seeds), parse_scales(args.scale)
    except (GruenbandError, ValueError) as fault:
        parser.error(str(fault))
    scenarios = []
    for name in maps:
        scenario = load_scenario(f"resco-{name}")
        # Emissions cost as much time as the traffic and change none of these figures.
        scenarios.append(
            scenario.model_copy(
                update={"outputs": scenario.outputs.model_copy(update={"emissions": False, "safety": False})}
            )
        )
    # Longest first, so that no core idles at the end.
    tasks = sorted(plan_batch(scenarios, specs, seeds, scales), key=lambda t: -PROGRAM[t.scenario.name[6:]])
    with Progress(
        TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn()
    ) as bar:
        line = bar.add_task("RESCO", total=len(tasks))

        def note(event: object) -> None:
            if isinstance(event, (RunFinished, RunFailed, RunResumed)):
                bar.advance(line)

        run_batch(tasks, args.out, args.jobs, None, note)
    # The folder may hold runs of another version, or of a scenario that was edited since.
    keys = {run_key(task) for task in tasks}
    rows = [row for row in read_results(args.out) if row["run_key"] in keys]
    cells = []
    for scale in scales:
        for name in maps:
            here = [r for r in rows if r["scenario"] == f"resco-{name}" and r["scale"] == scale]
            cells += judged(measured(name, scale, specs, here, len(seeds)))
    # A log is not cut at 80 columns.
    console = Console() if sys.stdout.isatty() else Console(width=120)
    missed = show(console, cells, seeds)
    if args.json:
        args.json.parent.mkdir(parents=True, exist_ok=True)
        args.json.write_text(json.dumps([c.as_row() for c in cells], indent=1) + "\n", encoding="utf-8")
    return 1 if missed else 0


def measured(name: str, scale: float, specs: list[ControllerSpec], rows: list[dict], runs: int) -> list[Cell]:
    """Average the runs of a map, its floor first, and put the published figures below."""
    floor = Cell(name, scale, "floor", "floor", runs)
    floor.delays = {row["seed"]: row["floor"] for row in rows if row["floor"] is not None}
    cells = [floor]
    for spec in specs:
        mine = [r for r in rows if r["controller"] == spec.label and r["status"] == "done"]
        cell = Cell(name, scale, spec.label, role_of(spec), runs)
        cell.delays = {r["seed"]: r["delay"] for r in mine if r["delay"] is not None}
        cell.resco_delay = statistics.mean(r["resco_delay"] for r in mine) if mine else None
        cell.gridlocks = sum(bool(r["gridlock"]) for r in mine)
        cell.sumo = mine[0]["sumo_version"] if mine else ""
        cells.append(cell)
    program = next((c for c in cells if c.role == "program"), None)
    for cell in cells[1:]:
        cell.times_program = cell.ratio(program) if program else None
    return cells + (published(name) if scale == 1.0 else [])


def role_of(spec: ControllerSpec) -> str:
    """Say which figures are asked of a controller, whatever its other parameters are."""
    if spec.name == "horizon":
        return f"horizon, {dict(spec.params).get('class', 'free')}"
    return spec.name


def published(name: str) -> list[Cell]:
    """Give the published figures of a map."""
    fixed = PUBLISHED["own program"].get(name)
    cells = []
    for what, table in PUBLISHED.items():
        # Where the best that does not learn is the program, one row is enough.
        if name in table and (what != "no learning" or table[name] != fixed):
            method, delay = table[name]
            cell = Cell(name, 1.0, f"{method} ({what})", "", 0, sumo=PUBLISHED_SUMO, published=True)
            cell.delays, cell.resco_delay = {0: delay}, delay
            cell.times_program = delay / fixed[1] if fixed else None
            cells.append(cell)
    return cells


def judged(cells: list[Cell]) -> list[Cell]:
    """Compare the cells of one map and demand with what is asked of them."""
    own = [cell for cell in cells if not cell.published]
    for cell in own:
        if len(cell.delays) < cell.runs:
            cell.judge(f"{cell.runs - len(cell.delays)} of {cell.runs} without result", good=False)
        if cell.mean is None:
            continue
        if cell.scale == 1.0:
            judge_plain(cell, own)
        else:
            judge_scaled(cell, own)
    return cells


def judge_plain(cell: Cell, cells: list[Cell]) -> None:
    """Judge a controller at the demand as it is."""
    expected = {"program": PROGRAM, "floor": FLOOR}.get(cell.role)
    if expected is not None:
        share = cell.mean / expected[cell.map] - 1
        cell.judge(f"{expected[cell.map]:g} ± 5 %: {share:+.1%}", good=abs(share) <= 0.05)
    if cell.role in LIMITS:
        limit = LIMITS[cell.role][cell.map]
        cell.judge(f"at most {limit:g}", good=cell.mean <= limit)
    if cell.role == "max-pressure":
        for other in cells:
            if other.role == "actuated" and (ratio := cell.ratio(other)) is not None:
                cell.judge(f"below {other.controller}", good=ratio < 1.0)
    if cell.role in NO_GRIDLOCK:
        cell.judge("no gridlock", good=cell.gridlocks == 0)


def judge_scaled(cell: Cell, cells: list[Cell]) -> None:
    """Judge a controller at another demand, against others at the same."""
    for other in cells:
        ratio = cell.ratio(other)
        if other is cell or ratio is None:
            continue
        if cell.role == "self-control" and other.role == "program":
            cell.judge(f"below {other.controller}", good=ratio < 1.0)
        if cell.role != "horizon, free":
            continue
        if cell.scale in CALM_SCALES and other.role in PEERS:
            cell.judge(f"at most {SLACK:g} x {other.controller}: {ratio:.2f}", good=ratio <= SLACK)
        if cell.scale in HEAVY_SCALES and cell.map in HEAVY_MAPS and other.role == "program":
            share = HEAVY_SCALES[cell.scale]
            cell.judge(f"at most {share:g} x {other.controller}: {ratio:.2f}", good=ratio <= share)


def show(console: Console, cells: list[Cell], seeds: tuple[int, ...]) -> int:
    """Print one table a demand and return how many figures are missed."""
    versions = sorted({cell.sumo for cell in cells if cell.sumo and not cell.published})
    for scale, here in groupby(cells, key=lambda cell: cell.scale):
        table = Table(
            title=f"whole-demand delay \\[s/veh], demand x {scale:g}, SUMO {', '.join(versions)}, {len(seeds)} seeds",
            title_justify="left",
            box=box.SIMPLE_HEAD,
            padding=(0, 1, 0, 0),
        )
        for column in ("map", "controller", "mean ± sd", "worst (seed)", "gridlocks", "RESCO", "x program"):
            left = column in {"map", "controller"}
            table.add_column(column, justify="left" if left else "right", no_wrap=column != "controller")
        table.add_column("asked")
        for name, group in groupby(here, key=lambda cell: cell.map):
            for k, cell in enumerate(group):
                table.add_row(name if k == 0 else "", *texts_of(cell), style="dim" if cell.published else "")
            table.add_section()
        console.print(table)
    if any(cell.published for cell in cells):
        console.print(
            f"In capitals: published (Ault and Sharon 2021), SUMO {PUBLISHED_SUMO}, RESCO's delay. Absolute values of "
            "different versions of SUMO do not compare; x program, the ratio to the net's program of the same version, does better.",
            style="dim",
            highlight=False,
        )
    missed = [(cell, text) for cell in cells for good, text in cell.verdicts if not good]
    total = sum(len(cell.verdicts) for cell in cells)
    console.print(f"{total - len(missed)} of {total} figures reached", highlight=False)
    for cell, text in missed:
        seen = "-" if cell.mean is None else f"{cell.mean:.1f}"
        console.print(
            f"[red]MISSED[/] {cell.map} x {cell.scale:g}: {escape(cell.controller)} {seen}, asked: {escape(text)}",
            highlight=False,
        )
    return len(missed)


def texts_of(cell: Cell) -> list[str]:
    """Write the columns behind the map."""
    if cell.mean is None:
        numbers = ["-"] * 5
    else:
        digits = 0 if cell.mean >= 1000.0 else 1
        own = not cell.published
        numbers = [
            f"{cell.mean:.{digits}f}" + (f" ± {cell.spread:.{digits}f}" if len(cell.delays) > 1 else ""),
            f"{cell.delays[cell.worst]:.{digits}f} ({cell.worst})" if own and cell.worst is not None else "",
            f"{cell.gridlocks} of {len(cell.delays)}" if own and cell.role != "floor" else "",
            "" if cell.resco_delay is None else f"{cell.resco_delay:.{digits}f}",
            "" if cell.times_program is None else f"{cell.times_program:.2f}",
        ]
    asked = "\n".join(
        ("[green]" if good else "[red]MISSED ") + escape(text) + "[/]" for good, text in cell.verdicts
    )
    return [escape(cell.controller), *numbers, asked]


if __name__ == "__main__":
    sys.exit(main())
