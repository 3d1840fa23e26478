"""Compiles or loads the kernels before the first second is simulated."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING, TypeVar, get_type_hints

import numba
import numpy as np

from sim.control.registry import build, find_kind
from sim.core.arrays import EXTEND, Arrivals, Bits, Byte, Float, Network, Storage
from sim.core.guard import new_signals, render, switch
from sim.core.held import held_groups
from sim.core.jit import cache_folder
from sim.core.requests import grant_requests
from sim.core.sense import sense, waiting_groups
from sim.core.travel import Routes, Vehicles, new_memory

if TYPE_CHECKING:
    from sim.control.spec import ControllerSpec


Table = TypeVar("Table", Network, Arrivals, Storage)


def nothing(kind: type[Table]) -> Table:
    """
    Build tables without an entry, whose arrays have the types of any others.

    Parameters
    ----------
    kind : type
        Which tables.

    Returns
    -------
    Network, Arrivals or Storage
        All tables empty; pointer tables hold their single zero.
    """
    columns = []
    for name, array in get_type_hints(kind).items():
        dtype = {str(Bits): np.int64, str(Byte): np.uint8, str(Float): np.float64}.get(str(array), np.int32)
        columns.append(np.zeros(int(name.endswith("_ptr")), dtype))
    return kind(*columns)


def warm_street() -> None:
    """Run every kernel that all adaptive controllers need, on nothing."""
    network = nothing(Network)
    none = np.zeros(0, np.int32)
    signals = new_signals(network, none)
    routes = Routes(np.zeros(1, np.int32), none, none, *np.zeros((5, 0)))
    vehicles = Vehicles(none, none, np.zeros(0), np.zeros(0))
    arrivals, storage = sense(network, routes, vehicles, new_memory(0), 1.0, none)
    waiting = waiting_groups(network, signals, arrivals, storage)
    held_groups(network, signals, arrivals, storage)
    wish = signals.wanted.copy()
    grant_requests(network, signals, arrivals, EXTEND, wish)
    letters = np.zeros(0, np.uint8)
    render(network, signals, letters)
    switch(network, signals, wish, waiting, letters)


def warm_decisions(spec: ControllerSpec) -> None:
    """
    Run every kernel that a controller decides with, on nothing.

    Parameters
    ----------
    spec : ControllerSpec
        The controller; not one that SUMO runs.
    """
    network, arrivals, storage = nothing(Network), nothing(Arrivals), nothing(Storage)
    signals = new_signals(network, np.zeros(0, np.int32))
    controller = build(spec)
    controller.reset(network)
    getattr(controller, "watch", lambda *_: None)(0.0, network, signals, arrivals, storage)
    controller.decide(0.0, network, signals, arrivals, storage)


def warm(spec: ControllerSpec) -> None:
    """
    Run every kernel that a controller's run needs, on nothing.

    Parameters
    ----------
    spec : ControllerSpec
        The controller; one that SUMO runs needs no kernel.
    """
    if not find_kind(spec.id).in_sumo:
        warm_decisions(spec)
        warm_street()


def compile_together(spec: ControllerSpec) -> None:
    """
    Compile what a run needs in two processes at once, if the cache has nothing yet.

    Parameters
    ----------
    spec : ControllerSpec
        The controller, not one that SUMO runs; nothing is done for one of another package, which may not bear an empty
        network.
    """
    ours = type(build(spec)).__module__.startswith("sim.")
    if not ours or numba.config.DISABLE_JIT:
        return
    try:
        cold = not any(cache_folder().rglob("*.nbi"))
    except OSError:
        # Nowhere to put them: another process could not hand them over.
        return
    if not cold:
        return
    # Without -P a folder sim in the working directory would be taken for this package.
    with subprocess.Popen([sys.executable, "-P", "-m", __name__]) as other:
        try:
            warm_decisions(spec)
        except BaseException:
            other.kill()
            raise
    # What the other has made is loaded; what it has not, compiled.
    warm_street()


if __name__ == "__main__":
    warm_street()
