"""Two sets of runs, cell by cell: what is paired, what is missing, what must not be compared."""

from __future__ import annotations

import math
from collections import defaultdict
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from sim.errors import InputError, near_miss
from sim.evaluate.baseline import number
from sim.evaluate.pairing import Key, Row, cells_of, match, pair, spell_seeds
from sim.evaluate.verdict import EQUAL, MISSING, UNPAIRED, WORSE, Finding, examine, judge

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

# A figure is better the lower it is, unless a word of its name is one of these.
MORE_IS_BETTER = frozenset({"speed", "throughput", "arrived"})
# Figures that contain the floor, whose difference is told as a share of the control delay as well.
DELAYS = frozenset({"delay", "control_delay", "resco_delay"})
ALL = "all scenarios"
_NO_METRIC = frozenset({"seed", "scale"})
_KEYS = {"sumo_version": "SUMO version", "platform": "platform"}


@dataclass(frozen=True, slots=True)
class Tolerance:
    """
    The difference that does not matter.

    Parameters
    ----------
    value : float
        In the unit of the figure, or per cent of the mean of BASE.
    percent : bool
        Which of both.
    """

    value: float = 0.0
    percent: bool = False

    @classmethod
    def parse(cls, text: str) -> Tolerance:
        """
        Read a tolerance.

        Parameters
        ----------
        text : str
            ``0.5`` or ``2%``.

        Returns
        -------
        Tolerance
            At least 0.

        Raises
        ------
        InputError
            If it is neither.
        """
        bare = text.strip()
        percent = bare.endswith("%")
        try:
            value = float(bare.removesuffix("%"))
        except ValueError:
            value = math.nan
        if not 0 <= value < math.inf:
            msg = f"tolerance '{text}' is no number from 0; write 0.5 for half a unit of the figure, 2% for a share"
            raise InputError(msg)
        return cls(value, percent)

    def of(self, mean: float) -> float:
        """
        Compute the tolerance of a cell.

        Parameters
        ----------
        mean : float
            Mean of BASE.

        Returns
        -------
        float
            In the unit of the figure.
        """
        return abs(mean) * self.value / 100 if self.percent else self.value

    def __str__(self) -> str:
        return f"{self.value:g} %" if self.percent else f"{self.value:g}"


@dataclass(frozen=True, slots=True)
class Question:
    """
    What is compared.

    Parameters
    ----------
    metric : str
        A column of docs/metrics.md.
    tolerance : Tolerance
        The difference that does not matter.
    base_controller : str, optional
        Compare every controller of HEAD with this one of BASE; None: with itself.
    head_controller : str, optional
        Look only at this controller of HEAD.
    """

    metric: str = "delay"
    tolerance: Tolerance = Tolerance()
    base_controller: str | None = None
    head_controller: str | None = None

    @property
    def more_is_better(self) -> bool:
        """Whether a higher figure is the better one."""
        return bool(MORE_IS_BETTER & set(self.metric.split("_")))


@dataclass(frozen=True, slots=True)
class Cell:
    """
    One line of a comparison.

    Parameters
    ----------
    scenario, controller : str
        What was run; the controller is that of HEAD.
    base_controller : str
        Controller of BASE.
    scale : float, optional
        Factor on the demand; None for all scenarios and scales of a controller together.
    finding : Finding
        Statistics and verdict.
    share : float, optional
        Difference as a share of the control delay of BASE.
    faults : tuple of str
        Why the gate fails, beside the verdict: missing seeds, new gridlocks.
    notes : tuple of str
        What else is to be known.
    values : dict
        Seed to the values of BASE and HEAD.
    """

    scenario: str
    controller: str
    base_controller: str
    scale: float | None
    finding: Finding
    share: float | None = None
    faults: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    values: dict[int, tuple[float, float]] = field(default_factory=dict, repr=False)

    @property
    def failed(self) -> bool:
        """Whether the gate fails at this cell."""
        return self.finding.verdict in {WORSE, MISSING, UNPAIRED} or bool(self.faults)

    @property
    def relative(self) -> float | None:
        """Difference as a share of the mean of BASE."""
        if self.finding.difference is None or not self.finding.base:
            return None
        if self.scale is None:
            return math.expm1(self.finding.difference)
        return self.finding.difference / abs(self.finding.base)

    @property
    def controllers(self) -> str:
        """The controller, or both if they differ."""
        if self.controller == self.base_controller:
            return self.controller
        return f"{self.controller} against {self.base_controller}"


