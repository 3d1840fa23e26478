"""``gruenband doctor``: is this machine fit for the work, and if not, what to do about it."""

from __future__ import annotations

import importlib.util
import json
import os
import platform
import shutil
import subprocess
import sys
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

from sim.cli.options import Debug, Json  # noqa: TC001 - typer reads the annotation at run time
from sim.errors import EnvironmentFaultError

_FREE_DISK = 1.0  # GiB
_SUMO_TIMEOUT = 30.0  # s


@dataclass(frozen=True)
class Finding:
    """One checked thing; ``advice`` says what to do when the state is not "ok"."""

    check: str
    state: Literal["ok", "note", "fault"]
    found: str
    advice: str = ""


def doctor_command(
    as_json: Json = False,
    debug: Debug = False,  # noqa: ARG001 - main.invoke() looks at it
) -> int:
    """
    Check Python, SUMO, the compiler, cache, cores, memory and disk.

    Ends with exit code 3 if something has to be repaired.
    """
    findings = examine()
    faults = [finding for finding in findings if finding.state == "fault"]
    if as_json:
        report = {"ok": not faults, "checks": [asdict(finding) for finding in findings]}
        sys.stdout.write(json.dumps(report, ensure_ascii=False, indent=2) + "\n")
    else:
        from sim.cli.table import show_findings

        show_findings(findings)
    return EnvironmentFaultError.exit_code if faults else 0


def examine() -> list[Finding]:
    """
    Do all checks; none of them raises.

    Returns
    -------
    list of Finding
        In a fixed order.
    """
    return [
        _python(),
        *_sumo_parts(),
        _sumo_binary(),
        _sumo_home(),
        _numba(),
        _cache(),
        _resco(),
        _cluster(),
        *_machine(),
    ]


def _python() -> Finding:
    found = f"{platform.python_version()} ({sys.executable})"
    if (3, 11) <= sys.version_info[:2] < (3, 15):
        return Finding("Python", "ok", found)
    return Finding("Python", "fault", found, "use Python 3.11 to 3.14")


def _sumo_parts() -> list[Finding]:
    from sim.sumo.version import DISTRIBUTIONS, PINNED
    from sim.sumo.version import _installed as installed_version

    findings = []
    for name in DISTRIBUTIONS:
        found = installed_version(name)
        good = found == PINNED
        advice = "" if good else f"run: pip install '{name}=={PINNED}'"
        findings.append(Finding(name, "ok" if good else "fault", found or "missing", advice))
    return findings


def _wheel_home() -> Path | None:
    spec = importlib.util.find_spec("sumo")
    return Path(spec.origin).parent if spec and spec.origin else None


