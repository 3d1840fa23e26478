"""``gruenband results``: the table of a result folder, or its rows for other programs."""

from __future__ import annotations

import csv
import json
import math
import sys
from pathlib import Path  # noqa: TC003 - typer reads the annotation at run time
from typing import TYPE_CHECKING, Annotated, Any

import typer

from sim.cli.options import Debug, Json, refuse

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    Read = Callable[[Path, Callable[[str], None]], list[dict[str, Any]]]


def results_command(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Result folder of 'gruenband run'.")],
    as_json: Json = False,
    as_csv: Annotated[bool, typer.Option("--csv", help="Print CSV for other programs.")] = False,
    baseline: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Write the figures into a file for 'gruenband compare'."),
    ] = None,
    signals: Annotated[
        bool, typer.Option("--signals", help="One row per turn at a signal over the seeds, the worst first.")
    ] = False,
    safety: Annotated[
        bool,
        typer.Option("--safety", help="One row per signal over the seeds: conflicts, braking, red, waits."),
    ] = False,
    debug: Debug = False,  # noqa: ARG001 - main.invoke() looks at it
) -> int:
    """
    Show the results of a batch.

    Without an option, a table with one row per scenario, controller and demand scale. With --json one JSON
    object per line and run, with --csv one line per run. With --baseline a file to commit, which 'gruenband compare'
    takes in place of a folder. With --signals flow, degree of saturation, delay, level of service (QSV) and queue of
    every turn at every signal, and a table of safety where the runs recorded it; --safety gives that one alone.
    """
    from sim.cli.options import warn
    from sim.evaluate.results import read_results

    if as_json + as_csv + (baseline is not None) > 1:
        refuse("--json, --csv and --baseline exclude each other; give one of them")
    if (signals or safety) and baseline is not None:
        refuse("a baseline holds the figures of whole runs; give either --signals, --safety or --baseline")
    if signals and safety and (as_json or as_csv):
        refuse(
            "--signals has a row per turn and --safety one per signal; with --json or --csv give one of them"
        )
    if not (folder / "runs").is_dir():
        what = "has no results" if folder.is_dir() else "does not exist"
        refuse(f"{folder} {what}; name a folder that 'gruenband run' wrote")
    if baseline is not None:
        from sim.evaluate.baseline import read_runs, write_baseline

        count = write_baseline(read_runs(folder, warn), baseline)
        typer.echo(f"Baseline of {count} runs: {baseline}", err=True)
        return 0
    if signals or safety:
        rows = _turn_rows(folder) if signals else _safety_rows(folder)
        if as_json or as_csv:
            _write(rows, as_json=as_json)
        else:
            _show(folder, rows, signals=signals, safety=safety)
        return 0
    if not (as_json or as_csv):
        from sim.cli.table import show_results

        show_results(folder)
        return 0
    _write(read_results(folder, warn), as_json=as_json)
    return 0


def _show(folder: Path, rows: Sequence[dict[str, Any]], *, signals: bool, safety: bool) -> None:
    """Print the turns, then the safety of the signals where there is any."""
    from sim.cli.safety_table import show_safety
    from sim.cli.turn_table import show_turns
    from sim.evaluate.signal_safety import read_signal_safety

    if not signals:
        show_safety(rows)
        return
    show_turns(rows)
    # Who asked for the turns alone need not hear that runs did not record safety, or twice of a damaged run.
    known = _safety_rows(folder) if safety else read_signal_safety(folder, lambda _: None)
    if known:
        show_safety(known)


def _turn_rows(folder: Path) -> list[dict[str, Any]]:
    from sim.evaluate.turn_table import read_turn_table

    return _rows(folder, read_turn_table, "signals")


def _safety_rows(folder: Path) -> list[dict[str, Any]]:
    from sim.evaluate.signal_safety import read_signal_safety

    return _rows(folder, read_signal_safety, "safety")


def _rows(folder: Path, read: Read, what: str) -> list[dict[str, Any]]:
    lacks: list[str] = []
    rows = read(folder, lacks.append)
    if not rows:
        told = "; ".join(lacks) or "no run is finished"
        refuse(f"{folder} has no figures of {what}: {told}")
    for lack in lacks:
        typer.echo(f"gruenband: left out: {lack}", err=True)
    return rows


def _write(rows: Sequence[dict[str, Any]], *, as_json: bool) -> None:
    plain = [{key: _plain(value) for key, value in row.items()} for row in rows]
    if as_json:
        for row in plain:
            sys.stdout.write(json.dumps(row, ensure_ascii=False, allow_nan=False) + "\n")
    elif plain:
        writer = csv.DictWriter(sys.stdout, fieldnames=list(plain[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(plain)


def _plain(value: object) -> object:
    """JSON has no number for 'not a number' and infinity."""
    return None if isinstance(value, float) and not math.isfinite(value) else value
