"""
Designed fixed-time programs against the networks' own, on networks that nobody of the project wrote.

    python benchmarks/design.py                                   # RESCO maps, rilsa examples, bochum-ring; seeds 1-3
    python benchmarks/design.py --scenarios resco-cologne1,rilsa-1 --seeds 1-10

Each network is designed from its geometry and the scenario's own demand; its programs are not looked at. The designed
program of the scenario's hour runs as the controller `plan`, which checks it once more, beside the network's own. Exit
code 1 if a design is not safe, a run has no result, or the design is worse than the network's program on a RESCO map.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import time
from pathlib import Path

from rich.console import Console
from rich.table import Table

from sim.batch.keys import run_key
from sim.batch.plan import plan_batch
from sim.batch.supervisor import run_batch
from sim.control.registry import parse_controller
from sim.design.demand import scenario_volumes
from sim.design.network import design_network
from sim.design.report import worst_lane
from sim.errors import GruenbandError
from sim.evaluate.results import read_results
from sim.scenario import load_scenario
from sim.scenario.values import parse_seeds
from sim.signals.plan import write_plan

SCENARIOS = (
    "resco-cologne1",
    "resco-cologne3",
    "resco-cologne8",
    "resco-ingolstadt1",
    "resco-ingolstadt7",
    "resco-ingolstadt21",
    "resco-grid4x4",
    "resco-arterial4x4",
    "rilsa-1",
    "rilsa-2",
    "rilsa-3",
    "rilsa-4",
    "bochum-ring-am",
)


def main() -> int:
    """Design, run what is missing, print the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--scenarios", default=",".join(SCENARIOS))
    parser.add_argument("--seeds", default="1-3")
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--out", type=Path, default=Path("results/design"))
    args = parser.parse_args()
    seeds = parse_seeds(args.seeds)
    tasks, figures, failed = [], {}, []
    for name in args.scenarios.split(","):
        scenario = load_scenario(name)
        scenario = scenario.model_copy(
            update={"outputs": scenario.outputs.model_copy(update={"emissions": False})}
        )
        begun = time.process_time()
        try:
            volumes = scenario_volumes(scenario.network, scenario)
            design = design_network(scenario.network, volumes, name=name)
        except GruenbandError as error:
            failed.append(f"{name}: {error}")
            continue
        seconds = time.process_time() - begun
        (program,) = volumes
        plan = hour_of(design.plan, program)
        path = args.out / "plans" / f"{name}.json"
        write_plan(plan, path)
        lanes = [worst_lane(signal, program) for signal in design.signals.values()]
        figures[name] = (
            len(plan.signals),
            sorted({signal.programs[0].cycle for signal in plan.signals}),
            max((lane.saturation for lane in lanes if lane), default=0.0),
            seconds,
        )
        specs = [parse_controller("program"), parse_controller(f"plan:file={path},profile=rilsa")]
        tasks += plan_batch([scenario], specs, seeds, (1.0,))
    run_batch(tasks, args.out, args.jobs, None, lambda _event: None)
    keys = {run_key(task) for task in tasks}
    rows = [row for row in read_results(args.out) if row["run_key"] in keys]
    failed += show(rows, figures, len(seeds))
    for line in failed:
        print(line)
    return 1 if failed else 0


def hour_of(plan, program):  # noqa: ANN001, ANN201
    """Keep the program of the scenario's hour."""
    signals = tuple(
        signal.model_copy(update={"programs": (signal.program(program),)}) for signal in plan.signals
    )
    return plan.model_copy(update={"signals": signals, "schedule": None})


def show(rows: list[dict], figures: dict, count: int) -> list[str]:
    """Print the table and list what is worse than asked."""
    table = Table(
        "scenario",
        "signals",
        "cycles [s]",
        "largest x",
        "designed in [s]",
        "program",
        "design",
        "ratio",
        "stuck",
    )
    for column in table.columns[1:]:
        column.justify = "right"
    failed = []
    for name, (signals, cycles, saturation, seconds) in figures.items():
        mine = [row for row in rows if row["scenario"] == name and row["status"] == "done"]
        own = {row["seed"]: row["delay"] for row in mine if row["controller"] == "program"}
        new = {row["seed"]: row["delay"] for row in mine if row["controller"].startswith("plan")}
        if len(own) < count or len(new) < count:
            reasons = [
                str(row.get("reason")) for row in rows if row["scenario"] == name and row["status"] != "done"
            ]
            failed.append(f"{name}: {len(own)} and {len(new)} of {count} runs have a result; {reasons[:1]}")
            continue
        ratio = statistics.mean(new.values()) / statistics.mean(own.values())
        stuck = [
            sum(bool(r["gridlock"]) for r in mine if r["controller"].startswith(c))
            for c in ("program", "plan")
        ]
        if ratio > 1.0 and name.startswith("resco"):
            failed.append(f"{name}: the design has {ratio:.2f} times the delay of the network's program")
        table.add_row(
            name,
            str(signals),
            ", ".join(map(str, cycles)),
            f"{saturation:.2f}",
            f"{seconds:.1f}",
            f"{statistics.mean(own.values()):.1f}",
            f"{statistics.mean(new.values()):.1f}",
            f"{ratio:.2f}",
            f"{stuck[0]}, {stuck[1]}",
        )
    Console(width=130).print(table)
    return failed


if __name__ == "__main__":
    sys.exit(main())
