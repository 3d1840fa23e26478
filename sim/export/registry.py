"""The formats by name; a format's module is imported when it is used."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, cast

from sim.errors import InputError, near_miss

if TYPE_CHECKING:
    from sim.export.format import Format

# In the order of their value to users.
MODULES = {
    "csv": "sim.export.group_csv",
    "sumo": "sim.export.sumo",
    "sumo-nema": "sim.export.sumo_nema",
    "ntcip": "sim.export.ntcip",
    "utdf": "sim.export.utdf",
    "gmns": "sim.export.gmns",
    "sig": "sim.export.sig",
    "rsmp": "sim.export.rsmp",
    "v2x": "sim.export.v2x",
    "sheet": "sim.export.sheet",
}


def find_format(name: str) -> Format:
    """
    Look up a format.

    Parameters
    ----------
    name : str
        Its name.

    Returns
    -------
    Format
        The format.

    Raises
    ------
    InputError
        If there is none, with the nearest name.
    """
    if name not in MODULES:
        msg = f"no format '{name}'{near_miss(name, MODULES)}"
        raise InputError(msg)
    return cast("Format", import_module(MODULES[name]).FORMAT)
