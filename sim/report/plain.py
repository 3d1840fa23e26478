"""The summary for councils and citizens: what changes for whom, and how sure it is, without technical words."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sim.evaluate.verdict import BETTER, EQUAL, OPEN, WORSE, Finding, examine, judge
from sim.report.words import Number, Words, count, name, say

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sim.report.answer import Answer, Effect
    from sim.report.runs import Cell, Situation

# Column of each mode's delay, in the order in which people are told.
MODES = {
    "foot": "delay_pedestrian",
    "bicycle": "delay_bicycle",
    "tram": "delay_tram",
    "bus": "delay_bus",
    "car": "delay_car",
    "truck": "delay_truck",
}
# More do not fit on a page.
MOST = 3
# Below this nobody notices [s].
NOTICED = 1.0


@dataclass
class Mode:
    """What changes for one way of travelling; ``tone`` is better, worse, unsure or empty."""

    title: Words
    text: Words
    tone: str


@dataclass
class Part:
    """The plain words about one situation."""

    title: str
    sentences: list[Words]
    modes: list[Mode]
    sure: Words | None


def plain_words(situations: Sequence[Situation], found: Sequence[Answer]) -> tuple[list[Part], int]:
    """
    Tell the answers in plain words.

    Parameters
    ----------
    situations : sequence of Situation
        All situations.
    found : sequence of Answer
        Their answers, in the same order.

    Returns
    -------
    tuple of list of Part and int
        As many situations as fit on a page, those with the demand as it is first, and how many are left out.
    """
    pairs = [
        (s, a)
        for s, a in zip(situations, found, strict=True)
        if a.chosen is not None and a.chosen.finding.pairs
    ]
    pairs.sort(key=lambda pair: (abs(pair[0].scale - 1), pair[0].number))
    shown = sorted(pairs[:MOST], key=lambda pair: pair[0].number)
    return [_part(s, a.chosen) for s, a in shown if a.chosen is not None], len(pairs) - len(shown)


def _part(situation: Situation, effect: Effect) -> Part:
    base, head = situation.cells[0], effect.cell
    facts = {"now": _called(base), "new": name(head.controller)}
    told = _modes(base, head)
    sentences = [say(f"plain-{_way(effect.finding)}", seconds=_seconds(effect.finding), **facts)]
    if not told:
        told = [Mode(say("plain-mode-all"), _change(effect.finding), _tone(effect.finding))]
    examined = _examined(base, head, "co2")
    (gas,) = judge([examined]) if examined is not None else [None]
    if gas is not None and gas.verdict in {BETTER, WORSE} and gas.base and gas.difference is not None:
        share = Number(abs(100 * gas.difference / gas.base), 0)
        sentences.append(say("plain-co2-less" if gas.difference < 0 else "plain-co2-more", share=share))
    sentences += [
        say("plain-locked", locked=locked, done=count("days", len(cell.done)), name=_called(cell))
        for cell in (base, head)
        if (locked := sum(bool(row["gridlock"]) for row in cell.done))
    ]
    return Part(situation.title, sentences, told, _sure(base, effect))


def _called(cell: Cell) -> Words:
    """Call the net's own programs what they are; others by their name."""
    if str(cell.summary["controller_id"]).startswith("program-v"):
        return say("plain-program")
    return say("plain-control", name=name(cell.controller))


def _examined(base: Cell, head: Cell, column: str) -> Finding | None:
    before = {row["seed"]: float(row[column]) for row in base.done if row.get(column) is not None}
    after = {row["seed"]: float(row[column]) for row in head.done if row.get(column) is not None}
    seeds = sorted(before.keys() & after.keys())
    if not seeds:
        return None
    return examine([before[s] for s in seeds], [after[s] for s in seeds], 0.0, more_is_better=False)


def _modes(base: Cell, head: Cell) -> list[Mode]:
    """Judge all ways of travelling together: with six of them, one would else seem changed by chance too often."""
    examined = {title: _examined(base, head, column) for title, column in MODES.items()}
    there = {title: finding for title, finding in examined.items() if finding is not None}
    judged = zip(there, judge(list(there.values())), strict=True)
    return [Mode(say(f"plain-mode-{title}"), _change(finding), _tone(finding)) for title, finding in judged]


def _way(finding: Finding) -> str:
    """Name the sentence that a finding deserves."""
    difference = finding.difference or 0.0
    if finding.verdict == OPEN:
        return "open"
    if finding.verdict == EQUAL or abs(difference) < NOTICED:
        return "same"
    return "less" if difference < 0 else "more"


def _tone(finding: Finding) -> str:
    way = _way(finding)
    return {"less": "better", "more": "worse", "open": "unsure", "same": ""}[way]


def _seconds(finding: Finding) -> Number:
    return Number(abs(finding.difference or 0.0), 0)


def _change(finding: Finding) -> Words:
    if finding.verdict in {BETTER, WORSE} or _way(finding) == "same":
        return say(f"plain-change-{_way(finding)}", seconds=_seconds(finding))
    if abs(finding.difference or 0.0) < NOTICED:
        return say("plain-change-open-same")
    lower = (finding.difference or 0.0) < 0
    return say("plain-change-open-less" if lower else "plain-change-open-more", seconds=_seconds(finding))


def _sure(base: Cell, effect: Effect) -> Words:
    finding = effect.finding
    before = {row["seed"]: float(row["delay"]) for row in base.done}
    after = {row["seed"]: float(row["delay"]) for row in effect.cell.done}
    seeds = before.keys() & after.keys()
    facts = {
        "days": count("days", finding.pairs),
        "wins": sum(after[s] < before[s] for s in seeds),
        "new": name(effect.controller),
    }
    if finding.pairs == 1:
        return say("plain-sure-one", **facts)
    if finding.verdict == OPEN:
        if finding.seeds_needed is None:
            return say("plain-sure-never", **facts)
        return say("plain-sure-open", needed=finding.seeds_needed, **facts)
    if finding.t_interval is None:
        return say("plain-sure-equal", **facts)
    low, high = sorted(abs(end) for end in finding.t_interval)
    return say("plain-sure-yes", low=Number(low, 0), high=Number(high, 0), **facts)
