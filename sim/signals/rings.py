"""Ring-and-barrier programs (NEMA TS 2): phases in rings that cross barriers together."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class RingPhase:
    """
    A NEMA phase in a program; times in whole seconds.

    Parameters
    ----------
    number : int
        1 to 16.
    ring, barrier, position : int
        From 1; the side of the barrier it is on, and its place in its ring on that side.
    green : int
        Green, without clearance [s].
    yellow, red_clear : int
        Clearance [s]; the split is green + yellow + red_clear.
    minimum_green : int
        Shortest green [s].
    groups : tuple of str
        Signal groups it serves.
    walk, pedestrian_clear : int
        Pedestrians' green and the time after it until the end of green or clearance [s]; 0: no pedestrians.
    pedestrians : tuple of str
        Pedestrian groups it serves.
    permissive : tuple of str
        Which of its groups give way while it is green.
    """

    number: int
    ring: int
    barrier: int
    position: int
    green: int
    yellow: int
    red_clear: int
    minimum_green: int
    groups: tuple[str, ...]
    walk: int = 0
    pedestrian_clear: int = 0
    pedestrians: tuple[str, ...] = ()
    permissive: tuple[str, ...] = ()

    @property
    def split(self) -> int:
        """Green and clearance [s]."""
        return self.green + self.yellow + self.red_clear


@dataclass(frozen=True, slots=True)
class Overlap:
    """
    A group that is green with several phases, its parents, and between two of them that follow each other.

    Parameters
    ----------
    number : int
        From 1.
    group : str
        The signal group.
    parents : tuple of int
        Numbers of the phases.
    permissive : tuple of int
        Parents with which the group gives way, from the begin of their green to that of the next phase.
    """

    number: int
    group: str
    parents: tuple[int, ...]
    permissive: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class RingProgram:
    """
    A program of one signal as rings and barriers.

    Parameters
    ----------
    signal, program : str
        Ids.
    number : int
        Of the program.
    cycle : int
        Cycle [s].
    offset : int
        Clock second at which the first of the coordinated greens begins, modulo the cycle [s].
    phases : tuple of RingPhase
        By number.
    overlaps : tuple of Overlap
        Groups with several parent phases.
    coordinated : tuple of int
        One phase of each ring; the first of their greens begins at the offset.
    start : int
        Second of the plan's program at which that green begins [s].
    """

    signal: str
    program: str
    number: int
    cycle: int
    offset: int
    phases: tuple[RingPhase, ...]
    overlaps: tuple[Overlap, ...]
    coordinated: tuple[int, ...]
    start: int


def phase_begins(ring: RingProgram) -> dict[int, int]:
    """
    Find the second of the program at which each phase's green begins.

    Parameters
    ----------
    ring : RingProgram
        The phases.

    Returns
    -------
    dict
        Seconds by phase number [s].
    """
    local: dict[int, int] = {}
    for phases in ring_orders(ring):
        at = 0
        for phase in phases:
            local[phase.number] = at
            at += phase.split
    first = min((local[number] for number in ring.coordinated), default=0)
    return {number: (at - first + ring.start) % ring.cycle for number, at in local.items()}


def ring_orders(ring: RingProgram) -> list[list[RingPhase]]:
    """
    List the phases of each ring as they follow each other.

    Parameters
    ----------
    ring : RingProgram
        The phases.

    Returns
    -------
    list of list of RingPhase
        One list a ring, by side of the barrier and position.
    """
    numbers = sorted({phase.ring for phase in ring.phases})
    return [
        sorted((p for p in ring.phases if p.ring == number), key=lambda p: (p.barrier, p.position))
        for number in numbers
    ]


def followers(ring: RingProgram) -> dict[int, int]:
    """
    Tell which phase follows each one in its ring.

    Parameters
    ----------
    ring : RingProgram
        The phases.

    Returns
    -------
    dict
        Numbers by phase number.
    """
    return {
        phase.number: phases[(k + 1) % len(phases)].number
        for phases in ring_orders(ring)
        for k, phase in enumerate(phases)
    }
