"""Tables on the terminal, and the same as plain columns when the output goes into a pipe or file."""

from __future__ import annotations

import sys
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from rich import box
from rich.console import Console
from rich.measure import Measurement
from rich.table import Table
from rich.text import Text

if TYPE_CHECKING:
    from pathlib import Path

    from sim.cli.doctor import Finding

Row = Mapping[str, Any]
_PLAIN_WIDTH = 10_000  # piped lines are never wrapped
_SHOWN_FAILURES = 10
BEST = "*"

EXPLANATION = (
    (
        "delay [s/veh]: mean time lost against free driving, waiting to get in included, over every vehicle "
        "scheduled in the window (mean ± standard deviation over the seeds)."
    ),
    "floor: the same without signals and conflicts. control delay = delay - floor: the part that signals can change.",
    "person delay [s/person]: the same, vehicles weighted by the persons in them, and who walks.",
    (
        "stops: per vehicle. waiting [s/veh]: standing in the network. longest wait [s]: worst vehicle of all seeds. "
        "undeparted: vehicles that never got in. gridlocks: runs that locked up. seeds: finished runs."
    ),
)

# What some runs only measured, by key; such a column is left out where no row has a value.
MEASURED = {
    "conflicts": "conflicts: dangerous encounters per vehicle.",
    "pedestrian_longest_wait": "walk wait [s]: longest wait of a pedestrian at a signal.",
}


@dataclass(frozen=True)
class Column:
    """One column of the result table; the higher ``rank``, the sooner a narrow terminal does without it."""

    title: str
    cell: Callable[[Row], str]
    rank: int = 0
    left: bool = False
    needs: str = ""  # key of `MEASURED`


def _number(key: str, digits: int) -> Callable[[Row], str]:
    def cell(row: Row) -> str:
        value = row.get(key)
        return "-" if value is None else f"{value:.{digits}f}"

    return cell


def _spread(row: Row) -> str:
    if row.get("delay") is None:
        return "-"
    deviation = row.get("delay_sd")
    return f"{row['delay']:.1f}" if deviation is None else f"{row['delay']:.1f} ± {deviation:.1f}"


def _seeds(row: Row) -> str:
    return f"{row['done']}" if row["done"] == row["runs"] else f"{row['done']} of {row['runs']}"


COLUMNS = (
    Column("scenario", lambda row: str(row["scenario"]), left=True),
    Column("controller", lambda row: str(row["controller"]), left=True),
    Column("scale", lambda row: f"{row['scale']:g}", rank=1),
    Column("delay", _spread),
    Column("person delay", _number("delay_person", 1), rank=3),
    Column("control delay", _number("control_delay", 1)),
    Column("floor", _number("floor", 1), rank=4),
    Column("stops", _number("stops", 2), rank=3),
    Column("conflicts", _number("conflicts", 2), rank=2, needs="conflicts"),
    Column("walk wait", _number("pedestrian_longest_wait", 0), rank=4, needs="pedestrian_longest_wait"),
    Column("waiting", _number("waiting", 1), rank=6),
    Column("longest wait", _number("longest_wait", 0), rank=5),
    Column("undeparted", _number("undeparted", 1), rank=2),
    Column("gridlocks", lambda row: str(row["gridlocks"]), rank=1),
    Column("seeds", _seeds),
)


def show_results(folder: Path) -> None:
    """
    Print the result table of a folder, what its columns mean, and the runs that failed.

    Parameters
    ----------
    folder : Path
        Result folder of a batch.
    """
    from sim.cli.options import warn
    from sim.evaluate.results import read_results, summarise

    print_results(summarise(folder, warn), read_results(folder))


def print_results(summary: Sequence[Row], runs: Sequence[Row]) -> None:
    """
    Print the result table, what its columns mean, and the runs that failed.

    Parameters
    ----------
    summary : sequence of mapping
        One row per scenario, controller and scale.
    runs : sequence of mapping
        One row per run.
    """
    console = make_console()
    if not summary and not runs:
        console.print("No finished runs yet.")
        return
    best = best_rows(summary)
    left_out = _print_fitting(console, summary, best)
    notes = [f"{BEST} lowest mean delay of its scenario and scale.", *EXPLANATION] if best else [*EXPLANATION]
    measured = [note for key, note in MEASURED.items() if _is_measured(key, summary)]
    if measured:
        notes.append(" ".join(measured))
    if left_out:
        notes.append(f"Not shown for want of width: {', '.join(left_out)}.")
    for note in notes:
        console.print(Text(note, style="dim"), soft_wrap=not console.is_terminal)
    _print_failures(console, [row for row in runs if row.get("status") != "done"])


def _is_measured(key: str, summary: Sequence[Row]) -> bool:
    return any(row.get(key) is not None for row in summary)


