"""Maps a signal program to rings and barriers (NEMA TS 2), exactly or not at all, and back."""

from __future__ import annotations

from itertools import chain, product
from typing import TYPE_CHECKING

import numpy as np

from sim.errors import InputError
from sim.signals.lamps import GREEN, PERMISSIVE, greens_of, seconds_of
from sim.signals.plan import Green, Program
from sim.signals.ring_fit import MOST_PHASES, Layout, Rings, Slot, Span, one_ring, two_rings
from sim.signals.ring_walks import place_walks
from sim.signals.rings import Overlap, RingPhase, RingProgram, followers, phase_begins

if TYPE_CHECKING:
    from sim.signals.plan import Group, SignalPlan

# Sides of barriers of a dual-ring signal; with more the greens show stages.
MOST_SIDES = 4
# The numbers of the eight phases of a dual-ring signal, by side of the barrier and ring.
EIGHT = (((1, 2), (5, 6)), ((3, 4), (7, 8)))


def map_rings(signal: SignalPlan, program: Program) -> RingProgram:
    """
    Say a program as rings and barriers.

    Two rings are taken if the greens show them, else one ring of stages. The side with the longest green is the first;
    in a signal of up to eight phases its phases are 1, 2, 5 and 6 and the others 3, 4, 7 and 8, the longer of two even,
    a single one even; in others the phases count up ring by ring, and in a single ring 2 is the longest. The longest
    phase of each ring on the first side is coordinated.

    Parameters
    ----------
    signal : SignalPlan
        The signal.
    program : Program
        One of its programs.

    Returns
    -------
    RingProgram
        Its lamps are the program's, second by second.

    Raises
    ------
    InputError
        If the program has no such structure; naming the group and why.
    """
    try:
        spans, walks = _parts(signal, program)
        layout = _layout(signal, program, spans, walks)
        return _numbered(signal, program, layout, spans, walks)
    except InputError as error:
        msg = f"signal '{signal.id}': program '{program.id}' cannot be said as rings and barriers: {error}"
        raise InputError(msg) from error


def ring_program(ring: RingProgram, signal: SignalPlan) -> Program:
    """
    Run the phases through their rings over one cycle.

    Parameters
    ----------
    ring : RingProgram
        The phases.
    signal : SignalPlan
        The signal whose groups they serve.

    Returns
    -------
    Program
        Greens of all groups, cycle and offset; no switch second and no stages, which rings do not have.

    Raises
    ------
    InputError
        If a phase serves a group that the signal does not have, or one group is served twice at a time.
    """
    known = set(signal.number())
    shown = {
        name: np.zeros(ring.cycle, np.uint8)
        for name in chain.from_iterable(
            [*((*p.groups, *p.pedestrians) for p in ring.phases), [o.group for o in ring.overlaps]]
        )
    }
    unknown = [name for name in shown if name not in known]
    if unknown:
        msg = f"signal '{ring.signal}' has no group '{unknown[0]}', which the phases of program '{ring.program}' serve"
        raise InputError(msg)
    begins = phase_begins(ring)
    for phase in ring.phases:
        at = begins[phase.number]
        for name in phase.groups:
            letter = PERMISSIVE if name in phase.permissive else GREEN
            _show(shown[name], at, phase.green, letter)
        for name in phase.pedestrians:
            _show(shown[name], at, phase.walk, GREEN)
    follows = followers(ring)
    for overlap in ring.overlaps:
        parents = [phase for phase in ring.phases if phase.number in overlap.parents]
        for phase in sorted(parents, key=lambda p: p.number not in overlap.permissive):
            through = follows[phase.number] in overlap.parents
            letter = PERMISSIVE if phase.number in overlap.permissive else GREEN
            _show(shown[overlap.group], begins[phase.number], phase.split if through else phase.green, letter)
    greens = tuple(
        Green(group=group.name, begin=begin, end=end, permissive=permissive)
        for group in signal.groups
        if group.name in shown
        for begin, end, permissive in greens_of(shown[group.name])
    )
    return Program(
        id=ring.program,
        number=ring.number,
        cycle=ring.cycle,
        offset=(ring.offset - ring.start) % ring.cycle,
        greens=greens,
    )


