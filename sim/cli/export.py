"""``gruenband export``: a timing plan as a file of another tool, behind the safety gate."""

from __future__ import annotations

import json
import sys
from pathlib import Path  # noqa: TC003 - typer reads the annotation at run time
from typing import Annotated

import typer

from sim.cli.options import Debug, Json, refuse


def export_command(
    plan: Annotated[Path | None, typer.Argument(metavar="PLAN", help="Plan file (JSON).")] = None,
    form: Annotated[
        str | None, typer.Option("--format", "-f", metavar="NAME", help="Format; --list names them.")
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option("--out", "-o", metavar="PATH", help="File, or folder for formats of several files."),
    ] = None,
    profile: Annotated[
        str, typer.Option("--profile", metavar="NAME", help="Limits: rilsa, nema, basic or a TOML file.")
    ] = "rilsa",
    listing: Annotated[
        bool, typer.Option("--list", help="List the formats, what they carry and what they drop.")
    ] = False,
    as_json: Json = False,
    debug: Debug = False,  # noqa: ARG001 - main.invoke() looks at it
) -> int:
    """
    Export a plan, if it is safe.

    The plan is checked, written aside, read back from the written file and checked again. Any finding refuses the
    export; nothing is left behind then. What the format has no place for is told.
    """
    from sim.export.registry import MODULES, find_format

    if listing:
        formats = [find_format(name) for name in MODULES]
        if as_json:
            for item in formats:
                row = {
                    "name": item.name,
                    "title": item.title,
                    "carries": sorted(item.carries),
                    "drops": item.drops,
                }
                sys.stdout.write(json.dumps(row, ensure_ascii=False) + "\n")
            return 0
        from sim.cli.plan_table import show_formats

        show_formats(formats)
        return 0
    if plan is None or form is None or out is None:
        missing = [
            name for name, value in (("PLAN", plan), ("--format", form), ("--out", out)) if value is None
        ]
        refuse(
            f"{' and '.join(missing)} missing; 'gruenband export PLAN.json --format csv --out FOLDER', or --list"
        )
    from sim.cli.check import tell_speeds
    from sim.export.format import loss
    from sim.export.gate import export_plan
    from sim.signals.plan import read_plan
    from sim.signals.profile import load_profile

    chosen = find_format(form)
    read = read_plan(plan)
    limits = load_profile(profile)
    files = export_plan(read, chosen, out, limits.limits)
    lost = loss(chosen, read)
    tell_speeds(read, limits.limits)
    if as_json:
        row = {"format": form, "profile": limits.name, "files": [str(path) for path in files], "lost": lost}
        sys.stdout.write(json.dumps(row, ensure_ascii=False) + "\n")
        return 0
    for path in files:
        typer.echo(str(path))
    typer.echo(f"Safe by profile {limits.name}, read back and compared second by second.", err=True)
    if lost:
        typer.echo(f"{form} has no place for: {', '.join(lost)}.", err=True)
    return 0
