"""Files that do not say what the plan says: written of another plan, cut off, or with something else in their place."""

from __future__ import annotations

from typing import TYPE_CHECKING

from plan_cases import changed_group, changed_program, changed_signal, maybe, pick

from sim.errors import InputError
from sim.export.registry import find_format

if TYPE_CHECKING:
    import numpy as np

    from sim.export.format import Format
    from sim.signals.plan import Plan

    Generator = np.random.Generator

# Formats that take any plan, and those that take rings and barriers only; sheet and v2x are left to their own tests,
# as a page and a message of every second take long.
ANY, RINGS = ("csv", "sumo", "sig", "rsmp"), ("ntcip", "utdf", "gmns")
# What no reader accepts in place of a file.
GARBAGE = (b"", b"\xff\xfe\x00", b"<a>&b;</a>", b"{", b"on,off\n", "Grünband\n".encode() * 3)


def other_plan(rng: Generator, plan: Plan, form: Format) -> Plan | None:
    """Change one thing that the format carries: a second of a green, a yellow, an offset, a program, the schedule."""
    s = pick(rng, (0, len(plan.signals) - 1))
    p = pick(rng, (0, len(plan.signals[s].programs) - 1)) if "programs" in form.carries else 0
    what = str(rng.choice(sorted(form.carries & {"offset", "yellow", "programs", "schedule", "greens"})))
    signal = plan.signals[s]
    program = signal.programs[p]
    if what == "offset":
        return changed_program(plan, s, p, offset=(program.offset + pick(rng, (1, 9))) % program.cycle)
    if what == "yellow":
        k = pick(rng, (0, len(signal.groups) - 1))
        return changed_group(plan, s, k, yellow=signal.groups[k].yellow + 1)
    if what == "programs":
        gone = signal.programs[:p] + signal.programs[p + 1 :]
        return changed_signal(plan, s, programs=gone) if gone else None
    if what == "schedule":
        return plan.model_copy(update={"schedule": None}) if plan.schedule else None
    return shorter_green(plan, s, p, pick(rng, (0, len(program.greens) - 1)))


def shorter_green(plan: Plan, s: int, p: int, k: int) -> Plan | None:
    program = plan.signals[s].programs[p]
    green = program.greens[k]
    shorter = green.model_copy(update={"end": green.end - 1 or program.cycle})
    if shorter.end == green.begin or (green.begin, green.end) == (0, program.cycle):
        return None
    rows = (*program.greens[:k], shorter, *program.greens[k + 1 :])
    return changed_program(plan, s, p, greens=rows, stages=())


def planted_file(rng: Generator, plan: Plan, *, rings: bool) -> tuple[Format, dict[str, bytes]] | None:
    """Write a file of a plan with one fault in it, if the format takes the plan."""
    form = find_format(str(rng.choice(ANY + (RINGS if rings else ()))))
    try:
        files = form.write(plan)
        if maybe(rng, 0.6):
            other = other_plan(rng, plan, form)
            return other and (form, form.write(other))
    except InputError:
        return None
    name = sorted(files)[pick(rng, (0, len(files) - 1))]
    content = files[name]
    what = pick(rng, (0, 2))
    if what == 0:
        del files[name]
    elif what == 1:
        files[name] = GARBAGE[pick(rng, (0, len(GARBAGE) - 1))]
    else:
        # Never so near to the end that only a blank is lost.
        files[name] = content[: pick(rng, (0, max(len(content.rstrip()) * 9 // 10, 0)))]
    return form, files
