"""
What the speed gate measures, in one fresh process that has loaded the code of one side (benchmarks/speed_gate.py).

    python -P benchmarks/speed_cases.py decisions|simulation CONTROLLER FOLDER

with the checkout to be measured, and its benchmarks/, on PYTHONPATH. Prints one JSON line: where `sim` was loaded from,
the processor time [s] and wall time [s] of the case, and the processor time of what came before it: imports and
kernels. It uses as few names of the code as it can, since both an older and a newer one have to know them.
"""

from __future__ import annotations

import gc
import json
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

SIGNALS = 100
DECISIONS = {"horizon": 20, "self-control": 100, "max-pressure": 100}
NOW = 25200.0  # s of the day


def main() -> None:
    """Measure the case that the command line names."""
    what, controller, folder = sys.argv[1], sys.argv[2], Path(sys.argv[3])
    work = {"decisions": decisions, "simulation": simulation}[what](controller, folder)
    gc.collect()
    loaded, begun = time.process_time(), time.perf_counter()
    work()
    seconds, wall = time.process_time() - loaded, time.perf_counter() - begun
    import sim

    print(json.dumps({"code": sim.__file__, "seconds": seconds, "wall": wall, "loading": loaded}))


def decisions(name: str, _: Path) -> Callable[[], None]:
    """Prepare decisions for all signals of a generated city, each after a `reset`, as in kernels.py."""
    from city import build_city  # that of the side: the arrays are its own

    from sim.control.registry import build, parse_controller

    controller = build(parse_controller(name))
    city = build_city(SIGNALS)

    def copied(table: tuple) -> tuple:
        return table._replace(**{key: array.copy() for key, array in table._asdict().items()})

    def decide() -> None:
        controller.reset(city.network)
        given = copied(city.signals), copied(city.arrivals), copied(city.storage)
        controller.decide(NOW, city.network, *given)

    def work() -> None:
        for _ in range(DECISIONS[name]):
            decide()

    decide()
    return work


def simulation(name: str, folder: Path) -> Callable[[], None]:
    """Prepare a run of the small network, kernels loaded as a batch does it."""
    import libsumo  # noqa: F401  (loading is not the run)

    from sim.control.registry import parse_controller
    from sim.control.warm import warm
    from sim.run import RunTask, run
    from sim.scenario import load_scenario

    spec = parse_controller(name)
    warm(spec)
    task = RunTask(load_scenario(str(folder / "grid.sumocfg")), spec, 1, 1.0)

    def work() -> None:
        with TemporaryDirectory() as out:
            run(task, Path(out))

    return work


if __name__ == "__main__":
    main()
