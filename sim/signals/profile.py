"""Profiles: the limits that the safety rules use, shipped or from a user's own file."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from sim.errors import InputError, near_miss
from sim.faults import describe

SHIPPED = ("rilsa", "nema", "basic")

Seconds = Annotated[int, Field(ge=0, le=3600)]
Span = tuple[Seconds, Seconds]


class Profile(BaseModel):
    """Limits of the safety rules; there is none that allows conflicting greens."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    title: str = "own"
    cycle: Span = Field(description="Shortest and longest cycle [s].")
    minimum_green: Seconds = Field(description="Shortest green of a vehicle group [s].")
    pedestrian_green: Seconds = Field(description="Shortest green of a pedestrian group [s].")
    walk_to_middle: bool = Field(default=False, description="Who starts walking reaches the middle in green.")
    yellow: Span = Field(description="Shortest and longest yellow of a vehicle group [s].")
    yellow_at_speed: tuple[tuple[float, Seconds], ...] = Field(
        default=(), description="Shortest yellow [s] up to each permitted speed [km/h]."
    )
    red_yellow: Span = Field(description="Shortest and longest red-yellow of a vehicle group [s].")
    minimum_red: Seconds = Field(description="Shortest red between two greens of a group [s].")
    walking_speed: float = Field(gt=0.3, le=3, description="Clearing speed of pedestrians [m/s].")
    red_clear: Span = Field(default=(0, 60), description="Red clearance of a NEMA phase [s].")


@dataclass(frozen=True)
class NamedProfile:
    """A profile and what it is called."""

    name: str
    limits: Profile


def load_profile(name: str) -> NamedProfile:
    """
    Load a profile.

    Parameters
    ----------
    name : str
        ``rilsa``, ``nema``, ``basic``, or the path of a TOML file; that file may name one of these in ``extends``
        and then gives only what is different.

    Returns
    -------
    NamedProfile
        The profile.

    Raises
    ------
    InputError
        If there is none of that name, or the file is faulty.
    """
    if name in SHIPPED:
        return NamedProfile(name, Profile(**_shipped(name)))
    path = Path(name).expanduser()
    if path.suffix != ".toml":
        msg = f"no profile '{name}'{near_miss(name, SHIPPED)}; or give a .toml file"
        raise InputError(msg)
    try:
        raw = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        msg = f"{path} cannot be read: {error.strerror or error}"
        raise InputError(msg) from error
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        msg = f"{path} is not valid TOML: {error}"
        raise InputError(msg) from error
    base = raw.pop("extends", None)
    if base is not None and base not in SHIPPED:
        msg = f"{path}: extends = {base!r} is no shipped profile{near_miss(str(base), SHIPPED)}"
        raise InputError(msg)
    try:
        return NamedProfile(path.stem, Profile(**((_shipped(base) if base else {}) | raw)))
    except ValidationError as error:
        msg = f"{path}: {'; '.join(map(str, describe(error, Profile)))}"
        raise InputError(msg) from error


def _shipped(name: str) -> dict[str, Any]:
    return tomllib.loads((files("sim.signals") / "profiles" / f"{name}.toml").read_text(encoding="utf-8"))
