"""Max pressure as an object that holds its parameters."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sim.core.max_pressure import MaxPressureParams, max_pressure

if TYPE_CHECKING:
    from sim.core.arrays import Arrivals, Int, Network, Signals, Storage


class MaxPressure:
    """
    Serves the stage with the highest pressure, counting lost time, lanes and room behind the signal.

    Parameters
    ----------
    interval : int
        Time between two decisions [s].
    reach : float
        How far upstream vehicles count [m].
    plan : float
        Time over which a switch must pay for its lost time [s].
    """

    def __init__(self, interval: int, reach: float, plan: float) -> None:
        self.interval = interval
        self.reach = reach
        self._params = MaxPressureParams(plan)

    def reset(self, network: Network) -> None:
        """
        Get ready for a network; nothing is kept between two decisions.

        Parameters
        ----------
        network : Network
            The network.
        """

    def decide(
        self,
        time: float,  # noqa: ARG002
        network: Network,
        signals: Signals,
        arrivals: Arrivals,
        storage: Storage,
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
        return max_pressure(network, signals, arrivals, storage, self._params)
