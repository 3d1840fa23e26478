"""The parts a road graph is made of."""

from __future__ import annotations

from dataclasses import dataclass, field

from sim.network.flow import QUEUE_SPACE, saturation_headway


@dataclass(frozen=True, slots=True)
class Movement:
    """A lane-to-lane connection through a signal (Fahrbeziehung), or one direction of a pedestrian crossing."""

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
    # Link of a second stop line within the junction (turning left in two steps); -1: none.
    second_link: int = -1
    # Length of a vehicle of its queue and the gap to the next [m].
    space: float = QUEUE_SPACE
    # Lanes of its path over the junction.
    path: tuple[str, ...] = ()
    # SUMO's classes of vehicles that may drive it.
    users: frozenset[str] = frozenset()

    @property
    def name(self) -> str:
        """What a message calls the movement."""
        return f"crossing {self.to_edge}" if self.crossing else f"{self.from_lane} -> {self.to_lane}"

    @property
    def beyond(self) -> tuple[str, ...]:
        """Lanes of its path behind the last stop line: who waits at a second one stands where he should."""
        return self.path[1:] if self.second_link >= 0 else self.path

    @property
    def direct(self) -> tuple[str, ...]:
        """Lanes of its path if there is no place on it to wait for a gap."""
        return self.path if len(self.path) == 1 else ()

    @property
    def to_gap(self) -> tuple[str, ...]:
        """Lanes of its path up to the place where one waits for a gap, which is no second stop line."""
        return self.path[:1] if len(self.path) > 1 and self.second_link < 0 else ()

    @property
    def headway(self) -> float:
        """Estimated saturation headway [s]."""
        return saturation_headway(self.speed, self.space)


@dataclass(frozen=True, slots=True)
class Phase:
    """One line of a signal's program; without ``following`` the next line follows, after the last the first."""

    state: str
    duration: float
    following: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Program:
    """A signal program as a file writes it; without phases its signal is switched off."""

    signal: str
    id: str
    kind: str
    offset: float
    phases: tuple[Phase, ...]
    # The file it stands in, for messages.
    source: str
    # What was odd about it, as whole sentences.
    remarks: tuple[str, ...] = ()


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
    remarks: tuple[str, ...] = field(default=())

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
