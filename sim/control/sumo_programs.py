"""The controllers that SUMO runs itself: programs it loads beside the network."""

# ruff: noqa: ARG002  (every controller is handed the same four things)

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol
from xml.sax.saxutils import quoteattr

from sim.network.program import MOVING, green_links

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from sim.network.graph import RoadGraph
    from sim.network.parts import Signal
    from sim.network.timing import TimingRules

PROGRAM_ID = "gruenband"


class Lamps(Protocol):
    """What these controllers ask of a running simulation."""

    def show(self, signal: str, state: str) -> None:
        """Set the lamps of a signal."""

    def departed(self) -> Sequence[str]:
        """List the vehicles that entered in the last step."""

    def ignore_right_of_way(self, vehicle: str) -> None:
        """Let a vehicle drive as if no junction had a conflict."""


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

    on_departed: Callable[[Lamps], None] | None = None
    # SUMO options the controller needs.
    options: tuple[str, ...] = ()

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


def stretch(signal: Signal, shortest: float, longest: float) -> list[dict[str, str]]:
    """
    Turn a fixed program into one whose greens can be cut and extended; transitions keep their time.

    Parameters
    ----------
    signal : Signal
        The signal.
    shortest, longest : float
        Bounds of a green [s].

    Returns
    -------
    list of dict
        Attributes of each phase.
    """
    stages = {stage.state for stage in signal.stages}
    phases = []
    for phase in signal.phases:
        row = {"duration": f"{phase.duration:g}", "state": phase.state}
        if phase.state in stages and not MOVING & set(phase.state):
            row |= {"minDur": f"{shortest:g}", "maxDur": f"{max(longest, shortest):g}"}
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
class Actuated(Program):
    """SUMO's actuated control; see docs/controllers/actuated.md for how its traps are avoided."""

    shortest: float = 5.0
    longest: float = 60.0
    gap: float = 3.0
    jam: float = 30.0

    def programs(
        self, graph: RoadGraph, rules: TimingRules, scenario: ScenarioPart, directory: Path
    ) -> list[Path]:
        """
        Write an actuated program for each signal with at least two stages.

        Parameters
        ----------
        graph : RoadGraph
            The network.
        rules : TimingRules
            Not used: the transitions are the program's.
        scenario : ScenarioPart
            Not used.
        directory : Path
            Where to write.

        Returns
        -------
        list of Path
            The additional file.
        """
        params = {"max-gap": f"{self.gap:g}", "jam-threshold": f"{self.jam:g}"}
        return write_programs(
            directory,
            [
                program_xml(s, "actuated", stretch(s, self.shortest, self.longest), params)
                for s in graph.signals.values()
                if len(s.stages) > 1
            ],
        )


@dataclass
class DelayBased(Program):
    """SUMO's delay-based control."""

    shortest: float = 5.0
    longest: float = 60.0
    range: float = 100.0
    loss: float = 1.0

    def programs(
        self, graph: RoadGraph, rules: TimingRules, scenario: ScenarioPart, directory: Path
    ) -> list[Path]:
        """
        Write a delay-based program for each signal with at least two stages.

        Parameters
        ----------
        graph : RoadGraph
            The network.
        rules : TimingRules
            Not used: the transitions are the program's.
        scenario : ScenarioPart
            Not used.
        directory : Path
            Where to write.

        Returns
        -------
        list of Path
            The additional file.
        """
        params = {"detectorRange": f"{self.range:g}", "minTimeLoss": f"{self.loss:g}"}
        return write_programs(
            directory,
            [
                program_xml(s, "delay_based", stretch(s, self.shortest, self.longest), params)
                for s in graph.signals.values()
                if len(s.stages) > 1
            ],
        )


def always_green(signal: Signal) -> frozenset[int]:
    """
    Find the links that no phase stops.

    Parameters
    ----------
    signal : Signal
        The signal.

    Returns
    -------
    frozenset of int
        Link indices.
    """
    return frozenset.intersection(*(green_links(p.state) for p in signal.phases))