def _show(row: np.ndarray[tuple[int], np.dtype[np.uint8]], begin: int, length: int, letter: int) -> None:
    if length > 0:
        row[np.arange(begin, begin + min(length, len(row))) % len(row)] = letter


def _parts(signal: SignalPlan, program: Program) -> tuple[list[Span], list[Span]]:
    """Take the greens apart into those of vehicles and those of pedestrians."""
    spans: list[Span] = []
    walks: list[Span] = []
    greens: dict[str, list[Green]] = {}
    for green in program.greens:
        greens.setdefault(green.group, []).append(green)
    for group in signal.groups:
        if group.rest in {"off", "blinking"}:
            msg = f"group '{group.name}' rests {'dark' if group.rest == 'off' else 'blinking'}, which no phase does"
            raise InputError(msg)
        if group.red_yellow:
            msg = f"group '{group.name}' shows {group.red_yellow} s of red-yellow, which ring-barrier controllers do not have"
            raise InputError(msg)
        found = _spans(group, greens.get(group.name, []), program.cycle)
        if not found:
            msg = f"group '{group.name}' has no green"
            raise InputError(msg)
        if group.kind != "pedestrian":
            spans += found
        elif len(found) > 1:
            msg = f"pedestrian group '{group.name}' has {len(found)} greens a cycle; a phase has one walk"
            raise InputError(msg)
        elif group.yellow or any(green.permissive for green in greens[group.name]):
            msg = f"pedestrian group '{group.name}' shows yellow or gives way, which a walk does not"
            raise InputError(msg)
        else:
            walks += found
    return spans, walks


def _spans(group: Group, greens: list[Green], cycle: int) -> list[Span]:
    """Join the greens of a group that follow each other without a gap."""
    letters = np.zeros(cycle, np.uint8)
    for green in greens:
        letters[seconds_of(green.begin, green.end, cycle)] = PERMISSIVE if green.permissive else GREEN
    changes = {t for t in range(cycle) if letters[t] and letters[t - 1] and letters[t] != letters[t - 1]}
    return [
        Span(
            group.name,
            begin,
            (end - begin - 1) % cycle + 1,
            group.yellow,
            tuple(sorted(t for t in changes if (t - begin) % cycle < (end - begin - 1) % cycle + 1)),
        )
        for begin, end, _ in greens_of(np.where(letters > 0, np.uint8(GREEN), np.uint8(0)))
    ]


def _layout(signal: SignalPlan, program: Program, spans: list[Span], walks: list[Span]) -> Layout:
    foes = {(cell.clearing, cell.entering) for cell in signal.intergreens}

    def conflict(one: Span, other: Span) -> bool:
        return (one.group, other.group) in foes or (other.group, one.group) in foes

    dual = two_rings(spans, program.cycle, conflict)
    # Which chain of a side is which ring matters to overlaps that cross a barrier.
    turns = product((1, -1), repeat=len(dual) - 1) if dual is not None and len(dual) <= MOST_SIDES else ()
    for turn in turns:
        layout = [side[::step] for side, step in zip(dual or [], (1, *turn), strict=True)]
        try:
            _numbered(signal, program, layout, spans, walks)
        except InputError:
            # The greens only look like these rings; others may do, and one ring says why if none does.
            continue
        return layout
    return one_ring(spans, [walk.begin for walk in walks], program.cycle)


