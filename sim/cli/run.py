"""``gruenband run``: simulate scenarios x controllers x scales x seeds and show the result."""

from __future__ import annotations

import dataclasses
import math
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer

from sim.cli.options import Debug, InterruptedBatchError, refuse
from sim.errors import EnvironmentFaultError, GruenbandError, InputError, RunFailedError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from sim.control.spec import ControllerSpec
    from sim.run import RunTask
    from sim.scenario import Scenario

T = TypeVar("T")
_LONGEST_FOLDER_NAME = 60


def run_command(  # noqa: PLR0913, PLR0917 - one argument per option
    scenario: Annotated[
        list[str],
        typer.Argument(metavar="SCENARIO…", help="Shipped name, scenario TOML or .sumocfg; one or more."),
    ],
    controller: Annotated[
        list[str] | None,
        typer.Option(
            "--controller", "-c", metavar="ID[:key=value,…]", help="Controller; give it several times."
        ),
    ] = None,
    seeds: Annotated[
        str | None, typer.Option("--seeds", "-s", metavar="1-10", help="Seeds: 1-10 or 1,3,5-7.")
    ] = None,
    scale: Annotated[
        str | None, typer.Option("--scale", metavar="0.8,1.0", help="Factors on the demand.")
    ] = None,
    jobs: Annotated[
        int | None, typer.Option("--jobs", "-j", min=1, help="Runs at a time (default: one per core).")
    ] = None,
    out: Annotated[
        Path | None, typer.Option("--out", "-o", help="Result folder (default: results/<scenario>).")
    ] = None,
    time_limit: Annotated[
        float | None,
        typer.Option("--time-limit", min=0.001, metavar="S", help="Longest wall-clock time of one run [s]."),
    ] = None,
    gui: Annotated[
        bool, typer.Option("--gui", help="Show the first of the runs in sumo-gui; keep it only with --out.")
    ] = False,
    keep_sumo_output: Annotated[
        bool, typer.Option("--keep-sumo-output", help="Keep SUMO's own output files of new runs.")
    ] = False,
    trace: Annotated[
        str | None,
        typer.Option(
            "--trace",
            metavar="SIGNAL",
            help="Run the first cell of 'horizon' alone, and write what each decision of SIGNAL was made of.",
        ),
    ] = None,
    executor: Annotated[
        str,
        typer.Option(
            "--executor", metavar="dask://HOST:PORT", help="Where to run: 'local', or a dask cluster."
        ),
    ] = "local",
    shard: Annotated[
        str | None,
        typer.Option("--shard", metavar="I/N", help="Do only share I of N, for job arrays."),
    ] = None,
    debug: Debug = False,  # noqa: ARG001 - main.invoke() looks at it
) -> int:
    """
    Simulate scenarios with controllers over seeds and demand scales, and show the result.

    Finished runs are kept: the same command again does only what is missing.
    """
    from sim.batch.plan import plan_batch
    from sim.cli.machine import default_jobs
    from sim.sumo.version import require_sumo

    share = _places(executor, shard, alone="--gui" if gui else "--trace" if trace is not None else "")
    scenarios, controllers = _inputs(scenario, controller)
    tasks = plan_batch(scenarios, controllers or None, _seeds(seeds), _scales(scale))
    _check_controllers(tasks)
    require_sumo()
    if keep_sumo_output:
        tasks = [dataclasses.replace(task, keep_sumo_output=True) for task in tasks]
    if share is not None:
        from sim.batch.shard import take_shard

        tasks = take_shard(tasks, *share)
    if trace is not None:
        return _trace(tasks, trace, out, time_limit)
    if gui:
        tasks, jobs = [dataclasses.replace(_first_shown(tasks), gui=True)], 1
        if out is None:
            with tempfile.TemporaryDirectory(prefix="gruenband-") as shown:
                return _simulate(tasks, Path(shown), jobs, time_limit, kept=False)
    folder = out or Path("results") / _folder_name([item.name for item in scenarios])
    _make_writable(folder)
    if executor == "local":
        jobs = jobs or default_jobs()
    return _simulate(tasks, folder, jobs, time_limit, executor, kept=True)


def _places(executor: str, shard: str | None, alone: str) -> tuple[int, int] | None:
    """Read --executor and --shard; an option that shows a single run on this screen goes with neither."""
    from sim.batch.shard import parse_shard

    if executor != "local":
        from sim.batch.connect import parse_executor

        parse_executor(executor)
    share = None if shard is None else parse_shard(shard)
    for option, given in (("--executor", executor != "local"), ("--shard", share is not None)):
        if given and alone:
            refuse(f"{alone} shows one run on this machine; leave out {option}")
    return share


def _inputs(names: Sequence[str], texts: Sequence[str] | None) -> tuple[list[Scenario], list[ControllerSpec]]:
    """Load scenarios and controllers, and tell the faults of all of them at once."""
    from sim.control.registry import parse_controller
    from sim.scenario import load_scenario

    faults: list[GruenbandError] = []
    scenarios = _each(dict.fromkeys(names), load_scenario, faults)
    controllers = _each(dict.fromkeys(texts or ()), parse_controller, faults)
    by_name: dict[str, Scenario] = {}
    twice = {item.name for item in scenarios if by_name.setdefault(item.name, item) != item}
    faults += [
        InputError(f"two scenarios are called '{name}'; give one another 'name'") for name in sorted(twice)
    ]
    if faults:
        wrong_input = any(isinstance(fault, InputError) for fault in faults)
        message = "; ".join(dict.fromkeys(str(fault) for fault in faults))
        raise (InputError if wrong_input else EnvironmentFaultError)(message)
    return list(by_name.values()), controllers


