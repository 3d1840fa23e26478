"""
A complete store of 2,000 runs from a handful of real ones, to measure what reads a large store.

    python benchmarks/store_2000.py OUT [--runs 2000] [--measure]

First every scenario x controller (and floor) below is simulated once, with a short window. Then each of these runs
is multiplied over the seeds: all its files are copied, the losses of its vehicles are drawn anew with the seed, and
the row of figures is computed from the new trips like that of any run. So every run has all the files of a real one,
whatever a run records. What depends on no trip, such as recorded lamps, is the same for all seeds. Reproducible: the same
call writes the same figures. A second call does what is missing.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sim.batch.plan import plan_batch
from sim.batch.supervisor import run_batch
from sim.control.registry import parse_controller
from sim.evaluate.database import connect
from sim.evaluate.index import INDEX
from sim.evaluate.kpi import measure, write_kpi
from sim.evaluate.results import read_rows
from sim.scenario import load_scenario

if TYPE_CHECKING:
    from sim.scenario.model import Scenario

SCENARIOS = ("rilsa-1", "rilsa-2", "rilsa-3", "rilsa-4")
CONTROLLERS = ("program", "actuated", "max-pressure", "self-control")
WINDOW = 600.0  # s
# Losses vary by this share (standard deviation of the logarithm) from vehicle to vehicle and from seed to seed.
VEHICLE_SPREAD, SEED_SPREAD = 0.3, 0.05


def make_store(out: Path, runs: int = 2000) -> Path:
    """Write a store of about so many runs (whole seeds of every cell); its templates stand beside it in OUT-templates."""
    templates = out.with_name(f"{out.name}-templates")
    tasks = plan_batch(
        [short(load_scenario(name)) for name in SCENARIOS],
        [parse_controller(text) for text in CONTROLLERS],
        seeds=[1],
    )
    result = run_batch(tasks, templates, jobs=2)
    if result.done + result.resumed != len(tasks):
        msg = f"{templates}: not every template run has a result; look at its runs/*/worker.log"
        raise SystemExit(msg)
    rows = read_rows(templates)
    for seed in range(1, runs // len(rows) + 1):
        for row in rows:
            multiply(templates / "runs" / str(row["run_key"]), row, seed, out / "runs")
    return out


def short(scenario: Scenario) -> Scenario:
    """Cut the scenario's window."""
    return scenario.model_copy(update={"end": scenario.begin + WINDOW})


def multiply(template: Path, row: dict[str, Any], seed: int, runs: Path) -> None:
    """Write the run of another seed beside its template."""
    key = hashlib.sha256(f"{row['run_key']} {seed}".encode()).hexdigest()[:16]
    if (runs / key / "kpi.parquet").is_file():
        return
    aside = runs.parent / "tmp" / key
    shutil.rmtree(aside, ignore_errors=True)
    shutil.copytree(template, aside)
    task = json.loads((aside / "task.json").read_text(encoding="utf-8")) | {"seed": seed}
    (aside / "task.json").write_text(json.dumps(task), encoding="utf-8")
    redraw(template / "tripinfo.parquet", aside / "tripinfo.parquet", seed)
    write_kpi(row | measure(aside) | {"seed": seed, "run_key": key}, aside / "kpi.parquet")
    runs.mkdir(parents=True, exist_ok=True)
    aside.rename(runs / key)


def redraw(source: Path, target: Path, seed: int) -> None:
    """Multiply each vehicle's loss and waiting by a lognormal factor of mean 1 (Box and Muller, hashed, so reproducible)."""
    uniform = "((hash(id || '{what}' || {seed}) % 1000003) + 1) / 1000004.0"
    first, second = (uniform.format(what=what, seed=seed) for what in "ab")
    common = f"(hash('seed' || {seed}) % 1000003 / 1000003.0 - 0.5) * {SEED_SPREAD} * sqrt(12)"
    normal = f"sqrt(-2 * ln({first})) * cos(2 * pi() * {second})"
    factor = f"exp({VEHICLE_SPREAD} * {normal} - {VEHICLE_SPREAD**2 / 2} + {common})"
    connection = connect()
    query = f"""
        SELECT * EXCLUDE f REPLACE (
            round(time_loss * f, 2) AS time_loss, round(waiting_time * f, 2) AS waiting_time
        )
        FROM (SELECT *, {factor} AS f FROM read_parquet('{source}'))
    """  # noqa: S608
    connection.execute(f"COPY ({query}) TO '{target}' (FORMAT parquet)")
    connection.close()


def main() -> int:
    """Write the store that the command line names."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("out", type=Path)
    parser.add_argument("--runs", type=int, default=2000)
    parser.add_argument("--measure", action="store_true")
    args = parser.parse_args()
    store = make_store(args.out, args.runs)
    print(f"{sum(1 for _ in (store / 'runs').iterdir())} runs in {store}")
    return measure_commands(store) if args.measure else 0


def measure_commands(store: Path) -> int:
    """Time the commands that read a store."""
    baseline = store / "baseline.json"
    (store / INDEX).unlink(missing_ok=True)
    slow = 0
    for name, *arguments in (
        ("results, no index yet", "results", store),
        ("results", "results", store),
        ("results --json", "results", store, "--json"),
        ("results --baseline", "results", store, "--baseline", baseline),
        ("compare with itself", "compare", store, store),
        ("compare with the baseline", "compare", baseline, store),
        ("compare controllers", "compare", store, "--base-controller", "program"),
    ):
        begun = time.perf_counter()
        command = [sys.executable, "-m", "sim.cli.main", *map(str, arguments)]
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        _, _, usage = os.wait4(process.pid, 0)
        wall, memory = time.perf_counter() - begun, usage.ru_maxrss / 1024
        print(
            f"{name:27} {wall:5.2f} s, processor {usage.ru_utime + usage.ru_stime:5.2f} s, {memory:4.0f} MiB"
        )
        slow += "no index" not in name and (wall > 2 or memory > 1024)
    return int(slow > 0)


if __name__ == "__main__":
    sys.exit(main())
