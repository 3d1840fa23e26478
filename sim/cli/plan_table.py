"""Plans, findings and formats on the terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.text import Text

from sim.cli.table import make_console, make_table

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sim.export.format import Format
    from sim.signals.plan import Plan, Program, SignalPlan
    from sim.signals.rules import Finding


def show_plan(plan: Plan, signals: Sequence[SignalPlan]) -> None:
    """
    Print signals of a plan.

    Parameters
    ----------
    plan : Plan
        The plan.
    signals : sequence of SignalPlan
        Those to print.
    """
    console = make_console()
    console.print(Text(f"Plan '{plan.name}'" + (f" for {plan.network}" if plan.network else "")))
    for signal in signals:
        for program in signal.programs:
            head = (
                f"\nSignal {signal.id}, program {program.id} (number {program.number}): cycle t_U {program.cycle} s, "
                f"offset {program.offset} s, switch second {program.switch}"
            )
            console.print(Text(head, style="bold"))
            _print_program(signal, program)
        _print_matrix(signal)
    if plan.schedule is not None:
        _print_schedule(plan)


def _print_program(signal: SignalPlan, program: Program) -> None:
    console = make_console()
    table = make_table(console.is_terminal)
    for title in (
        "group",
        "kind",
        "green (permissive in brackets)",
        "green t_F [s]",
        "minimum [s]",
        "yellow [s]",
        "red-yellow [s]",
        "links",
    ):
        table.add_column(
            title, justify="left" if title in {"group", "kind", "links"} or "(" in title else "right"
        )
    for group in signal.groups:
        greens = [green for green in program.greens if green.group == group.name]
        spans = [f"({g.begin}-{g.end})" if g.permissive else f"{g.begin}-{g.end}" for g in greens]
        times = sum(g.end - g.begin if g.end > g.begin else g.end - g.begin + program.cycle for g in greens)
        cells = (
            group.name,
            group.kind,
            " ".join(spans) or group.rest,
            times,
            group.minimum_green,
            group.yellow,
            group.red_yellow,
            " ".join(str(link.index) for link in group.links),
        )
        table.add_row(*(Text(str(cell)) for cell in cells))
    console.print(table)
    stages = " | ".join(f"{k}: {' '.join(stage)}" for k, stage in enumerate(program.stages, 1))
    if stages:
        console.print(Text(f"stages  {stages}"), soft_wrap=True)


def _print_matrix(signal: SignalPlan) -> None:
    if not signal.intergreens:
        return
    console = make_console()
    console.print(Text("intergreen matrix t_Z [s]: rows clear, columns enter, '.' is compatible"))
    seconds = {(cell.clearing, cell.entering): cell.seconds for cell in signal.intergreens}
    names = [group.name for group in signal.groups]
    widths = [max(len(name), 2) for name in names]
    first = max(widths)
    lines = [" " * first + "".join(f" {name:>{width}}" for name, width in zip(names, widths, strict=True))]
    for one in names:
        cells = [
            f" {'-' if one == other else seconds.get((one, other), '.'):>{width}}"
            for other, width in zip(names, widths, strict=True)
        ]
        lines.append(f"{one:<{first}}{''.join(cells)}")
    for line in lines:
        console.print(Text(line), soft_wrap=True)


def _print_schedule(plan: Plan) -> None:
    console = make_console()
    schedule = plan.schedule
    if schedule is None:
        return
    console.print(Text("\nDay plans", style="bold"))
    for name, entries in schedule.day_plans.items():
        days = " ".join(day[:3] for day, used in schedule.week.items() if used == name)
        times = ", ".join(f"{entry.time} {entry.program}" for entry in entries)
        console.print(Text(f"{name} ({days}): {times}"), soft_wrap=True)


def show_plan_findings(findings: Sequence[Finding], profile: str) -> None:
    """
    Print what the safety check found.

    Parameters
    ----------
    findings : sequence of Finding
        The findings.
    profile : str
        Name of the profile.
    """
    from sim.signals.rules import RULES

    console = make_console()
    for finding in findings:
        console.print(Text(str(finding), style="red"), soft_wrap=True)
    if not findings:
        # What rings and barriers and a written file must keep is judged at the export.
        judged = sum(not rule.startswith("nema-") and rule != "file" for rule in RULES)
        console.print(Text(f"Safe by profile {profile}: {judged} rules.", style="green"))
        return
    console.print(
        Text(
            f"\n{len(findings)} {'finding' if len(findings) == 1 else 'findings'} by profile {profile}. The rules:",
            style="bold",
        )
    )
    for rule in dict.fromkeys(finding.rule for finding in findings):
        console.print(Text(f"{rule}: {RULES[rule].sentence} ({RULES[rule].source})"), soft_wrap=True)


def show_formats(formats: Sequence[Format]) -> None:
    """
    Print the formats with what they carry and drop.

    Parameters
    ----------
    formats : sequence of Format
        The formats.
    """
    from sim.export.format import FEATURES

    console = make_console()
    table = make_table(console.is_terminal)
    for title in ("format", "what", "carries, besides cycles", "drops"):
        table.add_column(title, no_wrap=title == "format")
    for form in formats:
        carried = ", ".join(key for key in FEATURES if key in form.carries)
        table.add_row(
            *(Text(cell) for cell in (form.name, form.title, carried or "-", ", ".join(form.drops) or "-"))
        )
    console.print(table)
    console.print(
        Text("; ".join(f"{key}: {text}" for key, text in FEATURES.items())), soft_wrap=not console.is_terminal
    )
