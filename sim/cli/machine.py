"""What this machine offers: cores, memory, disk."""

from __future__ import annotations

import math
import os
from pathlib import Path

WORKER_MEMORY = 600.0  # MiB, what one run may take
_CGROUP = Path("/sys/fs/cgroup")


def usable_cores() -> int:
    """
    Count the cores this process may use, which can be fewer than the machine has.

    Returns
    -------
    int
        At least 1: the CPU affinity, further limited by a container's quota (cgroup v2).
    """
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    quota = _words(_CGROUP / "cpu.max")
    if len(quota) == 2 and quota[0] != "max":
        cores = min(cores, math.ceil(int(quota[0]) / int(quota[1])))
    return max(1, cores)


def available_memory() -> float | None:
    """
    Tell the memory that new processes can take without swapping.

    Returns
    -------
    float or None
        Memory [MiB], limited by a container's quota (cgroup v2); None where the system does not tell.
    """
    lines = _words(Path("/proc/meminfo"))
    if "MemAvailable:" not in lines:
        return None
    available = int(lines[lines.index("MemAvailable:") + 1]) / 1024
    limit, used = _words(_CGROUP / "memory.max"), _words(_CGROUP / "memory.current")
    if limit and used and limit[0] != "max":
        available = min(available, (int(limit[0]) - int(used[0])) / 2**20)
    return max(0.0, available)


def default_jobs() -> int:
    """
    Choose how many runs to do at a time.

    Returns
    -------
    int
        One per usable core, but no more than the free memory holds.
    """
    cores, memory = usable_cores(), available_memory()
    return cores if memory is None else max(1, min(cores, int(memory // WORKER_MEMORY)))


def _words(path: Path) -> list[str]:
    try:
        return path.read_text(encoding="ascii").split()
    except (OSError, UnicodeDecodeError):
        return []
