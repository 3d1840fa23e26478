"""Options that several commands share."""

from __future__ import annotations

from typing import Annotated

import typer

from sim.errors import GruenbandError


class InterruptedBatchError(GruenbandError):
    """The user stopped a batch; what was finished is kept (exit code 130)."""

    exit_code = 130


Debug = Annotated[bool, typer.Option("--debug", help="Show the full traceback of an error.")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON for other programs.")]
