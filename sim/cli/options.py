"""Options that several commands share."""

from __future__ import annotations

from typing import Annotated, NoReturn

import typer

from sim.errors import GruenbandError, InputError


class InterruptedBatchError(GruenbandError):
    """The user stopped a batch; what was finished is kept (exit code 130)."""

    exit_code = 130


Debug = Annotated[bool, typer.Option("--debug", help="Show the full traceback of an error.")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON for other programs.")]


def refuse(message: str) -> NoReturn:
    """
    Refuse what the user gave; a function of its own, since the commands' docstrings are their help texts.

    Parameters
    ----------
    message : str
        One line: what, where, what to do.

    Raises
    ------
    InputError
        Always.
    """
    raise InputError(message)


def warn(message: str) -> None:
    """
    Tell on stderr what is left out, and go on.

    Parameters
    ----------
    message : str
        One line.
    """
    typer.echo(f"gruenband: {message}", err=True)
