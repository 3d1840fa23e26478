"""The output folder: finished runs appear in it whole, by a rename, and are never touched again."""

from __future__ import annotations

import contextlib
import errno
import os
import shutil
import socket
from dataclasses import dataclass
from pathlib import Path

from sim.errors import EnvironmentFaultError
from sim.evaluate.results import RUNS, Report, is_parquet, read_rows

_TMP = "tmp"
_FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
_FORBIDDEN = frozenset({errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOTDIR, errno.EIO, errno.ENXIO})
_PROBE_BYTES = 1 << 20  # less than one run of a small network writes


@dataclass(frozen=True, slots=True)
class Store:
    """
    One output folder.

    ``runs/<key>/`` holds a run that ended: with a result, or with a row that says why not. ``tmp/`` holds runs
    that are being written, one folder per process; a process that died leaves its folder behind and the next
    batch on the same machine removes it.
    """

    root: Path

    @property
    def runs(self) -> Path:
        """Folder of the runs that ended."""
        return self.root / RUNS

    @property
    def tmp(self) -> Path:
        """Folder of the runs that are being written."""
        return self.root / _TMP

    def prepare(self) -> None:
        """
        Create the folders, prove that they can be written, and remove what dead processes left.

        Raises
        ------
        EnvironmentFaultError
            If the folder cannot be created or written, or the disk is full.
        """
        try:
            self.runs.mkdir(parents=True, exist_ok=True)
            self.tmp.mkdir(exist_ok=True)
            for directory in self.tmp.iterdir():
                if is_left_over(directory.name):
                    shutil.rmtree(directory, ignore_errors=True)
            self.probe(self.tmp)
        except OSError as error:
            raise environment_fault(error, self.root) or error from None

    def probe(self, directory: Path) -> None:
        """
        Write and remove a file of a mebibyte.

        Parameters
        ----------
        directory : Path
            An existing folder below the store.

        Raises
        ------
        OSError
            If the write fails, because of the disk, a quota or a limit on file sizes.
        """
        file = directory / f"probe-{os.getpid()}-{socket.gethostname()}"
        try:
            file.write_bytes(b"\0" * _PROBE_BYTES)
        finally:
            file.unlink(missing_ok=True)

    def working_directory(self, key: str, pid: int) -> Path:
        """
        Name the folder in which a process writes a run.

        Parameters
        ----------
        key : str
            Run key.
        pid : int
            Id of the writing process.

        Returns
        -------
        Path
            A folder below ``tmp/``; it also names the machine, because several may share the store.
        """
        return self.tmp / f"{key}-{pid}-{socket.gethostname()}"

    def finished(self, on_damage: Report | None = None) -> set[str]:
        """
        List the runs that have a result.

        Parameters
        ----------
        on_damage : callable, optional
            Called with one line for every run directory that cannot be read.

        Returns
        -------
        set of str
            Run keys. Failed, timed-out, half-written and damaged runs are not among them.
        """
        done = set()
        for row in read_rows(self.root, on_damage):
            if row["status"] != "done" or row["run_key"] is None:
                continue
            if is_parquet(self.runs / row["run_key"] / "tripinfo.parquet"):
                done.add(row["run_key"])
            elif on_damage is not None:
                on_damage(f"{self.runs / row['run_key']}: its trip table is damaged, treated as not run")
        return done

    def is_done(self, key: str) -> bool:
        """
        Tell whether a run has a result by now.

        Parameters
        ----------
        key : str
            Run key.

        Returns
        -------
        bool
            True if its directory holds a whole trip table and a whole row; failed runs hold no trip table.
        """
        directory = self.runs / key
        return is_parquet(directory / "tripinfo.parquet") and is_parquet(directory / "kpi.parquet")

    def publish(self, directory: Path, key: str) -> None:
        """
        Move a completed run directory to its place in one step.

        Parameters
        ----------
        directory : Path
            The working directory.
        key : str
            Run key. If another batch has finished the same run meanwhile, its result stays and this one is
            dropped: both are equal. A failed or damaged run of that key is replaced.

        Raises
        ------
        OSError
            If the disk refuses.
        """
        target = self.runs / key
        old = directory.with_name(f"{directory.name}-replaced")
        while True:
            try:
                directory.rename(target)
            except OSError as error:
                if error.errno not in {errno.ENOTEMPTY, errno.EEXIST}:
                    raise
            else:
                return
            if self.is_done(key):
                shutil.rmtree(directory, ignore_errors=True)
                return
            with contextlib.suppress(FileNotFoundError):  # another batch was faster
                target.rename(old)
                shutil.rmtree(old, ignore_errors=True)


def environment_fault(error: OSError, path: Path) -> EnvironmentFaultError | None:
    """
    Recognise an error of the machine, which ends a whole batch, among the errors of the file system.

    Parameters
    ----------
    error : OSError
        What was raised.
    path : Path
        The folder that was written.

    Returns
    -------
    EnvironmentFaultError or None
        The fault to raise; None if the error is of another kind.
    """
    if error.errno in _FULL:
        return EnvironmentFaultError(
            f"{path}: no space left ({error.strerror}); free some and give the same command, finished runs are kept"
        )
    if error.errno in _FORBIDDEN or isinstance(error, FileExistsError):
        return EnvironmentFaultError(
            f"{path}: cannot be written ({error.strerror}); choose another --out or change its permissions"
        )
    return None


def is_left_over(name: str) -> bool:
    """
    Tell whether the process that wrote a folder of ``tmp/`` is dead.

    Parameters
    ----------
    name : str
        Name of the folder.

    Returns
    -------
    bool
        False for a folder of another machine, of which it cannot be judged.
    """
    parts = name.split("-", 2)
    if len(parts) < 3 or not parts[1].isdigit():
        return False
    if parts[2].removesuffix("-replaced") != socket.gethostname():
        return False
    return not _is_alive(int(parts[1]))


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True
    try:  # a killed process that nobody has waited for still answers to signals
        state = (
            Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()
        )
    except OSError:
        return True
    return state[:1] != ["Z"]
