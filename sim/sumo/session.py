"""One adapter over libsumo (batch) and traci (window, remote): few calls, and states only when they change."""

from __future__ import annotations

import os
import sys
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from sim.errors import EnvironmentFaultError, GruenbandError, RunFailedError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

# SUMO's numbers of the variables that a traci subscription names.
VAR_LANE_ID, VAR_LANE_POSITION, VAR_SPEED = 0x51, 0x56, 0x40

# All of SUMO's checks on, except right of way at and within junctions (bits 3 and 5 of vehicle.setSpeedMode).
NO_RIGHT_OF_WAY = 0b110111

# The program with a window and its own options.
WINDOW = ("sumo-gui", "--start", "--quit-on-end")

# Slower vehicles on a junction count as standing [m/s].
CRAWL = 2.0
# How often the longest standstill is looked for [s]; longest waits are exact to this.
LOOK_EVERY = 10


class Reading(NamedTuple):
    """The vehicles on watched lanes in one second."""

    ids: list[str]
    lanes: list[int]
    positions: list[float]
    speeds: list[float]


def getter(api: Any, domain: str, name: str) -> Callable[[str], Any]:  # noqa: ANN401  (both are untyped)
    """
    Find the quickest way to ask one thing about many.

    libsumo's methods are Python around compiled functions. Called hundreds of times a second, that costs half as much
    as what it wraps.

    Parameters
    ----------
    api : module
        The module, libsumo or traci.
    domain, name : str
        Such as "vehicle" and "getSpeed".

    Returns
    -------
    callable
        The compiled function where there is one, otherwise the method.
    """
    compiled = getattr(api, "_libsumo", None)
    found: Callable[[str], Any] = getattr(compiled, f"{domain}_{name}", None) or getattr(
        getattr(api, domain), name
    )
    return found


