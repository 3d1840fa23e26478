"""Which movements meet on a junction and who gives way, from the right-of-way matrices of the net."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from sim.network.parts import Movement

Pairs = set[tuple[int, int]]


def read_conflicts(
    net: Any,  # noqa: ANN401  (sumolib is untyped)
    movements: Sequence[Movement],
) -> tuple[Pairs, Pairs, set[int], set[str]]:
    """
    Read the right-of-way matrices of all junctions with signals.

    Parameters
    ----------
    net : sumolib.net.Net
        The network.
    movements : sequence of Movement
        All movements.

    Returns
    -------
    tuple of set
        Pairs of movement numbers whose paths cross or merge (both ways), pairs of which the first gives way to
        the second, movements that give way to somebody who is none of them, and the ids of junctions without a matrix.

    References
    ----------
    .. [1] SUMO user documentation, SUMO Road Networks, section Requests: foes, response, and the order of bits.
    """
    numbers: dict[tuple[str, str], list[int]] = {}
    for k, movement in enumerate(movements):
        # A crossing is one row of the matrix, whichever way people walk.
        key = ("", movement.to_edge) if movement.crossing else (movement.from_lane, movement.to_lane)
        numbers.setdefault(key, []).append(k)
    foes: Pairs = set()
    yields: Pairs = set()
    outside: set[int] = set()
    unknown: set[str] = set()
    for node in dict.fromkeys(m.junction for m in movements):
        junction = net.getNode(node)
        rows: dict[int, str] = junction._foes  # noqa: SLF001  (sumolib's public look-up is quadratic)
        responses: dict[int, str] = junction._prohibits  # noqa: SLF001
        if not rows:
            unknown.add(node)
            continue
        at = {index: numbers[key] for index, key in enumerate(matrix_order(net, junction)) if key in numbers}
        for i, ones in at.items():
            for j in marked(rows.get(i, "")):
                foes.update((a, b) for a in ones for b in at.get(j, ()))
                foes.update((b, a) for a in ones for b in at.get(j, ()))
            for j in marked(responses.get(i, "")):
                yields.update((a, b) for a in ones for b in at.get(j, ()))
                if j not in at:
                    outside.update(ones)
    return foes, yields, outside, unknown


def marked(row: str) -> list[int]:
    """
    List the columns that are set in a row of a matrix; SUMO writes rows from right to left.

    Parameters
    ----------
    row : str
        Ones and zeros.

    Returns
    -------
    list of int
        Column numbers.
    """
    return [j for j, letter in enumerate(reversed(row)) if letter == "1"]


def matrix_order(net: Any, junction: Any) -> Iterator[tuple[str, str]]:  # noqa: ANN401
    """
    List a junction's connections in the order of its matrix.

    Parameters
    ----------
    net : sumolib.net.Net
        The network.
    junction : sumolib.net.node.Node
        The junction.

    Yields
    ------
    tuple of str
        From and to lane; for a pedestrian crossing an empty string and the crossing's edge.
    """
    for lane_id in junction._incLanes:  # noqa: SLF001
        if not lane_id or not net.hasEdge(lane_id[: lane_id.rfind("_")]):
            continue
        lane = net.getLane(lane_id)
        on_foot = lane.getEdge().getFunction() == "walkingarea"
        for link in lane.getOutgoing():
            function = link.getTo().getFunction()
            if function == "walkingarea" or (on_foot and function != "crossing"):
                continue
            if function == "crossing":
                yield "", link.getTo().getID()
            else:
                yield lane_id, link.getToLane().getID()
