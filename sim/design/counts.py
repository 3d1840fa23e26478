"""Counts of a town: a sheet of its turns to fill in, and the filled sheet read back."""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sim.design.streams import open_net, read_streams
from sim.errors import InputError, near_miss
from sim.scenario.values import parse_time
from sim.signals.files import LARGEST_TABLE, read_text

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from sim.design.streams import Stream

COLUMNS = ("signal", "street", "arm", "turn", "from", "to", "begin", "end", "vehicles")
NEEDED = ("from", "to", "begin", "end", "vehicles")
ARMS = ("E", "NE", "N", "NW", "W", "SW", "S", "SE")
WAYS = {"s": "straight", "l": "left", "r": "right", "t": "back"}
# The hour that an empty sheet proposes; the engineer writes his own.
HOUR = ("07:00", "08:00")
CAR = "passenger"


@dataclass(frozen=True, slots=True)
class Count:
    """
    Vehicles that somebody counted.

    Parameters
    ----------
    line : int
        Line of the table.
    source, target : str
        Edges of the turn; no target: everybody who drives on the source.
    begin, end : float
        When [s of the day].
    vehicles : float
        In this time.
    """

    line: int
    source: str
    target: str
    begin: float
    end: float
    vehicles: float

    @property
    def hourly(self) -> float:
        """Volume [veh/h]."""
        return self.vehicles * 3600.0 / (self.end - self.begin)

    @property
    def place(self) -> str:
        """Where it was counted, in words."""
        return f"{self.source} to {self.target}" if self.target else self.source


def count_sheet(net: Path) -> tuple[str, int]:
    """
    Write down every turn that cars make at the signals of a net, with empty cells for the counts.

    Parameters
    ----------
    net : Path
        The network.

    Returns
    -------
    text : str
        A table with commas.
    turns : int
        How many it lists.

    Raises
    ------
    InputError
        If the file is no network, or has no road signal.
    """
    graph = open_net(net)
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(COLUMNS)
    turns = 0
    for signal in graph.signals:
        for stream in _turns(read_streams(graph, signal)):
            street = str(graph.net.getEdge(stream.source).getName() or "")
            way = WAYS.get(stream.direction.lower(), "") if stream.turns else "straight"
            writer.writerow(
                [signal, street, _arm(stream), way, stream.source, stream.target, HOUR[0], HOUR[1], ""]
            )
            turns += 1
    return out.getvalue(), turns


def _turns(streams: list[Stream]) -> list[Stream]:
    """Take one stream of each turn of cars, approach by approach, from left to right."""
    found: dict[tuple[str, str], Stream] = {}
    for stream in streams:
        if stream.kind == "vehicle" and not stream.buses:
            found.setdefault((stream.source, stream.target), stream)
    first = {source: k for k, (source, _) in reversed(list(enumerate(found)))}
    return sorted(found.values(), key=lambda stream: (first[stream.source], -stream.turn))


def _arm(stream: Stream) -> str:
    """Name the side of the junction that an approach lies on."""
    return ARMS[round((stream.heading + 180.0) % 360.0 / 45.0) % 8]


def read_counts(path: Path, net: Any) -> list[Count]:  # noqa: ANN401  (sumolib is untyped)
    """
    Read a table of counts.

    Parameters
    ----------
    path : Path
        Table with commas or semicolons and the columns from, to, begin, end and vehicles; rows without a number of
        vehicles were not counted.
    net : sumolib.net.Net
        The network.

    Returns
    -------
    list of Count
        In the order of the table.

    Raises
    ------
    InputError
        If it is no such table, holds no count, or names what the net does not have; naming the line.
    """
    text = read_text(path, LARGEST_TABLE)
    head = text.partition("\n")[0]
    reader = csv.reader(io.StringIO(text), delimiter=";" if ";" in head else ",")
    counts: list[Count] = []
    try:
        names = [name.strip().lower() for name in next(reader, [])]
        missing = [name for name in NEEDED if name not in names]
        if missing:
            msg = f"{path}: column {', '.join(missing)} is missing; 'gruenband network counts' writes a sheet to fill in"
            raise InputError(msg)
        for row in reader:
            cells = dict(zip(names, (cell.strip() for cell in row), strict=False))
            if cells.get("vehicles"):
                counts.append(_count(cells, f"{path}, line {reader.line_num}", reader.line_num))
    except csv.Error as error:
        msg = f"{path} is no table: {error}"
        raise InputError(msg) from error
    if not counts:
        msg = f"{path} holds no count; fill in the column vehicles"
        raise InputError(msg)
    roads = {str(edge.getID()) for edge in net.getEdges(withInternal=False) if edge.allows(CAR)}
    for count in counts:
        _refuse_unknown(count, net, roads, f"{path}, line {count.line}")
    _refuse_twice(counts, path)
    return counts


