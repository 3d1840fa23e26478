"""The rows of the signals' table: what turns at a signal, from which edge to which, or crosses on foot."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sim.network.graph import RoadGraph
    from sim.network.parts import Movement
    from sim.signals.quality import Kind

_KINDS: tuple[tuple[str, Kind], ...] = (
    ("passenger", "car"),
    ("truck", "car"),
    ("delivery", "car"),
    ("bus", "public transport"),
    ("tram", "public transport"),
    ("rail_urban", "public transport"),
    ("bicycle", "bicycle"),
)


@dataclass(frozen=True, slots=True)
class Turn:
    """
    All movements of a signal from one edge to another, or one crossing.

    Parameters
    ----------
    signal : str
        Id of the signal.
    from_edge, to_edge : str
        The edges; a crossing has its own id for both.
    links : tuple of int
        Link indices in the signal's state string.
    lanes : tuple of str
        Lanes that it starts from; none for a crossing.
    groups : tuple of str
        Names of its signal groups.
    direction : str
        SUMO's letter, such as ``s``, ``l``, ``r`` or ``t``.
    kind : str
        Whose level of service counts: ``car``, ``public transport``, ``bicycle`` or ``pedestrian``.
    headway : float
        Estimated saturation headway of a lane [s].
    """

    signal: str
    from_edge: str
    to_edge: str
    links: tuple[int, ...]
    lanes: tuple[str, ...]
    groups: tuple[str, ...]
    direction: str
    kind: Kind
    headway: float

    @property
    def name(self) -> str:
        """What a table calls it."""
        return (
            f"crossing {self.to_edge}" if self.kind == "pedestrian" else f"{self.from_edge} -> {self.to_edge}"
        )


def read_turns(graph: RoadGraph) -> tuple[Turn, ...]:
    """
    List the turns of all signals of a network.

    Parameters
    ----------
    graph : RoadGraph
        The network.

    Returns
    -------
    tuple of Turn
        In the order of the signals, then of their links.
    """
    found: dict[tuple[str, str, str], list[Movement]] = {}
    for movement in graph.movements:
        if movement.crossing:
            edges = (movement.to_edge, movement.to_edge)
        elif movement.from_edge.startswith(":"):
            continue  # the second stop line of a movement that is listed already
        else:
            edges = (movement.from_edge, movement.to_edge)
        found.setdefault((movement.signal, *edges), []).append(movement)
    names = {
        (signal.id, link): group.name
        for signal in graph.signals.values()
        for group in signal.groups
        for link in group.links
    }
    order = {name: k for k, name in enumerate(graph.signals)}
    turns = [_turn(graph, *key, members, names) for key, members in found.items()]
    return tuple(sorted(turns, key=lambda turn: (order[turn.signal], turn.links)))


def _turn(
    graph: RoadGraph,
    signal: str,
    from_edge: str,
    to_edge: str,
    members: list[Movement],
    names: dict[tuple[str, int], str],
) -> Turn:
    links = sorted({m.link for m in members})
    crossing = members[0].crossing
    return Turn(
        signal,
        from_edge,
        to_edge,
        tuple(links),
        () if crossing else tuple(dict.fromkeys(m.from_lane for m in members)),
        tuple(dict.fromkeys(names[signal, link] for link in links if (signal, link) in names)),
        members[0].direction,
        "pedestrian" if crossing else _kind(graph, members),
        sum(m.headway for m in members) / len(members),
    )


def _kind(graph: RoadGraph, members: list[Movement]) -> Kind:
    lanes: list[tuple[Any, Any]] = [
        (graph.net.getLane(m.from_lane), graph.net.getLane(m.to_lane)) for m in members
    ]
    for vehicle, kind in _KINDS:
        if any(a.allows(vehicle) and b.allows(vehicle) for a, b in lanes):
            return kind
    return "car"
