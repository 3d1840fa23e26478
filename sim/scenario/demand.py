"""What a demand says of itself before SUMO has read it."""

from __future__ import annotations

import re
from itertools import pairwise
from typing import TYPE_CHECKING

from sim.scenario.xmlfile import open_plain

if TYPE_CHECKING:
    from pathlib import Path

COMMENT = re.compile(r"<!--.*?-->", re.DOTALL)
ROUTE = re.compile(r"""<route\s[^>]*?\bedges\s*=\s*["']([^"']*)""")
TRIP = re.compile(r"<(?:trip|flow)\s[^>]*>")
ENDS = re.compile(r"""\s(from|to|via)\s*=\s*["']([^"']*)""")


def read_text(path: Path) -> str:
    """
    Read a demand file, gzipped or not.

    Parameters
    ----------
    path : Path
        The file.

    Returns
    -------
    str
        Its text.
    """
    with open_plain(path) as file:
        return file.read().decode(errors="replace")


def names_vehicles(demand: tuple[Path, ...]) -> bool:
    """
    Tell whether the demand is written as vehicles; RESCO's own measure charges only those.

    Parameters
    ----------
    demand : tuple of Path
        Route files.

    Returns
    -------
    bool
        True if any file has a ``<vehicle>``.
    """
    return any("<vehicle " in read_text(path) for path in demand)


def written_turns(path: Path) -> set[tuple[str, str]]:
    """
    Collect the turns that a demand file writes out: those of its routes, and of trips from one edge to the next.

    Parameters
    ----------
    path : Path
        The route file.

    Returns
    -------
    set of tuple of str
        Pairs of edges, for membership only. Where SUMO looks for the route itself its turns are not among them.
    """
    text = COMMENT.sub("", read_text(path))
    turns = {turn for edges in ROUTE.findall(text) for turn in pairwise(edges.split())}
    for trip in TRIP.findall(text):
        ends = dict(ENDS.findall(trip))
        if ends.keys() == {"from", "to"}:
            turns.add((ends["from"], ends["to"]))
    return turns
