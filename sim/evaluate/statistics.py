"""Statistics of paired differences: Student's t, the BCa bootstrap, Holm's correction, seeds needed."""

from __future__ import annotations

import math
from functools import lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

CONFIDENCE = 0.95
POWER = 0.8
RESAMPLES = 10_000
BOOTSTRAP_SEED = 20_100_101  # any; fixed, so that the same runs give the same interval
FEWEST_FOR_BOOTSTRAP = (
    5  # with fewer pairs a resample is the smallest value n times too often for a 2.5 % tail
)
MOST_SEEDS = 10_000  # beyond it nobody simulates

Interval = tuple[float, float]

# scipy.special, not scipy.stats: the latter takes two seconds to import. tests/evaluate/test_statistics.py holds
# every function against scipy.stats.


def paired_t(differences: Floats, confidence: float = CONFIDENCE) -> Interval | None:
    """
    Compute Student's confidence interval of a mean.

    Parameters
    ----------
    differences : ndarray, shape (pairs,)
        One difference per pair, head - base.
    confidence : float, optional
        Confidence level.

    Returns
    -------
    tuple of float or None
        Lower and upper end; None with fewer than two pairs.

    References
    ----------
    Student, The probable error of a mean, Biometrika 6 (1908) 1-25.
    """
    from scipy.special import stdtrit  # noqa: PLC0415

    count = len(differences)
    if count < 2:
        return None
    mean = float(differences.mean())
    half = float(stdtrit(count - 1, (1 + confidence) / 2)) * standard_error(differences)
    return mean - half, mean + half


def p_beyond(differences: Floats, tolerance: float = 0.0) -> float:
    """
    Test whether a mean lies outside a tolerance.

    Parameters
    ----------
    differences : ndarray, shape (pairs,)
        One difference per pair.
    tolerance : float, optional
        Largest mean, up or down, that is accepted; unit of the differences.

    Returns
    -------
    float
        Twice the one-sided p-value of Student's t against the nearer edge, at most 1. With a tolerance of 0 that is
        the two-sided paired t test; it is below 1 - confidence exactly if the interval of `paired_t` lies wholly
        outside. Where all differences are equal, t does not exist, and the two-sided sign test takes its place.
        1 with fewer than two pairs.
    """
    from scipy.special import stdtr  # noqa: PLC0415

    count = len(differences)
    beyond = abs(float(differences.mean())) - tolerance if count else 0.0
    if count < 2 or beyond <= 0:
        return 1.0
    error = standard_error(differences)
    if _all_equal(differences, error):
        return 2.0 ** (1 - count)
    return min(1.0, 2 * float(stdtr(count - 1, -beyond / error)))


def p_within(differences: Floats, tolerance: float) -> float:
    """
    Test whether a mean lies inside a tolerance.

    Parameters
    ----------
    differences : ndarray, shape (pairs,)
        One difference per pair.
    tolerance : float
        Largest mean, up or down, that is accepted; unit of the differences.

    Returns
    -------
    float
        Twice the larger p-value of the two one-sided t tests, at most 1: below 1 - confidence exactly if the interval
        of `paired_t` lies wholly inside. Where all differences are equal, the sign test's p-value. 1 with fewer than
        two pairs.

    References
    ----------
    D. Schuirmann, A comparison of the two one-sided tests procedure and the power approach, J. Pharmacokin. Biopharm.
    15 (1987) 657-680, here with the 95 % instead of the 90 % interval.
    """
    from scipy.special import stdtr  # noqa: PLC0415

    count = len(differences)
    room = tolerance - abs(float(differences.mean())) if count else 0.0
    if count < 2 or room <= 0:
        return 1.0
    error = standard_error(differences)
    if _all_equal(differences, error):
        return 2.0 ** (1 - count)
    return min(1.0, 2 * float(stdtr(count - 1, -room / error)))


def _all_equal(differences: Floats, error: float) -> bool:
    """Tell whether differences are equal but for rounding: their standard error of some 1e-17 proves nothing."""
    return error <= 1e-12 * float(abs(differences).max())


def standard_error(differences: Floats) -> float:
    """
    Compute the standard error of a mean.

    Parameters
    ----------
    differences : ndarray, shape (pairs,)
        At least two values.

    Returns
    -------
    float
        Sample standard deviation divided by the square root of the number.
    """
    return float(differences.std(ddof=1)) / math.sqrt(len(differences))


def bca(differences: Floats, confidence: float = CONFIDENCE) -> Interval | None:
    """
    Compute the bias-corrected and accelerated bootstrap interval of a mean.

    Parameters
    ----------
    differences : ndarray, shape (pairs,)
        One difference per pair.
    confidence : float, optional
        Confidence level.

    Returns
    -------
    tuple of float or None
        Lower and upper end, the same at every call; None with fewer than five pairs.

    References
    ----------
    B. Efron, Better bootstrap confidence intervals, J. Am. Stat. Assoc. 82 (1987) 171-185.
    """
    import numpy as np  # noqa: PLC0415

    count = len(differences)
    if count < FEWEST_FOR_BOOTSTRAP:
        return None
    means = np.concatenate([differences[block].mean(axis=1) for block in _resamples(count)])
    # The mean without the i-th value, for the acceleration.
    left_out = (differences.sum() - differences) / (count - 1)
    return bca_interval(float(differences.mean()), means, left_out, confidence)


