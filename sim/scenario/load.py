"""From a name or a file to a validated scenario, with every fault of the file in one message."""

from __future__ import annotations

import json
import re
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from sim.control.registry import parse_controller
from sim.errors import EnvironmentFaultError, GruenbandError, InputError, near_miss
from sim.faults import Fault, describe
from sim.scenario.lines import priority_faults
from sim.scenario.model import Scenario
from sim.scenario.shipped import resolve, shipped_scenarios
from sim.scenario.sumocfg import SumoConfig, read_sumocfg
from sim.scenario.values import spell_controller
from sim.scenario.xmlfile import check_well_formed, root_tag

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

_CONFIG_SUFFIXES = (".sumocfg", ".cfg")
_FILE_KEYS = ("network", "demand", "additional")


def load_scenario(name_or_path: str) -> Scenario:
    """
    Load a scenario and check everything that can be checked without starting SUMO.

    Parameters
    ----------
    name_or_path : str
        Name of a shipped scenario, path of a scenario TOML, or path of a ``.sumocfg``.

    Returns
    -------
    Scenario
        The scenario; all its paths are absolute and exist.

    Raises
    ------
    InputError
        If the scenario or one of its files is missing or faulty; all faults stand in one line.
    EnvironmentFaultError
        If nothing is wrong but a Python package that ships the files is not installed.
    """
    path = Path(name_or_path).expanduser()
    if name_or_path.endswith(_CONFIG_SUFFIXES):
        return _from_config(path)
    if name_or_path.endswith(".toml"):
        return _from_toml(path)
    shipped = shipped_scenarios()
    if name_or_path in shipped:
        return _from_toml(shipped[name_or_path])
    if path.exists():
        msg = f"{path} is neither a scenario TOML (.toml) nor a SUMO configuration (.sumocfg)"
        raise InputError(msg)
    msg = f"there is no scenario '{name_or_path}'{near_miss(name_or_path, shipped)}"
    raise InputError(msg)


def _from_config(path: Path) -> Scenario:
    config = read_sumocfg(path)
    if config.end is None:
        msg = f'{config.path}: <end> is missing, so the window is open; add <end value="3600"/>'
        raise InputError(msg)
    raw = {"name": _name_of(config.path), **_settings_of(config)}
    faults: list[Fault] = []
    _check_files(raw, faults)
    return _validated(raw, config.path, faults)


def _from_toml(path: Path) -> Scenario:
    raw = _read_toml(path)
    faults: list[Fault] = []
    raw.setdefault("name", _name_of(path))
    if "sumocfg" in raw:
        raw = _merge_config(raw, path, faults)
    else:
        for key in _FILE_KEYS:
            _resolve_files(raw, key, path, faults)
        if raw.get("demand") == []:
            faults.append(Fault("demand", "is empty; name at least one route file"))
    _check_files(raw, faults)
    return _validated(raw, path, faults)