class Session:
    """
    A running simulation.

    Parameters
    ----------
    arguments : sequence of str
        SUMO's options, without the program name.
    error_log : Path
        Where SUMO writes its errors; the first one becomes the message of a fault.
    gui : bool, optional
        Open SUMO's window and talk to it through traci.
    """

    def __init__(self, arguments: Sequence[str], error_log: Path, *, gui: bool = False) -> None:
        self._log = error_log
        self._gui = gui
        self._lanes: dict[str, int] = {}
        options = [*arguments, "--error-log", str(error_log)]
        if gui:
            self._api = self._start_window(options)
        else:
            self._api = self._start_library(options)
        self._vehicle = self._api.vehicle
        self._lane_of = getter(self._api, "vehicle", "getLaneID")
        self._position_of = getter(self._api, "vehicle", "getLanePosition")
        self._speed_of = getter(self._api, "vehicle", "getSpeed")
        self._simulation = self._api.simulation
        self._lights = self._api.trafficlight
        self._lane = self._api.lane

    def _start_library(self, options: list[str]) -> Any:  # noqa: ANN401  (libsumo is untyped)
        use_own_sumo_home()
        try:
            import libsumo  # noqa: PLC0415  (one simulation a process: only a run may load it)
        except (ImportError, OSError) as fault:
            msg = f"libsumo cannot be loaded ({fault}); run 'gruenband doctor'"
            raise EnvironmentFaultError(msg) from fault
        try:
            libsumo.start(["sumo", *options])
        except Exception as fault:
            raise self.fault(fault) from fault
        return libsumo

    def _start_window(self, options: list[str]) -> Any:  # noqa: ANN401
        use_own_sumo_home()
        import sumo  # noqa: PLC0415
        import traci  # noqa: PLC0415

        name, *own = WINDOW
        program = Path(sumo.SUMO_HOME) / "bin" / (f"{name}.exe" if sys.platform == "win32" else name)
        try:
            traci.start([str(program), *own, *options], stdout=sys.stderr)
        except Exception as fault:
            raise self.fault(fault) from fault
        return traci

    def fault(self, cause: Exception) -> GruenbandError:
        """
        Turn a failure of SUMO into one line, in SUMO's own first words.

        Parameters
        ----------
        cause : Exception
            What was raised.

        Returns
        -------
        GruenbandError
            To be raised.
        """
        if isinstance(cause, GruenbandError):
            return cause
        text = str(cause).strip() or type(cause).__name__
        if self._log.is_file():
            lines = self._log.read_text(errors="replace").splitlines()
            errors = [line.removeprefix("Error:").strip() for line in lines if line.startswith("Error:")]
            text = errors[0] if errors else text
        return RunFailedError(f"SUMO stopped: {' '.join(text.split())}")

    def watch(self, lanes: Iterable[str]) -> None:
        """
        Say which lanes' vehicles `read` reports.

        Parameters
        ----------
        lanes : iterable of str
            Lane ids; their order gives their numbers.
        """
        self._lanes = {lane: k for k, lane in enumerate(lanes)}

    def step(self, until: float = 0.0) -> None:
        """
        Simulate one step, or up to a time.

        Parameters
        ----------
        until : float, optional
            Time to stop at [s]; 0 for a single step.

        Raises
        ------
        RunFailedError
            If SUMO stops with an error.
        """
        try:
            self._api.simulationStep(until)
        except Exception as fault:
            raise self.fault(fault) from fault
        if self._gui:
            for name in self._simulation.getDepartedIDList():
                self._vehicle.subscribe(name, [VAR_LANE_ID, VAR_LANE_POSITION, VAR_SPEED])

    @property
    def api(self) -> Any:  # noqa: ANN401  (both are untyped)
        """Module that talks to SUMO, libsumo or for the window traci; for this package only."""
        return self._api

    @property
    def window(self) -> bool:
        """Whether the simulation runs in SUMO's window and is asked through a socket."""
        return self._gui

    @property
    def time(self) -> float:
        """Simulated time [s]."""
        return float(self._simulation.getTime())

    def departed(self) -> Sequence[str]:
        """
        List the vehicles that entered the network in the last step.

        Returns
        -------
        sequence of str
            Vehicle ids.
        """
        ids: Sequence[str] = self._simulation.getDepartedIDList()
        return ids

    def route(self, vehicle: str) -> tuple[str, ...]:
        """
        Ask for a vehicle's route.

        Parameters
        ----------
        vehicle : str
            Its id.

        Returns
        -------
        tuple of str
            Edge ids in driving order.
        """
        return tuple(self._vehicle.getRoute(vehicle))

    def pending(self) -> dict[str, tuple[str, ...]]:
        """
        List the vehicles that wait to get into the network.

        Returns
        -------
        dict
            Route by vehicle, edge ids in driving order.
        """
        return {str(name): self.route(name) for name in self._simulation.getPendingVehicles()}

    def under_way(self) -> tuple[list[str], list[float], list[float]]:
        """
        Read where every vehicle in the network is and what it has lost so far.

        Returns
        -------
        tuple of list
            Per vehicle the edge, inner ones of junctions with a colon in front, the speed [m/s], and the delay so far,
            waiting to get in included [s].
        """
        vehicle = self._vehicle
        names = vehicle.getIDList()
        return (
            [str(vehicle.getRoadID(name)) for name in names],
            [float(vehicle.getSpeed(name)) for name in names],
            [float(vehicle.getTimeLoss(name)) + float(vehicle.getDepartDelay(name)) for name in names],
        )

    def waiting_to_get_in(self) -> int:
        """Count the vehicles that should have started and have not got into the network."""
        return len(self._simulation.getPendingVehicles())

    def length(self, vehicle: str) -> float:
        """
        Ask for a vehicle's length.

        Parameters
        ----------
        vehicle : str
            Its id.

        Returns
        -------
        float
            Length [m].
        """
        return float(self._vehicle.getLength(vehicle))

    def vehicle_class(self, vehicle: str) -> str:
        """
        Ask for a vehicle's class.

        Parameters
        ----------
        vehicle : str
            Its id.

        Returns
        -------
        str
            SUMO's vClass.
        """
        return str(self._vehicle.getVehicleClass(vehicle))

    def read(self) -> Reading:
        """
        Read the vehicles on watched lanes.

        Returns
        -------
        Reading
            The vehicles, in SUMO's order.
        """
        numbers = self._lanes
        vehicle = self._vehicle
        if self._gui:
            every = [
                (name, numbers[values[VAR_LANE_ID]], values[VAR_LANE_POSITION], values[VAR_SPEED])
                for name, values in vehicle.getAllSubscriptionResults().items()
                if values[VAR_LANE_ID] in numbers
            ]
            return (
                Reading(*(list(column) for column in zip(*every, strict=True)))
                if every
                else Reading([], [], [], [])
            )
        names = vehicle.getIDList()
        found = [numbers.get(lane, -1) for lane in map(self._lane_of, names)]
        ids = [name for name, lane in zip(names, found, strict=True) if lane >= 0]
        return Reading(
            ids,
            [lane for lane in found if lane >= 0],
            list(map(self._position_of, ids)),
            list(map(self._speed_of, ids)),
        )

    def on_lanes(self, lanes: Iterable[str]) -> tuple[bool, bool]:
        """
        Tell whether vehicles are on any of some lanes, and whether they stand or crawl there.

        Parameters
        ----------
        lanes : iterable of str
            Lane ids.

        Returns
        -------
        tuple of bool
            Somebody is there; on one of the lanes they do not drive on.
        """
        used = [lane for lane in lanes if self._lane.getLastStepVehicleNumber(lane) > 0]
        return bool(used), any(self._lane.getLastStepMeanSpeed(lane) < CRAWL for lane in used)

    def show(self, signal: str, state: str) -> None:
        """
        Set the lamps of a signal.

        Parameters
        ----------
        signal : str
            Its id.
        state : str
            One letter a link.
        """
        self._lights.setRedYellowGreenState(signal, state)

    def shown(self, signal: str) -> str:
        """
        Read the lamps of a signal.

        Parameters
        ----------
        signal : str
            Its id.

        Returns
        -------
        str
            One letter a link.
        """
        return str(self._lights.getRedYellowGreenState(signal))

    def ignore_right_of_way(self, vehicle: str) -> None:
        """
        Let a vehicle drive as if no junction had a conflict.

        Parameters
        ----------
        vehicle : str
            Its id.
        """
        self._vehicle.setSpeedMode(vehicle, NO_RIGHT_OF_WAY)

    def standing(self) -> tuple[int, float]:
        """
        Count the vehicles in the network and find the one that has stood longest.

        Returns
        -------
        tuple of int and float
            Vehicles, and the longest unbroken standstill [s].
        """
        vehicle = self._vehicle
        ids = vehicle.getIDList()
        waiting = vehicle.getWaitingTime
        return len(ids), max((waiting(name) for name in ids), default=0.0)

    @contextmanager
    def until_done(self, hint: str = "") -> Iterator[None]:
        """
        End the simulation after what is done with it, and let SUMO write its outputs.

        Parameters
        ----------
        hint : str
            What helps if it cannot write them, for the end of the message.

        Yields
        ------
        None
            While it runs.

        Raises
        ------
        RunFailedError
            If SUMO stops instead of ending.
        """
        try:
            yield
        except BaseException:
            # What stopped the run is the news, not that SUMO cannot be ended after it either.
            with suppress(Exception):
                self._api.close()
            raise
        try:
            self._api.close()
        except Exception as fault:
            msg = f"{self.fault(fault)}, while it wrote its outputs{hint}"
            raise RunFailedError(msg) from fault


def use_own_sumo_home() -> None:
    """Point SUMO_HOME at the installed wheel: a leftover of another version is the usual cause of strange faults."""
    import sumo  # noqa: PLC0415

    os.environ["SUMO_HOME"] = str(sumo.SUMO_HOME)
