"""The whole design: every signal of a network, programs by time of day, one plan."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from sim.design.choices import Choices, numbered, read_choices, refuse_unknown
from sim.design.layout import safety_of
from sim.design.loads import assumed_volumes, load
from sim.design.offsets import choose_offsets, components, road_delays, roads_between
from sim.design.performance import Judge
from sim.design.planning import PROGRAMS, day_schedule, signal_plan
from sim.design.site import NEVER, survey
from sim.design.splits import choose_stages, shortest_cycle, time_stages
from sim.design.stages import candidate_stages, judge_turns, stage_relation
from sim.design.streams import open_net
from sim.errors import InputError
from sim.signals.plan import Plan
from sim.signals.profile import load_profile
from sim.signals.safety import UnsafePlanError, check_plan

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

    from sim.design.layout import Safety, Stage
    from sim.design.loads import Loads, Volumes
    from sim.design.site import Site
    from sim.design.splits import Timed
    from sim.design.stages import LeftTurn
    from sim.network.graph import RoadGraph
    from sim.signals.profile import Profile

# RiLSA 2015, 2.5.1: up to 90 s if possible, 120 s at most; below 60 s too much is lost in changes (assumed).
SHORTEST_CYCLE, AIMED_CYCLE, LONGEST_CYCLE, CYCLE_STEP = 60, 90, 120, 5


@dataclass
class SignalDesign:
    """
    A designed signal.

    Parameters
    ----------
    site : Site
        What it was designed from.
    safety : Safety
        What its heads need.
    turns : list of LeftTurn
        Turns across opposing traffic.
    stages : tuple of frozenset of int
        Heads of each stage, in their order.
    judges : dict of str to Judge
        By program.
    timed : dict of str to Timed
        By program.
    offsets : dict of str to int
        By program [s].
    doubts : list of str
        What somebody has to look at.
    """

    site: Site
    safety: Safety
    turns: list[LeftTurn]
    stages: tuple[Stage, ...]
    judges: dict[str, Judge]
    timed: dict[str, Timed] = field(default_factory=dict)
    offsets: dict[str, int] = field(default_factory=dict)
    doubts: list[str] = field(default_factory=list)
    # Greens by volumes and cycle: programs with the same volumes are computed once.
    tried: dict[tuple[Loads, int], Timed | None] = field(default_factory=dict, repr=False)


@dataclass
class Design:
    """
    A designed network.

    Parameters
    ----------
    graph : RoadGraph
        The network.
    signals : dict of str to SignalDesign
        By id.
    plan : Plan
        All programs with their day schedule; it has passed the safety check.
    profile : str
        Limits it was checked against.
    volumes : dict of str to str
        Where the volumes of each program come from.
    parts : list of list of str
        Signals that run in coordination.
    """

    graph: RoadGraph
    signals: dict[str, SignalDesign]
    plan: Plan
    profile: str
    volumes: dict[str, str]
    parts: list[list[str]]


def design_network(
    net: Path,
    demand: Mapping[str, Volumes] | None = None,
    choices: Choices | Path | None = None,
    *,
    profile: str = "rilsa",
    name: str | None = None,
    progress: Callable[[str], None] | None = None,
) -> Design:
    """
    Design every signal of a network.

    Parameters
    ----------
    net : Path
        A SUMO network, whatever programs it has.
    demand : mapping, optional
        By program (``am``, ``pm``, ``offpeak``, ``night``): (from edge, to edge) to volume [car equivalents/h]; see
        `sim.design.demand.read_volumes`. Programs that are not given get a part of the largest that is; without any,
        volumes are assumed from lanes and road ranks.
    choices : Choices or Path, optional
        A design file, or what one would say.
    profile : str, optional
        Limits of the safety check.
    name : str, optional
        What the plan is called; the file's name if not given.
    progress : callable, optional
        Told the id of each signal when its stages are chosen.

    Returns
    -------
    Design
        With a plan that has passed the safety check.

    Raises
    ------
    InputError
        If the network or the design file is faulty, or a signal cannot be designed; naming it and why.
    UnsafePlanError
        If the plan breaks a rule of the profile.
    """
    named = load_profile(profile)
    graph = open_net(net)
    decided = choices if isinstance(choices, Choices) else read_choices(choices) if choices else Choices()
    refuse_unknown(decided, graph.signals, PROGRAMS)
    unknown = [program for program in demand or {} if program not in PROGRAMS]
    if unknown:
        msg = f"there is no program '{unknown[0]}'; the programs are {', '.join(PROGRAMS)}"
        raise InputError(msg)
    sites = {signal: survey(graph, signal) for signal in graph.signals}
    loads, sources = _all_loads(graph, sites, demand or {})
    signals = {}
    for signal, site in sites.items():
        signals[signal] = _design_signal(site, loads[signal], decided)
        if progress is not None:
            progress(signal)
    roads = roads_between(graph, sites)
    parts = components(list(sites), roads)
    for program in PROGRAMS:
        for part in parts:
            _time_part({s: signals[s] for s in part}, program, decided)
            cycle = signals[part[0]].timed[program].layout.cycle
            tables: dict[tuple[str, str], NDArray[np.float64]] = {}
            for road in roads:
                if road.after not in part:
                    continue
                one, other = signals[road.before], signals[road.after]
                table = road_delays(
                    road,
                    (one.timed[program].rows, one.judges[program].loads),
                    (other.site, other.timed[program].rows, other.judges[program].loads),
                )
                key = (road.before, road.after)
                tables[key] = tables[key] + table if key in tables else table
            fixed = {s: o for s in part if (o := decided.offset_of(s, program)) is not None}
            for s, offset in choose_offsets(part, tables, fixed, cycle).items():
                signals[s].offsets[program] = offset
    title = name or net.name.partition(".")[0]
    plan = Plan(
        name=title,
        network=net.name,
        signals=tuple(signal_plan(d.site, d.timed, d.offsets) for d in signals.values()),
        schedule=day_schedule(),
    )
    _refuse_unsafe(plan, named.limits)
    return Design(graph, signals, plan, named.name, sources, parts)


def _refuse_unsafe(plan: Plan, limits: Profile) -> None:
    findings = check_plan(plan, limits)
    if findings:
        what = f"the design of '{plan.name}' is not safe and not written"
        raise UnsafePlanError(what, findings)


def _all_loads(
    graph: RoadGraph, sites: Mapping[str, Site], demand: Mapping[str, Volumes]
) -> tuple[dict[str, dict[str, Loads]], dict[str, str]]:
    """Give every signal volumes for every program, and say where they come from."""
    sources = {}
    known = {program: volumes for program, volumes in demand.items() if volumes}
    largest = max(known, key=lambda p: sum(known[p].values()), default=None)
    loads: dict[str, dict[str, Loads]] = {signal: {} for signal in sites}
    for program, part in PROGRAMS.items():
        if program in known:
            sources[program] = "given"
        elif largest is not None:
            part = part / PROGRAMS[largest]  # noqa: PLW2901
            sources[program] = f"{part:.2f} of {largest} (assumed)"
        else:
            sources[program] = "assumed from lanes and road ranks"
        for signal, site in sites.items():
            if program in known:
                volumes = known[program]
            else:
                base = known[largest] if largest is not None else assumed_volumes(graph, site)
                volumes = {turn: part * volume for turn, volume in base.items()}
            loads[signal][program] = load(graph, site, volumes)
    return loads, sources


def _design_signal(site: Site, loads: Mapping[str, Loads], choices: Choices) -> SignalDesign:
    """Choose the stages of a signal, which are the same in all programs."""
    decided = choices.of(site.id)
    safety = safety_of(site)
    judges = {program: Judge(site, one) for program, one in loads.items()}
    heaviest = max(loads, key=lambda p: loads[p].total)
    for key in ("protected", "permissive"):
        numbered(site, key, getattr(decided, key))
    turns = judge_turns(site, loads[heaviest], decided.protected, decided.permissive)
    relation = stage_relation(site, turns)
    if decided.stages:
        stages = tuple(numbered(site, "stages", stage) for stage in decided.stages)
        _refuse_stages(site, stages)
    else:
        together = [numbered(site, "together", group) for group in decided.together]
        for group in together:
            _refuse_pair(site, group, "together")
        candidates = candidate_stages(site, relation, together)
        stages = choose_stages(judges[heaviest], safety, candidates, LONGEST_CYCLE)
    design = SignalDesign(site, safety, turns, stages, judges, doubts=list(site.doubts))
    if len(stages) == 1:
        design.doubts.append("no two of its groups conflict: it always shows green; is it needed?")
    return design


def _refuse_stages(site: Site, stages: tuple[Stage, ...]) -> None:
    for k, stage in enumerate(stages, 1):
        _refuse_pair(site, stage, f"stages: stage {k}")
    served = frozenset().union(*stages)
    missing = [head.name for h, head in enumerate(site.heads) if h not in served]
    if missing:
        msg = f"design file: [signal.{site.id}] stages: {', '.join(missing)} in no stage"
        raise InputError(msg)


def _refuse_pair(site: Site, heads: Stage, where: str) -> None:
    for i in sorted(heads):
        for j in sorted(heads):
            if i < j and site.relation[i, j] == NEVER:
                names = f"{site.heads[i].name} and {site.heads[j].name}"
                msg = f"design file: [signal.{site.id}] {where}: {names} conflict"
                raise InputError(msg)


def _time_part(part: Mapping[str, SignalDesign], program: str, choices: Choices) -> None:
    """Choose the common cycle of coordinated signals, and their greens in it."""
    shortest = {s: shortest_cycle(d.safety, d.stages) for s, d in part.items()}
    least = max(shortest.values())
    longest = max(shortest, key=lambda s: shortest[s])
    if least > LONGEST_CYCLE:
        msg = (
            f"signal '{longest}': its {len(part[longest].stages)} stages with minimum greens and intergreens last "
            f"{least} s, more than the longest cycle of {LONGEST_CYCLE} s; let groups run together or divide the crossing"
        )
        raise InputError(msg)
    wanted = choices.cycle_of(program)
    if wanted is not None and wanted < least:
        msg = f"design file: cycle: signal '{longest}' needs {least} s for its minimum greens and intergreens, not {wanted} s"
        raise InputError(msg)
    cycles = [wanted] if wanted is not None else _cycles(least)
    best: tuple[tuple[float, float], dict[str, Timed]] | None = None
    for cycle in cycles:
        timed = {}
        for s, d in part.items():
            key = (d.judges[program].loads, cycle)
            if key not in d.tried:
                d.tried[key] = time_stages(d.judges[program], d.safety, d.stages, cycle)
            one = d.tried[key]
            if one is not None:
                timed[s] = one
        if len(timed) < len(part):
            continue
        rank = (max(t.excess for t in timed.values()), sum(t.lost for t in timed.values()))
        if best is None or rank < best[0]:
            best = rank, timed
        if cycle >= AIMED_CYCLE and best[0][0] == 0.0:
            break
    if best is None:
        msg = f"no cycle up to {LONGEST_CYCLE} s fits the signals coordinated with '{longest}'"
        raise InputError(msg)
    for s, timed_one in best[1].items():
        part[s].timed[program] = timed_one


def _cycles(least: int) -> list[int]:
    cycles = list(range(SHORTEST_CYCLE, LONGEST_CYCLE + 1, CYCLE_STEP))
    return sorted({c for c in cycles if c >= least} | {least} if least > SHORTEST_CYCLE else set(cycles))
