"""Traffic volumes at signals, counted from a scenario's own demand."""

from __future__ import annotations

import os
import subprocess
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

from sim.errors import EnvironmentFaultError, RunFailedError
from sim.network.flow import DISCHARGE_SPEED, QUEUE_SPACE, saturation_headway

if TYPE_CHECKING:
    from collections.abc import Iterator

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
        Car equivalents [-]; 1.43 for a bus of 12 m.
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
    import sumo  # noqa: PLC0415  (start-up of the CLI)

    home = Path(sumo.SUMO_HOME)
    target = directory / ROUTES
    command = [str(home / "bin" / "duarouter"), "-n", str(network), "-o", str(target)]
    command += ["-r", ",".join(map(str, scenario.demand)), "-b", str(scenario.begin), "-e", str(scenario.end)]
    if scenario.additional:
        command += ["-a", ",".join(map(str, scenario.additional))]
    # A vehicle without a route would stop the run as well; here it only does not count.
    command += ["--alternatives-output", "NUL", "--ignore-errors", "--no-warnings", "--no-step-log"]
    environment = {**os.environ, "SUMO_HOME": str(home)}
    try:
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    except OSError as fault:
        msg = f"duarouter cannot be started ({fault}); run 'gruenband doctor'"
        raise EnvironmentFaultError(msg) from fault
    if done.returncode != 0 or not target.is_file():
        errors = [line for line in done.stderr.splitlines() if line.startswith("Error:")]
        text = errors[0].removeprefix("Error:").strip() if errors else f"exit code {done.returncode}"
        msg = f"fixed-webster: duarouter cannot route the demand of {network}: {' '.join(text.split())}"
        raise RunFailedError(msg)
    return target


def read_routes(path: Path) -> Iterator[tuple[float, list[str]]]:
    """
    Read what `write_routes` wrote.

    Parameters
    ----------
    path : Path
        The route file.

    Yields
    ------
    tuple of float and list of str
        Car equivalents of a vehicle [-] and the edges it drives.
    """
    from defusedxml.ElementTree import iterparse  # noqa: PLC0415

    lengths: dict[str, float] = {}
    for _, element in iterparse(path, forbid_dtd=True):
        if element.tag == "vType":
            default = CLASS_LENGTH.get(element.get("vClass", ""), CAR_LENGTH)
            lengths[element.get("id", "")] = float(element.get("length", default))
        elif element.tag == "vehicle":
            weight = car_equivalent(lengths.get(element.get("type", ""), CAR_LENGTH))
            route = element.find("route")
            if route is not None:
                yield weight, route.get("edges", "").split()
            element.clear()


def count_turns(network: Path, scenario: ScenarioPart, directory: Path) -> dict[tuple[str, str], float]:
    """
    Count the volume of every turn over the scenario's window.

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
    dict
        (from edge, to edge) to volume [car equivalents/h]; empty without demand.
    """
    if not scenario.demand:
        return {}
    path = write_routes(network, scenario, directory)
    totals: dict[tuple[str, str], float] = {}
    for weight, edges in read_routes(path):
        for turn in pairwise(edges):
            totals[turn] = totals.get(turn, 0.0) + weight
    path.unlink()
    hours = (scenario.end - scenario.begin) / 3600.0
    return {turn: total / hours for turn, total in totals.items()}
