"""``gruenband events``: the high-resolution event log of a simulated run."""

from __future__ import annotations

from pathlib import Path  # noqa: TC003 - typer reads the annotation at run time
from typing import Annotated

import typer

from sim.cli.options import Debug  # noqa: TC001 - typer reads the annotation at run time


def events_command(
    scenario: Annotated[
        str, typer.Argument(metavar="SCENARIO", help="Shipped name, scenario TOML or .sumocfg.")
    ],
    out: Annotated[Path, typer.Option("--out", "-o", metavar="DIR", help="Folder of the log.")],
    controller: Annotated[
        str, typer.Option("--controller", "-c", metavar="ID[:key=value,…]", help="Who switches the signals.")
    ] = "program",
    seed: Annotated[int, typer.Option("--seed", "-s", min=0, help="Seed.")] = 1,
    scale: Annotated[float, typer.Option("--scale", min=0.001, help="Factor on the demand.")] = 1.0,
    keep_sumo_output: Annotated[
        bool, typer.Option("--keep-sumo-output", help="Keep SUMO's records of lamps and loops too.")
    ] = False,
    debug: Debug = False,  # noqa: ARG001 - main.invoke() looks at it
) -> int:
    """
    Simulate one run and write what a controller's data logger would have written, for ATSPM tools.

    Signals, detectors at the stop lines and upstream of them, to a tenth of a second, as the Indiana event codes.
    """
    from sim.control.registry import parse_controller
    from sim.export.record import record_events
    from sim.run import RunTask
    from sim.scenario import load_scenario
    from sim.sumo.version import require_sumo

    task = RunTask(
        load_scenario(scenario), parse_controller(controller), seed, scale, keep_sumo_output=keep_sumo_output
    )
    require_sumo()
    for path in record_events(task, out):
        typer.echo(str(path))
    return 0
