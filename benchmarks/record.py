"""
What it costs to record the signals of a run: computing time, and size of the files.

    python benchmarks/record.py [SCENARIO CONTROLLER]… [--times 5]

Each cell is run with and without `signals` under [outputs], one after the other in turn, each time in a process of its
own, from the start of the run to its last file as a batch does. Computing time is the processor's time of that process,
the least of all repetitions: other work on the machine only adds to it. Sizes are those of the kept files, and for a
whole day what it would be with this traffic around the clock. Exit code 1 if the mean over the cells costs more than 5 %
or trips differ.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from rich.console import Console
from rich.table import Table

CELLS = (
    "resco-cologne8",
    "program",
    "resco-cologne8",
    "max-pressure",
    "resco-ingolstadt21",
    "program",
    "resco-ingolstadt21",
    "self-control",
    "bochum-ring-am",
    "program",
    "bochum-ring-am",
    "horizon",
)
MOST = 0.05


def main() -> int:
    """Measure every cell and print the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("cells", nargs="*", default=CELLS)
    parser.add_argument("--times", type=int, default=5)
    parser.add_argument("--one", choices=("on", "off"), help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.one:
        print(json.dumps(one(args.cells[0], args.cells[1], signals=args.one == "on")))
        return 0
    pairs = list(zip(args.cells[::2], args.cells[1::2], strict=True))
    table = Table(title="recording the signals of a run")
    for column in (
        "scenario",
        "controller",
        "without [s]",
        "with [s]",
        "cost",
        "kept [MiB]",
        "24 h [MiB]",
        "same trips",
    ):
        table.add_column(column, justify="right")
    costs, same = [], True
    for scenario, controller in pairs:
        found = [measure(scenario, controller, on) for _ in range(args.times) for on in ("off", "on")]
        off = min(row["seconds"] for row in found[::2])
        on = min(row["seconds"] for row in found[1::2])
        equal = len({row["trips"] for row in found}) == 1
        last = found[-1]
        costs.append(on / off - 1)
        print(f"{scenario} {controller}: {off:.2f} s, with record {on:.2f} s", file=sys.stderr, flush=True)
        same = same and equal
        table.add_row(
            scenario,
            controller,
            f"{off:.2f}",
            f"{on:.2f}",
            f"{100 * costs[-1]:.1f} %",
            f"{last['bytes'] / 2**20:.2f}",
            f"{last['bytes'] / 2**20 * 86400 / last['span']:.1f}",
            str(equal),
        )
    Console().print(table)
    mean = sum(costs) / len(costs)
    print(f"mean cost {100 * mean:.1f} %, at most {100 * MOST:.0f} % asked")
    return int(mean > MOST or not same)


def measure(scenario: str, controller: str, signals: str) -> dict[str, float]:
    """Run a cell in a process of its own."""
    command = [sys.executable, __file__, scenario, controller, "--one", signals]
    text = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    answer: dict[str, float] = json.loads(text.strip().splitlines()[-1])
    return answer


def one(name: str, controller: str, *, signals: bool) -> dict[str, object]:
    """Do what a worker of a batch does."""
    import hashlib

    from sim.control.registry import parse_controller
    from sim.evaluate.database import connect
    from sim.evaluate.figures import keep_figures
    from sim.evaluate.kpi import measure as figures_of
    from sim.evaluate.tripinfo import tripinfo_to_parquet
    from sim.run import RunTask, run
    from sim.scenario import load_scenario
    from sim.scenario.model import OutputSettings

    scenario = load_scenario(name).model_copy(update={"outputs": OutputSettings(signals=signals)})
    with tempfile.TemporaryDirectory() as folder:
        directory = Path(folder)
        connect().close()
        begun = time.process_time()
        graph = run(RunTask(scenario, parse_controller(controller), 1, 1.0), directory)
        tripinfo_to_parquet(directory / "tripinfo.xml", directory / "tripinfo.parquet")
        keep_figures(graph, directory)
        figures_of(directory)
        seconds = time.process_time() - begun
        trips = connect().execute(
            "SELECT * FROM read_parquet($f)", {"f": str(directory / "tripinfo.parquet")}
        )
        digest = hashlib.sha256(repr(trips.fetchall()).encode()).hexdigest()
        kept = [path for path in directory.glob("*.parquet") if path.name != "tripinfo.parquet"]
        return {
            "seconds": seconds,
            "bytes": sum(path.stat().st_size for path in kept),
            "span": scenario.end - scenario.begin,
            "trips": digest,
        }


if __name__ == "__main__":
    sys.exit(main())
