"""
Stages from the conflicts alone: what may be green together, whether or not the program shows it so.

A stage says of each group whether it is red, permissive (it yields) or protected. One stage covers another if it
shows each group at least as much. Wanted are all stages that no other covers. They are the maximal cliques of a graph
whose nodes are (group, letter): two nodes are joined if both may be shown at once. A left turn thus has a stage in
which it yields to oncoming traffic, and another, not covered by the first, in which it has the junction to itself.
"""

from __future__ import annotations

from itertools import combinations, islice
from typing import TYPE_CHECKING, TypeAlias

import networkx as nx
import numpy as np

from sim.core.arrays import PERMISSIVE, PROTECTED
from sim.network.parts import Stage
from sim.network.program import GREEN_LETTERS

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from numpy.typing import NDArray

    from sim.network.graph import RoadGraph
    from sim.network.parts import Signal

# Most stages of a signal; more only if each serves a group that no other does.
MOST_STAGES = 32
# With more maximal cliques than this, as where a signal has many junctions, only the stages grown from the program's
# and from each group are looked at.
MOST_CLIQUES = 4096

# A group's number and PERMISSIVE or PROTECTED.
Node: TypeAlias = tuple[int, int]
Clique: TypeAlias = frozenset[Node]


def reason_for_program(graph: RoadGraph, signal: Signal) -> str:
    """
    Tell why a signal's stages cannot be derived from its conflicts.

    Parameters
    ----------
    graph : RoadGraph
        The graph.
    signal : Signal
        The signal.

    Returns
    -------
    str
        The end of a sentence that begins with the signal; empty if they can.
    """
    if any(junction in graph.without_matrix for junction in signal.junctions):
        return "has unknown conflicts"
    ways = [graph.movements[m] for group in signal.groups for m in group.movements]
    # Nothing but the program keeps the road between two of its own stop lines from filling.
    own = {m.from_edge for m in ways if not m.crossing}
    if len(signal.junctions) > 1 and any(m.to_edge in own for m in ways if not m.crossing):
        return "has stop lines one behind the other, which only its program keeps in step"
    if any(m.second_link >= 0 for m in ways):
        return "has second stop lines on the junction, which only its program keeps in step"
    return ""


def offered_stages(graph: RoadGraph, signal: Signal) -> tuple[Stage, ...]:
    """
    Derive the stages of a signal from its conflicts, or keep the program's where that is not possible.

    Parameters
    ----------
    graph : RoadGraph
        The graph.
    signal : Signal
        The signal.

    Returns
    -------
    tuple of Stage
        First those that hold a stage of the program, in its order, then the others, most movements first.
    """
    if not signal.stages or reason_for_program(graph, signal):
        return signal.stages
    cliques = maximal_cliques(graph, signal)
    return tuple(stage_of(signal, clique) for clique in choose(signal, cliques))


def pair_rules(graph: RoadGraph, signal: Signal) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """
    Tell for each pair of groups whether they may be green together, and who then yields.

    Groups whose paths meet may be green together only if one of them gives way and the program shows them together
    in some phase: which conflicts drivers can be trusted to settle is its designer's judgement.

    Parameters
    ----------
    graph : RoadGraph
        The graph.
    signal : Signal
        The signal.

    Returns
    -------
    tuple of ndarray
        Compatible, and the row's group yields to the column's; both of shape (n, n).
    """
    n = len(signal.groups)
    free = np.ones((n, n), np.bool_)
    yields = np.zeros((n, n), np.bool_)
    for i, j in combinations(range(n), 2):
        one, other = signal.groups[i], signal.groups[j]
        pairs = [(a, b) for a in one.movements for b in other.movements]
        yields[i, j] = any(graph.gives_way(a, b) for a, b in pairs)
        yields[j, i] = any(graph.gives_way(b, a) for a, b in pairs)
        if yields[i, j] or yields[j, i]:
            free[i, j] = free[j, i] = any(
                phase.state[one.links[0]] in GREEN_LETTERS and phase.state[other.links[0]] in GREEN_LETTERS
                for phase in signal.phases
            )
        elif any(graph.foes(a, b) for a, b in pairs):
            free[i, j] = free[j, i] = False
    return free, yields


