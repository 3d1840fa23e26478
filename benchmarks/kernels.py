"""
What a decision costs in a large city: time and memory of each adaptive controller for 100, 1,000 and 10,000 signals.

    python benchmarks/kernels.py
    python benchmarks/kernels.py --controller self-control --signals 100,1000

A decision is one call of the controller's `decide` for all signals of a generated city (benchmarks/city.py), on one
thread, in a process of its own. The middle one of five is shown, as a first decision after `reset`, in which every signal
has to decide, and as the next one an interval later; the slower of the two counts. Reading the vehicles and the guard are
not in it; they stand below. Then: how long all kernels take to compile into an empty cache (`tests/compile_kernels.py`, in
two processes, the start of Python in it), and to load from a full one.
Exit code 1 if 1,000 signals take more than 50 ms, compiling more than 40 s, loading more than 1 s, or if a kernel is
left to be compiled in the middle of a run.
"""

from __future__ import annotations

import argparse
import ctypes
import json
import math
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules

from rich import box
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from sim.control.registry import build, find_kind, list_controllers, parse_controller
from sim.errors import GruenbandError

SIGNALS = (100, 1_000, 10_000)
REPEAT = 5
DECISION = {1_000: 0.050}  # s, by number of signals
COLD, LOAD = 40.0, 1.0  # s
NOW = 25200.0  # s of the day
MIB = 2**20
ROOT = Path(__file__).resolve().parent.parent
ONE_THREAD = {"NUMBA_NUM_THREADS": "1", "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}


def main() -> int:
    """Measure everything in processes of their own and print two tables."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    adaptive = [kind.name for kind in list_controllers() if not kind.in_sumo]
    parser.add_argument("-c", "--controller", action="append", help=f"default: {', '.join(adaptive)}")
    parser.add_argument("--signals", default=",".join(map(str, SIGNALS)))
    parser.add_argument("--skip-compile", action="store_true", help="leave the second table out")
    parser.add_argument("--child", help=argparse.SUPPRESS)
    args = parser.parse_args()
    controllers = args.controller or adaptive
    try:
        ours = [not find_kind(parse_controller(text).id).in_sumo for text in controllers]
    except GruenbandError as fault:
        parser.error(str(fault))
    if not all(ours):
        parser.error(
            f"{controllers[ours.index(False)]} is run by SUMO and has no kernel; name an adaptive one"
        )
    if args.child:
        print(json.dumps(load_all(controllers) if args.child == "load" else decide(args)))
        return 0
    console = Console() if sys.stdout.isatty() else Console(width=120)
    console.print(f"{processor()}, one thread", highlight=False)
    missed = show_decisions(console, controllers, [int(n) for n in args.signals.split(",")])
    if not args.skip_compile:
        missed += show_compiling(console, adaptive)
    return int(missed > 0)


def processor() -> str:
    """Name the processor."""
    info = Path("/proc/cpuinfo")
    lines = info.read_text(encoding="utf-8").splitlines() if info.is_file() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or platform.machine()


def child(*arguments: str, **environment: str) -> dict:
    """Run this file in a process of its own and read what it measured."""
    command = [sys.executable, __file__, *arguments]
    done = subprocess.run(
        command, env=os.environ | ONE_THREAD | environment, capture_output=True, text=True, check=False
    )
    if done.returncode != 0:
        raise SystemExit(done.stderr.strip() or f"{' '.join(arguments)} failed")
    return json.loads(done.stdout.splitlines()[-1])


def show_decisions(console: Console, controllers: list[str], sizes: list[int]) -> int:
    """Measure and print what decisions cost; return how many figures are missed."""
    table = Table(
        title=f"one decision, 10 vehicles an approach, middle of {REPEAT}",
        title_justify="left",
        box=box.SIMPLE_HEAD,
        padding=(0, 1, 0, 0),
    )
    columns = ("controller", "signals", "first [ms]", "next [ms]", "µs/signal", "growth")
    for column in (*columns, "arrays [MiB]", "peak [MiB]", "growth", "asked"):
        table.add_column(escape(column), justify="left" if column in {"controller", "asked"} else "right")
    missed = 0
    beside: dict[int, list[dict]] = {}
    for controller in controllers:
        before = None
        for size in sizes:
            seen = child("--child", "decide", "-c", controller, "--signals", str(size))
            beside.setdefault(size, []).append(seen)
            slower = max(seen["first"], seen["next"])
            asked = ""
            if size in DECISION:
                good = slower <= DECISION[size]
                missed += not good
                asked = ("[green]" if good else "[red]MISSED ") + f"at most {1e3 * DECISION[size]:g} ms[/]"
            table.add_row(
                controller if before is None else "",
                f"{size:,}",
                f"{1e3 * seen['first']:.2f}",
                f"{1e3 * seen['next']:.2f}",
                f"{1e6 * slower / size:.1f}",
                exponent(before, (size, slower, seen["peak"]), 1),
                f"{seen['arrays'] / MIB:.1f}",
                f"{seen['peak'] / MIB:.1f}",
                exponent(before, (size, slower, seen["peak"]), 2),
                asked,
            )
            before = (size, slower, seen["peak"])
        table.add_section()
    for size, found in beside.items():
        sensing, guard = (statistics.median(seen[key] for seen in found) for key in ("sense", "guard"))
        each = 1e6 * (sensing + guard) / size
        table.add_row(
            "reading; guard", f"{size:,}", f"{1e3 * sensing:.2f}", f"{1e3 * guard:.2f}", f"{each:.1f}"
        )
    console.print(table)
    console.print(
        "growth: exponent from the row above; 1 is linear. Arrays: network, vehicles, storage, lamps and what the "
        "controller keeps.\nPeak: growth of the process's memory, from before `reset` to the end of the first decision.",
        style="dim",
        highlight=False,
    )
    return missed


def exponent(before: tuple[float, ...] | None, now: tuple[float, ...], column: int) -> str:
    """Say with which power of the signals a figure grows."""
    if before is None or min(before[column], now[column]) <= 0:
        return ""
    return f"{math.log(now[column] / before[column]) / math.log(now[0] / before[0]):.2f}"


def show_compiling(console: Console, controllers: list[str]) -> int:
    """Measure and print how long kernels compile and load; return how many figures are missed."""
    arguments = ["--child", "load"]
    for controller in controllers:
        arguments += ["-c", controller]
    with tempfile.TemporaryDirectory() as folder:
        cold = compile_all(folder)
        loads = [child(*arguments, GRUENBAND_CACHE=folder) for _ in range(3)]
        files = sum(path.stat().st_size for path in Path(folder).rglob("*") if path.is_file())
    load = sorted(loads, key=lambda seen: seen["wall"])[1]
    if load["compiled"]:
        msg = "kernels were compiled again although they were in the cache"
        raise SystemExit(msg)
    table = Table(
        title=f"kernels of {', '.join(controllers)}",
        title_justify="left",
        box=box.SIMPLE_HEAD,
        padding=(0, 1, 0, 0),
    )
    for column in ("what", "wall [s]", "processor [s]", "asked"):
        table.add_column(escape(column), justify="left" if column in {"what", "asked"} else "right")
    missed = 0
    for what, seen, limit in (
        (f"compiling {load['kernels']} kernels into an empty cache", cold, COLD),
        (f"loading them from the cache ({files / MIB:.1f} MiB)", load, LOAD),
    ):
        good = seen["wall"] <= limit
        missed += not good
        asked = ("[green]" if good else "[red]MISSED ") + f"at most {limit:g} s[/]"
        table.add_row(what, f"{seen['wall']:.2f}", f"{seen['processor']:.2f}", asked)
    table.add_row(
        "before it: importing numba and the modules",
        f"{load['import']:.2f}",
        f"{load['import_processor']:.2f}",
        "",
    )
    left = ", ".join(load["left"]) or "none"
    missed += bool(load["left"])
    table.add_row(
        f"kernels left to be compiled during a run: {left}",
        "",
        "",
        "[red]MISSED none[/]" if load["left"] else "[green]none[/]",
    )
    console.print(table)
    return missed


def processor_time() -> float:
    """Add up what this process and those it waited for have used [s]."""
    return sum(os.times()[:4])


def compile_all(folder: str) -> dict:
    """Compile all kernels into an empty cache, as is done before the tests."""
    began, began_processor = time.perf_counter(), processor_time()
    command = [sys.executable, str(ROOT / "tests" / "compile_kernels.py")]
    paths = os.pathsep.join(filter(None, (str(ROOT), os.environ.get("PYTHONPATH"))))
    environment = os.environ | ONE_THREAD | {"GRUENBAND_CACHE": folder, "PYTHONPATH": paths}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise SystemExit(done.stderr.strip() or "compiling failed")
    return {"wall": time.perf_counter() - began, "processor": processor_time() - began_processor}


def load_all(controllers: list[str]) -> dict:
    """Warm the kernels of every controller in this process, as a run does before its first second."""
    began, began_processor = time.perf_counter(), processor_time()
    from sim.control.warm import warm
    from sim.core.jit import cache_folder
    from sim.observe.warm import warm_onlooker

    specs = [parse_controller(text) for text in controllers]
    for spec in specs:
        build(spec)
    modules = core_modules()
    ready, ready_processor = time.perf_counter(), processor_time()
    for spec in specs:
        warm(spec)
    warm_onlooker()
    wall, used = time.perf_counter() - ready, processor_time() - ready_processor
    kernels = {
        f"{module.__name__.rpartition('.')[2]}.{name}": thing
        for module in modules
        for name, thing in vars(module).items()
        if hasattr(thing, "nopython_signatures") and thing.py_func.__module__ == module.__name__
    }
    cached = {path.name.partition("-")[0] for path in cache_folder().rglob("*.nbi")}
    return {
        "import": ready - began,
        "import_processor": ready_processor - began_processor,
        "wall": wall,
        "processor": used,
        "kernels": len(kernels),
        "compiled": sum(sum(kernel.stats.cache_misses.values()) for kernel in kernels.values()),
        # What is compiled into another kernel has a signature too, or a file if that one came from the cache.
        "left": sorted(
            name for name, kernel in kernels.items() if not kernel.nopython_signatures and name not in cached
        ),
    }


def core_modules() -> list:
    """Import every module with kernels."""
    package = import_module("sim.core")
    return [import_module(part.name) for part in iter_modules(package.__path__, "sim.core.")]


def decide(args: argparse.Namespace) -> dict:
    """Measure one controller in one city in this process."""
    from city import City, build_city

    from sim.core.guard import switch

    spec, size = parse_controller(args.controller[0]), int(args.signals)
    controller = build(spec)
    small = build_city(4)
    controller.reset(small.network)
    controller.decide(NOW, small.network, small.signals, copied(small.arrivals), copied(small.storage))
    city = build_city(size)

    def once(scene: City, now: float) -> tuple[float, object]:
        # A controller may count into what it is given.
        given = copied(scene.signals), copied(scene.arrivals), copied(scene.storage)
        begun = time.perf_counter()
        wish = controller.decide(now, scene.network, *given)
        return time.perf_counter() - begun, wish

    before = reset_peak()
    controller.reset(city.network)
    once(city, NOW)
    peak = memory("VmHWM") - before
    kept = sum(array.nbytes for array in arrays_in(getattr(controller, "__dict__", {})))
    first, following, guard = [], [], []
    letters = city.network.link_group.astype("uint8")
    for _ in range(REPEAT):
        controller.reset(city.network)
        seconds, wish = once(city, NOW)
        first.append(seconds)
        later = city._replace(signals=copied(city.signals))
        for _ in range(controller.interval):
            begun = time.perf_counter()
            switch(later.network, later.signals, wish, later.waiting, letters)
            guard.append(time.perf_counter() - begun)
        following.append(once(later, NOW + controller.interval)[0])
    return {
        "first": statistics.median(first),
        "next": statistics.median(following),
        "guard": statistics.median(guard),
        "sense": time_of_reading(size),
        "arrays": kept + sum(array.nbytes for part in city[:4] for array in part),
        "peak": peak,
    }


def time_of_reading(size: int) -> float:
    """Time the kernel that makes arrivals and storage of the vehicles [s]."""
    import numpy as np
    from city import REACH, SEED, build_network, place_vehicles, routes_of, switch_for_a_minute

    from sim.core.sense import sense

    draw = np.random.default_rng(SEED)
    network = build_network(size, draw)
    vehicles, seen = place_vehicles(network, switch_for_a_minute(network, draw), draw)
    routes, strays = routes_of(network), np.zeros(len(vehicles.slot), np.int32)
    times = []
    for _ in range(REPEAT):
        begun = time.perf_counter()
        sense(network, routes, vehicles, seen, REACH, strays)
        times.append(time.perf_counter() - begun)
    return statistics.median(times)


def copied(table: tuple) -> tuple:
    """Copy a tuple of arrays."""
    return table._replace(**{name: array.copy() for name, array in table._asdict().items()})


def arrays_in(thing: object) -> list:
    """Find the arrays a controller keeps."""
    if hasattr(thing, "nbytes") and hasattr(thing, "dtype"):
        return [thing]
    if isinstance(thing, dict):
        thing = tuple(thing.values())
    if isinstance(thing, tuple | list):
        return [array for part in thing for array in arrays_in(part)]
    return []


def memory(key: str) -> int:
    """Read what Linux says of this process's memory [bytes]."""
    for line in Path("/proc/self/status").read_text(encoding="ascii").splitlines():
        if line.startswith(key + ":"):
            return 1024 * int(line.split()[1])
    msg = f"/proc/self/status has no {key}; this benchmark needs Linux"
    raise SystemExit(msg)


def reset_peak() -> int:
    """Give free memory back, forget the peak so far, and return what is used now [bytes]."""
    ctypes.CDLL(None).malloc_trim(0)
    Path("/proc/self/clear_refs").write_text("5", encoding="ascii")
    return memory("VmRSS")


if __name__ == "__main__":
    sys.exit(main())
