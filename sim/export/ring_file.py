"""What the formats of rings and barriers share: the plan's programs as rings, and a signal from the rings of a file."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sim.errors import InputError
from sim.signals.profile import load_profile
from sim.signals.ring_check import check_rings
from sim.signals.ring_mapping import map_rings, ring_program
from sim.signals.rings import followers
from sim.signals.safety import describe_findings

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from sim.signals.plan import Plan, Program, SignalPlan
    from sim.signals.rings import RingProgram


def plan_rings(plan: Plan) -> Iterator[tuple[int, SignalPlan, Program, RingProgram]]:
    """
    Say all programs of a plan as rings and barriers.

    Parameters
    ----------
    plan : Plan
        The plan.

    Yields
    ------
    tuple
        Number of the signal, from 1, the signal, the program, and the program as rings.

    Raises
    ------
    InputError
        If a program has no such structure, or no controller could run it.
    """
    for k, signal in enumerate(plan.signals, start=1):
        for program in signal.programs:
            ring = map_rings(signal, program)
            refuse_faulty([ring], signal, "the plan does not go into rings and barriers")
            yield k, signal, program, ring


def refuse_faulty(rings: Sequence[RingProgram], signal: SignalPlan, where: str) -> None:
    """
    Refuse rings with which a controller would run free or not at all, whatever the limits of the plan's profile.

    Parameters
    ----------
    rings : sequence of RingProgram
        The programs of a signal.
    signal : SignalPlan
        The signal with its safety data.
    where : str
        What they stand in, for the message.

    Raises
    ------
    InputError
        If they break a rule of rings and barriers.
    """
    limits = load_profile("basic").limits
    findings = [finding for ring in rings for finding in check_rings(ring, signal, limits)]
    if findings:
        msg = f"{where}: {describe_findings(findings)}"
        raise InputError(msg)


def base_plan(plan: Plan | None, name: str) -> Plan:
    """
    Insist on the plan that gives what a file does not carry.

    Parameters
    ----------
    plan : Plan or None
        The plan, if any.
    name : str
        Of the format.

    Returns
    -------
    Plan
        The plan.

    Raises
    ------
    InputError
        If there is none.
    """
    if plan is None:
        msg = f"a {name} file is read beside the plan it was made from; give that plan"
        raise InputError(msg)
    return plan


def restore(
    signal: SignalPlan,
    rings: Sequence[RingProgram],
    arrows: frozenset[str] | None = None,
    *,
    yellow: bool = True,
) -> SignalPlan:
    """
    Put the programs of a file into the signal they were made from.

    Parameters
    ----------
    signal : SignalPlan
        Gives the safety data, the switch seconds and the stages.
    rings : sequence of RingProgram
        The programs that the file gives.
    arrows : frozenset of str, optional
        Groups that rest with an arrow by what the file says; without it as the signal has it.
    yellow : bool, optional
        Whether the file gives the yellow times.

    Returns
    -------
    SignalPlan
        The signal as the file has it.

    Raises
    ------
    InputError
        If the file gives a group yellows of different lengths, or rings that no controller could run.
    """
    refuse_faulty(rings, signal, "the file")
    yellows: dict[str, int] = {}
    for ring in rings if yellow else ():
        for name, seconds in ending_yellows(ring):
            if yellows.setdefault(name, seconds) != seconds:
                msg = (
                    f"signal '{signal.id}': group '{name}' has yellows of {yellows[name]} s and {seconds} s; "
                    "a plan has one for each group"
                )
                raise InputError(msg)
    groups = []
    for group in signal.groups:
        changes: dict[str, object] = {"yellow": yellows.get(group.name, group.yellow)}
        if arrows is not None:
            changes["rest"] = "arrow" if group.name in arrows else "red"
        groups.append(group.model_copy(update=changes))
    programs = []
    for ring in rings:
        program = ring_program(ring, signal)
        known = signal.program(ring.program)
        if known is not None:
            program = program.model_copy(update={"switch": known.switch, "stages": known.stages})
        programs.append(program)
    return signal.model_copy(update={"groups": tuple(groups), "programs": tuple(programs)})


def ending_yellows(ring: RingProgram) -> Iterator[tuple[str, int]]:
    """
    Tell what yellow each group shows: of the phase that serves it, or of the last one of each run of an overlap.

    Parameters
    ----------
    ring : RingProgram
        The phases.

    Yields
    ------
    tuple
        Name of the group and yellow [s].
    """
    follows = followers(ring)
    for phase in ring.phases:
        yield from ((name, phase.yellow) for name in phase.groups)
        for overlap in ring.overlaps:
            if phase.number in overlap.parents and follows[phase.number] not in overlap.parents:
                yield overlap.group, phase.yellow
