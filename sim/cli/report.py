"""``gruenband report``: a result folder as one page to show and to print."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path  # noqa: TC003 - typer reads the annotation at run time
from typing import Annotated

import typer

from sim.cli.options import Debug, refuse


class Language(StrEnum):
    """Languages of the page."""

    en = "en"
    de = "de"


def report_command(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Result folder of 'gruenband run'.")],
    out: Annotated[
        Path | None,
        typer.Option("--out", "-o", metavar="FILE.html", help="The page; by default report.html in DIR."),
    ] = None,
    base: Annotated[
        str | None,
        typer.Option(
            "--base", metavar="CONTROLLER", help="Compare with this one; by default the net's own programs."
        ),
    ] = None,
    language: Annotated[
        Language | None,
        typer.Option(
            "--language",
            help="Language at first sight; by default that of the browser. Both are in the page.",
        ),
    ] = None,
    debug: Debug = False,  # noqa: ARG001 - main.invoke() looks at it
) -> int:
    """
    Make a page of the results: answer, figures, maps and diagrams.

    One HTML file in German and English that needs no network: open it in a browser, send it, print it.
    """
    from sim.report.page import build_page
    from sim.signals.files import write_whole

    if not (folder / "runs").is_dir():
        what = "has no results" if folder.is_dir() else "does not exist"
        refuse(f"{folder} {what}; name a folder that 'gruenband run' wrote")
    place = folder / "report.html" if out is None else out
    if place.is_dir():
        refuse(f"{place} is a folder; name a file such as {place / 'report.html'}")
    page = build_page(
        folder,
        language.value if language else None,
        base,
        lambda line: typer.echo(f"gruenband: left out: {' '.join(line.split())}", err=True),
    ).encode()
    write_whole(place, page)
    typer.echo(f"{place}: {len(page) / 1e6:.1f} MB; open it in a browser")
    return 0
