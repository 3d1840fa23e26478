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

    @property
    def split(self) -> int:
        """Green and clearance [s]."""
        return self.green + self.yellow + self.red_clear


@dataclass(frozen=True, slots=True)
class Overlap:
    """A group that is green through several phases that follow each other, its parents."""

    number: int
    group: str
    parents: tuple[int, ...]


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
        Clock second at which the green of the coordinated phases begins, modulo the cycle [s].
    phases : tuple of RingPhase
        By number.
    overlaps : tuple of Overlap
        Groups with several parent phases.
    coordinated : tuple of int
        One phase of each ring whose green begins at the offset.
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
