"""The table of a comparison on the terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.measure import Measurement
from rich.text import Text

from sim.cli.table import make_console, make_table
from sim.evaluate import wording
from sim.evaluate.verdict import BETTER, EQUAL, SAME

if TYPE_CHECKING:
    from collections.abc import Callable

    from rich.console import Console
    from rich.table import Table

    from sim.evaluate.comparison import Cell, Comparison

# Title, cell, rank (the higher, the sooner a narrow terminal does without it), whether it is text.
_COLUMNS: tuple[tuple[str, Callable[[Cell], str], int, bool], ...] = (
    ("verdict", lambda cell: cell.finding.verdict, 0, True),
    ("scenario", lambda cell: cell.scenario, 0, True),
    ("controller", lambda cell: cell.controllers, 0, True),
    ("scale", lambda cell: wording.NONE if cell.scale is None else f"{cell.scale:g}", 4, False),
    ("seeds", lambda cell: str(cell.finding.pairs), 1, False),
    ("BASE", lambda cell: wording.mean(cell, cell.finding.base), 2, False),
    ("HEAD", lambda cell: wording.mean(cell, cell.finding.head), 2, False),
    ("difference", wording.difference, 0, False),
    ("95 % interval", lambda cell: wording.interval(cell, cell.finding.t_interval), 1, False),
    ("BCa interval", lambda cell: wording.interval(cell, cell.finding.bca_interval), 6, False),
    ("of control delay", wording.share, 5, False),
    ("p (Holm)", lambda cell: wording.probability(cell.finding.p_holm), 3, False),
    ("shows from", wording.detectable, 5, False),
)
EXPLANATION = (
    "difference: mean of HEAD - BASE over pairs of the same seed, with the interval that holds the true mean 19 times in 20.",
    (
        "equal: the same to the last bit. no difference: the interval lies within the tolerance. not enough seeds: neither "
        "a difference nor its absence is shown, which does not fail the gate. shows from: what so many seeds find 4 times in 5."
    ),
)


def show_comparison(comparison: Comparison) -> None:
    """
    Print a comparison: the table, what is to be known of single cells, and the result as the last line.

    Parameters
    ----------
    comparison : Comparison
        The comparison.
    """
    console = make_console()
    console.print(Text(wording.asked(comparison)), soft_wrap=True)
    left_out = _print_fitting(console, comparison)
    for cell in comparison.cells:
        told = wording.remarks(cell)
        if told:
            scale = "" if cell.scale is None else f" scale {cell.scale:g}"
            line = f"{cell.scenario} {cell.controllers}{scale}: {told}"
            console.print(Text(line, style="red" if cell.failed else ""), soft_wrap=True)
    for note in comparison.notes:
        console.print(Text(note), soft_wrap=True)
    for line in EXPLANATION:
        console.print(Text(line, style="dim"), soft_wrap=not console.is_terminal)
    if left_out:
        console.print(Text(f"Not shown for want of width: {', '.join(left_out)}.", style="dim"))
    for mismatch in comparison.mismatches:
        console.print(Text(mismatch, style="bold red"), soft_wrap=True)
    style = "bold green" if comparison.passed else "bold red"
    console.print(Text(wording.headline(comparison), style=style), soft_wrap=True)


def _print_fitting(console: Console, comparison: Comparison) -> list[str]:
    """Print the table, without the columns of the highest ranks where the terminal is too narrow."""
    unlimited = console.options.update(width=10_000)
    for rank in range(max(rank for _, _, rank, _ in _COLUMNS), -1, -1):
        table = _table(comparison, rank, console.is_terminal)
        if Measurement.get(console, unlimited, table).maximum <= console.width:
            break
    console.print(table)
    return [title for title, _, its, _ in _COLUMNS if its > rank]


def _table(comparison: Comparison, rank: int, styled: bool) -> Table:
    table = make_table(styled)
    columns = [column for column in _COLUMNS if column[2] <= rank]
    for title, _, _, text in columns:
        table.add_column(title, justify="left" if text else "right", no_wrap=True)
    for cell in comparison.cells:
        good = cell.finding.verdict in {BETTER, EQUAL, SAME}
        style = "red" if cell.failed else "green" if good else None
        table.add_row(*(Text(write(cell)) for _, write, _, _ in columns), style=style)
    return table
