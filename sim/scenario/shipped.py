"""Where the shipped networks and scenarios stand, in a checkout and in an installed wheel."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Literal

from sim.errors import EnvironmentFaultError, InputError, near_miss

_PACKAGE_FOLDER = Path(__file__).resolve().parents[1]
# Packages that scenarios take files from, and the extra that installs them.
_EXTRAS = {"sumo_rl": "gruenband[resco]"}


def shipped_folder(kind: Literal["networks", "scenarios"]) -> Path:
    """
    Find the folder of the shipped networks or scenarios.

    Parameters
    ----------
    kind : {"networks", "scenarios"}
        Which of the two.

    Returns
    -------
    Path
        ``sim/_shipped/<kind>`` of an installed wheel, or ``<kind>`` at the top of the checkout.
    """
    packaged = _PACKAGE_FOLDER / "_shipped" / kind
    return packaged if packaged.is_dir() else _PACKAGE_FOLDER.parent / kind


def shipped_scenarios() -> dict[str, Path]:
    """
    List the shipped scenarios.

    Returns
    -------
    dict of str to Path
        TOML file of each name, in the order of the names.
    """
    folder = shipped_folder("scenarios")
    return {path.stem: path for path in sorted(folder.glob("*.toml"))} if folder.is_dir() else {}


def shipped_networks() -> dict[str, Path]:
    """
    List the shipped networks.

    Returns
    -------
    dict of str to Path
        Net file of each name, in the order of the names; a folder without a built net is left out.
    """
    folder = shipped_folder("networks")
    if not folder.is_dir():
        return {}
    found: dict[str, Path] = {}
    for place in sorted(path for path in folder.iterdir() if path.is_dir()):
        for suffix in (".net.xml", ".net.xml.gz"):
            net = place / f"{place.name}{suffix}"
            if net.is_file():
                found.setdefault(place.name, net)
    return found


def resolve(text: str, folder: Path) -> Path:
    """
    Turn a file reference of a scenario into an absolute path.

    Parameters
    ----------
    text : str
        A path relative to the scenario file, an absolute path, ``network:NAME`` (the net of a shipped network),
        ``network:NAME/FILE`` (a file beside it) or ``package:PACKAGE/FILE`` (a file inside an installed Python
        package, which is found without importing it).
    folder : Path
        Folder of the scenario file.

    Returns
    -------
    Path
        The absolute path of an existing file.

    Raises
    ------
    InputError
        If the file or the shipped network does not exist.
    EnvironmentFaultError
        If the package is not installed.
    """
    scheme, _, rest = text.partition(":")
    if scheme == "network":
        path = _in_network(rest)
    elif scheme == "package":
        path = _in_package(rest)
    else:
        path = folder / Path(text).expanduser()
    path = path.resolve()
    if path.is_dir():
        msg = f"'{text}' is a folder; name a file"
        raise InputError(msg)
    if not path.is_file():
        msg = f"'{text}' does not exist (looked for {path})"
        raise InputError(msg)
    return path


def _in_network(rest: str) -> Path:
    name, _, file = rest.partition("/")
    networks = shipped_networks()
    if name not in networks:
        msg = f"there is no shipped network '{name}'{near_miss(name, networks)}"
        raise InputError(msg)
    return _inside(networks[name].parent, file) if file else networks[name]


def _in_package(rest: str) -> Path:
    package, _, file = rest.partition("/")
    # A dotted name would make find_spec import the parent package, which may cost seconds.
    spec = importlib.util.find_spec(package) if package.isidentifier() else None
    places = list(spec.submodule_search_locations or ()) if spec else []
    if not places:
        what = f"'{_EXTRAS[package]}'" if package in _EXTRAS else f"the Python package '{package}'"
        msg = f"'package:{rest}' needs the package {package}, which is not installed; install {what} with pip"
        raise EnvironmentFaultError(msg)
    return _inside(Path(places[0]), file)


def _inside(folder: Path, file: str) -> Path:
    path = (folder / file).resolve()
    if not path.is_relative_to(folder.resolve()):
        msg = f"'{file}' leads out of the folder {folder.name}"
        raise InputError(msg)
    return path
