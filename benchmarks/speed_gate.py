"""
Is HEAD slower than BASE? Both measured in turn on this machine, in one go.

    python benchmarks/speed_gate.py BASE HEAD
    python benchmarks/speed_gate.py origin/main . --case start --json

BASE and HEAD are folders with a checkout, or git revisions of this repository, which are unpacked into a temporary
folder. Each case is measured in fresh processes as BASE HEAD HEAD BASE BASE HEAD …, so that what changes slowly on a
machine, and what the first of two does to the second, meets both alike. Of each pair the ratio counts; of the pairs its
median, with a 95 % bootstrap interval. Pairs are added until the interval is narrow enough or lies below the limit, at
most --pairs. One measurement of each side before them is not counted: it compiles kernels (which is told) and
fills caches.

What counts is processor time (user + system). On a shared machine wall time is mostly the others' work. It does not see
waiting (sleep, disk, locks); so the ratio of wall times stands beside it, and decides nothing.

A case fails if the whole interval of its ratio is above --ratio and the median loss is above its limit in seconds.
Exit code: 0 passed, 1 a case is slower or does not run on HEAD, 2 wrong input, 3 the machine is not fit.
"""

from __future__ import annotations

import argparse
import json
import math
import signal
import sys
import tempfile
from dataclasses import asdict, dataclass, field
from pathlib import Path

from ratios import FASTER, SLOWER, Judged, Limits, judge, ratio_interval
from rich import box
from rich.console import Console
from rich.markup import escape
from rich.table import Table
from speed_sides import CASES, BrokenCase, Fault, Sample, Side, prepare

RATIO, WIDTH = 1.15, 0.05
FEWEST, MOST = 5, 20  # pairs; with fewer than five the extremes alone make the interval
NEW, MISSING = "new", "DOES NOT RUN"


@dataclass
class Case:
    """A case and what was measured of it: pairs of samples, base and head."""

    name: str
    limits: Limits
    pairs: list[tuple[Sample, Sample]] = field(default_factory=list)
    warm: dict[str, float] = field(default_factory=dict)
    broken: dict[str, str] = field(default_factory=dict)

    def judged(self) -> Judged:
        """Judge the processor times."""
        return judge([b.seconds for b, _ in self.pairs], [h.seconds for _, h in self.pairs], self.limits)

    def verdict(self) -> str:
        """Say what came out, also of a case that a side cannot run."""
        if "head" in self.broken:
            return MISSING
        return NEW if self.broken else self.judged().verdict


def main() -> int:
    """Measure both sides, print the table and return the exit code."""
    args = arguments().parse_args()
    # A job that is cancelled takes its folder along.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    try:
        with tempfile.TemporaryDirectory(prefix="speed-gate-") as folder:
            base, head = prepare(args.base, "base", Path(folder)), prepare(args.head, "head", Path(folder))
            cases = [
                measure(Case(name, Limits(args.ratio, CASES[name].loss)), base, head, args)
                for name in args.case or CASES
            ]
            notes = compare_cities(base, head)
    except Fault as fault:
        print(f"speed_gate: {fault}", file=sys.stderr)
        return fault.exit_code
    if args.json:
        print(json.dumps(as_json(args, cases, notes), indent=1))
    else:
        show(args, cases, notes)
    return int(any(case.verdict() in {SLOWER, MISSING} for case in cases))


