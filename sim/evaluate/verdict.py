"""From the paired values of one cell to a verdict."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from sim.evaluate import statistics

if TYPE_CHECKING:
    from collections.abc import Sequence

EQUAL = "equal"
BETTER = "better"
WORSE = "worse"
SAME = "no difference"
OPEN = "not enough seeds"
MISSING = "missing"
UNPAIRED = "not comparable"
ALPHA = 1 - statistics.CONFIDENCE


@dataclass(frozen=True, slots=True)
class Finding:
    """
    What the pairs of one cell say.

    Parameters
    ----------
    pairs : int
        Number of pairs with a value on both sides.
    base, head : float, optional
        Means over the pairs.
    difference : float, optional
        Mean of head - base.
    t_interval, bca_interval : tuple of float, optional
        95 % confidence intervals of the difference, of Student's t and of the BCa bootstrap.
    deviation : float, optional
        Standard deviation of the paired differences.
    p, p_holm : float, optional
        That the difference lies outside the tolerance, alone and corrected for the number of tests.
    tolerance : float
        Largest difference that is accepted, unit of the values.
    detectable : float, optional
        Smallest difference that so many seeds show four times in five.
    seeds_needed : int, optional
        Seeds that would decide four times in five, if mean and spread stay as they are.
    verdict, reason : str
        The verdict, and a sentence if there is more to say.
    """

    pairs: int
    base: float | None = None
    head: float | None = None
    difference: float | None = None
    t_interval: statistics.Interval | None = None
    bca_interval: statistics.Interval | None = None
    deviation: float | None = None
    p: float | None = None
    p_holm: float | None = None
    tolerance: float = 0.0
    detectable: float | None = None
    seeds_needed: int | None = None
    verdict: str = OPEN
    reason: str = ""
    # For the verdict after Holm's correction, which needs the findings of all cells.
    p_within: float = field(default=1.0, repr=False)
    sign: int = field(default=1, repr=False)


def examine(
    base: Sequence[float], head: Sequence[float], tolerance: float, *, more_is_better: bool
) -> Finding:
    """
    Compute the statistics of one cell; :func:`judge` gives the verdict.

    Parameters
    ----------
    base, head : sequence of float, shape (pairs,)
        Values of the same seeds in the same order.
    tolerance : float
        Largest mean difference, up or down, that does not matter; at least 0.
    more_is_better : bool
        True for figures such as throughput.

    Returns
    -------
    Finding
        With the verdict ``equal`` if all pairs agree to the last bit, else without one.
    """
    import numpy as np  # noqa: PLC0415

    before, after = np.array(base, dtype=float), np.array(head, dtype=float)
    differences = after - before
    pairs = len(differences)
    found = Finding(pairs=pairs, tolerance=tolerance, sign=-1 if more_is_better else 1)
    if pairs == 0:
        return found
    found = replace(
        found, base=float(before.mean()), head=float(after.mean()), difference=float(differences.mean())
    )
    if not differences.any():
        return replace(found, verdict=EQUAL, difference=0.0)
    if pairs == 1:
        return found
    return replace(
        found,
        t_interval=statistics.paired_t(differences),
        bca_interval=statistics.bca(differences),
        deviation=float(differences.std(ddof=1)),
        p=statistics.p_beyond(differences, tolerance),
        p_within=statistics.p_within(differences, tolerance),
    )


def judge(findings: Sequence[Finding], together: int = 0) -> list[Finding]:
    """
    Give every cell its verdict, with Holm's correction over those that are not equal.

    Parameters
    ----------
    findings : sequence of Finding
        Of all lines of a comparison, from :func:`examine`.
    together : int
        How many of them, the last ones, put cells together. These share one half of the error and the cells the other,
        or the few lines that show most would be drowned by the many cells.

    Returns
    -------
    list of Finding
        In the same order, with verdict, reason, corrected p, detectable difference and seeds needed.
    """
    tested = [position for position, found in enumerate(findings) if found.p is not None]
    over_all = [position >= len(findings) - together for position in tested]
    weights = [1.0 / over_all.count(kind) for kind in over_all]
    corrected = statistics.holm([findings[position].p or 0.0 for position in tested], weights)
    judged = [_untested(found) for found in findings]
    for position, p_holm, weight in zip(tested, corrected, weights, strict=True):
        judged[position] = _decide(replace(findings[position], p_holm=p_holm), ALPHA * weight / sum(weights))
    return judged


def _untested(found: Finding) -> Finding:
    if found.verdict != OPEN:
        return found
    reason = (
        "one pair shows no spread, and two are the least" if found.pairs else "no pair of runs has a value"
    )
    return replace(found, seeds_needed=2 if found.pairs else None, reason=reason)


def _decide(found: Finding, share: float) -> Finding:
    difference, deviation, p_holm = found.difference or 0.0, found.deviation or 0.0, found.p_holm or 0.0
    tolerance = found.tolerance
    found = replace(found, detectable=statistics.detectable(found.pairs, deviation))
    low, high = found.bca_interval or (difference, difference)
    if p_holm <= ALPHA and (low > tolerance or high < -tolerance):
        return replace(found, verdict=WORSE if difference * found.sign > 0 else BETTER)
    if found.p_within <= ALPHA and -tolerance <= low and high <= tolerance:
        return replace(found, verdict=SAME)
    outside = abs(difference) > tolerance
    level = share if outside else ALPHA
    needed = statistics.seeds_needed(abs(abs(difference) - tolerance), deviation, level)
    if needed is not None:
        needed = max(needed, found.pairs + 1)
    return replace(found, verdict=OPEN, seeds_needed=needed, reason=_why_open(found, needed, p_holm))


def _why_open(found: Finding, needed: int | None, p_holm: float) -> str:
    if needed is None:
        told = "no number of seeds up to 10,000 would decide"
        if found.tolerance == 0:
            told += "; declare a tolerance"
    else:
        told = f"{needed} would do"
    if p_holm <= ALPHA:
        return f"{told}; the bootstrap does not confirm the t test"
    if found.p is not None and found.p <= ALPHA:
        return f"{told}; significant alone, not among so many tests"
    # With one side excluded the gate's question is answered, though the verdict is open.
    if found.tolerance > 0 and found.t_interval is not None:
        ends = [end * found.sign for end in found.t_interval]
        if max(ends) <= found.tolerance:
            return f"{told}; not worse by more than the tolerance"
    return told
