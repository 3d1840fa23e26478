"""SUMO's command-line tools: found in the installed wheel, started, and told of in one line if that fails."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

from sim.errors import EnvironmentFaultError

if TYPE_CHECKING:
    from collections.abc import Sequence


def call_tool(name: str, options: Sequence[str]) -> subprocess.CompletedProcess[str]:
    """
    Run a tool of SUMO.

    Parameters
    ----------
    name : str
        Such as ``duarouter``.
    options : sequence of str
        What it is given.

    Returns
    -------
    subprocess.CompletedProcess
        With its exit code and what it printed.

    Raises
    ------
    EnvironmentFaultError
        If it cannot be started.
    """
    import sumo  # noqa: PLC0415  (start-up of the CLI)

    home = Path(sumo.SUMO_HOME)
    try:
        return subprocess.run(
            [str(home / "bin" / name), *options],
            env={**os.environ, "SUMO_HOME": str(home)},
            capture_output=True,
            text=True,
            check=False,
        )
    except OSError as fault:
        msg = f"{name} cannot be started ({fault}); run 'gruenband doctor'"
        raise EnvironmentFaultError(msg) from fault


def first_error(done: subprocess.CompletedProcess[str]) -> str:
    """
    Say in a line why a tool failed.

    Parameters
    ----------
    done : subprocess.CompletedProcess
        What `call_tool` gave.

    Returns
    -------
    str
        Its first error, or its exit code.
    """
    said = (done.stdout + done.stderr).splitlines()
    errors = [line.removeprefix("Error:").strip() for line in said if line.startswith("Error:")]
    return " ".join(errors[0].split()) if errors else f"exit code {done.returncode}"
