"""``gruenband results``: the table of a result folder, or its rows for other programs."""

from __future__ import annotations

import csv
import json
import math
import sys
from pathlib import Path  # noqa: TC003 - typer reads the annotation at run time
from typing import Annotated

import typer

from sim.cli.options import Debug, Json, refuse


def results_command(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Result folder of 'gruenband run'.")],
    as_json: Json = False,
    as_csv: Annotated[bool, typer.Option("--csv", help="Print CSV for other programs.")] = False,
    baseline: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Write the figures into a file for 'gruenband compare'."),
    ] = None,
    debug: Debug = False,  # noqa: ARG001 - main.invoke() looks at it
) -> int:
    """
    Show the results of a batch.

    Without an option, a table with one row per scenario, controller and demand scale. With --json one JSON
    object per line and run, with --csv one line per run. With --baseline a file to commit, which 'gruenband compare'
    takes in place of a folder.
    """
    from sim.cli.options import warn
    from sim.evaluate.results import read_results

    if as_json + as_csv + (baseline is not None) > 1:
        refuse("--json, --csv and --baseline exclude each other; give one of them")
    if not (folder / "runs").is_dir():
        what = "has no results" if folder.is_dir() else "does not exist"
        refuse(f"{folder} {what}; name a folder that 'gruenband run' wrote")
    if baseline is not None:
        from sim.evaluate.baseline import read_runs, write_baseline

        count = write_baseline(read_runs(folder, warn), baseline)
        typer.echo(f"Baseline of {count} runs: {baseline}", err=True)
        return 0
    if not (as_json or as_csv):
        from sim.cli.table import show_results

        show_results(folder)
        return 0
    rows = [{key: _plain(value) for key, value in row.items()} for row in read_results(folder, warn)]
    if as_json:
        for row in rows:
            sys.stdout.write(json.dumps(row, ensure_ascii=False, allow_nan=False) + "\n")
    elif rows:
        writer = csv.DictWriter(sys.stdout, fieldnames=list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    return 0


def _plain(value: object) -> object:
    """JSON has no number for 'not a number' and infinity."""
    return None if isinstance(value, float) and not math.isfinite(value) else value