def _each(texts: Iterable[str], parse: Callable[[str], T], faults: list[GruenbandError]) -> list[T]:
    values: list[T] = []
    for text in texts:
        try:
            value = parse(text)
        except GruenbandError as fault:
            faults.append(fault)
        else:
            values.append(value)
    return values


def _check_controllers(tasks: Sequence[RunTask]) -> None:
    """Have controllers that read a file judge it now: in a run's process a fault would be a run without result."""
    from sim.control.registry import build, find_kind
    from sim.network.graph import RoadGraph

    reading = {
        (task.scenario.name, task.controller): task
        for task in tasks
        if any(param.file for param in find_kind(task.controller.id).params.values())
    }
    for task in reading.values():
        check = getattr(build(task.controller), "check", None)
        if check is not None:
            check(RoadGraph.from_file(task.scenario.network, task.scenario.additional))


def _seeds(text: str | None) -> tuple[int, ...] | None:
    from sim.scenario.model import MAX_SEED
    from sim.scenario.values import parse_seeds

    seeds: tuple[int, ...] | None = _distinct("--seeds", text, parse_seeds)
    for seed in seeds or ():
        if seed > MAX_SEED:
            msg = f"--seeds: {seed} is above {MAX_SEED}, the largest seed of SUMO"
            raise InputError(msg)
    return seeds


def _scales(text: str | None) -> tuple[float, ...] | None:
    from sim.scenario.values import parse_scales

    scales: tuple[float, ...] | None = _distinct("--scale", text, parse_scales)
    for scale in scales or ():
        if not 0 < scale < math.inf:
            msg = f"--scale: {scale:g} is not above 0"
            raise InputError(msg)
    return scales


def _distinct(option: str, text: str | None, parse: Callable[[object], object]) -> tuple[T, ...] | None:
    if text is None:
        return None
    try:
        values = parse(text)
    except ValueError as error:
        msg = f"{option}: {error}"
        raise InputError(msg) from None
    return tuple(dict.fromkeys(values)) if isinstance(values, tuple) else None


def _first_shown(tasks: Sequence[RunTask]) -> RunTask:
    """Pick what --gui shows: the first run that is not the floor, which has no signals to look at."""
    from sim.evaluate.results import FLOOR_CONTROLLER

    return next(task for task in tasks if task.controller.id != FLOOR_CONTROLLER)


def _trace(tasks: Sequence[RunTask], signal: str, out: Path | None, time_limit: float | None) -> int:
    """Run the first cell whose controller explains itself, and keep its trace."""
    from sim.control.registry import build
    from sim.errors import near_miss
    from sim.network.graph import RoadGraph
    from sim.trace import TRACE

    task = next((task for task in tasks if hasattr(build(task.controller), "explain")), None)
    if task is None:
        msg = "--trace: none of these controllers explains its decisions; add '--controller horizon'"
        raise InputError(msg)
    # A wrong name is told here, as wrong input; in the run's process it would be a run without result.
    signals = RoadGraph.from_file(task.scenario.network, task.scenario.additional).signals
    if signal not in signals:
        msg = f"--trace: {task.scenario.network.name} has no signal '{signal}'{near_miss(signal, signals)}"
        raise InputError(msg)
    folder = out or Path("results") / _folder_name([task.scenario.name])
    _make_writable(folder)
    safe = "".join(letter if letter.isalnum() or letter in "-_." else "_" for letter in signal)
    target = folder / f"trace-{task.scenario.name}-{task.controller.id}-seed{task.seed}-{safe}.jsonl"
    with tempfile.TemporaryDirectory(prefix="gruenband-") as scratch:
        code = _simulate([dataclasses.replace(task, trace=signal)], Path(scratch), 1, time_limit, kept=False)
        for path in Path(scratch).rglob(TRACE):
            shutil.copyfile(path, target)
            typer.echo(f"Decisions of signal '{signal}': {target}", err=True)
    return code


def _folder_name(names: Sequence[str]) -> str:
    joined = "+".join(names)
    return joined if len(joined) <= _LONGEST_FOLDER_NAME else f"{names[0]}-and-{len(names) - 1}-more"


def _make_writable(folder: Path) -> None:
    """Fail now, not after an hour of simulation, if nothing can be written to the folder."""
    if folder.exists() and not folder.is_dir():
        msg = f"--out {folder} is a file; name a folder"
        raise InputError(msg)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder) as probe:
            probe.write(b"x" * 4096)
    except OSError as error:
        msg = f"the output folder {folder} is not writable: {error.strerror}; choose another with --out"
        raise EnvironmentFaultError(msg) from error


def _simulate(
    tasks: list[RunTask],
    folder: Path,
    jobs: int | None,
    time_limit: float | None,
    executor: str = "local",
    *,
    kept: bool,
) -> int:
    """Run the batch under a progress view, show the table, and tell the exit code."""
    from sim.batch.supervisor import run_batch
    from sim.cli.progress import progress_view
    from sim.cli.table import show_results
    from sim.evaluate.results import RUNS

    with progress_view() as view:
        result = run_batch(tasks, folder, jobs, time_limit, view, executor)
    if (folder / RUNS).is_dir():
        show_results(folder)
    if result.interrupted:
        finished = result.resumed + result.done
        msg = f"interrupted: {finished} of {result.planned} runs are done and kept; the same command does the rest"
        raise InterruptedBatchError(msg)
    missing = result.failed + result.timeouts
    if missing:
        msg = f"{missing} of {result.planned} runs have no result; the same command tries them again"
        raise RunFailedError(msg)
    if kept:
        typer.echo(f"Kept in {folder}; 'gruenband results {folder}' shows it again.", err=True)
    return 0
