"""Reads files of RSMP command requests, and says what their values may be."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any, NoReturn

from sim.errors import InputError
from sim.signals.plan import DAYS, Plan, Schedule, SignalPlan, Switch

if TYPE_CHECKING:
    from sim.export.format import Files
    from sim.signals.plan import Day

# Names of the commands in SXL TLC 1.2.1.
COMMANDS = {
    "M0018": "setCycleTime",
    "M0015": "setOffset",
    "M0017": "setTimeTable",
    "M0016": "setWeekTable",
    "M0002": "setPlan",
}
ARGUMENTS = {
    "M0018": ("status", "plan"),
    "M0015": ("status", "plan"),
    "M0017": ("status",),
    "M0016": ("status",),
    "M0002": ("status", "timeplan"),
}
# Lowest and highest value: the SXL states them, its JSON Schemas do not.
RANGES = {"M0018": (1, 255), "M0015": (0, 255)}
PLAN_NUMBER = (1, 255)
TIME_TABLE = (1, 12)
SCHEDULED_PROGRAM = (1, 16)
# What a file has in place of the code; the sender puts the code in when it sends.
SECURITY_CODE = "<SECURITY-CODE-2>"


def read_rsmp(files: Files, base: Plan | None) -> Plan:
    """
    Read command requests.

    Parameters
    ----------
    files : mapping
        File names and contents, one for each signal.
    base : Plan or None
        The plan that the controllers have: greens, and the names of programs and day plans.

    Returns
    -------
    Plan
        That plan with the cycles, offsets and the schedule of the files.

    Raises
    ------
    InputError
        If there is no such plan, or a file says what the plan's controllers cannot do.
    """
    if base is None:
        msg = "RSMP carries no greens: give the plan that the controllers have"
        raise InputError(msg)
    signals: dict[str, SignalPlan] = {}
    schedules: dict[str, Schedule | None] = {}
    for file, content in files.items():
        reader = _Reader(file, content, base)
        if reader.signal.id in signals:
            reader.fail(f"signal '{reader.signal.id}' has another file, too")
        signals[reader.signal.id] = reader.programs()
        schedules[file] = reader.schedule()
    if not signals:
        msg = "there is no file of RSMP commands to read"
        raise InputError(msg)
    first = next(iter(schedules))
    for file, schedule in schedules.items():
        if schedule != schedules[first]:
            msg = f"{file} has another schedule than {first}; a plan has one for all signals"
            raise InputError(msg)
    return base.model_copy(update={"signals": tuple(signals.values()), "schedule": schedules[first]})


class _Reader:
    """One file: values of each command by code and plan number."""

    def __init__(self, file: str, content: bytes, base: Plan) -> None:
        self.file = file
        self.base = base
        try:
            lines = content.decode().splitlines()
        except UnicodeDecodeError as error:
            msg = f"{file} is not UTF-8 text (byte {error.start}); save it as UTF-8"
            raise InputError(msg) from error
        self.values: dict[tuple[str, int], dict[str, str]] = {}
        names = {self.message(k, line) for k, line in enumerate(lines, start=1)}
        if len(names) != 1:
            self.fail(f"it is for {len(names)} components (cId); 1 is expected")
        name = names.pop()
        known = base.signal(name)
        if known is None:
            self.fail(f"signal '{name}' is not in the plan '{base.name}'")
        self.signal = known

    def fail(self, why: str) -> NoReturn:
        """Refuse the file."""
        msg = f"{self.file}: {why}"
        raise InputError(msg)

    def message(self, place: int, line: str) -> str:
        """Take a message in, and give the component it is for."""
        where = f"line {place}"
        try:
            raw = json.loads(line)
        except (ValueError, RecursionError) as error:
            msg = f"{self.file}: {where} is not valid JSON: {error}"
            raise InputError(msg) from error
        if (
            not isinstance(raw, dict)
            or (raw.get("mType"), raw.get("type")) != ("rSMsg", "CommandRequest")
            or not isinstance(raw.get("cId"), str)
            or not isinstance(raw.get("arg"), list)
        ):
            self.fail(f"{where} is no RSMP command request")
        values: dict[str, str] = {}
        codes = {self.argument(where, entry, values) for entry in raw["arg"]}
        if len(codes) != 1:
            self.fail(f"{where} has {len(codes)} commands; 1 is expected")
        code = codes.pop()
        if set(values) != {*ARGUMENTS[code], "securityCode"}:
            self.fail(f"{where}: {code} has the arguments {', '.join(sorted(values)) or 'none'}")
        if values["securityCode"] != SECURITY_CODE:
            self.fail(f"{where} holds a security code; it must be {SECURITY_CODE} in files")
        plan = self.whole(where, values["plan"], PLAN_NUMBER) if "plan" in values else 0
        if (code, plan) in self.values:
            self.fail(f"{where}: {code} is given twice" + (f" for plan {plan}" if plan else ""))
        self.values[code, plan] = values
        return str(raw["cId"])

    def argument(self, where: str, entry: Any, values: dict[str, str]) -> str:  # noqa: ANN401 (any JSON)
        """Take an argument in, and give the command it belongs to."""
        keys = ("cCI", "n", "cO", "v")
        if not isinstance(entry, dict) or not all(isinstance(entry.get(key), str) for key in keys):
            self.fail(f"{where}: an argument is not of the form cCI, n, cO, v")
        code, name, command, value = (entry[key] for key in keys)
        if COMMANDS.get(code) != command:
            self.fail(f"{where}: command {code!r} ({command!r}) is none of {', '.join(COMMANDS)}")
        if name in values:
            self.fail(f"{where}: argument {name!r} is given twice")
        values[name] = value
        return str(code)

    def whole(self, where: str, text: str, limits: tuple[int, int]) -> int:
        """Read a whole number within its limits."""
        low, high = limits
        if not re.fullmatch(r"[0-9]{1,9}", text) or not low <= int(text) <= high:
            self.fail(f"{where}: {text!r} is no whole number from {low} to {high}")
        return int(text)

    def programs(self) -> SignalPlan:
        """Give the signal its cycles and offsets; a program without them is left out."""
        found = []
        left = {plan for code, plan in self.values if code in RANGES}
        for program in self.signal.programs:
            left.discard(program.number)
            both = [self.values.get((code, program.number)) for code in ("M0018", "M0015")]
            if None in both:
                continue
            cycle, offset = (
                self.whole(f"{code}, plan {program.number}", values["status"], RANGES[code])
                for code, values in zip(("M0018", "M0015"), both, strict=True)
                if values is not None
            )
            found.append(program.model_copy(update={"cycle": cycle, "offset": offset}))
        if left:
            self.fail(f"signal '{self.signal.id}' has no program of the number {min(left)}")
        if not found:
            self.fail("it gives no program both cycle (M0018) and offset (M0015)")
        return self.signal.model_copy(update={"programs": tuple(found)})

    def schedule(self) -> Schedule | None:
        """Read the tables; without them the plan's first program must be set to run."""
        times, week = self.values.get(("M0017", 0)), self.values.get(("M0016", 0))
        if (times is None) != (week is None):
            self.fail("time tables (M0017) and the week (M0016) must be given both or not at all")
        run = self.values.get(("M0002", 0), {"status": "", "timeplan": ""})
        first = self.signal.programs[0]
        if times is None or week is None:
            if run["status"] != "True" or run["timeplan"] != str(first.number):
                self.fail(
                    f"without time tables M0002 must set plan {first.number}, the first of the plan file"
                )
            return None
        if run["status"] != "False":
            self.fail("with time tables M0002 must leave the choice to them (status False)")
        tables = self.tables(times["status"])
        names = self.names(len(tables))
        lacking = set(range(1, len(tables) + 1)) - set(tables)
        if lacking:
            self.fail(f"time tables must be numbered from 1 on; {min(lacking)} is missing")
        days = self.days(week["status"], tables)
        return Schedule(
            day_plans={names[k]: tuple(tables[k]) for k in sorted(tables)},
            week={day: names[k] for day, k in days.items()},
        )

    def tables(self, text: str) -> dict[int, list[Switch]]:
        """Read the time tables by number."""
        programs = {program.number: program.id for program in self.signal.programs}
        tables: dict[int, list[Switch]] = {}
        for part in text.split(","):
            where = f"M0017, entry {part[:40]!r}"
            fields = part.split("-")
            if len(fields) != 4:
                self.fail(f"{where} is not of the form table-plan-hour-minute")
            limits = (TIME_TABLE, SCHEDULED_PROGRAM, (0, 23), (0, 59))
            table, plan, hour, minute = (
                self.whole(where, field, limit) for field, limit in zip(fields, limits, strict=True)
            )
            if plan not in programs:
                self.fail(f"{where}: signal '{self.signal.id}' has no program of the number {plan}")
            tables.setdefault(table, []).append(Switch(time=f"{hour:02}:{minute:02}", program=programs[plan]))
        return tables

    def names(self, count: int) -> dict[int, str]:
        """Name the tables as the plan names its day plans."""
        known = [] if self.base.schedule is None else list(self.base.schedule.day_plans)
        if len(known) != count:
            known = [str(k) for k in range(1, count + 1)]
        return dict(enumerate(known, start=1))

    def days(self, text: str, tables: dict[int, list[Switch]]) -> dict[Day, int]:
        """Read the week."""
        days: dict[Day, int] = {}
        for part in text.split(","):
            where = f"M0016, entry {part[:40]!r}"
            fields = part.split("-")
            if len(fields) != 2:
                self.fail(f"{where} is not of the form day-table")
            day = DAYS[self.whole(where, fields[0], (0, len(DAYS) - 1))]
            table = self.whole(where, fields[1], TIME_TABLE)
            if table not in tables or day in days:
                self.fail(f"{where}: table {table} does not exist, or the day is given twice")
            days[day] = table
        return days
