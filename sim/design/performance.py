"""
How traffic fares under a layout: capacity, degree of saturation, mean delay, level of service.

References
----------
.. [1] F. V. Webster, Traffic Signal Settings, 1958: uniform delay.
.. [2] Transportation Research Board, Highway Capacity Manual 2000, equation 16-12: delay of random and overflow queues.
.. [3] W. Siegloch, 1973: capacity of a stream that waits for gaps.
.. [4] FGSV, HBS 2015, S4: levels of service (QSV) at signals by mean wait, of pedestrians by longest wait.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from sim.control.critical import FOLLOW_UP, GAP
from sim.network.flow import QUEUE_SPACE
from sim.signals.lamps import GREEN, PERMISSIVE, is_green
from sim.signals.quality import quality

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from sim.design.loads import Loads
    from sim.design.site import Site

# Lost at the begin of green [s]; what SUMO's drivers gain of the yellow is kept as a reserve.
START_LOSS = 2.0
# Turners who wait on the junction and leave when green has ended, each cycle and lane; assumed.
SNEAKERS = 1.0
# A queue is at times this much longer than on average [-]; assumed.
LONG_QUEUE = 1.5
# What is left of a turn's capacity beside a pedestrian green; assumed.
BESIDE_WALKERS = 0.85
# Period over which an overload lasts [h].
PERIOD = 0.25
# Pedestrians of a crossing, for weighing their wait against that of vehicles [1/h]; assumed.
WALKERS = 40.0
# A stream without a usable green has this capacity, so that ratios stay finite [veh/h].
LEAST_CAPACITY = 1.0


@dataclass(frozen=True)
class LanePerformance:
    """
    One lane at the stop line.

    Parameters
    ----------
    lane : str
        The lane.
    streams : tuple of int
        Positions of its streams.
    volume, capacity : float
        [car equivalents/h].
    saturation : float
        Degree of saturation x [-].
    delay : float
        Mean [s/veh].
    """

    lane: str
    streams: tuple[int, ...]
    volume: float
    capacity: float
    saturation: float
    delay: float

    @property
    def level(self) -> str:
        """Level of service, A to F."""
        return quality("car", self.delay, self.saturation)


def mean_delay(cycle: float, green: float, capacity: float, volume: float) -> float:
    """
    Estimate the mean delay of vehicles that arrive at random.

    Parameters
    ----------
    cycle, green : float
        Cycle and effective green [s].
    capacity, volume : float
        [veh/h].

    Returns
    -------
    float
        [s/veh].

    References
    ----------
    .. [1] HCM 2000, equations 16-11 and 16-12 with k = 0.5 and I = 1.
    """
    share = min(max(green / cycle, 0.0), 1.0)
    x = volume / capacity
    uniform = cycle * (1.0 - share) ** 2 / (2.0 * (1.0 - min(x, 1.0) * share)) if share < 1.0 else 0.0
    over = x - 1.0
    return uniform + 900.0 * PERIOD * (over + math.sqrt(over * over + 4.0 * x / (capacity * PERIOD)))


class Judge:
    """
    Judges layouts of one signal under one set of volumes.

    Parameters
    ----------
    site : Site
        The signal.
    loads : Loads
        Its volumes.
    """

    def __init__(self, site: Site, loads: Loads) -> None:
        self.site = site
        self.loads = loads
        streams = site.streams
        self._before = [
            [b for b in range(len(streams)) if (a, b) in site.yields and not streams[b].on_foot]
            for a in range(len(streams))
        ]
        self._walkers = [
            any((a, b) in site.yields and streams[b].on_foot for b in range(len(streams)))
            for a in range(len(streams))
        ]

    def lanes(self, rows: NDArray[np.uint8]) -> list[LanePerformance]:
        """
        Judge every lane.

        Parameters
        ----------
        rows : ndarray
            Shape (streams, cycle), lamps of the streams.

        Returns
        -------
        list of LanePerformance
            In the order of `Loads.lanes`.
        """
        cycle = rows.shape[1]
        found = []
        free = np.count_nonzero(rows == GREEN, axis=1).tolist()
        yielding = np.count_nonzero(rows == PERMISSIVE, axis=1).tolist()
        for lane in self.loads.lanes:
            volume = sum(self.loads.volume[s] for s in lane)
            x, green, least = 0.0, 0.0, math.inf
            for s in lane:
                usable, own = self._capacity(s, rows, free, yielding)
                q = self.loads.volume[s]
                x += q / own
                green += usable * (q if volume else 1.0)
                least = min(least, own)
            green /= volume or len(lane)
            capacity = volume / x if volume else least
            found.append(
                LanePerformance(
                    self.site.streams[lane[0]].lane,
                    lane,
                    volume,
                    capacity,
                    x,
                    mean_delay(cycle, green, capacity, volume),
                )
            )
        return found

    def _capacity(
        self, s: int, rows: NDArray[np.uint8], free: list[int], yielding: list[int]
    ) -> tuple[float, float]:
        """Give the effective green [s] and the capacity [veh/h] of a stream."""
        cycle = rows.shape[1]
        flow = 3600.0 / self.loads.headway[s]
        if not free[s] and not yielding[s]:
            return 0.0, LEAST_CAPACITY
        if not yielding[s]:
            green = cycle if free[s] >= cycle else free[s] - START_LOSS
            return green, max(flow * green / cycle, LEAST_CAPACITY)
        greens = [one + other for one, other in zip(free, yielding, strict=True)]
        usable = free[s] + yielding[s] * self._gap_share(s, rows, yielding[s], greens) - START_LOSS
        capacity = flow * max(usable, 0.0) / cycle
        if self._before[s]:
            capacity += SNEAKERS * 3600.0 / cycle
        return max(usable, 0.0), max(capacity, LEAST_CAPACITY)

    def _gap_share(self, s: int, rows: NDArray[np.uint8], yielding: int, greens: list[int]) -> float:
        """Say which part of its saturation flow a stream keeps while it gives way."""
        share = BESIDE_WALKERS if self._walkers[s] else 1.0
        busy_streams = [b for b in self._before[s] if self.loads.volume[b] > 0.0]
        if not busy_streams:
            return share
        cycle = rows.shape[1]
        both = is_green(rows[busy_streams]) & (rows[s] == PERMISSIVE)
        before = [b for b, meets in zip(busy_streams, both.any(axis=1).tolist(), strict=True) if meets]
        volume = sum(self.loads.volume[b] for b in before)
        if volume <= 0.0:
            return share
        # The opposing queue clears first; of a stream that is overloaded there is no gap.
        busy = 0.0
        by_lane: dict[str, list[int]] = {}
        for b in before:
            by_lane.setdefault(self.site.streams[b].lane, []).append(b)
        for lane in by_lane.values():
            ratio = sum(self.loads.volume[b] * self.loads.headway[b] for b in lane) / 3600.0
            red = cycle - greens[lane[0]]
            busy = max(busy, red * ratio / (1.0 - ratio) if ratio < 1.0 else float(cycle))
        left = max(yielding - busy, 0.0) / yielding
        headway = max(FOLLOW_UP * math.exp(volume / 3600.0 * (GAP - FOLLOW_UP / 2.0)), self.loads.headway[s])
        return share * left * self.loads.headway[s] / headway

    def cost(self, rows: NDArray[np.uint8]) -> tuple[float, float]:
        """
        Sum up what all lose in an hour, and find the worst degree of saturation.

        Parameters
        ----------
        rows : ndarray
            Shape (streams, cycle), lamps of the streams.

        Returns
        -------
        tuple of float
            Delay of vehicles and pedestrians [s/h], largest degree of saturation [-].
        """
        lanes = self.lanes(rows)
        cycle = rows.shape[1]
        lost = sum(lane.delay * lane.volume for lane in lanes) + self._blocked(lanes, cycle)
        for head in self.site.heads:
            if head.on_foot:
                red = cycle - int(np.count_nonzero(rows[head.streams[0]] == GREEN))
                lost += WALKERS * red * red / (2.0 * cycle)
        return lost, max((lane.saturation for lane in lanes), default=0.0)

    def _blocked(self, lanes: list[LanePerformance], cycle: int) -> float:
        """Sum up what lanes lose beside one whose queue does not fit into it [s/h]."""
        lost = 0.0
        for lane in lanes:
            red = cycle * (1.0 - min(lane.capacity * self.loads.headway[lane.streams[0]] / 3600.0, 1.0))
            queue = LONG_QUEUE * lane.volume * red / 3600.0 * QUEUE_SPACE
            first = self.site.streams[lane.streams[0]]
            over = min(max(queue / max(first.room, QUEUE_SPACE) - 1.0, 0.0), 1.0)
            if over > 0.0:
                beside = sum(
                    other.volume
                    for other in lanes
                    if other is not lane and self.site.streams[other.streams[0]].source == first.source
                )
                lost += over * lane.delay * (beside + lane.volume)
        return lost

    def longest_walk_wait(self, rows: NDArray[np.uint8]) -> float:
        """
        Find the longest red of a crossing.

        Parameters
        ----------
        rows : ndarray
            Shape (streams, cycle), lamps of the streams.

        Returns
        -------
        float
            [s]; 0 without crossings.
        """
        longest = 0
        for head in self.site.heads:
            if head.on_foot:
                row = rows[head.streams[0]] == GREEN
                ends = np.flatnonzero(row)
                gaps = np.diff(np.r_[ends, ends[0] + len(row)]) - 1 if len(ends) else np.array([len(row)])
                longest = max(longest, int(gaps.max()))
        return float(longest)
