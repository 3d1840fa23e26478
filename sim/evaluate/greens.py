"""When the links of a signal showed green in a run."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from sim.evaluate.record import Floats, Lamps, Record
    from sim.evaluate.turns import Turn


def turn_greens(record: Record, turn: Turn) -> tuple[Floats, Floats]:
    """
    Find the greens of a turn in a run.

    Parameters
    ----------
    record : Record
        The run.
    turn : Turn
        The turn.

    Returns
    -------
    tuple of ndarray
        Begins and ends [s]; none if the lamps were not recorded.
    """
    lamps = record.lamps.get(turn.signal)
    if lamps is None:
        return np.empty(0), np.empty(0)
    return greens_of(lamps, turn.links, record.end)


def greens_of(lamps: Lamps, links: Sequence[int], end: float, letters: str = "Gg") -> tuple[Floats, Floats]:
    """
    Find when any of some links showed green.

    Parameters
    ----------
    lamps : Lamps
        What the signal showed.
    links : sequence of int
        Indices in its state strings.
    end : float
        Until when the last one was shown [s].
    letters : str, optional
        What counts as green: ``G`` alone leaves out the green that gives way.

    Returns
    -------
    tuple of ndarray
        Begins and ends of the greens, in order [s]; one that goes on ends at `end`.
    """
    shown = lamps.letters[:, [link for link in links if link < lamps.letters.shape[1]]]
    on: NDArray[np.bool_] = np.zeros(len(shown), np.bool_)
    for letter in letters.encode():
        on |= (shown == letter).any(axis=1)
    change = np.flatnonzero(np.diff(np.concatenate(([False], on, [False])).astype(np.int8)))
    bounds = np.append(lamps.times, end)[change]
    return bounds[::2], bounds[1::2]


def total(greens: tuple[Floats, Floats]) -> float:
    """
    Add up greens.

    Parameters
    ----------
    greens : tuple of ndarray
        Begins and ends [s].

    Returns
    -------
    float
        Time [s].
    """
    return float((greens[1] - greens[0]).sum())


def is_on(greens: tuple[Floats, Floats], at: Floats) -> NDArray[np.bool_]:
    """
    Tell which moments lie in a green.

    Parameters
    ----------
    greens : tuple of ndarray
        Begins and ends, in order [s].
    at : ndarray
        Shape (times,) [s].

    Returns
    -------
    ndarray
        Shape (times,).
    """
    begins, ends = greens
    if not len(begins):
        return np.zeros(len(at), np.bool_)
    which = np.searchsorted(begins, at, side="right") - 1
    found: NDArray[np.bool_] = (which >= 0) & (at < ends[which])
    return found
