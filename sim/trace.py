"""Writes down what one signal's decisions were made of, line by line."""

from __future__ import annotations

import json
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TextIO

import numpy as np

from sim.core.arrays import EARLY, EXTEND, FORCE, NO_REQUEST
from sim.errors import InputError, near_miss

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from sim.core.arrays import Arrivals, Int, Signals
    from sim.network.layout import Layout

# Name of the file within a run's folder.
TRACE = "trace.jsonl"
REQUESTS = {EXTEND: "extend", EARLY: "early", FORCE: "force"}


class Trace:
    """
    The decisions of one signal on their way into a file.

    Parameters
    ----------
    controller : object
        Has ``trace`` and ``explain``.
    layout : Layout
        The arrays and the names behind their numbers.
    signal : int
        Number of the signal.
    file : TextIO
        Where to write.
    """

    def __init__(self, controller: Any, layout: Layout, signal: int, file: TextIO) -> None:  # noqa: ANN401
        self._controller = controller
        self._begun = False
        self._layout = layout
        self._signal = signal
        self._file = file
        lanes = layout.network.lane_signal
        self._lanes = range(int(np.searchsorted(lanes, signal)), int(np.searchsorted(lanes, signal + 1)))

    def _begin(self) -> None:
        network, s = self._layout.network, self._signal
        self._controller.trace(network, s)
        first, last = network.group_ptr[s], network.group_ptr[s + 1]
        rows = network.stage_shows[network.stage_matrix_ptr[s] : network.stage_matrix_ptr[s + 1]]
        self._write(
            {
                "signal": self._layout.signals[s],
                "groups": [self._layout.groups[g][1] for g in range(first, last)],
                "stages": ["".join("rGg"[show] for show in row) for row in rows.reshape(-1, last - first)],
            }
        )

    def note(
        self, now: float, signals: Signals, arrivals: Arrivals, wish: Int, granted: Int | None = None
    ) -> None:
        """
        Write down a decision; before the first one, what the stages show.

        Parameters
        ----------
        now : float
            Time of simulation [s].
        signals : Signals
            What is shown.
        arrivals : Arrivals
            The vehicles.
        wish : Int
            Shape (S), the stage wanted.
        granted : ndarray, optional
            Shape (S), the request of a vehicle with a priority for which it is wanted.
        """
        network, s = self._layout.network, self._signal
        if not self._begun:
            self._begun = True
            self._begin()
        first, last = network.group_ptr[s], network.group_ptr[s + 1]
        vehicles = []
        for lane in self._lanes:
            for i in range(arrivals.lane_ptr[lane], arrivals.lane_ptr[lane + 1]):
                group = network.movement_group[arrivals.movement[i]]
                request, worth = int(arrivals.request[i]), round(float(arrivals.worth[i]), 2)
                claims = {"weight": worth} if worth != 1.0 else {}
                asks = {"asks": REQUESTS[request]} if request != NO_REQUEST else {}
                vehicles.append(
                    {
                        "lane": self._layout.stop_lanes[lane],
                        "group": self._layout.groups[group][1],
                        "arrives": round(float(arrivals.earliest[i]), 1),
                        "distance": round(float(arrivals.distance[i]), 1),
                        "speed": round(float(arrivals.speed[i]), 1),
                        **claims,
                        **asks,
                    }
                )
        heard = NO_REQUEST if granted is None else int(granted[s])
        self._write(
            {
                "time": now,
                "shown": "".join("rugy"[show] for show in signals.shown[first:last]).replace("g", "G"),
                "stage": int(signals.wanted[s]),
                "wanted": int(wish[s]),
                **({"granted": REQUESTS[heard]} if heard != NO_REQUEST else {}),
                "vehicles": vehicles,
                "candidates": self._controller.explain(),
            }
        )

    def _write(self, entry: dict[str, Any]) -> None:
        self._file.write(json.dumps(entry, ensure_ascii=False) + "\n")


@contextmanager
def open_trace(
    signal: str,
    layout: Layout,
    controller: Any,  # noqa: ANN401
    directory: Path,
) -> Iterator[Trace | None]:
    """
    Open the trace of a signal.

    Parameters
    ----------
    signal : str
        Its id; empty: no trace.
    layout : Layout
        The network.
    controller : object
        Who decides.
    directory : Path
        The run's folder.

    Yields
    ------
    Trace or None
        The trace.

    Raises
    ------
    InputError
        If there is no such signal, or the controller cannot explain itself.
    """
    if not signal:
        yield None
        return
    if not hasattr(controller, "explain"):
        msg = f"--trace {signal}: {type(controller).__name__} does not explain its decisions; trace 'horizon'"
        raise InputError(msg)
    if signal not in layout.signals:
        msg = f"--trace: the network has no signal '{signal}'{near_miss(signal, layout.signals)}"
        raise InputError(msg)
    with (directory / TRACE).open("w", encoding="utf-8") as file:
        yield Trace(controller, layout, layout.signals.index(signal), file)
