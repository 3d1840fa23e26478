"""
How well horizon's queue model foresees crossings, given the stages that were really shown.

    python benchmarks/foresight.py                              # five maps, seed 1
    python benchmarks/foresight.py --maps cologne8 --lanes 8    # and the eight lanes that are foreseen worst
    python benchmarks/foresight.py --maps bochum-ring-am        # any scenario

A run is recorded second by second. Every few seconds, and at each signal that may change its stage then, the model is run
45 s ahead with the stages that followed. For each vehicle in view the crossing it foresees is compared with the real one.
A plan can only be as good as this: what is foreseen too early makes horizon count on vehicles that do not come.

Columns: who has right of way and who must give way to somebody; when the earlier of both crossings is due; how many
vehicles; the mean of real minus foreseen crossing, positive where the model is too early, and its median [s]; the shares
that cross more than 5 s later, and earlier, than foreseen. Crossings beyond the 45 s count as 45 s.
"""

from __future__ import annotations

import argparse
import tempfile
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple, TypeVar

import numba
import numpy as np
from rich.console import Console
from rich.table import Table

from sim.control.horizon import Horizon
from sim.control.registry import Kind, parse_controller, register_controller
from sim.core.arrays import Arrivals, Int, Network, Signals, Storage
from sim.core.changes import new_changes, note_now, pass_change, set_starts
from sim.core.choice import has_choice
from sim.core.horizon import Scene, look_around
from sim.core.lineup import begin_state, collect, new_queues, sizes_of
from sim.core.queue import BEGIN, YELLOW_USED, new_state
from sim.core.service import advance
from sim.run import RunTask, run
from sim.scenario import load_scenario

Arrays = TypeVar("Arrays", Signals, Arrivals, Storage)
MAPS = ("cologne1", "cologne3", "cologne8", "ingolstadt1", "ingolstadt7")
AHEAD = 45
BANDS = (0, 5, 10, 20, 30, 45)
LATE = 5.0
WARM_UP, EVERY = 300, 5


class Frame(NamedTuple):
    """What was known in one second."""

    time: float
    signals: Signals
    arrivals: Arrivals
    storage: Storage
    departs: np.ndarray
    prices: np.ndarray
    wish: np.ndarray


FRAMES: list[Frame] = []
RECORDER: list[Recorder] = []


def copied(table: Arrays) -> Arrays:
    """Copy a tuple of arrays."""
    return type(table)(*(column.copy() for column in table))


class Recorder(Horizon):
    """Horizon that keeps what it was given."""

    def __init__(self) -> None:
        super().__init__(300.0, "derived", 1, 1)

    def reset(self, network: Network) -> None:
        """Keep the network; the last one that is reset is that of the run, after those that only warm up."""
        super().reset(network)
        self.network = network
        RECORDER[:] = [self]
        FRAMES.clear()

    def decide(
        self, time: float, network: Network, signals: Signals, arrivals: Arrivals, storage: Storage
    ) -> Int:
        """Keep what is known."""
        known = copied(signals), copied(arrivals), copied(storage), self._memory.departs.copy()
        prices = self.prices.copy()
        wish = super().decide(time, network, signals, arrivals, storage)
        FRAMES.append(Frame(time, *known, prices, wish.copy()))
        return wish

    def scene(self, frame: Frame) -> Scene:
        """Give what decisions of a second looked at."""
        memory = self._memory._replace(departs=frame.departs)
        arrivals = copied(frame.arrivals)
        onward, places = look_around(self.network, frame.signals, arrivals, frame.storage, frame.time, memory)
        known = arrivals, frame.storage, onward, places, memory, frame.prices, frame.time
        return Scene(self.network, frame.signals, *known)


register_controller(Kind("foresight-v1", "Horizon, recorded.", Recorder, {}))


