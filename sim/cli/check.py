"""``gruenband check``: the safety check of a plan, a network or a scenario."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from sim.cli.options import Debug, Json  # noqa: TC001 - typer reads the annotation at run time

if TYPE_CHECKING:
    from sim.signals.plan import Plan

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
    from sim.signals.profile import load_profile
    from sim.signals.safety import check_plan

    limits = load_profile(profile)
    findings = check_plan(_plan(what), limits.limits)
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


def _plan(what: str) -> Plan:
    from sim.signals.extract import extract_plan
    from sim.signals.plan import read_plan

    if what.endswith(".json"):
        return read_plan(Path(what))
    from sim.network.graph import RoadGraph
    from sim.network.timing import TimingRules

    if what.endswith((".net.xml", ".net.xml.gz")):
        return extract_plan(RoadGraph.from_file(what), TimingRules(), Path(what).name.partition(".")[0])
    from sim.run import timing_rules
    from sim.scenario import load_scenario

    scenario = load_scenario(what)
    graph = RoadGraph.from_file(scenario.network, scenario.additional)
    return extract_plan(graph, timing_rules(scenario), scenario.name)
