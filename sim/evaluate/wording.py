"""A comparison in words and figures, for the terminal and for every file."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from sim.evaluate.verdict import BETTER, EQUAL, MISSING, OPEN, SAME, UNPAIRED, WORSE

if TYPE_CHECKING:
    from sim.evaluate.comparison import Cell, Comparison
    from sim.evaluate.statistics import Interval

# In the order of their weight.
VERDICTS = (WORSE, MISSING, UNPAIRED, OPEN, SAME, BETTER, EQUAL)
UNITS = {
    **dict.fromkeys(("delay", "floor", "control_delay", "resco_delay", "waiting"), "s/veh"),
    **dict.fromkeys(("co2", "fuel", "nox", "pmx"), "g/veh"),
    **dict.fromkeys(("scheduled", "arrived", "running", "undeparted"), "veh"),
    **dict.fromkeys(
        ("longest_wait", "pedestrian_longest_wait", "gridlock_time", "wall_seconds", "control_seconds"), "s"
    ),
    **dict.fromkeys(
        (f"delay_{mode}" for mode in ("car", "truck", "bus", "tram", "bicycle", "emergency")), "s/veh"
    ),
    **dict.fromkeys(("delay_person", "delay_pedestrian", "pedestrian_wait"), "s/person"),
    **dict.fromkeys(("late_yellow", "red_running"), "per 1000 crossings of a stop line"),
    **dict.fromkeys(("conflicts", "hard_braking"), "1/veh"),
    **dict.fromkeys(
        (f"conflicts_{kind}" for kind in ("rear_end", "lane_change", "crossing", "pedestrian")), "1/veh"
    ),
    "stops": "1/veh",
    "mean_speed": "m/s",
    "throughput": "veh/h",
    "peak_rss_mib": "MiB",
}
NONE = "-"


def headline(comparison: Comparison) -> str:
    """
    Say the result in one line.

    Parameters
    ----------
    comparison : Comparison
        The comparison.

    Returns
    -------
    str
        Whether the gate passes, and how many cells have which verdict.
    """
    counted = [f"{count} {verdict}" for verdict in VERDICTS if (count := comparison.count(verdict))]
    faulty = sum(bool(cell.faults) for cell in comparison.cells)
    if faulty:
        counted.append(f"{faulty} with missing seeds or new gridlocks")
    over_all = sum(cell.finding.verdict == WORSE for cell in comparison.cells if cell.scale is None)
    if over_all:
        counted.append(f"{over_all} worse over all scenarios")
    if comparison.mismatches:
        counted.append("BASE and HEAD were not made with the same")
    return f"{'passed' if comparison.passed else 'FAILED'}: {', '.join(counted)}"


def asked(comparison: Comparison) -> str:
    """
    Say what was compared.

    Parameters
    ----------
    comparison : Comparison
        The comparison.

    Returns
    -------
    str
        Figure, unit, sides and tolerance.
    """
    question = comparison.question
    unit = f" [{UNITS[question.metric]}]" if question.metric in UNITS else ""
    direction = "more is better" if question.more_is_better else "less is better"
    return (
        f"{question.metric}{unit}, {direction}: HEAD {comparison.head} against BASE {comparison.base}, "
        f"tolerance {question.tolerance}"
    )


def remarks(cell: Cell) -> str:
    """
    Say what is to be known of a cell beside its figures.

    Parameters
    ----------
    cell : Cell
        The cell.

    Returns
    -------
    str
        Faults first; perhaps empty.
    """
    return "; ".join(text for text in (*cell.faults, cell.finding.reason, *cell.notes) if text)


def mean(cell: Cell, value: float | None) -> str:
    """
    Write a mean of one side.

    Parameters
    ----------
    cell : Cell
        The cell.
    value : float or None
        The mean.

    Returns
    -------
    str
        Nothing for a line over all scenarios, whose mean has no unit.
    """
    return NONE if value is None or cell.scale is None else figure(value)


def difference(cell: Cell) -> str:
    """
    Write the difference of a cell.

    Parameters
    ----------
    cell : Cell
        The cell.

    Returns
    -------
    str
        With its sign, in the unit of the figure and in per cent of BASE.
    """
    value = cell.finding.difference
    if value is None:
        return NONE
    share = cell.relative
    told = "" if share is None else f"{100 * share:+.1f} %"
    if cell.scale is None:
        return told
    return f"{figure(value, sign=True)} ({told})" if told else figure(value, sign=True)


def interval(cell: Cell, ends: Interval | None) -> str:
    """
    Write a confidence interval.

    Parameters
    ----------
    cell : Cell
        The cell.
    ends : tuple of float or None
        One of its intervals.

    Returns
    -------
    str
        In the unit of the figure; in per cent for a line over all scenarios.
    """
    if ends is None:
        return NONE
    if cell.scale is None:
        return " to ".join(f"{100 * math.expm1(end):+.1f}" for end in ends) + " %"
    return " to ".join(figure(end, sign=True) for end in ends)


def share(cell: Cell) -> str:
    """
    Write the effect as a share of the control delay.

    Parameters
    ----------
    cell : Cell
        The cell.

    Returns
    -------
    str
        Per cent with a sign.
    """
    return NONE if cell.share is None else f"{100 * cell.share:+.1f} %"


def probability(value: float | None) -> str:
    """
    Write a p-value.

    Parameters
    ----------
    value : float or None
        From 0 to 1.

    Returns
    -------
    str
        Three decimals.
    """
    if value is None:
        return NONE
    return "< 0.001" if value < 0.001 else f"{value:.3f}"


def detectable(cell: Cell) -> str:
    """
    Write the smallest difference that the seeds of a cell show four times in five.

    Parameters
    ----------
    cell : Cell
        The cell.

    Returns
    -------
    str
        In per cent of BASE, else in the unit of the figure.
    """
    value = cell.finding.detectable
    if value is None:
        return NONE
    if cell.scale is None:
        return f"{100 * math.expm1(value):.1f} %"
    return f"{100 * value / abs(cell.finding.base):.1f} %" if cell.finding.base else figure(value)


def figure(value: float, *, sign: bool = False) -> str:
    """
    Write a figure with about three digits that count.

    Parameters
    ----------
    value : float
        The figure.
    sign : bool, optional
        With a plus if it is positive.

    Returns
    -------
    str
        ``14.3``, ``0.567``, ``1471``.
    """
    size = abs(value)
    digits = 0 if size >= 1000 else 1 if size >= 10 else 2 if size >= 0.1 or size == 0 else 4
    return f"{value:{'+' if sign and value else ''}.{digits}f}"
