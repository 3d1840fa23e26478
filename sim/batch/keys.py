"""Run keys: equal keys mean equal results, so a finished key is never run again."""

from __future__ import annotations

import hashlib
import json
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sim import __version__
from sim.control.registry import find_kind
from sim.control.spec import ControllerSpec
from sim.errors import InputError
from sim.scenario.model import OutputSettings
from sim.scenario.xmlfile import read_tree
from sim.sumo.version import sumo_version

if TYPE_CHECKING:
    from sim.run import RunTask
    from sim.scenario.model import Scenario

KEY_LENGTH = 16  # hex digits: 64 bits, a collision among a million runs has a chance of 3e-8
# What says which runs are made, or describes them, but changes no result. The paths are replaced by the
# content of the files, so that a store stays valid when a folder is moved.
_NO_CONTENT = frozenset(
    {
        "seeds",
        "scales",
        "controllers",
        "time_limit",
        "description",
        "network",
        "demand",
        "additional",
        "sumocfg",
    }
)
_OUTPUT_SECTIONS = frozenset({"output", "report"})


def run_key(task: RunTask) -> str:
    """
    Compute the key of a run.

    Parameters
    ----------
    task : RunTask
        The run: scenario, controller, seed, scale.

    Returns
    -------
    str
        16 hexadecimal digits over the scenario's content, the content of every file it names, the controller
        with its parameters and files, seed, scale, and the versions of SUMO and of this package.

    Raises
    ------
    InputError
        If a file of the scenario or the controller cannot be read.
    """
    return _digest(
        {
            "scenario": _content(task.scenario),
            "controller": _controller(task.controller),
            "seed": task.seed,
            "scale": float(task.scale),
            "sumo": sumo_version(),
            "package": __version__,
        }
    )


def scenario_key(scenario: Scenario) -> str:
    """
    Compute the key of the traffic situation alone.

    Parameters
    ----------
    scenario : Scenario
        The scenario; its seeds, scales, controllers and description do not matter.

    Returns
    -------
    str
        16 hexadecimal digits; runs are compared, and floors found, among equal ones.

    Raises
    ------
    InputError
        If a file of the scenario cannot be read.
    """
    # What is written down beside the trips changes nothing in the traffic, and who is served first is a matter of
    # control: runs with and without them compare.
    default = OutputSettings()
    silent = scenario.outputs.model_copy(update={"signals": default.signals, "safety": default.safety})
    content = _content(scenario.model_copy(update={"outputs": silent}))
    return _digest({name: value for name, value in content.items() if name not in {"priorities", "weights"}})


def input_files(task: RunTask) -> dict[str, str]:
    """
    List the files that a run's key depends on.

    Parameters
    ----------
    task : RunTask
        The run.

    Returns
    -------
    dict of str to str
        Hash of each file's content, by its path.

    Raises
    ------
    InputError
        If one of them cannot be read.
    """
    scenario = task.scenario
    files = [scenario.network, *scenario.demand, *scenario.additional]
    if scenario.sumocfg is not None:
        files += [scenario.sumocfg, *_files_of(scenario.sumocfg)]
    named = file_parameters(task.controller)
    files += [Path(str(value)) for key, value in task.controller.params if key in named]
    return {str(path): _file_digest(path) for path in files}


def file_parameters(spec: ControllerSpec) -> set[str]:
    """
    Tell which parameters of a controller name files.

    Parameters
    ----------
    spec : ControllerSpec
        The controller.

    Returns
    -------
    set of str
        Names of parameters.
    """
    return {key for key, param in find_kind(spec.id).params.items() if param.file}


def _content(scenario: Scenario) -> dict[str, Any]:
    # Without what is left at its default: a release that adds a setting does not make every baseline stale. Defaults
    # that a release changes are a change of that release, like its code.
    content: dict[str, Any] = scenario.model_dump(
        mode="json", exclude=set(_NO_CONTENT), exclude_defaults=True
    )
    content["network"] = _file_digest(scenario.network)
    content["demand"] = [_file_digest(path) for path in scenario.demand]
    content["additional"] = [_file_digest(path) for path in scenario.additional]
    if scenario.sumocfg is not None:
        files = [scenario.sumocfg, *_files_of(scenario.sumocfg)]
        content["sumocfg"] = [_file_digest(path) for path in files]
    return content


def _controller(spec: ControllerSpec) -> str:
    """Describe a controller; for a parameter that names a file counts what stands in it."""
    named = file_parameters(spec)
    given = tuple((key, _file_digest(Path(str(v))) if key in named else v) for key, v in spec.params)
    return ControllerSpec(spec.id, given).to_json()


def _digest(content: dict[str, Any]) -> str:
    text = json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=True, allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()[:KEY_LENGTH]


def _file_digest(path: Path) -> str:
    try:
        stat = path.stat()
        return _digest_of_version(path, stat.st_mtime_ns, stat.st_size)
    except OSError as error:
        msg = f"{path}: cannot be read ({error.strerror}); check the path"
        raise InputError(msg) from None


@lru_cache(maxsize=4096)
def _digest_of_version(path: Path, mtime_ns: int, size: int) -> str:  # noqa: ARG001  (part of the cache's key)
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _files_of(sumocfg: Path) -> list[Path]:
    """List every existing file that a SUMO configuration reads, in the order of the configuration."""
    root = read_tree(sumocfg)
    files = []
    for section in root:
        if section.tag in _OUTPUT_SECTIONS:
            continue
        for option in section:
            names = (option.get("value") or option.get("v") or option.text or "").replace(",", " ").split()
            files += [path for name in names if (path := sumocfg.parent / name).is_file()]
    return files
