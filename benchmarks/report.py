"""
How long the report over a large store takes, and how much memory.

    python benchmarks/store_2000.py /tmp/store
    python benchmarks/report.py /tmp/store [--repeat 3]

Each repetition is a process of its own, as a user starts it. The limits are 20 s, 1 GiB and 15 MB.
"""

from __future__ import annotations

import argparse
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

LIMITS = {"seconds": 20.0, "MiB": 1024.0, "MB": 15.0}


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("store", type=Path, help="result folder")
    parser.add_argument("--repeat", type=int, default=3, help="how often (default 3)")
    arguments = parser.parse_args()
    worst = dict.fromkeys(LIMITS, 0.0)
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "report.html"
        for number in range(1, arguments.repeat + 1):
            begun = time.perf_counter()
            used = resource.getrusage(resource.RUSAGE_CHILDREN)
            before = used.ru_utime + used.ru_stime
            done = subprocess.run(
                [sys.executable, "-m", "sim.cli.main", "report", str(arguments.store), "--out", str(out)],
                check=False,
                capture_output=True,
                text=True,
            )
            if done.returncode != 0:
                print(done.stderr, file=sys.stderr)
                return done.returncode
            used = resource.getrusage(resource.RUSAGE_CHILDREN)
            seen = {
                "seconds": time.perf_counter() - begun,
                "MiB": used.ru_maxrss / 1024,  # Linux counts KiB
                "MB": out.stat().st_size / 1e6,
            }
            worst = {key: max(worst[key], seen[key]) for key in worst}
            cpu = used.ru_utime + used.ru_stime - before
            print(
                f"{number}: {seen['seconds']:.1f} s ({cpu:.1f} s of processor), {seen['MiB']:.0f} MiB, "
                f"page {seen['MB']:.1f} MB, {len(done.stderr.splitlines())} lines of faults"
            )
    within = all(worst[key] <= LIMITS[key] for key in LIMITS)
    print("within the limits" if within else f"over a limit: {LIMITS}")
    return 0 if within else 1


if __name__ == "__main__":
    sys.exit(main())
