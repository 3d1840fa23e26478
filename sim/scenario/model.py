"""The validated scenario: everything that decides what a run does, except controller, seed and scale."""

from __future__ import annotations

import math
from pathlib import Path  # noqa: TC003 - pydantic needs it at run time
from typing import Annotated, Any, Literal

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PositiveFloat,
    ValidationInfo,
    field_validator,
)

from sim.control.rules import Rule
from sim.scenario.values import parse_scales, parse_seeds, parse_time, spell_controller, spell_options

MAX_SEED = 2**31 - 1  # SUMO reads --seed as a signed 32-bit integer

# SUMO options that a scenario may not set, because Grünband sets them for every run: a second source for the
# same thing would make the run key, which hashes the scenario, a lie.
RESERVED_SUMO_OPTIONS = frozenset(
    {
        "additional-files",
        "begin",
        "configuration-file",
        "duration-log.disable",
        "emissions.volumetric-fuel",
        "end",
        "max-depart-delay",
        "net-file",
        "no-step-log",
        "num-clients",
        "output-prefix",
        "output-suffix",
        "output.compression",
        "output.format",
        "quit-on-end",
        "random",
        "remote-port",
        "route-files",
        "save-configuration",
        "scale",
        "seed",
        "start",
        "step-length",
        "time-to-teleport",
    }
)
# Every *-output and log names one file, and parallel runs of a batch would write over each other.
_RESERVED_SUFFIXES = ("-output", "log", "error-log", "message-log")
_RESERVED_PREFIXES = (
    "tripinfo-output.",
    "vehroute-output.",
    "device.tripinfo.",
    "device.vehroute.",
    "device.emissions.",
)

Seconds = Annotated[float, Field(ge=0), BeforeValidator(parse_time, json_schema_input_type=float | str)]
Timing = Literal["program"] | Annotated[float, Field(ge=0, le=30)]
ControllerChoice = Annotated[
    str, BeforeValidator(spell_controller, json_schema_input_type=str | dict[str, bool | int | float | str])
]


