"""Rules of priority: whom they name."""

from __future__ import annotations

from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

# SUMO's vehicle classes of each mode; all others are cars.
MODES = {
    "truck": ("truck", "trailer", "delivery", "container"),
    "bus": ("bus", "coach"),
    "tram": ("tram", "cable_car", "subway", "rail_urban", "rail", "rail_electric", "rail_fast"),
    "bicycle": ("bicycle", "scooter"),
    "emergency": ("emergency", "authority", "army", "vip"),
}
_MODE_OF_CLASS = {name: mode for mode, names in MODES.items() for name in names}


@dataclass(frozen=True, slots=True)
class Rule:
    """
    Who has which priority.

    Parameters
    ----------
    lines : tuple of str
        Lines, as vehicles and flows name them; ``*`` stands for any characters.
    modes : tuple of str
        Modes; a rule that names a vehicle's line comes before one that names its mode.
    level : str
        ``low``, ``medium``, ``high`` or ``preempt``.
    late_only : float or None
        Only for vehicles that are so late [s].
    """

    lines: tuple[str, ...]
    modes: tuple[str, ...]
    level: str
    late_only: float | None = None


def mode_of(vehicle_class: str) -> str:
    """
    Name the mode of a vehicle class.

    Parameters
    ----------
    vehicle_class : str
        SUMO's name of it.

    Returns
    -------
    str
        A key of `MODES`, or ``car``.
    """
    return _MODE_OF_CLASS.get(vehicle_class, "car")


def rule_of(rules: Sequence[Rule], line: str, mode: str) -> Rule | None:
    """
    Find the rule for a vehicle.

    Parameters
    ----------
    rules : sequence of Rule
        The rules.
    line : str
        Its line; empty if it has none.
    mode : str
        Its mode.

    Returns
    -------
    Rule or None
        The one that names its line, else the one that names its mode.
    """
    for rule in rules:
        if line and any(fnmatchcase(line, name) for name in rule.lines):
            return rule
    return next((rule for rule in rules if mode in rule.modes), None)
