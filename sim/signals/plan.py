"""
A timing plan: what every signal shows, second by second, and the safety data it must keep.

The file is JSON; its schema is printed by ``gruenband plan schema``. All times are whole seconds. A program's second 0
is its begin; the clock second ``t`` shows the program's second ``(t - offset) mod cycle``.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated, Any, Literal, get_args

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from sim.errors import InputError
from sim.faults import TIME_OF_DAY, Fault, describe
from sim.signals.files import read_text, write_whole

if TYPE_CHECKING:
    from pathlib import Path

FORMAT = "gruenband-plan"
# More than this has no signal, and judging it would take for ever.
MOST_GROUPS, MOST_PROGRAMS, MOST_GREENS, MOST_STAGES = 255, 253, 10_000, 3600
MOST_CELLS = MOST_GROUPS * (MOST_GROUPS - 1)
# Entries of a day plan: one a minute.
MOST_SWITCHES = 1440
MOST_SIGNALS, MOST_KEYS = 20_000, 1000
LONGEST = {
    "signals": MOST_SIGNALS,
    "groups": MOST_GROUPS,
    "intergreens": MOST_CELLS,
    "programs": MOST_PROGRAMS,
    "stages": MOST_STAGES,
}
# How many faults of a file are looked at, and how many of them told.
LOOKED_AT, TOLD = 100, 10
Day = Literal["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]
DAYS: tuple[Day, ...] = get_args(Day)
Kind = Literal["vehicle", "pedestrian", "bicycle", "tram"]
Rest = Literal["red", "arrow", "off", "blinking"]


def _printable(text: str) -> str:
    if not text.strip() or not text.isprintable():
        msg = "must be text without line breaks and control characters, and not empty"
        raise ValueError(msg)
    return text


def _line(text: str) -> str:
    return _printable(text) if text else text


Name = Annotated[str, Field(max_length=200), AfterValidator(_printable)]
# Free text that may be empty; ids of joined lanes are long.
Line = Annotated[str, Field(max_length=2000), AfterValidator(_line)]
Seconds = Annotated[int, Field(ge=0, le=86400)]


class _Frozen(BaseModel):
    """Data that never change after validation and know no other key than their own."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)


class Link(_Frozen):
    """One lane-to-lane connection through the signal, or one direction of a crossing."""

    index: int = Field(ge=0, le=9999, description="Position in SUMO's state string.")
    from_lane: Line = Field(default="", description="Lane it comes from; empty if not known.")
    to_lane: Line = Field(default="", description="Lane or crossing it leads to; empty if not known.")


class Group(_Frozen):
    """A signal group: links that always show the same."""

    name: Name
    kind: Kind = "vehicle"
    links: tuple[Link, ...] = Field(default=(), max_length=10_000, description="Links it shows its lamps to.")
    minimum_green: Seconds = Field(description="Shortest green [s].")
    yellow: Seconds = Field(default=0, description="Yellow after every green [s]; 0: none.")
    red_yellow: Seconds = Field(default=0, description="Red-yellow before every green [s]; 0: none.")
    rest: Rest = Field(
        default="red",
        description="What it shows outside its greens: red, arrow (stop, then turn right), off, or blinking.",
    )
    speed: float | None = Field(default=None, gt=0, le=100, description="Permitted speed [m/s].")
    crossing: float | None = Field(default=None, gt=0, le=200, description="Walk from kerb to kerb [m].")


class Intergreen(_Frozen):
    """A cell of the intergreen matrix; pairs without one are compatible."""

    clearing: Name = Field(description="Group whose green ends.")
    entering: Name = Field(description="Group whose green begins.")
    seconds: Seconds = Field(description="From end of green to begin of green [s].")
    entering_path: float = Field(
        default=0.0, ge=0, le=500, description="Way of the entering vehicle to the crossing that clears [m]."
    )


class Green(_Frozen):
    """A green of a group: from the second it begins to the one it ends, across the end of the cycle if begin > end."""

    group: Name
    begin: Seconds = Field(description="First second of green, 0 to cycle - 1.")
    end: Seconds = Field(
        description="First second no longer green, 1 to cycle; begin 0 and end = cycle: always."
    )
    permissive: bool = Field(default=False, description="Green that gives way to a stream green with it.")


class Program(_Frozen):
    """A signal program: greens of all groups over one cycle."""

    id: Name
    number: int = Field(ge=1, le=MOST_PROGRAMS, description="Number by which field devices know it.")
    cycle: Annotated[int, Field(ge=1, le=3600)] = Field(description="Cycle [s].")
    offset: Seconds = Field(
        default=0, description="Shift of its begin against the common clock [s], below the cycle."
    )
    switch: Seconds = Field(default=0, description="Second of the program at which it is left and entered.")
    greens: Annotated[tuple[Green, ...], Field(max_length=MOST_GREENS)]
    stages: tuple[Annotated[tuple[Name, ...], Field(max_length=MOST_GROUPS)], ...] = Field(
        default=(),
        max_length=MOST_STAGES,
        description="Stage order: groups green together, as they follow; empty: as the greens have it.",
    )


class SignalPlan(_Frozen):
    """One signal: its groups, its safety data, its programs."""

    id: Name
    groups: Annotated[tuple[Group, ...], Field(min_length=1, max_length=MOST_GROUPS)]
    intergreens: Annotated[tuple[Intergreen, ...], Field(max_length=MOST_CELLS)] = ()
    compatible: bool = Field(
        default=False, description="No pair of its groups conflicts; said where the matrix is empty."
    )
    programs: Annotated[tuple[Program, ...], Field(min_length=1, max_length=MOST_PROGRAMS)]

    def number(self) -> dict[str, int]:
        """Map the names of the groups to their numbers."""
        return {group.name: k for k, group in enumerate(self.groups)}

    def program(self, name: str) -> Program | None:
        """
        Look up a program.

        Parameters
        ----------
        name : str
            Its id.

        Returns
        -------
        Program or None
            The first of that id.
        """
        return next((program for program in self.programs if program.id == name), None)


