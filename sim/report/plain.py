"""The summary for councils and citizens: what changes for whom, and how sure it is, without technical words."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sim.report.answer import Answer
    from sim.report.runs import Situation


def plain_words(situations: list[Situation], answers: list[Answer]) -> list[dict[str, Any]]:
    return []
