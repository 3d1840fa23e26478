"""A street to try controllers on, without SUMO: queues that fill at random and leave at green."""

from __future__ import annotations

import numpy as np

from sim.core.arrays import GREEN, Arrivals, Byte, Float, Int, Network, Signals, Storage

# Where vehicles come into view [m], what one takes of a queue [m], and its length without the gap [m].
ENTRY, SPACE, LENGTH = 250.0, 7.5, 5.0
# Without a limit on a lane of the net a vehicle moves at this [m/s].
SLOWEST = 5.0
# One after the other, [s]: nobody, light, heavy and far too much traffic; factors on each lane's rate.
SPELL = 90
SPELLS = (0.0, 0.4, 1.0, 3.0)
# Each lane behind a signal is full in this share of spells.
FULL_SHARE = 0.15
# How long a vehicle is on the junction, and how long one in twenty that gets stuck there [s].
CROSSING, STUCK = 3, 25


class TrialStreet:
    """
    Random traffic on every stop-line lane of a network, the same for the same seed and the same lamps.

    Vehicles drive at the speed limit to the end of their lane's queue. The first one leaves when its group is
    green, its headway is over and the lane behind the signal is not full.

    Parameters
    ----------
    network : Network
        The network.
    seed : int
        Of the random numbers.
    """

    def __init__(self, network: Network, seed: int) -> None:
        self._network = network
        self._random = np.random.default_rng(seed)
        lanes = len(network.lane_signal)
        self._rate = self._random.uniform(0.01, 0.3, lanes)
        self._limit = np.maximum(network.watched_speed[network.lane_watched], SLOWEST)
        self._full = np.zeros(len(network.watched_length), np.bool_)
        self._left = np.full(lanes, -99.0)
        self._lane = np.zeros(0, np.int32)
        self._movement = np.zeros(0, np.int32)
        self._distance = np.zeros(0)
        self._speed = np.zeros(0)
        self._crossing = np.zeros((0, 2), np.int64)
        self._second = 0

    def step(self, signals: Signals) -> tuple[Arrivals, Storage]:
        """
        Let a second pass and look.

        Parameters
        ----------
        signals : Signals
            What is shown.

        Returns
        -------
        tuple of Arrivals and Storage
            What a controller knows of the street.
        """
        if self._second % SPELL == 0:
            self._full = self._random.random(len(self._full)) < FULL_SHARE
        self._leave(signals)
        self._move()
        entered = self._enter(SPELLS[self._second // SPELL % len(SPELLS)])
        self._second += 1
        return self._arrivals(entered), self._storage()

    def stands_inside(self) -> Byte:
        """
        Tell whose vehicles are on the junction.

        Returns
        -------
        Byte
            Shape (G), 1 for a group with vehicles there.
        """
        inside = np.zeros(len(self._network.yellow), np.uint8)
        inside[self._crossing[:, 0]] = 1
        return inside

    def _pointers(self) -> Int:
        lanes = np.arange(len(self._rate) + 1)
        return np.searchsorted(self._lane, lanes).astype(np.int32)

    def _keep(self, chosen: np.ndarray[tuple[int], np.dtype[np.intp]]) -> None:
        self._lane, self._movement = self._lane[chosen], self._movement[chosen]
        self._distance, self._speed = self._distance[chosen], self._speed[chosen]

    def _leave(self, signals: Signals) -> None:
        pointers = self._pointers()
        lanes = np.flatnonzero(np.diff(pointers))
        heads = pointers[lanes]
        movement = self._movement[heads]
        go = signals.shown[self._network.movement_group[movement]] == GREEN
        go &= self._distance[heads] < 1.0
        go &= self._second - self._left[lanes] >= self._network.movement_headway[movement]
        go &= ~self._full[self._network.movement_exit[movement]]
        self._left[lanes[go]] = self._second
        groups = self._network.movement_group[movement[go]]
        gone = self._second + np.where(self._random.random(len(groups)) < 0.05, STUCK, CROSSING)
        self._crossing = np.concatenate([self._crossing, np.stack([groups, gone], axis=1)])
        self._crossing = self._crossing[self._crossing[:, 1] > self._second]
        stays = np.ones(len(self._lane), np.bool_)
        stays[heads[go]] = False
        self._keep(np.flatnonzero(stays))

    def _move(self) -> None:
        rank = np.arange(len(self._lane)) - self._pointers()[self._lane]
        before = self._distance
        self._distance = np.minimum(np.maximum(before - self._limit[self._lane], SPACE * rank), before)
        self._speed = before - self._distance

    def _enter(self, factor: float) -> Int:
        table, lanes = self._network, len(self._rate)
        pointers = self._pointers()
        comes = self._random.random(lanes) < self._rate * factor
        pick = self._random.random(lanes)
        # A full lane takes nobody: its queue ends where vehicles come into view.
        comes &= np.diff(pointers) * SPACE < ENTRY - SPACE
        new = np.flatnonzero(comes)
        first = table.lane_movement_ptr[new]
        choices = table.lane_movement_ptr[new + 1] - first
        movement = table.lane_movement[first + (pick[new] * choices).astype(np.int32)]
        at = pointers[new + 1]
        self._lane = np.insert(self._lane, at, new.astype(np.int32))
        self._movement = np.insert(self._movement, at, movement)
        self._distance = np.insert(self._distance, at, ENTRY)
        self._speed = np.insert(self._speed, at, self._limit[new])
        entered = np.zeros(len(table.movement_lane), np.int32)
        entered[movement] += 1
        return entered

    def _arrivals(self, entered: Int) -> Arrivals:
        return Arrivals(
            lane_ptr=self._pointers(),
            movement=self._movement.copy(),
            earliest=self._distance / self._limit[self._lane],
            distance=self._distance.copy(),
            speed=self._speed.copy(),
            weight=np.ones(len(self._lane)),
            entered=entered,
            vehicle=np.arange(len(self._lane), dtype=np.int32),
            onward=np.full(len(self._lane), -1, np.int32),
            onward_time=np.zeros(len(self._lane)),
            barred=np.zeros(len(self._lane), np.uint8),
            worth=np.ones(len(self._lane)),
            request=np.zeros(len(self._lane), np.uint8),
        )

    def _storage(self) -> Storage:
        table = self._network
        count: Int = np.where(self._full, table.watched_length // SPACE, 0).astype(np.int32)
        room: Float = np.where(self._full, 0.0, table.watched_length)
        tail: Float = np.where(self._full, 0.0, 99.0)
        on_lane = self._distance < table.watched_length[table.lane_watched[self._lane]]
        number = np.bincount(self._lane[on_lane], minlength=len(self._rate))
        used = np.flatnonzero(number)
        last = self._pointers()[used] + number[used] - 1
        watched = table.lane_watched[used]
        count[watched] = number[used]
        room[watched] = np.maximum(table.watched_length[watched] - self._distance[last] - LENGTH, 0.0)
        tail[watched] = self._speed[last]
        return Storage(count, room, tail, table.watched_length - room)
