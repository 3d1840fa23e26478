"""Cells, pairs and verdicts."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy import stats

from sim.errors import InputError
from sim.evaluate.comparison import ALL, Cell, Comparison, Question, Tolerance, compare

KNOWN = {
    "scenario": "s",
    "controller": "c",
    "controller_id": "c-v1",
    "scale": 1.0,
    "status": "done",
    "sumo_version": "1.28.0",
    "package_version": "0.1.0",
    "platform": "linux-x86_64",
    "scenario_key": "k",
}


def runs(values: Any, **more: Any) -> list[dict[str, Any]]:
    """One run per value, seeds from 1."""
    given = enumerate(values, 1)
    rows = [KNOWN | {"seed": seed, "delay": value, "run_key": f"{more}{seed}"} for seed, value in given]
    return [row | more for row in rows]


def judged(base: list[dict[str, Any]], head: list[dict[str, Any]], **asked: Any) -> Comparison:
    if isinstance(asked.get("tolerance"), str):
        asked["tolerance"] = Tolerance.parse(asked["tolerance"])
    return compare(base, head, Question(**asked), ("a", "b"))


def only(comparison: Comparison) -> Cell:
    (cell,) = comparison.cells
    return cell


NOISE = np.random.default_rng(7).normal(0, 1, 10)
BEFORE = 30 + np.random.default_rng(8).normal(0, 3, 10)


@pytest.mark.parametrize(
    ("shift", "tolerance", "verdict", "passed"),
    [
        (3.0, "0", "worse", False),
        (-3.0, "0", "better", True),
        (0.1, "0", "not enough seeds", True),
        (0.1, "2", "no difference", True),
        (0.1, "10%", "no difference", True),
        (3.0, "10%", "not enough seeds", True),
        (3.0, "20%", "no difference", True),
        (5.0, "2", "worse", False),
        (-5.0, "2", "better", True),
    ],
)
def test_verdicts(shift: float, tolerance: str, verdict: str, *, passed: bool) -> None:
    comparison = judged(runs(BEFORE), runs(BEFORE + NOISE + shift), tolerance=tolerance)
    assert only(comparison).finding.verdict == verdict
    assert comparison.passed == passed


def test_equal_to_the_last_bit_needs_one_seed_only() -> None:
    assert only(judged(runs([0.1 + 0.2]), runs([0.1 + 0.2]))).finding.verdict == "equal"
    cell = only(judged(runs([0.1 + 0.2]), runs([0.3])))
    assert cell.finding.verdict == "not enough seeds"
    assert cell.finding.seeds_needed == 2


def test_figures_of_a_cell() -> None:
    base = runs([20.0, 22, 24], control_delay=10.0)
    cell = only(judged(base, runs([21.0, 24, 27])))
    found = cell.finding
    assert (found.pairs, found.base, found.head, found.difference, found.deviation) == (3, 22, 24, 2, 1)
    assert found.t_interval == pytest.approx((2 - 4.302653 / 3**0.5, 2 + 4.302653 / 3**0.5))
    assert found.bca_interval is None
    assert cell.share == pytest.approx(0.2)
    assert cell.relative == pytest.approx(1 / 11)


def test_seeds_needed_would_do() -> None:
    rng = np.random.default_rng(9)
    cell = only(judged(runs(np.full(10, 30.0)), runs(30.5 + rng.normal(0, 1, 10))))
    needed = cell.finding.seeds_needed
    assert cell.finding.verdict == "not enough seeds"
    assert needed is not None
    mean, deviation = cell.finding.difference, cell.finding.deviation
    decided = [
        only(
            judged(runs(np.full(needed, 30.0)), runs(30 + rng.normal(mean, deviation, needed)))
        ).finding.verdict
        for _ in range(100)
    ]
    assert 68 <= decided.count("worse") <= 92


def test_no_number_of_seeds_shows_that_there_is_no_difference_at_all() -> None:
    cell = only(judged(runs(np.full(4, 30.0)), runs([31.0, 29, 31, 29])))
    assert cell.finding.seeds_needed is None
    assert "declare a tolerance" in cell.finding.reason


def test_open_verdict_still_tells_that_the_gate_is_safe() -> None:
    cell = only(judged(runs(np.full(10, 30.0)), runs(28 + NOISE), tolerance="2"))
    assert cell.finding.verdict == "not enough seeds"
    assert "not worse by more than the tolerance" in cell.finding.reason


def test_one_outlier_makes_nothing_worse() -> None:
    head = np.array([30.0] * 9 + [600.0])
    assert only(judged(runs(np.full(10, 30.1)), runs(head))).finding.verdict == "not enough seeds"


def test_five_equal_steps_of_a_count_are_no_proof_and_eight_are() -> None:
    few = judged(runs([3] * 5), runs([4] * 5))
    assert only(few).finding.verdict == "not enough seeds"
    assert only(judged(runs([3] * 8), runs([4] * 8))).finding.verdict == "worse"
    assert only(judged(runs([3] * 5), runs([4] * 5), tolerance="2")).finding.verdict == "not enough seeds"
    assert only(judged(runs([3] * 8), runs([4] * 8), tolerance="2")).finding.verdict == "no difference"


def test_holm_over_the_cells_that_are_not_equal() -> None:
    differences = 0.8 + NOISE  # p is about 0.03 alone

    def store(noisy: int, same: int) -> tuple[list[Any], list[Any]]:
        base, head = [], []
        for number in range(noisy + same):
            base += runs(BEFORE, scenario=f"s{number}", control_delay=None)
            noise = differences if number == 0 else np.roll(NOISE, number) if number < noisy else 0
            head += runs(BEFORE + noise, scenario=f"s{number}")
        return base, head

    alone = judged(*store(1, 0)).cells[0].finding
    assert alone.verdict == "worse"
    assert alone.p == alone.p_holm
    among = judged(*store(5, 0), tolerance="0.0001").cells[0].finding
    assert among.p == pytest.approx(alone.p, abs=0.001)
    assert among.p_holm > 4 * among.p > 0.05
    assert among.verdict == "not enough seeds"
    assert "significant alone" in among.reason
    assert judged(*store(1, 9), tolerance="0.0001").cells[0].finding.verdict == "worse"


def test_a_shared_worsening_shows_over_all_scenarios() -> None:
    rng = np.random.default_rng(11)
    base, head = [], []
    for number in range(8):
        before = (10 + 20 * number) * (1 + rng.normal(0, 0.02, 10))
        base += runs(before, scenario=f"s{number}")
        head += runs(before * 1.02 * (1 + rng.normal(0, 0.03, 10)), scenario=f"s{number}")
    comparison = judged(base, head)
    line = comparison.cells[-1]
    assert (line.scenario, line.scale, line.finding.verdict) == (ALL, None, "worse")
    assert line.relative == pytest.approx(0.02, abs=0.01)
    # One half of the error is its own, however many cells there are.
    assert line.finding.p_holm == pytest.approx(2 * line.finding.p)
    assert comparison.count("worse") < 8


def test_equal_cells_do_not_hide_a_worsening_over_all_scenarios() -> None:
    changed = runs(BEFORE, scenario="x"), runs(BEFORE * np.exp(0.03 + NOISE / 50), scenario="x")
    same = [row for number in range(5) for row in runs(BEFORE, scenario=f"s{number}")]
    line = judged(changed[0] + same, changed[1] + same).cells[-1]
    assert line.scenario == ALL
    assert line.finding.p == pytest.approx(stats.ttest_1samp(0.03 + NOISE / 50, 0).pvalue)
    assert line.relative == pytest.approx(np.exp((0.03 + NOISE.mean() / 50) / 6) - 1)


@pytest.mark.parametrize(
    ("metric", "verdict"),
    [
        ("throughput", "better"),
        ("mean_speed", "better"),
        ("stops", "worse"),
        ("tram_delay", "worse"),
        ("bus_speed", "better"),
    ],
)
def test_any_figure_and_its_direction(metric: str, verdict: str) -> None:
    base, head = runs(BEFORE), runs(BEFORE + NOISE + 5)
    for row in base + head:
        row[metric] = row.pop("delay")
    assert only(judged(base, head, metric=metric)).finding.verdict == verdict


@pytest.mark.parametrize(
    ("metric", "told"),
    [
        ("dealy", "there is no figure 'dealy' to compare; did you mean 'delay'?"),
        ("status", "there is no figure 'status'"),
        ("seed", "there is no figure 'seed'"),
        ("co2", "no run has a value of 'co2'"),
    ],
)
def test_unknown_figures(metric: str, told: str) -> None:
    with pytest.raises(InputError, match=told.replace("?", r"\?")):
        judged(runs([1.0], co2=None), runs([1.0], co2=None), metric=metric)


def test_missing_cell_fails() -> None:
    comparison = judged(runs([1.0]) + runs([1.0], controller="d"), runs([1.0]))
    assert [cell.finding.verdict for cell in comparison.cells] == ["equal", "missing"]
    assert not comparison.passed


def test_new_cell_is_told_and_passes() -> None:
    comparison = judged(runs([1.0]), runs([1.0]) + runs([1.0], scenario="t"))
    assert comparison.passed
    assert comparison.notes == ("t c scale 1 is new, not in BASE",)


def test_missing_seeds_fail_and_tell_why() -> None:
    head = runs([1.0] * 5)
    head[1] |= {"status": "timeout", "reason": "over\n\x1b[31m its limit", "delay": None}
    comparison = judged(runs([1.0] * 6), head)
    cell = only(comparison)
    assert cell.finding.verdict == "equal"
    assert cell.faults == (
        "seed 2 missing in HEAD (timeout: over [31m its limit)",
        "seed 6 missing in HEAD (not run)",
    )
    assert not comparison.passed


def test_seeds_that_base_never_had_are_no_fault() -> None:
    base = runs([1.0] * 3)
    base[2] |= {"status": "failed", "delay": None}
    comparison = judged(base, runs([1.0] * 5))
    assert comparison.passed
    assert only(comparison).notes == ("seeds 3-5 of HEAD not in BASE, not used",)


def test_a_value_that_vanished_is_missing_and_none_on_both_sides_is_equal() -> None:
    cell = only(judged(runs([1.0, 2.0, None]), runs([1.0, None, None])))
    assert cell.faults == ("seed 2 missing in HEAD (no delay)",)
    both = judged(runs([None]) + runs([1.0], scenario="t"), runs([None]) + runs([1.0], scenario="t"))
    assert [cell.finding.verdict for cell in both.cells] == ["equal", "equal"]


def test_no_common_result_is_missing() -> None:
    head = runs([None] * 2, status="failed", reason="why")
    assert only(judged(runs([1.0] * 2), head)).finding.verdict == "missing"


def test_more_gridlocks_fail_in_their_own_words() -> None:
    head = runs(BEFORE)
    head[3]["gridlock"] = True
    comparison = judged(runs(BEFORE), head)
    assert only(comparison).faults == ("new gridlock at seed 4",)
    assert not comparison.passed


def test_gridlocks_that_moved_to_another_seed_are_told() -> None:
    base, head = runs(BEFORE), runs(BEFORE)
    base[0]["gridlock"] = head[3]["gridlock"] = True
    comparison = judged(base, head)
    assert comparison.passed
    assert only(comparison).notes == ("new gridlock at seed 4, gridlock gone at seed 1",)


@pytest.mark.parametrize(("key", "name"), [("sumo_version", "SUMO version"), ("platform", "platform")])
def test_other_sumo_or_platform_fails_with_both_values(key: str, name: str) -> None:
    comparison = judged(runs([1.0]), runs([1.0], **{key: "other"}))
    assert not comparison.passed
    assert comparison.mismatches[0].startswith(f"{name}: {KNOWN[key]} in BASE, other in HEAD")
    assert only(comparison).finding.verdict == "equal"
    unknown = judged(runs([1.0]), runs([1.0], **{key: None}))
    assert unknown.passed
    assert unknown.notes == (f"{name}: {KNOWN[key]} in BASE, not recorded in HEAD",)


def test_other_content_of_the_scenario_is_not_compared() -> None:
    comparison = judged(runs([1.0]), runs([1.0], scenario_key="other"))
    assert only(comparison).finding.verdict == "not comparable"
    assert "scenario_key k in BASE, other in HEAD" in only(comparison).finding.reason
    assert not comparison.passed


def test_two_results_of_a_seed_are_a_clash_and_the_rest_is_compared() -> None:
    twice = runs([1.0, 2.0]) + runs([1.5], package_version="0.0.9") + runs([5.0], scenario="t")
    comparison = judged(twice, twice[:2] + twice[3:])
    first, second = comparison.cells
    assert first.finding.verdict == "not comparable"
    assert "seed 1 has 2 results in BASE" in first.finding.reason
    assert "package_version 0.0.9 and 0.1.0" in first.finding.reason
    assert second.finding.verdict == "equal"


def test_a_failed_run_of_another_release_is_no_clash() -> None:
    base = runs([1.0]) + runs([None], status="failed", package_version="0.0.9")
    assert only(judged(base, runs([1.0]))).finding.verdict == "equal"


def test_new_version_of_a_controller_is_compared_with_the_old_one() -> None:
    comparison = judged(runs([1.0]), runs([1.0], controller_id="c-v2"))
    assert only(comparison).notes == ("c-v1 in BASE, c-v2 in HEAD",)
    assert comparison.passed


def test_controllers_of_one_folder() -> None:
    rows = [
        row
        for name, shift in (("program", 0), ("max-pressure", -9), ("horizon:class=grid", 5))
        for row in runs(BEFORE + NOISE + shift, controller=name, controller_id=f"{name.split(':')[0]}-v1")
    ]
    comparison = judged(rows, rows, base_controller="program")
    assert [(cell.controllers, cell.finding.verdict) for cell in comparison.cells] == [
        ("horizon:class=grid against program", "worse"),
        ("max-pressure against program", "better"),
    ]
    exact = judged(rows, rows, base_controller="program-v1", head_controller="horizon-v1:class=grid")
    assert [cell.controller for cell in exact.cells] == ["horizon:class=grid"]
    with pytest.raises(
        InputError,
        match="HEAD has no runs of the controller 'horizn'; known: horizon:class=grid, max-pressure",
    ):
        judged(rows, rows, head_controller="horizn", base_controller="program")
    with pytest.raises(InputError, match="HEAD has no other controller"):
        judged(rows, rows, base_controller="program", head_controller="program")


@pytest.mark.parametrize("text", ["", "x", "-1", "nan", "inf", "5 apples", "%"])
def test_no_tolerance(text: str) -> None:
    with pytest.raises(InputError, match="is no number from 0"):
        Tolerance.parse(text)


def test_tolerances() -> None:
    assert Tolerance.parse("0.5").of(20) == 0.5
    assert Tolerance.parse(" 2 % ").of(-20) == 0.4
    assert str(Tolerance.parse("2%")) == "2 %"


def test_a_plan_is_the_same_in_another_checkout() -> None:
    here, there = (
        runs([1.0], controller=f"plan:day=monday,file=/{folder}/plan.json") for folder in ("a/b", "c")
    )
    assert only(judged(here, there)).controller == "plan:day=monday,file=plan.json"
    assert judged(here, there).passed
    both = judged(here + there, here + there)
    assert [cell.finding.verdict for cell in both.cells] == ["equal", "equal"]
