"""``gruenband merge``: the result folders of several jobs become one."""

from __future__ import annotations

from pathlib import Path  # noqa: TC003 - typer reads the annotation at run time
from typing import Annotated

import typer

from sim.cli.options import Debug  # noqa: TC001 - typer reads the annotation at run time


def merge_command(
    folders: Annotated[
        list[Path], typer.Argument(metavar="DIR…", help="Result folders of 'gruenband run --shard'.")
    ],
    out: Annotated[Path, typer.Option("--out", "-o", help="Result folder that takes all runs.")],
    debug: Debug = False,  # noqa: ARG001 - main.invoke() looks at it
) -> int:
    """
    Copy the runs of several result folders into one.

    A run that stands in several is taken once, one with a result before one that failed.
    """
    from sim.batch.merge import merge_folders
    from sim.cli.options import warn

    merged = merge_folders(folders, out, warn)
    before = f", {merged.present} were there already" if merged.present else ""
    failed = f"; {merged.failed} of them have no result" if merged.failed else ""
    typer.echo(f"{merged.copied} runs copied{before}{failed}.", err=True)
    typer.echo(f"'gruenband results {out}' shows them.", err=True)
    return 0
