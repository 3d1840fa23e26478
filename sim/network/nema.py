"""
NEMA programs of SUMO, written out as a fixed sequence.

A NEMA phase is a movement with its own state string, and two rings run phases side by side between barriers. The
other modules think in states of the whole signal, so the two rings are laid over each other here, step by step.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import groupby

from sim.network.parts import Phase

# From the strongest claim on a link to the weakest; a letter not listed is stronger than red and weaker than these.
STRENGTH = "Ggsr"
YELLOW_UNLESS_GIVEN = 3.0


@dataclass(frozen=True, slots=True)
class NemaPhase:
    """One NEMA phase: its number, its own state, and its times [s]."""

    number: int
    state: str
    green: float
    yellow: float
    red: float


def ring_sides(ring: str, ends: set[int]) -> list[list[int]]:
    """
    Split a ring at its barriers.

    Parameters
    ----------
    ring : str
        Phase numbers with commas between them; 0 stands for a phase that does not exist.
    ends : set of int
        Phases that end at a barrier.

    Returns
    -------
    list of list of int
        Phase numbers between two barriers.

    Raises
    ------
    ValueError
        If something is not a number.
    """
    sides: list[list[int]] = [[]]
    for number in (int(word) for word in ring.split(",")):
        if number:
            sides[-1].append(number)
        if number in ends:
            sides.append([])
    # What follows the last barrier belongs to the side that the first one ends: a ring is closed.
    last = sides.pop()
    if last and sides:
        sides[0] = last + sides[0]
    return sides or [last]


def pairs(first: list[int], second: list[int]) -> list[tuple[int, int]]:
    """
    Pair the phases of one side of a barrier; the ring with fewer phases holds its last one.

    Parameters
    ----------
    first, second : list of int
        Phase numbers of the two rings; a ring without a phase on this side takes the other's.

    Returns
    -------
    list of tuple of int
        Phases that are green together, in order.
    """
    first, second = first or second, second or first
    steps = max(len(first), len(second))
    return [(first[min(k, len(first) - 1)], second[min(k, len(second) - 1)]) for k in range(steps)]


def merged(one: str, other: str) -> str:
    """
    Lay two state strings over each other.

    Parameters
    ----------
    one, other : str
        State strings of equal length.

    Returns
    -------
    str
        For each link the letter with the stronger claim.
    """

    def strength(letter: str) -> int:
        return STRENGTH.index(letter) if letter in STRENGTH else len(STRENGTH) - 1

    return "".join(min(pair, key=strength) for pair in zip(one, other, strict=True))


def unroll(phases: dict[int, NemaPhase], params: dict[str, str]) -> tuple[Phase, ...]:
    """
    Write a dual-ring program out as a sequence of states with yellow and red between them.

    Parameters
    ----------
    phases : dict
        NEMA phases by number.
    params : dict
        The program's parameters: ``ring1``, ``ring2``, ``barrierPhases``, ``barrier2Phases``.

    Returns
    -------
    tuple of Phase
        The sequence.

    Raises
    ------
    ValueError
        If the rings cannot be made out.

    References
    ----------
    .. [1] SUMO user documentation, Traffic Lights with NEMA Phases: parameters of rings and barriers.
    """
    ends = {
        int(word)
        for key in ("barrierPhases", "barrier2Phases")
        for word in params.get(key, "").split(",")
        if word
    }
    sides = [ring_sides(params.get(key, ""), ends) for key in ("ring1", "ring2")]
    if len(sides[0]) != len(sides[1]):
        msg = "its rings have different numbers of barriers"
        raise ValueError(msg)
    steps = [pair for one, other in zip(*sides, strict=True) for pair in pairs(one, other)]
    # A ramp's single phase stands in both rings, and a missing one in none.
    steps = [step for step, _ in groupby(steps)]
    unknown = {number for step in steps for number in step} - set(phases)
    if unknown or not steps:
        msg = (
            f"its rings name phases that it does not have ({', '.join(map(str, sorted(unknown))) or 'none'})"
        )
        raise ValueError(msg)
    rows: list[Phase] = []
    for k, step in enumerate(steps):
        after = steps[(k + 1) % len(steps)]
        now = merged(*(phases[number].state for number in step))
        then = merged(*(phases[number].state for number in after))
        leaving = [phases[number] for number in set(step) - set(after)]
        rows.append(Phase(now, max(phases[number].green for number in step)))
        yellow = max((p.yellow for p in leaving), default=0.0)
        red = max((p.red for p in leaving), default=0.0)
        rows += [
            Phase(between(now, then, lamp), time) for lamp, time in (("y", yellow), ("r", red)) if time > 0
        ]
    return tuple(rows)


def between(now: str, then: str, lamp: str) -> str:
    """
    Build the state of a transition.

    Parameters
    ----------
    now, then : str
        States before and after it.
    lamp : str
        What a link shows that loses its green.

    Returns
    -------
    str
        Links green before and after keep their green; no other is green.
    """
    letters = []
    for before, after in zip(now, then, strict=True):
        if before in "Gg":
            letters.append(before if after in "Gg" else lamp)
        else:
            letters.append("r" if after in "Gg" else before)
    return "".join(letters)
