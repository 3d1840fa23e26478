"""Small text forms that scenarios and the command line share: times of day, number lists, controllers."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Mapping

_CLOCK = re.compile(r"^(?:(\d+):)?(\d{1,2}):(\d{2}):(\d{2}(?:\.\d+)?)$")
_RANGE = re.compile(r"^(\d+)\s*-\s*(\d+)$")
MAX_SEEDS = 100_000


def parse_time(value: object) -> object:
    """
    Turn a time of day into seconds, and leave everything else to the caller's type check.

    Parameters
    ----------
    value : object
        A number [s], ``"HH:MM:SS"`` or ``"D:HH:MM:SS"`` (SUMO's forms), or a :class:`datetime.time`.

    Returns
    -------
    object
        Seconds [s] as a float where a clock time was read, otherwise the value itself.

    Raises
    ------
    ValueError
        If a text is neither a number nor a clock time.
    """
    if isinstance(value, dt.time):
        value = value.isoformat()
    if not isinstance(value, str):
        return value
    text = value.strip()
    clock = _CLOCK.match(text)
    if clock:
        days, hours, minutes, seconds = (float(part or 0) for part in clock.groups())
        return ((days * 24 + hours) * 60 + minutes) * 60 + seconds
    try:
        return float(text)
    except ValueError:
        msg = f"'{value}' is not a time; write seconds (25200) or 'HH:MM:SS' ('07:00:00')"
        raise ValueError(msg) from None


def parse_seeds(value: object) -> object:
    """
    Turn ``"1-10"`` or ``"1,3,5-7"`` into a list of seeds, and leave everything else alone.

    Parameters
    ----------
    value : object
        Text in this form, or any other value.

    Returns
    -------
    object
        A tuple for a text or a list, otherwise the value itself.

    Raises
    ------
    ValueError
        If a part of the text is neither a whole number nor a rising range of them.
    """
    if not isinstance(value, str):
        return tuple(value) if isinstance(value, list) else value
    seeds: list[int] = []
    for part in (part.strip() for part in value.split(",")):
        span = _RANGE.match(part)
        if span:
            first, last = int(span[1]), int(span[2])
            if last < first:
                msg = f"the range '{part}' runs backwards; write '{last}-{first}'"
                raise ValueError(msg)
            if last - first >= MAX_SEEDS:
                msg = f"the range '{part}' has more than {MAX_SEEDS} seeds"
                raise ValueError(msg)
            seeds.extend(range(first, last + 1))
        elif part.isdecimal():
            seeds.append(int(part))
        else:
            msg = f"'{part}' is not a seed; write whole numbers and ranges, such as 1-10 or 1,3,5-7"
            raise ValueError(msg)
    return tuple(seeds)


def parse_scales(value: object) -> object:
    """
    Turn ``"0.8,1.0"`` into a list of demand factors, and leave everything else alone.

    Parameters
    ----------
    value : object
        Text in this form, or any other value.

    Returns
    -------
    object
        A tuple for a text or a list, otherwise the value itself.

    Raises
    ------
    ValueError
        If a part of the text is not a number.
    """
    if not isinstance(value, str):
        return tuple(value) if isinstance(value, list) else value
    numbers: list[float] = []
    for part in (part.strip() for part in value.split(",")):
        try:
            numbers.append(float(part))
        except ValueError:
            msg = f"'{part}' is not a number; write numbers with commas between them, such as 0.8,1.0"
            raise ValueError(msg) from None
    return tuple(numbers)


def spell_controller(value: object) -> object:
    """
    Write a controller given as a table in the grammar of the command line, ``ID[:key=value,...]``.

    Parameters
    ----------
    value : object
        Text in that grammar, or a mapping with the key ``id`` and the controller's parameters.

    Returns
    -------
    object
        The text; a value of another type is returned as it is.

    Raises
    ------
    ValueError
        If the table has no ``id``, or a parameter is not a single value.
    """
    if isinstance(value, str):
        if not value.strip():
            msg = "the name of the controller is empty"
            raise ValueError(msg)
        return value.strip()
    if not isinstance(value, Mapping):
        return value
    name = value.get("id")
    if not isinstance(name, str) or not name:
        msg = "a controller table needs the key 'id', such as {id = \"max-pressure\"}"
        raise ValueError(msg)
    parameters = [f"{key}={_spell(key, item)}" for key, item in value.items() if key != "id"]
    return f"{name}:{','.join(parameters)}" if parameters else name


def spell_options(value: object) -> object:
    """
    Write the numbers and truth values of SUMO options as SUMO reads them.

    Parameters
    ----------
    value : object
        A mapping of option names to values, or any other value.

    Returns
    -------
    object
        The mapping with text for every bool and number; a value of another type is returned as it is.
    """
    if not isinstance(value, Mapping):
        return value
    return {key: _plain(item) for key, item in value.items()}


def _plain(value: object) -> object:
    if isinstance(value, bool):
        return "true" if value else "false"
    return repr(value) if isinstance(value, int | float) else value


def _spell(key: str, value: object) -> str:
    plain = _plain(value)
    if isinstance(plain, str) and "," not in plain and "=" not in plain:
        return plain
    msg = f"parameter '{key}' must be a number, true, false or a word"
    raise ValueError(msg)
