"""From counts to demand: routes over the whole net, how near any traffic can come to the counts, and who drives."""

from __future__ import annotations

import math
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from sim.design.counts import CAR, clock, periods, read_counts
from sim.errors import InputError
from sim.network.reader import read_net
from sim.network.tools import call_tool, first_error

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from numpy.typing import NDArray

    from sim.design.counts import Count

# Below this GEH a modelled hourly volume is taken to match a counted one (TAG unit M3.1).
MATCH = 5.0
# To come nearer within the match counts so much less than to come into it [-]; any small number orders the two.
WITHIN = 0.01
# Balancing ends when every volume is so near [veh/h], or after so many sweeps; routes that carry next to nothing after
# some of them are left out [veh/h].
CLOSE, MOST_SWEEPS, LEAVE_OUT, LEAST = 0.5, 2000, 20, 0.1
TOLD = 3
# SUMO's letters of turning back.
BACK = "tT"
Route = tuple[str, ...]
Place = tuple[str, str]


class UnmetError(InputError):
    """
    Counts that no traffic meets.

    Parameters
    ----------
    message : str
        By how much.
    places : list of tuple of str
        Where.
    """

    def __init__(self, message: str, places: list[Place]) -> None:
        super().__init__(message)
        self.places = places


@dataclass(frozen=True)
class Met:
    """
    A count and what the demand makes of it.

    Parameters
    ----------
    count : Count
        What was counted.
    volume : float
        What drives there [veh/h].
    """

    count: Count
    volume: float

    @property
    def geh(self) -> float:
        """GEH statistic [-]."""
        return geh(self.volume, self.count.hourly)


@dataclass(frozen=True, slots=True)
class Flow:
    """
    Traffic on a route.

    Parameters
    ----------
    begin, end : float
        When [s of the day].
    route : tuple of str
        Its edges.
    volume : float
        How much [veh/h].
    """

    begin: float
    end: float
    route: Route
    volume: float

    @property
    def vehicles(self) -> float:
        """Expected number."""
        return self.volume * (self.end - self.begin) / 3600.0


@dataclass(frozen=True)
class Fitted:
    """
    A demand made of counts.

    Parameters
    ----------
    text : str
        The route file.
    vehicles : int
        Expected number in it.
    routes : int
        How many are driven.
    met : list of Met
        Every count.
    """

    text: str
    vehicles: int
    routes: int
    met: list[Met]


def geh(modelled: float, counted: float) -> float:
    """
    Compare two hourly volumes.

    Parameters
    ----------
    modelled, counted : float
        [veh/h].

    Returns
    -------
    float
        GEH statistic [-].

    References
    ----------
    UK Department for Transport, TAG unit M3.1, highway assignment modelling.
    """
    both = modelled + counted
    return math.sqrt(2.0 * (modelled - counted) ** 2 / both) if both else 0.0


def fit_counts(path: Path, table: Path) -> Fitted:
    """
    Make a demand of counts: flows on routes over the net, time by time, that meet them.

    Parameters
    ----------
    path : Path
        The network.
    table : Path
        The counts; see `sim.design.counts.read_counts`.

    Returns
    -------
    Fitted
        The same counts give the same demand.

    Raises
    ------
    InputError
        If the network or the table is faulty, or no traffic meets the counts; by how much.
    EnvironmentFaultError
        If a tool of SUMO cannot be started.
    """
    net, _ = read_net(path)
    counts = read_counts(table, net)
    if not any(count.vehicles for count in counts):
        msg = f"{table}: all counts are zero; nobody drives"
        raise InputError(msg)
    spans = list(periods(counts))
    with tempfile.TemporaryDirectory(prefix="gruenband-") as scratch:
        routes = candidates(path, net, counts, Path(scratch))
        try:
            goals = [nearest(passages(routes, some), some) for some in spans]
        except UnmetError as fault:
            # Perhaps on ways that are not the fastest.
            routes = candidates(path, net, counts, Path(scratch), fault.places)
            try:
                goals = [nearest(passages(routes, some), some) for some in spans]
            except UnmetError as error:
                msg = f"{table}: {error}"
                raise InputError(msg) from error
    flows: list[Flow] = []
    met: list[Met] = []
    for some, goal in zip(spans, goals, strict=True):
        places = passages(routes, some)
        driven = balance(places, goal, [_pull(net, route) for route in routes])
        flows += [
            Flow(some[0].begin, some[0].end, route, float(volume))
            for route, volume in zip(routes, driven, strict=True)
            if volume > 0.0
        ]
        met += [Met(c, float(v)) for c, v in zip(some, places @ driven, strict=True)]
    return Fitted(
        _route_file(flows), round(sum(f.vehicles for f in flows)), len({f.route for f in flows}), met
    )


