"""Priority: from the rules of a scenario to what each vehicle weighs and what it asks of its signals."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, Protocol

from sim.control.rules import Rule, mode_of, rule_of
from sim.core.arrays import ACCELERATION, EARLY, EXTEND, FORCE, NO_REQUEST
from sim.core.requests import grant_requests
from sim.core.travel import HALTS
from sim.sensing.view import Standing

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sim.core.arrays import Arrivals, Int, Network, Signals


class Level(NamedTuple):
    """What a level of priority means."""

    worth: float  # what a second of delay weighs at least
    request: int  # what a vehicle asks of its signals, see `sim.core.arrays.Arrivals`


# High is the persons in a bus for each person in a car, by the occupancies that scenarios assume: 20 / 1.3, rounded. More,
# such as 45 for a tram, served trams no sooner where it was tried, and kept side streets waiting.
LEVELS = {
    "low": Level(2.0, NO_REQUEST),
    "medium": Level(5.0, EXTEND),
    "high": Level(15.0, EARLY),
    "preempt": Level(15.0, FORCE),
}


class Halt(NamedTuple):
    """A stop that a vehicle still has to make, or makes now."""

    edge: str
    reached: bool
    dwell: float  # how long it will stand there, or stand there yet [s]
    late: float | None  # how late it will be there [s]; None without a timetable


class Fleet(Protocol):
    """Where vehicles are asked: a simulation, or whatever stands in for one."""

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
            Empty if it has none.
        """

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
            Greatest speed on its road [m/s], acceleration and deceleration [m/s2].
        """

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
            In their order.
        """


class Priorities:
    """
    Knows what each vehicle may claim.

    Parameters
    ----------
    fleet : Fleet
        Where vehicles are asked.
    rules : sequence of Rule
        Who has priority.
    weights : mapping
        What a second of delay weighs by mode.
    """

    def __init__(self, fleet: Fleet, rules: Sequence[Rule], weights: Mapping[str, float]) -> None:
        self._fleet = fleet
        self._rules = rules
        self._weights = weights
        self._ruled: dict[str, tuple[Rule, float]] = {}
        self._late: dict[str, float] = {}

    def meet(self, vehicle: str, vehicle_class: str) -> tuple[float, bool]:
        """
        Take a look at a vehicle that is new.

        Parameters
        ----------
        vehicle : str
            Its id.
        vehicle_class : str
            SUMO's vClass.

        Returns
        -------
        tuple of float and bool
            What a second of its delay weighs by its mode, and whether a rule names it.
        """
        mode = mode_of(vehicle_class)
        rule = rule_of(self._rules, self._fleet.line(vehicle), mode) if self._rules else None
        if rule is not None:
            self._ruled[vehicle] = rule, self._weights[mode]
        return self._weights[mode], rule is not None

    def stand(self, vehicle: str) -> Standing:
        """
        Tell what a vehicle with a rule may claim now.

        Parameters
        ----------
        vehicle : str
            Its id.

        Returns
        -------
        Standing
            The level's weight, or its mode's if that is higher, and its request; only the mode's while it is not late
            enough for its rule.
        """
        rule, worth = self._ruled[vehicle]
        halts = self._fleet.halts(vehicle, HALTS)
        if halts and halts[0].late is not None:
            # Behind its last stop it is as late as it was there.
            self._late[vehicle] = halts[0].late
        stops = self._costs(vehicle, halts) if halts else ()
        if rule.late_only is not None and self._late.get(vehicle, 0.0) < rule.late_only:
            return Standing(worth, NO_REQUEST, stops)
        level = LEVELS[rule.level]
        return Standing(max(worth, level.worth), level.request, stops)

    def _costs(self, vehicle: str, halts: Sequence[Halt]) -> list[tuple[str, float]]:
        """Add to the dwell at each stop what braking for it and starting from it cost."""
        speed, faster, slower = self._fleet.motion(vehicle)
        # Who stands is taken to start like a car.
        start = 0.5 * speed / faster
        return [
            (
                halt.edge,
                max(halt.dwell + start - 0.5 * speed / ACCELERATION, 0.0)
                if halt.reached
                else halt.dwell + start + 0.5 * speed / slower,
            )
            for halt in halts
        ]


def heed(
    network: Network, signals: Signals, arrivals: Arrivals, wish: Int, *, weighs: bool
) -> tuple[Int, Int | None]:
    """
    Put the stages of vehicles with a priority in place of what a controller wants.

    Parameters
    ----------
    network : Network
        The network.
    signals : Signals
        What is shown.
    arrivals : Arrivals
        The vehicles.
    wish : ndarray
        Shape (S), the stage the controller wants.
    weighs : bool
        The controller heeds what vehicles weigh: only who forces his stage is put before it.

    Returns
    -------
    tuple of ndarray
        Shape (S) each: the stage wanted, and the request that is granted, 0 if none is; None if nobody asks.
    """
    if not arrivals.request.any():
        # Most seconds, and every second of a run without priorities: less work than calling a kernel.
        return wish, None
    heeded = signals.wanted.copy()
    # The guard ignores what is missing, and so does this.
    count = min(len(wish), len(heeded))
    heeded[:count] = wish[:count]
    granted = grant_requests(network, signals, arrivals, FORCE if weighs else EXTEND, heeded)
    return heeded, granted
