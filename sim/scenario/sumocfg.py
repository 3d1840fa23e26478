"""A user's own SUMO configuration, read as a scenario."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from sim.errors import InputError
from sim.scenario.values import parse_time
from sim.scenario.xmlfile import read_tree

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

# SUMO accepts short forms and older names in a configuration as on its command line.
_SYNONYMS = {
    "n": "net-file",
    "net": "net-file",
    "r": "route-files",
    "route": "route-files",
    "routes": "route-files",
    "a": "additional-files",
    "additional": "additional-files",
    "b": "begin",
    "e": "end",
    "l": "log",
    "log-file": "log",
    "ndump": "netstate-dump",
    "netstate": "netstate-dump",
    "netstate-output": "netstate-dump",
    "person-fcd": "person-fcd-output",
    "personinfo": "personinfo-output",
    "personroutes": "personroute-output",
    "statistics-output": "statistic-output",
    "summary": "summary-output",
    "tripinfo": "tripinfo-output",
    "vehroutes": "vehroute-output",
}
# What writes files beside the options whose names end in "output".
_WRITES = frozenset(
    {"log", "message-log", "error-log", "netstate-dump", "device.ssm.file", "save-state.prefix"}
)
_VARIABLE = re.compile(r"\$\{(\w+)\}")


@dataclass(frozen=True)
class SumoConfig:
    """
    What a ``.sumocfg`` says about a run.

    ``end`` is None if the configuration lets SUMO run until the last vehicle is gone; ``scale`` is the demand factor it
    sets; ``outputs`` are the names of all output options it sets, which a batch has to redirect because parallel runs would
    write to the same files.
    """

    path: Path
    network: Path
    demand: tuple[Path, ...]
    additional: tuple[Path, ...]
    begin: float
    end: float | None
    step_length: float
    scale: float
    outputs: tuple[str, ...]


def read_sumocfg(path: Path) -> SumoConfig:
    """
    Read the parts of a SUMO configuration that Grünband needs.

    Parameters
    ----------
    path : Path
        The ``.sumocfg`` file; file names in it are relative to its folder, lists have commas.

    Returns
    -------
    SumoConfig
        Absolute paths of existing files, and times [s].

    Raises
    ------
    InputError
        With all faults of the file in one line.
    """
    path = path.expanduser().resolve()
    if not path.is_file():
        msg = f"{path} does not exist; give a shipped scenario, a TOML file or a .sumocfg"
        raise InputError(msg)
    root = read_tree(path)
    if root.tag == "net":
        msg = f"{path} is a network, not a SUMO configuration; write a scenario TOML that names it"
        raise InputError(msg)
    options = _options(root)
    faults: list[str] = []
    network = _files(options, "net-file", path, faults)
    demand = _files(options, "route-files", path, faults)
    additional = _files(options, "additional-files", path, faults)
    if "net-file" not in options:
        faults.append('<net-file> is missing; add <net-file value="..."/>')
    if "route-files" not in options and "additional-files" not in options:
        faults.append('<route-files> is missing, so there is no traffic; add <route-files value="..."/>')
    begin = _number(options, "begin", 0.0, faults)
    end = _number(options, "end", -1.0, faults)
    if 0 <= end <= begin:
        faults.append(f"<end> ({end:g} s) is not after <begin> ({begin:g} s)")
    step_length = _number(options, "step-length", 1.0, faults)
    scale = _number(options, "scale", 1.0, faults)
    if faults:
        msg = f"{path}: {'; '.join(faults)}"
        raise InputError(msg)
    outputs = tuple(sorted(key for key in options if key.endswith(("-output", ".output")) or key in _WRITES))
    return SumoConfig(
        path, network[0], demand, additional, begin, end if end >= 0 else None, step_length, scale, outputs
    )


def _options(root: Element) -> dict[str, str]:
    """Flatten the sections of a configuration into option name and value, as SUMO does."""
    options: dict[str, str] = {}
    for element in root.iter():
        value = element.get("value", element.get("v"))
        if value is None and len(element) == 0:
            value = (element.text or "").strip() or None
        if value is not None:
            name = str(element.tag)
            options[_SYNONYMS.get(name, name)] = _VARIABLE.sub(_environment, value)
    return options


def _environment(match: re.Match[str]) -> str:
    return os.environ.get(match[1], match[0])


def _files(options: dict[str, str], name: str, path: Path, faults: list[str]) -> tuple[Path, ...]:
    found: list[Path] = []
    for text in (part.strip() for part in options.get(name, "").split(",")):
        if not text:
            continue
        file = (path.parent / Path(text).expanduser()).resolve()
        if file.is_file():
            found.append(file)
        else:
            faults.append(f"<{name}>: '{text}' does not exist (looked for {file})")
    if name == "net-file" and len(found) > 1:
        faults.append(f"<net-file>: {len(found)} networks given; a scenario has one")
    return tuple(found)


def _number(options: dict[str, str], name: str, default: float, faults: list[str]) -> float:
    try:
        value = parse_time(options.get(name, default))
    except ValueError as error:
        faults.append(f"<{name}>: {error}")
        return default
    return float(value) if isinstance(value, int | float) else default