def candidates(
    path: Path,
    net: Any,  # noqa: ANN401
    counts: Sequence[Count],
    scratch: Path,
    more: Collection[Place] = (),
) -> list[Route]:
    """
    Search the routes that pass a counted place, from every road into the net to every road out of it.

    Parameters
    ----------
    path : Path
        The network's file.
    net : sumolib.net.Net
        The network.
    counts : sequence of Count
        What was counted; a place on no fastest route gets routes of its own.
    scratch : Path
        Folder for files in between.
    more : collection of tuple of str, optional
        Places that get such routes too.

    Returns
    -------
    list of tuple of str
        Edges of each route.

    Raises
    ------
    InputError
        If no route leads over the net.
    """
    edges = {edge for edge in net.getEdges(withInternal=False) if edge.allows(CAR)}
    # The net ends where one can only turn back, be it a cut or a dead end.
    ins = [edge for edge in edges if not _goes_on(edge.getIncoming(), edges)]
    outs = [edge for edge in edges if not _goes_on(edge.getOutgoing(), edges)]
    pairs = sorted((a.getID(), b.getID()) for a in ins for b in outs if a.getFromNode() != b.getToNode())
    found = _route([(a, b, ()) for a, b in pairs], path, scratch)
    places = {(count.source, count.target) for count in counts}
    lacking = sorted(p for p in places if p in more or not any(passes(route, *p) for route in found))
    by_way = [(a, b, (source, target)) for source, target in lacking for a, b in pairs]
    found |= {route for route in _route(by_way, path, scratch) if len(set(route)) == len(route)}
    routes = sorted(route for route in found if any(passes(route, *place) for place in places))
    if not routes:
        msg = f"{path}: no way leads from a road into the net over a counted place and out of it"
        raise InputError(msg)
    return routes


def _goes_on(ways: Any, edges: Collection[Any]) -> bool:  # noqa: ANN401  (sumolib is untyped)
    """Tell whether any of the ways to or from an edge leads over a road for cars and is no turn back."""
    return any(
        link.getDirection() not in BACK for edge, links in ways.items() if edge in edges for link in links
    )


def passes(route: Route, source: str, target: str) -> bool:
    """
    Tell whether a route passes a counted place.

    Parameters
    ----------
    route : tuple of str
        Its edges.
    source, target : str
        Edges of the turn; no target: the source alone.

    Returns
    -------
    bool
        Whether it does.
    """
    if source not in route:
        return False
    return not target or route[route.index(source) + 1 :][:1] == (target,)


def passages(routes: Sequence[Route], counts: Sequence[Count]) -> NDArray[np.float64]:
    """
    Lay out which routes pass which counted places.

    Parameters
    ----------
    routes : sequence of tuple of str
        Edges of each.
    counts : sequence of Count
        The places.

    Returns
    -------
    ndarray
        Shape (counts, routes), 1 where a route passes.
    """
    return np.array([[float(passes(route, c.source, c.target)) for route in routes] for c in counts])


def nearest(table: NDArray[np.float64], counts: Sequence[Count]) -> NDArray[np.float64]:
    """
    Find the volumes that traffic over the routes can have and that come nearest to the counts.

    Parameters
    ----------
    table : ndarray
        Shape (counts, routes): which routes pass which place.
    counts : sequence of Count
        Of one time.

    Returns
    -------
    ndarray
        Shape (counts,) [veh/h].

    Raises
    ------
    UnmetError
        If no traffic has a GEH below 5 at every count; by how many vehicles it fails.

    Notes
    -----
    A linear programme: the least sum of vehicles by which counts are missed beyond the match, then within it. That the
    first sum is above zero proves that nothing that drives on these routes meets the counts.
    """
    from scipy.optimize import linprog  # noqa: PLC0415  (slow to load)

    counted = np.array([count.hourly for count in counts])
    n, routes = table.shape
    # Volumes whose GEH to the count is the match: the roots of 2 d^2 = MATCH^2 (2 c + d).
    root = np.sqrt(MATCH**4 + 16.0 * MATCH**2 * counted)
    up, down = (MATCH**2 + root) / 4.0, np.minimum((root - MATCH**2) / 4.0, counted)
    # Unknown: volumes of the routes; more and less than counted within the match; more and less beyond it.
    same = np.hstack([table, -np.eye(n), np.eye(n), -np.eye(n), np.eye(n)])
    cost = np.concatenate([np.zeros(routes), np.full(2 * n, WITHIN), np.ones(2 * n)])
    bounds = [(0.0, None)] * routes + [(0.0, float(d)) for d in (*up, *down)] + [(0.0, None)] * (2 * n)
    best = linprog(cost, A_eq=same, b_eq=counted, bounds=bounds, method="highs").x
    volumes: NDArray[np.float64] = table @ best[:routes]
    beyond = best[routes + 2 * n :].reshape(2, n).sum(axis=0)
    if beyond.max() > 0.5:
        worst = [int(k) for k in np.argsort(-beyond, kind="stable") if beyond[k] > 0.5]
        told = [
            f"{counts[k].place} (line {counts[k].line}) counts {counted[k]:.0f}, here {volumes[k]:.0f} veh/h"
            for k in worst[:TOLD]
        ]
        more = f" and {len(worst) - TOLD} more" if len(worst) > TOLD else ""
        missed = np.abs(volumes - counted)[worst].sum()
        msg = (
            f"no traffic from end to end of the net meets the counts from {clock(counts[0].begin)} to {clock(counts[0].end)}: the "
            f"nearest is {missed:.0f} veh/h off at {len(worst)} of {n} (GEH above {MATCH:g}): {'; '.join(told)}{more}; "
            "look there and at the counts before and behind"
        )
        raise UnmetError(msg, [(counts[k].source, counts[k].target) for k in worst])
    return volumes


