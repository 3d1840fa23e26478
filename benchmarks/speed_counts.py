"""
What a second of control and a start cost in counts, which no other work on the machine disturbs.

    python benchmarks/speed_counts.py             # the counts beside the committed ones; exit code 1 if one is above
    python benchmarks/speed_counts.py --renew     # write benchmarks/speed_counts.json anew

Counted are, of 300 s of a small network with six signals: calls of SUMO by name and second, and lamps set that showed
the same already; of one second of control with the same vehicles again and again, after a warm-up: Python's memory
blocks that stay, the peak of bytes held in between, and arrays that kernels allocate and keep; and of `gruenband
--help` the modules that are not Python's own. Figures that depend on what vehicles do may be --slack above the
committed ones. Fewer is always fine.
"""

from __future__ import annotations

import argparse
import gc
import json
import os
import subprocess
import sys
import tempfile
import tracemalloc
from collections import Counter
from pathlib import Path

from speed_sides import END, build_grid

FILE = Path(__file__).with_suffix(".json")
CONTROLLER = "max-pressure"
SLACK = 0.05
# Seconds of control. Caches of Python and numpy fill up for some hundred of them, then nothing grows any more.
WARM, ROUNDS = 1000, 200
NOW = 120  # s, of the vehicles that stay
BYTES = "peak bytes of a second of control"


def main() -> int:
    """Count and compare, or write."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--renew", action="store_true")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the counts there too")
    parser.add_argument("--slack", type=float, default=SLACK)
    parser.add_argument("--child", choices=["calls", "memory", "modules"], help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.child:
        print(json.dumps({"calls": calls, "memory": memory, "modules": modules}[args.child]()))
        return 0
    # A process each: SUMO's library holds one simulation, and memory is counted where nothing else was.
    seen = {key: value for part in ("calls", "memory", "modules") for key, value in child(part).items()}
    if args.json:
        args.json.write_text(json.dumps(seen), encoding="utf-8")
    if args.renew:
        FILE.write_text(json.dumps(seen, indent=1, sort_keys=True) + "\n", encoding="utf-8")
        return 0
    above = 0
    committed = json.loads(FILE.read_text(encoding="utf-8"))
    for name in sorted(seen.keys() | committed.keys()):
        most = committed.get(name, 0)
        now = seen.get(name, 0)
        # A quarter for bytes, since objects have other sizes in each Python.
        worse = now > most * (1 + (0.25 if name == BYTES else args.slack)) + 1e-9
        above += worse
        print(f"{name:48} {now:12g} {most:12g}{'  ABOVE' if worse else ''}")
    return int(above > 0)


def child(part: str) -> dict[str, float]:
    """Count a part in a fresh process."""
    environment = os.environ | {"NUMBA_NRT_STATS": "1"}
    if part == "calls":
        # The same calls, without waiting for a compiler.
        environment["NUMBA_DISABLE_JIT"] = "1"
    command = [sys.executable, __file__, "--child", part]
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
    if done.returncode != 0:
        raise SystemExit(done.stderr)
    return json.loads(done.stdout.splitlines()[-1])


class Counted:
    """The compiled part of SUMO's library, which every call ends in, counting them."""

    def __init__(self, module: object, counts: Counter[str]) -> None:
        self._module, self._counts = module, counts

    def __getattr__(self, name: str) -> object:
        function = getattr(self._module, name)
        if not callable(function):
            return function

        def call(*arguments: object) -> object:
            self._counts[name] += 1
            return function(*arguments)

        return call


def calls() -> dict[str, float]:
    """Count the calls of SUMO in a short run."""
    import libsumo

    from sim import run as run_module
    from sim.control.registry import parse_controller
    from sim.scenario import load_scenario
    from sim.sumo.session import Session

    counts: Counter[str] = Counter()
    compiled = Counted(libsumo._libsumo, counts)  # noqa: SLF001 - every call ends there
    libsumo._libsumo = libsumo.libsumo._libsumo = compiled  # noqa: SLF001
    shown: dict[str, str] = {}

    class CountedSession(Session):
        def show(self, signal: str, state: str) -> None:
            counts["lamps set that showed the same"] += shown.get(signal) == state
            shown[signal] = state
            super().show(signal, state)

    run_module.Session = CountedSession  # type: ignore[misc]
    with tempfile.TemporaryDirectory() as folder:
        build_grid(Path(folder))
        (Path(folder) / "out").mkdir()
        scenario = load_scenario(str(Path(folder) / "grid.sumocfg"))
        task = run_module.RunTask(scenario, parse_controller(CONTROLLER), 1, 1.0)
        run_module.run(task, Path(folder) / "out")
    same = counts.pop("lamps set that showed the same")
    per_second = {f"calls a second: {name}": round(n / END, 3) for name, n in counts.items()}
    return {"lamps set that showed the same": same, **per_second}


