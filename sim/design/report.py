"""The written report of a design: what an engineer hands in with the programs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sim.design.planning import WEEKEND, WORKDAY
from sim.signals.quality import quality

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from sim.design.network import Design, SignalDesign
    from sim.design.performance import LanePerformance
    from sim.signals.plan import SignalPlan

SATURATED = 0.9


def write_report(design: Design) -> str:
    """
    Write the report of a design.

    Parameters
    ----------
    design : Design
        The design.

    Returns
    -------
    str
        Markdown.
    """
    plan = design.plan
    lines = [f"# Signals of {plan.name}", ""]
    lines += [
        (
            f"{len(design.signals)} signals of `{design.graph.path.name}`, checked against the profile "
            f"`{design.profile}` without a finding. Rules and their sources: docs/design-signals.md."
        ),
        "",
    ]
    lines += _table(
        ["program", "volumes", "workdays from", "weekends from"],
        [
            [
                name,
                source,
                ", ".join(time for time, program in WORKDAY if program == name) or "-",
                ", ".join(time for time, program in WEEKEND if program == name) or "-",
            ]
            for name, source in design.volumes.items()
        ],
    )
    lines += ["", "## All signals", "", *_overview(design)]
    for signal in plan.signals:
        lines += ["", *_signal(design.signals[signal.id], signal)]
    return "\n".join(lines) + "\n"


def _overview(design: Design) -> list[str]:
    programs = list(design.volumes)
    rows = []
    for name, signal in design.signals.items():
        row = [name, str(len(signal.stages))]
        for program in programs:
            worst = worst_lane(signal, program)
            x = f"{worst.saturation:.2f} {worst.level}" if worst else "-"
            row.append(f"{signal.timed[program].layout.cycle} s, {x}")
        row.append(str(len(signal_doubts(signal))))
        rows.append(row)
    head = ["signal", "stages", *(f"{program}: cycle, largest x, QSV" for program in programs), "doubts"]
    lines = _table(head, rows)
    over = [
        f"{name} ({program})"
        for name, signal in design.signals.items()
        for program in programs
        if (worst := worst_lane(signal, program)) and worst.saturation > SATURATED
    ]
    lines += ["", f"Degree of saturation above {SATURATED}: {', '.join(over) if over else 'nowhere'}."]
    parts = [part for part in design.parts if len(part) > 1]
    if parts:
        lines += [
            "",
            "Coordinated with a common cycle: " + "; ".join(", ".join(part) for part in parts) + ".",
        ]
    return lines


def worst_lane(signal: SignalDesign, program: str) -> LanePerformance | None:
    """
    Find the lane with the largest degree of saturation.

    Parameters
    ----------
    signal : SignalDesign
        The signal.
    program : str
        Which program.

    Returns
    -------
    LanePerformance or None
        None if no vehicle drives there.
    """
    lanes = signal.judges[program].lanes(signal.timed[program].rows)
    return max((lane for lane in lanes if lane.volume > 0.0), key=lambda lane: lane.saturation, default=None)


def signal_doubts(signal: SignalDesign) -> list[str]:
    """
    List what somebody has to look at.

    Parameters
    ----------
    signal : SignalDesign
        The signal.

    Returns
    -------
    list of str
        Sentences.
    """
    found = list(signal.doubts)
    names = [head.name for head in signal.site.heads]
    found += [
        f"{names[turn.head]}: {turn.reason}" for turn in signal.turns if turn.reason.endswith("its own")
    ]
    for program, timed in signal.timed.items():
        worst = worst_lane(signal, program)
        if worst is not None and worst.saturation > SATURATED:
            found.append(
                f"{program}: degree of saturation {worst.saturation:.2f} on {worst.lane} at {timed.layout.cycle} s; "
                "more lanes or less traffic would help, more green cannot be had"
            )
        wait = signal.judges[program].longest_walk_wait(timed.rows)
        if quality("pedestrian", wait) in "EF":
            found.append(
                f"{program}: pedestrians wait up to {wait:.0f} s (QSV {quality('pedestrian', wait)})"
            )
    return found


def _signal(signal: SignalDesign, plan: SignalPlan) -> Iterator[str]:
    site = signal.site
    yield f"## {site.id}"
    yield ""
    heads = []
    for head in site.heads:
        some = [site.streams[s] for s in head.streams]
        ways = (
            f"over {', '.join(sorted(some[0].crossed))}"
            if head.on_foot
            else f"{some[0].source} to {', '.join(dict.fromkeys(stream.target for stream in some))}"
        )
        heads.append(
            [
                head.name,
                head.kind,
                ways,
                str(len({s.lane for s in some})),
                f"{head.speed * 3.6:.0f} km/h" if head.speed else f"{head.crossing:.1f} m",
                str(head.minimum_green),
                str(head.yellow or "-"),
            ]
        )
    yield from _table(["group", "kind", "way", "lanes", "speed or walk", "least green", "yellow"], heads)
    split = [group.name for group in plan.groups if site.head(group.name) is None and group.rest == "red"]
    if split:
        yield ""
        yield (
            f"{', '.join(split)}: links of the group of the same number that give way at other seconds; "
            "in the street one signal head shows both."
        )
    if signal.turns:
        yield ""
        yield from _table(
            ["turn", "run", "why"],
            [
                [site.heads[t.head].name, "protected" if t.protected else "permissive", t.reason]
                for t in signal.turns
            ],
        )
    yield ""
    yield from _intergreens(signal)
    yield ""
    yield from _stages(signal)
    for program in signal.timed:
        yield ""
        yield from _program(signal, program)
    doubts = signal_doubts(signal)
    if doubts:
        yield ""
        yield "Doubtful or assumed:"
        yield ""
        yield from (f"- {doubt}" for doubt in doubts)


def _intergreens(signal: SignalDesign) -> list[str]:
    site = signal.site
    names = [head.name for head in site.heads]
    rows = [
        [f"**{name}**", *(str(v) if v >= 0 else "" for v in site.intergreen[i].tolist())]
        for i, name in enumerate(names)
    ]
    return ["Intergreens [s], clearing in rows, entering in columns:", "", *_table(["", *names], rows)]


def _stages(signal: SignalDesign) -> list[str]:
    names = [head.name for head in signal.site.heads]
    rows = [
        [
            str(p + 1),
            ", ".join(names[h] for h in sorted(stage)),
            *(str(timed.greens[p]) for timed in signal.timed.values()),
        ]
        for p, stage in enumerate(signal.stages)
    ]
    return _table(["stage", "groups", *(f"{program} [s]" for program in signal.timed)], rows)


def _program(signal: SignalDesign, program: str) -> Iterator[str]:
    timed = signal.timed[program]
    wait = signal.judges[program].longest_walk_wait(timed.rows)
    walk = f", pedestrians wait up to {wait:.0f} s (QSV {quality('pedestrian', wait)})" if wait else ""
    yield f"Program {program}: cycle {timed.layout.cycle} s, offset {signal.offsets[program]} s{walk}"
    yield ""
    rows = [
        [
            f"{lane.lane}",
            f"{lane.volume:.0f}",
            f"{lane.capacity:.0f}",
            f"{lane.saturation:.2f}",
            f"{lane.delay:.0f}",
            lane.level,
        ]
        for lane in signal.judges[program].lanes(timed.rows)
        if lane.volume > 0.0
    ]
    yield from _table(["lane", "q [1/h]", "C [1/h]", "x", "delay [s]", "QSV"], rows)


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    return [
        "| " + " | ".join(head) + " |",
        "|" + "---|" * len(head),
        *("| " + " | ".join(row) + " |" for row in rows),
    ]
