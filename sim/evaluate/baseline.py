"""What can be compared: the runs of a result folder, or those that a baseline file remembers."""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING, Any

from sim.errors import InputError
from sim.evaluate.results import FLOOR_CONTROLLER, read_results
from sim.signals.files import read_text, write_whole

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from sim.evaluate.results import Report

FORMAT = "gruenband-baseline-v1"
# They tell of the machine and the moment, and would make every renewal differ.
VOLATILE = frozenset({"wall_seconds", "control_seconds", "peak_rss_mib"})
_LARGEST = 1e300  # no figure of traffic; also keeps whole numbers out that no float can hold
_TEXTS = ("scenario", "controller", "status")


def read_runs(path: Path, on_damage: Report) -> list[dict[str, Any]]:
    """
    Read the runs of a result folder or of a baseline file.

    Parameters
    ----------
    path : Path
        The folder or file.
    on_damage : callable
        Called with one line for everything that cannot be used; the rest is read.

    Returns
    -------
    list of dict
        One row per run, floors left out, as :func:`sim.evaluate.results.read_results` gives them.

    Raises
    ------
    InputError
        If there is nothing of that name, the file is no baseline, or it holds no runs at all.
    """
    if path.is_dir():
        rows = read_results(path, on_damage)
        empty = "holds no runs yet"
    elif path.exists():
        rows = _read_baseline(path)
        empty = "is a baseline of no runs"
    else:
        msg = f"{path} does not exist; name a result folder of 'gruenband run' or a baseline file"
        raise InputError(msg)
    usable = [row for row in rows if row.get("controller_id") != FLOOR_CONTROLLER]
    whole = [row for row in usable if _fault(row) is None]
    for row in usable:
        fault = _fault(row)
        if fault is not None:
            on_damage(f"{path}: run {row.get('run_key')}: {fault}, left out")
    if not whole:
        msg = f"{path} {empty}; 'gruenband run … --out DIR' makes some"
        raise InputError(msg)
    return whole


def write_baseline(rows: Sequence[dict[str, Any]], path: Path) -> int:
    """
    Write the figures of runs into a file that can be committed.

    Parameters
    ----------
    rows : sequence of dict
        Rows of :func:`read_runs`.
    path : Path
        The file.

    Returns
    -------
    int
        Number of runs in it: those that are done.

    Raises
    ------
    InputError
        If no run is done, or one cell and seed has two results: nobody could tell which of them is the baseline.
    """
    done = [row for row in rows if row["status"] == "done"]
    seen: dict[tuple[Any, ...], str] = {}
    for row in done:
        cell = (row["scenario"], row["controller"], row["scale"], row["seed"])
        if cell in seen:
            msg = (
                f"{row['scenario']} {row['controller']} scale {row['scale']:g} seed {row['seed']} has two results "
                f"(run keys {seen[cell]} and {row['run_key']}); a baseline needs a folder of one release and one "
                "content of each scenario"
            )
            raise InputError(msg)
        seen[cell] = str(row["run_key"])
    if not done:
        msg = "none of the runs is done, so there is nothing for a baseline"
        raise InputError(msg)
    lines = [json.dumps(_kept(row), ensure_ascii=False, allow_nan=False) for row in done]
    text = f'{{"format": "{FORMAT}", "runs": [\n' + ",\n".join(lines) + "\n]}\n"
    write_whole(path, text.encode())
    return len(done)


def _kept(row: dict[str, Any]) -> dict[str, Any]:
    kept = {key: value for key, value in row.items() if key not in VOLATILE and value is not None}
    return {key: value for key, value in kept.items() if not isinstance(value, float) or math.isfinite(value)}


def _read_baseline(path: Path) -> list[dict[str, Any]]:
    try:
        content = json.loads(read_text(path))
    except (ValueError, RecursionError) as error:
        msg = f"{path} is no baseline: not JSON ({' '.join(str(error).split())})"
        raise InputError(msg) from None
    if not isinstance(content, dict) or "format" not in content:
        msg = f"{path} is no baseline; 'gruenband results DIR --baseline FILE' writes one"
        raise InputError(msg)
    if content["format"] != FORMAT:
        msg = f"{path} has the format {content['format']!r}, this release reads '{FORMAT}'; write the baseline anew"
        raise InputError(msg)
    rows = content.get("runs")
    if not isinstance(rows, list):
        msg = f"{path}: 'runs' is no list; write the baseline anew"
        raise InputError(msg)
    for number, row in enumerate(rows, 1):
        fault = _fault(row) if isinstance(row, dict) else "is no object"
        if fault is not None:
            msg = f"{path}: run {number} {fault}; write the baseline anew"
            raise InputError(msg)
    return rows


def _fault(row: dict[str, Any]) -> str | None:
    """Say what a row lacks to tell which run it is."""
    for key in _TEXTS:
        value = row.get(key)
        if not isinstance(value, str):
            return f"has no '{key}'"
        if not value.isprintable():
            return f"has a '{key}' that cannot be printed"
    if type(row.get("seed")) is not int:
        return "has no whole number as 'seed'"
    if number(row.get("scale")) is None:
        return "has no number as 'scale'"
    return None


def printable(text: str) -> str:
    """
    Make one harmless line of a text from a file.

    Parameters
    ----------
    text : str
        Any text, perhaps with control characters.

    Returns
    -------
    str
        Without them and without line breaks.
    """
    return " ".join("".join(letter if letter.isprintable() else " " for letter in text).split())


def number(value: object) -> float | None:
    """
    Take a value for a figure.

    Parameters
    ----------
    value : object
        What stands in a row.

    Returns
    -------
    float or None
        The finite number; None for all else, also for True and False.
    """
    if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) < _LARGEST:
        return None
    return float(value)
