"""The gate before every export: the plan is checked, written aside, read back from the file, and checked again."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from sim.errors import InputError
from sim.signals.lamps import GREEN, PERMISSIVE, lamps
from sim.signals.plan import write_whole
from sim.signals.rules import Finding
from sim.signals.safety import UnsafePlanError, check_plan

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from sim.export.format import Files, Format
    from sim.signals.plan import Plan, Program, SignalPlan
    from sim.signals.profile import Profile


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
        If the format cannot express the plan, or `out` is a folder where a file is to be, or the other way.
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
    with tempfile.TemporaryDirectory(prefix="gruenband-") as scratch:
        aside = {name: Path(scratch) / f"{k}" for k, name in enumerate(contents)}
        for name, content in contents.items():
            aside[name].write_bytes(content)
        written = {name: path.read_bytes() for name, path in aside.items()}
    findings = file_findings(plan, form, written, profile)
    if findings:
        what = f"plan '{plan.name}' is not exported, since the written {form.name} file is not the safe plan"
        raise UnsafePlanError(what, findings)
    targets = [out] if form.suffix else [out / name for name in written]
    for target, content in zip(targets, written.values(), strict=True):
        write_whole(target, content)
    return targets


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
    back = form.read(files, plan)
    findings = []
    if "schedule" in form.carries and back.schedule != plan.schedule:
        findings.append(Finding("file", "the day schedule differs"))
    for signal in plan.signals:
        other = back.signal(signal.id)
        if other is None:
            findings.append(Finding("file", "the signal is missing", signal.id))
            continue
        if "intergreens" in form.carries and _matrix(signal) != _matrix(other):
            findings.append(Finding("file", "the intergreen matrix differs", signal.id))
        for program in signal.programs if "programs" in form.carries else signal.programs[:1]:
            findings += _differences(form, signal, program, other)
    return findings + check_plan(back, profile)


def _matrix(signal: SignalPlan) -> dict[tuple[str, str], int]:
    return {(cell.clearing, cell.entering): cell.seconds for cell in signal.intergreens}


def _differences(form: Format, signal: SignalPlan, program: Program, other: SignalPlan) -> list[Finding]:
    read = other.program(program.id)
    if read is None:
        return [Finding("file", "the program is missing", signal.id, program.id)]
    where = (signal.id, program.id)
    if read.cycle != program.cycle:
        return [Finding("file", f"the cycle is {read.cycle} s, not {program.cycle} s", *where)]
    if "offset" in form.carries and read.offset != program.offset:
        return [Finding("file", f"the offset is {read.offset} s, not {program.offset} s", *where)]
    rows = other.number()
    lacking = [group.name for group in signal.groups if group.name not in rows]
    if lacking:
        return [Finding("file", f"group '{lacking[0]}' is missing", *where, (lacking[0],))]
    have = _plain(form, lamps(other, read)[[rows[group.name] for group in signal.groups]])
    want = _plain(form, lamps(signal, program))
    return [
        Finding(
            "file",
            f"group '{signal.groups[k].name}' shows something else",
            *where,
            (signal.groups[k].name,),
            int(t),
        )
        for k, t in np.argwhere(have != want)[:1]
    ]


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