def compatibility(graph: RoadGraph, signal: Signal) -> nx.Graph:
    """
    Build the graph whose cliques are sets of groups and letters that may be shown at once.

    Groups that the program never shows green have no node, nor have those without a movement: nothing is known of
    what they would meet.

    Parameters
    ----------
    graph : RoadGraph
        The graph.
    signal : Signal
        The signal.

    Returns
    -------
    networkx.Graph
        Nodes are pairs of a group's number and PERMISSIVE or PROTECTED.
    """
    free, yields = pair_rules(graph, signal)
    nodes: list[Node] = []
    for i, group in enumerate(signal.groups):
        if not group.movements or not GREEN_LETTERS & set(group.column):
            continue
        # Whom it yields to may have no signal at all, and then only the program's designer can say that nobody comes.
        if "G" in group.column or not any(graph.yields_outside(m) for m in group.movements):
            nodes.append((i, PROTECTED))
        nodes.append((i, PERMISSIVE))
    allowed: nx.Graph = nx.Graph()
    allowed.add_nodes_from(nodes)
    for (i, a), (j, b) in combinations(nodes, 2):
        breach = (a == PROTECTED and yields[i, j]) or (b == PROTECTED and yields[j, i])
        if i != j and free[i, j] and not breach:
            allowed.add_edge((i, a), (j, b))
    return allowed


def grow(allowed: nx.Graph, seeds: Iterable[Node]) -> Clique:
    """
    Extend a set of groups and letters to a stage that no other covers.

    Parameters
    ----------
    allowed : networkx.Graph
        What may be shown at once.
    seeds : iterable of tuple
        Nodes to begin with; one that does not go with those before it is left out.

    Returns
    -------
    frozenset of tuple
        The stage.
    """
    clique: set[Node] = set()
    # Right of way is tried first: a group takes what it can get.
    for node in (*seeds, *sorted(allowed, key=lambda node: (node[1] != PROTECTED, node))):
        if node in allowed and clique <= set(allowed[node]):
            clique.add(node)
    for i, letter in sorted(clique):
        if letter == PERMISSIVE and (i, PROTECTED) in allowed:
            others = clique - {(i, PERMISSIVE)}
            if others <= set(allowed[i, PROTECTED]):
                clique = others | {(i, PROTECTED)}
    return frozenset(clique)


def program_cliques(allowed: nx.Graph, signal: Signal) -> list[Clique]:
    """
    Grow each stage of the program to one that no other covers.

    Parameters
    ----------
    allowed : networkx.Graph
        What may be shown at once.
    signal : Signal
        The signal.

    Returns
    -------
    list of frozenset
        In program order.
    """
    letters = {"G": PROTECTED, "g": PERMISSIVE}
    grown = []
    for stage in signal.stages:
        shown = [(i, letters.get(stage.state[g.links[0]], 0)) for i, g in enumerate(signal.groups)]
        # A program may give right of way to two groups that meet; one of them yields here.
        weaker = [(i, PERMISSIVE) for i, letter in shown if letter]
        grown.append(grow(allowed, [*shown, *weaker]))
    return grown


def maximal_cliques(graph: RoadGraph, signal: Signal) -> list[Clique]:
    """
    List the stages that no other covers, best first.

    Parameters
    ----------
    graph : RoadGraph
        The graph.
    signal : Signal
        The signal.

    Returns
    -------
    list of frozenset
        First those that hold a stage of the program, in its order, then the others: most movements served, most of
        them with right of way, lowest group numbers.

    References
    ----------
    .. [1] C. Bron, J. Kerbosch, Algorithm 457: finding all cliques of an undirected graph, Comm. ACM 16 (1973).
    .. [2] K. E. Stoffers, Scheduling of traffic lights: a new approach, Transportation Research 2 (1968): stages as
       maximal cliques of the compatibility graph.
    """
    allowed = compatibility(graph, signal)
    own = program_cliques(allowed, signal)
    found = [frozenset(clique) for clique in islice(nx.find_cliques(allowed), MOST_CLIQUES + 1)]
    if len(found) > MOST_CLIQUES:
        # Which of them come first is networkx's affair, and no result may hang on that.
        found = [grow(allowed, [node]) for node in allowed]
    others = {clique for clique in found if not wastes(allowed, clique)}

    def rank(clique: Clique) -> tuple[int, int, list[Node]]:
        served = [(len(signal.groups[i].movements), letter == PROTECTED) for i, letter in clique]
        return -sum(m for m, _ in served), -sum(m for m, safe in served if safe), sorted(clique)

    return list(dict.fromkeys([*own, *sorted(others, key=rank)]))


