"""
RSMP commands to traffic light controllers (SXL TLC 1.2.1): cycle, offset and schedule of programs that they have.

The greens stay configured in the controller; no command of the protocol carries them.
"""

from __future__ import annotations

import json
from hashlib import sha256
from typing import TYPE_CHECKING
from uuid import UUID

from sim.errors import InputError
from sim.export.format import Format
from sim.export.names import file_names
from sim.export.rsmp_read import (
    COMMANDS,
    PLAN_NUMBER,
    RANGES,
    SCHEDULED_PROGRAM,
    SECURITY_CODE,
    TIME_TABLE,
    read_rsmp,
)
from sim.signals.plan import DAYS

if TYPE_CHECKING:
    from typing import NoReturn

    from sim.signals.plan import Plan, Program, Schedule, SignalPlan


def write_rsmp(plan: Plan) -> dict[str, bytes]:
    """
    Write a plan as command requests.

    Parameters
    ----------
    plan : Plan
        The plan.

    Returns
    -------
    dict
        A file for each signal, a message a line, in the order in which they are to be sent.

    Raises
    ------
    InputError
        If a value is out of the range of its command.
    """
    names = file_names([(signal.id,) for signal in plan.signals], ".jsonl")
    return {name: _file(plan, signal) for name, signal in zip(names, plan.signals, strict=True)}


def _file(plan: Plan, signal: SignalPlan) -> bytes:
    requests = []
    for program in signal.programs:
        number = _within(program.number, PLAN_NUMBER, signal, f"program '{program.id}' has the number")
        cycle = _within(program.cycle, RANGES["M0018"], signal, f"program '{program.id}' has a cycle of")
        offset = _within(program.offset, RANGES["M0015"], signal, f"program '{program.id}' has an offset of")
        requests.append(("M0018", {"status": cycle, "plan": number}))
        requests.append(("M0015", {"status": offset, "plan": number}))
    first = str(signal.programs[0].number)
    if plan.schedule is None:
        requests.append(("M0002", {"status": "True", "timeplan": first}))
    else:
        times, week = _tables(signal, plan.schedule)
        requests.append(("M0017", {"status": times}))
        requests.append(("M0016", {"status": week}))
        # Whoever had set a program by command leaves it to the tables again.
        requests.append(("M0002", {"status": "False", "timeplan": first}))
    lines = [_message(signal.id, k, code, values) for k, (code, values) in enumerate(requests)]
    return "".join(f"{line}\n" for line in lines).encode()


def _message(signal: str, place: int, code: str, values: dict[str, str]) -> str:
    arguments = [
        {"cCI": code, "n": name, "cO": COMMANDS[code], "v": value}
        for name, value in (values | {"securityCode": SECURITY_CODE}).items()
    ]
    # The protocol asks for random ids; one made of the content keeps the file the same from run to run.
    digest = sha256(json.dumps([signal, place, arguments]).encode()).digest()
    return json.dumps(
        {
            "mType": "rSMsg",
            "type": "CommandRequest",
            "mId": str(UUID(bytes=digest[:16], version=4)),
            "ntsOId": "",
            "xNId": "",
            "cId": signal,
            "arg": arguments,
        },
        ensure_ascii=False,
    )


def _tables(signal: SignalPlan, schedule: Schedule) -> tuple[str, str]:
    """Write the time tables of all day plans, and the week."""
    number = {}
    times = []
    for k, (name, entries) in enumerate(schedule.day_plans.items(), start=1):
        number[name] = _within(k, TIME_TABLE, signal, f"day plan '{name}' has the place")
        if not entries:
            _refuse(signal, f"day plan '{name}' is empty, and a time table without entries cannot be sent")
        for entry in entries:
            program = _scheduled(signal, name, entry.program)
            hour, minute = entry.time.split(":")
            times.append(f"{k}-{program}-{int(hour)}-{int(minute)}")
    week = []
    for k, day in enumerate(DAYS):
        name = schedule.week.get(day, "")
        if name not in number:
            _refuse(signal, f"{day} has no day plan that exists")
        week.append(f"{k}-{number[name]}")
    return ",".join(times), ",".join(week)


def _scheduled(signal: SignalPlan, day_plan: str, name: str) -> str:
    program: Program | None = signal.program(name)
    if program is None:
        _refuse(signal, f"day plan '{day_plan}' names program '{name}', which it does not have")
    return _within(
        program.number, SCHEDULED_PROGRAM, signal, f"program '{name}' of day plan '{day_plan}' has the number"
    )


def _within(value: int, limits: tuple[int, int], signal: SignalPlan, what: str) -> str:
    low, high = limits
    if not low <= value <= high:
        _refuse(signal, f"{what} {value}; RSMP takes {low} to {high}")
    return str(value)


def _refuse(signal: SignalPlan, why: str) -> NoReturn:
    msg = f"signal '{signal.id}': {why}"
    raise InputError(msg)


FORMAT = Format(
    name="rsmp",
    title="RSMP commands (TLC 1.2.1): cycle, offset and schedule; greens stay in the controller",
    suffix="",
    carries=frozenset({"offset", "programs", "schedule"}),
    write=write_rsmp,
    read=read_rsmp,
)
