"""The answer in words: which controller, by how much, how sure, for every situation."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from sim.report.words import Number, Words, name, say

if TYPE_CHECKING:
    from sim.report.runs import Situation


@dataclass
class Answer:
    """What the report says about one situation; ``tone`` is better, worse, unsure or empty."""

    title: str
    tone: str
    headline: Words
    base: str = ""
    effects: list[dict[str, Any]] = field(default_factory=list)
    notes: list[Words] = field(default_factory=list)
    best: list[int] = field(default_factory=list)


def answer(situation: Situation) -> Answer:
    """
    Say which controller is best in a situation.

    Parameters
    ----------
    situation : Situation
        Its runs.

    Returns
    -------
    Answer
        Headline, effects against the first cell, and remarks.
    """
    finished = [cell for cell in situation.cells if cell.done]
    if not finished:
        return Answer(situation.title, "unsure", say("answer-none"))
    return Answer(
        situation.title,
        "",
        say(
            "answer-alone",
            name=name(finished[0].controller),
            delay=Number(finished[0].summary["delay"]),
            seeds=say("seeds-many", count=len(finished[0].done)),
        ),
    )