def balance(
    table: NDArray[np.float64], goal: NDArray[np.float64], pull: Sequence[float]
) -> NDArray[np.float64]:
    """
    Share volumes at counted places over the routes, as evenly as the pull of the routes and the volumes allow.

    Parameters
    ----------
    table : ndarray
        Shape (counts, routes): which routes pass which place.
    goal : ndarray
        Shape (counts,), volumes that some traffic has [veh/h].
    pull : sequence of float
        What the routes would carry in proportion to each other if nothing were counted [-].

    Returns
    -------
    ndarray
        Shape (routes,) [veh/h]; the most likely volumes of the routes.

    References
    ----------
    H. J. Van Zuylen, L. G. Willumsen (1980), The most likely trip matrix estimated from traffic counts,
    Transportation Research Part B 14.
    """
    # Nothing is known of who passes no place that was counted at this time.
    volumes = np.where(table.any(axis=0), np.array(pull, np.float64), 0.0)
    counted = (table @ volumes).sum()
    if counted > 0.0:
        volumes *= goal.sum() / counted
    for sweep in range(MOST_SWEEPS):
        for row, wanted in zip(table > 0.0, goal, strict=True):
            driven = volumes[row].sum()
            if driven > 0.0:
                volumes[row] *= wanted / driven
        if sweep == LEAVE_OUT:
            volumes[_needless(table > 0.0, volumes, goal)] = 0.0
        elif sweep > LEAVE_OUT and np.abs(table @ volumes - goal).max() < CLOSE:
            break
    return volumes


def _needless(
    table: NDArray[np.bool_], volumes: NDArray[np.float64], goal: NDArray[np.float64]
) -> NDArray[np.bool_]:
    """Find the routes that carry next to nothing, and that no counted place depends on."""
    small = volumes < LEAST
    for row, wanted in zip(table, goal, strict=True):
        if wanted > 0.0 and not (row & ~small).any():
            small &= ~row
    return small


def _pull(net: Any, route: Route) -> float:  # noqa: ANN401
    """Say how much traffic a route would draw: the more and the faster the lanes at both ends (assumed)."""
    into, out = net.getEdge(route[0]), net.getEdge(route[-1])
    return float(into.getLaneNumber() * into.getSpeed() * out.getLaneNumber() * out.getSpeed())


def _route(trips: Sequence[tuple[str, str, tuple[str, ...]]], path: Path, scratch: Path) -> set[Route]:
    """Have duarouter find the fastest routes; trips without any are left out."""
    from defusedxml.ElementTree import iterparse  # noqa: PLC0415

    if not trips:
        return set()
    asked, answer = scratch / "asked.trips.xml", scratch / "routes.rou.xml"
    lines = [
        f'<trip id="{k}" depart="0" from={_quoted(a)} to={_quoted(b)}'
        + (f" via={_quoted(' '.join(filter(None, via)))}/>" if via else "/>")
        for k, (a, b, via) in enumerate(trips)
    ]
    asked.write_text("\n".join(["<routes>", *lines, "</routes>"]), encoding="utf-8")
    options = ["-n", str(path), "-r", str(asked), "-o", str(answer), "--alternatives-output", "NUL"]
    done = call_tool("duarouter", [*options, "--ignore-errors", "--no-warnings", "--no-step-log"])
    if done.returncode != 0:
        msg = f"duarouter cannot route over {path}: {first_error(done)}"
        raise InputError(msg)
    found = set()
    for _, element in iterparse(answer, forbid_dtd=True):
        if element.tag == "route":
            found.add(tuple(element.get("edges", "").split()))
        elif element.tag == "vehicle":
            element.clear()
    return found


def _route_file(flows: Sequence[Flow]) -> str:
    """Write flows with Poisson arrivals: every seed is another day with the same mean."""
    names = {route: f"r{k}" for k, route in enumerate(sorted({flow.route for flow in flows}))}
    lines = ['<?xml version="1.0" encoding="UTF-8"?>', "<routes>", f'    <vType id="car" vClass="{CAR}"/>']
    lines += [f'    <route id="{name}" edges={_quoted(" ".join(route))}/>' for route, name in names.items()]
    for flow in flows:
        name = names[flow.route]
        lines.append(
            f'    <flow id="{name}.{flow.begin:g}" type="car" route="{name}" begin="{flow.begin:g}" '
            f'end="{flow.end:g}" period="exp({flow.volume / 3600.0:.7f})" departLane="best" departSpeed="max"/>'
        )
    return "\n".join([*lines, "</routes>", ""])


def _quoted(text: str) -> str:
    from xml.sax.saxutils import quoteattr  # noqa: PLC0415

    return quoteattr(text)
