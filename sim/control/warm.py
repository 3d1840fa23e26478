"""Compiles or loads the kernels before the first second is simulated."""

from __future__ import annotations

from typing import TYPE_CHECKING, get_type_hints

import numpy as np

from sim.control.registry import build, find_kind
from sim.core.arrays import EXTEND, Byte, Float, Network
from sim.core.discharge import held_groups
from sim.core.guard import new_signals, render, switch
from sim.core.requests import grant_requests
from sim.core.sense import sense, waiting_groups
from sim.core.travel import Routes, Vehicles, new_memory

if TYPE_CHECKING:
    from sim.control.spec import ControllerSpec


def empty_network() -> Network:
    """
    Build a network without a signal, whose arrays have the types of any other.

    Returns
    -------
    Network
        All tables empty; pointer tables hold their single zero.
    """
    columns = []
    for name, kind in get_type_hints(Network).items():
        dtype = {str(Byte): np.uint8, str(Float): np.float64}.get(str(kind), np.int32)
        columns.append(np.zeros(int(name.endswith("_ptr")), dtype))
    return Network(*columns)


def warm(spec: ControllerSpec) -> None:
    """
    Run every kernel that a controller's run needs, on nothing.

    Parameters
    ----------
    spec : ControllerSpec
        The controller; one that SUMO runs needs no kernel.
    """
    if find_kind(spec.id).in_sumo:
        return
    network = empty_network()
    none = np.zeros(0, np.int32)
    signals = new_signals(network, none)
    routes = Routes(np.zeros(1, np.int32), none, none, *np.zeros((5, 0)))
    vehicles = Vehicles(none, none, np.zeros(0), np.zeros(0))
    memory = new_memory(0)
    arrivals, storage = sense(network, routes, vehicles, memory, 1.0, none)
    waiting = waiting_groups(network, arrivals, storage)
    held_groups(network, arrivals)
    controller = build(spec)
    controller.reset(network)
    getattr(controller, "watch", lambda *_: None)(0.0, network, signals, arrivals, storage)
    wish = controller.decide(0.0, network, signals, arrivals, storage)
    grant_requests(network, signals, arrivals, EXTEND, wish)
    letters = np.zeros(0, np.uint8)
    render(network, signals, letters)
    switch(network, signals, wish, waiting, letters)
