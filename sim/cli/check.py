"""``gruenband check``: the safety check of a plan, a network or a scenario."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Annotated

import typer

from sim.cli.options import Debug, Json  # noqa: TC001 - typer reads the annotation at run time
from sim.cli.plan import plan_of

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
    findings = check_plan(read_plan(Path(what)) if what.endswith(".json") else plan_of(what), limits.limits)
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
    return EXIT_UNSAFE if findings else 0