class _Frozen(BaseModel):
    """Settings that never change after validation and know no other key than their own."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class SignalSettings(_Frozen):
    """
    Where the signals' safety times come from.

    ``"program"`` takes a time from the signal program of the net, signal by signal; a number [s] applies to
    every signal.
    """

    yellow: Timing = Field(default="program", description="Yellow time [s], or 'program'.")
    all_red: Timing = Field(default="program", description="All-red time between stages [s], or 'program'.")
    red_yellow: Timing = Field(
        default="program", description="Red-yellow (starting amber) time [s], or 'program'."
    )
    minimum_green: float = Field(
        default=5.0, gt=0, le=60, description="Shortest green of a signal group [s]."
    )
    maximum_red: float = Field(default=120.0, gt=0, description="Longest red of a waiting signal group [s].")
    stages: Literal["program"] = Field(
        default="program", description="The stages are those of the net's program."
    )


class PedestrianSettings(_Frozen):
    """How pedestrians ask for their green where a controller of ours decides."""

    call: Literal["always", "button"] = Field(
        default="always",
        description="'always': a crossing at red always asks for green; 'button': while a person waits.",
    )
    maximum_wait: float | None = Field(
        default=None,
        ge=10,
        le=600,
        description="Longest wait of a pedestrian that the guard lets pass [s]; not given: as any other group.",
    )


class SensingSettings(_Frozen):
    """What a controller may know about the traffic."""

    view: Literal["full"] = Field(
        default="full", description="'full': every vehicle on the approach is seen."
    )
    range: PositiveFloat = Field(
        default=300.0, description="How far upstream of the stop line it is seen [m]."
    )


class OutputSettings(_Frozen):
    """What a run writes beside its trips."""

    emissions: bool = Field(default=True, description="Emissions and fuel by SUMO's HBEFA4 model.")
    signals: bool = Field(
        default=True,
        description="When each vehicle was on which edge, and what each signal showed: figures and diagrams of signals.",
    )
    safety: bool = Field(
        default=False,
        description="Conflicts, hard braking, yellow and red running, waits at crossings, read every second; "
        "a run takes about a third longer.",
    )


Persons = Annotated[float, Field(ge=0, le=1000)]


class OccupancySettings(_Frozen):
    """
    Persons in a vehicle of each mode, the driver of a bus or tram left out.

    The defaults are assumed, not counted; give the figures of your city.
    """

    car: Persons = Field(default=1.3, description="Persons in a car (assumed).")
    truck: Persons = Field(default=1.0, description="Persons in a truck (assumed).")
    bus: Persons = Field(default=20.0, description="Passengers of a bus (assumed).")
    tram: Persons = Field(default=60.0, description="Passengers of a tram (assumed).")
    bicycle: Persons = Field(default=1.0, description="Persons on a bicycle.")
    emergency: Persons = Field(default=2.0, description="Persons in an emergency vehicle (assumed).")


Weight = Annotated[float, Field(ge=0, le=1000)]
Mode = Literal["car", "truck", "bus", "tram", "bicycle", "emergency"]


class WeightSettings(_Frozen):
    """
    What a second of a vehicle's delay weighs where a controller compares delays (``horizon``).

    A mode that is not given weighs 1, or, with ``of = "person"``, the persons in it for each person in a car.
    """

    of: Literal["vehicle", "person"] = Field(
        default="vehicle",
        description="'vehicle': each weighs 1; 'person': as [occupancy] has it, a car's being 1.",
    )
    car: Weight | None = Field(default=None, description="Weight of a car, instead.")
    truck: Weight | None = Field(default=None, description="Weight of a truck, instead.")
    bus: Weight | None = Field(default=None, description="Weight of a bus, instead.")
    tram: Weight | None = Field(default=None, description="Weight of a tram, instead.")
    bicycle: Weight | None = Field(default=None, description="Weight of a bicycle, instead.")
    emergency: Weight | None = Field(default=None, description="Weight of an emergency vehicle, instead.")


class PriorityRule(_Frozen):
    """Which vehicles signals serve before others."""

    lines: tuple[str, ...] = Field(
        default=(), description="Lines of public transport as the demand names them; '*' for any characters."
    )
    modes: tuple[Mode, ...] = Field(
        default=(),
        validate_default=True,
        description="Modes; a rule for the line comes before one for these.",
    )
    level: Literal["low", "medium", "high", "preempt"] = Field(
        description="How much its delay weighs; 'preempt': its stage is shown whatever else is wanted."
    )
    late_only: float | None = Field(
        default=None, ge=0, le=3600, description="Only for vehicles so late against their timetable [s]."
    )

    @field_validator("modes")
    @classmethod
    def _names_somebody(cls, modes: tuple[str, ...], info: ValidationInfo) -> tuple[str, ...]:
        if not modes and info.data.get("lines") == ():
            msg = "names nobody; give 'lines' or 'modes'"
            raise ValueError(msg)
        return modes


class Scenario(_Frozen):
    """
    One traffic situation and the settings it is simulated with.

    All paths are absolute once :func:`sim.scenario.load_scenario` has returned it. The model goes through JSON
    unchanged: ``Scenario.model_validate_json(scenario.model_dump_json()) == scenario``.
    """

    name: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$", description="Short name, used for folders.")
    description: str = Field(default="", description="What this is and where it comes from.")
    network: Path = Field(description="SUMO network (.net.xml or .net.xml.gz).")
    demand: tuple[Path, ...] = Field(description="Route files (.rou.xml or .rou.xml.gz).")
    additional: tuple[Path, ...] = Field(default=(), description="SUMO additional files.")
    sumocfg: Path | None = Field(default=None, description="SUMO configuration that SUMO is started with.")
    begin: Seconds = Field(description="Begin of the window [s of the day] or 'HH:MM:SS'.")
    end: Seconds = Field(description="End of the window [s of the day] or 'HH:MM:SS'.")
    step_length: float = Field(default=1.0, gt=0, le=1, description="SUMO's time step [s].")
    seeds: Annotated[
        tuple[Annotated[int, Field(ge=0, le=MAX_SEED)], ...],
        BeforeValidator(parse_seeds, json_schema_input_type=list[int] | str),
    ] = Field(default=(1, 2, 3, 4, 5), min_length=1, description="Seeds, as a list or as '1-10,15'.")
    scales: Annotated[
        tuple[PositiveFloat, ...], BeforeValidator(parse_scales, json_schema_input_type=list[float] | str)
    ] = Field(default=(1.0,), min_length=1, description="Factors on the demand.")
    controllers: tuple[ControllerChoice, ...] = Field(
        default=("program",),
        min_length=1,
        description="Controllers: 'ID[:key=value,...]' or {id = ..., key = value}.",
    )
    time_limit: PositiveFloat = Field(default=3600.0, description="Longest wall-clock time of one run [s].")
    signals: SignalSettings = SignalSettings()
    pedestrians: PedestrianSettings = PedestrianSettings()
    sensing: SensingSettings = SensingSettings()
    outputs: OutputSettings = OutputSettings()
    occupancy: OccupancySettings = OccupancySettings()
    weights: WeightSettings = WeightSettings()
    priorities: tuple[PriorityRule, ...] = Field(
        default=(), description="Who is served before others by controllers of ours: one table for each rule."
    )
    gridlock_after: PositiveFloat = Field(
        default=300.0,
        description="A vehicle that has stood this long [s] and still stands at the end flags the run as gridlocked.",
    )
    sumo_options: Annotated[
        dict[str, str],
        BeforeValidator(spell_options, json_schema_input_type=dict[str, bool | int | float | str]),
    ] = Field(default={}, description="Further options of SUMO, without the dashes.")

    # The cross checks hang on single fields, not on the whole model, so that pydantic still reports them when
    # another field is wrong: a user sees every fault at once.
    @field_validator("end")
    @classmethod
    def _window_not_empty(cls, end: float, info: ValidationInfo) -> float:
        begin = info.data.get("begin")
        if begin is not None and end <= begin:
            msg = f"{end:g} s is not after begin ({begin:g} s)"
            raise ValueError(msg)
        return end

    @field_validator("step_length")
    @classmethod
    def _steps_fill_a_second(cls, step: float) -> float:
        # SUMO's clock counts milliseconds: with steps of a third of a second a run would drift away from it.
        parts = (1.0 / step, 1000.0 * step)
        if not all(math.isclose(part, round(part), rel_tol=1e-9) for part in parts):
            msg = f"{step:g} s does not divide a second in whole milliseconds; use 1, 0.5, 0.25, 0.2 or 0.1"
            raise ValueError(msg)
        return step

    @field_validator("seeds", "scales", "controllers")
    @classmethod
    def _no_repetition(cls, values: tuple[Any, ...]) -> tuple[Any, ...]:
        twice = sorted({str(value) for value in values if values.count(value) > 1})
        if twice:
            msg = f"{', '.join(twice)} given more than once"
            raise ValueError(msg)
        return values

    @field_validator("weights")
    @classmethod
    def _somebody_drives(cls, weights: WeightSettings, info: ValidationInfo) -> WeightSettings:
        occupancy = info.data.get("occupancy")
        if weights.of == "person" and occupancy is not None and occupancy.car == 0.0:
            msg = "'of' is 'person', but 'occupancy.car' is 0; give the persons in a car, or the weights themselves"
            raise ValueError(msg)
        return weights

    @field_validator("priorities")
    @classmethod
    def _one_rule_each(cls, rules: tuple[PriorityRule, ...]) -> tuple[PriorityRule, ...]:
        named: dict[str, list[str]] = {
            "line": [name for rule in rules for name in rule.lines],
            "mode": [name for rule in rules for name in rule.modes],
        }
        for what, names in named.items():
            twice = sorted({name for name in names if names.count(name) > 1})
            if twice:
                msg = f"{what} {', '.join(map(repr, twice))} has more than one rule; keep one"
                raise ValueError(msg)
        return rules

    @field_validator("sumo_options")
    @classmethod
    def _options_are_free(cls, options: dict[str, str]) -> dict[str, str]:
        dashed = [key for key in options if key.startswith("-")]
        if dashed:
            msg = f"write '{dashed[0]}' without the dashes"
            raise ValueError(msg)
        reserved = [key for key in options if is_reserved_option(key)]
        if reserved:
            msg = f"{', '.join(map(repr, reserved))} is set by Grünband for every run; remove it"
            raise ValueError(msg)
        threads = options.get("device.rerouting.threads", "1")
        if threads not in {"0", "1"}:
            msg = "'device.rerouting.threads' above 1 makes results differ from run to run; remove it"
            raise ValueError(msg)
        return options

    def mode_weights(self) -> dict[str, float]:
        """
        Tell what a second of delay weighs in each mode.

        Returns
        -------
        dict of str to float
            Weight by mode.
        """
        given = self.weights.model_dump(exclude={"of"})
        persons = self.occupancy.model_dump()
        by_person = self.weights.of == "person"
        return {
            mode: weight if weight is not None else persons[mode] / persons["car"] if by_person else 1.0
            for mode, weight in given.items()
        }

    def rules(self) -> list[Rule]:
        """
        List the rules of priority as controllers take them.

        Returns
        -------
        list of Rule
            The rules.
        """
        return [Rule(rule.lines, rule.modes, rule.level, rule.late_only) for rule in self.priorities]


def is_reserved_option(name: str) -> bool:
    """
    Tell whether a SUMO option belongs to Grünband and not to the scenario.

    Parameters
    ----------
    name : str
        Long name of the option without dashes, such as ``"time-to-teleport"``.

    Returns
    -------
    bool
        True if a scenario may not set it. One-letter short forms are always reserved.
    """
    return (
        len(name) == 1
        or name in RESERVED_SUMO_OPTIONS
        or name.endswith(_RESERVED_SUFFIXES)
        or name.startswith(_RESERVED_PREFIXES)
    )
