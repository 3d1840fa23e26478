"""``gruenband watch``: a running batch in the browser."""

from __future__ import annotations

from pathlib import Path  # noqa: TC003 - typer reads the annotation at run time
from typing import Annotated

import typer

from sim.cli.options import Debug, refuse

PORT = 8765


def watch_command(
    folder: Annotated[
        Path, typer.Argument(metavar="DIR", help="Result folder that 'gruenband run' is writing.")
    ],
    port: Annotated[
        int, typer.Option("--port", min=0, max=65535, help="Port on 127.0.0.1; 0 takes a free one.")
    ] = PORT,
    debug: Debug = False,  # noqa: ARG001 - main.invoke() looks at it
) -> int:
    """
    Show a running batch in the browser: progress, delays so far, map.

    Serves a page on this machine only and prints its address. Start it in another terminal, before, during or after the
    batch; Ctrl-C ends it and leaves the batch alone.
    """
    if not folder.is_dir():
        what = "is a file" if folder.exists() else "does not exist"
        refuse(f"{folder} {what}; name the result folder of a batch, such as results/SCENARIO")
    if not any((folder / name).is_dir() for name in ("runs", "tmp")) and any(folder.iterdir()):
        refuse(f"{folder} is no result folder; name the one that 'gruenband run' writes (its --out)")
    from sim.watch.server import LOOPBACK, Server

    with Server(folder, port) as server:
        try:
            typer.echo(f"http://{LOOPBACK}:{server.port}/ shows {folder}; Ctrl-C ends it")
            server.serve_forever(poll_interval=0.1)
        except KeyboardInterrupt:
            typer.echo("ended; a running batch goes on", err=True)
    return 0
