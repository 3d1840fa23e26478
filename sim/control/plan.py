"""The controller that shows a timing plan as it is, second by second."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from itertools import combinations
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from sim.control.sumo_programs import Program
from sim.errors import InputError, near_miss
from sim.signals.lamps import PERMISSIVE, is_green, lamps, link_states
from sim.signals.plan import DAYS, Day, read_plan
from sim.signals.profile import load_profile
from sim.signals.rules import Finding
from sim.signals.safety import UnsafePlanError, check_plan
from sim.signals.timeline import courses, shown_lamps

if TYPE_CHECKING:
    from sim.control.sumo_programs import Lamps, ScenarioPart
    from sim.network.graph import RoadGraph
    from sim.network.timing import TimingRules
    from sim.signals.plan import Link, Plan, SignalPlan


@dataclass
class PlanControl(Program):
    """
    A timing plan with its day schedule; signals that it does not have keep the network's program.

    Parameters
    ----------
    file : str
        The plan.
    day : str
        Day of the week at simulated second 0, which is midnight.
    profile : str
        Limits of the safety rules.
    """

    file: str = ""
    day: Day = "monday"
    profile: str = "basic"
    # What changes when: simulated second to signals and their new states.
    _changes: dict[int, list[tuple[str, str]]] = field(default_factory=dict, init=False, repr=False)
    # The last second whose changes were shown.
    _second: int = field(default=0, init=False, repr=False)

    def __post_init__(self) -> None:
        """Have the lamps set each second."""
        self.on_departed = self._show

    def check(self, graph: RoadGraph) -> Plan:
        """
        Read the plan, and refuse one that is unsafe or made for another network.

        Parameters
        ----------
        graph : RoadGraph
            The network.

        Returns
        -------
        Plan
            The plan.

        Raises
        ------
        InputError
            If there is no plan, or a signal or link of it is not the network's; the first one is named.
        UnsafePlanError
            If it breaks a safety rule.
        """
        if not self.file:
            msg = "controller 'plan' needs a timing plan: plan:file=PLAN.json"
            raise InputError(msg)
        plan = read_plan(Path(self.file))
        findings = check_plan(plan, load_profile(self.profile).limits)
        if findings:
            what = f"{self.file} is not run"
            raise UnsafePlanError(what, findings)
        for signal in plan.signals:
            misfit = find_misfit(graph, signal)
            if misfit:
                msg = f"{self.file} does not fit {graph.path.name}: signal '{signal.id}': {misfit}"
                raise InputError(msg)
        findings = [one for signal in plan.signals for one in collisions(graph, signal)]
        if findings:
            what = f"{self.file} is not run"
            raise UnsafePlanError(what, findings)
        return plan

    def programs(
        self, graph: RoadGraph, rules: TimingRules, scenario: ScenarioPart, directory: Path
    ) -> list[Path]:
        """
        Work out what is shown when; nothing is loaded.

        Parameters
        ----------
        graph : RoadGraph
            The network.
        rules : TimingRules
            Not used: the plan has its own times.
        scenario : ScenarioPart
            Its window.
        directory : Path
            Not used.

        Returns
        -------
        list of Path
            None.
        """
        del rules, directory
        plan = self.check(graph)
        begin, end = math.floor(scenario.begin), math.ceil(scenario.end)
        self._changes = {}
        self._second = begin - 1
        for signal in plan.signals:
            last = ""
            for course in courses(plan, signal, DAYS.index(self.day), begin, end):
                shown = shown_lamps(signal, course)
                new = np.flatnonzero(np.r_[True, (shown[:, 1:] != shown[:, :-1]).any(axis=0)])
                for second, state in zip(new.tolist(), link_states(signal, shown[:, new]), strict=True):
                    if state != last:
                        self._changes.setdefault(course.begin + second, []).append((signal.id, state))
                    last = state
        return []

    def on_start(self, session: Lamps) -> None:
        """
        Show the lamps of the first second.

        Parameters
        ----------
        session : Lamps
            The simulation.
        """
        self._show(session)

    def _show(self, session: Lamps) -> None:
        now = math.floor(session.time + 1e-6)
        while self._second < now:
            self._second += 1
            for signal, state in self._changes.get(self._second, ()):
                session.show(signal, state)


def find_misfit(graph: RoadGraph, signal: SignalPlan) -> str:
    """
    Compare a signal of a plan with the network.

    Parameters
    ----------
    graph : RoadGraph
        The network.
    signal : SignalPlan
        The signal.

    Returns
    -------
    str
        The first thing that is not the same; empty if it fits.
    """
    if signal.id not in graph.signals:
        return f"the network has none of that name{near_miss(signal.id, graph.signals)}"
    count = graph.signals[signal.id].links
    ways = {m.link: m for m in graph.movements if m.signal == signal.id}
    linked: dict[int, Link] = {link.index: link for group in signal.groups for link in group.links}
    for index in range(count):
        if index not in linked:
            return f"link {index} of the network belongs to no group of the plan"
    for index, link in sorted(linked.items()):
        if index >= count:
            return f"link {index} does not exist; the network has {count} links there"
        if index not in ways:
            continue
        way = ways[index]
        target = way.to_edge if way.crossing else way.to_lane
        if link.from_lane not in {"", way.from_lane} or link.to_lane not in {"", target}:
            return (
                f"link {index} goes from '{link.from_lane}' to '{link.to_lane}', in the network from "
                f"'{way.from_lane}' to '{target}'"
            )
    return ""


def collisions(graph: RoadGraph, signal: SignalPlan) -> list[Finding]:
    """
    Find links that are green together although the network says that their paths meet and nobody would give way.

    Parameters
    ----------
    graph : RoadGraph
        The network.
    signal : SignalPlan
        A signal that fits it.

    Returns
    -------
    list of Finding
        One for each program and pair of groups.
    """
    ways = {m.link: k for k, m in enumerate(graph.movements) if m.signal == signal.id}
    links = [[ways[link.index] for link in group.links if link.index in ways] for group in signal.groups]
    meeting = [
        (i, j, all(graph.gives_way(a, b) for a, b in pairs), all(graph.gives_way(b, a) for a, b in pairs))
        for i, j in combinations(range(len(links)), 2)
        if (pairs := [(a, b) for a in links[i] for b in links[j] if graph.foes(a, b)])
    ]
    found = []
    for program in signal.programs:
        shown = lamps(signal, program)
        for i, j, one_yields, other_yields in meeting:
            # Who gives way does so under a permissive green only.
            kept = ((shown[i] == PERMISSIVE) & one_yields) | ((shown[j] == PERMISSIVE) & other_yields)
            both = is_green(shown[i]) & is_green(shown[j]) & ~kept
            if both.any():
                names = (signal.groups[i].name, signal.groups[j].name)
                text = f"the paths of groups '{names[0]}' and '{names[1]}' meet, both are green and neither gives way"
                found.append(Finding("conflict", text, signal.id, program.id, names, int(np.argmax(both))))
    return found
