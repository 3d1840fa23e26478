"""
Which heads are green together, and in which order: candidates for the stages of a signal.

Heads that never go together are not joined in the compatibility graph; its maximal cliques are the candidates for
stages. A sequence of stages has to serve every head.

References
----------
.. [1] K. E. Stoffers, Scheduling of traffic lights: a new approach, Transportation Research 2 (1968).
.. [2] FHWA, Signal Timing Manual, 2008, figure 4-11: when left turns need protection, by lanes and by the product of
   left-turning and opposing volume.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import islice, permutations
from typing import TYPE_CHECKING

import networkx as nx
import numpy as np

from sim.design.layout import Safety, Stage, change_time
from sim.design.site import NEVER, YIELDS
from sim.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from sim.design.loads import Loads
    from sim.design.site import Site

# Product of left-turning and opposing volume from which a left turn is protected, by opposing lanes [veh2/h2].
PRODUCTS = {1: 50_000.0, 2: 90_000.0}
# From so many opposing lanes on, and so many turning lanes.
OPPOSING_LANES, TURNING_LANES = 3, 2
# Limits of the search, so that a signal of many junctions ends in time.
MOST_CLIQUES, MOST_BRANCHES, MOST_SEQUENCES, MOST_STAGES = 3000, 6, 600, 8
LARGEST_RATIO = 0.95
# A road between two stop lines of one signal up to this length holds no queue [m]; assumed.
SHORT_ROAD = 100.0


@dataclass(frozen=True)
class LeftTurn:
    """
    How a turn that meets opposing traffic is run, and why.

    Parameters
    ----------
    head : int
        Its head.
    protected : bool
        Whether opposing streams are always red beside it.
    reason : str
        For the report.
    """

    head: int
    protected: bool
    reason: str


def judge_turns(
    site: Site, loads: Loads, protected: Sequence[str], permissive: Sequence[str]
) -> list[LeftTurn]:
    """
    Decide which turns across opposing traffic are protected.

    Parameters
    ----------
    site : Site
        The signal.
    loads : Loads
        Volumes of the design hour.
    protected, permissive : sequence of str
        Names of heads whose turns somebody has decided.

    Returns
    -------
    list of LeftTurn
        One for each head with such a turn.
    """
    found = []
    for h, head in enumerate(site.heads):
        pairs = [
            (a, b)
            for a in head.streams
            for b in range(len(site.streams))
            if (a, b) in site.trusted
            and not site.streams[b].on_foot
            and site.streams[a].kind == "vehicle"
            and site.streams[a].turns
            and site.streams[a].source != site.streams[b].source
            and b not in head.streams
        ]
        against = [(a, b) for a, b in pairs if not site.streams[b].turns]
        if not against:
            continue
        if head.name in protected:
            found.append(LeftTurn(h, True, "asked for"))  # noqa: FBT003
        elif head.name in permissive:
            found.append(LeftTurn(h, False, "asked for"))  # noqa: FBT003
        else:
            found.append(_judge_turn(site, loads, h, against))
    return found


def _judge_turn(site: Site, loads: Loads, h: int, against: list[tuple[int, int]]) -> LeftTurn:
    head = site.heads[h]
    own_lane = all(site.streams[s].turns for s in head.streams)
    turning = {a for a, _ in against}
    lanes = {site.streams[a].lane for a in turning}
    opposing = {b for _, b in against}
    across = {site.streams[b].lane for b in opposing}
    left = sum(loads.volume[a] for a in turning)
    oncoming = sum(loads.volume[b] for b in opposing)
    product = left * oncoming
    limit = PRODUCTS.get(len(across), 0.0)
    if len(lanes) >= TURNING_LANES and own_lane:
        return LeftTurn(h, True, f"{len(lanes)} lanes turn")  # noqa: FBT003
    if len(across) >= OPPOSING_LANES:
        reason, wanted = f"{len(across)} opposing lanes", True
    else:
        wanted = product > limit
        sign = ">" if wanted else "≤"
        reason = (
            f"{left:.0f} × {oncoming:.0f} = {product:.0f} {sign} {limit:.0f} at {len(across)} opposing lanes"
        )
    if wanted and not own_lane:
        return LeftTurn(h, False, f"{reason}, but no lane of its own")  # noqa: FBT003
    return LeftTurn(h, wanted, reason)


def stage_relation(site: Site, turns: Sequence[LeftTurn]) -> NDArray[np.int8]:
    """
    Tell which heads may be green together once the turns are decided.

    Parameters
    ----------
    site : Site
        The signal.
    turns : sequence of LeftTurn
        What was decided.

    Returns
    -------
    ndarray
        Shape (heads, heads), as in `Site`.
    """
    relation = site.relation.copy()
    for turn in turns:
        if turn.protected:
            row = relation[turn.head]
            foes = np.flatnonzero((row == YIELDS) | (relation[:, turn.head] == YIELDS))
            relation[turn.head, foes] = relation[foes, turn.head] = NEVER
    return relation


def candidate_stages(site: Site, relation: NDArray[np.int8], together: Sequence[Stage] = ()) -> list[Stage]:
    """
    List the sets of heads that may be green together and to which no other can be added.

    Parameters
    ----------
    site : Site
        The signal.
    relation : ndarray
        Shape (heads, heads), how heads stand to each other.
    together : sequence of frozenset of int
        Heads that have to run together.

    Returns
    -------
    list of frozenset of int
        Most heads first.
    """
    n = len(site.heads)
    bundles = _bundles(n, together)
    graph: nx.Graph = nx.Graph()
    graph.add_nodes_from(range(len(bundles)))
    for i in range(len(bundles)):
        for j in range(i):
            if not any(relation[a, b] == NEVER for a in bundles[i] for b in bundles[j]):
                graph.add_edge(i, j)
    cliques = [frozenset(c) for c in islice(nx.find_cliques(graph), MOST_CLIQUES)]
    if len(cliques) >= MOST_CLIQUES:
        # Which of them come first is networkx's affair: grow one from each bundle instead.
        cliques = [_grow(graph, i) for i in range(len(bundles))]
    whole = {frozenset(h for i in clique for h in bundles[i]) for clique in cliques}
    onward = _onward(site)
    found = {_drained(onward, _sensible(site, relation, stage)) for stage in whole} - {frozenset()}
    # A head that would be left without a stage keeps those it had.
    served = frozenset().union(*found)
    found |= {stage for stage in whole if not stage <= served}
    return sorted(found, key=lambda stage: (-len(stage), sorted(stage)))


def _onward(site: Site) -> dict[int, Stage]:
    """Find for heads that lead onto a short road within the signal those that lead off it."""
    off: dict[str, set[int]] = {}
    for h, head in enumerate(site.heads):
        for s in head.streams:
            stream = site.streams[s]
            if not stream.on_foot and stream.room < SHORT_ROAD:
                off.setdefault(stream.source, set()).add(h)
    found: dict[int, Stage] = {}
    for h, head in enumerate(site.heads):
        after = {o for s in head.streams for o in off.get(site.streams[s].target, ()) if o != h}
        if after and not head.on_foot:
            found[h] = frozenset(after)
    return found


def _drained(onward: Mapping[int, Stage], stage: Stage) -> Stage:
    """Leave out heads that would only fill a short road within the signal."""
    while True:
        kept = frozenset(h for h in stage if onward.get(h, frozenset()) <= stage)
        if kept == stage:
            return stage
        stage = kept


def _bundles(n: int, together: Sequence[Stage]) -> list[Stage]:
    joined = [frozenset({h}) for h in range(n)]
    for group in together:
        touched = [b for b in joined if b & group]
        joined = [b for b in joined if not b & group] + [frozenset().union(*touched)]
    return sorted(joined, key=min)


def _grow(graph: nx.Graph, seed: int) -> Stage:
    clique = {seed}
    for node in sorted(graph):
        if node not in clique and clique <= set(graph[node]):
            clique.add(node)
    return frozenset(clique)


def _sensible(site: Site, relation: NDArray[np.int8], stage: Stage) -> Stage:
    """Leave out turns that would wait for gaps while the traffic straight on beside them stands."""
    through = {
        site.streams[s].source
        for h in stage
        for s in site.heads[h].streams
        if not site.streams[s].turns and not site.streams[s].on_foot
    }
    ahead = {s.source for s in site.streams if not s.turns and not s.on_foot}
    dropped = set()
    for h in sorted(stage):
        head = site.heads[h]
        source = site.streams[head.streams[0]].source
        waits = any(relation[h, other] == YIELDS and not site.heads[other].on_foot for other in stage)
        if head.kind == "vehicle" and waits and source in ahead and source not in through:
            dropped.add(h)
    return stage - dropped


def sequences(
    site: Site, safety: Safety, candidates: Sequence[Stage], loads: Loads, most: int
) -> list[tuple[Stage, ...]]:
    """
    Find sequences of stages that serve every head, the most promising first.

    Parameters
    ----------
    site : Site
        The signal.
    safety : Safety
        What the heads need.
    candidates : sequence of frozenset of int
        Stages to choose from.
    loads : Loads
        Volumes of the design hour.
    most : int
        How many to return.

    Returns
    -------
    list of tuple of frozenset of int
        Stage orders.

    Raises
    ------
    InputError
        If there are too many heads that exclude each other.
    """
    ratios = head_ratios(site, loads)
    covers: dict[frozenset[Stage], None] = {}
    _cover(frozenset(range(len(site.heads))), (), candidates, ratios, covers)
    changes: dict[tuple[Stage, Stage], int] = {}

    def change(one: Stage, other: Stage) -> int:
        if (one, other) not in changes:
            changes[one, other] = change_time(safety, one, other)
        return changes[one, other]

    ranked = []
    for cover in covers:
        first, *rest = sorted(cover, key=lambda s: (-_weight(s, ratios), sorted(s)))
        y = sum(least_shares((first, *rest), ratios))
        for order in permutations(rest) if len(rest) < 6 else [tuple(rest)]:
            stages = (first, *order)
            lost = sum(change(stages[p - 1], stages[p]) for p in range(len(stages))) + len(stages)
            need = (1.5 * lost + 5.0) / (1.0 - min(y, LARGEST_RATIO)) + 200.0 * max(y - LARGEST_RATIO, 0.0)
            ranked.append((need, len(stages), [sorted(s) for s in stages], stages))
    if not ranked:
        msg = f"signal '{site.id}': no sequence of up to {MOST_STAGES} stages serves all its {len(site.heads)} groups"
        raise InputError(msg)
    ranked.sort(key=lambda item: item[:3])
    return [item[3] for item in ranked[:most]]


def _weight(stage: Stage, ratios: Sequence[float]) -> float:
    return sum(ratios[h] for h in stage)


def head_ratios(site: Site, loads: Loads) -> list[float]:
    """
    Find the flow ratio of the busiest lane of each head.

    Parameters
    ----------
    site : Site
        The signal.
    loads : Loads
        Its volumes.

    Returns
    -------
    list of float
        [-]; 0 for pedestrians.
    """
    lane_of = {s: lane for lane in loads.lanes for s in lane}
    found = []
    for head in site.heads:
        lanes = {lane_of[s] for s in head.streams if s in lane_of}
        found.append(
            max(
                (sum(loads.volume[s] * loads.headway[s] for s in lane) / 3600.0 for lane in lanes),
                default=0.0,
            )
        )
    return found


def _cover(
    open_heads: frozenset[int],
    chosen: tuple[Stage, ...],
    candidates: Sequence[Stage],
    ratios: Sequence[float],
    covers: dict[frozenset[Stage], None],
) -> None:
    if len(covers) >= MOST_SEQUENCES:
        return
    if not open_heads:
        kept = list(chosen)
        for stage in chosen:
            others = [o for o in kept if o != stage]
            if others and stage <= frozenset().union(*others):
                kept = others
        covers.setdefault(frozenset(kept))
        covers.setdefault(frozenset(chosen))
        return
    if len(chosen) >= MOST_STAGES:
        return
    options = {h: [c for c in candidates if h in c] for h in open_heads}
    head = min(open_heads, key=lambda h: (len(options[h]), h))
    ranked = sorted(
        options[head],
        key=lambda c: (-len(c & open_heads), -_weight(c & open_heads, ratios), -len(c), sorted(c)),
    )
    for stage in ranked[:MOST_BRANCHES]:
        _cover(open_heads - stage, (*chosen, stage), candidates, ratios, covers)


def least_shares(stages: Sequence[Stage], ratios: Sequence[float]) -> list[float]:
    """
    Estimate the smallest flow ratios of stages that carry every head.

    Parameters
    ----------
    stages : sequence of frozenset of int
        Heads of each stage.
    ratios : sequence of float
        Flow ratio of each head [-].

    Returns
    -------
    list of float
        One for each stage [-].
    """
    share = [0.0] * len(stages)
    heads = sorted(range(len(ratios)), key=lambda h: (sum(h in s for s in stages), -ratios[h], h))
    for h in heads:
        mine = [p for p, stage in enumerate(stages) if h in stage]
        lack = ratios[h] - sum(share[p] for p in mine)
        if lack > 0.0 and mine:
            share[mine[0] if len(mine) == 1 else max(mine, key=lambda p: (share[p], -p))] += lack
    return share
