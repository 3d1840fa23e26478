"""What the signal groups of a run showed, from its recorded switches."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sim.errors import InputError
from sim.evaluate.database import connect

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from sim.network.graph import RoadGraph
    from sim.report.corridors import Intervals

SWITCHES = "switches.parquet"
GREEN = frozenset("Gg")


@dataclass(frozen=True, slots=True)
class Shown:
    """The lamps of a link or group: from each time on [s since the window's begin] its letter, the last one to the end."""

    times: tuple[float, ...]
    letters: str

    def greens(self, end: float) -> Intervals:
        """
        List when it was green.

        Parameters
        ----------
        end : float
            End of the window [s since its begin].

        Returns
        -------
        list of tuple of float
            Begin and end of each green [s since the window's begin].
        """
        found: Intervals = []
        for k, letter in enumerate(self.letters):
            if letter not in GREEN:
                continue
            until = self.times[k + 1] if k + 1 < len(self.times) else end
            if found and found[-1][1] == self.times[k]:
                found[-1] = (found[-1][0], until)
            else:
                found.append((self.times[k], until))
        return found

    def plain(self) -> dict[str, Any]:
        """
        Write it for the page.

        Returns
        -------
        dict
            ``steps`` [s] from one change to the next, the first from the window's begin, and ``letters``.
        """
        steps = [self.times[0], *(round(b - a, 2) for a, b in zip(self.times, self.times[1:], strict=False))] if self.times else []
        return {"steps": [int(s) if s == int(s) else s for s in steps], "letters": self.letters}


def read_switches(directory: Path, begin: float) -> dict[str, tuple[list[float], list[str]]]:
    """
    Read when the lamps of each signal changed, and to what.

    Parameters
    ----------
    directory : Path
        Folder of a run.
    begin : float
        Begin of its window [s].

    Returns
    -------
    dict
        By signal: times [s since the begin, not below 0] and the state strings from then on.

    Raises
    ------
    InputError
        If the run recorded none, or the table is damaged.
    """
    import duckdb  # noqa: PLC0415  (see database.connect)

    path = directory / SWITCHES
    if not path.is_file():
        msg = f"{path} is missing: the run recorded no lamps; run it again to see its signals"
        raise InputError(msg)
    connection = connect()
    try:
        rows = connection.execute(
            "SELECT signal, CAST(time AS DOUBLE), state FROM read_parquet($path) ORDER BY signal, time",
            {"path": str(path)},
        ).fetchall()
    except duckdb.Error as error:
        msg = f"{path} is damaged ({str(error).strip().splitlines()[0]}); run it again"
        raise InputError(msg) from error
    finally:
        connection.close()
    found: dict[str, tuple[list[float], list[str]]] = {}
    for signal, time, state in rows:
        times, states = found.setdefault(signal, ([], []))
        since = max(0.0, time - begin)
        if times and times[-1] == since:
            states[-1] = state  # before the window only the last state counts
        else:
            times.append(since)
            states.append(state)
    return found


def link_lamps(switches: tuple[list[float], list[str]], link: int) -> Shown:
    """
    Pick one link out of the states of a signal.

    Parameters
    ----------
    switches : tuple of list
        Times and states of the signal.
    link : int
        Number of the link; every link of a group shows the same.

    Returns
    -------
    Shown
        Its lamps; a link that a state does not have is off.
    """
    times: list[float] = []
    letters: list[str] = []
    for time, state in zip(*switches, strict=True):
        letter = state[link] if link < len(state) else "O"
        if not letters or letters[-1] != letter:
            times.append(time)
            letters.append(letter)
    return Shown(tuple(times), "".join(letters))


def group_lamps(graph: RoadGraph, switches: dict[str, tuple[list[float], list[str]]], signal: str) -> dict[str, Shown]:
    """
    Tell what every group of a signal showed.

    Parameters
    ----------
    graph : RoadGraph
        The network.
    switches : dict
        Of `read_switches`.
    signal : str
        Id of the signal.

    Returns
    -------
    dict of str to Shown
        By name of the group; empty if nothing was recorded.
    """
    if signal not in switches:
        return {}
    return {group.name: link_lamps(switches[signal], group.links[0]) for group in graph.signals[signal].groups if group.links}


def through_link(graph: RoadGraph, signal: str, from_edge: str, to_edge: str) -> int | None:
    """
    Find the link of a signal by which a road goes on.

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
    int or None
        Number of the link; None if the signal has none between the two.
    """
    links: Sequence[int] = [
        movement.link
        for movement in graph.movements
        if movement.signal == signal and movement.from_edge == from_edge and movement.to_edge == to_edge
    ]
    return min(links, default=None)
