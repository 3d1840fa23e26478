"""
What the fork server loads once, so that a run's process starts with everything but SUMO in memory.

libsumo is not among it: it holds one simulation per process and must be fresh in each. Only the fork server
imports this module, for importing it also switches Ctrl-C off.
"""

from __future__ import annotations

import os
import signal
from contextlib import suppress
from importlib import import_module
from pkgutil import iter_modules

# Specs of the controllers a batch needs, one JSON a line: the parent writes it, the fork server reads it.
CONTROLLERS = "GRUENBAND_WARM"

# A terminal sends Ctrl-C to all processes of a batch. It is for the parent; a worker would print a trace.
signal.signal(signal.SIGINT, signal.SIG_IGN)

for name in (
    "duckdb",
    "numba",
    "numpy",
    "sim.batch.worker",
    "sim.run",
    "sim.core",
    "sim.control",
    "sim.sensing",
    "sim.observe",
):
    module = import_module(name)
    if name in {"sim.core", "sim.control", "sim.sensing", "sim.observe"}:
        for part in iter_modules(module.__path__, f"{name}."):
            import_module(part.name)

# Kernels in the cache are loaded once here instead of in every run. An empty cache is left to the first run, whose
# progress the user sees: compiling takes half a minute.
if os.environ.get(CONTROLLERS):
    from sim.control.spec import ControllerSpec
    from sim.control.warm import warm
    from sim.core.jit import cache_folder
    from sim.observe.warm import warm_onlooker

    # Without a place to keep kernels each run compiles its own.
    with suppress(OSError):
        cached = [path.name for path in cache_folder().rglob("*.nbi")]
        # Few scenarios have an onlooker: its kernels are not compiled for the others.
        if any(name.startswith("encounters.") for name in cached):
            warm_onlooker()
        if cached:
            for line in os.environ[CONTROLLERS].splitlines():
                warm(ControllerSpec.from_json(line))
