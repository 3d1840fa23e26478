"""Profiles: the limits that the safety rules use, shipped or from a user's own file."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from importlib.resources import files
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from sim.errors import InputError, near_miss
from sim.faults import describe
from sim.signals.files import read_text

if TYPE_CHECKING:
    from sim.signals.plan import Kind

SHIPPED = ("rilsa", "nema", "basic")
# Larger files are no profiles [bytes].
LARGEST_FILE = 2**20

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
    bicycle_yellow: Span | None = Field(default=None, description="Yellow of a bicycle group [s].")
    bicycle_red_yellow: Span | None = Field(default=None, description="Red-yellow of a bicycle group [s].")
    tram_yellow: Span | None = Field(default=None, description="Yellow of a tram group [s].")
    tram_red_yellow: Span | None = Field(default=None, description="Red-yellow of a tram group [s].")
    minimum_red: Seconds = Field(description="Shortest red between two greens of a group [s].")
    walking_speed: float = Field(gt=0.3, le=3, description="Clearing speed of pedestrians [m/s].")
    blinking_gives_way: bool = Field(
        default=False, description="A group that conflicts may rest blinking; who sees it gives way."
    )
    red_clear: Span = Field(default=(0, 60), description="Red clearance of a NEMA phase [s].")

    @field_validator(
        "cycle",
        "yellow",
        "red_yellow",
        "bicycle_yellow",
        "bicycle_red_yellow",
        "tram_yellow",
        "tram_red_yellow",
        "red_clear",
    )
    @classmethod
    def _low_first(cls, span: Span | None) -> Span | None:
        if span is not None and span[0] > span[1]:
            msg = f"the lower limit {span[0]} s is above the upper limit {span[1]} s"
            raise ValueError(msg)
        return span

    @field_validator("yellow_at_speed")
    @classmethod
    def _rising(cls, table: tuple[tuple[float, int], ...]) -> tuple[tuple[float, int], ...]:
        if any(now[0] <= last[0] or now[1] < last[1] for last, now in pairwise(table)):
            msg = "must rise from row to row in speed, and not fall in yellow"
            raise ValueError(msg)
        return table

    @model_validator(mode="after")
    def _reachable(self) -> Profile:
        if self.yellow_at_speed and self.yellow_at_speed[-1][1] > self.yellow[1]:
            msg = f"yellow_at_speed asks for more than the longest yellow of {self.yellow[1]} s"
            raise ValueError(msg)
        return self

    def transitions(self, kind: Kind) -> tuple[Span, Span]:
        """
        Give the limits of a kind's transitions.

        Parameters
        ----------
        kind : str
            Kind of a group on wheels; what the profile does not give for it is as for vehicles.

        Returns
        -------
        tuple of tuple of int
            Shortest and longest yellow, shortest and longest red-yellow [s].
        """
        own = {
            "bicycle": (self.bicycle_yellow, self.bicycle_red_yellow),
            "tram": (self.tram_yellow, self.tram_red_yellow),
        }
        yellow, red_yellow = own.get(kind, (None, None))
        return yellow or self.yellow, red_yellow or self.red_yellow


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
    if not name.endswith(".toml"):
        msg = f"no profile '{name}'; give rilsa, nema, basic or a .toml file{near_miss(name, SHIPPED)}"
        raise InputError(msg)
    try:
        path = Path(name).expanduser()
        raw = tomllib.loads(read_text(path, LARGEST_FILE))
    # Python's own words about a home that is not there are plain.
    except RuntimeError as error:
        why = "it is nested too deep" if isinstance(error, RecursionError) else str(error)
        msg = f"{name} cannot be read: {why}"
        raise InputError(msg) from error
    except ValueError as error:
        msg = f"{name} is not valid TOML: {error}"
        raise InputError(msg) from error
    base = raw.pop("extends", None)
    if base is not None and base not in SHIPPED:
        msg = f"{path}: extends = {base!r} is no shipped profile{near_miss(str(base), SHIPPED)}"
        raise InputError(msg)
    try:
        return NamedProfile(str(path), Profile(**((_shipped(base) if base else {}) | raw)))
    except ValidationError as error:
        msg = f"{path}: {'; '.join(map(str, describe(error, Profile)))}"
        raise InputError(msg) from error


def _shipped(name: str) -> dict[str, Any]:
    return tomllib.loads((files("sim.signals") / "profiles" / f"{name}.toml").read_text(encoding="utf-8"))