class Still:
    """The vehicles of one second, for ever."""

    def __init__(self, session: object) -> None:
        self._reading = session.read()
        self._routes = {name: session.route(name) for name in self._reading.ids}
        self._lengths = {name: session.length(name) for name in self._reading.ids}

    def read(self) -> object:
        return self._reading

    def route(self, vehicle: str) -> tuple[str, ...]:
        return self._routes[vehicle]

    def length(self, vehicle: str) -> float:
        return self._lengths[vehicle]

    def vehicle_class(self, _: str) -> str:
        return "passenger"


def memory() -> dict[str, float]:  # noqa: PLR0915 - one measurement, in order
    """Count what a second of control allocates and keeps."""
    import numpy as np
    from numba.core.runtime import rtsys

    from sim.control.registry import build, parse_controller
    from sim.core.guard import new_signals, switch
    from sim.network.graph import RoadGraph
    from sim.network.layout import lay_out
    from sim.network.timing import TimingRules
    from sim.run import note_demand
    from sim.scenario import load_scenario
    from sim.scenario.arguments import sumo_arguments
    from sim.sensing.view import FullView
    from sim.sumo.session import Session

    controller = build(parse_controller(CONTROLLER))
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        build_grid(folder)
        scenario = load_scenario(str(folder / "grid.sumocfg"))
        graph = RoadGraph.from_file(scenario.network)
        layout = lay_out(graph, TimingRules(), controller.reach)
        session = Session(sumo_arguments(scenario, 1, 1.0, folder, []), folder / "errors.log")
        with session.until_done():
            session.watch(layout.watched)
            session.step(NOW)
            still = Still(session)
    network = layout.network
    signals = new_signals(network, np.zeros(len(layout.signals), np.int32))
    view = FullView(graph, layout, controller.reach)
    controller.reset(network)
    letters = np.zeros(len(network.link_group), np.uint8)

    def second() -> None:
        arrivals, storage = view.see(still)
        waiting = note_demand(network, signals, arrivals, storage)
        wish = controller.decide(float(NOW), network, signals, arrivals, storage)
        switch(network, signals, wish, waiting, letters)

    for _ in range(WARM):
        second()
    gc.collect()
    gc.disable()
    kept_blocks = []
    # The interpreter itself keeps some now and then; what control keeps, it keeps every time.
    for _ in range(3):
        before, arrays = sys.getallocatedblocks(), rtsys.get_allocation_stats()
        for _ in range(ROUNDS):
            second()
        # Empties the free lists, as the one before did.
        gc.collect()
        kept_blocks.append(sys.getallocatedblocks() - before)
        after = rtsys.get_allocation_stats()
    tracemalloc.start()
    second()
    tracemalloc.reset_peak()
    held = tracemalloc.get_traced_memory()[0]
    second()
    peak = tracemalloc.get_traced_memory()[1] - held
    kept = (after.alloc - arrays.alloc) - (after.free - arrays.free)
    return {
        "vehicles in the second that is repeated": len(still.read().ids),
        # Whole blocks: some ten in all are those of the counting.
        "blocks kept by a second of control": max(0, min(kept_blocks) // ROUNDS),
        BYTES: peak,
        "arrays allocated by kernels in a second": round((after.alloc - arrays.alloc) / ROUNDS, 2),
        "arrays kept by kernels": kept / ROUNDS,
    }


def modules() -> dict[str, float]:
    """Count the modules that are imported for the help, without Python's own."""
    # Not those that are there before: systems and editable installs hook in with modules of their own.
    program = (
        "import sys; before = set(sys.modules); from sim.cli.main import invoke; invoke(['--help']); "
        "print(*(name for name in sys.modules if name not in before))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    names = [name.partition(".")[0] for name in done.stdout.splitlines()[-1].split()]
    counts = Counter(name for name in names if name not in sys.stdlib_module_names)
    # Nor what coverage tools add.
    found = {f"modules of --help: {name}": n for name, n in counts.items() if not name.startswith("_")}
    return dict(sorted(found.items()))


if __name__ == "__main__":
    sys.exit(main())
