"""A comparison as Markdown for a pull request."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from sim.evaluate import wording
from sim.evaluate.baseline import printable
from sim.evaluate.verdict import BETTER, EQUAL, MISSING, OPEN, SAME, UNPAIRED, WORSE

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from sim.evaluate.comparison import Cell, Comparison

_MARKS = {WORSE: "🔴", MISSING: "🔴", UNPAIRED: "🔴", OPEN: "⚪", SAME: "🟢", BETTER: "🟢", EQUAL: "🟢"}
_SHOWN = 20  # lines before the fold; more hide the verdict
_TITLES = (
    "",
    "scenario",
    "controller",
    "scale",
    "seeds",
    "BASE",
    "HEAD",
    "difference",
    "95 % interval",
    "remarks",
)
_ALL_TITLES = ("", *_TITLES[1:9], "BCa interval", "of control delay", "p (Holm)", "shows from", "remarks")
_SPECIAL = re.compile(r"([\\`*_{}\[\]()#!|<>~@&$:])")


def to_markdown(comparison: Comparison) -> str:
    """
    Write a comparison as GitHub and GitLab show it.

    Parameters
    ----------
    comparison : Comparison
        The comparison.

    Returns
    -------
    str
        Verdict first, then the cells that are not equal, all figures folded. Names from files are escaped: none can
        become a heading, a link, a mention or markup.
    """
    mark = "🟢" if comparison.passed else "🔴"
    parts = [f"### {mark} Traffic: {wording.headline(comparison)}", escape(wording.asked(comparison))]
    told = [f"- **{escape(line)}**" for line in comparison.mismatches]
    told += [f"- {escape(line)}" for line in comparison.notes[:_SHOWN]]
    if told:
        parts.append("\n".join(told))
    telling = [cell for cell in comparison.cells if cell.failed or cell.finding.verdict != EQUAL]
    telling.sort(key=lambda cell: (not cell.failed, wording.VERDICTS.index(cell.finding.verdict)))
    if telling:
        parts.append(_table(_TITLES, (_short(cell) for cell in telling[:_SHOWN])))
    if len(telling) > _SHOWN:
        parts.append(f"and {len(telling) - _SHOWN} more below")
    every = _table(_ALL_TITLES, (_long(cell) for cell in comparison.cells))
    summary = f"<summary>All {len(comparison.cells)} lines with their statistics</summary>"
    parts.append(f"<details>{summary}\n\n{every}\n\n</details>")
    return "\n\n".join(parts) + "\n"


def escape(text: str) -> str:
    """
    Make a text harmless in Markdown, also inside a table.

    Parameters
    ----------
    text : str
        Any text.

    Returns
    -------
    str
        One line, with every character that could be markup escaped.
    """
    # An entity, since GitHub links mentions and tables end at a bar even behind a backslash in some renderers.
    return _SPECIAL.sub(lambda found: f"&#{ord(found[1])};", printable(text))


def _table(titles: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [titles, ["---"] * len(titles), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _names(cell: Cell) -> list[str]:
    scale = wording.NONE if cell.scale is None else f"{cell.scale:g}"
    named = [f"{_MARKS[cell.finding.verdict]} {cell.finding.verdict}", escape(cell.scenario)]
    if cell.failed:
        named[0] = f"🔴 {cell.finding.verdict}"
    return [*named, escape(cell.controllers), scale, str(cell.finding.pairs)]


def _figures(cell: Cell) -> list[str]:
    found = cell.finding
    return [
        wording.mean(cell, found.base),
        wording.mean(cell, found.head),
        wording.difference(cell),
        wording.interval(cell, found.t_interval),
    ]


def _short(cell: Cell) -> list[str]:
    return [*_names(cell), *_figures(cell), escape(wording.remarks(cell))]


def _long(cell: Cell) -> list[str]:
    found = cell.finding
    more = [
        wording.interval(cell, found.bca_interval),
        wording.share(cell),
        escape(wording.probability(found.p_holm)),
    ]
    return [*_names(cell), *_figures(cell), *more, wording.detectable(cell), escape(wording.remarks(cell))]
