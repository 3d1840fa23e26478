"""What a signal's program tells: groups, stages, and which phases are only transitions."""

from __future__ import annotations

from collections.abc import Sequence

from sim.network.parts import Movement, Phase, SignalGroup, Stage

GREEN_LETTERS = frozenset("Gg")
YELLOW_LETTERS = frozenset("yY")
MOVING = frozenset("yYu")


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


def derive_groups(phases: Sequence[Phase], movements: dict[int, list[tuple[int, Movement]]]) -> tuple[SignalGroup, ...]:
    """
    Form signal groups: links of one approach whose letters agree in every phase.

    Parameters
    ----------
    phases : sequence of Phase
        The program.
    movements : dict
        Link index to the (number, movement) pairs it controls; a link without any still forms a group.

    Returns
    -------
    tuple of SignalGroup
        In the order of their first link; vehicle groups are named K1, K2, ..., pedestrian ones F1, F2, ...
    """
    members: dict[tuple[str, str, bool], list[int]] = {}
    for link in range(len(phases[0].state) if phases else 0):
        column = "".join(p.state[link] for p in phases)
        here = movements.get(link, [])
        pedestrian = bool(here) and all(m.crossing for _, m in here)
        # Each crossing is its own group: two crossings of one walking area end on different kerbs.
        origin = (here[0][1].to_edge if pedestrian else here[0][1].from_edge) if here else ""
        members.setdefault((origin, column, pedestrian), []).append(link)
    groups = []
    counts = {"K": 0, "F": 0}
    for (_, column, pedestrian), links in members.items():
        letter = "F" if pedestrian else "K"
        counts[letter] += 1
        numbers = tuple(number for link in links for number, _ in movements.get(link, []))
        groups.append(SignalGroup(f"{letter}{counts[letter]}", tuple(links), numbers, pedestrian, column))
    return tuple(groups)


def derive_stages(phases: Sequence[Phase]) -> tuple[Stage, ...]:
    """
    Tell a program's stages from its transitions.

    A phase is a stage if some link that is not always green is green in it and none shows yellow or red-yellow.
    A short phase whose greens all belong to the stage before or after it only staggers an end or a begin.

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
    always = frozenset.intersection(*(green_links(p.state) for p in phases))
    steady = [k for k, p in enumerate(phases) if not MOVING & set(p.state) and green_links(p.state) - always]
    stages: dict[str, Stage] = {}
    for at, k in enumerate(steady):
        phase = phases[k]
        if phase.duration < 5.0 and len(steady) > 1:
            before, after = phases[steady[at - 1]].state, phases[steady[(at + 1) % len(steady)]].state
            greens = green_links(phase.state)
            if greens < green_links(before) or greens < green_links(after):
                continue
        known = stages.get(phase.state)
        if known is None:
            stages[phase.state] = Stage(phase.state, phase.duration, k)
        else:
            stages[phase.state] = Stage(phase.state, known.duration + phase.duration, known.phase)
    return tuple(stages.values())