def best_rows(summary: Sequence[Row]) -> set[int]:
    """
    Find the controller with the lowest mean delay of each scenario and scale.

    Parameters
    ----------
    summary : sequence of mapping
        One row per scenario, controller and scale.

    Returns
    -------
    set of int
        Positions of the best rows. Where runs are missing or there is nothing to compare with there is none:
        means over different seeds are not comparable.
    """
    groups: dict[tuple[Any, ...], list[int]] = defaultdict(list)
    for position, row in enumerate(summary):
        groups[row["scenario"], row.get("scenario_key"), row["scale"]].append(position)
    best: set[int] = set()
    for members in groups.values():
        rows = [summary[position] for position in members]
        complete = all(row["done"] == row["runs"] and row["delay"] is not None for row in rows)
        if len(rows) > 1 and complete and len({row["runs"] for row in rows}) == 1:
            best.add(min(members, key=lambda position: float(summary[position]["delay"])))
    return best


def _print_fitting(console: Console, summary: Sequence[Row], best: set[int]) -> list[str]:
    """Print the table, without the columns of the highest ranks where the terminal is too narrow."""
    unlimited = console.options.update(width=_PLAIN_WIDTH)
    every = [column for column in COLUMNS if not column.needs or _is_measured(column.needs, summary)]
    highest = max(column.rank for column in COLUMNS)
    for rank in range(highest, -1, -1):
        columns = [column for column in every if column.rank <= rank]
        table = _result_table(columns, summary, best, console.is_terminal)
        if Measurement.get(console, unlimited, table).maximum <= console.width:
            break
    console.print(table)
    return [column.title for column in every if column not in columns]


def _result_table(columns: Sequence[Column], summary: Sequence[Row], best: set[int], styled: bool) -> Table:
    table = make_table(styled)
    for column in columns:
        title = column.title.replace(" ", "\n") if styled else column.title
        table.add_column(title, justify="left" if column.left else "right", no_wrap=True)
    previous = None
    for position, row in enumerate(summary):
        cells = [column.cell(row) for column in columns]
        where = [column.title for column in columns].index("delay")
        cells[where] = f"{BEST} {cells[where]}" if position in best else cells[where]
        if styled and previous not in (None, row["scenario"]):
            table.add_section()
        previous = row["scenario"]
        style = "bold green" if position in best else "red" if row["done"] < row["runs"] else None
        table.add_row(*cells, style=style)
    return table


def _print_failures(console: Console, failures: Sequence[Row]) -> None:
    for row in failures[:_SHOWN_FAILURES]:
        where = f"{row['scenario']} {row['controller']} seed {row['seed']} scale {row['scale']:g}"
        line = f"{row['status']}: {where}: {' '.join(str(row.get('reason') or 'no reason given').split())}"
        console.print(Text(line, style="red"), soft_wrap=True)
    if len(failures) > _SHOWN_FAILURES:
        console.print(
            f"... and {len(failures) - _SHOWN_FAILURES} more; 'gruenband results DIR --csv' lists all."
        )


def show_list(kind: str, rows: Sequence[Row]) -> None:
    """
    Print the shipped scenarios or networks, or the controllers.

    Parameters
    ----------
    kind : str
        What is listed, for the case that there is none.
    rows : sequence of mapping
        With the keys ``name``, ``description`` and perhaps ``parameters``.
    """
    console = make_console()
    if not rows:
        console.print(f"There are no shipped {kind} in this installation.")
        return
    table = make_table(console.is_terminal)
    table.add_column("name", no_wrap=True)
    table.add_column("description")
    parameters = any(row.get("parameters") for row in rows)
    if parameters:
        table.add_column("parameters (defaults)")
    for row in rows:
        cells = [str(row["name"]), str(row["description"])]
        if parameters:
            cells.append(_parameters(row.get("parameters") or (), "\n" if console.is_terminal else "; "))
        table.add_row(*(Text(cell) for cell in cells))
    console.print(table)


def _parameters(parameters: Sequence[Row], separator: str) -> str:
    return separator.join(
        f"{item['name']}={item['default']} {item['unit']}: {item['about']}" for item in parameters
    )


def show_findings(findings: Sequence[Finding]) -> None:
    """
    Print the findings of the doctor.

    Parameters
    ----------
    findings : sequence of Finding
        One line each.
    """
    console = make_console()
    styles = {"ok": "green", "note": "yellow", "fault": "bold red"}
    for finding in findings:
        advice = f"  -> {finding.advice}" if finding.advice else ""
        line = Text.assemble(
            (f"{finding.state:<6}", styles[finding.state]), f"{finding.check:<13} {finding.found}{advice}"
        )
        console.print(line, soft_wrap=True)
    faults = sum(finding.state == "fault" for finding in findings)
    console.print("All good." if not faults else f"{faults} to repair, see the arrows.")


def make_console() -> Console:
    """Make a console for stdout as it is now, so that a test or a redirect in this process is seen."""
    terminal = sys.stdout.isatty()
    return Console(
        file=sys.stdout,
        width=None if terminal else _PLAIN_WIDTH,
        no_color=None if terminal else True,
        highlight=False,
    )


def make_table(styled: bool) -> Table:
    """
    Make an empty table in the style of all others.

    Parameters
    ----------
    styled : bool
        For a terminal; else plain columns.

    Returns
    -------
    Table
        Without columns.
    """
    return Table(
        box=box.SIMPLE_HEAD if styled else None,
        pad_edge=False,
        header_style="bold",
        padding=(0, 1 if styled else 2, 0, 0),
    )
