"""Traffic volumes at signals, counted from a scenario's own demand."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, TypeAlias

from sim.errors import RunFailedError
from sim.network.flow import DISCHARGE_SPEED, QUEUE_SPACE, saturation_headway
from sim.network.tools import call_tool, first_error

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence
    from pathlib import Path

    from sim.control.sumo_programs import ScenarioPart

# SUMO's default lengths of vehicle classes [m]; every other class is as long as a car.
CAR_LENGTH = 5.0
CLASS_LENGTH = {
    "bicycle": 1.6,
    "bus": 12.0,
    "coach": 14.0,
    "delivery": 6.5,
    "emergency": 6.5,
    "moped": 2.1,
    "motorcycle": 2.2,
    "trailer": 16.5,
    "tram": 22.0,
    "truck": 7.1,
}
ROUTES = "volumes.rou.xml"
QUARTER = 900.0
# (from edge, to edge) to volume [car equivalents/h].
Volumes: TypeAlias = dict[tuple[str, str], float]


def car_equivalent(length: float) -> float:
    """
    Say how many cars a vehicle of a queue stands for: the ratio of the times they take to cross the stop line.

    Parameters
    ----------
    length : float
        Of the vehicle [m].

    Returns
    -------
    float
        Car equivalents [-]; 1.33 for a bus of 12 m.
    """
    space = QUEUE_SPACE + length - CAR_LENGTH
    return saturation_headway(DISCHARGE_SPEED, space) / saturation_headway(DISCHARGE_SPEED)


def write_routes(network: Path, scenario: ScenarioPart, directory: Path) -> Path:
    """
    Have SUMO's duarouter write every vehicle of the window with its route.

    Vehicles that have a route keep it; trips and flows get the shortest one, as SUMO itself would give them.

    Parameters
    ----------
    network : Path
        The net file.
    scenario : ScenarioPart
        The demand.
    directory : Path
        Where to write.

    Returns
    -------
    Path
        The route file.

    Raises
    ------
    EnvironmentFaultError
        If duarouter cannot be started.
    RunFailedError
        If duarouter refuses the demand.
    """
    target = directory / ROUTES
    options = ["-n", str(network), "-o", str(target), "-r", ",".join(map(str, scenario.demand))]
    options += ["-b", str(scenario.begin), "-e", str(scenario.end)]
    if scenario.additional:
        options += ["-a", ",".join(map(str, scenario.additional))]
    # A vehicle without a route would stop the run as well; here it only does not count.
    options += ["--alternatives-output", "NUL", "--ignore-errors", "--no-warnings", "--no-step-log"]
    done = call_tool("duarouter", options)
    if done.returncode != 0 or not target.is_file():
        msg = f"duarouter cannot route the demand of {network}: {first_error(done)}"
        raise RunFailedError(msg)
    return target


def read_routes(path: Path) -> Iterator[tuple[float, float, list[str]]]:
    """
    Read what `write_routes` wrote.

    Parameters
    ----------
    path : Path
        The route file.

    Yields
    ------
    tuple of float, float and list of str
        Departure of a vehicle [s], its car equivalents [-] and the edges it drives.
    """
    from defusedxml.ElementTree import iterparse  # noqa: PLC0415  (start-up of the CLI)

    lengths: dict[str, float] = {}
    for _, element in iterparse(path, forbid_dtd=True):
        if element.tag == "vType":
            default = CLASS_LENGTH.get(element.get("vClass", ""), CAR_LENGTH)
            lengths[element.get("id", "")] = float(element.get("length", default))
        elif element.tag == "vehicle":
            weight = car_equivalent(lengths.get(element.get("type", ""), CAR_LENGTH))
            route = element.find("route")
            if route is not None:
                yield float(element.get("depart", "0")), weight, route.get("edges", "").split()
            element.clear()


def count_turns(network: Path, scenario: ScenarioPart, directory: Path) -> list[Volumes]:
    """
    Count the volume of every turn, quarter hour by quarter hour of departure.

    Parameters
    ----------
    network : Path
        The net file.
    scenario : ScenarioPart
        The demand.
    directory : Path
        Where duarouter's output stands for the moment.

    Returns
    -------
    list of dict
        For each quarter hour of the window (at least one period, all of the same length): (from edge, to edge) to
        volume [car equivalents/h].
    """
    span = scenario.end - scenario.begin
    periods = max(1, round(span / QUARTER))
    volumes: list[Volumes] = [{} for _ in range(periods)]
    if not scenario.demand:
        return volumes
    path = write_routes(network, scenario, directory)
    for depart, weight, edges in read_routes(path):
        period = min(max(int((depart - scenario.begin) / span * periods), 0), periods - 1)
        for turn in pairwise(edges):
            volumes[period][turn] = volumes[period].get(turn, 0.0) + weight * 3600.0 * periods / span
    path.unlink()
    return volumes


def busiest(volumes: Sequence[Volumes], turns: Collection[tuple[str, str]]) -> Volumes:
    """
    Choose the period in which a signal has most to do.

    Parameters
    ----------
    volumes : sequence of dict
        What `count_turns` found.
    turns : collection of tuple of str
        The signal's turns.

    Returns
    -------
    dict
        (from edge, to edge) to volume [car equivalents/h], of these turns only.

    References
    ----------
    .. [1] Highway Capacity Manual 2000, chapter 16: analysis of the peak 15 minutes, as the volume of the hour
       divided by the peak hour factor.
    """
    periods = [{turn: period.get(turn, 0.0) for turn in turns} for period in volumes]
    return max(periods, key=lambda period: sum(period.values()))
