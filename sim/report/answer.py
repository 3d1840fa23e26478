"""The answer in words: which controller, by how much, how sure, for every situation."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from sim.evaluate.verdict import BETTER, EQUAL, OPEN, WORSE, Finding, examine, judge
from sim.report.words import Number, Words, count, name, say

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sim.report.runs import Cell, Situation

# What stands before a verdict, so that it is not told by colour alone; tone and text by verdict.
SIGNS = {BETTER: "▲", WORSE: "▼", EQUAL: "=", OPEN: "?"}
TONES = {BETTER: "better", WORSE: "worse", OPEN: "unsure"}
TEXTS = {BETTER: "verdict-better", WORSE: "verdict-worse", EQUAL: "verdict-equal", OPEN: "verdict-open"}


@dataclass
class Effect:
    """
    What one controller changes against the reference, over the seeds that both have.

    Parameters
    ----------
    cell : Cell
        The controller's runs.
    finding : Finding
        Differences of the delay [s/veh] with interval and verdict.
    share : float, optional
        The difference as a share of the reference's control delay.
    """

    cell: Cell
    finding: Finding
    share: float | None = None

    @property
    def controller(self) -> str:
        """Its name."""
        return self.cell.controller

    @property
    def sign(self) -> str:
        """What stands before the verdict."""
        return SIGNS.get(self.finding.verdict, "≈")

    @property
    def tone(self) -> str:
        """Class of its colours."""
        return TONES.get(self.finding.verdict, "")

    @property
    def word(self) -> Words:
        """The verdict."""
        return say(TEXTS.get(self.finding.verdict, "verdict-same"))

    @property
    def difference(self) -> Words:
        """The mean difference [s/veh], and its share."""
        shown = say("effect-number", value=Number(self.finding.difference, sign=True))
        if self.finding.difference is None or not self.finding.base:
            return shown
        return say(
            "effect-share",
            value=shown,
            share=Number(100 * self.finding.difference / self.finding.base, 0, sign=True),
        )

    @property
    def interval(self) -> Words:
        """Its 95 % confidence interval, or why there is none."""
        if self.finding.t_interval is None:
            return say("interval-none")
        low, high = self.finding.t_interval
        return say("interval-of", low=Number(low, sign=True), high=Number(high, sign=True))

    @property
    def part(self) -> Words:
        """The difference as a share of the control delay."""
        return say(
            "effect-part", share=Number(None if self.share is None else 100 * self.share, 0, sign=True)
        )

    @property
    def pairs(self) -> Words:
        """How many seeds, and how many would do."""
        if self.finding.verdict == OPEN and self.finding.pairs > 1 and self.finding.seeds_needed is not None:
            return say("pairs-needed", count=self.finding.pairs, needed=self.finding.seeds_needed)
        return say("pairs-of", count=self.finding.pairs)


@dataclass
class Answer:
    """
    What the report says about one situation.

    Parameters
    ----------
    title : str
        Name of the situation.
    tone : str
        Class of its colours: better, worse, unsure or empty.
    headline : Words
        The answer.
    base : str
        Who is compared with.
    effects : list of Effect
        The others against it.
    notes : list of Words
        What has to be known beside it.
    best : list of int
        Numbers of the cells with the lowest mean delay, where that may be said.
    chosen : Effect, optional
        The effect that the headline tells.
    """

    title: str
    tone: str
    headline: Words
    base: str = ""
    effects: list[Effect] = field(default_factory=list)
    notes: list[Words] = field(default_factory=list)
    best: list[int] = field(default_factory=list)
    chosen: Effect | None = None


def answers(situations: Sequence[Situation]) -> list[Answer]:
    """
    Say which controller is best in every situation.

    Parameters
    ----------
    situations : sequence of Situation
        All situations of the report; Holm's correction counts all their comparisons with the references.

    Returns
    -------
    list of Answer
        One per situation, in their order.
    """
    effects = [compare_cells(situation) for situation in situations]
    judged = iter(judge([effect.finding for group in effects for effect in group]))
    for group in effects:
        for effect in group:
            effect.finding = next(judged)
    return [_answer(situation, group) for situation, group in zip(situations, effects, strict=True)]


def compare_cells(situation: Situation) -> list[Effect]:
    """
    Pair every controller's runs with the reference's, seed by seed.

    Parameters
    ----------
    situation : Situation
        Its cells; the first one is the reference.

    Returns
    -------
    list of Effect
        Without verdicts; empty if the reference has no run.
    """
    base, *others = situation.cells
    if not base.done:
        return []
    return [Effect(cell, _examine(base, cell), _share(base, cell)) for cell in others if cell.done]


def _delays(cell: Cell) -> dict[int, float]:
    return {row["seed"]: float(row["delay"]) for row in cell.done}


def _examine(base: Cell, head: Cell) -> Finding:
    before, after = _delays(base), _delays(head)
    seeds = sorted(before.keys() & after.keys())
    return examine([before[s] for s in seeds], [after[s] for s in seeds], 0.0, more_is_better=False)


def _share(base: Cell, head: Cell) -> float | None:
    """Take the difference as a share of what signals and conflicts cost under the reference."""
    control = {
        row["seed"]: float(row["control_delay"]) for row in base.done if row["control_delay"] is not None
    }
    after, before = _delays(head), _delays(base)
    seeds = sorted(control.keys() & after.keys())
    cost = sum(control[s] for s in seeds)
    return sum(after[s] - before[s] for s in seeds) / cost if cost > 0 else None


def _answer(situation: Situation, effects: list[Effect]) -> Answer:
    finished = [cell for cell in situation.cells if cell.done]
    if not finished:
        return Answer(situation.title, "unsure", say("answer-none"), notes=_notes(situation))
    base = situation.cells[0]
    if not effects:
        alone = finished[0]
        headline = say(
            "answer-alone" if len(finished) == 1 else "answer-no-base",
            name=name(alone.controller),
            delay=Number(alone.summary["delay"]),
            seeds=count("seeds", len(alone.done)),
            base=name(base.controller),
        )
        return Answer(
            situation.title, "unsure" if len(finished) > 1 else "", headline, notes=_notes(situation)
        )
    effects.sort(key=_gain)
    best = effects[0]
    tone, headline = _headline(base, best, effects)
    answer = Answer(situation.title, tone, headline, base.controller, effects, chosen=best)
    answer.notes = [*_runner_up(effects), *_notes(situation)]
    if (
        all(len(cell.done) == len(cell.runs) for cell in situation.cells)
        and len({len(c.runs) for c in finished}) == 1
    ):
        lowest = min(float(cell.summary["delay"]) for cell in finished)
        answer.best = [cell.number for cell in finished if cell.summary["delay"] == lowest]
    return answer


def _gain(effect: Effect) -> float:
    return effect.finding.difference if effect.finding.difference is not None else 0.0


def _headline(base: Cell, best: Effect, effects: list[Effect]) -> tuple[str, Words]:
    finding = best.finding
    facts = {
        "name": name(best.controller),
        "base": name(base.controller),
        "head": Number(finding.head),
        "before": Number(finding.base),
        "less": Number(None if finding.difference is None else abs(finding.difference)),
        "share": Number(
            abs(100 * finding.difference / finding.base) if finding.base and finding.difference else 0.0, 0
        ),
        "seeds": count("seeds", finding.pairs),
        "needed": finding.seeds_needed or 0,
    }
    if finding.pairs == 0:
        return "unsure", say("answer-unpaired", **facts)
    if finding.t_interval is not None:
        low, high = sorted(abs(end) for end in finding.t_interval)
        facts |= {"low": Number(low), "high": Number(high)}
    if finding.verdict == BETTER:
        return "better", say("answer-better", **facts)
    if finding.verdict == WORSE:
        key = "answer-worst" if len(effects) > 1 else "answer-worse"
        return "worse", say(key, **facts)
    if finding.pairs == 1 and finding.verdict == OPEN:
        return "unsure", say("answer-open-one", **facts)
    if finding.verdict == OPEN:
        lower = finding.difference is not None and finding.difference < 0
        key = "answer-open-lower" if lower else "answer-open-higher"
        if finding.seeds_needed is None:
            key += "-ever"
        return "unsure", say(key, **facts)
    return "", say("answer-equal" if finding.verdict == EQUAL else "answer-same", **facts)


def _runner_up(effects: list[Effect]) -> list[Words]:
    """Say whether the best one is told from the second best; a question of its own, with no other beside it."""
    better = [effect for effect in effects if effect.finding.verdict == BETTER]
    if len(better) < 2:
        return []
    first, second = better[0], better[1]
    (finding,) = judge([_examine(second.cell, first.cell)])
    facts = {"first": name(first.controller), "second": name(second.controller)}
    if finding.verdict == BETTER and finding.t_interval is not None and finding.difference is not None:
        low, high = sorted(abs(end) for end in finding.t_interval)
        return [
            say(
                "second-better", less=Number(-finding.difference), low=Number(low), high=Number(high), **facts
            )
        ]
    return [say("second-open", **facts)]


def _notes(situation: Situation) -> list[Words]:
    """Say what makes a mean worth less: locked-up runs, missing runs, vehicles that never got in."""
    notes = []
    for cell in situation.cells:
        facts = {"name": name(cell.controller), "runs": len(cell.runs), "done": len(cell.done)}
        locked = sum(bool(row["gridlock"]) for row in cell.done)
        if locked:
            notes.append(say("note-gridlock", locked=locked, **facts))
        if len(cell.done) < len(cell.runs):
            reasons = Counter(str(row["reason"]) for row in cell.runs if row["reason"])
            reason = name(reasons.most_common(1)[0][0]) if reasons else "–"
            notes.append(say("note-missing", missing=len(cell.runs) - len(cell.done), reason=reason, **facts))
        outside = cell.summary["undeparted"]
        if outside is not None and outside >= 1:
            notes.append(say("note-outside", outside=Number(outside, 0), **facts))
    return notes
