"""SPATEM messages of every second of every program: test vectors for receivers of V2X messages."""

from __future__ import annotations

import json
from itertools import pairwise
from typing import TYPE_CHECKING, Any, NoReturn

import numpy as np

from sim.errors import InputError
from sim.export.format import Format
from sim.export.names import file_names
from sim.export.spatem import NO_MARK, Movement, Spatem, decode_spatem, encode_spatem, mark
from sim.signals.lamps import PERMISSIVE, RED_YELLOW, YELLOW, greens_of, lamps
from sim.signals.plan import Green, Plan, Program, SignalPlan

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from sim.export.format import Files

EVENTS = {
    "G": "protected-Movement-Allowed",
    "g": "permissive-Movement-Allowed",
    "u": "pre-Movement",
    "r": "stop-And-Remain",
    "s": "stop-Then-Proceed",
    "O": "dark",
    "o": "caution-Conflicting-Traffic",
}
CLEARANCE = {False: "protected-clearance", True: "permissive-clearance"}
LETTERS = {event: ord(letter) for letter, event in EVENTS.items()} | dict.fromkeys(CLEARANCE.values(), YELLOW)
MOST_INTERSECTIONS = 65535
KIND = "gruenband-spatem"


def write_v2x(plan: Plan) -> dict[str, bytes]:
    """
    Write a plan as SPATEM messages.

    Parameters
    ----------
    plan : Plan
        The plan.

    Returns
    -------
    dict
        A JSON file for each signal: for each program the messages of the clock seconds of one cycle, in hexadecimal.

    Raises
    ------
    InputError
        If there are more signals than numbers of intersections, or pycrate is missing.
    """
    if len(plan.signals) > MOST_INTERSECTIONS:
        msg = f"plan '{plan.name}' has {len(plan.signals)} signals; SPATEM numbers up to {MOST_INTERSECTIONS}"
        raise InputError(msg)
    names = file_names([(signal.id,) for signal in plan.signals], ".json")
    return {
        name: _file(k, signal)
        for k, (name, signal) in enumerate(zip(names, plan.signals, strict=True), start=1)
    }


def _file(number: int, signal: SignalPlan) -> bytes:
    content = {
        "format": KIND,
        "signal": signal.id,
        "intersection": number,
        "groups": {group.name: k for k, group in enumerate(signal.groups, start=1)},
        "programs": [
            {
                "id": program.id,
                "number": program.number,
                "spatem": [
                    encode_spatem(message).hex()
                    for message in _messages(number, _by_clock(lamps(signal, program), program.offset))
                ],
            }
            for program in signal.programs
        ],
    }
    return (json.dumps(content, ensure_ascii=False, indent=1) + "\n").encode()


def _by_clock(shown: NDArray[np.uint8], offset: int) -> NDArray[np.uint8]:
    """Turn lamps by second of the program into lamps by clock second."""
    return np.roll(shown, offset, axis=1)


def _messages(number: int, shown: NDArray[np.uint8]) -> list[Spatem]:
    """Make the messages of the clock seconds of one cycle."""
    cycle = shown.shape[1]
    events = [_events(row) for row in shown]
    ends = [_ends(row) for row in events]
    return [
        Spatem(
            number,
            t,
            tuple(
                Movement(k, row[t], NO_MARK if not left[t] else mark(t + left[t]))
                for k, (row, left) in enumerate(zip(events, ends, strict=True), start=1)
            ),
        )
        for t in range(cycle)
    ]


def _events(row: NDArray[np.uint8]) -> list[str]:
    """Name what each second shows; yellow by the green before it."""
    events = []
    for t, letter in enumerate(row.tolist()):
        if letter == YELLOW:
            before = t
            while row[before % len(row)] == YELLOW and before > t - len(row):
                before -= 1
            events.append(CLEARANCE[bool(row[before % len(row)] == PERMISSIVE)])
        else:
            events.append(EVENTS[chr(letter)])
    return events


def _ends(events: list[str]) -> list[int]:
    """Count the seconds until the event ends; 0 where it never does."""
    cycle = len(events)
    left = [0] * cycle
    if all(one == other for one, other in pairwise(events)):
        return left
    # Backwards and twice round, so that the first second met is known the second time.
    for t in range(2 * cycle - 1, -1, -1):
        now, following = t % cycle, (t + 1) % cycle
        left[now] = left[following] + 1 if events[now] == events[following] else 1
    return left


