"""Which controllers exist, what they are called, and what can be set on them."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, field
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sim.control.spec import ControllerSpec, Value
from sim.errors import EnvironmentFaultError, InputError, near_miss

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

# Installed packages name the modules that register their controllers under this entry point.
PLUGINS = "gruenband.controllers"
# Written out, since what they are the names of loads pydantic, and this module costs the command line nothing.
DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
PROFILES = ("rilsa", "nema", "basic")
# What the command line's ID:key=value,... can hold.
ID = re.compile(r"[a-z][a-z0-9-]*-v[1-9][0-9]*")
KEY = re.compile(r"[a-z_][a-z0-9_]*")


@dataclass(frozen=True, slots=True)
class Param:
    """
    A parameter.

    Parameters
    ----------
    default : float, int, str or bool
        Its value if none is given.
    unit, about : str
        Its unit, and what it does.
    low, high : float
        Smallest and largest value.
    words : tuple of str
        The words it can be; empty: any.
    file : bool
        It names a file, whose content decides the run.
    """

    default: Value
    unit: str
    about: str
    low: float = 0.0
    high: float = float("inf")
    words: tuple[str, ...] = ()
    file: bool = False


@dataclass(frozen=True, slots=True)
class Kind:
    """
    A registered controller.

    Parameters
    ----------
    id : str
        Versioned id.
    summary : str
        One sentence for ``gruenband list controllers``.
    factory : str or callable
        ``module:name`` of what builds it from its parameters; a text keeps the import for the moment of use.
    params : mapping
        Name to `Param`.
    in_sumo : bool
        SUMO itself switches the lamps; the factory then returns the programs to load.
    internal : bool
        Not offered to users.
    """

    id: str
    summary: str
    factory: str | Callable[..., Any]
    params: Mapping[str, Param] = field(default_factory=dict)
    in_sumo: bool = False
    internal: bool = False

    @property
    def name(self) -> str:
        """The id without its version."""
        return self.id.rpartition("-v")[0]


_KINDS: dict[str, Kind] = {}


def register_controller(kind: Kind) -> None:
    """
    Make a controller known under its versioned id.

    Parameters
    ----------
    kind : Kind
        The controller.

    Raises
    ------
    InputError
        If the id is taken or not of the form ``name-v1``, or a parameter cannot be given on the command line.
    """
    if not ID.fullmatch(kind.id):
        msg = f"controller id '{kind.id}' is not a name in small letters with a version; call it like 'my-control-v1'"
        raise InputError(msg)
    if kind.id in _KINDS:
        msg = f"controller id '{kind.id}' is taken; raise its version"
        raise InputError(msg)
    for key, param in kind.params.items():
        if not KEY.fullmatch(key):
            msg = f"controller '{kind.id}': parameter '{key}' is not a name in small letters; rename it"
            raise InputError(msg)
        if not isinstance(param.default, str) and not param.low <= param.default <= param.high:
            msg = f"controller '{kind.id}': default {key}={param.default} is outside {param.low:g} to {param.high:g}; widen it"
            raise InputError(msg)
        if param.words and param.default not in param.words:
            msg = f"controller '{kind.id}': default {key}={param.default} is not among its words {', '.join(param.words)}; add it"
            raise InputError(msg)
    _KINDS[kind.id] = kind


@cache
def _load_plugins() -> None:
    # Asked only for what is not built in: looking through all installed packages takes a while.
    from importlib.metadata import entry_points  # noqa: PLC0415

    for entry in entry_points(group=PLUGINS):
        try:
            entry.load()
        except Exception as fault:
            text = " ".join(str(fault).split())
            msg = (
                f"controllers of package '{entry.dist.name if entry.dist else entry.value}' cannot be loaded "
                f"({type(fault).__name__}: {text}); repair or uninstall it"
            )
            raise EnvironmentFaultError(msg) from fault


def list_controllers() -> tuple[Kind, ...]:
    """
    List the controllers a user can name.

    Returns
    -------
    tuple of Kind
        In the order they were registered.
    """
    _load_plugins()
    return tuple(kind for kind in _KINDS.values() if not kind.internal)


def find_kind(name: str) -> Kind:
    """
    Look a controller up by id, or by name for its newest version.

    Parameters
    ----------
    name : str
        ``max-pressure-v1`` or ``max-pressure``.

    Returns
    -------
    Kind
        The controller.

    Raises
    ------
    InputError
        If there is none, with the nearest name.
    """
    versions = _versions(name)
    if not versions:
        _load_plugins()
        versions = _versions(name)
    if not versions:
        known = list_controllers()
        other = [kind.id for kind in known if kind.name == name.rpartition("-v")[0]]
        hint = near_miss(name, other or {kind.name for kind in known})
        msg = f"no controller '{name}'{hint}"
        raise InputError(msg)
    return max(versions, key=lambda kind: int(kind.id.rpartition("-v")[2]))


def _versions(name: str) -> list[Kind]:
    return [_KINDS[name]] if name in _KINDS else [kind for kind in _KINDS.values() if kind.name == name]


def parse_controller(text: str) -> ControllerSpec:
    """
    Read a controller as the command line writes it: ``ID[:key=value,...]``.

    Parameters
    ----------
    text : str
        For example ``max-pressure:interval=10``.

    Returns
    -------
    ControllerSpec
        With the versioned id; parameters at their default are left out.

    Raises
    ------
    InputError
        If the controller or a parameter is unknown, or a value is not fit.
    """
    name, _, rest = text.strip().partition(":")
    kind = find_kind(name)
    given: dict[str, Value] = {}
    for item in filter(None, (part.strip() for part in rest.split(","))):
        key, equals, value = item.partition("=")
        if not equals:
            msg = f"controller '{text}': '{item}' is not key=value"
            raise InputError(msg)
        if key not in kind.params:
            hint = near_miss(key, kind.params) if kind.params else f"; {kind.name} has no parameters"
            msg = f"controller '{kind.name}': no parameter '{key}'{hint}"
            raise InputError(msg)
        if key in given:
            msg = f"controller '{text}': {key} is given twice; keep one"
            raise InputError(msg)
        given[key] = _convert(kind, key, value)
    return ControllerSpec(
        kind.id, tuple(sorted((k, v) for k, v in given.items() if v != kind.params[k].default))
    )


def _convert(kind: Kind, key: str, value: str) -> Value:
    param = kind.params[key]
    default = param.default
    if isinstance(default, str):
        if param.words and value not in param.words:
            msg = f"controller '{kind.name}': no {key}={value}{near_miss(value, param.words)}"
            raise InputError(msg)
        return _existing(kind, key, value) if param.file else value
    if isinstance(default, bool):
        if value.lower() not in {"true", "false"}:
            msg = f"controller '{kind.name}': {key}={value} is neither true nor false; default {str(default).lower()}"
            raise InputError(msg)
        return value.lower() == "true"
    whole = isinstance(default, int)
    try:
        number = float(value)
    except ValueError:
        number = math.nan
    if not math.isfinite(number) or (whole and number % 1.0 != 0.0):
        sort = "whole number" if whole else "number"
        msg = f"controller '{kind.name}': {key}={value} is not a {sort}; default {default} {param.unit}"
        raise InputError(msg)
    if not param.low <= number <= param.high:
        msg = (
            f"controller '{kind.name}': {key}={value} is outside {param.low:g} to {param.high:g} {param.unit}"
        )
        raise InputError(msg)
    return int(number) if whole else number


def _existing(kind: Kind, key: str, value: str) -> str:
    """Make the name of a file hold in every process, wherever it works."""
    path = Path(value).expanduser().absolute()
    if not path.is_file():
        msg = f"controller '{kind.name}': {key}={value} is no file; check the path"
        raise InputError(msg)
    return str(path)


def build(spec: ControllerSpec) -> Any:  # noqa: ANN401  (an adaptive controller or the programs for SUMO)
    """
    Build a controller, filling in the defaults.

    Parameters
    ----------
    spec : ControllerSpec
        Its id and parameters.

    Returns
    -------
    object
        What the factory returns.

    Raises
    ------
    InputError
        If there is no such controller, or the module that makes it is not there.
    """
    kind = find_kind(spec.id)
    params = {key: param.default for key, param in kind.params.items()} | dict(spec.params)
    factory = kind.factory
    if isinstance(factory, str):
        module, _, name = factory.partition(":")
        try:
            factory = getattr(import_module(module), name)
        except (ImportError, AttributeError) as fault:
            msg = f"controller '{kind.id}': its factory '{factory}' cannot be imported ({fault}); repair its package"
            raise InputError(msg) from fault
    return factory(**params)


def stages_of(controller: Any) -> str:  # noqa: ANN401  (whatever a third party hands in)
    """
    Say which stages an adaptive controller wants to choose from.

    Parameters
    ----------
    controller : object
        The controller; ask before it is reset.

    Returns
    -------
    str
        Its attribute ``stages`` if that is a text, else ``program``.
    """
    # A controller that never heard of the choice may use the name for something of its own.
    stages = getattr(controller, "stages", "program")
    return stages if isinstance(stages, str) else "program"


register_controller(
    Kind(
        "program-v1",
        "The network's own signal programs, as SUMO runs them.",
        "sim.control.sumo_programs:Program",
        in_sumo=True,
    )
)
register_controller(
    Kind(
        "actuated-v1",
        "SUMO's gap-based actuated control over the programs' stages.",
        "sim.control.sumo_programs:Actuated",
        {
            "shortest": Param(5.0, "s", "shortest green", 1.0, 600.0),
            "longest": Param(45.0, "s", "longest green", 1.0, 600.0),
            "gap": Param(3.0, "s", "time gap that ends a green", 0.5, 30.0),
            "loop": Param(3.0, "m", "length of the detector loops", 0.0, 30.0),
            "jam": Param(-1.0, "s", "a detector occupied this long is ignored; -1: never", -1.0, 600.0),
        },
        in_sumo=True,
    )
)
register_controller(
    Kind(
        "delay-based-v1",
        "SUMO's delay-based control: a green is kept while vehicles in range lose time.",
        "sim.control.sumo_programs:DelayBased",
        {
            "shortest": Param(5.0, "s", "shortest green", 1.0, 600.0),
            "longest": Param(20.0, "s", "longest green", 1.0, 600.0),
            "range": Param(100.0, "m", "how far vehicles are seen", 10.0, 1000.0),
            "loss": Param(1.0, "s", "time loss of a vehicle that keeps the green", 0.1, 60.0),
        },
        in_sumo=True,
    )
)
register_controller(
    Kind(
        "fixed-webster-v1",
        "Fixed time after Webster: cycle and greens from the scenario's own volumes.",
        "sim.control.webster:FixedWebster",
        {
            "shortest": Param(60.0, "s", "shortest cycle", 10.0, 300.0),
            "longest": Param(120.0, "s", "longest cycle", 20.0, 300.0),
        },
        in_sumo=True,
    )
)
register_controller(
    Kind(
        "plan-v1",
        "A timing plan from a file, with its day schedule, as it stands there.",
        "sim.control.plan:PlanControl",
        {
            "file": Param("", "-", "the plan, a JSON file", file=True),
            "day": Param("monday", "-", "day of the week at second 0, which is midnight", words=DAYS),
            "profile": Param("basic", "-", "limits that the plan must keep", words=PROFILES),
        },
        in_sumo=True,
    )
)
register_controller(
    Kind(
        "max-pressure-v1",
        "Max pressure, aware of lost time, lanes, storage downstream and vehicles upstream of short lanes.",
        "sim.control.max_pressure:MaxPressure",
        {
            "interval": Param(5, "s", "time between two decisions", 1, 60),
            "reach": Param(100.0, "m", "how far upstream vehicles count", 10.0, 1000.0),
            "plan": Param(20.0, "s", "time over which a switch must pay for its lost time", 5.0, 120.0),
        },
    )
)
register_controller(
    Kind(
        "self-control-v1",
        "Self-control after Lämmer and Helbing: best clearing rate first, with a stabilising supervisor.",
        "sim.control.self_control:SelfControl",
        {
            "reach": Param(300.0, "m", "how far upstream vehicles are anticipated", 10.0, 1000.0),
            "cycle": Param(
                90.0, "s", "mean time between two services that the supervisor grants", 20.0, 600.0
            ),
            "longest": Param(120.0, "s", "longest time between two services", 30.0, 900.0),
            "hold": Param(
                0.2, "-", "share by which another stage must be better to end a long queue's green", 0.0, 1.0
            ),
            "platoon": Param(15.0, "veh", "length of such a queue", 1.0, 200.0),
            "horizon": Param(15.0, "s", "how far ahead arrivals count", 5.0, 120.0),
            "stages": Param(
                "program",
                "-",
                "the program's stages, or all that the conflicts allow (derived)",
                words=("program", "derived"),
            ),
        },
    )
)
register_controller(
    Kind(
        "horizon-v1",
        "Receding horizon: shows the first stage of the plan that costs least on a model of the queues.",
        "sim.control.horizon:build_horizon",
        {
            "class": Param(
                "free",
                "-",
                "free: decides each second; grid: every 'interval' seconds, with the program's stages",
                words=("free", "grid"),
            ),
            "stages": Param(
                "derived",
                "-",
                "in class free: all stages that the conflicts allow (derived), or the program's",
                words=("program", "derived"),
            ),
            "interval": Param(10, "s", "in class grid: time between two decisions", 2, 60),
            "reach": Param(300.0, "m", "how far upstream vehicles are anticipated", 10.0, 1000.0),
            "threads": Param(1, "-", "threads that share the signals of a large network", 1, 64),
        },
    )
)
register_controller(
    Kind(
        "floor-v1",
        "No signal and no conflict at all: the delay no control can go below.",
        "sim.control.sumo_programs:Floor",
        in_sumo=True,
        internal=True,
    )
)