def _version_of(home: Path) -> str | None:
    """Ask the sumo program of a SUMO folder for its version."""
    try:
        answer = subprocess.run(
            [str(home / "bin" / "sumo"), "--version"],
            capture_output=True,
            text=True,
            timeout=_SUMO_TIMEOUT,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    words = answer.stdout.split("\n", 1)[0].split()
    return words[-1].lstrip("v") if words and answer.returncode == 0 else None


def _sumo_binary() -> Finding:
    from sim.sumo.version import PINNED

    home = _wheel_home()
    found = _version_of(home) if home else None
    if found == PINNED:
        return Finding("sumo program", "ok", f"{found} ({home})")
    advice = f"the program does not start or is another release; run: pip install --force-reinstall eclipse-sumo=={PINNED}"
    return Finding("sumo program", "fault", found or "does not start", advice)


def _sumo_home() -> Finding:
    from sim.sumo.version import PINNED

    setting = os.environ.get("SUMO_HOME", "")
    home = _wheel_home()
    if not setting:
        return Finding("SUMO_HOME", "ok", "not set, the installed wheel is used")
    if home and Path(setting).resolve() == home.resolve():
        return Finding("SUMO_HOME", "ok", setting)
    other = _version_of(Path(setting))
    if other == PINNED:
        return Finding("SUMO_HOME", "note", f"{setting} ({other})", "same release as the wheel; it may stay")
    return Finding(
        "SUMO_HOME",
        "fault",
        f"{setting} ({other or 'no working SUMO'})",
        f"it points to another SUMO than the wheel ({PINNED}); run: unset SUMO_HOME",
    )


def _numba() -> Finding:
    # In a process of its own: a broken LLVM ends the process instead of raising.
    program = (
        "import numba, llvmlite; double = numba.njit(lambda x: 2.0 * x); assert double(21.0) == 42.0; "
        "print(numba.__version__, llvmlite.__version__, 'off' if numba.config.DISABLE_JIT else 'on')"
    )
    try:
        answer = subprocess.run(
            [sys.executable, "-c", program], capture_output=True, text=True, timeout=120.0, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return Finding("numba", "fault", type(error).__name__, "run: pip install --force-reinstall numba")
    if answer.returncode != 0:
        lines = answer.stderr.strip().splitlines()
        reason = lines[-1] if lines else f"ended with code {answer.returncode}"
        return Finding("numba", "fault", reason, "run: pip install --force-reinstall numba llvmlite")
    numba, llvmlite, jit = answer.stdout.split()
    if jit == "off":
        return Finding(
            "numba", "note", numba, "NUMBA_DISABLE_JIT is set, so everything runs slowly; unset it"
        )
    return Finding("numba", "ok", f"{numba} compiles (llvmlite {llvmlite})")


def _cache() -> Finding:
    try:
        from sim.core.jit import cache_folder

        folder = cache_folder()
        with tempfile.TemporaryFile(dir=folder) as probe:
            probe.write(b"x")
    except OSError as error:
        place = f"{error.filename}: " if error.filename else ""
        return Finding(
            "kernel cache",
            "fault",
            f"{place}{error.strerror}",
            "set GRUENBAND_CACHE to a folder you may write to",
        )
    if folder.is_relative_to(tempfile.gettempdir()) and "GRUENBAND_CACHE" not in os.environ:
        advice = "the user's cache folder is not writable; set GRUENBAND_CACHE so that kernels are kept"
        return Finding("kernel cache", "note", str(folder), advice)
    return Finding("kernel cache", "ok", str(folder))


def _resco() -> Finding:
    if importlib.util.find_spec("sumo_rl"):
        return Finding("extra resco", "ok", "installed")
    advice = "only the resco-* scenarios need it: pip install 'gruenband[resco]'"
    return Finding("extra resco", "note", "not installed", advice)


def _cluster() -> Finding:
    if importlib.util.find_spec("distributed"):
        return Finding("extra cluster", "ok", "installed")
    advice = "only --executor dask:// needs it: pip install 'gruenband[cluster]'"
    return Finding("extra cluster", "note", "not installed", advice)


def _machine() -> list[Finding]:
    from sim.cli.machine import WORKER_MEMORY, available_memory, usable_cores

    cores = usable_cores()
    findings = [Finding("cores", "ok", f"{cores} usable of {os.cpu_count()}")]
    memory = available_memory()
    if memory is None:
        findings.append(
            Finding("memory", "note", "unknown on this system", f"a run takes up to {WORKER_MEMORY:.0f} MiB")
        )
    elif memory < WORKER_MEMORY:
        advice = f"a run takes up to {WORKER_MEMORY:.0f} MiB; free some memory"
        findings.append(Finding("memory", "fault", f"{memory:.0f} MiB free", advice))
    else:
        jobs = int(memory // WORKER_MEMORY)
        advice = f"enough for {jobs} runs at a time; use --jobs {jobs}" if jobs < cores else ""
        findings.append(
            Finding("memory", "note" if advice else "ok", f"{memory / 1024:.1f} GiB free", advice)
        )
    free = shutil.disk_usage(Path.cwd()).free / 2**30
    good = free >= _FREE_DISK
    advice = "" if good else f"less than {_FREE_DISK:g} GiB; free some, or use --out on another disk"
    findings.append(Finding("disk", "ok" if good else "fault", f"{free:.1f} GiB free here", advice))
    return findings
