"""How long pedestrians wait at crossings."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sim.core.bodies import STANDING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sim.sumo.scene import Scene, Walker

Row = tuple[str, str, str | None, str, float, float, bool]


def edges_on_foot(lanes: Sequence[str]) -> tuple[frozenset[str], frozenset[str]]:
    """
    Find crossings (":junction_c0_0") and waiting areas ("_w0_0") by name, the only mark SUMO gives at run time.

    Parameters
    ----------
    lanes : sequence of str
        Lanes of the net.

    Returns
    -------
    tuple of frozenset
        The edges of both, and of the crossings alone.
    """
    found: dict[str, str] = {}
    for lane in lanes:
        edge = lane.rpartition("_")[0]
        part = edge.rpartition("_")[2]
        if lane.startswith(":") and part[:1] in {"c", "w"} and part[1:].isdigit():
            found[edge] = part[0]
    return frozenset(found), frozenset(edge for edge, kind in found.items() if kind == "c")


class Kerbs:
    """
    Notes for every person and crossing the time from the first standstill before it to the first step onto it.

    Parameters
    ----------
    scene : Scene
        The simulation.
    signals : mapping of str to str
        The signal of each crossing (an edge) that has one.
    crossings : frozenset of str
        All crossings of the net.
    """

    def __init__(self, scene: Scene, signals: Mapping[str, str], crossings: frozenset[str]) -> None:
        self._scene = scene
        self._signals = signals
        self._crossings = crossings
        # Person -> crossing it stands before, and since when [s].
        self._standing: dict[str, tuple[str, float]] = {}
        self._on: dict[str, str] = {}
        self._rows: list[Row] = []

    def look(self, now: float, walkers: Sequence[Walker], type_of: Mapping[str, str]) -> None:
        """
        Note a second.

        Parameters
        ----------
        now : float
            Time [s].
        walkers : sequence of Walker
            The persons on crossings and waiting areas; who stood there and is not among them has turned away.
        type_of : mapping of str to str
            Type of each of them.
        """
        on: dict[str, str] = {}
        standing: dict[str, tuple[str, float]] = {}
        for walker in walkers:
            person, edge = walker.id, walker.edge
            if edge in self._crossings:
                on[person] = edge
                if self._on.get(person) != edge:
                    _, since = self._standing.get(person, (edge, now))
                    self._note(person, type_of, edge, since, now, crossed=True)
                continue
            known = self._standing.get(person)
            # It may shuffle about while it waits, and at a corner decide for the other crossing.
            if known is not None or walker.speed < STANDING:
                ahead = self._scene.next_edge(person)
                since = now if known is None else known[1]
                if ahead in self._crossings:
                    standing[person] = (ahead, since)
                elif known is not None:
                    standing[person] = known
        self._on, self._standing = on, standing

    def _note(
        self, person: str, type_of: Mapping[str, str], edge: str, since: float, now: float, *, crossed: bool
    ) -> None:
        row = (person, type_of.get(person, ""), self._signals.get(edge), edge, since, now - since, crossed)
        self._rows.append(row)

    def finish(self, now: float, type_of: Mapping[str, str]) -> list[Row]:
        """
        Give the table; who still waits has waited until now.

        Parameters
        ----------
        now : float
            End of the run [s].
        type_of : mapping of str to str
            Types of persons.

        Returns
        -------
        list of tuple
            Rows of the table ``crossings``.
        """
        for person, (edge, since) in self._standing.items():
            self._note(person, type_of, edge, since, now, crossed=False)
        self._standing = {}
        return sorted(self._rows, key=lambda row: (row[4], row[0], row[3]))

    def waiting(self) -> set[str]:
        """
        Tell where somebody waits.

        Returns
        -------
        set of str
            The crossings.
        """
        return {edge for edge, _ in self._standing.values()}
