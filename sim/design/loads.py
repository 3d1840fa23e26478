"""What drives at a signal: volumes of its turns shared over its lanes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from sim.control.critical import share_lanes

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sim.design.site import Site
    from sim.network.graph import RoadGraph

# (from edge, to edge) to volume [car equivalents/h].
Volumes: TypeAlias = "Mapping[tuple[str, str], float]"

# Where no volumes are known, all assumed: a lane's volume on main and side roads [veh/h], and shares of the ways.
MAIN_LANE, SIDE_LANE = 400.0, 200.0
SHARES = {"s": 0.7, "l": 0.15, "r": 0.15, "t": 0.0}


@dataclass(frozen=True)
class Loads:
    """
    Volumes at a signal.

    Parameters
    ----------
    volume : tuple of float
        Of each stream [car equivalents/h]; 0 for pedestrians.
    headway : tuple of float
        Saturation headway of each stream [s].
    lanes : tuple of tuple of int
        Streams of each lane.
    """

    volume: tuple[float, ...]
    headway: tuple[float, ...]
    lanes: tuple[tuple[int, ...], ...]

    @property
    def total(self) -> float:
        """Sum of all volumes [car equivalents/h]."""
        return sum(self.volume)


def load(graph: RoadGraph, site: Site, volumes: Volumes) -> Loads:
    """
    Share the volumes of turns over the lanes that serve them.

    Parameters
    ----------
    graph : RoadGraph
        The network.
    site : Site
        The signal.
    volumes : mapping
        (from edge, to edge) to volume [car equivalents/h].

    Returns
    -------
    Loads
        By stream.
    """
    driven = [s for s, stream in enumerate(site.streams) if not stream.on_foot]
    headway = {s: graph.movements[site.streams[s].number].headway for s in driven}
    by_turn: dict[tuple[str, str], list[int]] = {}
    for s in driven:
        by_turn.setdefault((site.streams[s].source, site.streams[s].target), []).append(s)
    turns = []
    for turn, numbers in by_turn.items():
        # Cars do not use bus lanes, tracks and bicycle lanes that serve the same turn.
        cars = [s for s in numbers if site.streams[s].kind == "vehicle" and not site.streams[s].buses]
        served = cars or numbers
        turns.append((volumes.get(turn, 0.0) * headway[served[0]] / 3600.0, served))
    shares = share_lanes(turns, {s: site.streams[s].lane for s in driven}) if driven else {}
    lanes: dict[str, list[int]] = {}
    for s in driven:
        lanes.setdefault(site.streams[s].lane, []).append(s)
    n = len(site.streams)
    return Loads(
        tuple(shares.get(s, 0.0) * 3600.0 / headway[s] if s in headway else 0.0 for s in range(n)),
        tuple(headway.get(s, 2.0) for s in range(n)),
        tuple(map(tuple, lanes.values())),
    )


def assumed_volumes(graph: RoadGraph, site: Site) -> dict[tuple[str, str], float]:
    """
    Assume volumes where nobody has counted: by lanes and by the rank of the road.

    Parameters
    ----------
    graph : RoadGraph
        The network.
    site : Site
        The signal.

    Returns
    -------
    dict
        (from edge, to edge) to volume [car equivalents/h].
    """
    ways: dict[str, dict[str, str]] = {}
    lanes: dict[str, set[str]] = {}
    for stream in site.streams:
        if stream.kind == "vehicle" and not stream.buses:
            letter = stream.direction.lower() if stream.turns else "s"
            ways.setdefault(stream.source, {})[stream.target] = letter
            lanes.setdefault(stream.source, set()).add(stream.lane)
    rank = {edge: int(graph.net.getEdge(edge).getPriority()) for edge in ways}
    highest = max(rank.values(), default=0)
    found = {}
    for edge, targets in ways.items():
        volume = (MAIN_LANE if rank[edge] == highest else SIDE_LANE) * min(len(lanes[edge]), 2)
        shares = {target: SHARES.get(letter, 0.0) for target, letter in targets.items()}
        whole = sum(shares.values())
        for target, share in shares.items():
            part = share / whole if whole else 1.0 / len(shares)
            found[edge, target] = volume * part
    return found