@dataclass(frozen=True, slots=True)
class Comparison:
    """
    The answer.

    Parameters
    ----------
    question : Question
        What was asked.
    base, head : str
        Names of both sides.
    cells : tuple of Cell
        In the order of scenario, scale and controller; those over all scenarios last.
    mismatches : tuple of str
        Keys that differ between both sides, each with both values; the gate fails.
    notes : tuple of str
        What else is to be known.
    """

    question: Question
    base: str
    head: str
    cells: tuple[Cell, ...]
    mismatches: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def passed(self) -> bool:
        """Whether the gate passes."""
        return not self.mismatches and not any(cell.failed for cell in self.cells)

    def count(self, verdict: str) -> int:
        """
        Count the cells with a verdict.

        Parameters
        ----------
        verdict : str
            The verdict.

        Returns
        -------
        int
            Cells of single scenarios; the lines over all scenarios do not count.
        """
        return sum(cell.finding.verdict == verdict for cell in self.cells if cell.scale is not None)


def compare(
    base: Sequence[Row], head: Sequence[Row], question: Question, names: tuple[str, str]
) -> Comparison:
    """
    Compare two sets of runs.

    Parameters
    ----------
    base, head : sequence of dict
        Rows of :func:`sim.evaluate.baseline.read_runs`.
    question : Question
        What is asked.
    names : tuple of str
        What to call both sides.

    Returns
    -------
    Comparison
        One cell per scenario, controller and scale of BASE that HEAD should have too, and one for each controller over
        all of them.

    Raises
    ------
    InputError
        If the figure is unknown or nowhere recorded, a controller does not occur, or nothing is left to compare.
    """
    _check_metric(question.metric, [*base, *head])
    before = cells_of(base, question.base_controller or question.head_controller, "BASE")
    after = cells_of(head, question.head_controller, "HEAD")
    matched = match(before, after, across=question.base_controller is not None, same=base is head)
    if not matched:
        msg = f"nothing to compare: HEAD has no other controller than '{question.base_controller}'"
        raise InputError(msg)
    cells = [_cell(one, other, before[one], after.get(other, []), question) for one, other in matched]
    together = _over_all(cells, question)
    cells += together
    judged = judge([cell.finding for cell in cells], len(together))
    partners = {other for _, other in matched}
    mismatches, notes = _keys(base, [row for key in partners for row in after.get(key, [])])
    if question.base_controller is None:
        new = [key for key in after if key not in before]
        notes += [
            f"{scenario} {controller} scale {scale:g} is new, not in BASE"
            for scenario, controller, scale in new
        ]
    cells = [replace(cell, finding=found) for cell, found in zip(cells, judged, strict=True)]
    return Comparison(question, *names, tuple(cells), tuple(mismatches), tuple(notes))


def _check_metric(metric: str, rows: Sequence[Row]) -> None:
    metrics = {key for row in rows for key, value in row.items() if number(value) is not None} - _NO_METRIC
    if metric in metrics:
        return
    if (
        metric not in _NO_METRIC
        and any(metric in row for row in rows)
        and not any(isinstance(row.get(metric), str | bool) for row in rows)
    ):
        msg = f"no run has a value of '{metric}'"
    else:
        msg = f"there is no figure '{metric}' to compare{near_miss(metric, metrics)}"
    raise InputError(msg)


