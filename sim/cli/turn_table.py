"""The table of turns at signals on the terminal."""

from __future__ import annotations

import math
from itertools import groupby
from typing import TYPE_CHECKING, Any

from rich.text import Text

from sim.cli.table import Column, make_console, make_table

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from sim.cli.table import Row

SHOWN = 20
_STYLES = {"F": "bold red", "E": "red", "D": "yellow"}
NOTES = (
    "QSV: level of service A to F; motor traffic by mean delay, F also if x > 1, crossings and bicycles by longest wait.",
    "flow [veh/h], x: degree of saturation of the lanes, >= where the green gives way to others (its own limit is lower).",
    "delay [s/veh]: lost since the signal before. queue [veh]: mean, not exceeded in 95 % of the time. longest [s]: worst wait.",
    "spill [s]: time the edge behind was full. on green: share that would arrive at green. green: share of the time.",
)


def _number(key: str, digits: int) -> Callable[[Row], str]:
    def cell(row: Row) -> str:
        value = row.get(key)
        if value is None:
            return "-"
        return "inf" if math.isinf(value) else f"{value:.{digits}f}"

    return cell


def _saturation(row: Row) -> str:
    text = _number("saturation", 2)(row)
    return f">= {text}" if row["permissive_share"] > 0 and text not in {"-", "inf"} else text


def _turn(row: Row) -> str:
    return (
        f"crossing {row['to_edge']}"
        if row["kind"] == "pedestrian"
        else f"{row['from_edge']} -> {row['to_edge']}"
    )


COLUMNS = (
    Column("QSV", lambda row: row["quality"] or "-", left=True),
    Column("signal", lambda row: str(row["signal"]), left=True),
    Column("group", lambda row: str(row["groups"]), left=True),
    Column("turn", _turn, left=True),
    Column("delay", _number("delay", 1)),
    Column("x", _saturation),
    Column("flow", _number("flow", 0)),
    Column("green", _number("green_share", 2)),
    Column("queue", _number("queue", 1)),
    Column("95 %", _number("queue_95", 0)),
    Column("longest", _number("longest_wait", 0)),
    Column("spill", _number("spillback", 0)),
    Column("on green", _number("on_green", 2)),
)


def show_turns(rows: Sequence[dict[str, Any]]) -> None:
    """
    Print the worst turns of every scenario, controller and scale.

    Parameters
    ----------
    rows : sequence of dict
        As `sim.evaluate.turn_table.read_turn_table` returns them.
    """
    console = make_console()
    for (scenario, controller, scale, _, _, _), cell in groupby(
        rows,
        lambda row: tuple(
            row[key]
            for key in (
                "scenario",
                "controller",
                "scale",
                "controller_spec",
                "scenario_key",
                "package_version",
            )
        ),
    ):
        every = list(cell)
        used = [row for row in every if row["quality"]]
        seeds = max(row["seeds"] for row in every)
        console.print(
            Text(
                f"{scenario}  {controller}  scale {scale:g}, {seeds} {'seed' if seeds == 1 else 'seeds'}",
                style="bold",
            )
        )
        console.print(_distribution(used), style="dim", soft_wrap=True)
        table = make_table(console.is_terminal)
        for column in COLUMNS:
            table.add_column(
                column.title, justify="left" if column.left else "right", no_wrap=not column.left
            )
        for row in used[:SHOWN]:
            cells = [Text(column.cell(row)) for column in COLUMNS]
            table.add_row(*cells, style=_STYLES.get(row["quality"]))
        console.print(table)
        if len(used) > SHOWN:
            console.print(
                f"... and {len(used) - SHOWN} better ones; --csv or --json lists all.\n", highlight=False
            )
    for note in NOTES:
        console.print(Text(note, style="dim"), soft_wrap=not console.is_terminal)


def _distribution(rows: Sequence[dict[str, Any]]) -> str:
    counts = {level: sum(row["quality"] == level for row in rows) for level in "FEDCBA"}
    told = ", ".join(f"{count} x {level}" for level, count in counts.items() if count)
    return f"{len(rows)} turns and crossings in use: {told or 'none'}"
