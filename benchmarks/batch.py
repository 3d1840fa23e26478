"""
What a batch has to hold: two jobs pay, any number of jobs gives the same bits, a killed batch goes on.

    python benchmarks/batch.py

Prints: wall time of one and two jobs and their ratio (the middle one of three), beside what two bare SUMO processes
at once gain over one after the other; whether both results are equal to the last bit; start of a run up to its first step; memory of a worker; start of `gruenband --help`; and whether a batch that is killed in the middle
(SIGKILL to its whole process group) and started again leaves finished runs untouched and ends with the same table.
Exit code 1 if a figure is missed.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import sumo
from rich.console import Console
from rich.table import Table

from sim.scenario import load_scenario
from sim.scenario.arguments import sumo_arguments

COMMAND = [sys.executable, "-m", "sim.cli.main"]
BATCH = ["resco-cologne8", "-c", "program", "-c", "max-pressure", "-c", "self-control"]
# What may differ between two runs of the same key: how long they took and how much memory they had.
VOLATILE = {"wall_seconds", "control_seconds", "start_seconds", "peak_rss_mib"}


def main() -> int:
    """Measure everything and print the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seeds", default="1-4")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        rows = figures(Path(folder), args.seeds)
    table = Table(title="the batch")
    for column in ("what", "seen", "asked", ""):
        table.add_column(column)
    for what, seen, asked, good in rows:
        table.add_row(what, seen, asked, "[green]reached[/]" if good else "[red]MISSED[/]")
    Console().print(table)
    return int(not all(good for *_, good in rows))


def figures(folder: Path, seeds: str) -> list[tuple[str, str, str, bool]]:
    """Run the batches and compare them."""
    batch(folder / "warm", "1", 1).wait()  # compiles the kernels, if nobody did
    pairs = [
        (batch_time(folder / f"1-{k}", seeds, 1), batch_time(folder / f"2-{k}", seeds, 2)) for k in range(3)
    ]
    pairs.sort(key=lambda pair: pair[0] / pair[1])
    walls = pairs[1]
    one, two = results(folder / "1-0"), results(folder / "2-0")
    ratio = walls[0] / walls[1]
    machine = machine_ratio(folder)
    facts = [json.loads(path.read_text()) for path in (folder / "2-0" / "runs").glob("*/run.json")]
    start = max(f["start_seconds"] for f in facts)
    memory = max(f["peak_rss_mib"] for f in facts)
    help_time = min(timed([*COMMAND, "--help"]) for _ in range(5))
    untouched, same = killed(folder / "killed", seeds, one)
    return [
        (
            "two jobs against one",
            f"{walls[0]:.1f} s / {walls[1]:.1f} s = {ratio:.2f}",
            "at least 1.8",
            ratio >= 1.8,
        ),
        ("the same for bare SUMO, on this machine now", f"{machine:.2f}", "-", True),
        ("same results with 1 and 2 jobs", str(one == two), "bit for bit", one == two and len(one) > 0),
        ("slowest warm start to the first step", f"{start:.2f} s", "at most 2.5 s", start <= 2.5),
        ("memory of a worker", f"{memory:.0f} MiB", "at most 600 MiB", memory <= 600),
        ("gruenband --help", f"{help_time:.2f} s", "at most 0.3 s", help_time <= 0.3),
        ("kill -9 in mid-batch: finished runs untouched", str(untouched), "True", untouched),
        ("kill -9 in mid-batch: same table as uninterrupted", str(same), "True", same),
    ]


def batch_time(out: Path, seeds: str, jobs: int) -> float:
    """Time a batch [s]."""
    begun = time.perf_counter()
    if batch(out, seeds, jobs).wait():
        msg = f"the batch with {jobs} jobs failed"
        raise SystemExit(msg)
    return time.perf_counter() - begun


def machine_ratio(folder: Path) -> float:
    """Compare four runs of SUMO one after the other with the same four in two lanes: what two cores can give at best."""
    scenario = load_scenario("resco-ingolstadt7")
    program = Path(str(sumo.SUMO_HOME)) / "bin" / "sumo"
    commands = []
    for k in range(4):
        (folder / f"bare{k}").mkdir()
        commands.append([str(program), *sumo_arguments(scenario, k, 1.0, folder / f"bare{k}", [])])
    ratios = []
    for _ in range(3):
        begun = time.perf_counter()
        for command in commands:
            subprocess.run(command, check=True, capture_output=True)
        half = time.perf_counter()
        for pair in (commands[:2], commands[2:]):
            running = [
                subprocess.Popen(c, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) for c in pair
            ]
            if any(process.wait() for process in running):
                msg = "sumo failed"
                raise SystemExit(msg)
        ratios.append((half - begun) / (time.perf_counter() - half))
    return sorted(ratios)[1]


def batch(out: Path, seeds: str, jobs: int) -> subprocess.Popen[bytes]:
    """Start a batch in a process group of its own."""
    command = [*COMMAND, "run", *BATCH, "--seeds", seeds, "--jobs", str(jobs), "--out", str(out)]
    return subprocess.Popen(
        command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True
    )


def results(out: Path) -> list[dict[str, object]]:
    """Read a batch's table without what may differ."""
    text = subprocess.run(
        [*COMMAND, "results", str(out), "--json"], check=True, capture_output=True, text=True
    ).stdout
    text = text.strip()
    rows = json.loads(text) if text.startswith("[") else [json.loads(line) for line in text.splitlines()]
    kept = [{k: v for k, v in row.items() if k not in VOLATILE} for row in rows]
    return sorted(kept, key=lambda row: str(row["run_key"]))


def killed(out: Path, seeds: str, expected: list[dict[str, object]]) -> tuple[bool, bool]:
    """Kill a batch after a few runs, start it again, and compare."""
    process = batch(out, seeds, 2)
    while process.poll() is None and len(list((out / "runs").glob("*/kpi.parquet"))) < 4:
        time.sleep(0.05)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    before = {path: path.stat().st_mtime_ns for path in (out / "runs").glob("*/*")}
    batch(out, seeds, 2).wait()
    untouched = bool(before) and all(
        path.is_file() and path.stat().st_mtime_ns == t for path, t in before.items()
    )
    return untouched, results(out) == expected


def timed(command: list[str]) -> float:
    """Time a command [s]."""
    begun = time.perf_counter()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - begun


if __name__ == "__main__":
    sys.exit(main())
