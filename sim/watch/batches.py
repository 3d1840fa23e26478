"""The batches that are writing into a folder, from what they leave there."""

from __future__ import annotations

import socket
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

from pydantic import BaseModel, ValidationError

from sim.batch.progress import PLAN, PREFIX, PROGRESS, BatchPlan, BatchProgress
from sim.batch.store import is_left_over
from sim.errors import InputError
from sim.signals.files import read_text

if TYPE_CHECKING:
    from pathlib import Path

    from sim.evaluate.results import Report

M = TypeVar("M", bound=BaseModel)
# A batch of another machine that gives no sign of life for so long counts as gone [s]. While it compiles kernels it is
# silent too; and its clock need not be ours.
SILENCE = 180.0
# No batch has a longer plan [bytes].
LARGEST = 1 << 26


@dataclass(frozen=True, slots=True)
class Batch:
    """
    A batch that is running, or that died.

    Parameters
    ----------
    name : str
        Its folder below ``tmp/``: process and machine.
    alive : bool
        Whether its process still works, as far as can be told.
    plan : BatchPlan
        Its runs.
    progress : BatchProgress
        How far it is.
    """

    name: str
    alive: bool
    plan: BatchPlan
    progress: BatchProgress


class Batches:
    """
    The batches of a folder, looked at again and again.

    Parameters
    ----------
    tmp : Path
        The folder of what is being written.
    """

    def __init__(self, tmp: Path) -> None:
        self._tmp = tmp
        self._plans: dict[Path, tuple[int, BatchPlan]] = {}
        self._heard: dict[Path, tuple[int, float]] = {}  # last stamp, and when it was new to us

    def read(self, on_fault: Report) -> list[Batch]:
        """
        Read them all.

        Parameters
        ----------
        on_fault : callable
            Called with one line for each that cannot be read.

        Returns
        -------
        list of Batch
            In the order of their names.
        """
        found = []
        for directory in sorted(self._tmp.glob(f"{PREFIX}-*")):
            try:
                if (directory / PROGRESS).is_file():
                    found.append(self._one(directory))
            except InputError as fault:
                if directory.is_dir():  # else its batch has just ended
                    on_fault(str(fault))
        return found

    def _one(self, directory: Path) -> Batch:
        plan = self._plan(directory / PLAN)
        progress = _parse(directory / PROGRESS, BatchProgress)
        now = time.monotonic()
        stamp, since = self._heard.get(directory, (-1, now))
        if stamp != progress.stamp:
            since = now
        self._heard[directory] = (progress.stamp, since)
        if directory.name.endswith(f"-{socket.gethostname()}"):
            alive = not is_left_over(directory.name)
        else:
            alive = now - since < SILENCE
        return Batch(directory.name, alive, plan, progress)

    def _plan(self, path: Path) -> BatchPlan:
        """Read a plan, which does not change while its batch lives."""
        try:
            age = path.stat().st_mtime_ns
        except OSError as error:
            msg = f"{path} cannot be read: {error.strerror}"
            raise InputError(msg) from error
        known = self._plans.get(path)
        if known is None or known[0] != age:
            known = self._plans[path] = (age, _parse(path, BatchPlan))
        return known[1]


def _parse(path: Path, model: type[M]) -> M:
    try:
        return model.model_validate_json(read_text(path, LARGEST))
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        msg = f"{path} is damaged ({f'{where}: ' if where else ''}{first['msg']}); this batch is not shown"
        raise InputError(msg) from error
