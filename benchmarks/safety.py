"""
What looking on costs, and how far its conflicts agree with those of SUMO's SSM device.

    python benchmarks/safety.py                          # the onlooker's share of a run's processor time
    python benchmarks/safety.py --ssm 1                  # the SSM device on all vehicles: agreement and cost
    python benchmarks/safety.py --scenario rilsa-1 --seconds 900 --ssm 1

The share is that of the onlooker's own processor time within the run, so that other work on the machine counts for
both. Exit code 1 if the trips differ between runs with and without onlooker or device.
"""

from __future__ import annotations

import argparse
import csv
import re
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from defusedxml.ElementTree import parse

from sim.control.registry import parse_controller
from sim.observe.observer import Observer
from sim.observe.warm import warm_onlooker
from sim.run import RunTask, run
from sim.scenario import Scenario, load_scenario

THRESHOLDS = {"TTC": "1.5", "DRAC": "3.4", "PET": "1.5"}
Pairs = dict[frozenset[str], float]


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--scenario", default="bochum-ring-am")
    parser.add_argument("--seconds", type=float, default=900.0)
    parser.add_argument("--controllers", default="program,self-control")
    parser.add_argument("--ssm", type=float, default=0.0, help="share of vehicles with SUMO's SSM device")
    given = parser.parse_args()
    scenario = load_scenario(given.scenario)
    scenario = scenario.model_copy(update={"end": scenario.begin + given.seconds})
    warm_onlooker()
    same = True
    with tempfile.TemporaryDirectory() as scratch:
        for controller in given.controllers.split(","):
            seen, unseen = Path(scratch, controller, "seen"), Path(scratch, controller, "unseen")
            total, looking = measured(scenario, controller, seen, safety=True)
            plain, _ = measured(scenario, controller, unseen, safety=False)
            same &= trips(seen) == trips(unseen)
            print(
                f"{scenario.name} {controller}: {total:.1f} s with the onlooker, of them {looking:.1f} s its own "
                f"({100 * looking / (total - looking):.0f} % of the rest); {plain:.1f} s without"
            )
        if given.ssm > 0.0:
            folder = Path(scratch, "ssm")
            options = {
                "device.ssm.probability": str(given.ssm),
                "device.ssm.deterministic": "true",
                "device.ssm.measures": " ".join(THRESHOLDS),
                "device.ssm.thresholds": " ".join(THRESHOLDS.values()),
                "device.ssm.trajectories": "false",
                "device.ssm.file": str(folder / "ssm.xml"),
            }
            total, _ = measured(
                scenario.model_copy(update={"sumo_options": options}), "program", folder, safety=True
            )
            same &= trips(folder) == trips(Path(scratch, "program", "seen"))
            print(f"{scenario.name} program with the SSM device on {100 * given.ssm:.0f} %: {total:.1f} s")
            compare(folder)
    print("trips are equal" if same else "TRIPS DIFFER")
    return 0 if same else 1


def measured(scenario: Scenario, controller: str, folder: Path, *, safety: bool) -> tuple[float, float]:
    """Run, and give the processor time of the run and of the onlooker in it [s]."""
    folder.mkdir(parents=True)
    spent = 0.0
    look = Observer.look

    def timed(self: Observer) -> None:
        nonlocal spent
        begun = time.process_time()
        look(self)
        spent += time.process_time() - begun

    outputs = scenario.outputs.model_copy(update={"safety": safety})
    task = RunTask(scenario.model_copy(update={"outputs": outputs}), parse_controller(controller), 1, 1.0)
    Observer.look = timed  # type: ignore[method-assign]
    begun = time.process_time()
    try:
        run(task, folder)
    finally:
        Observer.look = look  # type: ignore[method-assign]
    return time.process_time() - begun, spent


def trips(folder: Path) -> str:
    """Read the trips, without SUMO's notes on options and devices."""
    text = re.sub(r"<!--.*?-->", "", (folder / "tripinfo.xml").read_text(), flags=re.DOTALL)
    return re.sub(r' devices="[^"]*"', "", text)


def compare(folder: Path) -> None:
    """Print in how many pairs of vehicles both find the same danger."""
    ours: dict[str, Pairs] = {"ttc": {}, "pet": {}}
    with (folder / "conflicts.csv").open(newline="") as file:
        for row in csv.reader(file):
            for measure, column in (("ttc", 11), ("pet", 12)):
                if row[2] != "pedestrian" and row[column] != "\x01":
                    keep(ours[measure], frozenset(row[3:5]), float(row[column]))
    theirs: dict[str, Pairs] = {"ttc": {}, "pet": {}}
    for element in parse(folder / "ssm.xml").getroot():
        if element.tag == "conflict":
            pair = frozenset((element.get("ego", ""), element.get("foe", "")))
            for measure, tag in (("ttc", "minTTC"), ("pet", "PET")):
                found: Any = element.find(tag)
                if found is not None and found.get("value") != "NA" and float(found.get("value")) <= 1.5:
                    keep(theirs[measure], pair, float(found.get("value")))
    for measure in ("ttc", "pet"):
        both = ours[measure].keys() & theirs[measure].keys()
        gaps = sorted(ours[measure][pair] - theirs[measure][pair] for pair in both)
        middle = gaps[len(gaps) // 2] if gaps else float("nan")
        print(
            f"  {measure}: pairs of vehicles here {len(ours[measure])}, in the device {len(theirs[measure])}, "
            f"in both {len(both)}, median difference {middle:.2f} s"
        )


def keep(pairs: Pairs, pair: frozenset[str], value: float) -> None:
    """Keep the smallest value of a pair."""
    pairs[pair] = min(pairs.get(pair, value), value)


if __name__ == "__main__":
    sys.exit(main())
