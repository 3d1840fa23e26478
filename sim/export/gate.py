"""The gate before every export: the plan is checked, written aside, read back from the file, and checked again."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from sim.errors import InputError
from sim.signals.files import write_aside
from sim.signals.lamps import GREEN, PERMISSIVE, lamps
from sim.signals.rules import Finding
from sim.signals.safety import UnsafePlanError, check_plan

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from numpy.typing import NDArray

    from sim.export.format import Files, Format
    from sim.signals.plan import Plan, Program, SignalPlan
    from sim.signals.profile import Profile


# Fields of groups and programs that a format carries with a feature.
GROUP_FIELDS = {
    "yellow": ("yellow",),
    "red-yellow": ("red_yellow",),
    "rest": ("rest",),
    "minimum-green": ("minimum_green",),
    "links": ("links",),
    "kind": ("kind",),
    "crossing": ("crossing", "speed"),
}
PROGRAM_FIELDS = {"offset": "offset", "switch": "switch", "stages": "stages"}


def export_plan(plan: Plan, form: Format, out: Path, profile: Profile) -> list[Path]:
    """
    Export a plan, or refuse and leave nothing behind.

    Parameters
    ----------
    plan : Plan
        The plan.
    form : Format
        The format.
    out : Path
        The file, or for formats of several files the folder.
    profile : Profile
        Limits of the safety rules.

    Returns
    -------
    list of Path
        The files written.

    Raises
    ------
    UnsafePlanError
        If the plan, or what was read back from the written file, breaks a rule.
    InputError
        If the format cannot express the plan, `out` is a folder where a file is to be, or the other way, or it holds
        other files.
    """
    if form.suffix and out.is_dir():
        msg = f"--out {out} is a folder; {form.name} is one file"
        raise InputError(msg)
    if not form.suffix and out.exists() and not out.is_dir():
        msg = f"--out {out} is a file; {form.name} is a folder of files"
        raise InputError(msg)
    findings = check_plan(plan, profile)
    if findings:
        what = f"plan '{plan.name}' is not exported"
        raise UnsafePlanError(what, findings)
    contents = form.write(plan)
    left = {path.name for path in out.iterdir()} - set(contents) if out.is_dir() else set()
    if left:
        # A reader of the folder would take them for parts of this plan.
        msg = f"--out {out} holds {min(left)}, which is no part of this export; name a new or an empty folder"
        raise InputError(msg)
    made = not out.exists()
    targets = {(out if form.suffix else out / name): content for name, content in contents.items()}
    aside = write_aside(targets)
    try:
        written = {name: file.path.read_bytes() for name, file in zip(contents, aside.values(), strict=True)}
        _refuse_other(plan, form, written, profile)
        for file in aside.values():
            file.place()
    except BaseException:
        for file in aside.values():
            file.drop()
        if made and out.is_dir() and not any(out.iterdir()):
            out.rmdir()
        raise
    return list(targets)


def _refuse_other(plan: Plan, form: Format, files: Files, profile: Profile) -> None:
    """Refuse files that are not the safe plan."""
    findings = file_findings(plan, form, files, profile)
    if findings:
        what = f"plan '{plan.name}' is not exported, since the written {form.name} file is not the safe plan"
        raise UnsafePlanError(what, findings)


def file_findings(plan: Plan, form: Format, files: Files, profile: Profile) -> list[Finding]:
    """
    Judge a written file by what its reader makes of it.

    Parameters
    ----------
    plan : Plan
        What was to be written.
    form : Format
        The format.
    files : mapping
        File names and contents.
    profile : Profile
        Limits of the safety rules.

    Returns
    -------
    list of Finding
        Empty if the file says the same as the plan and is safe.
    """
    try:
        back = form.read(files, plan)
    except InputError as error:
        return [Finding("file", f"it cannot be read back: {error}")]
    findings = []
    if "schedule" in form.carries and back.schedule != plan.schedule:
        findings.append(Finding("file", "the day schedule differs"))
    known = {signal.id for signal in plan.signals}
    findings += [
        Finding("file", "the file has a signal that the plan has not", signal.id)
        for signal in back.signals
        if signal.id not in known
    ]
    for signal in plan.signals:
        other = back.signal(signal.id)
        if other is None:
            findings.append(Finding("file", "the signal is missing", signal.id))
            continue
        findings += _group_differences(form, signal, other)
        for program in signal.programs if "programs" in form.carries else signal.programs[:1]:
            findings += _program_differences(form, signal, program, other)
    return findings + check_plan(back, profile)


def _group_differences(form: Format, signal: SignalPlan, other: SignalPlan) -> Iterator[Finding]:
    """Compare the safety data of a signal, as far as the format carries them."""
    if "intergreens" in form.carries and _matrix(signal) != _matrix(other):
        yield Finding("file", "the intergreen matrix differs", signal.id)
    extra = {group.name for group in other.groups} - {group.name for group in signal.groups}
    extra |= {program.id for program in other.programs} - {program.id for program in signal.programs}
    for name in sorted(extra):
        yield Finding("file", f"the file has a group or program '{name}' that the plan has not", signal.id)
    read = {group.name: group for group in other.groups}
    for group in signal.groups:
        found = read.get(group.name)
        if found is None:
            yield Finding("file", f"group '{group.name}' is missing", signal.id, groups=(group.name,))
            continue
        for key, fields in GROUP_FIELDS.items():
            for field in fields if key in form.carries else ():
                have, want = getattr(found, field), getattr(group, field)
                if have != want:
                    text = f"the {field} of group '{group.name}' is {_told(have)}, not {_told(want)}"
                    yield Finding("file", text, signal.id, groups=(group.name,))


def _matrix(signal: SignalPlan) -> dict[tuple[str, str], int]:
    return {(cell.clearing, cell.entering): cell.seconds for cell in signal.intergreens}


def _program_differences(
    form: Format, signal: SignalPlan, program: Program, other: SignalPlan
) -> list[Finding]:
    """Compare a program, as far as the format carries it."""
    where = (signal.id, program.id)
    read = other.program(program.id)
    if read is None:
        return [Finding("file", "the program is missing", *where)]
    if read.cycle != program.cycle:
        return [Finding("file", f"the cycle is {read.cycle} s, not {program.cycle} s", *where)]
    found = [
        Finding(
            "file",
            f"the {key} is {_told(getattr(read, field))}, not {_told(getattr(program, field))}",
            *where,
        )
        for key, field in PROGRAM_FIELDS.items()
        if key in form.carries and getattr(read, field) != getattr(program, field)
    ]
    rows = other.number()
    if "greens" not in form.carries or any(group.name not in rows for group in signal.groups):
        return found
    have = _plain(form, lamps(other, read)[[rows[group.name] for group in signal.groups]])
    want = _plain(form, lamps(signal, program))
    for k, second in np.argwhere(have != want)[:1].tolist():
        name = signal.groups[k].name
        found.append(Finding("file", f"group '{name}' shows something else", *where, (name,), second))
    return found


def _told(value: object) -> str:
    """Say a value that differs; of a list that it does is enough."""
    return f"{value} s" if isinstance(value, int) else "another" if isinstance(value, tuple) else str(value)


def _plain(form: Format, shown: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Leave out what the format does not carry."""
    plain = shown.copy()
    for key, letters, seen in (
        ("permissive", (PERMISSIVE,), GREEN),
        ("red-yellow", (ord("u"),), ord("r")),
        ("yellow", (ord("y"),), ord("r")),
        ("rest", (ord("s"), ord("o"), ord("O")), ord("r")),
    ):
        if key not in form.carries:
            plain[np.isin(plain, letters)] = seen
    return plain
