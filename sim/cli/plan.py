"""``gruenband plan``: make, read and show timing plans."""

from __future__ import annotations

import itertools
import json
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from sim.cli.options import Debug, refuse

if TYPE_CHECKING:
    from sim.network.graph import RoadGraph
    from sim.scenario import Scenario
    from sim.signals.plan import Plan, SignalPlan

app = typer.Typer(help="Make, import and show timing plans.", rich_markup_mode=None)

PlanFile = Annotated[Path, typer.Argument(metavar="PLAN", help="Plan file (JSON).")]
Out = Annotated[Path, typer.Option("--out", "-o", metavar="PLAN.json", help="Where to write the plan.")]
DEFAULT_PROFILE = "rilsa"


@app.command("extract")
def extract_command(
    scenario: Annotated[
        str, typer.Argument(metavar="SCENARIO", help="Shipped name, scenario TOML, .sumocfg or .net.xml.")
    ],
    out: Out,
    controller: Annotated[
        str,
        typer.Option("--controller", "-c", metavar="ID[:key=value,…]", help="Who makes the programs."),
    ] = "program",
    debug: Debug = False,  # noqa: ARG001 - main.invoke() looks at it
) -> int:
    """
    Make a plan of the programs in a network, or of those that fixed-webster computes for a scenario.

    Intergreens are those that the programs leave; the plan is written whether it is safe or not, and what the safety
    check of profile 'rilsa' says of it is told.
    """
    from sim.signals.plan import write_plan

    plan = plan_of(scenario, controller)
    write_plan(plan, out)
    typer.echo(f"{out}: {_size(plan)}", err=True)
    _tell(plan)
    return 0


def plan_of(what: str, controller: str = "program") -> Plan:
    """
    Make a plan of the programs of a network or a scenario.

    Parameters
    ----------
    what : str
        A ``.net.xml``, or a scenario.
    controller : str, optional
        Who makes the programs.

    Returns
    -------
    Plan
        The plan.
    """
    if what.endswith((".net.xml", ".net.xml.gz")):
        if controller != "program":
            refuse(f"'{controller}' needs the demand of a scenario; {what} is only a network")
        return _net_plan(Path(what))
    from sim.run import timing_rules
    from sim.scenario import load_scenario
    from sim.signals.extract import extract_plan

    scenario = load_scenario(what)
    return extract_plan(_graph(scenario, controller), timing_rules(scenario), scenario.name)


def _net_plan(network: Path) -> Plan:
    from sim.network.graph import RoadGraph
    from sim.network.timing import TimingRules
    from sim.signals.extract import extract_plan

    return extract_plan(RoadGraph.from_file(network), TimingRules(), network.name.partition(".")[0])


def _graph(scenario: Scenario, controller: str) -> RoadGraph:
    """Read the network with the programs that a controller writes for SUMO."""
    from sim.control.registry import build, find_kind, parse_controller
    from sim.network.graph import RoadGraph
    from sim.run import timing_rules

    spec = parse_controller(controller)
    graph = RoadGraph.from_file(scenario.network, scenario.additional)
    if spec.name == "program":
        return graph
    if not find_kind(spec.id).in_sumo or spec.name != "fixed-webster":
        refuse(
            f"controller '{spec.name}' decides while traffic runs and has no fixed plan; use program or fixed-webster"
        )
    with tempfile.TemporaryDirectory(prefix="gruenband-") as scratch:
        files = build(spec).programs(graph, timing_rules(scenario), scenario, Path(scratch))
        return RoadGraph.from_file(scenario.network, [*scenario.additional, *files])


def _size(plan: Plan) -> str:
    programs = sum(len(signal.programs) for signal in plan.signals)
    groups = sum(len(signal.groups) for signal in plan.signals)
    return f"{_count(len(plan.signals), 'signal')}, {_count(programs, 'program')}, {_count(groups, 'group')}"


def _count(number: int, what: str) -> str:
    return f"{number} {what}" if number == 1 else f"{number} {what}s"


def _tell(plan: Plan) -> None:
    from sim.signals.profile import load_profile
    from sim.signals.safety import check_plan

    findings = check_plan(plan, load_profile(DEFAULT_PROFILE).limits)
    if findings:
        rules = ", ".join(dict.fromkeys(finding.rule for finding in findings))
        typer.echo(
            f"Not safe by profile {DEFAULT_PROFILE}: {_count(len(findings), 'finding')} ({rules}); "
            "'gruenband check' tells them.",
            err=True,
        )


@app.command("import")
def import_command(
    files: Annotated[list[Path], typer.Argument(metavar="FILE…", help="The file, or all files of a format.")],
    out: Out,
    form: Annotated[
        str, typer.Option("--format", "-f", metavar="NAME", help="Its format; 'gruenband export --list'.")
    ],
    network: Annotated[
        Path | None, typer.Option("--network", metavar="NET", help="Network the signals stand in.")
    ] = None,
    base: Annotated[
        Path | None, typer.Option("--plan", metavar="PLAN.json", help="Plan with the groups and safety data.")
    ] = None,
    debug: Debug = False,  # noqa: ARG001 - main.invoke() looks at it
) -> int:
    """
    Read a file of another tool as a plan.

    Most formats do not carry everything: groups, lanes and intergreens then come from a plan of the same signals, or
    from the network's own programs.
    """
    from sim.export.registry import find_format
    from sim.signals.plan import write_plan

    reader = find_format(form)
    known = _known_plan(network, base, form, alone=reader.reads_alone)
    if form == "sumo" and network is not None:
        plan = _sumo_programs(files, network)
    else:
        plan = reader.read(_contents(files), known)
    write_plan(plan, out)
    typer.echo(f"{out}: {_size(plan)}", err=True)
    _tell(plan)
    return 0


