"""The output folder as several processes see it."""

from __future__ import annotations

import errno
import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from sim.batch.store import Store, environment_fault
from sim.errors import EnvironmentFaultError

HOST = socket.gethostname()


def ended_run(directory: Path, mark: str, *, done: bool) -> Path:
    directory.mkdir(parents=True)
    (directory / "kpi.parquet").write_bytes(b"PAR1" + mark.encode() + b"PAR1")
    if done:
        (directory / "tripinfo.parquet").write_bytes(b"PAR1" + mark.encode() + b"PAR1")
    return directory


def mark_of(store: Store, key: str) -> str:
    return (store.runs / key / "kpi.parquet").read_bytes()[4:-4].decode()


@pytest.mark.parametrize(
    ("before", "after", "winner"),
    [
        ("failed", "done", "new"),
        ("failed", "failed", "new"),
        ("done", "done", "old"),
        ("done", "failed", "old"),
    ],
)
def test_publishing_replaces_failures_and_never_a_result(
    tmp_path: Path, before: str, after: str, winner: str
) -> None:
    store = Store(tmp_path)
    store.prepare()
    ended_run(store.runs / "k", "old", done=before == "done")
    new = ended_run(store.working_directory("k", os.getpid()), "new", done=after == "done")
    store.publish(new, "k")

    assert mark_of(store, "k") == winner
    assert store.is_done("k") == ("done" in {before, after})
    assert list(store.tmp.iterdir()) == []


def test_only_folders_of_dead_processes_of_this_machine_are_removed(tmp_path: Path) -> None:
    store = Store(tmp_path)
    store.prepare()
    dead = subprocess.Popen([sys.executable, "-c", ""])
    dead.wait()
    names = {
        f"k-{dead.pid}-{HOST}": False,
        f"k-{dead.pid}-{HOST}-replaced": False,
        f"k-{os.getpid()}-{HOST}": True,
        f"k-{dead.pid}-another-machine": True,
        "of-somebody": True,
    }
    for name in names:
        (store.tmp / name).mkdir()
    store.prepare()
    assert {path.name for path in store.tmp.iterdir()} == {name for name, stays in names.items() if stays}


def test_killed_process_that_nobody_waited_for_is_dead(tmp_path: Path) -> None:
    store = Store(tmp_path)
    store.prepare()
    zombie = subprocess.Popen([sys.executable, "-c", ""], stdout=subprocess.PIPE)
    assert zombie.stdout is not None
    zombie.stdout.read()
    zombie.stdout.close()
    os.waitid(os.P_PID, zombie.pid, os.WEXITED | os.WNOWAIT)
    store.working_directory("k", zombie.pid).mkdir()
    store.prepare()
    assert list(store.tmp.iterdir()) == []
    zombie.wait()


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (errno.ENOSPC, "no space left"),
        (errno.EDQUOT, "no space left"),
        (errno.EFBIG, "no space left"),
        (errno.EROFS, "cannot be written"),
        (errno.EACCES, "cannot be written"),
    ],
)
def test_faults_of_the_machine_are_told_from_others(tmp_path: Path, number: int, text: str) -> None:
    fault = environment_fault(OSError(number, os.strerror(number)), tmp_path)
    assert isinstance(fault, EnvironmentFaultError)
    assert str(fault).startswith(f"{tmp_path}: {text}")
    assert environment_fault(OSError(errno.ENOENT, "gone"), tmp_path) is None


def test_disk_that_fills_while_a_run_is_published_raises(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = Store(tmp_path)
    store.prepare()
    new = ended_run(store.working_directory("k", os.getpid()), "new", done=True)

    def full(self: Path, target: Path) -> Path:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(target))

    monkeypatch.setattr(Path, "rename", full)
    with pytest.raises(OSError, match="No space left"):
        store.publish(new, "k")
    assert new.is_dir()
