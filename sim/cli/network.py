"""``gruenband network``: import, build, design and show networks, and the demand of counts."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from sim.cli.options import Debug, refuse

if TYPE_CHECKING:
    from sim.design.network import Design
    from sim.network.graph import RoadGraph
    from sim.scenario import Scenario
    from sim.signals.plan import Plan

app = typer.Typer(help="Import, build, design and show networks.", rich_markup_mode=None)

# Remarks of netconvert that are told one by one.
MOST_REMARKS = 10
NET_SUFFIXES = (".net.xml", ".net.xml.gz")
Net = Annotated[str, typer.Argument(metavar="NET", help="A .net.xml, or the name of a shipped network.")]


@app.command("design")
def design_command(
    net: Net,
    out: Annotated[Path, typer.Option("--out", "-o", metavar="DIR", help="Folder for the files.")],
    demand: Annotated[
        list[str] | None,
        typer.Option(
            "--demand",
            metavar="[PROGRAM=]ROUTES",
            help="Route file, of the program am, pm, offpeak or night.",
        ),
    ] = None,
    scenario: Annotated[
        list[str] | None,
        typer.Option("--scenario", metavar="[PROGRAM=]S", help="Scenario whose demand gives the volumes."),
    ] = None,
    choices: Annotated[
        Path | None,
        typer.Option("--choices", metavar="FILE.toml", help="Design file: what is to be done otherwise."),
    ] = None,
    profile: Annotated[
        str, typer.Option("--profile", metavar="NAME", help="Limits: rilsa, nema, basic or a TOML file.")
    ] = "rilsa",
    name: Annotated[str | None, typer.Option("--name", help="What the files are called.")] = None,
    debug: Debug = False,  # noqa: ARG001 - main.invoke() looks at it
) -> int:
    """
    Design the signals of a network: groups, intergreens, stages, programs by time of day, coordination.

    Writes the network with the designed programs, a timing plan with its day schedule, an additional file for SUMO,
    programs for netconvert, and a report. Without --demand and --scenario volumes are assumed. What breaks a safety
    rule is not written. docs/design-signals.md names the rules.
    """
    from sim.design.files import write_design
    from sim.design.network import design_network

    path = _net_path(net)
    title = name or path.name.partition(".net")[0]
    volumes = _volumes(path, demand or [], scenario or [])
    design = design_network(path, volumes, choices, profile=profile, name=title)
    written = write_design(design, out, title)
    written += _additional(design, out / f"{title}.add.xml")
    _tell(design)
    for file in written:
        typer.echo(f"Written: {file}", err=True)
    return 0


def _net_path(net: str) -> Path:
    """Find a network by its path or its name."""
    from sim.errors import near_miss
    from sim.scenario.shipped import shipped_networks

    path = Path(net).expanduser()
    if net.endswith(NET_SUFFIXES) or path.exists():
        return path
    shipped = shipped_networks()
    if net not in shipped:
        refuse(f"there is no network '{net}'; give a .net.xml or a shipped name{near_miss(net, shipped)}")
    return shipped[net]


def _volumes(net: Path, demand: list[str], scenarios: list[str]) -> dict[str, dict[tuple[str, str], float]]:
    """Count the volumes that the options name, by program."""
    from sim.design.demand import read_volumes, scenario_volumes

    found: dict[str, dict[tuple[str, str], float]] = {}
    for text in demand:
        program, routes = _split(text, "am")
        path = Path(routes).expanduser()
        if not path.is_file():
            refuse(f"--demand {routes}: no such file")
        _once(found, program, text)
        found[program] = read_volumes(net, [path])
    for text in scenarios:
        own, reference = _split(text, "")
        for program, volumes in scenario_volumes(net, _scenario(reference), own or None).items():
            _once(found, program, text)
            found[program] = volumes
    return found


def _split(text: str, default: str) -> tuple[str, str]:
    from sim.design.planning import PROGRAMS

    head, sign, tail = text.partition("=")
    return (head, tail) if sign and head in PROGRAMS else (default, text)


def _once(found: dict[str, dict[tuple[str, str], float]], program: str, text: str) -> None:
    if program in found:
        refuse(
            f"'{text}': the volumes of program '{program}' are given already; write another PROGRAM= before it"
        )


def _scenario(reference: str) -> Scenario:
    from sim.scenario import load_scenario

    return load_scenario(reference)


def _additional(design: Design, path: Path) -> list[Path]:
    """Write programs and day schedule for SUMO through the gate of every export."""
    from sim.export.gate import export_plan
    from sim.export.registry import find_format
    from sim.signals.profile import load_profile

    plan: Plan = design.plan
    return export_plan(plan, find_format("sumo"), path, load_profile(design.profile).limits)


def _tell(design: Design) -> None:
    """Show a line for each signal."""
    from rich.console import Console
    from rich.table import Table

    from sim.design.report import signal_doubts, worst_lane

    programs = list(design.volumes)
    table = Table(
        "signal", "stages", *programs, "doubts", title=f"{design.plan.name}: cycle [s], largest x, QSV"
    )
    for signal, designed in design.signals.items():
        cells = []
        for program in programs:
            worst = worst_lane(designed, program)
            x = f", {worst.saturation:.2f} {worst.level}" if worst else ""
            cells.append(f"{designed.timed[program].layout.cycle}{x}")
        table.add_row(signal, str(len(designed.stages)), *cells, str(len(signal_doubts(designed))))
    wide = None if sys.stdout.isatty() else 140
    Console(width=wide, markup=False).print(table)
    for program, source in design.volumes.items():
        typer.echo(f"volumes of {program}: {source}", err=True)
    for signal, designed in design.signals.items():
        if designed.site.bare:
            names = ", ".join(designed.site.bare)
            typer.echo(
                f"signal {signal}: no signal link at the crossing {names}: pedestrians there go without a signal; "
                "add it to the signal in netedit unless that is meant",
                err=True,
            )


@app.command("show")
def show_command(
    net: Net,
    signal: Annotated[str | None, typer.Option("--signal", metavar="ID", help="Draw this signal.")] = None,
    picture: Annotated[
        Path | None,
        typer.Option("--picture", metavar="FILE", help="Draw into this file (.svg, .png or .pdf)."),
    ] = None,
    debug: Debug = False,  # noqa: ARG001 - main.invoke() looks at it
) -> int:
    """
    Show a network: its signals and their groups, named as the design names them; --picture draws it.

    With --signal the picture has the lanes, stop lines, crossings and groups of that signal, its intergreen matrix from
    geometry, and the stages of its program.
    """
    from sim.design.site import survey
    from sim.design.streams import open_net
    from sim.export.net_drawing import draw_network, draw_signal
    from sim.export.picture import KINDS, render
    from sim.network.graph import RoadGraph
    from sim.signals.files import write_whole

    path = _net_path(net)
    kind = picture.suffix.removeprefix(".").lower() if picture is not None else ""
    if picture is not None and kind not in KINDS:
        refuse(f"--picture {picture} is no {', '.join(KINDS[:-1])} or {KINDS[-1]} file")
    if picture is not None and signal is None:
        write_whole(picture, render(draw_network(RoadGraph.from_file(path)), kind))
    else:
        graph = open_net(path)
        if signal is not None:
            graph.signal(signal)
        if picture is None:
            _list_signals(graph, [signal] if signal else list(graph.signals))
            return 0
        own = RoadGraph.from_file(path).signals.get(signal or "")
        stages = [stage.state for stage in own.stages] if own is not None else []
        write_whole(picture, render(draw_signal(graph, survey(graph, signal or ""), stages), kind))
    typer.echo(f"Drawn: {picture}", err=True)
    return 0


def _list_signals(graph: RoadGraph, signals: list[str]) -> None:
    from rich.console import Console
    from rich.table import Table

    from sim.design.site import survey

    table = Table("signal", "group", "kind", "from", "to", "lanes", "least green [s]", "crossing [m]")
    for name in signals:
        site = survey(graph, name)
        for head in site.heads:
            some = [site.streams[s] for s in head.streams]
            table.add_row(
                name,
                head.name,
                head.kind,
                ", ".join(sorted(some[0].crossed)) if head.on_foot else some[0].source,
                "" if head.on_foot else ", ".join(dict.fromkeys(stream.target for stream in some)),
                str(len({stream.lane for stream in some})),
                str(head.minimum_green),
                f"{head.crossing:.1f}" if head.crossing else "",
            )
    Console(width=None if sys.stdout.isatty() else 160, markup=False).print(table)


@app.command("import")
def import_command(
    file: Annotated[Path, typer.Argument(metavar="FILE.osm[.pbf|.gz]", help="OpenStreetMap extract.")],
    out: Annotated[Path, typer.Option("--out", "-o", metavar="NET.net.xml", help="The network to write.")],
    area: Annotated[
        str | None,
        typer.Option(
            "--area",
            metavar="W,S,E,N|FILE|NAME",
            help="What to cut out: degrees, a polygon file (.poly, .geojson), or an administrative area in the file.",
        ),
    ] = None,
    debug: Debug = False,  # noqa: ARG001 - main.invoke() looks at it
) -> int:
    """Make a network of an OpenStreetMap extract, with signals, pavements, crossings, cycle lanes and tracks."""
    from sim.design.osm import import_osm

    done = import_osm(file, area, out)
    for remark in done.remarks[:MOST_REMARKS]:
        typer.echo(f"netconvert: {remark}", err=True)
    if len(done.remarks) > MOST_REMARKS:
        typer.echo(f"netconvert: {len(done.remarks) - MOST_REMARKS} more remarks", err=True)
    typer.echo(f"{out}: {done.edges} edges, {done.signals} signals", err=True)
    return 0


@app.command("counts")
def counts_command(
    net: Net,
    out: Annotated[Path, typer.Option("--out", "-o", metavar="COUNTS.csv", help="The table to write.")],
    debug: Debug = False,  # noqa: ARG001 - main.invoke() looks at it
) -> int:
    """Write a table of all turns of cars at the signals, to fill in what was counted."""
    from sim.design.counts import count_sheet
    from sim.signals.files import write_whole

    if out.exists():
        # It may be filled in already.
        refuse(f"{out} exists; name another file, or remove it")
    text, turns = count_sheet(_net_path(net))
    write_whole(out, text.encode())
    typer.echo(f"{out}: {turns} turns; fill in the column vehicles where you have a count", err=True)
    return 0


@app.command("demand")
def demand_command(
    net: Net,
    counts: Annotated[Path, typer.Argument(metavar="COUNTS.csv", help="Table of counts.")],
    out: Annotated[
        Path, typer.Option("--out", "-o", metavar="FILE.rou.xml", help="The route file to write.")
    ],
    debug: Debug = False,  # noqa: ARG001 - main.invoke() looks at it
) -> int:
    """
    Make the demand of cars that meets counts, on routes from the edge of the network to its edge.

    'gruenband network counts' writes the table to fill in. What no traffic can meet is refused, and says by how much.
    """
    from sim.design.fitting import MATCH, fit_counts
    from sim.signals.files import write_whole

    if not out.name.endswith(".rou.xml"):
        refuse(f"--out {out}: name a .rou.xml file")
    done = fit_counts(_net_path(net), counts)
    write_whole(out, done.text.encode())
    worst = max(done.met, key=lambda met: met.geh)
    met = sum(one.geh < MATCH for one in done.met)
    off = ""
    if worst.geh >= 1.0:
        off = f", farthest off {worst.count.place}: {worst.count.hourly:.0f} counted, {worst.volume:.0f} veh/h here"
    typer.echo(
        f"{out}: {done.vehicles} vehicles on {done.routes} routes; "
        f"{met} of {len(done.met)} counts met (GEH below {MATCH:g}){off}",
        err=True,
    )
    return 0


@app.command("build")
def build_command(
    network: Annotated[
        str, typer.Argument(metavar="NETWORK", help="Name of a shipped network, or a folder with a build.py.")
    ],
    check: Annotated[bool, typer.Option("--check", help="Build aside and compare.")] = False,
    debug: Debug = False,  # noqa: ARG001 - main.invoke() looks at it
) -> int:
    """Build a network by its own recipe, the build.py beside its sources."""
    import subprocess

    from sim.errors import near_miss
    from sim.scenario.shipped import shipped_folder, shipped_networks

    folder = Path(network) if Path(network).is_dir() else shipped_folder("networks") / network
    recipe = folder / "build.py"
    if not recipe.is_file():
        known = shipped_networks()
        refuse(
            f"'{network}' has no recipe {recipe.name}; name a folder that has one{near_miss(network, known)}"
        )
    command = [sys.executable, str(recipe), *(["--check"] if check else [])]
    done = subprocess.run(command, check=False)
    if done.returncode:
        refuse(f"{recipe} ended with exit code {done.returncode}; what it said stands above")
    return 0
