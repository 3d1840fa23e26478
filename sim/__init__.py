"""
Grünband: adaptive traffic-signal timings, proved in Eclipse SUMO and ready for the field.

What a user imports stands here; it is loaded when it is first asked for, so that the command starts at once.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

if TYPE_CHECKING:
    from sim.control.check import check_controller as check_controller
    from sim.control.registry import register_controller as register_controller
    from sim.network.graph import RoadGraph as RoadGraph
    from sim.run import RunTask as RunTask
    from sim.scenario import load_scenario as load_scenario

_PUBLIC = {
    "RoadGraph": "sim.network.graph",
    "RunTask": "sim.run",
    "check_controller": "sim.control.check",
    "load_scenario": "sim.scenario",
    "register_controller": "sim.control.registry",
}
__all__ = ["RoadGraph", "RunTask", "__version__", "check_controller", "load_scenario", "register_controller"]


def __getattr__(name: str) -> Any:  # noqa: ANN401  (module attributes have any type)
    """Load a public name when it is first used."""
    if name not in _PUBLIC:
        msg = f"module 'sim' has no attribute '{name}'"
        raise AttributeError(msg)
    return getattr(import_module(_PUBLIC[name]), name)