def _count(cells: dict[str, str], where: str, line: int) -> Count:
    try:
        vehicles = float(cells["vehicles"])
    except ValueError:
        vehicles = -1.0
    if not 0.0 <= vehicles < float("inf"):
        msg = f"{where}: '{cells['vehicles']}' is no number of vehicles"
        raise InputError(msg)
    begin, end = (_time(cells.get(key, ""), f"{where}, {key}") for key in ("begin", "end"))
    if end <= begin:
        msg = f"{where}: the end {cells['end']} is not after the begin {cells['begin']}"
        raise InputError(msg)
    return Count(line, cells.get("from", ""), cells.get("to", ""), begin, end, vehicles)


def _time(text: str, where: str) -> float:
    clock = f"{text}:00" if text.count(":") == 1 else text
    try:
        seconds = float(str(parse_time(clock)))
    except ValueError as error:
        msg = f"{where}: '{text}' is not a time; write 07:00 or seconds (25200)"
        raise InputError(msg) from error
    if not 0.0 <= seconds < float("inf"):
        msg = f"{where}: '{text}' is not a time of the day"
        raise InputError(msg)
    return seconds


def _refuse_unknown(count: Count, net: Any, roads: set[str], where: str) -> None:  # noqa: ANN401
    for name in (count.source, *([count.target] if count.target else [])):
        if name not in roads:
            msg = f"{where}: the net has no road '{name}' for cars{near_miss(name, roads)}"
            raise InputError(msg)
    ways = [str(edge.getID()) for edge in net.getEdge(count.source).getAllowedOutgoing(CAR)]
    if count.target and count.target not in ways:
        msg = f"{where}: no car can turn from {count.source} to {count.target}, only to {', '.join(sorted(ways)) or 'nowhere'}"
        raise InputError(msg)


def _refuse_twice(counts: list[Count], path: Path) -> None:
    spans = {(count.begin, count.end) for count in counts}
    for begin, end in sorted(spans):
        other = next(
            (span for span in spans if span[0] < end and begin < span[1] and span != (begin, end)), None
        )
        if other is not None:
            msg = (
                f"{path}: the times {clock(begin)} to {clock(end)} and {clock(other[0])} to {clock(other[1])} overlap; "
                "write the counts of both in the same steps"
            )
            raise InputError(msg)
    seen: dict[tuple[str, str, float], int] = {}
    for count in counts:
        first = seen.setdefault((count.source, count.target, count.begin), count.line)
        if first != count.line:
            msg = (
                f"{path}, line {count.line}: {count.place} has a count for this time in line {first} already"
            )
            raise InputError(msg)


def periods(counts: list[Count]) -> Iterator[list[Count]]:
    """
    Put counts of the same time together.

    Parameters
    ----------
    counts : list of Count
        What `read_counts` gave.

    Yields
    ------
    list of Count
        Of one time, the earliest first.
    """
    for begin in sorted({count.begin for count in counts}):
        yield [count for count in counts if count.begin == begin]


def clock(seconds: float) -> str:
    """
    Write a time of the day.

    Parameters
    ----------
    seconds : float
        [s].

    Returns
    -------
    str
        ``HH:MM``, with seconds if there are any.
    """
    whole = round(seconds)
    text = f"{whole // 3600:02d}:{whole // 60 % 60:02d}"
    return f"{text}:{whole % 60:02d}" if whole % 60 else text
