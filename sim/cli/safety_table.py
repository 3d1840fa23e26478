"""The table of safety at signals on the terminal."""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING, Any

from rich.text import Text

from sim.cli.table import Column, make_console, make_table

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from rich.console import Console

    from sim.cli.table import Row

NOTES: tuple[str, ...] = (
    "conflicts: encounters within 1.5 s of a collision per 100 vehicles that crossed a stop line of the signal, and by kind;",
    "braking: losses of more than 4.5 m/s in a second, per 100 of them. yellow, late, red: who crossed at yellow, within the",
    "last second of it, and at red, per 1000. on foot: persons at its crossings; their mean and longest wait [s].",
)


def _number(key: str, digits: int, factor: float = 1.0) -> Callable[[Row], str]:
    def cell(row: Row) -> str:
        value = row[key]
        return "-" if value is None else f"{factor * value:.{digits}f}"

    return cell


COLUMNS = (
    Column("signal", lambda row: str(row["signal"]), left=True),
    Column("vehicles", _number("crossed", 0)),
    Column("conflicts", _number("conflicts", 1, 100.0)),
    Column("rear-end", _number("conflicts_rear_end", 1, 100.0)),
    Column("lane", _number("conflicts_lane_change", 1, 100.0)),
    Column("crossing", _number("conflicts_crossing", 1, 100.0)),
    Column("pedestrian", _number("conflicts_pedestrian", 1, 100.0)),
    Column("braking", _number("hard_braking", 1, 100.0)),
    Column("yellow", _number("yellow", 0)),
    Column("late", _number("late_yellow", 1)),
    Column("red", _number("red_running", 1)),
    Column("on foot", _number("walkers", 0)),
    Column("wait", _number("pedestrian_wait", 0)),
    Column("longest", _number("pedestrian_longest_wait", 0)),
)


# How often one of each mode took part in a conflict; modes that nobody drove are left out.
MODES = {
    "car": "cars",
    "truck": "trucks",
    "bus": "buses",
    "tram": "trams",
    "bicycle": "bicycles",
    "pedestrian": "walkers",
    "emergency": "emergency vehicles",
}
MODE_NOTE = (
    "of cars, of trucks and so on: how often one of them took part in a conflict, per 100 that crossed a stop line of the signal, or",
    "came to a crossing on foot.",
)


def show_safety(rows: Sequence[dict[str, Any]]) -> None:
    """
    Print the safety of every signal, scenario by scenario, controller by controller.

    Parameters
    ----------
    rows : sequence of dict
        As `sim.evaluate.signal_safety.read_signal_safety` returns them.
    """
    from sim.evaluate.signal_safety import CELL

    console = make_console()
    notes = NOTES
    for _, cell in groupby(rows, lambda row: tuple(row[name] for name in CELL)):
        every = list(cell)
        first = every[0]
        seeds = f"{first['seeds']} {'seed' if first['seeds'] == 1 else 'seeds'}"
        title = f"{first['scenario']}  {first['controller']}  scale {first['scale']:g}, {seeds}: safety"
        console.print(Text(title, style="bold"))
        _print(console, COLUMNS, every)
        used = [mode for mode in MODES if any(row[f"involved_{mode}"] is not None for row in every)]
        if len(used) > 1:
            notes = (*NOTES, *MODE_NOTE)
            by_mode = [Column(f"of {MODES[mode]}", _number(f"involved_{mode}", 1, 100.0)) for mode in used]
            _print(console, (COLUMNS[0], *by_mode), every)
    for note in notes:
        console.print(Text(note, style="dim"), soft_wrap=not console.is_terminal)


def _print(console: Console, columns: Sequence[Column], rows: Sequence[dict[str, Any]]) -> None:
    table = make_table(console.is_terminal)
    for column in columns:
        table.add_column(column.title, justify="left" if column.left else "right", no_wrap=not column.left)
    for row in rows:
        table.add_row(*(Text(column.cell(row)) for column in columns))
    console.print(table)
