"""Random plans that are rings and barriers by the way they are built, and faults of rings to plant into their phases."""

from __future__ import annotations

import math
from dataclasses import replace
from itertools import product
from typing import TYPE_CHECKING, Any

from plan_cases import make_schedule, maybe, pick

from sim.signals.plan import Group, Intergreen, Plan, SignalPlan
from sim.signals.ring_mapping import ring_program
from sim.signals.rings import Overlap, RingPhase, RingProgram, followers

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy as np

    Generator = np.random.Generator
    Planter = Callable[[Generator, SignalPlan, RingProgram], RingProgram | None]

# What a shipped profile for ring-barrier controllers asks, written down a second time [s], [m/s].
CYCLE, YELLOW, RED_CLEAR, LEAST, WALKING = (30, 255), (3, 6), (0, 6), 4, 1.067
ENDS = ("", " links", " ü")


def safe_ring_plan(rng: Generator) -> Plan:
    """Build a plan of signals with two rings and barriers, or one ring, that keeps every rule of the profile ``nema``."""
    ids = ["day", "night"][: pick(rng, (1, 2))]
    signals = tuple(ring_signal(rng, name, ids) for name in ("Main & 1st", "B")[: 1 + maybe(rng, 0.2)])
    plan = Plan(name="rings", signals=signals)
    if maybe(rng, 0.75):
        plan = plan.model_copy(update={"schedule": make_schedule(rng, plan, ids)})
    return Plan.model_validate_json(plan.model_dump_json())


def ring_signal(rng: Generator, name: str, ids: list[str]) -> SignalPlan:
    while True:
        frame = make_phases(rng)
        overlaps = make_overlaps(rng, frame)
        signal = make_signal(rng, name, frame, overlaps)
        programs = []
        for number, program in enumerate(ids, 1):
            ring = filled(rng, frame, overlaps, program, number)
            if ring is None:
                break
            # At a barrier nothing is in transition, and all that ends has cleared.
            made = ring_program(ring, signal)
            programs.append(made.model_copy(update={"switch": ring.start}))
        if len(programs) == len(ids):
            return signal.model_copy(update={"programs": tuple(programs)})


def make_phases(rng: Generator) -> list[RingPhase]:
    """Draw the phases with all that programs share; their greens are the shortest."""
    phases: list[RingPhase] = []
    rings = 1 + maybe(rng, 0.8)
    counts = {(r, side): pick(rng, (1, 2)) for r in range(1, rings + 1) for side in (1, 2)}
    for (r, side), count in counts.items():
        for position in range(1, count + 1):
            number = len(phases) + 1
            least = pick(rng, (LEAST, 12))
            walk = pick(rng, (LEAST, 10)) if maybe(rng, 0.4) else 0
            clear = pick(rng, (1, 15)) if walk else 0
            phases.append(
                RingPhase(
                    number,
                    r,
                    side,
                    position,
                    max(least, walk + clear),
                    pick(rng, YELLOW),
                    pick(rng, RED_CLEAR),
                    least,
                    (f"K{number}{rng.choice(ENDS)}",),
                    walk,
                    clear,
                    (f"F{number}",) if walk else (),
                    (),
                )
            )
    return [replace(p, permissive=p.groups if maybe(rng, 0.3) else ()) for p in phases]


def make_overlaps(rng: Generator, phases: list[RingPhase]) -> tuple[Overlap, ...]:
    overlaps: list[Overlap] = []
    for r in sorted({phase.ring for phase in phases}):
        own = [phase.number for phase in phases if phase.ring == r]
        if len(own) > 2 and maybe(rng, 0.5):
            k = pick(rng, (0, len(own) - 1))
            parents = (own[k], own[(k + 1) % len(own)])
            gives_way = parents[:1] if maybe(rng, 0.5) else ()
            overlaps.append(Overlap(len(overlaps) + 1, f"O{r}", parents, gives_way))
    return tuple(overlaps)


