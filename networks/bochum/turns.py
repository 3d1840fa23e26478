"""Which lane leads where: the connections of every node, and the pedestrian crossings."""

from __future__ import annotations

import itertools
import math
import sys
from typing import TYPE_CHECKING

from city import Approach

if TYPE_CHECKING:
    from lay import Edge, Plan

Connection = tuple[str, str, int, int]  # from, to, fromLane, toLane
STRAIGHT = 50.0  # the leg with the least bend is straight on if it bends less than this [degree]
NEAR = 30.0  # directions are taken over this length of the legs [m]


def connections(plan: Plan) -> list[Connection]:
    """
    Connect the lanes at every node.

    Parameters
    ----------
    plan : Plan
        The cut.

    Returns
    -------
    list of Connection
        In the order of the edges.
    """
    leaving: dict[str, list[Edge]] = {}
    for edge in plan.edges:
        leaving.setdefault(edge.tail, []).append(edge)
    found: list[Connection] = []
    for edge in plan.edges:
        targets = [
            out
            for out in leaving.get(edge.head, [])
            if out.leg != edge.leg[::-1] or out.tail.startswith("bay_")
        ]
        if edge.head in plan.signals:
            found += _at_signal(plan, edge, targets)
        elif targets:
            for out in targets:
                found += _along(plan, edge, out)
    return found + _unreached(plan, found)


def _unreached(plan: Plan, found: list[Connection]) -> list[Connection]:
    """Lead the lane beside it into a turning lane that begins at a junction and that no turn reaches."""
    reached = {(other, target) for _, other, _, target in found}
    more: list[Connection] = []
    for edge in plan.edges:
        cars = edge.indices("car") if edge.tail in plan.signals else []
        if not any((edge.id, lane) in reached for lane in cars):
            continue
        # Twice, because two turning lanes may lie side by side.
        for lane in [*cars, *cars[::-1]]:
            if (edge.id, lane) not in reached:
                beside = [c for c in found + more if c[1] == edge.id and abs(c[3] - lane) == 1]
                more += [(one, other, source, lane) for one, other, source, _ in beside]
                reached |= {(edge.id, lane) for _ in beside}
    return more


def crossings(plan: Plan) -> list[tuple[str, tuple[str, ...]]]:
    """
    Lay the pedestrian crossings.

    Parameters
    ----------
    plan : Plan
        The cut.

    Returns
    -------
    list of (str, tuple of str)
        Node, and the edges of the leg that is crossed.
    """
    found = []
    for name in plan.signals:
        junction = plan.city.junctions[name]
        legs: dict[str, list[str]] = {}
        for edge in plan.edges:
            if edge.head == name:
                legs.setdefault(edge.leg[0], []).append(edge.id)
            elif edge.tail == name:
                legs.setdefault(edge.leg[1], []).append(edge.id)
        found.extend(
            (name, tuple(legs[leg]))
            for leg in (junction.crossings if junction.crossings is not None else tuple(legs))
        )
    return found


def steps(plan: Plan, leg: tuple[str, ...]) -> list[tuple[str, ...]]:
    """
    Part the crossing of a leg where there is an island between the directions.

    Parameters
    ----------
    plan : Plan
        The cut.
    leg : tuple of str
        The edges of the leg.

    Returns
    -------
    list of tuple of str
        The edges of each step; all of them at once where there is no island.
    """
    island = next(edge.link.road.island for edge in plan.edges if edge.id in leg)
    return [(edge,) for edge in leg] if island > 0.0 else [leg]


def _along(plan: Plan, edge: Edge, out: Edge) -> list[Connection]:
    """Connect an edge to its continuation, where a bay begins or a plain node lies."""
    pairs: list[tuple[int, int]] = []
    for kind in ("cycle", "tram"):
        pairs += list(zip(edge.indices(kind), out.indices(kind), strict=False))
    cars, wide = edge.indices("car"), out.indices("car")
    if not cars or not wide:
        return [(edge.id, out.id, one, other) for one, other in pairs]
    junction = plan.city.junctions.get(out.head)
    approach = junction.approaches.get(out.leg[0], Approach()) if junction else Approach()
    right = approach.right if edge.head.startswith("bay_") else 0
    pairs += [(cars[0], lane) for lane in (*out.indices("bus"), *wide[:right])]
    pairs += list(zip(cars, wide[right:], strict=False))
    pairs += [(cars[-1], lane) for lane in wide[right + len(cars) :]] if edge.head.startswith("bay_") else []
    return [(edge.id, out.id, one, other) for one, other in sorted(pairs)]