def _numbered(
    signal: SignalPlan, program: Program, layout: Layout, spans: list[Span], walks: list[Span]
) -> RingProgram:
    """Give the phases numbers and groups."""
    sides = _sides(layout)
    total = sum(len(ring) for side in sides for ring in side)
    if total > MOST_PHASES:
        msg = f"it takes {total} phases; there are {MOST_PHASES}"
        raise InputError(msg)
    numbers = _numbers(sides)
    rings = [
        [(numbers[s][r][k], slot) for s, side in enumerate(sides) for k, slot in enumerate(side[r])]
        for r in range(len(sides[0]))
    ]
    served, overlaps = _served(program, rings, spans)
    walking = place_walks(signal, program, rings, walks, _beside(numbers, served, overlaps))
    phases = [
        _phase(signal, (numbers[s][r][k], r + 1, s + 1, k + 1), slot, served, walking, overlaps)
        for s, side in enumerate(sides)
        for r, ring in enumerate(side)
        for k, slot in enumerate(ring)
    ]
    coordinated = tuple(
        numbers[0][r][_coordinated(ring, alone=len(rings) == 1)] for r, ring in enumerate(sides[0])
    )
    at = sides[0][0][0].begin
    start = min(
        (slot.begin for side in rings for n, slot in side if n in coordinated),
        key=lambda begin: (begin - at) % program.cycle,
    )
    return RingProgram(
        signal=signal.id,
        program=program.id,
        number=program.number,
        cycle=program.cycle,
        offset=(program.offset + start) % program.cycle,
        phases=tuple(sorted(phases, key=lambda phase: phase.number)),
        overlaps=tuple(overlaps),
        coordinated=coordinated,
        start=start,
    )


def _sides(layout: Layout) -> Layout:
    """Turn the order so that the longest green is on the first side, or the second phase of a single ring."""
    if len(layout[0]) == 1:
        ring = layout[0][0]
        longest = max(range(len(ring)), key=lambda k: (ring[k].green, -k))
        first = (longest - 1) % len(ring)
        return [[ring[first:] + ring[:first]]]
    longest = max(range(len(layout)), key=lambda s: (max(x.green for r in layout[s] for x in r), -s))
    return layout[longest:] + layout[:longest]


def _coordinated(ring: list[Slot], *, alone: bool) -> int:
    """Choose a phase: the longest, the later of two; in a single ring the one that was turned to the second place."""
    if alone:
        return min(1, len(ring) - 1)
    return max(range(len(ring)), key=lambda k: (ring[k].green, k))


def _numbers(sides: Layout) -> list[list[list[int]]]:
    """Give numbers by side, ring and position."""
    if len(sides[0]) > 1 and len(sides) <= 2 and all(len(ring) <= 2 for side in sides for ring in side):
        return [[_pair(ring, EIGHT[s][r]) for r, ring in enumerate(side)] for s, side in enumerate(sides)]
    numbers: list[list[list[int]]] = [[[] for _ in side] for side in sides]
    count = 0
    for r in range(len(sides[0])):
        for s, side in enumerate(sides):
            numbers[s][r] = list(range(count + 1, count + 1 + len(side[r])))
            count += len(side[r])
    return numbers


def _pair(ring: list[Slot], pair: tuple[int, int]) -> list[int]:
    odd, even = pair
    if len(ring) == 1:
        return [even]
    return [even, odd] if ring[0].green > ring[1].green else [odd, even]


def _served(
    program: Program, rings: Rings, spans: list[Span]
) -> tuple[dict[int, dict[str, bool]], list[Overlap]]:
    """Find the phases of each group: one, or the parents of an overlap."""
    served: dict[int, dict[str, bool]] = {}
    overlaps: list[Overlap] = []
    for name in dict.fromkeys(span.group for span in spans):
        own = [span for span in spans if span.group == name]
        parents, gives_way = _parents(program, rings, own)
        if len(parents) == 1:
            served.setdefault(parents[0], {})[name] = bool(gives_way)
        else:
            overlaps.append(Overlap(len(overlaps) + 1, name, tuple(parents), tuple(gives_way)))
    return served, overlaps


