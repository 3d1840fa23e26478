"""One random case of each rule: a safe plan, the same with one fault, and what the check says to both."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from file_faults import planted_file
from plan_cases import maybe, safe_plan
from plan_faults import PLANTERS, plant
from ring_cases import RING_PLANTERS, safe_ring_plan

from sim.errors import InputError
from sim.export.gate import file_findings
from sim.signals.plan import parse_plan
from sim.signals.profile import load_profile
from sim.signals.ring_check import check_rings
from sim.signals.ring_mapping import map_rings
from sim.signals.safety import check_plan

if TYPE_CHECKING:
    from collections.abc import Callable

    from sim.signals.plan import Plan
    from sim.signals.profile import Profile
    from sim.signals.rules import Finding

LIMITS = {name: load_profile(name).limits for name in ("rilsa", "nema", "basic")}


@dataclass(frozen=True)
class Planted:
    """
    A plan, and what was found in it before and after a fault was planted.

    A safe plan has no findings, and the rules seen with the fault hold the rule it was planted for.
    """

    plan: Plan
    profile: str
    safe: list[Finding]
    seen: set[str]


def in_plan(rng: np.random.Generator, rule: str) -> Planted | None:
    """Plant a fault into a plan of any groups."""
    name = str(rng.choice(list(LIMITS)))
    plan = safe_plan(rng, name)
    bad = plant(rng, rule, plan, name)
    if bad is None:
        return None
    try:
        found = check_plan(parse_plan(bad, "plan") if isinstance(bad, str) else bad, LIMITS[name])
        seen = {finding.rule for finding in found}
    except InputError as error:
        seen = {rule} if f"[{rule}]" in str(error) else {str(error)}
    return Planted(plan, name, check_plan(plan, LIMITS[name]), seen)


def in_rings(rng: np.random.Generator, rule: str) -> Planted | None:
    """Plant a fault into the phases of one program of a plan of rings and barriers."""
    plan = safe_ring_plan(rng)
    signal = plan.signals[int(rng.integers(len(plan.signals)))]
    ring = map_rings(signal, signal.programs[int(rng.integers(len(signal.programs)))])
    for _ in range(4):
        bad = RING_PLANTERS[rule](rng, signal, ring)
        if bad is not None:
            seen = {finding.rule for finding in check_rings(bad, signal, LIMITS["nema"])}
            return Planted(plan, "nema", safe_rings(plan, LIMITS["nema"]), seen)
    return None


def safe_rings(plan: Plan, profile: Profile) -> list[Finding]:
    """Judge a plan, and all its programs as rings and barriers."""
    found = check_plan(plan, profile)
    for signal in plan.signals:
        for program in signal.programs:
            found += check_rings(map_rings(signal, program), signal, profile)
    return found


def in_file(rng: np.random.Generator, rule: str) -> Planted | None:
    """Write a plan into a file that does not say the same, and judge both by what is read back."""
    rings = maybe(rng, 0.5)
    name = "nema" if rings else str(rng.choice(list(LIMITS)))
    plan = safe_ring_plan(rng) if rings else safe_plan(rng, name)
    bad = planted_file(rng, plan, rings=rings)
    if bad is None:
        return None
    form, files = bad
    safe = check_plan(plan, LIMITS[name]) + file_findings(plan, form, form.write(plan), LIMITS[name])
    seen = {finding.rule for finding in file_findings(plan, form, files, LIMITS[name])}
    return Planted(plan, name, safe, seen)


CASES: dict[str, Callable[[np.random.Generator, str], Planted | None]] = {
    **dict.fromkeys(PLANTERS, in_plan),
    "file": in_file,
    **dict.fromkeys(RING_PLANTERS, in_rings),
}


def planted(rule: str, *seed: int) -> Planted:
    """Draw plans until one has a place for a fault of the rule."""
    for attempt in range(1000):
        case = CASES[rule](np.random.default_rng([*seed, attempt]), rule)
        if case is not None:
            return case
    message = f"no plan has a place for a fault of '{rule}'"
    raise AssertionError(message)
