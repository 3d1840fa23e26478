"""The statistics against scipy.stats and against published examples."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
from scipy import stats

from sim.evaluate import statistics
from sim.evaluate.statistics import (
    bca,
    bca_interval,
    detectable,
    holm,
    p_beyond,
    p_within,
    paired_t,
    power,
    seeds_needed,
)

# Student, The probable error of a mean, Biometrika 6 (1908): hours of sleep gained with one drug more than with the
# other, ten patients. R prints t = 4.0621, p = 0.002833, interval 0.7001142 to 2.4598858 for them.
SLEEP = np.array([1.2, 2.4, 1.3, 1.3, 0.0, 1.0, 1.8, 0.8, 4.6, 1.4])
# B. Efron and R. Tibshirani, An introduction to the bootstrap (1993), table 14.1, test A of 26 children.
SPATIAL = np.array(
    [48, 36, 20, 29, 42, 42, 20, 42, 22, 41, 45, 14, 6, 0, 33, 28, 34, 4, 32, 24, 47, 41, 24, 26, 30, 41],
    float,
)
SAMPLES = [
    np.random.default_rng(1).normal(0.5, 2, 10),
    np.random.default_rng(2).lognormal(0, 1, 25) - 1,
    np.random.default_rng(3).standard_t(3, 6),
]


def test_student_1908_sleep() -> None:
    assert p_beyond(SLEEP) == pytest.approx(0.002833, abs=5e-7)
    assert paired_t(SLEEP) == pytest.approx((0.7001142, 2.4598858), abs=5e-8)


def test_efron_and_tibshirani_1993_spatial_data() -> None:
    count = len(SPATIAL)
    generator = np.random.default_rng(1)
    resampled = SPATIAL[generator.integers(0, count, (200_000, count))].var(axis=1)
    left_out = np.array([np.delete(SPATIAL, i).var() for i in range(count)])
    estimate = float(SPATIAL.var())
    assert estimate == pytest.approx(171.5, abs=0.05)
    # They give 115.8 and 259.6 for 90 %, from 2,000 resamples; the ends then vary by some units.
    assert bca_interval(estimate, resampled, left_out, 0.9) == pytest.approx((115.8, 259.6), abs=4)


@pytest.mark.parametrize("sample", SAMPLES)
def test_paired_t_is_that_of_scipy(sample: np.ndarray) -> None:
    expected = stats.ttest_1samp(sample, 0)
    assert p_beyond(sample) == pytest.approx(expected.pvalue, rel=1e-9)
    interval = expected.confidence_interval(0.95)
    assert paired_t(sample) == pytest.approx((interval.low, interval.high), rel=1e-9)


@pytest.mark.parametrize("sample", SAMPLES)
@pytest.mark.parametrize("confidence", [0.9, 0.95])
def test_bca_is_that_of_scipy_on_the_same_resamples(sample: np.ndarray, confidence: float) -> None:
    means = np.concatenate([sample[block].mean(axis=1) for block in statistics._resamples(len(sample))])
    expected = stats.bootstrap(
        (sample,),
        np.mean,
        n_resamples=0,
        confidence_level=confidence,
        bootstrap_result=SimpleNamespace(bootstrap_distribution=means),
        method="BCa",
    ).confidence_interval
    assert bca(sample, confidence) == pytest.approx((expected.low, expected.high), rel=1e-9)


def test_bca_is_near_that_of_scipy_on_its_own_resamples() -> None:
    sample = SAMPLES[1]
    expected = stats.bootstrap(
        (sample,), np.mean, n_resamples=20_000, method="BCa", rng=1
    ).confidence_interval
    assert bca(sample) == pytest.approx((expected.low, expected.high), abs=0.05)


def test_bca_is_the_same_at_every_call_and_moves_with_the_sample() -> None:
    low, high = bca(SLEEP) or (0, 0)
    statistics._resamples.cache_clear()
    assert bca(SLEEP) == (low, high)
    # A resample whose mean is the estimate may fall on either side of it by rounding.
    assert bca(SLEEP + 100) == pytest.approx((low + 100, high + 100), abs=0.03)
    assert bca(-SLEEP) == pytest.approx((-high, -low), abs=0.1)


def test_large_samples_are_resampled_in_blocks() -> None:
    sample = np.random.default_rng(4).normal(0, 1, 1_500)
    assert bca(sample) == pytest.approx(paired_t(sample), abs=0.01)


@pytest.mark.parametrize(
    ("p_values", "adjusted"),
    [
        # The example of Wikipedia's article on the Holm-Bonferroni method.
        ([0.01, 0.04, 0.03, 0.005], [0.03, 0.06, 0.06, 0.02]),
        ([0.5, 0.9, 0.4], [1.0, 1.0, 1.0]),
        ([0.02], [0.02]),
        ([], []),
    ],
)
def test_holm(p_values: list[float], adjusted: list[float]) -> None:
    assert holm(p_values) == pytest.approx(adjusted)
    assert holm(p_values, [0.3] * len(p_values)) == pytest.approx(adjusted)


def test_holm_with_weights() -> None:
    """By hand: p/c is 0.01, 0.06, 0.06, 0.045; times what is left of the weights, 2, 2/3, 1/3, 1."""
    adjusted = holm([0.01, 0.02, 0.02, 0.015], [1, 1 / 3, 1 / 3, 1 / 3])
    assert adjusted == pytest.approx([0.02, 0.045, 0.045, 0.045])


def test_seeds_needed_by_cohen_1988() -> None:
    # Cohen's tables, as G*Power gives them: paired t test, two-sided 5 %, power 0.8.
    assert [seeds_needed(effect, 1.0) for effect in (0.2, 0.5, 0.8)] == [199, 34, 15]


def test_power_by_simulation() -> None:
    samples = np.random.default_rng(5).normal(0.9, 1, (20_000, 10))
    found = stats.ttest_1samp(samples, 0, axis=1).pvalue < 0.05
    assert power(10, 0.9, 1, 0.05) == pytest.approx(found.mean(), abs=0.01)
    assert power(10, detectable(10, 1) or 0, 1, 0.05) == pytest.approx(0.8, abs=1e-6)


@pytest.mark.parametrize(("distance", "deviation"), [(0.0, 1.0), (1e-9, 1.0), (-1.0, 1.0)])
def test_no_number_of_seeds_finds_nothing(distance: float, deviation: float) -> None:
    assert seeds_needed(distance, deviation) is None


@pytest.mark.parametrize("deviation", [1e-12, 1.0, 1e9])
@pytest.mark.parametrize("count", [2, 3, 10, 5_000])
def test_detectable_difference_is_finite_and_positive(count: int, deviation: float) -> None:
    found = detectable(count, deviation)
    assert found is not None
    assert 0 < found < 100 * deviation


def test_tolerance_moves_the_edges() -> None:
    low, high = paired_t(SLEEP) or (0, 0)
    assert p_beyond(SLEEP, low) == pytest.approx(0.05)
    assert p_within(SLEEP, high) == pytest.approx(0.05)
    assert p_beyond(SLEEP, 1.58) == pytest.approx(1)
    assert p_within(SLEEP, 1.58) == pytest.approx(1)
    assert p_within(SLEEP, 0.0) == 1


def test_without_spread_the_signs_decide() -> None:
    same = np.full(5, 0.1 + 0.2) - np.full(5, 0.1)
    assert p_beyond(same) == 2 * 0.5**5
    assert p_beyond(np.full(8, 1.0)) == 2 * 0.5**8
    assert p_within(np.full(2, 1.0), 2) == 0.5
    assert bca(np.full(6, 1.0)) == (1.0, 1.0)


@pytest.mark.parametrize("count", [0, 1])
def test_too_few_pairs_show_nothing(count: int) -> None:
    few = np.ones(count)
    assert paired_t(few) is None
    assert bca(few) is None
    assert p_beyond(few) == p_within(few, 5) == 1
    assert detectable(count, 1) is None
    assert bca(np.array([1.0, 2, 3, 4])) is None
