"""Green of each stage in a given cycle, and the stages themselves: the choice with the least delay."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sim.control.webster import split_green
from sim.design.layout import change_time, head_lamps, lay_out, least_greens, stream_lamps
from sim.design.stages import head_ratios, least_shares, sequences

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    import numpy as np
    from numpy.typing import NDArray

    from sim.design.layout import Layout, Safety, Stage
    from sim.design.performance import Judge

# RiLSA's aim for a degree of saturation that leaves room for a bad quarter of an hour.
LARGEST_SATURATION = 0.9
STEPS = (5, 2, 1)
# Cycles at which stage orders are compared [s], and how many orders.
TRIAL_CYCLES, TRIALS = (60, 90, 120), 10


@dataclass(frozen=True)
class Timed:
    """
    A signal's stages with their greens in a cycle.

    Parameters
    ----------
    stages : tuple of frozenset of int
        Heads of each.
    greens : tuple of int
        [s].
    layout : Layout
        When each head is green.
    rows : ndarray
        Shape (streams, cycle), lamps.
    excess : float
        How far the worst degree of saturation is above 0.9 [-].
    lost : float
        Delay of all [s/h].
    """

    stages: tuple[Stage, ...]
    greens: tuple[int, ...]
    layout: Layout
    rows: NDArray[np.uint8]
    excess: float
    lost: float

    @property
    def rank(self) -> tuple[float, float]:
        """By what choices are compared: overload first, then delay."""
        return self.excess, self.lost


def shortest_cycle(safety: Safety, stages: Sequence[Stage]) -> int:
    """
    Compute the cycle in which every stage has its least green.

    Parameters
    ----------
    safety : Safety
        What the heads need.
    stages : sequence of frozenset of int
        Heads of each stage.

    Returns
    -------
    int
        [s].
    """
    return lay_out(safety, stages, least_greens(safety, stages)).cycle


def time_stages(judge: Judge, safety: Safety, stages: tuple[Stage, ...], cycle: int) -> Timed | None:
    """
    Share the green of a cycle: in proportion to critical flow ratios, then second by second to where it helps most.

    Parameters
    ----------
    judge : Judge
        Judges a layout.
    safety : Safety
        What the heads need.
    stages : tuple of frozenset of int
        Heads of each stage.
    cycle : int
        [s].

    Returns
    -------
    Timed or None
        None if the least greens do not fit into the cycle.
    """
    least = least_greens(safety, stages)
    lost = sum(change_time(safety, stages[p - 1], stages[p]) for p in range(len(stages)))
    room = cycle - lost
    if room < sum(least):
        return None
    shares = least_shares(stages, head_ratios(judge.site, judge.loads))
    weights = shares if sum(shares) > 0.0 else [1.0] * len(stages)
    best = _timed(judge, safety, stages, split_green(room, weights, least))
    for step in STEPS:
        better = True
        while better:
            better = False
            for p in range(len(stages)):
                for q in range(len(stages)):
                    if p == q or best.greens[p] - step < least[p]:
                        continue
                    greens = list(best.greens)
                    greens[p] -= step
                    greens[q] += step
                    trial = _timed(judge, safety, stages, greens)
                    if trial.rank < best.rank:
                        best, better = trial, True
    return best


def _timed(judge: Judge, safety: Safety, stages: tuple[Stage, ...], greens: Sequence[int]) -> Timed:
    layout = lay_out(safety, stages, greens)
    rows = stream_lamps(judge.site, head_lamps(safety, layout))
    lost, worst = judge.cost(rows)
    # In hundredths, so that the sum of delays decides between equals, and rounded up: 0.901 is not 0.9.
    excess = math.ceil(max(worst - LARGEST_SATURATION, 0.0) * 100.0 - 1e-6) / 100.0
    return Timed(stages, tuple(greens), layout, rows, excess, lost)


def choose_stages(
    judge: Judge, safety: Safety, candidates: Sequence[Stage], longest: int
) -> tuple[Stage, ...]:
    """
    Choose stages and their order.

    Parameters
    ----------
    judge : Judge
        Judges a layout, with the volumes of the design hour.
    safety : Safety
        What the heads need.
    candidates : sequence of frozenset of int
        Sets of heads to choose from.
    longest : int
        Longest cycle [s].

    Returns
    -------
    tuple of frozenset of int
        The stages in their order.
    """
    cycles = sorted({min(c, longest) for c in TRIAL_CYCLES})
    best: Timed | None = None
    offered = sequences(judge.site, safety, candidates, judge.loads, TRIALS)
    for stages in offered:
        best = _better(best, (time_stages(judge, safety, stages, cycle) for cycle in cycles))
    if best is None:
        return offered[0]
    return _trim(judge, safety, best).stages


def _better(best: Timed | None, trials: Iterable[Timed | None]) -> Timed | None:
    for trial in trials:
        if trial is not None and (best is None or trial.rank < best.rank):
            best = trial
    return best


def _trim(judge: Judge, safety: Safety, best: Timed) -> Timed:
    """Leave heads out of stages that they only hold up, if another stage serves them."""
    cycle = best.layout.cycle
    for p in range(len(best.stages)):
        for head in sorted(best.stages[p]):
            rest = best.stages[p] - {head}
            others = [stage for q, stage in enumerate(best.stages) if q != p]
            if not rest or head not in frozenset().union(*others) or rest in others:
                continue
            stages = (*best.stages[:p], rest, *best.stages[p + 1 :])
            trial = time_stages(judge, safety, stages, cycle)
            if trial is not None and trial.rank < best.rank:
                best = trial
    return best
