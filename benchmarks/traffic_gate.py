"""
The short traffic suite and its gate: did this checkout make traffic worse than the committed baseline says?

    python benchmarks/traffic_gate.py [--short] [--renew] [--out DIR] [--jobs N]

Simulates the scenarios of benchmarks/traffic (with --short only short-*.toml, some seconds; else gate-*.toml, some
minutes on two cores) and compares them with benchmarks/traffic/NAME-baseline.json: exit code 1 if it is worse.
--renew writes the baseline from this checkout instead: do it in the commit that changes traffic on purpose, and say
there why. Nothing but 'gruenband run', 'gruenband compare' and 'gruenband results --baseline'.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

from sim.cli.main import invoke

SUITE = Path(__file__).parent / "traffic"


def main() -> int:
    """Run the suite of the command line and judge it."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--short", action="store_true")
    parser.add_argument("--renew", action="store_true")
    parser.add_argument("--out", type=Path, help="result folder; finished runs in it are not run again")
    parser.add_argument("--jobs", default="2")
    args = parser.parse_args()
    name = "short" if args.short else "gate"
    if args.out is not None:
        return judge(name, args.out, args.jobs, renew=args.renew)
    with tempfile.TemporaryDirectory() as folder:
        return judge(name, Path(folder) / "results", args.jobs, renew=args.renew)


def judge(name: str, out: Path, jobs: str, *, renew: bool) -> int:
    """Run the scenarios ``NAME-*.toml``, then compare with or write ``NAME-baseline.json``."""
    baseline = SUITE / f"{name}-baseline.json"
    scenarios = sorted(str(path) for path in SUITE.glob(f"{name}-*.toml"))
    code = invoke(["run", *scenarios, "--jobs", jobs, "--out", str(out)])
    if code:
        return code
    if renew:
        return invoke(["results", str(out), "--baseline", str(baseline)])
    return invoke(["compare", str(baseline), str(out)])


if __name__ == "__main__":
    sys.exit(main())