def wastes(allowed: nx.Graph, clique: Clique) -> bool:
    """
    Tell whether a group of a clique yields though there is nobody to yield to.

    Another clique then shows the same groups with more right of way.

    Parameters
    ----------
    allowed : networkx.Graph
        What may be shown at once.
    clique : frozenset of tuple
        The clique.

    Returns
    -------
    bool
        True if it is covered by another.
    """
    return any(
        letter == PERMISSIVE
        and (i, PROTECTED) in allowed
        and clique - {(i, letter)} <= set(allowed[i, PROTECTED])
        for i, letter in clique
    )


def choose(signal: Signal, cliques: Sequence[Clique]) -> list[Clique]:
    """
    Keep so many stages that a controller can try them all each second.

    Parameters
    ----------
    signal : Signal
        The signal.
    cliques : sequence of frozenset
        Stages, best first.

    Returns
    -------
    list of frozenset
        At most `MOST_STAGES`, in the same order; more only if that many are needed to give each group the most
        right of way it can have in some stage.
    """
    somewhere: set[Node] = set().union(*cliques)
    best = {(i, PROTECTED if (i, PROTECTED) in somewhere else PERMISSIVE) for i in range(len(signal.groups))}
    kept: set[Clique] = set()
    served: set[Node] = set()
    for clique in cliques:
        gain = (clique & best) - served
        if gain:
            kept.add(clique)
            served |= gain
    for clique in cliques:
        if len(kept) >= MOST_STAGES:
            break
        kept.add(clique)
    return [clique for clique in cliques if clique in kept]


def stage_of(signal: Signal, clique: Clique) -> Stage:
    """
    Write a stage as a state of all links.

    Parameters
    ----------
    signal : Signal
        The signal.
    clique : frozenset of tuple
        Groups and letters.

    Returns
    -------
    Stage
        With time and phase of the program's stage of the same greens; without one 0 s and phase -1.
    """
    green = dict(clique)
    state = [""] * signal.links
    for i, group in enumerate(signal.groups):
        letter = {PROTECTED: "G", PERMISSIVE: "g"}.get(green.get(i, 0)) or red_letter(signal, i, green)
        for link in group.links:
            state[link] = letter
    for stage in signal.stages:
        shown = {i for i, g in enumerate(signal.groups) if stage.state[g.links[0]] in GREEN_LETTERS}
        if shown == set(green):
            return Stage("".join(state), stage.duration, stage.phase)
    return Stage("".join(state), 0.0, -1)


def red_letter(signal: Signal, group: int, green: Iterable[int]) -> str:
    """
    Say what a group shows in a stage without it: dark, a green arrow or red.

    Parameters
    ----------
    signal : Signal
        The signal.
    group : int
        The group's number.
    green : iterable of int
        Groups that are green in the stage.

    Returns
    -------
    str
        A letter of SUMO.
    """
    column = signal.groups[group].column
    if len(set(column)) == 1 and column[0] in "oO":
        return column[0]
    # The arrow stands where the program shows it beside each of the greens.
    beside = [
        {i for i, g in enumerate(signal.groups) if g.column[k] in GREEN_LETTERS}
        for k, letter in enumerate(column)
        if letter == "s"
    ]
    return "s" if beside and set(green) <= set().union(*beside) else "r"
