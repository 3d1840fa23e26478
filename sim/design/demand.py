"""Volumes for the design: from route files, or from a scenario's own demand."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from sim.control.volumes import count_turns
from sim.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sim.control.sumo_programs import ScenarioPart
    from sim.control.volumes import Volumes

WHOLE_DAY = 86400.0
# Windows whose busiest hour a program has to carry [h of the day]; they are the schedule's.
WINDOWS = {"am": ((6, 9),), "offpeak": ((9, 15), (19, 22)), "pm": ((15, 19),), "night": ((0, 6), (22, 24))}
QUARTERS = 4


@dataclass(frozen=True)
class Window:
    """Route files and the time in which they count; what `sim.control.volumes` asks of a scenario."""

    demand: tuple[Path, ...]
    begin: float
    end: float
    additional: tuple[Path, ...] = ()


def read_volumes(
    net: Path,
    routes: Sequence[Path],
    begin: float = 0.0,
    end: float = WHOLE_DAY,
    *,
    additional: Sequence[Path] = (),
) -> Volumes:
    """
    Count the volumes of the busiest hour of route files.

    Parameters
    ----------
    net : Path
        The network.
    routes : sequence of Path
        Route, trip or flow files.
    begin, end : float, optional
        Window [s].
    additional : sequence of Path, optional
        Files with vehicle types and districts.

    Returns
    -------
    dict
        (from edge, to edge) to volume [car equivalents/h].

    Raises
    ------
    InputError
        If nobody drives in the window.
    """
    volumes = busiest_hour(count(net, Window(tuple(routes), begin, end, tuple(additional))))
    if not volumes:
        msg = f"{', '.join(map(str, routes))}: nobody departs between {begin:g} s and {end:g} s; look at the window"
        raise InputError(msg)
    return volumes


def scenario_volumes(net: Path, scenario: ScenarioPart, program: str | None = None) -> dict[str, Volumes]:
    """
    Count the volumes of a scenario for the programs whose time it holds.

    Parameters
    ----------
    net : Path
        The network.
    scenario : ScenarioPart
        Demand and window.
    program : str or None, optional
        The program it is meant for; if not given, a window of a whole day is cut by the schedule, and a shorter one
        is taken for the program in whose time its middle lies.

    Returns
    -------
    dict
        By program.

    Raises
    ------
    InputError
        If nobody departs.
    """
    periods = count(net, scenario)
    if not any(periods):
        msg = f"nobody departs between {scenario.begin:g} s and {scenario.end:g} s; look at the scenario's window"
        raise InputError(msg)
    if program is not None:
        return {program: busiest_hour(periods)}
    if scenario.end - scenario.begin < WHOLE_DAY - 1.0:
        middle = (scenario.begin + scenario.end) / 2.0
        name = _program_at(middle) if scenario.begin > 0.0 else "am"
        return {name: busiest_hour(periods)}
    length = (scenario.end - scenario.begin) / len(periods)
    return {
        name: busiest_hour(
            [p for k, p in enumerate(periods) if _program_at(scenario.begin + (k + 0.5) * length) == name]
        )
        for name in WINDOWS
    }


def _program_at(second: float) -> str:
    hour = second % WHOLE_DAY / 3600.0
    return next(name for name, spans in WINDOWS.items() if any(a <= hour < b for a, b in spans))


def count(net: Path, window: ScenarioPart) -> list[Volumes]:
    """
    Count the turns of every quarter hour.

    Parameters
    ----------
    net : Path
        The network.
    window : ScenarioPart
        Route files and time.

    Returns
    -------
    list of dict
        One for each period.
    """
    with tempfile.TemporaryDirectory(prefix="gruenband-") as scratch:
        return count_turns(net, window, Path(scratch))


def busiest_hour(periods: Sequence[Volumes]) -> Volumes:
    """
    Average the four neighbouring quarters in which most is driven.

    Parameters
    ----------
    periods : sequence of dict
        Volumes of each quarter hour.

    Returns
    -------
    dict
        (from edge, to edge) to volume [car equivalents/h].
    """
    n = min(QUARTERS, len(periods))
    if not n:
        return {}
    sums = [sum(p.values()) for p in periods]
    at = max(range(len(periods) - n + 1), key=lambda k: sum(sums[k : k + n]))
    found: Volumes = {}
    for period in periods[at : at + n]:
        for turn, volume in period.items():
            found[turn] = found.get(turn, 0.0) + volume / n
    return found
