"""
Proof of the safety check: planted faults it must find, and safe plans it must not refuse.

    python benchmarks/plans.py                    # 10,000 of each
    python benchmarks/plans.py --count 500 --seed 7

Every plan is random and safe by the way it is built; the check has no part in that. The same plan then gets one fault
of one rule, every rule in turn. Exit code 1 if a safe plan is refused, or a planted fault is not found as such.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections import Counter
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.table import Table

from sim.errors import InputError
from sim.signals.plan import parse_plan
from sim.signals.profile import load_profile
from sim.signals.rules import RULES
from sim.signals.safety import check_plan, describe_findings

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "signals"))
from plan_cases import safe_plan
from plan_faults import PLANTERS, plant

PROFILES = ("rilsa", "nema", "basic")


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--count", type=int, default=10_000, help="safe plans, and planted ones")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    limits = {name: load_profile(name).limits for name in PROFILES}
    rules = [rule for rule in RULES if rule in PLANTERS]
    planted, found, alone = Counter[str](), Counter[str](), Counter[str]()
    misses: list[str] = []
    begun, refused = time.process_time(), 0
    for k in range(options.count):
        rule = rules[k % len(rules)]
        for attempt in range(1000):
            rng = np.random.default_rng([options.seed, k, attempt])
            profile = PROFILES[int(rng.integers(len(PROFILES)))]
            plan = safe_plan(rng, profile)
            bad = plant(rng, rule, plan, profile)
            if bad is not None:
                break
        where = f"--seed {options.seed}, case {k}, {profile}"
        findings = check_plan(plan, limits[profile])
        if findings:
            refused += 1
            misses.append(f"{where}: safe plan refused: {describe_findings(findings)}")
        planted[rule] += 1
        try:
            seen = {
                f.rule
                for f in check_plan(parse_plan(bad, "plan") if isinstance(bad, str) else bad, limits[profile])
            }
        except InputError as error:
            seen = {rule} if f"[{rule}]" in str(error) else {str(error)}
        found[rule] += rule in seen
        alone[rule] += seen == {rule}
        if rule not in seen:
            misses.append(f"{where}: planted {rule}, found {', '.join(sorted(seen)) or 'nothing'}")
    show(planted, found, alone, refused)
    print(f"{2 * options.count} plans in {time.process_time() - begun:.0f} s of one core")
    for miss in misses[:20]:
        print(miss)
    return 1 if misses else 0


def show(planted: Counter[str], found: Counter[str], alone: Counter[str], refused: int) -> None:
    table = Table("rule", "planted", "found", "nothing else found")
    for column in table.columns[1:]:
        column.justify = "right"
    for rule, count in planted.items():
        table.add_row(rule, str(count), str(found[rule]), str(alone[rule]))
    total = planted.total()
    table.add_section()
    table.add_row("all", str(total), str(found.total()), str(alone.total()))
    Console().print(table)
    print(f"safe plans: {total}, refused: {refused}")


if __name__ == "__main__":
    sys.exit(main())