def make_signal(
    rng: Generator, name: str, phases: list[RingPhase], overlaps: tuple[Overlap, ...]
) -> SignalPlan:
    """Give the groups and an intergreen matrix that the clearances just cover, or with time to spare."""
    by_number = {phase.number: phase for phase in phases}
    groups = [
        Group(name=p.groups[0], minimum_green=p.minimum_green, yellow=p.yellow, speed=13.89) for p in phases
    ]
    groups += [
        Group(name=o.group, minimum_green=LEAST, yellow=by_number[o.parents[1]].yellow) for o in overlaps
    ]
    cells: list[tuple[str, str, int]] = []
    lengths: dict[str, int] = {}
    for a, b in product(phases, phases):
        if a is b or (a.ring != b.ring and a.barrier == b.barrier):
            continue
        clear = a.yellow + a.red_clear
        cells += [(a.groups[0], enter, spared(rng, clear)) for enter in (*b.groups, *b.pedestrians)]
        for walkers in a.pedestrians:
            need = a.pedestrian_clear + clear
            lengths[walkers] = min(lengths.get(walkers, need), spared(rng, need))
            cells.append((walkers, b.groups[0], need))
    for overlap, phase in product(overlaps, phases):
        last = by_number[overlap.parents[1]]
        if phase.ring == last.ring and phase.number not in overlap.parents:
            cells.append((overlap.group, phase.groups[0], spared(rng, last.yellow + last.red_clear)))
            cells.append((phase.groups[0], overlap.group, spared(rng, phase.yellow + phase.red_clear)))
    groups += [
        Group(
            name=walkers,
            kind="pedestrian",
            minimum_green=phase.walk,
            # To the tenth of a metre that who walks at this speed just makes.
            crossing=max(math.floor(10 * WALKING * lengths[walkers]) / 10, 0.1),
        )
        for phase in phases
        for walkers in phase.pedestrians
    ]
    matrix = tuple(Intergreen(clearing=a, entering=b, seconds=s) for a, b, s in cells)
    order = rng.permutation(len(groups)).tolist()
    return SignalPlan.model_construct(
        id=name,
        groups=tuple(groups[k] for k in order),
        intergreens=matrix,
        compatible=False,
        programs=(),
    )


def spared(rng: Generator, most: int) -> int:
    return most if maybe(rng, 0.6) else pick(rng, (0, most))


def filled(
    rng: Generator, frame: list[RingPhase], overlaps: tuple[Overlap, ...], program: str, number: int
) -> RingProgram | None:
    """Draw the greens of a program so that all rings come to each barrier together."""
    phases = [replace(p, green=p.green + pick(rng, (0, 30))) for p in frame]
    for side in (1, 2):
        sums = {
            r: sum(p.split for p in phases if (p.ring, p.barrier) == (r, side))
            for r in {p.ring for p in phases}
        }
        for r, total in sums.items():
            own = [k for k, p in enumerate(phases) if (p.ring, p.barrier) == (r, side)]
            k = own[pick(rng, (0, len(own) - 1))]
            phases[k] = replace(phases[k], green=phases[k].green + max(sums.values()) - total)
    cycle = sum(phase.split for phase in phases if phase.ring == 1)
    # Where both rings show the same green, the greens alone do not say which ring goes on with which.
    places = [(p.barrier, local(phases, p), p.green, p.yellow) for p in phases]
    if not CYCLE[0] <= cycle <= CYCLE[1] or len(set(places)) < len(places):
        return None
    first = tuple(
        min(p.number for p in phases if p.ring == r and p.barrier == 1) for r in {p.ring for p in phases}
    )
    offset, start = pick(rng, (0, cycle - 1)), pick(rng, (0, cycle - 1))
    return RingProgram("s", program, number, cycle, offset, tuple(phases), overlaps, first, start)


def local(phases: list[RingPhase], phase: RingPhase) -> int:
    """Measure the time from the barrier to the begin of a phase [s]."""
    return sum(
        p.split
        for p in phases
        if (p.ring, p.barrier) == (phase.ring, phase.barrier) and p.position < phase.position
    )


def any_phase(rng: Generator, ring: RingProgram) -> RingPhase:
    return ring.phases[pick(rng, (0, len(ring.phases) - 1))]


def changed(ring: RingProgram, phase: RingPhase, **update: Any) -> RingProgram:
    return replace(ring, phases=tuple(replace(p, **update) if p is phase else p for p in ring.phases))


def out_of_range(rng: Generator, signal: SignalPlan, ring: RingProgram) -> RingProgram:
    what = pick(rng, (0, 9))
    if what == 0:
        return replace(ring, offset=ring.cycle + pick(rng, (0, 3)))
    if what == 1:
        return replace(ring, cycle=int(rng.choice([0, 29, 256, 400])))
    if what == 2:
        return replace(ring, number=int(rng.choice([0, 254, 300])))
    if what == 3:
        return changed(ring, any_phase(rng, ring), number=int(rng.choice([0, 17, -1])))
    field = ["green", "yellow", "red_clear", "minimum_green", "walk", "pedestrian_clear"][what - 4]
    return changed(ring, any_phase(rng, ring), **{field: int(rng.choice([-1, 256]))})


def twice_in_a_ring(rng: Generator, signal: SignalPlan, ring: RingProgram) -> RingProgram | None:
    phase = any_phase(rng, ring)
    what = pick(rng, (0, 2))
    if what == 0:
        other = any_phase(rng, ring)
        return None if other is phase else changed(ring, phase, number=other.number)
    if what == 1 and ring.overlaps:
        overlap = ring.overlaps[0]
        broken = replace(overlap, parents=(overlap.parents[0], 15))
        return replace(ring, overlaps=(broken, *ring.overlaps[1:]))
    same = [p for p in ring.phases if (p.ring, p.barrier) == (phase.ring, phase.barrier) and p is not phase]
    return changed(ring, phase, position=same[0].position) if same else None