def bca_interval(estimate: float, resampled: Floats, left_out: Floats, confidence: float) -> Interval:
    """
    Compute a BCa interval from the resampled values of any statistic.

    Parameters
    ----------
    estimate : float
        The statistic of the sample.
    resampled : ndarray, shape (resamples,)
        The statistic of each bootstrap sample.
    left_out : ndarray, shape (pairs,)
        The statistic of the sample without each of its members.
    confidence : float
        Confidence level.

    Returns
    -------
    tuple of float
        Lower and upper end. Where all resamples agree, both are the estimate.

    References
    ----------
    B. Efron, Better bootstrap confidence intervals, J. Am. Stat. Assoc. 82 (1987) 171-185; bias and acceleration as
    in B. Efron and R. Tibshirani, An introduction to the bootstrap, 1993, equations 14.10, 14.14 and 14.15.
    """
    import numpy as np  # noqa: PLC0415
    from scipy.special import ndtr, ndtri  # noqa: PLC0415

    below = (np.count_nonzero(resampled < estimate) + np.count_nonzero(resampled <= estimate)) / 2
    share = below / len(resampled)
    deviations = left_out.mean() - left_out
    spread = float((deviations**2).sum())
    if spread == 0 or share in {0, 1}:
        return estimate, estimate
    bias = float(ndtri(share))
    acceleration = float((deviations**3).sum()) / (6 * spread**1.5)
    ends = []
    for probability in ((1 - confidence) / 2, (1 + confidence) / 2):
        z = bias + float(ndtri(probability))
        ends.append(float(ndtr(bias + z / (1 - acceleration * z))))
    low, high = np.quantile(resampled, ends)
    return float(low), float(high)


def holm(p_values: Sequence[float], weights: Sequence[float] | None = None) -> list[float]:
    """
    Correct p-values for the number of tests.

    Parameters
    ----------
    p_values : sequence of float
        One per test.
    weights : sequence of float, optional
        Share of the error that each test may use, above 0; None: all the same.

    Returns
    -------
    list of float
        Adjusted p-values in the same order. Rejecting those up to 0.05 makes one false rejection or more, among all
        tests, with a probability of at most 0.05, however the tests depend on each other.

    References
    ----------
    S. Holm, A simple sequentially rejective multiple test procedure, Scand. J. Statist. 6 (1979) 65-70, which allows
    for weights.
    """
    shares = [1.0] * len(p_values) if weights is None else list(weights)
    order = sorted(range(len(p_values)), key=lambda position: p_values[position] / shares[position])
    adjusted = [0.0] * len(p_values)
    highest, left = 0.0, sum(shares)
    for position in order:
        highest = max(highest, min(1.0, left / shares[position] * p_values[position]))
        adjusted[position] = highest
        left -= shares[position]
    return adjusted


def seeds_needed(distance: float, deviation: float, alpha: float = 1 - CONFIDENCE) -> int | None:
    """
    Count the pairs with which a paired t test would find a difference four times in five.

    Parameters
    ----------
    distance : float
        The difference to be told from zero.
    deviation : float
        Standard deviation of the paired differences, same unit.
    alpha : float, optional
        Two-sided level of the test.

    Returns
    -------
    int or None
        Number of pairs; None if it is above 10,000.

    References
    ----------
    Power of Student's t by its noncentral distribution: J. Cohen, Statistical power analysis for the behavioral
    sciences, 2nd ed. 1988, chapter 2.
    """
    if distance <= 0 or power(MOST_SEEDS, distance, deviation, alpha) < POWER:
        return None
    low, high = 1, MOST_SEEDS  # too few, enough
    while high - low > 1:
        middle = (low + high) // 2
        if power(middle, distance, deviation, alpha) < POWER:
            low = middle
        else:
            high = middle
    return high


def power(count: int, distance: float, deviation: float, alpha: float) -> float:
    """
    Compute with what probability a paired t test finds a difference.

    Parameters
    ----------
    count : int
        Number of pairs.
    distance, deviation : float
        True mean difference, above 0, and standard deviation of the differences.
    alpha : float
        Two-sided level of the test.

    Returns
    -------
    float
        Probability that t exceeds its upper limit.
    """
    from scipy.special import nctdtr, stdtrit  # noqa: PLC0415

    if count < 2:
        return 0.0
    if deviation == 0:
        return float(2.0 ** (1 - count) <= alpha)
    noncentrality = distance / deviation * math.sqrt(count)
    if noncentrality > 35:  # the power is 1, and the noncentral distribution is not computable
        limit = float(stdtrit(count - 1, 1 - alpha / 2))
        return float(limit < noncentrality)
    return 1 - float(nctdtr(count - 1, noncentrality, stdtrit(count - 1, 1 - alpha / 2)))


def detectable(count: int, deviation: float, alpha: float = 1 - CONFIDENCE) -> float | None:
    """
    Compute the smallest difference that so many pairs show four times in five.

    Parameters
    ----------
    count : int
        Number of pairs.
    deviation : float
        Standard deviation of the paired differences.
    alpha : float, optional
        Two-sided level of the test.

    Returns
    -------
    float or None
        In the unit of the deviation; None with fewer than two pairs or without spread.
    """
    if count < 2 or deviation <= 0:
        return None
    low, high = 0.0, deviation
    while power(count, high, deviation, alpha) < POWER:
        if high > 1e6 * deviation:
            return None
        high *= 2
    for _ in range(40):
        middle = (low + high) / 2
        low, high = (middle, high) if power(count, middle, deviation, alpha) < POWER else (low, middle)
    return high


@lru_cache(maxsize=2)
def _resamples(count: int) -> tuple[NDArray[np.intp], ...]:
    """Draw which pairs stand in each resample, in blocks that fit a cache; the same for every cell."""
    import numpy as np  # noqa: PLC0415

    generator = np.random.default_rng((BOOTSTRAP_SEED, count))
    block = max(1, min(RESAMPLES, 1_000_000 // count))
    sizes = [block] * (RESAMPLES // block) + [RESAMPLES % block] * bool(RESAMPLES % block)
    return tuple(generator.integers(0, count, size=(size, count)) for size in sizes)
