"""What is asked of single vehicles: their lines, their stops and how late they are."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sim.control.priority import Halt

if TYPE_CHECKING:
    from sim.sumo.session import Session

# SUMO sets this bit of a stop's flags while the vehicle stands there.
REACHED = 1


class SumoFleet:
    """
    The vehicles of a simulation.

    Parameters
    ----------
    session : Session
        The simulation.
    """

    def __init__(self, session: Session) -> None:
        self._vehicle = session.api.vehicle
        self._rates: dict[str, tuple[float, float]] = {}

    def line(self, vehicle: str) -> str:
        """
        Ask for a vehicle's line.

        Parameters
        ----------
        vehicle : str
            Its id.

        Returns
        -------
        str
            As the demand names it; empty if it has none.
        """
        return str(self._vehicle.getLine(vehicle))

    def motion(self, vehicle: str) -> tuple[float, float, float]:
        """
        Ask how a vehicle moves.

        Parameters
        ----------
        vehicle : str
            Its id.

        Returns
        -------
        tuple of float
            Its greatest speed on its road [m/s], its acceleration and its deceleration [m/s2].
        """
        rates = self._rates.get(vehicle)
        if rates is None:
            rates = self._vehicle.getAccel(vehicle), self._vehicle.getDecel(vehicle)
            self._rates[vehicle] = rates
        return self._vehicle.getAllowedSpeed(vehicle), *rates

    def halts(self, vehicle: str, most: int) -> list[Halt]:
        """
        Ask for a vehicle's next stops.

        Parameters
        ----------
        vehicle : str
            Its id.
        most : int
            How many.

        Returns
        -------
        list of Halt
            In their order; the first may be the one it stands at. Only of that one is told how late it is.
        """
        found: list[Halt] = []
        for stop in self._vehicle.getStops(vehicle, most):
            late = None
            if not found and stop.intendedArrival >= 0.0:
                late = float(self._vehicle.getStopArrivalDelay(vehicle))
            elif not found and stop.until >= 0.0:
                late = float(self._vehicle.getStopDelay(vehicle))
            edge = stop.lane.rpartition("_")[0]
            found.append(Halt(edge, bool(stop.stopFlags & REACHED), max(float(stop.duration), 0.0), late))
        return found
