"""The ratio of two sets of paired measurements: its median, a bootstrap interval, and what that says about a limit."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

CONFIDENCE = 0.95
RESAMPLES = 10_000
SEED = 20_261_001  # any; fixed, so that the same measurements give the same interval
SLOWER, SMALL, UNCLEAR, PASSED, FASTER = "SLOWER", "slower, but little", "unclear", "no slower", "faster"


@dataclass(frozen=True)
class Limits:
    """How much slower HEAD may be: by what ratio, and below what loss [s] the ratio does not matter."""

    ratio: float
    loss: float


@dataclass(frozen=True)
class Judged:
    """One case: medians of both sides [s], median of the paired ratios with its interval, median loss [s], verdict."""

    base: float
    head: float
    ratio: float
    low: float
    high: float
    loss: float
    verdict: str


def ratio_interval(base: list[float], head: list[float]) -> tuple[float, float, float]:
    """
    Compute the median of head/base over the pairs, and the ends of its 95 % percentile bootstrap interval.

    The median, since what disturbs a measurement makes it longer, now and then by far, and never shorter. It is taken
    of logarithms, so that exchanging the sides inverts the result.
    """
    logs = np.log(np.asarray(head) / np.asarray(base))
    picks = np.random.default_rng((SEED, len(logs))).integers(0, len(logs), (RESAMPLES, len(logs)))
    tail = (1 - CONFIDENCE) / 2
    low, high = np.quantile(np.median(logs[picks], axis=1), (tail, 1 - tail))
    return float(np.exp(np.median(logs))), float(np.exp(low)), float(np.exp(high))


def judge(base: list[float], head: list[float], limits: Limits) -> Judged:
    """
    Compare two sides, pair by pair.

    SLOWER needs both: the whole interval above the limit of the ratio, and a median loss above the other limit. Where
    the ratio alone is above, the verdict is "slower, but little". "unclear": the limit lies in the interval, so nothing
    is shown.
    """
    ratio, low, high = ratio_interval(base, head)
    loss = float(np.median(np.asarray(head) - np.asarray(base)))
    if low > limits.ratio:
        verdict = SLOWER if loss > limits.loss else SMALL
    elif high > limits.ratio:
        verdict = UNCLEAR
    else:
        verdict = FASTER if high < 1 / limits.ratio else PASSED
    return Judged(float(np.median(base)), float(np.median(head)), ratio, low, high, loss, verdict)