def moved_barrier(rng: Generator, signal: SignalPlan, ring: RingProgram) -> RingProgram | None:
    """Give a second of one side of a ring to the other, so that its sum stays."""
    phase = any_phase(rng, ring)
    others = [p for p in ring.phases if p.ring == phase.ring and p.barrier != phase.barrier]
    if len({p.ring for p in ring.phases}) == 1 or not others:
        return None
    other = max(others, key=lambda p: p.green)
    second = pick(rng, (1, 3))
    return changed(
        changed(ring, phase, green=phase.green + second), other, green=max(other.green - second, 1)
    )


def wrong_sum(rng: Generator, signal: SignalPlan, ring: RingProgram) -> RingProgram:
    """Lengthen a side in every ring, or the cycle alone, or one ring."""
    what = pick(rng, (0, 2))
    if what == 0:
        return replace(ring, cycle=ring.cycle + int(rng.choice([-1, 1])))
    if what == 1:
        phase = any_phase(rng, ring)
        return changed(ring, phase, green=phase.green + 1)
    side = any_phase(rng, ring).barrier
    last = {p.ring: p.number for p in ring.phases if p.barrier == side}
    longer = [replace(p, green=p.green + 1) if last.get(p.ring) == p.number else p for p in ring.phases]
    return replace(ring, phases=tuple(longer))


def short_split(rng: Generator, signal: SignalPlan, ring: RingProgram) -> RingProgram:
    phase = any_phase(rng, ring)
    if phase.walk and maybe(rng, 0.6):
        return changed(ring, phase, pedestrian_clear=phase.green - phase.walk + 1)
    return changed(ring, phase, minimum_green=phase.green + 1)


def conflicting(rng: Generator, signal: SignalPlan, ring: RingProgram) -> RingProgram | None:
    """Let a phase serve a group that conflicts with another of its own or of a phase beside it."""
    phase = any_phase(rng, ring)
    beside = [p for p in ring.phases if p is phase or (p.ring != phase.ring and p.barrier == phase.barrier)]
    served = {name for p in beside for name in (*p.groups, *p.pedestrians)}
    foes = [c.entering for c in signal.intergreens if c.clearing in served and c.entering not in served]
    if not foes:
        return None
    foe = foes[pick(rng, (0, len(foes) - 1))]
    if foe.startswith("F") and phase.walk:
        return changed(ring, phase, pedestrians=(*phase.pedestrians, foe))
    return changed(ring, phase, groups=(*phase.groups, foe))


def uncoordinated(rng: Generator, signal: SignalPlan, ring: RingProgram) -> RingProgram | None:
    what = pick(rng, (0, 3))
    if what == 0:
        return replace(ring, coordinated=ring.coordinated[1:])
    if what == 1:
        return replace(ring, coordinated=(*ring.coordinated, 14))
    first = ring.coordinated[0]
    home = next(p for p in ring.phases if p.number == first)
    others = [p.number for p in ring.phases if p.ring == home.ring and p.number != first]
    across = [p.number for p in ring.phases if p.ring == home.ring and p.barrier != home.barrier]
    if what == 2 and len(ring.coordinated) > 1 and across:
        return replace(ring, coordinated=(across[0], *ring.coordinated[1:]))
    return replace(ring, coordinated=(*ring.coordinated, others[0])) if others else None


def short_clearance(rng: Generator, signal: SignalPlan, ring: RingProgram) -> RingProgram | None:
    """Change yellow or red clearance within the split: beyond a limit, or a second below an intergreen."""
    phase = any_phase(rng, ring)
    if not phase.groups:  # nobody sees its yellow
        return None
    what = pick(rng, (0, 3))
    if what == 0:
        more = YELLOW[0] - 1 - phase.yellow
        return changed(ring, phase, yellow=YELLOW[0] - 1, green=phase.green - more)
    if what == 1:
        return changed(ring, phase, yellow=YELLOW[1] + 1)
    if what == 2:
        return changed(ring, phase, red_clear=RED_CLEAR[1] + 1)
    after = next(p for p in ring.phases if p.number == followers(ring)[phase.number])
    seconds = {(c.clearing, c.entering): c.seconds for c in signal.intergreens}
    clear = phase.yellow + phase.red_clear
    tight = any(seconds.get(pair) == clear for pair in product(phase.groups, after.groups))
    if not tight or not phase.red_clear:
        return None
    return changed(ring, phase, red_clear=phase.red_clear - 1, green=phase.green + 1)


RING_PLANTERS: dict[str, Planter] = {
    "nema-range": out_of_range,
    "nema-ring": twice_in_a_ring,
    "nema-barrier": moved_barrier,
    "nema-sum": wrong_sum,
    "nema-split": short_split,
    "nema-concurrency": conflicting,
    "nema-coordinated": uncoordinated,
    "nema-clearance": short_clearance,
}