def _read_toml(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        msg = f"{path} does not exist; 'gruenband list scenarios' names the shipped scenarios"
        raise InputError(msg) from None
    except OSError as error:
        msg = f"{path} cannot be read: {error.strerror or error}"
        raise InputError(msg) from error
    except UnicodeDecodeError as error:
        msg = f"{path} is not UTF-8 text (byte {error.start}); save it as UTF-8"
        raise InputError(msg) from error
    except tomllib.TOMLDecodeError as error:
        msg = f"{path} is not valid TOML: {error}"
        raise InputError(msg) from error


def _name_of(path: Path) -> str:
    name = re.sub(r"[^A-Za-z0-9._-]+", "-", path.stem).strip("-._")
    return name or "scenario"


def _settings_of(config: SumoConfig) -> dict[str, Any]:
    return {
        "sumocfg": str(config.path),
        "network": str(config.network),
        "demand": [str(path) for path in config.demand],
        "additional": [str(path) for path in config.additional],
        "begin": config.begin,
        "end": config.end,
        "step_length": config.step_length,
        "scales": [config.scale],
    }


def _merge_config(raw: Mapping[str, Any], path: Path, faults: list[Fault]) -> dict[str, Any]:
    """Take the files and the window from the configuration that a TOML names; the TOML's own window wins."""
    twice = [key for key in _FILE_KEYS if key in raw]
    faults.extend(Fault(key, "is already given by 'sumocfg'; keep one of the two") for key in twice)
    rest = {key: value for key, value in raw.items() if key not in (*_FILE_KEYS, "sumocfg")}
    stand_in = {"network": "/", "demand": [], "begin": 0.0, "end": 1e9}
    if not isinstance(raw["sumocfg"], str):
        return {**stand_in, **rest, "sumocfg": raw["sumocfg"]}
    try:
        config = read_sumocfg(resolve(raw["sumocfg"], path.parent))
    except GruenbandError as error:
        faults.append(Fault("sumocfg", str(error), environment=isinstance(error, EnvironmentFaultError)))
        return {**stand_in, **rest}
    merged = {**_settings_of(config), **rest}
    if merged["end"] is None:
        faults.append(Fault("end", f"is missing, and {config.path.name} does not set it either"))
        merged["end"] = stand_in["end"]
    return merged


def _resolve_files(raw: dict[str, Any], key: str, path: Path, faults: list[Fault]) -> None:
    """Put absolute paths in place of references; what has the wrong type is left for the model to refuse."""
    if key not in raw:
        return
    value = raw[key]
    many = key != "network"
    texts = [text.strip() for text in value.split(",")] if many and isinstance(value, str) else value
    if not many:
        texts = [value]
    if not isinstance(texts, list) or not all(isinstance(text, str) for text in texts):
        return
    found: list[str] = []
    for text in texts:
        try:
            found.append(str(resolve(text, path.parent)))
        except GruenbandError as error:
            faults.append(Fault(key, str(error), environment=isinstance(error, EnvironmentFaultError)))
            found.append("")
    raw[key] = found if many else found[0]


def _check_files(raw: Mapping[str, Any], faults: list[Fault]) -> None:
    """Check that the files are what their keys say."""
    for key in _FILE_KEYS:
        value = raw.get(key, [])
        for file in [value] if isinstance(value, str) else value if isinstance(value, list) else []:
            if not isinstance(file, str) or not Path(file).is_file():
                continue
            try:
                check_well_formed(Path(file))
                tag = root_tag(Path(file))
            except InputError as error:
                faults.append(Fault(key, str(error)))
                continue
            if (tag == "net") != (key == "network"):
                wanted = "a SUMO network (<net>)" if key == "network" else "traffic or additional elements"
                faults.append(Fault(key, f"{file} has the root element <{tag}>, which is not {wanted}"))


def _validated(raw: dict[str, Any], path: Path, faults: list[Fault]) -> Scenario:
    scenario: Scenario | None = None
    try:
        # Through JSON, because strict JSON mode refuses "5" for 5 but still takes lists and paths as text.
        scenario = Scenario.model_validate_json(json.dumps(raw, default=str), strict=True)
    except ValidationError as error:
        faults = [*faults, *describe(error, Scenario)]
    faults = [*faults, *_controller_faults(raw.get("controllers"))]
    if scenario is not None and not faults:
        faults = priority_faults(scenario)
    if scenario is not None and not faults:
        return scenario
    _raise(faults, path)
    raise AssertionError  # unreachable: _raise always raises


def _controller_faults(controllers: object) -> list[Fault]:
    """Look every controller up; what is no controller at all has been refused by the model."""
    faults = []
    for position, item in enumerate(controllers if isinstance(controllers, list) else []):
        try:
            text = spell_controller(item)
            if isinstance(text, str):
                parse_controller(text)
        except InputError as error:
            faults.append(Fault(f"controllers[{position}]", str(error)))
        except ValueError:
            continue
    return faults


def _raise(faults: Iterable[Fault], path: Path) -> None:
    faults = list(dict.fromkeys(faults))
    msg = f"{path}: {'; '.join(str(fault) for fault in faults)}"
    if all(fault.environment for fault in faults):
        raise EnvironmentFaultError(msg)
    raise InputError(msg)
