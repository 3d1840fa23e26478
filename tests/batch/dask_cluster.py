"""A dask scheduler and workers as real processes on loopback, for the tests of the cluster."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import psutil

ROOT = Path(__file__).parents[2]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class DaskCluster:
    """Processes that end with the test."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.port = free_port()
        self.scheduler: subprocess.Popen[bytes] | None = None
        self.workers: list[subprocess.Popen[bytes]] = []

    @property
    def executor(self) -> str:
        return f"dask://127.0.0.1:{self.port}"

    def start_scheduler(self) -> None:
        self.scheduler = self._start(
            "dask_scheduler", "--host", "127.0.0.1", "--port", str(self.port), "--no-dashboard"
        )
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", self.port)) == 0:
                    return
            time.sleep(0.1)
        msg = "the scheduler did not start"
        raise TimeoutError(msg)

    def start_worker(
        self, threads: int = 1, cwd: Path | None = None, path: Path = ROOT
    ) -> subprocess.Popen[bytes]:
        """Start a worker with the code below `path`."""
        place = self.folder / f"worker{len(self.workers)}"
        place.mkdir()
        worker = self._start(
            "dask_worker",
            f"tcp://127.0.0.1:{self.port}",
            *("--nthreads", str(threads), "--host", "127.0.0.1", "--no-dashboard", "--no-nanny"),
            *("--local-directory", str(place), "--death-timeout", "20"),
            cwd=cwd or place,
            path=path,
        )
        self.workers.append(worker)
        return worker

    def _start(
        self, tool: str, *arguments: str, cwd: Path | None = None, path: Path = ROOT
    ) -> subprocess.Popen[bytes]:
        log = (self.folder / f"{tool}.log").open("ab")
        with log:
            return subprocess.Popen(
                [sys.executable, "-m", f"distributed.cli.{tool}", *arguments],
                cwd=cwd or self.folder,
                env=os.environ | {"PYTHONPATH": str(path), "DASK_DISTRIBUTED__WORKER__PROFILE__ENABLED": "0"},
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def log(self) -> str:
        return "".join(path.read_text(errors="replace") for path in sorted(self.folder.glob("*.log")))

    def close(self) -> None:
        for process in [*self.workers, *([self.scheduler] if self.scheduler else [])]:
            family = descendants(process.pid)
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            for child in family:  # agents have sessions of their own, and end when their worker has gone
                child.wait(30)


def descendants(pid: int) -> list[psutil.Process]:
    try:
        return psutil.Process(pid).children(recursive=True)
    except psutil.NoSuchProcess:
        return []
