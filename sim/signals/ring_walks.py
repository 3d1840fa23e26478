"""Gives pedestrian greens to phases of rings and barriers, with the clearance they need."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from sim.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sim.signals.plan import Program, SignalPlan
    from sim.signals.ring_fit import Rings, Span

# MUTCD 4E.06: 3.5 ft/s, for crossings of which the matrix says nothing [m/s].
WALKING_SPEED = 1.067


def place_walks(
    signal: SignalPlan, program: Program, rings: Rings, walks: list[Span], beside: Mapping[int, set[str]]
) -> dict[int, tuple[int, int, list[str]]]:
    """
    Give each pedestrian green to a phase that begins with it.

    Parameters
    ----------
    signal : SignalPlan
        The signal.
    program : Program
        The program.
    rings : list
        Numbers and times of the phases of each ring.
    walks : list of Span
        Greens of the pedestrian groups.
    beside : mapping
        Groups that may be green while a phase is, its own among them, by its number.

    Returns
    -------
    dict
        Walk, pedestrian clearance [s] and groups by phase number.

    Raises
    ------
    InputError
        If no phase begins with a walk, or holds it with its clearance.
    """
    walking: dict[int, tuple[int, int, list[str]]] = {}
    for walk in walks:
        fitting = [
            x for ring in rings for x in ring if x[1].begin == walk.begin and walk.green < program.cycle
        ]
        if not fitting:
            msg = f"pedestrian group '{walk.group}' begins at {walk.begin} s, when no phase begins"
            raise InputError(msg)
        foes = {cell.clearing for cell in signal.intergreens if cell.entering == walk.group}
        foes |= {cell.entering for cell in signal.intergreens if cell.clearing == walk.group}
        # The rings go to a barrier each in its own time, so what runs beside the phase must not conflict at any.
        for number, slot in sorted(fitting, key=lambda x: (bool(foes & beside[x[0]]), -x[1].green)):
            need = _clearance(signal, program, walk, (slot.begin + slot.split) % program.cycle)
            held, clear, names = walking.get(number, (walk.green, 0, []))
            # What the green does not hold of the clearance passes in yellow and red clearance.
            if held == walk.green <= slot.green and walk.green + need <= slot.split:
                clear = max(clear, min(need, slot.green - walk.green))
                walking[number] = (held, clear, [*names, walk.group])
                break
        else:
            number, slot = fitting[0]
            msg = (
                f"pedestrian group '{walk.group}' walks {walk.green} s and clears {need} s, which phase {number} "
                f"with {slot.green} s of green and a split of {slot.split} s does not hold beside its other walks"
            )
            raise InputError(msg)
    return walking


def _clearance(signal: SignalPlan, program: Program, walk: Span, following: int) -> int:
    """Find the time that must pass from the end of a walk to the next phase [s]."""
    end = (walk.begin + walk.green) % program.cycle
    to_next = (following - end) % program.cycle
    needs = []
    for cell in signal.intergreens:
        if cell.clearing == walk.group:
            ahead = [(g.begin - end) % program.cycle for g in program.greens if g.group == cell.entering]
            # Foes that come later than the next phase leave more time.
            needs.append(cell.seconds - max(min(ahead, default=0) - to_next, 0))
    crossing = next(group.crossing for group in signal.groups if group.name == walk.group)
    if not needs and crossing is not None:
        needs = [math.ceil(crossing / WALKING_SPEED - 1e-9)]
    return max(needs, default=0)
