"""What SUMO writes down for the figures of signals: every vehicle's times on its edges, and every change of lamps."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING
from xml.sax.saxutils import quoteattr

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

ROUTES, LAMPS, PENDING, RECORDER = "vehroutes.xml", "tls-switches.xml", "pending.json", "recorder.add.xml"
# SUMO 1.28 loses count of the edges of vehicles that rerouters send on again and again, and fails when it writes them.
ENDLESS = (
    "; where rerouters send vehicles round without end it cannot write down their routes: with 'signals = false' under "
    "[outputs] it need not"
)


def record_routes(options: Sequence[str], directory: Path) -> list[str]:
    """
    Add the options that make SUMO record when each vehicle left each edge.

    Parameters
    ----------
    options : sequence of str
        The run's options so far.
    directory : Path
        Folder of the run.

    Returns
    -------
    list of str
        All options. Those that change what the file means are given even where they are SUMO's defaults: a
        user's configuration may have set them.
    """
    wanted = {
        "exit-times": True,
        "write-unfinished": True,
        "internal": True,  # without them the time on the junction counts to the edge before it
        "last-route": True,  # the route as it was driven
        "dua": False,
        "intended-depart": False,
        "skip-ptlines": False,
        "cost": False,
    }
    kept = list(options)
    if "--vehroute-output" in kept:  # a user's own; SUMO has one such file
        at = kept.index("--vehroute-output")
        del kept[at : at + 2]
    kept += ["--vehroute-output", str(directory / ROUTES)]
    for name, value in wanted.items():
        kept += [f"--vehroute-output.{name}", "true" if value else "false"]
    return kept


def record_lamps(signals: Iterable[str], directory: Path) -> Path:
    """
    Write the additional file that makes SUMO record every change of the lamps.

    Parameters
    ----------
    signals : iterable of str
        Ids of the signals.
    directory : Path
        Folder of the run.

    Returns
    -------
    Path
        The file.
    """
    target = quoteattr(str(directory / LAMPS))
    events = [
        f'<timedEvent type="SaveTLSSwitchStates" source={quoteattr(name)} dest={target}/>' for name in signals
    ]
    path = directory / RECORDER
    path.write_text("\n".join(["<additional>", *events, "</additional>", ""]), encoding="utf-8")
    return path


def record_pending(routes: Mapping[str, Sequence[str]], directory: Path) -> None:
    """
    Write down who never got in: SUMO's record of routes leaves them out.

    Parameters
    ----------
    routes : mapping
        Edges in driving order by vehicle.
    directory : Path
        Folder of the run.
    """
    (directory / PENDING).write_text(
        json.dumps({name: list(route) for name, route in routes.items()}), "utf-8"
    )
