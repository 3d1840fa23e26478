"""Which controllers exist, what they are called, and what can be set on them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from importlib import import_module
from typing import Any

from sim.control.spec import ControllerSpec, Value
from sim.errors import InputError, near_miss


@dataclass(frozen=True, slots=True)
class Param:
    """A parameter: its default, its unit, what it does, and its smallest and largest value."""

    default: Value
    unit: str
    about: str
    low: float = 0.0
    high: float = float("inf")


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
        If the id has no version or is taken.
    """
    if not kind.name or not kind.id.rpartition("-v")[2].isdigit():
        msg = f"controller id '{kind.id}' has no version; call it '{kind.id}-v1'"
        raise InputError(msg)
    if kind.id in _KINDS:
        msg = f"controller id '{kind.id}' is taken; raise its version"
        raise InputError(msg)
    _KINDS[kind.id] = kind


def list_controllers() -> tuple[Kind, ...]:
    """
    List the controllers a user can name.

    Returns
    -------
    tuple of Kind
        In the order they were registered.
    """
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
    if name in _KINDS:
        return _KINDS[name]
    versions = [kind for kind in _KINDS.values() if kind.name == name]
    if not versions:
        hint = near_miss(name, {kind.name for kind in list_controllers()})
        msg = f"no controller '{name}'{hint}"
        raise InputError(msg)
    return max(versions, key=lambda kind: int(kind.id.rpartition("-v")[2]))


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
        given[key] = _convert(kind, key, value)
    return ControllerSpec(
        kind.id, tuple(sorted((k, v) for k, v in given.items() if v != kind.params[k].default))
    )


def _convert(kind: Kind, key: str, value: str) -> Value:
    param = kind.params[key]
    if isinstance(param.default, str):
        return value
    try:
        number = float(value)
    except ValueError:
        msg = f"controller '{kind.name}': {key}={value} is not a number; default {param.default} {param.unit}"
        raise InputError(msg) from None
    if not param.low <= number <= param.high:
        msg = f"controller '{kind.name}': {key}={value} is outside {param.low:g} to {param.high:g} {param.unit}"
        raise InputError(msg)
    return int(number) if isinstance(param.default, int) else number


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
    """
    kind = find_kind(spec.id)
    params = {key: param.default for key, param in kind.params.items()} | dict(spec.params)
    factory = kind.factory
    if isinstance(factory, str):
        module, _, name = factory.partition(":")
        factory = getattr(import_module(module), name)
    return factory(**params)


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
            "longest": Param(60.0, "s", "longest green", 1.0, 600.0),
            "gap": Param(3.0, "s", "time gap that ends a green", 0.5, 30.0),
            "jam": Param(30.0, "s", "a detector occupied this long is taken as jammed", -1.0, 600.0),
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
            "longest": Param(60.0, "s", "longest green", 1.0, 600.0),
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
            "shortest": Param(20.0, "s", "shortest cycle", 10.0, 300.0),
            "longest": Param(120.0, "s", "longest cycle", 20.0, 300.0),
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
            "cycle": Param(90.0, "s", "mean time between two services that the supervisor grants", 20.0, 600.0),
            "longest": Param(120.0, "s", "longest time between two services", 30.0, 900.0),
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
