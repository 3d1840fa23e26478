"""What a signal's program tells: groups, stages, and which phases are only transitions."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sim.network.parts import SignalGroup, Stage

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sim.network.parts import Movement, Phase

GREEN_LETTERS = frozenset("Gg")
YELLOW_LETTERS = frozenset("yY")
MOVING = frozenset("yYu")
# Letters with which a movement can drive at some time.
DRIVABLE = frozenset("GgsoO")
# A phase up to this long that only leaves out greens of a stage beside it staggers their ends or begins [s];
# netconvert gives walkers 5 s to clear a crossing while the cars beside them keep their green.
LONGEST_STAGGER = 5.0


def green_links(state: str) -> frozenset[int]:
    """
    Collect the links that are green in a state.

    Parameters
    ----------
    state : str
        A SUMO state string.

    Returns
    -------
    frozenset of int
        Link indices that show G or g.
    """
    return frozenset(i for i, letter in enumerate(state) if letter in GREEN_LETTERS)


def derive_groups(
    phases: Sequence[Phase], movements: Mapping[int, Sequence[tuple[int, Movement]]]
) -> tuple[SignalGroup, ...]:
    """
    Form signal groups: links of one approach whose letters agree in every phase.

    Parameters
    ----------
    phases : sequence of Phase
        The program.
    movements : mapping
        Link index to the (number, movement) pairs it controls; a link without any still forms a group.

    Returns
    -------
    tuple of SignalGroup
        In the order of their first link; vehicle groups are named K1, K2, ..., pedestrian ones F1, F2, ...
    """
    members: dict[tuple[str, str, bool], list[int]] = {}
    for link in range(len(phases[0].state) if phases else 0):
        column = "".join(p.state[link] for p in phases)
        here = movements.get(link, ())
        pedestrian = bool(here) and all(m.crossing for _, m in here)
        # Each crossing is its own group: two crossings of one walking area end on different kerbs.
        origin = (here[0][1].to_edge if pedestrian else here[0][1].from_edge) if here else ""
        members.setdefault((origin, column, pedestrian), []).append(link)
    groups = []
    counts = {"K": 0, "F": 0}
    for (_, column, pedestrian), links in members.items():
        letter = "F" if pedestrian else "K"
        counts[letter] += 1
        numbers = dict.fromkeys(number for link in links for number, _ in movements.get(link, ()))
        groups.append(
            SignalGroup(f"{letter}{counts[letter]}", tuple(links), tuple(numbers), pedestrian, column)
        )
    return tuple(groups)


def derive_stages(phases: Sequence[Phase]) -> tuple[Stage, ...]:
    """
    Tell a program's stages from its transitions.

    A phase is a stage if some link that is not always green is green in it and none shows yellow or red-yellow.
    A short phase whose greens all belong to the stage before or after it only staggers an end or a begin. A link
    that is green in no such phase is given the longest phase in which it is green, without its yellows.

    Parameters
    ----------
    phases : sequence of Phase
        The program.

    Returns
    -------
    tuple of Stage
        In program order, each state once.
    """
    if not phases:
        return ()
    greens = [green_links(p.state) for p in phases]
    always = frozenset.intersection(*greens)
    steady = [
        k for k, p in enumerate(phases) if p.duration > 0 and not MOVING & set(p.state) and greens[k] - always
    ]
    stages: dict[str, Stage] = {}

    def note(state: str, k: int) -> None:
        known = stages.get(state, Stage(state, 0.0, k))
        stages[state] = Stage(state, known.duration + phases[k].duration, known.phase)

    for at, k in enumerate(steady):
        if phases[k].duration <= LONGEST_STAGGER and len(steady) > 1:
            before, after = steady[at - 1], steady[(at + 1) % len(steady)]
            if greens[k] < greens[before] or greens[k] < greens[after]:
                continue
        note(phases[k].state, k)
    served = always.union(*(green_links(state) for state in stages))
    for link in sorted(frozenset.union(*greens) - served):
        if link not in served:
            k = max((k for k in range(len(phases)) if link in greens[k]), key=lambda k: phases[k].duration)
            note("".join("r" if letter in MOVING else letter for letter in phases[k].state), k)
            served |= greens[k]
    return tuple(sorted(stages.values(), key=lambda stage: stage.phase))