class Switch(_Frozen):
    """An entry of a day plan."""

    time: Annotated[str, Field(pattern=TIME_OF_DAY)] = Field(description="Time of day, HH:MM.")
    program: Name = Field(description="Id of the program wanted from then on.")


class Schedule(_Frozen):
    """Which program runs when: a day plan for each day of the week."""

    day_plans: Annotated[
        dict[Name, Annotated[tuple[Switch, ...], Field(max_length=MOST_SWITCHES)]], Field(max_length=255)
    ]
    week: dict[Day, Name]


class Plan(_Frozen):
    """A timing plan of any number of signals."""

    format: Literal["gruenband-plan"] = "gruenband-plan"
    version: Literal[1] = 1
    name: Name = "plan"
    network: Line = Field(default="", description="Network the links belong to, for the reader.")
    signals: Annotated[tuple[SignalPlan, ...], Field(min_length=1, max_length=MOST_SIGNALS)]
    schedule: Schedule | None = Field(
        default=None, description="Day schedule; without it the first program runs."
    )

    def signal(self, name: str) -> SignalPlan | None:
        """
        Look up a signal.

        Parameters
        ----------
        name : str
            Its id.

        Returns
        -------
        SignalPlan or None
            The first of that id.
        """
        return next((signal for signal in self.signals if signal.id == name), None)


def plan_schema() -> dict[str, Any]:
    """
    Describe the file as JSON Schema.

    Returns
    -------
    dict
        The schema.
    """
    schema = Plan.model_json_schema()
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **schema,
        "title": "Grünband timing plan",
    }


def read_plan(path: Path) -> Plan:
    """
    Read a plan file; what its times may be is the business of `sim.signals.safety`.

    Parameters
    ----------
    path : Path
        The JSON file.

    Returns
    -------
    Plan
        The plan.

    Raises
    ------
    InputError
        If the file cannot be read or is no plan; all faults stand in one line.
    """
    return parse_plan(read_text(path), str(path))


def parse_plan(text: str, source: str) -> Plan:
    """
    Read a plan from text.

    Parameters
    ----------
    text : str
        JSON.
    source : str
        Where it stands, for messages.

    Returns
    -------
    Plan
        The plan.

    Raises
    ------
    InputError
        If it is no plan; all faults stand in one line.
    """
    try:
        raw = json.loads(text, object_pairs_hook=_object)
    except (json.JSONDecodeError, RecursionError) as error:
        msg = f"{source} is not valid JSON: {error}"
        raise InputError(msg) from error
    except ValueError as error:
        msg = f"{source} is no timing plan: {error}"
        raise InputError(msg) from error
    if not isinstance(raw, dict) or raw.get("format") != FORMAT:
        msg = f'{source} is no timing plan: its "format" is not "{FORMAT}"'
        raise InputError(msg)
    del raw
    try:
        return Plan.model_validate_json(text)
    except ValidationError as error:
        faults = describe(error, Plan, LOOKED_AT)
        shown = "; ".join(f"{fault}{_rule(fault)}" for fault in faults[:TOLD])
        rest = error.error_count() - LOOKED_AT if error.error_count() > LOOKED_AT else 0
        rest += max(len(faults) - TOLD, 0)
        msg = f"{source}: {shown}{f'; and {rest} more' if rest else ''}"
        raise InputError(msg) from error


def _object(pairs: list[tuple[str, object]]) -> dict[str, object]:
    """Refuse what two readers could read differently, and what would take for ever to find fault with."""
    found = dict(pairs)
    if len(found) < len(pairs):
        seen: set[str] = set()
        for key, _ in pairs:
            if key in seen:
                msg = f"key {key[:40]!r} stands twice in one object"
                raise ValueError(msg)
            seen.add(key)
    if len(found) > MOST_KEYS:
        msg = f"an object has {len(found)} keys, beginning with {pairs[0][0][:40]!r}"
        raise ValueError(msg)
    for key, value in pairs:
        if isinstance(value, list) and len(value) > LONGEST.get(key, MOST_GREENS):
            msg = f"{key[:40]!r} has {len(value)} entries; at most {LONGEST.get(key, MOST_GREENS)}"
            raise ValueError(msg)
    return found


def _rule(fault: Fault) -> str:
    """Name the rule that a fraction of a second breaks."""
    return " [whole-seconds]" if fault.text.startswith("must be a whole number") else ""


def write_plan(plan: Plan, path: Path) -> None:
    """
    Write a plan file whole or not at all.

    Parameters
    ----------
    plan : Plan
        The plan.
    path : Path
        Where to.
    """
    write_whole(path, dump_plan(plan))


def dump_plan(plan: Plan) -> bytes:
    """
    Write a plan as JSON.

    Parameters
    ----------
    plan : Plan
        The plan.

    Returns
    -------
    bytes
        Content of a plan file.
    """
    text = json.dumps(head(plan) | plan.model_dump(exclude_defaults=True), ensure_ascii=False, indent=1)
    return (text + "\n").encode()


def head(plan: Plan) -> dict[str, Any]:
    """
    Give what a plan file says first.

    Parameters
    ----------
    plan : Plan
        The plan.

    Returns
    -------
    dict
        Format, version and name.
    """
    return {"format": plan.format, "version": plan.version, "name": plan.name}
