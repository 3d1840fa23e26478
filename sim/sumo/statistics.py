"""What SUMO's statistics tell of safety."""

from __future__ import annotations

from typing import TYPE_CHECKING

from defusedxml.ElementTree import parse

if TYPE_CHECKING:
    from pathlib import Path
    from xml.etree.ElementTree import Element


def read_statistics(path: Path) -> dict[str, int]:
    """
    Read collisions and emergency braking from SUMO's statistic output.

    Parameters
    ----------
    path : Path
        The file SUMO wrote.

    Returns
    -------
    dict
        ``collisions``, ``emergency_braking`` and ``teleports``, counts over the run.
    """
    root = parse(path).getroot()

    def count(tag: str, key: str) -> int:
        found: Element | None = root.find(tag)
        return int(found.get(key, "0")) if found is not None else 0

    return {
        "collisions": count("safety", "collisions"),
        "emergency_braking": count("safety", "emergencyBraking"),
        "teleports": count("teleports", "total"),
    }
