"""The controllers that SUMO runs itself: programs it loads beside the network."""

# ruff: noqa: ARG002  (every controller is handed the same four things)

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, ClassVar, Protocol
from xml.sax.saxutils import quoteattr

from sim.network.program import GREEN_LETTERS, MOVING
from sim.network.timing import WALKING_SPEED, derive_timing, shown_time

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from sim.network.graph import RoadGraph
    from sim.network.parts import Signal
    from sim.network.timing import TimingRules

PROGRAM_ID = "gruenband"


class Lamps(Protocol):
    """What these controllers ask of a running simulation."""

    @property
    def time(self) -> float:
        """Simulated time [s]."""

    def show(self, signal: str, state: str) -> None:
        """
        Set the lamps of a signal.

        Parameters
        ----------
        signal : str
            Its id.
        state : str
            One letter a link.
        """

    def departed(self) -> Sequence[str]:
        """List the vehicles that entered in the last step."""

    def ignore_right_of_way(self, vehicle: str) -> None:
        """
        Let a vehicle drive as if no junction had a conflict.

        Parameters
        ----------
        vehicle : str
            Its id.
        """


class ScenarioPart(Protocol):
    """What these controllers ask of a scenario: who drives when."""

    @property
    def demand(self) -> tuple[Path, ...]:
        """Route files."""

    @property
    def additional(self) -> tuple[Path, ...]:
        """Additional files, which may hold vehicle types and districts."""

    @property
    def begin(self) -> float:
        """Begin of the window [s]."""

    @property
    def end(self) -> float:
        """End of the window [s]."""


@dataclass
class Program:
    """The network's own programs: nothing is loaded, nothing is set."""

    on_departed: Callable[[Lamps], None] | None = field(default=None, init=False)
    # SUMO options the controller needs.
    options: tuple[str, ...] = field(default=(), init=False)

    def programs(
        self, graph: RoadGraph, rules: TimingRules, scenario: ScenarioPart, directory: Path
    ) -> list[Path]:
        """
        Write the programs to load.

        Parameters
        ----------
        graph : RoadGraph
            The network.
        rules : TimingRules
            Transition times.
        scenario : ScenarioPart
            The demand.
        directory : Path
            Where to write.

        Returns
        -------
        list of Path
            Additional files; none here.
        """
        return []

    def on_start(self, session: Lamps) -> None:
        """
        Prepare the running simulation.

        Parameters
        ----------
        session : Lamps
            The simulation.
        """


@dataclass
class Floor(Program):
    """All links green, right of way ignored: what is left is driving itself."""

    def __post_init__(self) -> None:
        """Have every vehicle met as it departs."""
        self._links: dict[str, int] = {}
        self.on_departed = self._release
        # Crossing paths would count as collisions, and SUMO would take the vehicles away.
        self.options = ("--collision.action", "none")

    def programs(
        self, graph: RoadGraph, rules: TimingRules, scenario: ScenarioPart, directory: Path
    ) -> list[Path]:
        """
        Note the signals; collisions are switched off, since paths now cross.

        Parameters
        ----------
        graph : RoadGraph
            The network.
        rules : TimingRules
            Not used.
        scenario : ScenarioPart
            Not used.
        directory : Path
            Not used.

        Returns
        -------
        list of Path
            None.
        """
        self._links = {s.id: s.links for s in graph.signals.values()}
        return []

    def on_start(self, session: Lamps) -> None:
        """
        Show green everywhere.

        Parameters
        ----------
        session : Lamps
            The simulation.
        """
        for name, links in self._links.items():
            session.show(name, "G" * links)

    @staticmethod
    def _release(session: Lamps) -> None:
        for name in session.departed():
            session.ignore_right_of_way(name)


def program_xml(signal: Signal, kind: str, phases: list[dict[str, str]], params: dict[str, str]) -> str:
    """
    Write a program as SUMO's XML.

    Parameters
    ----------
    signal : Signal
        The signal.
    kind : str
        SUMO's type of program.
    phases : list of dict
        Attributes of each phase.
    params : dict
        Parameters of the program.

    Returns
    -------
    str
        A ``<tlLogic>`` element.
    """
    lines = [
        f'  <tlLogic id={quoteattr(signal.id)} type="{kind}" programID="{PROGRAM_ID}" offset="{signal.offset:g}">'
    ]
    lines += [
        "    <phase " + " ".join(f"{key}={quoteattr(value)}" for key, value in phase.items()) + "/>"
        for phase in phases
    ]
    lines += [f"    <param key={quoteattr(key)} value={quoteattr(value)}/>" for key, value in params.items()]
    return "\n".join([*lines, "  </tlLogic>"])


