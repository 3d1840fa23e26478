"""SUMO's options for a run."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from sim.scenario.model import Scenario


def sumo_arguments(
    scenario: Scenario, seed: int, scale: float, directory: Path, extra: Sequence[Path] = ()
) -> list[str]:
    """
    Write the options that start a run.

    Vehicles are never teleported: a jam must show. Every vehicle scheduled in the window is in the output, whether
    it arrived, still drives or never got in.

    Parameters
    ----------
    scenario : Scenario
        What to simulate.
    seed : int
        Random seed.
    scale : float
        Factor on the demand.
    directory : Path
        Where SUMO writes.
    extra : sequence of Path, optional
        Additional files of the controller, loaded last.

    Returns
    -------
    list of str
        Options without the program name.
    """
    if scenario.sumocfg is not None:
        options = ["-c", str(scenario.sumocfg)]
    else:
        options = [
            "-n",
            str(scenario.network),
            "-b",
            str(scenario.begin),
            "-r",
            ",".join(map(str, scenario.demand)),
        ]
        options += ["--step-length", str(scenario.step_length)]
        if not scenario.demand:
            options = options[:4] + options[6:]
    additional = [*scenario.additional, *extra]
    if additional:
        options += ["-a", ",".join(map(str, additional))]
    options += ["-e", str(scenario.end), "--seed", str(seed), "--scale", str(scale)]
    options += ["--time-to-teleport", "-1", "--no-step-log", "true", "--no-warnings", "true"]
    options += ["--duration-log.disable", "true", "--statistic-output", str(directory / "statistics.xml")]
    options += ["--tripinfo-output", str(directory / "tripinfo.xml")]
    options += ["--tripinfo-output.write-unfinished", "true", "--tripinfo-output.write-undeparted", "true"]
    if scenario.outputs.emissions:
        options += ["--device.emissions.probability", "1"]
    for key, value in scenario.sumo_options.items():
        options += [f"--{key}", value]
    return options
