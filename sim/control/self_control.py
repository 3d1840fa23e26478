"""Self-control after Lämmer and Helbing, as an object that holds its parameters and memory."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from sim.core.discharge import NEVER
from sim.core.self_control import SelfControlMemory, SelfControlParams, self_control

if TYPE_CHECKING:
    from sim.core.arrays import Arrivals, Int, Network, Signals, Storage


class SelfControl:
    """
    Serves the stage that clears most vehicles per second; a supervisor serves in turn who waits too long.

    Parameters
    ----------
    reach : float
        How far upstream vehicles are anticipated [m].
    cycle : float
        Mean time between two services that the supervisor grants [s].
    longest : float
        Longest time between two services [s].
    hold : float
        Share by which another stage must be better while a long queue is served [-].
    platoon : float
        Length of such a queue [veh].
    horizon : float
        How far ahead arrivals count [s].
    stages : str
        ``program``, or ``derived`` from the conflicts.
    """

    interval = 1

    def __init__(
        self,
        reach: float,
        cycle: float,
        longest: float,
        hold: float,
        platoon: float,
        horizon: float,
        stages: str,
    ) -> None:
        self.reach = reach
        self.stages = stages
        self._params = SelfControlParams(cycle, max(longest, cycle + 1.0), horizon, hold, platoon)
        self._memory = SelfControlMemory(np.zeros(0), np.zeros(1), np.zeros(0), np.zeros(0, np.uint8))

    def reset(self, network: Network) -> None:
        """
        Forget everything and get ready for a network.

        Parameters
        ----------
        network : Network
            The network.
        """
        groups = len(network.yellow)
        signals = len(network.group_ptr) - 1
        self._memory = SelfControlMemory(
            np.zeros(groups), np.zeros(1), np.full(groups, NEVER), np.zeros(signals, np.uint8)
        )

    def decide(
        self, time: float, network: Network, signals: Signals, arrivals: Arrivals, storage: Storage
    ) -> Int:
        """
        Choose each signal's stage.

        Parameters
        ----------
        time : float
            Now [s].
        network : Network
            The network.
        signals : Signals
            What is shown.
        arrivals : Arrivals
            The vehicles.
        storage : Storage
            Room behind the signals.

        Returns
        -------
        Int
            Shape (S), the stage wanted.
        """
        return self_control(network, signals, arrivals, storage, time, self._params, self._memory)