def _at_signal(plan: Plan, edge: Edge, targets: list[Edge]) -> list[Connection]:
    junction = plan.city.junctions[edge.head]
    far = edge.leg[0]
    bends = {out.id: bend(edge, out) for out in targets}
    approach = junction.approaches.get(far, Approach())
    near = min(targets, key=lambda out: abs(bends[out.id]))
    if abs(bends[near.id]) >= STRAIGHT:
        near = None
    if approach.straight:
        near = next(out for out in targets if out.leg[1] == approach.straight)
    kinds = {out.id: "s" if out is near else "l" if bends[out.id] > 0 else "r" for out in targets}
    allowed = [out for out in targets if (far, out.leg[1]) not in junction.ban]
    if approach.turns and "s" not in approach.turns:
        # The table of lanes knows no straight on: the leg counts as the side it lies on.
        kinds = {k: ("l" if bends[k] > 0 else "r") if v == "s" else v for k, v in kinds.items()}
    # Which letters occur decides over the lanes also where a turn is banned.
    letters = _letters(edge, approach, "".join(sorted({kinds[out.id] for out in allowed})))
    cars = edge.indices("car")
    found: list[Connection] = []
    for out in sorted(allowed, key=lambda out: bends[out.id]):
        kind = kinds[out.id]
        lanes = [lane for lane, text in zip(cars, letters, strict=True) if kind in text]
        if not lanes:
            sys.exit(f"{edge.id}: no lane leads to {out.id} ({kind}; lanes {' '.join(letters)})")
        if kind == "r":
            lanes = edge.indices("bus") + lanes
        wide = _through(plan, out) if kind == "l" and len(lanes) > 1 else out.indices("car")
        count = min(len(lanes), len(wide))
        if kind == "l":
            pairs = list(zip(lanes[len(lanes) - count :], wide[len(wide) - count :], strict=True))
        else:
            pairs = list(zip(lanes[:count], wide[:count], strict=True))
            if kind == "s" and len(lanes) > count:
                sys.exit(f"{edge.id}: {len(lanes)} lanes straight on, {out.id} has {count}")
        pairs += _others(edge, out, kind, approach)
        found += [(edge.id, out.id, one, other) for one, other in sorted(pairs)]
    idle = [lane for lane in cars if all(lane != one for _, _, one, _ in found)]
    if idle:
        sys.exit(
            f"{edge.id}: lane {idle[0]} leads nowhere (lanes {' '.join(letters)}); is a bay on the wrong side?"
        )
    return found


def _through(plan: Plan, edge: Edge) -> list[int]:
    """Lanes for cars without left bays that begin with the edge: a lane that leads into one only would stand unused."""
    cars = edge.indices("car")
    approach = (
        plan.city.junctions[edge.head].approaches.get(edge.leg[0]) if edge.head in plan.signals else None
    )
    return cars[: len(cars) - approach.left] if approach and approach.left < len(cars) else cars


def _others(edge: Edge, out: Edge, kind: str, approach: Approach) -> list[tuple[int, int]]:
    """Cycle lanes lead straight on and to the right, tracks straight on."""
    pairs, right = [], approach.right
    if kind in "sr":
        pairs += [(lane, (out.indices("cycle") or out.indices("car"))[0]) for lane in edge.indices("cycle")]
    if kind == "s" and not edge.indices("cycle"):
        pairs += [(edge.indices("car")[right], lane) for lane in out.indices("cycle")]
    if kind == "s":
        pairs += [
            (lane, (out.indices("tram") or out.indices("car")[-1:])[0]) for lane in edge.indices("tram")
        ]
        if edge.link.road.tram == "shared":
            pairs += [(edge.indices("car")[-1 - approach.left], lane) for lane in out.indices("tram")]
    return pairs


def _letters(edge: Edge, approach: Approach, kinds: str) -> list[str]:
    """Spell the turns of each lane for cars, from right to left."""
    cars = len(edge.indices("car"))
    if approach.turns:
        letters = approach.turns.split()
        if len(letters) != cars:
            sys.exit(f"{edge.id}: turns '{approach.turns}' for {cars} lanes")
        return letters
    through = cars - approach.left - approach.right
    middle = ["s" if "s" in kinds else ""] * through
    if "s" not in kinds:
        if approach.left and not approach.right:
            middle = ["r"] * through
        elif approach.right and not approach.left:
            middle = ["l"] * through
        else:
            middle = ["r"] * (through - through // 2) + ["l"] * (through // 2)
            if through == 1:
                middle = [kinds]
    if "r" in kinds and not approach.right and "r" not in middle[0]:
        middle[0] += "r"
    if "l" in kinds and not approach.left and "l" not in middle[-1]:
        middle[-1] += "l"
    return ["r"] * approach.right + middle + ["l"] * approach.left


def bend(edge: Edge, out: Edge) -> float:
    """
    Measure the change of direction from one edge to the next.

    Parameters
    ----------
    edge, out : Edge
        Towards and away from a node.

    Returns
    -------
    float
        [degree], positive to the left.
    """
    one = heading(edge.shape[::-1]) + 180.0
    return (heading(out.shape) - one + 180.0) % 360.0 - 180.0


def heading(shape: tuple[tuple[float, float], ...]) -> float:
    """
    Tell where a line begins to lead.

    Parameters
    ----------
    shape : tuple of Point
        [m].

    Returns
    -------
    float
        Mathematical angle [degree].
    """
    run, end = 0.0, shape[-1]
    for p, q in itertools.pairwise(shape):
        run += math.dist(p, q)
        if run >= NEAR:
            end = q
            break
    return math.degrees(math.atan2(end[1] - shape[0][1], end[0] - shape[0][0]))
