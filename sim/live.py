"""Where the vehicles of a running simulation are, written down as long as somebody looks at it."""

from __future__ import annotations

import json
import os
import time
from contextlib import suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from sim.sumo.session import Session

# Who looks at a run keeps the time stamp of the first file young; the second is written for him.
WATCHED, LIVE = "watched", "live.json"
# Nobody looks any more if the time stamp is older than this [s].
STALE = 15.0
# Slower vehicles stand [m/s], as in SUMO's count of halting vehicles.
STANDING = 0.1


def open_to_watch(directory: Path) -> None:
    """
    Make it possible to look at a run.

    The file is made here and never by those who look, so that none can appear after the run is complete.

    Parameters
    ----------
    directory : Path
        Working directory of the run.
    """
    (directory / WATCHED).touch()
    os.utime(directory / WATCHED, (0, 0))


def close_to_watch(directory: Path) -> None:
    """
    Remove what is only for those who look.

    Parameters
    ----------
    directory : Path
        Working directory of the run.
    """
    for name in (WATCHED, LIVE, f".{LIVE}"):
        (directory / name).unlink(missing_ok=True)


class Live:
    """
    A run that may be looked at.

    Parameters
    ----------
    directory : Path
        Its working directory.
    session : Session
        Its simulation.
    """

    def __init__(self, directory: Path, session: Session) -> None:
        self._directory = directory
        self._session = session

    def tell(self, now: float) -> None:
        """
        Write where the vehicles are, if somebody looks.

        Nothing of the run depends on it, so a fault in writing does not end it.

        Parameters
        ----------
        now : float
            Simulated time [s].
        """
        with suppress(OSError):
            if time.time() - (self._directory / WATCHED).stat().st_mtime < STALE:
                aside = self._directory / f".{LIVE}"
                aside.write_text(json.dumps(snapshot(self._session, now)), encoding="utf-8")
                aside.replace(self._directory / LIVE)


def snapshot(session: Session, now: float) -> dict[str, object]:
    """
    Sum up where the vehicles are; nothing in the simulation changes by it.

    Parameters
    ----------
    session : Session
        The simulation.
    now : float
        Simulated time [s].

    Returns
    -------
    dict
        ``time`` [s], ``vehicles`` and ``standing`` ones in the network, ``waiting`` to get in, mean ``delay`` so far of
        those in the network [s/veh], and ``edges``: per edge vehicles, standing ones, mean speed [m/s] and mean delay.
    """
    where, speeds, delays = session.under_way()
    edges: dict[str, list[float]] = {}
    for edge, speed, delay in zip(where, speeds, delays, strict=True):
        if not edge.startswith(":"):
            sums = edges.setdefault(edge, [0, 0, 0.0, 0.0])
            sums[0] += 1
            sums[1] += speed < STANDING
            sums[2] += speed
            sums[3] += delay
    return {
        "time": now,
        "vehicles": len(where),
        "standing": sum(speed < STANDING for speed in speeds),
        "waiting": session.waiting_to_get_in(),
        "delay": sum(delays) / len(delays) if delays else None,
        "edges": {
            edge: [count, standing, round(speed / count, 2), round(delay / count, 1)]
            for edge, (count, standing, speed, delay) in edges.items()
        },
    }
