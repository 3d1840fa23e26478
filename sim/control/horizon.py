"""Horizon as an object that holds its plans."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np

from sim.core.headways import new_discharge, watch_discharge
from sim.core.horizon import HorizonMemory, Scene, Trace, horizon, look_around
from sim.core.starved import new_service, watch_service
from sim.core.transitions import tabulate_transitions

if TYPE_CHECKING:
    from sim.core.arrays import Arrivals, Int, Network, Signals, Storage

# How far a plan looks ahead, in class free [s] and in class grid [decisions].
HORIZON, GRID_STEPS = 45, 6
# In class free a plan may change stages in each of the first seconds, then in every second and every fourth one [s].
EACH, SECOND = 4, 12


class Horizon:
    """
    Shows the first stage of the plan that is cheapest on a queue model, and plans anew each time it decides.

    Parameters
    ----------
    reach : float
        How far upstream vehicles are anticipated [m].
    stages : str
        ``derived`` from the conflicts, or those of the ``program``.
    interval : int
        Time between two decisions [s].
    threads : int
        How many threads share the signals; the decisions are the same.
    """

    def __init__(self, reach: float, stages: str, interval: int, threads: int) -> None:
        self.reach = reach
        self.stages = stages
        self.interval = int(interval)
        # Drivers' paces are learned from each second, whenever decisions are made.
        self.watch_every = 1
        # Vehicles count by their weights: they need not ask for an early green beside.
        self.weighs = True
        self._threads = int(threads)
        self._trace = Trace(np.full(1, -1, np.int32), np.zeros(0), np.zeros((0, 0), np.int32))

    def reset(self, network: Network) -> None:
        """
        Forget everything and get ready for a network.

        Parameters
        ----------
        network : Network
            The network.
        """
        ahead = np.arange((HORIZON if self.interval == 1 else GRID_STEPS * self.interval) + 1)
        spacing = (
            np.where(ahead <= EACH, 1, np.where(ahead <= SECOND, 2, 4))
            if self.interval == 1
            else self.interval
        )
        self._discharge = new_discharge(len(network.lane_signal))
        self._service = new_service(len(network.lane_signal))
        self.prices = self._service.prices
        self.headways = network.movement_headway.copy()
        changes = np.union1d(ahead[ahead % spacing == 0], ahead[-1:])
        rungs = changes[np.searchsorted(changes, ahead)].astype(np.int32)
        self._memory = HorizonMemory(tabulate_transitions(network), rungs, np.full(1024, -np.inf))

    def watch(
        self, time: float, network: Network, signals: Signals, arrivals: Arrivals, storage: Storage
    ) -> None:
        """
        Learn from a reading of the street how fast queues leave, and which lanes are starved.

        Parameters
        ----------
        time : float
            Now [s].
        network : Network
            The network.
        signals : Signals
            What is shown.
        arrivals : Arrivals
            The vehicles.
        storage : Storage
            Room behind the signals.
        """
        watch_discharge(network, signals, arrivals, storage, float(time), self._discharge, self.headways)
        watch_service(network, signals, arrivals, self._discharge, self._service)

    def decide(
        self, time: float, network: Network, signals: Signals, arrivals: Arrivals, storage: Storage
    ) -> Int:
        """
        Choose each signal's stage.

        Parameters
        ----------
        time : float
            Now [s].
        network : Network
            The network.
        signals : Signals
            What is shown.
        arrivals : Arrivals
            The vehicles.
        storage : Storage
            Room behind the signals.

        Returns
        -------
        Int
            Shape (S), the stage wanted.
        """
        self._make_room(int(arrivals.vehicle.max(initial=0)) + 1)
        memory, trace = self._memory, self._trace
        trace.costs[:] = np.nan
        now = float(time)
        network = network._replace(movement_headway=self.headways)
        onward, places = look_around(network, signals, arrivals, storage, now, memory)
        scene = Scene(network, signals, arrivals, storage, onward, places, memory, self.prices, now)
        wish = signals.wanted.copy()
        count = len(network.group_ptr) - 1
        bounds = [count * k // self._threads for k in range(self._threads + 1)]
        if self._threads == 1:
            horizon(scene, (0, count), wish, trace)
            return wish
        with ThreadPoolExecutor(self._threads) as pool:
            parts = [pool.submit(horizon, scene, part, wish, trace) for part in pairwise(bounds)]
            for part in parts:
                part.result()
        return wish

    def trace(self, network: Network, signal: int) -> None:
        """
        Have the decisions of one signal explained from now on.

        Parameters
        ----------
        network : Network
            The network.
        signal : int
            Number of the signal.
        """
        stages = int(network.stage_ptr[signal + 1] - network.stage_ptr[signal])
        plans = np.full((stages, len(self._memory.rungs)), -1, np.int32)
        self._trace = Trace(np.full(1, signal, np.int32), np.full(stages, np.nan), plans)

    def explain(self) -> list[dict[str, Any]]:
        """
        Tell what each stage would have cost at the last decision of the signal that is traced.

        Returns
        -------
        list of dict
            One entry a stage: its number, the cost of the cheapest plan that begins with it [veh s], and that plan as
            pairs of the second from which a stage may end, and the stage; empty where there was nothing to decide.
        """
        entries = []
        for stage, cost in enumerate(self._trace.costs.tolist()):
            if np.isnan(cost):
                continue
            plan: list[list[int]] = []
            for second, shown in enumerate(self._trace.plans[stage].tolist()):
                if shown >= 0 and (not plan or plan[-1][1] != shown):
                    plan.append([second, shown])
            entries.append({"stage": stage, "cost": round(cost, 2), "plan": plan})
        return entries

    def _make_room(self, vehicles: int) -> None:
        departs = self._memory.departs
        if vehicles > len(departs):
            more = np.full(2 * vehicles - len(departs), -np.inf)
            self._memory = self._memory._replace(departs=np.concatenate((departs, more)))


def build_horizon(**params: Any) -> Horizon:  # noqa: ANN401  ('class' cannot be the name of a parameter)
    """
    Build the controller of a class.

    Parameters
    ----------
    **params : object
        ``class``: ``free`` decides each second, ``grid`` as often as ``interval`` says and with the program's stages
        only, as RESCO's controllers do; ``reach``, ``stages``, ``interval`` and ``threads`` as for `Horizon`.

    Returns
    -------
    Horizon
        The controller.
    """
    if params["class"] == "grid":
        return Horizon(params["reach"], "program", params["interval"], params["threads"])
    return Horizon(params["reach"], params["stages"], 1, params["threads"])
