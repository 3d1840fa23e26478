"""The conformance check that every controller has to pass, also a third party's."""

from __future__ import annotations

import copy
import importlib.util
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from sim.control.check_programs import check_programs
from sim.control.registry import build, find_kind, parse_controller, stages_of
from sim.control.spec import ControllerSpec
from sim.control.trial_drive import Ground, describe, drive, load_ground
from sim.errors import GruenbandError, near_miss
from sim.network.layout import STAGES

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

# Nets that come with SUMO, below its tools: one intersection, a town with single-stage signals, pedestrians at red
# of their own, and a real city with joined signals.
SHIPPED = (
    "game/cross/cross.net.xml",
    "game/kuehne/kuehne.net.xml",
    "sumolib/scenario/scenarios/RiLSA1BothTLS/rilsa1both.net.xml",
    "game/DRT/osm.net.xml",
)


def check_controller(
    controller: str | ControllerSpec | Any,  # noqa: ANN401  (whatever a third party hands in)
    networks: Sequence[str | Path] | None = None,
    *,
    seconds: int = 600,
    seed: int = 1,
) -> list[str]:
    """
    Try a controller on several networks with random traffic and report what breaks its contract.

    An adaptive controller has to give the same wishes for the same traffic, to forget everything at `reset`, to
    ask only for stages that exist and to hold a wish until the guard can carry it out, and to leave the guard's
    memory and the network alone. One that SUMO runs has to write programs that SUMO loads, in which every movement
    keeps its green, every green is followed by yellow, and nothing is green together that the network's own program
    keeps apart. SUMO itself is not run.

    Parameters
    ----------
    controller : str, ControllerSpec or object
        As on the command line (``max-pressure:interval=10``), or an object with ``interval``, ``reset`` and
        ``decide``.
    networks : sequence of str or Path, optional
        Net files; by default four that come with SUMO.
    seconds : int, optional
        Length of each trial [s].
    seed : int, optional
        Of the random traffic.

    Returns
    -------
    list of str
        One line for each problem; empty if there is none.

    Raises
    ------
    InputError
        If the controller is not registered or a net cannot be read.
    GruenbandError
        What a registered controller's own factory raises.
    """
    grounds = [load_ground(Path(path)) for path in networks or trial_networks()]
    if isinstance(controller, str):
        controller = parse_controller(controller)
    if not isinstance(controller, ControllerSpec):
        return check_adaptive(lambda: copy.deepcopy(controller), grounds, seconds, seed)
    spec = controller
    try:
        first = build(spec)
    except GruenbandError:
        raise
    except Exception as fault:  # noqa: BLE001  (a third party's code)
        return [f"cannot be built with its default parameters: {describe(fault)}"]
    if find_kind(spec.id).in_sumo:
        return check_programs(first, [ground.graph for ground in grounds], seed)
    return check_adaptive(lambda: build(spec), grounds, seconds, seed)


def trial_networks() -> list[Path]:
    """
    Find the nets that come with SUMO and are tried by default.

    Returns
    -------
    list of Path
        Net files.
    """
    found = importlib.util.find_spec("sumo")
    places = found.submodule_search_locations if found else None
    return [Path(place) / "tools" / name for place in places or () for name in SHIPPED]


def check_adaptive(
    make: Callable[[], Any], grounds: Sequence[Ground], seconds: int = 600, seed: int = 1
) -> list[str]:
    """
    Check a controller that decides second by second.

    Parameters
    ----------
    make : callable
        Makes a fresh one.
    grounds : sequence of Ground
        Where to try it.
    seconds : int, optional
        Length of each trial [s].
    seed : int, optional
        Of the random traffic.

    Returns
    -------
    list of str
        Problems.
    """
    try:
        used = make()
    except Exception as fault:  # noqa: BLE001  (a third party's code)
        return [f"no second one like it can be made: {describe(fault)}"]
    problems = missing_parts(used)
    if problems:
        return problems
    stages = stages_of(used)
    if stages != "program":
        grounds = [ground.with_stages(stages) for ground in grounds]
    records = []
    for ground in grounds:
        records.append(drive(used, ground, seconds, seed))
        problems += [f"network {ground.name}: {text}" for text in records[-1].problems]
    for ground, record in zip(grounds, records, strict=True):
        if record.problems:
            continue
        again = record.first_difference(drive(make(), ground, seconds, seed))
        if again is not None:
            problems.append(
                f"network {ground.name}: not deterministic: a fresh one decides otherwise in second {again} of the same "
                "traffic; draw random numbers only from a generator seeded in reset(), ask no clock, and keep nothing in "
                "the class or the module"
            )
            continue
        # By now it has run on every network.
        left = record.first_difference(drive(used, ground, seconds, seed))
        if left is not None:
            problems.append(
                f"network {ground.name}: state is left between runs: after other runs and reset() it decides otherwise "
                f"in second {left}; forget everything in reset()"
            )
    return problems


def missing_parts(controller: Any) -> list[str]:  # noqa: ANN401
    """
    Say what an object lacks to be a controller.

    Parameters
    ----------
    controller : object
        The object.

    Returns
    -------
    list of str
        Problems.
    """
    problems = [
        f"is no controller: it has no method {name}(); see docs/adding-a-controller.md"
        for name in ("reset", "decide")
        if not callable(getattr(controller, name, None))
    ]
    interval = getattr(controller, "interval", None)
    for name, value, what in (
        ("interval", interval, "decisions"),
        ("watch_every", getattr(controller, "watch_every", 1), "readings of the street"),
    ):
        if isinstance(value, bool) or not isinstance(value, int | np.integer) or value < 1:
            problems.append(f"{name} is {value!r}; give whole seconds, 1 or more, between two {what}")
    reach = getattr(controller, "reach", 0.0)
    if isinstance(reach, bool) or not isinstance(reach, int | float | np.number) or not 0.0 <= reach < np.inf:
        problems.append(f"reach is {reach!r}; give the distance [m] up to which vehicles are to be seen")
    stages = stages_of(controller)
    if stages not in STAGES:
        problems.append(f"stages is '{stages}'{near_miss(stages, STAGES)}")
    return problems
