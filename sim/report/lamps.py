"""What the signal groups of a run showed, from its recorded switches."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from sim.evaluate.greens import greens_of

if TYPE_CHECKING:
    from sim.evaluate.record import Lamps, Record
    from sim.network.graph import RoadGraph
    from sim.report.corridors import Intervals

DARK = "O"


@dataclass(frozen=True, slots=True)
class Shown:
    """The lamps of a link: from each time on [s since the window's begin] its letter, the last one to the end."""

    times: tuple[float, ...]
    letters: str

    def plain(self) -> dict[str, Any]:
        """
        Write it for the page.

        Returns
        -------
        dict
            ``steps`` [s], the first since the window's begin, the others since the change before, and ``letters``.
        """
        steps = [self.times[0], *(b - a for a, b in pairwise(self.times))] if self.times else []
        return {"steps": [short(step) for step in steps], "letters": self.letters}


def short(value: float) -> float | int:
    """
    Write a time or length in as few letters as it needs.

    Parameters
    ----------
    value : float
        Seconds or metres.

    Returns
    -------
    float or int
        To a tenth; whole numbers without a point.
    """
    rounded = round(value, 1)
    return int(rounded) if rounded == int(rounded) else rounded


def link_lamps(lamps: Lamps, link: int, begin: float) -> Shown:
    """
    Pick one link out of the states of a signal.

    Parameters
    ----------
    lamps : Lamps
        What the signal showed.
    link : int
        Number of the link; every link of a group shows the same.
    begin : float
        Begin of the window [s]; of what was shown before only the last counts.

    Returns
    -------
    Shown
        Its lamps; a link that a state does not have is dark.
    """
    if link >= lamps.letters.shape[1]:
        return Shown((0.0,), DARK)
    times: list[float] = []
    letters: list[str] = []
    for time, letter in zip(
        lamps.times.tolist(), lamps.letters[:, link].tobytes().decode("ascii"), strict=True
    ):
        since = max(0.0, time - begin)
        if times and times[-1] == since:
            times.pop()
            letters.pop()
        if not letters or letters[-1] != letter:
            times.append(since)
            letters.append(letter)
    return Shown(tuple(times), "".join(letters))


def link_greens(record: Record, signal: str, links: tuple[int, ...]) -> Intervals:
    """
    List when any of some links of a signal was green.

    Parameters
    ----------
    record : Record
        The run.
    signal : str
        Id of the signal.
    links : tuple of int
        Numbers of the links.

    Returns
    -------
    list of tuple of float
        Begin and end of each green [s since the window's begin]; nothing for a signal without a record.
    """
    lamps = record.lamps.get(signal)
    if lamps is None:
        return []
    begins, ends = greens_of(lamps, links, record.end)
    pairs = zip(begins.tolist(), ends.tolist(), strict=True)
    return [(max(a - record.begin, 0.0), b - record.begin) for a, b in pairs if b > record.begin]


def through_links(graph: RoadGraph, signal: str, from_edge: str, to_edge: str) -> tuple[int, ...]:
    """
    Find the links of a signal by which a road goes on.

    Parameters
    ----------
    graph : RoadGraph
        The network.
    signal : str
        Id of the signal.
    from_edge, to_edge : str
        Edges before and behind the stop line.

    Returns
    -------
    tuple of int
        Numbers of the links.
    """
    return tuple(
        sorted(
            movement.link
            for movement in graph.movements
            if movement.signal == signal and movement.from_edge == from_edge and movement.to_edge == to_edge
        )
    )
