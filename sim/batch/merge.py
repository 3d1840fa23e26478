"""Result folders of several jobs become one."""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sim.batch.store import Store, environment_fault
from sim.errors import InputError
from sim.evaluate.results import RUNS, Report, read_rows

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path


@dataclass(frozen=True, slots=True)
class Merged:
    """What a merge did: runs copied, runs that were there already, runs without a result among both."""

    copied: int
    present: int
    failed: int


def merge_folders(folders: Sequence[Path], out: Path, on_damage: Report | None = None) -> Merged:
    """
    Copy the runs of several result folders into one.

    A run that stands in more than one folder is taken once, and one with a result before one that failed. What
    `out` holds already stays; the folders themselves are not touched.

    Parameters
    ----------
    folders : sequence of Path
        Output folders of batches.
    out : Path
        Output folder, made if it does not exist.
    on_damage : callable, optional
        Called with one line for every run directory that cannot be read; it is left out.

    Returns
    -------
    Merged
        The counts.

    Raises
    ------
    InputError
        If a folder holds no runs.
    EnvironmentFaultError
        If `out` cannot be written or is full; what was copied stays, the same merge goes on.
    """
    for folder in folders:
        if not (folder / RUNS).is_dir():
            msg = f"{folder}: no results in this folder; give folders that 'gruenband run' wrote"
            raise InputError(msg)
    store = Store(out.absolute())
    store.prepare()
    states = {row["run_key"]: row["status"] for row in read_rows(store.root, on_damage)}
    copied: set[str] = set()
    present: set[str] = set()
    for folder in folders:
        if (folder / RUNS).samefile(store.runs):
            continue
        for row in read_rows(folder, on_damage):
            key, status = row["run_key"], row["status"]
            if key in states and (states[key] == "done" or status != "done"):
                present.add(key)
                continue
            _copy(folder / RUNS / key, store, key)
            states[key] = status
            copied.add(key)
    failed = sum(states[key] != "done" for key in copied | present)
    return Merged(len(copied), len(present - copied), failed)


def _copy(source: Path, store: Store, key: str) -> None:
    directory = store.working_directory(key, os.getpid())
    try:
        shutil.rmtree(directory, ignore_errors=True)
        shutil.copytree(source, directory)
        store.publish(directory, key)
    except OSError as error:  # copytree gathers the faults of many files in one without a number
        shutil.rmtree(directory, ignore_errors=True)
        store.probe(store.tmp)
        raise environment_fault(error, store.root) or error from None
