"""``gruenband check``: the safety check of a plan, a network or a scenario."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from sim.cli.options import Debug, Json  # noqa: TC001 - typer reads the annotation at run time
from sim.cli.plan import plan_of

if TYPE_CHECKING:
    from sim.signals.plan import Plan
    from sim.signals.profile import Profile

EXIT_UNSAFE = 1


def check_command(
    what: Annotated[
        str,
        typer.Argument(metavar="PLAN|NETWORK|SCENARIO", help="Plan file, .net.xml, scenario or .sumocfg."),
    ],
    profile: Annotated[
        str, typer.Option("--profile", metavar="NAME", help="Limits: rilsa, nema, basic or a TOML file.")
    ] = "rilsa",
    as_json: Json = False,
    debug: Debug = False,  # noqa: ARG001 - main.invoke() looks at it
) -> int:
    """
    Check a plan against the safety rules; of a network or a scenario its own programs are checked.

    Exit code 0 if it is safe, 1 if not.
    """
    from sim.signals.plan import read_plan
    from sim.signals.profile import load_profile
    from sim.signals.safety import check_plan

    limits = load_profile(profile)
    plan = read_plan(Path(what)) if what.endswith(".json") else plan_of(what)
    findings = check_plan(plan, limits.limits)
    if as_json:
        for finding in findings:
            row = {
                "rule": finding.rule,
                "signal": finding.signal,
                "program": finding.program,
                "groups": list(finding.groups),
                "second": finding.second,
                "text": finding.text,
            }
            sys.stdout.write(json.dumps(row, ensure_ascii=False) + "\n")
    else:
        from sim.cli.plan_table import show_plan_findings

        show_plan_findings(findings, limits.name)
    tell_speeds(plan, limits.limits)
    return EXIT_UNSAFE if findings else 0


def tell_speeds(plan: Plan, limits: Profile) -> None:
    """
    Tell of which groups the yellow could not be judged by the permitted speed.

    Parameters
    ----------
    plan : Plan
        The plan.
    limits : Profile
        The limits it was checked against.
    """
    from sim.signals.safety import unknown_speeds

    groups = unknown_speeds(plan, limits)
    if groups:
        signal, name = groups[0]
        count = f"{len(groups)} groups have" if len(groups) > 1 else "1 group has"
        typer.echo(
            f"{count} no permitted speed, so the yellow was only held against the least of {limits.yellow[0]} s "
            f"(signal '{signal}', group '{name}'{' first' if len(groups) > 1 else ''}).",
            err=True,
        )