def read_v2x(files: Files, base: Plan | None) -> Plan:
    """
    Read SPATEM messages.

    Parameters
    ----------
    files : mapping
        File names and contents, one for each signal.
    base : Plan or None
        Gives offsets, times of transitions, safety data, and the names of lanes.

    Returns
    -------
    Plan
        That plan with the greens of the messages.

    Raises
    ------
    InputError
        If there is no such plan, a message says what the plan's groups cannot show, or an end of it is not when the
        lamp changes.
    """
    if base is None:
        msg = "SPATEM carries neither offsets nor safety data: give the plan that was exported"
        raise InputError(msg)
    signals: dict[str, SignalPlan] = {}
    for file, content in files.items():
        signal = _signal(file, content, base)
        if signal.id in signals:
            _fail(file, f"signal '{signal.id}' has another file, too")
        signals[signal.id] = signal
    if not signals:
        msg = "there is no file of SPATEM messages to read"
        raise InputError(msg)
    return base.model_copy(update={"signals": tuple(signals.values())})


def _signal(file: str, content: bytes, base: Plan) -> SignalPlan:
    try:
        raw = json.loads(content.decode())
    except (ValueError, RecursionError) as error:
        msg = f"{file} is not valid JSON in UTF-8: {error}"
        raise InputError(msg) from error
    if (
        not isinstance(raw, dict)
        or raw.get("format") != KIND
        or not isinstance(raw.get("signal"), str)
        or not isinstance(raw.get("programs"), list)
        or not raw["programs"]
    ):
        _fail(file, f'it is no file of SPATEM messages: its "format" is not "{KIND}", or it is incomplete')
    known = base.signal(raw["signal"])
    if known is None:
        _fail(file, f"signal '{raw['signal']}' is not in the plan '{base.name}'")
    groups = {group.name: k for k, group in enumerate(known.groups, start=1)}
    if raw.get("groups") != groups:
        _fail(file, f"its signal groups are not those of signal '{known.id}' in the plan, numbered from 1")
    programs = tuple(_program(file, entry, raw.get("intersection"), known) for entry in raw["programs"])
    return known.model_copy(update={"programs": programs})


def _program(file: str, raw: Any, number: Any, known: SignalPlan) -> Program:  # noqa: ANN401 (any JSON)
    have = known.program(raw["id"]) if isinstance(raw, dict) and isinstance(raw.get("id"), str) else None
    if have is None or raw.get("number") != have.number or not isinstance(raw.get("spatem"), list):
        _fail(file, f"signal '{known.id}' of the plan has no such program: {str(raw)[:60]!r}")
    texts = raw["spatem"]
    if not 1 <= len(texts) <= 3600 or not all(isinstance(text, str) for text in texts):
        _fail(file, f"program '{have.id}' has {len(texts)} messages; 1 to 3600, in hexadecimal")
    shown = np.zeros((len(known.groups), len(texts)), np.uint8)
    messages = []
    for t, text in enumerate(texts):
        try:
            message = decode_spatem(bytes.fromhex(text))
        except (InputError, ValueError) as error:
            msg = f"{file}: program '{have.id}', second {t}: {error}"
            raise InputError(msg) from error
        numbers = [movement.group for movement in message.movements]
        if numbers != list(range(1, len(known.groups) + 1)):
            _fail(file, f"program '{have.id}', second {t}: the signal groups are {numbers}")
        letters = [LETTERS.get(movement.event, 0) for movement in message.movements]
        if 0 in letters:
            _fail(file, f"program '{have.id}', second {t}: an event is none of {', '.join(LETTERS)}")
        shown[:, t] = letters
        messages.append(message)
    if not isinstance(number, int) or messages != _messages(number, shown):
        _fail(
            file,
            f"program '{have.id}': an end in the messages is not when the lamp changes, or a clock or id is wrong",
        )
    shown = _by_clock(shown, -have.offset)
    greens = tuple(
        Green(group=group.name, begin=begin, end=end, permissive=permissive)
        for group, row in zip(known.groups, shown, strict=True)
        for begin, end, permissive in greens_of(row)
    )
    program = have.model_copy(update={"cycle": len(texts), "greens": greens})
    drawn = lamps(known, program)
    if not np.array_equal(drawn, shown):
        k, t = np.argwhere(drawn != shown)[0].tolist()
        what = "red-yellow" if RED_YELLOW in {drawn[k, t], shown[k, t]} else "yellow or rest"
        _fail(
            file,
            f"program '{have.id}', second {t} of the program: group '{known.groups[k].name}' has another {what} than "
            "in the plan",
        )
    return program


def _fail(file: str, why: str) -> NoReturn:
    msg = f"{file}: {why}"
    raise InputError(msg)


FORMAT = Format(
    name="v2x",
    title="SPATEM messages (UPER) of every second, one file for each signal; no MAPEM",
    suffix="",
    carries=frozenset({"greens", "permissive", "yellow", "red-yellow", "rest", "programs"}),
    write=write_v2x,
    read=read_v2x,
)
