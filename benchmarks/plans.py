"""
Proof of the safety check: planted faults it must find, and safe plans it must not refuse.

    python benchmarks/plans.py                    # 10,000 of each
    python benchmarks/plans.py --count 500 --seed 7

Every plan is random and safe by the way it is built; the check has no part in that. The same plan then gets one fault
of one rule, every rule of the check in turn: in the plan, in its phases if the rule is one of rings and barriers, or in
a file written of it. Exit code 1 if a safe plan is refused, or a planted fault is not found as such.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections import Counter
from pathlib import Path

from rich.console import Console
from rich.table import Table

from sim.signals.rules import RULES
from sim.signals.safety import describe_findings

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "signals"))
from planted import planted


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--count", type=int, default=10_000, help="safe plans, and planted ones")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    rules = list(RULES)
    count, found, alone = Counter[str](), Counter[str](), Counter[str]()
    misses: list[str] = []
    begun, refused = time.process_time(), 0
    for k in range(options.count):
        rule = rules[k % len(rules)]
        case = planted(rule, options.seed, k)
        where = f"--seed {options.seed}, case {k}, {case.profile}"
        if case.safe:
            refused += 1
            misses.append(f"{where}: safe plan refused: {describe_findings(case.safe)}")
        count[rule] += 1
        found[rule] += rule in case.seen
        alone[rule] += case.seen == {rule}
        if rule not in case.seen:
            misses.append(f"{where}: planted {rule}, found {', '.join(sorted(case.seen)) or 'nothing'}")
    show(count, found, alone, refused)
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