@numba.njit
def foresee(scene: Scene, s: int, changes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Run the model of a signal through rows of second and stage; give where lanes begin, and all crossings."""
    sizes = sizes_of(scene.network, scene.arrivals, scene.onward, s)
    queues, state = new_queues(sizes), new_state(sizes[0])
    changed = new_changes(scene.memory.table, s, sizes[3], sizes[2])
    collect(scene.network, scene.arrivals, scene.onward, scene.places, s, queues)
    note_now(scene.network, scene.signals, s, queues, changed)
    stage = changes[0, 1]
    begin_state(scene.network, scene.storage, s, stage, queues, state)
    groups = scene.network.group_ptr[s + 1] - scene.network.group_ptr[s]
    green, starts = np.full(groups, -1e9), np.empty(groups)
    queues.cross[:] = np.inf
    advance(queues, state, stage, green, 0.0, float(changes[1, 0]))
    for k in range(1, len(changes) - 1):
        t, follower, until = float(changes[k, 0]), changes[k, 1], float(changes[k + 1, 0])
        advance(queues, state, stage, green, t, t + YELLOW_USED)
        moved = (int(stage), int(follower), t)
        set_starts(queues, changed, moved, starts)
        pass_change(queues, changed, state, moved, (green, starts), until)
        green[:] = starts
        stage = follower
    return queues.lanes[:, BEGIN].copy(), queues.cross


def real_crossings(network: Network) -> dict[tuple[int, int], list[tuple[float, float]]]:
    """Find for each vehicle number and signal when it was first seen there and when it crossed [s]."""
    open_: dict[int, tuple[int, float, float, float, float]] = {}
    found: dict[tuple[int, int], list[tuple[float, float]]] = {}
    for frame in FRAMES:
        arrivals = frame.arrivals
        signal = np.repeat(network.lane_signal, np.diff(arrivals.lane_ptr))
        seen = {
            int(arrivals.vehicle[i]): (int(signal[i]), float(arrivals.distance[i]), float(arrivals.speed[i]))
            for i in range(len(signal))
        }
        for number in [*open_]:
            s, first, at, distance, speed = open_[number]
            now = seen.get(number)
            # A number may go to another vehicle, and a road may lead back to the same signal.
            if now is None or now[0] != s or now[1] > distance + 3.0:
                crossed = at + min(distance / max(speed, 1.0), 1.0)
                found.setdefault((number, s), []).append((first, crossed))
                del open_[number]
        for number, (s, distance, speed) in seen.items():
            first = open_[number][1] if number in open_ else frame.time
            open_[number] = (s, first, frame.time, distance, speed)
    return found


def stages_shown(f: int, s: int) -> np.ndarray | None:
    """List second and stage from a frame on, closed by the horizon; None if the guard took over."""
    changes = [(0, int(FRAMES[f].signals.wanted[s]))]
    for k in range(AHEAD):
        if FRAMES[f + k].signals.forced[s] >= 0:
            return None
        wanted = int(FRAMES[f + k].wish[s])
        if wanted != changes[-1][1]:
            changes.append((k, wanted))
    return np.array([*changes, (AHEAD, -1)], np.int64)


def compare() -> np.ndarray:
    """Give rows of lane, must give way, foreseen and real crossing [s from then]."""
    recorder, rows = RECORDER[0], []
    network = recorder.network
    real = real_crossings(network)
    for f in range(WARM_UP, len(FRAMES) - AHEAD, EVERY):
        frame = FRAMES[f]
        scene = recorder.scene(frame)
        for s in range(len(network.group_ptr) - 1):
            if not has_choice(network, frame.signals, scene.arrivals, scene.onward, s):
                continue
            changes = stages_shown(f, s)
            if changes is None:
                continue
            begins, cross = foresee(scene, s, changes)
            first, groups = network.group_ptr[s], network.group_ptr[s + 1] - network.group_ptr[s]
            yields = network.yields[network.matrix_ptr[s] : network.matrix_ptr[s + 1]].reshape(groups, groups)
            lanes = np.flatnonzero(network.lane_signal == s)
            for lane, begin in zip(lanes.tolist(), begins.tolist(), strict=True):
                own = range(frame.arrivals.lane_ptr[lane], frame.arrivals.lane_ptr[lane + 1])
                for rank, i in enumerate(own):
                    tracks = real.get((int(frame.arrivals.vehicle[i]), s), [])
                    then = next((c for begun, c in tracks if begun <= frame.time < c), None)
                    if then is None:
                        continue
                    group = network.movement_group[frame.arrivals.movement[i]] - first
                    rows.append((lane, yields[group].any(), cross[begin + rank], then - frame.time))
    table = np.array(rows)
    table[:, 2:] = np.minimum(table[:, 2:], AHEAD)
    return table


def show(console: Console, name: str, rows: np.ndarray, worst: int) -> None:
    """Print the table of a map."""
    early, error = np.minimum(rows[:, 2], rows[:, 3]), rows[:, 3] - rows[:, 2]
    table = Table(
        "",
        "due in [s]",
        "vehicles",
        "mean [s]",
        "median [s]",
        "late",
        "early",
        title=f"{name}, {len(rows)} foreseen",
    )
    cells = [
        (way, f"{low}-{high}", (rows[:, 1] == gives) & (early >= low) & (early < high))
        for gives, way in enumerate(("right of way", "gives way"))
        for low, high in pairwise(BANDS)
    ]
    lanes = np.unique(rows[:, 0])
    sums = np.array([abs(error[(rows[:, 0] == lane) & (early < AHEAD)].sum()) for lane in lanes])
    cells += [
        (f"stop-line lane {int(lanes[k])}", "0-45", (rows[:, 0] == lanes[k]) & (early < AHEAD))
        for k in np.argsort(-sums)[:worst]
    ]
    for way, band, chosen in cells:
        if chosen.any():
            e = error[chosen]
            shares = f"{(e > LATE).mean():.1%}", f"{(e < -LATE).mean():.1%}"
            table.add_row(way, band, str(len(e)), f"{e.mean():.2f}", f"{np.median(e):.2f}", *shares)
    console.print(table)


def main() -> None:
    """Run from the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--maps", default=",".join(MAPS))
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--scale", type=float, default=1.0, help="factor on the demand")
    parser.add_argument("--lanes", type=int, default=0, help="how many of the worst lanes to show")
    options = parser.parse_args()
    console = Console()
    for name in options.maps.split(","):
        task = RunTask(
            load_scenario(name if "-" in name else f"resco-{name}"),
            parse_controller("foresight"),
            options.seed,
            options.scale,
        )
        with tempfile.TemporaryDirectory() as folder:
            run(task, Path(folder))
        show(console, name, compare(), options.lanes)


if __name__ == "__main__":
    main()
