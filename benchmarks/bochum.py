"""
Bochum under its own programmes: ``python benchmarks/bochum.py [NETWORK...] [--times am,pm] [--seeds 1,2,3]``.

For each network: how the demand meets the stated volumes (GEH), and for each peak hour and seed whether anything
locks up. With SUMO's teleport after 300 s of standing switched on, a vehicle that is teleported has stood that long:
none means no gridlock.
"""

from __future__ import annotations

import argparse
import csv
import os
import subprocess
import tempfile
import xml.etree.ElementTree as ET
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import sumo

from sim.scenario import load_scenario
from sim.scenario.arguments import sumo_arguments
from sim.scenario.values import parse_seeds

NETWORKS = Path(__file__).resolve().parents[1] / "networks"
NAMES = ("bochum-ring", "bochum-herner", "bochum-universitaet", "bochum-dorstener", "bochum-inner-city")
PATTERNS = ("am", "pm", "off")


def run(name: str, seed: int) -> str:
    """One hour of a scenario: the numbers of vehicles, their mean loss, and who stood for 300 s."""
    scenario = load_scenario(name)
    with tempfile.TemporaryDirectory() as scratch:
        options = sumo_arguments(scenario, seed, 1.0, Path(scratch), [])
        options[options.index("--time-to-teleport") + 1] = "300"
        command = [str(Path(sumo.SUMO_HOME) / "bin" / "sumo"), *options]
        env = {**os.environ, "SUMO_HOME": sumo.SUMO_HOME}
        subprocess.run(command, capture_output=True, check=True, env=env)
        root = ET.parse(Path(scratch) / "statistics.xml").getroot()  # noqa: S314 - SUMO's own output
    vehicles, teleports, trips = (
        root.find(tag) for tag in ("vehicles", "teleports", "vehicleTripStatistics")
    )
    if vehicles is None or teleports is None or trips is None:
        msg = f"{name}: SUMO wrote no statistics"
        raise RuntimeError(msg)
    loss = float(trips.get("timeLoss", "0")) + float(trips.get("departDelay", "0"))
    return (
        f"{name:24} seed {seed}: {vehicles.get('loaded'):>6} vehicles, {vehicles.get('running'):>5} under way and "
        f"{vehicles.get('waiting'):>4} outside at the end, mean loss {loss:6.1f} s, {teleports.get('total'):>3} stood for 300 s"
    )


def volumes(network: str) -> list[str]:
    """GEH of the stated volumes by design hour."""
    file = NETWORKS / network / f"{network}.counts.csv"
    if not file.is_file():
        return []
    with file.open(encoding="utf-8", newline="") as table:
        rows = list(csv.DictReader(table))
    lines = []
    for pattern in PATTERNS:
        chosen = [row for row in rows if row["pattern"] == pattern]
        good = sum(float(row["geh"]) < 5.0 for row in chosen)
        lines.append(
            f"{network:24} {pattern:4} GEH < 5 on {good} of {len(chosen)} counts ({100 * good / len(chosen):.0f} %)"
        )
    return lines


def main() -> None:
    """Print all figures."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("network", nargs="*", default=NAMES)
    parser.add_argument("--times", default="am,pm")
    parser.add_argument("--seeds", default="1-3")
    parser.add_argument("--jobs", type=int, default=1)
    wish = parser.parse_args()
    for network in wish.network:
        print("\n".join(volumes(network)), flush=True)
    tasks = [
        (f"{network}-{time}", seed)
        for network in wish.network
        for time in wish.times.split(",")
        for seed in parse_seeds(wish.seeds)
    ]
    with ThreadPoolExecutor(wish.jobs) as pool:
        for line in pool.map(lambda task: run(*task), tasks):
            print(line, flush=True)


if __name__ == "__main__":
    main()
