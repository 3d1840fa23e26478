"""What travels between machines that share no folder: a batch's files there, the folders of its runs back."""

from __future__ import annotations

import zlib
from dataclasses import replace
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from sim.batch.keys import file_parameters
from sim.errors import GruenbandError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sim.run import RunTask


def relocate(task: RunTask, folder: str) -> RunTask:
    """
    Let a task read copies of its files.

    Parameters
    ----------
    task : RunTask
        The task.
    folder : str
        Where :func:`place_files` put the copies; empty leaves the task as it is.

    Returns
    -------
    RunTask
        The same run, and the same key, with other paths.
    """
    if not folder:
        return task
    scenario = task.scenario
    there = {
        "network": copy_of(scenario.network, folder),
        "demand": tuple(copy_of(path, folder) for path in scenario.demand),
        "additional": tuple(copy_of(path, folder) for path in scenario.additional),
        "sumocfg": None if scenario.sumocfg is None else copy_of(scenario.sumocfg, folder),
    }
    named = file_parameters(task.controller)
    params = tuple(
        (key, str(copy_of(Path(str(value)), folder)) if key in named else value)
        for key, value in task.controller.params
    )
    return replace(
        task, scenario=scenario.model_copy(update=there), controller=replace(task.controller, params=params)
    )


def copy_of(path: Path, folder: str) -> Path:
    """
    Say where the copy of a file stands; files that name each other by relative paths still find each other.

    Parameters
    ----------
    path : Path
        Where the file stands on the machine of the batch.
    folder : str
        Folder of the copies.

    Returns
    -------
    Path
        The whole path again, below the folder.
    """
    steps: list[str] = []
    for step in path.absolute().parts[1:]:
        if step != "..":
            steps.append(step)
        elif steps:
            steps.pop()
    return Path(folder, *steps)


def pack_files(paths: Iterable[str]) -> dict[str, bytes]:
    """
    Read files to send them.

    Parameters
    ----------
    paths : iterable of str
        The files.

    Returns
    -------
    dict of str to bytes
        Compressed content of each path.
    """
    return {path: zlib.compress(Path(path).read_bytes()) for path in paths}


def place_files(files: dict[str, bytes], folder: str) -> None:
    """
    Write files that were sent.

    Parameters
    ----------
    files : dict of str to bytes
        As :func:`pack_files` made it.
    folder : str
        Folder of the copies.
    """
    for path, content in files.items():
        copy = copy_of(Path(path), folder)
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy.write_bytes(zlib.decompress(content))


def pack_run(directory: Path) -> dict[str, bytes]:
    """
    Read everything that a run's folder holds.

    Parameters
    ----------
    directory : Path
        The folder.

    Returns
    -------
    dict of str to bytes
        Content of every file below it, by its path relative to the folder.
    """
    return {
        path.relative_to(directory).as_posix(): path.read_bytes()
        for path in sorted(directory.rglob("*"))
        if path.is_file()
    }


def unpack_run(files: dict[str, bytes], directory: Path) -> None:
    """
    Write a run's folder again.

    Parameters
    ----------
    files : dict of str to bytes
        As :func:`pack_run` made it.
    directory : Path
        The folder; it is made.

    Raises
    ------
    GruenbandError
        If a name leads out of the folder.
    """
    for name, content in files.items():
        path = PurePosixPath(name)
        if path.is_absolute() or ".." in path.parts:
            msg = f"a worker sent a file '{name}', which leads out of the run's folder"
            raise GruenbandError(msg)
        (directory / path).parent.mkdir(parents=True, exist_ok=True)
        (directory / path).write_bytes(content)
