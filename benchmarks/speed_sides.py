"""The two sides of the speed gate: a checkout each, what is measured of it, and the process that does it."""

from __future__ import annotations

import io
import json
import os
import shutil
import subprocess
import sys
import tarfile
import time
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

HERE = Path(__file__).resolve().parent
ONE_THREAD = {"NUMBA_NUM_THREADS": "1", "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
END = 300  # s simulated
STORE_RUNS = 100

# Two streams straight on in each road of the grid of three by two signals, and one that turns left.
FLOWS = (
    ("left0A0", "C0right0", 500),
    ("right1C1", "A1left1", 500),
    ("bottom1B0", "B1top1", 400),
    ("top0A1", "A0bottom0", 300),
    ("bottom2C0", "C1top2", 300),
    ("left1A1", "B1top1", 200),
)
GRID = "--grid --grid.x-number 3 --grid.y-number 2 --grid.length 200 --grid.attach-length 200 --seed 1"
LANES = "--default.lanenumber 2 --default-junction-type traffic_light"


class Fault(Exception):  # noqa: N818
    """What ends the gate, in one line."""

    def __init__(self, message: str, exit_code: int) -> None:
        super().__init__(message)
        self.exit_code = exit_code


class BrokenCase(Exception):  # noqa: N818
    """A case that a side cannot run: the last line it said."""


@dataclass(frozen=True)
class Side:
    """A checkout, and a folder with what its cases need."""

    role: str
    checkout: Path
    work: Path

    def environment(self) -> dict[str, str]:
        """Put the checkout before everything else that Python finds."""
        paths = [str(self.checkout), str(self.checkout / "benchmarks"), os.environ.get("PYTHONPATH", "")]
        return os.environ | ONE_THREAD | {"PYTHONPATH": os.pathsep.join(filter(None, paths))}


@dataclass(frozen=True)
class Sample:
    """One measurement: processor and wall time of what counts, and processor time of the whole process [s]."""

    seconds: float
    wall: float
    total: float


def prepare(text: str, role: str, folder: Path) -> Side:
    """Find or unpack a side, and lay out what its cases need."""
    checkout = Path(text).resolve() if Path(text).is_dir() else unpack(text, folder / f"{role}-checkout")
    # Without it Python would take the next `sim` on its path, that of the other side perhaps.
    if not (checkout / "sim" / "__init__.py").is_file():
        msg = f"{text}: no checkout of gruenband (sim/__init__.py is missing)"
        raise Fault(msg, 2)
    work = folder / role
    work.mkdir()
    build_grid(work)
    return Side(role, checkout, work)


def unpack(revision: str, folder: Path) -> Path:
    """Unpack a git revision; nothing is left in the repository if the gate is killed."""
    if shutil.which("git") is None:
        msg = f"{revision}: no such folder, and git is not installed to look for a revision"
        raise Fault(msg, 3)
    git = ["git", "-C", str(HERE.parent)]
    found = subprocess.run(
        [*git, "rev-parse", "--verify", "--quiet", "--end-of-options", f"{revision}^{{commit}}"],
        capture_output=True,
        text=True,
        check=False,
    )
    if found.returncode != 0:
        msg = f"{revision}: neither a folder nor a git revision of {HERE.parent} (a shallow clone lacks older ones)"
        raise Fault(msg, 2)
    packed = subprocess.run([*git, "archive", found.stdout.strip()], capture_output=True, check=False)
    if packed.returncode != 0:
        msg = f"{revision}: {packed.stderr.decode(errors='replace').strip()}"
        raise Fault(msg, 3)
    with tarfile.open(fileobj=io.BytesIO(packed.stdout)) as archive:
        archive.extractall(folder, filter="data")
    return folder


def build_grid(folder: Path) -> None:
    """Write a small network with six signals and its demand as a configuration of SUMO, which every version reads."""
    try:
        import sumo
    except ImportError as fault:
        msg = f"SUMO cannot be loaded ({fault}); run 'gruenband doctor'"
        raise Fault(msg, 3) from fault
    program = Path(sumo.SUMO_HOME) / "bin" / "netgenerate"
    command = [str(program), *GRID.split(), *LANES.split(), "-o", str(folder / "grid.net.xml")]
    environment = os.environ | {"SUMO_HOME": str(sumo.SUMO_HOME)}
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
    if done.returncode != 0:
        msg = f"netgenerate failed: {last_line(done.stderr)}"
        raise Fault(msg, 3)
    flows = [
        f'<flow id="{k}" from="{a}" to="{b}" begin="0" end="{END}" vehsPerHour="{rate}" departSpeed="max"/>'
        for k, (a, b, rate) in enumerate(FLOWS)
    ]
    (folder / "grid.rou.xml").write_text(f"<routes>{''.join(flows)}</routes>", encoding="utf-8")
    (folder / "grid.sumocfg").write_text(
        '<configuration><input><net-file value="grid.net.xml"/><route-files value="grid.rou.xml"/></input>'
        f'<time><begin value="0"/><end value="{END}"/></time></configuration>',
        encoding="utf-8",
    )


def in_process(what: str, controller: str, side: Side) -> Sample:
    """Measure a part of a fresh process, by itself."""
    script = [sys.executable, "-P", str(HERE / "speed_cases.py"), what, controller, str(side.work)]
    _, _, said = timed(script, side)
    try:
        seen = json.loads(said.splitlines()[-1])
    except (ValueError, IndexError):
        msg = "said nothing that can be read"
        raise BrokenCase(msg) from None
    if side.checkout not in Path(seen["code"]).resolve().parents:
        msg = f"{side.role}: sim was loaded from {seen['code']} instead of {side.checkout}"
        raise Fault(msg, 3)
    return Sample(seen["seconds"], seen["wall"], seen["seconds"] + seen["loading"])


def start(side: Side) -> Sample:
    """Measure a start of the command, a whole process."""
    seconds, wall, _ = timed([*command(), "--help"], side)
    return Sample(seconds, wall, seconds)


def results(side: Side) -> Sample:
    """Measure the table of a store that this side's own code has written, a whole process."""
    store = side.work / "store"
    if not store.is_dir():
        fill(side, store)
    seconds, wall, _ = timed([*command(), "results", str(store), "--json"], side)
    return Sample(seconds, wall, seconds)


def fill(side: Side, store: Path) -> None:
    """Simulate two runs and multiply their folders."""
    made = side.work / "made"
    options = ["-c", "program", "--seeds", "1-2", "--jobs", "1", "--out", str(made)]
    timed([*command(), "run", str(side.work / "grid.sumocfg"), *options], side)
    found = sorted(path for path in (made / "runs").iterdir() if path.is_dir())
    for k in range(STORE_RUNS):
        shutil.copytree(found[k % len(found)], side.work / "aside" / "runs" / f"{k:016x}")
    (side.work / "aside").rename(store)


def command() -> list[str]:
    """Name the command of whatever side is on the path."""
    return [sys.executable, "-P", "-m", "sim.cli.main"]


def timed(words: list[str], side: Side) -> tuple[float, float, str]:
    """Run a process in the side's environment; return processor and wall time [s] and what it printed."""
    out, err = side.work / "stdout", side.work / "stderr"
    with out.open("wb") as said, err.open("wb") as complained:
        begun = time.perf_counter()
        process = subprocess.Popen(
            words, cwd=side.work, env=side.environment(), stdout=said, stderr=complained
        )
        try:
            # Of the process and of those it waited for; subprocess does not tell it.
            _, status, usage = os.wait4(process.pid, 0)
        except BaseException:
            process.kill()
            raise
        process.returncode = os.waitstatus_to_exitcode(status)
        wall = time.perf_counter() - begun
    if status != 0:
        raise BrokenCase(last_line(err.read_text(errors="replace")) or f"exit code {process.returncode}")
    return usage.ru_utime + usage.ru_stime, wall, out.read_text(errors="replace")


def last_line(text: str) -> str:
    """Take the last line of a text."""
    lines = text.strip().splitlines()
    return lines[-1].strip() if lines else ""


@dataclass(frozen=True)
class Kind:
    """How a case is measured, and what loss [s] it takes to matter."""

    run: Callable[[Side], Sample]
    loss: float


CASES = {
    "start": Kind(start, 0.02),
    "decisions self-control": Kind(partial(in_process, "decisions", "self-control"), 0.01),
    "decisions horizon": Kind(partial(in_process, "decisions", "horizon"), 0.01),
    "simulation self-control": Kind(partial(in_process, "simulation", "self-control"), 0.03),
    "simulation horizon": Kind(partial(in_process, "simulation", "horizon"), 0.03),
    "results": Kind(results, 0.05),
}
