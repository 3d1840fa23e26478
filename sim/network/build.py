"""Builds a signal from its program and its movements, or tells why it is not ours to switch."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sim.errors import InputError
from sim.network.book import NOT_ROAD_SIGNALS, OFF_PROGRAM
from sim.network.parts import Signal
from sim.network.program import derive_groups, derive_stages

if TYPE_CHECKING:
    from sim.network.parts import Movement, Program


def reason_to_leave(program: Program | None, junction: str) -> str:
    """
    Tell why a signal is not ours to switch.

    Parameters
    ----------
    program : Program or None
        Its program.
    junction : str
        SUMO's type of its junction.

    Returns
    -------
    str
        The end of a sentence that begins with the signal; empty if it is ours.
    """
    kind = program.kind if program else junction
    if kind in NOT_ROAD_SIGNALS:
        return f"is a {kind.replace('_', ' ')}, a safety device and no timing"
    if program is None:
        return "has no program"
    if program.id == OFF_PROGRAM:
        return "is switched off by its program 'off'"
    return "" if program.phases else f"has no phases in program '{program.id}'"


def build_signal(program: Program, by_link: dict[int, list[tuple[int, Movement]]]) -> Signal:
    """
    Derive groups and stages of a signal.

    Parameters
    ----------
    program : Program
        Its program.
    by_link : dict
        Link index to the (number, movement) pairs it controls.

    Returns
    -------
    Signal
        The signal.

    Raises
    ------
    InputError
        If the program has fewer letters than the signal has links.
    """
    letters = len(program.phases[0].state)
    if max(by_link) >= letters:
        msg = (
            f"{program.source}: signal '{program.signal}': program '{program.id}' has states of {letters} letters for "
            f"{max(by_link) + 1} links; it was written for another network"
        )
        raise InputError(msg)
    return Signal(
        id=program.signal,
        kind=program.kind,
        program=program.id,
        offset=program.offset,
        phases=program.phases,
        junctions=tuple(dict.fromkeys(m.junction for pairs in by_link.values() for _, m in pairs)),
        groups=derive_groups(program.phases, by_link),
        stages=derive_stages(program.phases),
        remarks=program.remarks,
    )
