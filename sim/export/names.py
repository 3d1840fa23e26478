"""Names of the files of formats that write one file for each signal."""

from __future__ import annotations

import re


def signal_file(number: int, signal: str, suffix: str) -> str:
    """
    Name the file of a signal.

    Parameters
    ----------
    number : int
        Place of the signal in the plan, from 1; keeps names apart that differ in special characters only.
    signal : str
        Id of the signal.
    suffix : str
        With its dot.

    Returns
    -------
    str
        A plain file name on every system, whatever the id is.
    """
    plain = re.sub(r"[^A-Za-z0-9_-]+", "_", signal).strip("_")[:60]
    return f"{number:03d}_{plain}{suffix}" if plain else f"{number:03d}{suffix}"
