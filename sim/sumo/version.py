"""The one SUMO release that results are computed with, checked without loading it."""

from __future__ import annotations

from importlib import metadata

from sim.errors import EnvironmentFaultError

# Every SUMO release may change results, so a result belongs to exactly one. pyproject.toml pins the same number.
PINNED = "1.28.0"
DISTRIBUTIONS = ("eclipse-sumo", "libsumo", "traci", "sumolib")


def sumo_version() -> str:
    """
    Name the installed SUMO release.

    Returns
    -------
    str
        Version of the ``libsumo`` distribution, such as ``"1.28.0"``, or ``"missing"``.
    """
    return _installed("libsumo") or "missing"


def require_sumo() -> str:
    """
    Make sure that every part of SUMO is the pinned release.

    Returns
    -------
    str
        The pinned version.

    Raises
    ------
    EnvironmentFaultError
        If a part is missing or of another version.
    """
    wrong = [
        f"{name} {version or 'is missing'}"
        for name in DISTRIBUTIONS
        if (version := _installed(name)) != PINNED
    ]
    if wrong:
        wanted = " ".join(f"'{name}=={PINNED}'" for name in DISTRIBUTIONS)
        msg = f"SUMO {PINNED} is needed, found {', '.join(wrong)}: run pip install {wanted}"
        raise EnvironmentFaultError(msg)
    return PINNED


def _installed(distribution: str) -> str | None:
    try:
        return metadata.version(distribution)
    except metadata.PackageNotFoundError:
        return None
