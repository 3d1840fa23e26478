"""The parts a road graph is made of."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Movement:
    """A lane-to-lane connection through a signal (Fahrbeziehung), or a pedestrian crossing."""

    signal: str
    link: int
    junction: str
    from_lane: str
    to_lane: str
    from_edge: str
    to_edge: str
    direction: str
    length: float
    speed: float
    crossing: bool

    @property
    def name(self) -> str:
        """What a message calls the movement."""
        return f"crossing {self.to_edge}" if self.crossing else f"{self.from_lane} -> {self.to_lane}"


@dataclass(frozen=True, slots=True)
class Phase:
    """One line of a signal's program as the net writes it."""

    state: str
    duration: float


@dataclass(frozen=True, slots=True)
class SignalGroup:
    """Links of one approach that always show the same (Signalgruppe)."""

    name: str
    links: tuple[int, ...]
    movements: tuple[int, ...]
    pedestrian: bool
    column: str


@dataclass(frozen=True, slots=True)
class Stage:
    """A set of groups that are green together (Phase in RiLSA's sense)."""

    state: str
    duration: float
    phase: int


@dataclass(frozen=True, slots=True)
class Signal:
    """One controller (Lichtsignalanlage), one SUMO tlLogic."""

    id: str
    kind: str
    program: str
    offset: float
    phases: tuple[Phase, ...]
    junctions: tuple[str, ...]
    groups: tuple[SignalGroup, ...]
    stages: tuple[Stage, ...]

    @property
    def cycle(self) -> float:
        """Sum of the program's phases [s]."""
        return sum(p.duration for p in self.phases)

    @property
    def links(self) -> int:
        """How many links the state string has."""
        return len(self.phases[0].state) if self.phases else 0


@dataclass(frozen=True, slots=True)
class Doubt:
    """Something the net leaves open, and what was made of it."""

    signal: str
    kind: str
    text: str


@dataclass(frozen=True, slots=True)
class Approach:
    """The edges towards one edge that ends at a signal, upstream to the previous signals or a distance."""

    signal: str
    edge: str
    upstream: tuple[tuple[str, float], ...]
