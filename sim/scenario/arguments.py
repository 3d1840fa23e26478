"""SUMO's options for a run."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sim.scenario.sumocfg import read_sumocfg

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
    factor = scale
    if scenario.sumocfg is not None:
        config = read_sumocfg(scenario.sumocfg)
        factor = scale * config.scale
        options = ["-c", str(scenario.sumocfg)]
        # The user's own outputs would land beside the configuration, and parallel runs would overwrite each other's.
        # SUMO refuses an option that is given twice.
        for key in sorted(set(config.outputs) - {"tripinfo-output", "statistic-output"}):
            options += [f"--{key}", str(directory / f"user-{key}.xml")]
        # Outputs are read under their plain names as plain XML, with every vehicle in them; the seed decides what is random.
        options += ["--output-prefix", "", "--output-suffix", "", "--output.format", "xml"]
        options += ["--output.compression", "", "--device.tripinfo.probability", "-1"]
        options += ["--max-depart-delay", "-1", "--random", "false"]
    else:
        options = ["-n", str(scenario.network), "--step-length", str(scenario.step_length)]
        if scenario.demand:
            options += ["-r", ",".join(map(str, scenario.demand))]
    options += ["-b", str(scenario.begin), "--human-readable-time", "false"]
    additional = [*scenario.additional, *extra]
    if additional:
        options += ["-a", ",".join(map(str, additional))]
    options += ["-e", str(scenario.end), "--seed", str(seed), "--scale", str(factor)]
    options += ["--time-to-teleport", "-1", "--no-step-log", "true", "--no-warnings", "true"]
    options += ["--duration-log.disable", "true", "--statistic-output", str(directory / "statistics.xml")]
    options += ["--tripinfo-output", str(directory / "tripinfo.xml")]
    options += ["--tripinfo-output.write-unfinished", "true", "--tripinfo-output.write-undeparted", "true"]
    if scenario.outputs.emissions:
        options += ["--device.emissions.probability", "1"]
    for key, value in scenario.sumo_options.items():
        options += [f"--{key}", value]
    return options