def _cell(one: Key, other: Key, base: Sequence[Row], head: Sequence[Row], question: Question) -> Cell:
    """Pair the runs of a cell and compute its statistics."""
    scenario, controller, scale = other
    cell = Cell(scenario, controller, one[1], scale, Finding(0))
    if not head:
        return replace(cell, finding=Finding(0, verdict=MISSING, reason="HEAD has no run of it"))
    paired = pair(base, head, question.metric)
    if paired.problem:
        return replace(cell, finding=Finding(0, verdict=UNPAIRED, reason=paired.problem))
    values = {seed: [number(row.get(question.metric)) for row in rows] for seed, rows in paired.pairs.items()}
    known = {seed: (b, h) for seed, (b, h) in values.items() if b is not None and h is not None}
    faults, notes = list(paired.faults), list(paired.notes)
    gridlock, told = _gridlocks(paired.pairs)
    if gridlock:
        faults.append(told)
    elif told:
        notes.append(told)
    if paired.pairs and not any(b is not None or h is not None for b, h in values.values()):
        finding = Finding(len(values), verdict=EQUAL, reason=f"no {question.metric} on both sides")
    elif not known:
        finding = Finding(0, verdict=MISSING, reason="no seed has a result on both sides")
    else:
        before = [value for value, _ in known.values()]
        tolerance = question.tolerance.of(sum(before) / len(before))
        after = [value for _, value in known.values()]
        finding = examine(before, after, tolerance, more_is_better=question.more_is_better)
    share = None
    if question.metric in DELAYS and finding.difference is not None:
        costs = [number(paired.pairs[seed][0].get("control_delay")) for seed in known]
        whole = [cost for cost in costs if cost is not None]
        if len(whole) == len(costs) and sum(whole) > 0:
            share = finding.difference / (sum(whole) / len(whole))
    return replace(cell, finding=finding, share=share, faults=tuple(faults), notes=tuple(notes), values=known)


def _gridlocks(pairs: Mapping[int, tuple[Row, Row]]) -> tuple[bool, str]:
    """Say whether more runs lock up than before, and which."""
    new = [seed for seed, (base, head) in pairs.items() if head.get("gridlock") and not base.get("gridlock")]
    gone = [seed for seed, (base, head) in pairs.items() if base.get("gridlock") and not head.get("gridlock")]
    told = [f"new gridlock at {spell_seeds(new)}"] * bool(new) + [
        f"gridlock gone at {spell_seeds(gone)}"
    ] * bool(gone)
    # On a network that locks up now and then the seeds change with every detail; their number is what counts.
    return len(new) > len(gone), ", ".join(told)


def _over_all(cells: Sequence[Cell], question: Question) -> list[Cell]:
    """
    Put the cells of each controller together: mean over the cells of the logarithm of the figure, seed by seed.

    One difference of a few per cent that all scenarios share shows here with far fewer seeds than in any of them.
    """
    if question.tolerance.value and not question.tolerance.percent:
        return []  # half a second means another thing in every scenario
    groups: dict[tuple[str, str], list[Cell]] = defaultdict(list)
    for cell in cells:
        groups[cell.base_controller, cell.controller].append(cell)
    lines = []
    for (base, head), members in groups.items():
        positive = all(min(pair) > 0 for cell in members for pair in cell.values.values())
        seeds = set.intersection(*(set(cell.values) for cell in members))
        if len(members) < 2 or not seeds or not positive:
            continue
        means = {
            seed: [
                sum(math.log(cell.values[seed][side]) for cell in members) / len(members) for side in (0, 1)
            ]
            for seed in sorted(seeds)
        }
        finding = examine(
            [base for base, _ in means.values()],
            [head for _, head in means.values()],
            math.log1p(question.tolerance.value / 100),
            more_is_better=question.more_is_better,
        )
        lines.append(Cell(ALL, head, base, None, finding))
    return lines


def _keys(base: Sequence[Row], head: Sequence[Row]) -> tuple[list[str], list[str]]:
    """Compare what both sides were computed with."""
    mismatches, notes = [], []
    for key, name in _KEYS.items():
        values = [sorted({str(row[key]) for row in side if row.get(key)}) for side in (base, head)]
        texts = [", ".join(value) or "not recorded" for value in values]
        told = f"{name}: {texts[0]} in BASE, {texts[1]} in HEAD"
        if not any(values):
            continue
        if not all(values):
            notes.append(told)
        elif values[0] != values[1]:
            mismatches.append(f"{told}; a difference may come from that, so run or write BASE anew")
    versions = [sorted({str(row.get("package_version")) for row in side}) for side in (base, head)]
    if versions[0] != versions[1]:
        notes.append(f"Grünband {', '.join(versions[0])} in BASE, {', '.join(versions[1])} in HEAD")
    return mismatches, notes
