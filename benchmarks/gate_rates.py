"""
How often the gate is right: false alarms, worsenings found, coverage of the intervals.

    python benchmarks/gate_rates.py coverage
    python benchmarks/gate_rates.py alarms DIR

`coverage` draws paired differences of known mean from several distributions and counts how often the 95 % intervals of
Student's t and of the BCa bootstrap hold it, and how often one cell without a difference gets the verdict better or worse.

`alarms` takes a folder with many seeds of the traffic suite, for instance of

    gruenband run benchmarks/traffic/gate-*.toml -c self-control --seeds 1-20 --out DIR

and splits them at random into --seeds (10) seeds for BASE and as many others for HEAD, paired in any order: code that is the same, and
traffic that is wholly other, the worst that a change without effect can do. Each split is judged as it is (false
alarms), and with every delay of HEAD multiplied by 1.03 and more (worsenings found). Pairs of the same seed differ less, so
the real gate finds more. Splits of the same seeds overlap, so the rates are those of these
seeds. Exit code 1 if more than one split in ten alarms falsely, or 3 % is found in less than four of five.
"""

from __future__ import annotations

import argparse
import math
import sys
from collections import defaultdict
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from rich.console import Console
from rich.table import Table

from sim.evaluate.baseline import number, read_runs
from sim.evaluate.comparison import Question, compare
from sim.evaluate.statistics import bca, paired_t
from sim.evaluate.verdict import BETTER, WORSE, examine, judge

if TYPE_CHECKING:
    from collections.abc import Callable

    Draw = Callable[[np.random.Generator, int], np.ndarray]

# Standardised: mean 0, deviation 1.
DISTRIBUTIONS: dict[str, Draw] = {
    "normal": lambda generator, count: generator.normal(0, 1, count),
    "heavy tails (t with 3 degrees)": lambda generator, count: generator.standard_t(3, count) / math.sqrt(3),
    "skewed (lognormal, 0.5)": lambda generator, count: lognormal(generator, count, 0.5),
    "very skewed (lognormal, 1)": lambda generator, count: lognormal(generator, count, 1.0),
    "difference of two very skewed": lambda generator, count: (
        (lognormal(generator, count, 1.0) - lognormal(generator, count, 1.0)) / math.sqrt(2)
    ),
}
COUNTS = (3, 5, 10, 20, 50)
FACTORS = (1.0, 1.01, 1.02, 1.03, 1.05)


def lognormal(generator: np.random.Generator, count: int, spread: float) -> np.ndarray:
    """Draw from a standardised lognormal distribution."""
    mean = math.exp(spread**2 / 2)
    deviation = mean * math.sqrt(math.exp(spread**2) - 1)
    return (generator.lognormal(0, spread, count) - mean) / deviation


def main() -> int:
    """Do what the command line asks."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("what", choices=["coverage", "alarms"])
    parser.add_argument("folder", type=Path, nargs="?")
    parser.add_argument("--repetitions", type=int, default=2000)
    parser.add_argument("--seeds", type=int, default=10, help="of each side of a split")
    args = parser.parse_args()
    if args.what == "coverage":
        return coverage(args.repetitions)
    if args.folder is None:
        parser.error("alarms needs a folder")
    return alarms(args.folder, args.repetitions, args.seeds)


def coverage(repetitions: int) -> int:
    """Print how often the intervals hold the true mean."""
    table = Table(title=f"coverage of the 95 % intervals, {repetitions} samples each")
    for column in ("differences", "pairs", "t", "BCa", "false verdicts"):
        table.add_column(column)
    for name, draw in DISTRIBUTIONS.items():
        for count in COUNTS:
            generator = np.random.default_rng(count)
            samples = [draw(generator, count) for _ in range(repetitions)]
            inside = [[holds(interval(sample)) for sample in samples] for interval in (paired_t, bca)]
            verdicts = [
                judge([examine([0.0] * count, sample, 0.0, more_is_better=False)])[0].verdict
                for sample in samples
            ]
            false = sum(verdict in {BETTER, WORSE} for verdict in verdicts)
            shares = ["-" if None in row else f"{np.mean([bool(x) for x in row]):.1%}" for row in inside]
            table.add_row(name, str(count), *shares, f"{false / repetitions:.1%}")
    Console().print(table)
    return 0


def holds(interval: tuple[float, float] | None) -> bool | None:
    """Tell whether an interval holds 0."""
    return None if interval is None else interval[0] <= 0 <= interval[1]


def alarms(folder: Path, repetitions: int, size: int) -> int:
    """Print how often the gate fails for the same code with other traffic, and for code that is worse."""
    rows = [row for row in read_runs(folder, print) if row["status"] == "done"]
    seeds = sorted(set.intersection(*seeds_by_cell(rows)))
    if len(seeds) < 2 * size:
        print(f"{folder} has {len(seeds)} seeds that every cell has; {2 * size} are needed")
        return 2
    failed = dict.fromkeys(FACTORS, 0)
    needed = defaultdict(list)
    for repetition in range(repetitions):
        order = np.random.default_rng(repetition).permutation(seeds)
        base, head = (
            dict(zip(part.tolist(), range(size), strict=True)) for part in np.split(order[: 2 * size], 2)
        )
        before = [row | {"seed": base[row["seed"]], "run_key": 0} for row in rows if row["seed"] in base]
        for factor in FACTORS:
            after = [
                row | {"seed": head[row["seed"]], "run_key": 1, "delay": (number(row["delay"]) or 0) * factor}
                for row in rows
                if row["seed"] in head
            ]
            comparison = compare(before, after, Question(), ("BASE", "HEAD"))
            failed[factor] += any(cell.finding.verdict == WORSE for cell in comparison.cells)
            if factor == 1.0:
                for cell in comparison.cells:
                    needed[cell.scenario, cell.controller].append(cell.finding.detectable or math.nan)
    print(f"{repetitions} splits of {len(seeds)} seeds into {size} and {size}, {len(needed)} lines each")
    for factor, count in failed.items():
        print(f"HEAD = {factor:.2f} x BASE: the gate fails in {count / repetitions:.1%}")
    return int(failed[1.0] > 0.1 * repetitions or failed[1.03] < 0.8 * repetitions)


def seeds_by_cell(rows: list[dict[str, object]]) -> list[set[int]]:
    """Collect the seeds of each cell."""
    cells: dict[tuple[object, ...], set[int]] = defaultdict(set)
    for row in rows:
        cells[row["scenario"], row["controller"], row["scale"]].add(int(str(row["seed"])))
    return list(cells.values())


if __name__ == "__main__":
    sys.exit(main())