def arguments() -> argparse.ArgumentParser:
    """Describe the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("base", help="folder of a checkout, or git revision")
    parser.add_argument("head", help="folder of a checkout, or git revision")
    parser.add_argument("--case", action="append", choices=CASES, metavar="NAME", help=", ".join(CASES))
    parser.add_argument("--ratio", type=above(1.0), default=RATIO, help=f"limit, default {RATIO}")
    parser.add_argument("--pairs", type=pairs, default=MOST, help=f"at most so many, default {MOST}")
    parser.add_argument(
        "--width", type=above(0.0), default=WIDTH, help=f"half interval that is enough, default {WIDTH}"
    )
    parser.add_argument("--json", action="store_true")
    return parser


def above(least: float):  # noqa: ANN201
    """Make a reader of numbers above a bound."""

    def number(text: str) -> float:
        value = float(text)
        if not least < value < math.inf:
            msg = f"{text} is not a number above {least:g}"
            raise argparse.ArgumentTypeError(msg)
        return value

    return number


def pairs(text: str) -> int:
    """Read the number of pairs."""
    if int(text) < FEWEST:
        msg = f"{text} pairs give no interval; at least {FEWEST}"
        raise argparse.ArgumentTypeError(msg)
    return int(text)


def measure(case: Case, base: Side, head: Side, args: argparse.Namespace) -> Case:
    """Measure a case on both sides in turn, until enough is known."""
    run = CASES[case.name].run
    for side in (base, head):
        try:
            case.warm[side.role] = run(side).total
        except BrokenCase as fault:
            case.broken[side.role] = str(fault)
    if case.broken:
        return case
    while len(case.pairs) < args.pairs:
        forward = len(case.pairs) % 2 == 0
        first, second = (run(side) for side in ((base, head) if forward else (head, base)))
        case.pairs.append((first, second) if forward else (second, first))
        if len(case.pairs) >= FEWEST and len(case.pairs) % 2 == 0 and enough(case.judged(), args):
            break
        print(f"{case.name}: {len(case.pairs)} pairs", file=sys.stderr, flush=True)
    return case


def enough(seen: Judged, args: argparse.Namespace) -> bool:
    """
    Tell whether more pairs would be of no use: the interval is narrow, or lies below the limit.

    Never because it lies above: looking again and again until it does would make false alarms.
    """
    return math.log(seen.high / seen.low) / 2 <= math.log1p(args.width) or seen.high <= args.ratio


def compare_cities(base: Side, head: Side) -> list[str]:
    """Say that `decisions` is not the same work on both sides, if so."""
    files = [side.checkout / "benchmarks" / "city.py" for side in (base, head)]
    if all(file.is_file() for file in files) and files[0].read_bytes() != files[1].read_bytes():
        return ["benchmarks/city.py differs: `decisions` may not be the same work on both sides"]
    return []


def wall_ratio(case: Case) -> float:
    """Compute the median ratio of the wall times."""
    return ratio_interval([b.wall for b, _ in case.pairs], [h.wall for _, h in case.pairs])[0]


def show(args: argparse.Namespace, cases: list[Case], notes: list[str]) -> None:
    """Print the table."""
    console = Console() if sys.stdout.isatty() else Console(width=120)
    table = Table(
        title=f"processor time, BASE {escape(args.base)}, HEAD {escape(args.head)}",
        title_justify="left",
        box=box.SIMPLE_HEAD,
        padding=(0, 1, 0, 0),
    )
    for column in (
        "case",
        "pairs",
        "base [s]",
        "head [s]",
        "ratio",
        "95 % CI",
        "loss [s]",
        "wall",
        "verdict",
    ):
        table.add_column(escape(column), justify="left" if column in {"case", "verdict"} else "right")
    for case in cases:
        verdict = case.verdict()
        if case.broken:
            table.add_row(case.name, *[""] * 7, f"[red]{verdict}[/]" if verdict == MISSING else verdict)
            continue
        seen = case.judged()
        colour = {SLOWER: "red", FASTER: "green"}.get(verdict, "")
        table.add_row(
            case.name,
            str(len(case.pairs)),
            f"{seen.base:.3f}",
            f"{seen.head:.3f}",
            f"{seen.ratio:.3f}",
            f"{seen.low:.3f} to {seen.high:.3f}",
            f"{seen.loss:+.3f}",
            f"{wall_ratio(case):.2f}",
            f"[{colour}]{verdict}[/]" if colour else verdict,
        )
    console.print(table)
    warm = "; ".join(
        f"{c.name} " + ", ".join(f"{side} {seconds:.1f} s" for side, seconds in c.warm.items()) for c in cases
    )
    console.print(f"not counted, the first time with compiling: {warm}", style="dim", highlight=False)
    limits = ", ".join(f"{c.name} {c.limits.loss:g} s" for c in cases)
    console.print(f"fails above {args.ratio:g} times and a loss of: {limits}", style="dim", highlight=False)
    for note in notes + [f"{c.name} on {side}: {why}" for c in cases for side, why in c.broken.items()]:
        console.print(escape(note), highlight=False, soft_wrap=True)


def as_json(args: argparse.Namespace, cases: list[Case], notes: list[str]) -> dict:
    """Put everything that was seen into one object."""
    rows = []
    for case in cases:
        row = {"case": case.name, "verdict": case.verdict(), "limit_loss": case.limits.loss}
        row |= {"uncounted": case.warm, "broken": case.broken}
        if not case.broken:
            row |= asdict(case.judged()) | {"wall_ratio": wall_ratio(case)}
            row["pairs"] = [[b.seconds, h.seconds] for b, h in case.pairs]
        rows.append(row)
    passed = not any(row["verdict"] in {SLOWER, MISSING} for row in rows)
    sides = {"base": args.base, "head": args.head, "limit_ratio": args.ratio}
    return {**sides, "passed": passed, "cases": rows, "notes": notes}


if __name__ == "__main__":
    sys.exit(main())
