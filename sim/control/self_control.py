"""Self-control after Lämmer and Helbing, as an object that holds its parameters and memory."""

from __future__ import annotations

import numpy as np

from sim.core.arrays import Arrivals, Int, Network, Signals, Storage
from sim.core.discharge import NEVER
from sim.core.self_control import SelfControlMemory, SelfControlParams, self_control


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
    """

    interval = 1

    def __init__(self, reach: float, cycle: float, longest: float, penalty: float = 0.0, reserve: float = 0.0, horizon: float = 60.0, hold: float = 0.0) -> None:
        self.reach = reach
        self._params = SelfControlParams(cycle, max(longest, cycle + 1.0), horizon, penalty, reserve, hold)
        self._memory = SelfControlMemory(np.zeros(0), np.zeros(1), np.zeros(0))

    def reset(self, network: Network) -> None:
        """
        Forget everything and get ready for a network.

        Parameters
        ----------
        network : Network
            The network.
        """
        groups = len(network.yellow)
        self._memory = SelfControlMemory(np.zeros(groups), np.zeros(1), np.full(groups, NEVER))

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