def _parents(program: Program, rings: Rings, own: list[Span]) -> tuple[list[int], list[int]]:
    """Find the phases of one ring that the greens of a group run through."""
    name, cycle = own[0].group, program.cycle
    for ring in rings:
        runs = [_run(ring, span, cycle) for span in own]
        if not all(runs):
            continue
        parents = [number for run in runs for number, _ in run]
        last = {run[-1][0] for run in runs}
        order = [number for number, _ in ring]
        for k, number in enumerate(order):
            if (
                number in last
                and len(parents) > 1
                and order[(k + 1) % len(order)] in parents
                and own[0].green < cycle
            ):
                ends = next(x for run in runs for n, x in run if n == number)
                msg = (
                    f"group '{name}' ends at {(ends.begin + ends.green) % cycle} s and is green again with the very next "
                    f"phase at {(ends.begin + ends.split) % cycle} s; an overlap stays green between its phases"
                )
                raise InputError(msg)
        slots = [slot for run in runs for _, slot in run]
        changes = {at for span in own for at in span.changes}
        if not changes <= {slot.begin for slot in slots}:
            continue
        shown = np.zeros(cycle, np.bool_)
        for green in program.greens:
            if green.group == name and green.permissive:
                shown[seconds_of(green.begin, green.end, cycle)] = True
        return parents, [number for run in runs for number, slot in run if shown[slot.begin]]
    greens = ", ".join(f"{span.begin} to {(span.begin + span.green) % cycle or cycle}" for span in own)
    msg = f"group '{name}' is green from {greens}, which is no run of phases of one ring"
    raise InputError(msg)


def _run(ring: list[tuple[int, Slot]], span: Span, cycle: int) -> list[tuple[int, Slot]]:
    """Find the phases that a green runs through; none if it begins or ends at another second."""
    if span.green == cycle:
        return ring
    for k, (_, slot) in enumerate(ring):
        if slot.begin == span.begin:
            turned = ring[k:] + ring[:k]
            for n, (_, last) in enumerate(turned):
                end = (last.begin - span.begin) % cycle + last.green
                if end == span.green and last.yellow == span.yellow:
                    return turned[: n + 1]
    return []


def _beside(
    numbers: list[list[list[int]]], served: dict[int, dict[str, bool]], overlaps: list[Overlap]
) -> dict[int, set[str]]:
    """Tell which groups may be green while a phase is: its own, and those of other rings on its side."""
    of = {
        number: {*served.get(number, {}), *(o.group for o in overlaps if number in o.parents)}
        for number in chain.from_iterable(ring for side in numbers for ring in side)
    }
    return {
        number: of[number].union(*(of[n] for ring in side if ring is not own for n in ring))
        for side in numbers
        for own in side
        for number in own
    }


def _phase(
    signal: SignalPlan,
    place: tuple[int, int, int, int],
    slot: Slot,
    served: dict[int, dict[str, bool]],
    walking: dict[int, tuple[int, int, list[str]]],
    overlaps: list[Overlap],
) -> RingPhase:
    number, ring, barrier, position = place
    groups = served.get(number, {})
    least = {group.name: group.minimum_green for group in signal.groups}
    walk, clear, walkers = walking.get(number, (0, 0, []))
    through = [least[overlap.group] for overlap in overlaps if number in overlap.parents]
    # An overlap's green lasts longer than this phase, so its minimum binds the phase only as far as it can.
    shared = min(slot.green, max(through, default=max(least.values())))
    return RingPhase(
        number=number,
        ring=ring,
        barrier=barrier,
        position=position,
        green=slot.green,
        yellow=slot.yellow,
        red_clear=slot.red_clear,
        minimum_green=max((least[name] for name in groups), default=shared),
        groups=tuple(groups),
        walk=walk,
        pedestrian_clear=clear,
        pedestrians=tuple(walkers),
        permissive=tuple(name for name, gives_way in groups.items() if gives_way),
    )