def minimum_greens(graph: RoadGraph, signal: Signal, rules: TimingRules) -> list[int]:
    """
    Find the shortest green of every stage: that of its groups; pedestrians get to the middle of the road.

    Parameters
    ----------
    graph : RoadGraph
        The network.
    signal : Signal
        The signal.
    rules : TimingRules
        Where the minimum green comes from.

    Returns
    -------
    list of int
        One for each stage [s]; what the walk asks beyond the rules is not more than the program's own green.

    References
    ----------
    .. [1] FGSV, RiLSA 2015, section 2.7.
    """
    least = derive_timing(graph, signal, rules).minimum_green
    needs = []
    for i, group in enumerate(signal.groups):
        need = int(least[i])
        if group.pedestrian:
            half = max((graph.movements[m].length / 2.0 for m in group.movements), default=0.0)
            own = shown_time(signal.phases, group.links[0], GREEN_LETTERS)
            need = max(need, min(math.ceil(half / WALKING_SPEED), math.floor(own)))
        needs.append(need)
    return [
        max(
            (
                n
                for g, n in zip(signal.groups, needs, strict=True)
                if stage.state[g.links[0]] in GREEN_LETTERS
            ),
            default=1,
        )
        for stage in signal.stages
    ]


def stretch(signal: Signal, shortest: Sequence[float], longest: float) -> list[dict[str, str]]:
    """
    Turn a fixed program into one whose greens can be cut and extended; transitions keep their time.

    Parameters
    ----------
    signal : Signal
        The signal.
    shortest : sequence of float
        Shortest green of each stage [s].
    longest : float
        Longest green [s]; a stage whose shortest is longer stays fixed.

    Returns
    -------
    list of dict
        Attributes of each phase.
    """
    stages = {stage.state: bound for stage, bound in zip(signal.stages, shortest, strict=True)}
    phases = []
    for phase in signal.phases:
        row = {"duration": f"{phase.duration:g}", "state": phase.state}
        if phase.state in stages and not MOVING & set(phase.state):
            least = stages[phase.state]
            row |= {"minDur": f"{least:g}", "maxDur": f"{max(longest, least):g}"}
        if phase.following:
            row["next"] = " ".join(map(str, phase.following))
        phases.append(row)
    return phases


def write_programs(directory: Path, programs: list[str]) -> list[Path]:
    """
    Write an additional file.

    Parameters
    ----------
    directory : Path
        Where to write.
    programs : list of str
        ``<tlLogic>`` elements.

    Returns
    -------
    list of Path
        The file.
    """
    path = directory / "programs.add.xml"
    path.write_text("<additional>\n" + "\n".join(programs) + "\n</additional>\n", encoding="utf-8")
    return [path]


@dataclass
class Stretched(Program):
    """
    A program of SUMO's own that cuts and extends the greens of the network's stages.

    Parameters
    ----------
    shortest, longest : float
        Bounds of a green [s]; the scenario's minimum green and walkers may ask for a longer shortest one.
    """

    shortest: float = 5.0
    longest: float = 60.0
    kind: ClassVar[str] = ""

    def settings(self) -> dict[str, str]:
        """Name SUMO's parameters of the program."""
        return {}

    def programs(
        self, graph: RoadGraph, rules: TimingRules, scenario: ScenarioPart, directory: Path
    ) -> list[Path]:
        """
        Write a program for each signal with at least two stages; the others keep the network's.

        Parameters
        ----------
        graph : RoadGraph
            The network.
        rules : TimingRules
            For the minimum green; the transitions are the program's.
        scenario : ScenarioPart
            Not used.
        directory : Path
            Where to write.

        Returns
        -------
        list of Path
            The additional file.
        """
        written = []
        for signal in graph.signals.values():
            if len(signal.stages) > 1:
                least = [max(self.shortest, green) for green in minimum_greens(graph, signal, rules)]
                phases = stretch(signal, least, self.longest)
                written.append(program_xml(signal, self.kind, phases, self.settings()))
        return write_programs(directory, written)


@dataclass
class Actuated(Stretched):
    """
    SUMO's actuated control; docs/controllers/actuated.md tells how its traps are avoided.

    Parameters
    ----------
    gap : float
        Time gap that ends a green [s].
    loop : float
        Length of the detector loops [m].
    jam : float
        A detector occupied this long is ignored [s]; -1: never.
    """

    longest: float = 45.0
    gap: float = 3.0
    loop: float = 3.0
    jam: float = -1.0
    kind: ClassVar[str] = "actuated"

    def settings(self) -> dict[str, str]:
        """Name SUMO's parameters of the program."""
        return {
            "max-gap": f"{self.gap:g}",
            # Without a length the loop is a point, which sees nothing while it lies between two standing vehicles
            # and so takes a queue for a gap.
            "detector-length": f"{self.loop:g}",
            "jam-threshold": f"{self.jam:g}",
        }


@dataclass
class DelayBased(Stretched):
    """
    SUMO's delay-based control.

    Parameters
    ----------
    range : float
        How far vehicles are seen [m].
    loss : float
        Time loss of a vehicle that keeps the green [s].
    """

    longest: float = 20.0
    range: float = 100.0
    loss: float = 1.0
    kind: ClassVar[str] = "delay_based"

    def settings(self) -> dict[str, str]:
        """Name SUMO's parameters of the program."""
        # SUMO 1.28 reads the second key by this spelling only; the one its manual prints is ignored.
        return {"detectorRange": f"{self.range:g}", "minTimeloss": f"{self.loss:g}"}