def _sumo_programs(files: list[Path], network: Path) -> Plan:
    """Read programs that were written for a network by anybody: their groups need not be those of the net's own."""
    from sim.export.sumo_read import import_programs
    from sim.network.timing import TimingRules

    if len(files) != 1:
        refuse("sumo is one file; give one")
    plan, left_out = import_programs(network, files[0], TimingRules(), files[0].name.partition(".")[0])
    for reason in left_out:
        typer.echo(f"Left out: {reason}", err=True)
    return plan


def _known_plan(network: Path | None, base: Path | None, form: str, *, alone: bool) -> Plan | None:
    """Find the plan that gives what a format does not carry."""
    from sim.signals.plan import read_plan

    if base is not None and network is not None:
        refuse("--network and --plan exclude each other; give one of them")
    if base is not None:
        return read_plan(base)
    if network is not None:
        return _net_plan(network)
    if not alone:
        refuse(
            f"{form} does not say which lanes and intergreens belong to a group; add --network NET or --plan PLAN.json"
        )
    return None


def _contents(paths: list[Path]) -> dict[str, bytes]:
    from sim.signals.files import read_whole

    found: dict[str, bytes] = {}
    inside = [sorted(path.iterdir()) if path.is_dir() else [path] for path in paths]
    for path in itertools.chain.from_iterable(inside):
        if path.name in found:
            refuse(f"two of the files are called {path.name}; give one at a time, or another name")
        found[path.name] = read_whole(path)
    if not found:
        refuse(f"{paths[0]} holds no file")
    return found


@app.command("show")
def show_command(
    plan: PlanFile,
    signal: Annotated[str | None, typer.Option("--signal", metavar="ID", help="Only this signal.")] = None,
    picture: Annotated[
        Path | None,
        typer.Option(
            "--picture",
            metavar="FILE",
            help="Draw the timing diagram and the intergreen matrix of one signal (.svg, .png or .pdf).",
        ),
    ] = None,
    debug: Debug = False,  # noqa: ARG001 - main.invoke() looks at it
) -> int:
    """Show the programs of a plan: greens of every group, and the intergreen matrix."""
    from sim.cli.plan_table import show_plan
    from sim.signals.plan import read_plan

    read = read_plan(plan)
    chosen = _chosen(read, plan, signal, one=picture is not None)
    if picture is None:
        show_plan(read, chosen)
        return 0
    _refuse_undrawable(chosen[0], plan)
    for path in _draw(chosen[0], picture):
        typer.echo(f"Drawn: {path}", err=True)
    return 0


def _refuse_undrawable(signal: SignalPlan, path: Path) -> None:
    """Refuse faults of form: a drawing would show something that no second of the plan shows."""
    from sim.signals.profile import load_profile
    from sim.signals.safety import FORM, check_signal

    faults = [
        one for one in check_signal(signal, load_profile("basic").limits) if one.rule in FORM | {"switch"}
    ]
    if faults:
        refuse(f"{path} cannot be drawn: {faults[0]}")


def _draw(signal: SignalPlan, picture: Path) -> list[Path]:
    """Draw the first program into the file named, and the others and the matrix beside it."""
    from sim.export.drawing import draw_matrix, draw_program
    from sim.export.picture import KINDS, render
    from sim.signals.files import write_whole

    kind = picture.suffix.removeprefix(".").lower()
    if kind not in KINDS:
        refuse(f"--picture {picture} is no {', '.join(KINDS[:-1])} or {KINDS[-1]} file")
    figures = [draw_program(signal, program) for program in signal.programs] + [draw_matrix(signal)]
    ends = ["", *(f"-program{k}" for k in range(2, len(signal.programs) + 1)), "-matrix"]
    paths = [picture.with_name(f"{picture.stem}{end}{picture.suffix}") for end in ends]
    for figure, path in zip(figures, paths, strict=True):
        write_whole(path, render(figure, kind))
    return paths


def _chosen(plan: Plan, path: Path, signal: str | None, *, one: bool) -> list[SignalPlan]:
    from sim.errors import near_miss

    names = [item.id for item in plan.signals]
    if signal is not None and signal not in names:
        refuse(f"{path}: no signal '{signal}'{near_miss(signal, names)}")
    chosen = [item for item in plan.signals if signal in {None, item.id}]
    if one and len(chosen) > 1:
        more = ", …" if len(names) > 5 else ""
        refuse(f"--picture draws one signal; choose it with --signal ({', '.join(names[:5])}{more})")
    return chosen


@app.command("schema")
def schema_command() -> int:
    """Print the JSON Schema of plan files, which lets an editor complete and check them."""
    from sim.signals.plan import plan_schema

    sys.stdout.write(json.dumps(plan_schema(), ensure_ascii=False, indent=2) + "\n")
    return 0
