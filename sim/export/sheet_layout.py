"""Where things stand on a signal timing sheet: what the writer puts there and the reader looks for."""

from __future__ import annotations

from dataclasses import dataclass

# A4 [pt].
WIDTH, HEIGHT = 595.28, 841.89
MARGIN = 40.0
TITLE_SIZE, CELL_SIZE, SMALLEST = 10.0, 7.5, 4.0
# From the baseline of a title to that of the first row, and from row to row [pt].
FIRST_ROW, ROW_PITCH = 31.0, 11.5
# Names before the bars and the rows of the matrix, and what of a name fits in there [pt, characters].
GUTTER, GUTTER_NAME = 105.0, 20
# Groups in one matrix, and the largest cell [pt].
MATRIX_BLOCK, LARGEST_CELL = 34, 18.0
MATRIX_TITLE, MATRIX_GERMAN = "Intergreen matrix", "Zwischenzeitenmatrix"
# Baseline of its title, and of the line that says which part it is [pt].
MATRIX_TOP = HEIGHT - 110.0
MATRIX_NOTE = MATRIX_TOP - 13.0
STAGE_CHUNK = 25
GIVES_WAY = "gives way"


@dataclass(frozen=True, slots=True)
class Column:
    """A column: what it holds, its head in English and German, its width [pt]."""

    key: str
    head: str
    german: str
    width: float


@dataclass(frozen=True, slots=True)
class Table:
    """A table of the sheet; its title says which one it is."""

    title: str
    german: str
    columns: tuple[Column, ...]

    def edges(self) -> list[float]:
        """Left edges of the columns, and the right one of the last [pt]."""
        edges = [MARGIN]
        for column in self.columns:
            edges.append(edges[-1] + column.width)
        return edges


NUMBER = Column("number", "No.", "Nr.", 26)
HEAD = Table(
    "Signal timing sheet",
    "Signaltechnische Unterlage",
    (
        Column("signal", "Signal", "Lichtsignalanlage", 200),
        Column("plan", "Plan", "Planung", 160),
        Column("network", "Network", "Netz", 125),
        Column("page", "Page", "Seite", 30),
    ),
)
GROUPS = Table(
    "Signal groups",
    "Signalgruppen",
    (
        NUMBER,
        Column("name", "Name", "Bezeichnung", 124),
        Column("kind", "Kind", "Art", 52),
        Column("minimum_green", "Min. green [s]", "Mindestfreig.", 58),
        Column("yellow", "Yellow [s]", "Gelb t_G", 42),
        Column("red_yellow", "Red-yellow [s]", "Rotgelb t_RG", 58),
        Column("rest", "At rest", "Ruhezustand", 42),
        Column("speed", "Speed [m/s]", "zul. Geschw.", 50),
        Column("crossing", "Walk [m]", "Furtlänge", 38),
        Column("links", "Links", "Ströme", 25),
    ),
)
PROGRAM = Table(
    "Signal timing plan",
    "Signalzeitenplan",
    (
        Column("id", "Program", "Signalprogramm", 230),
        Column("number", "No.", "Nr.", 45),
        Column("cycle", "Cycle [s]", "Umlaufzeit t_U", 80),
        Column("offset", "Offset [s]", "Versatz", 80),
        Column("switch", "Switch second", "Umschaltpunkt", 80),
    ),
)
GREENS = Table(
    "Greens",
    "Freigabezeiten",
    (
        NUMBER,
        Column("group", "Group", "Gruppe", 40),
        Column("name", "Name", "Bezeichnung", 189),
        Column("begin", "Begin [s]", "An", 60),
        Column("end", "End [s]", "Ab", 60),
        Column("length", "Green [s]", "t_F", 60),
        Column("permissive", "Right of way", "Verträglichkeit", 80),
    ),
)
STAGES = Table(
    "Stage order",
    "Phasenfolge",
    (
        Column("stage", "Stage", "Phase", 40),
        Column("groups", "Numbers of the groups that are green together", "Signalgruppen", 475),
    ),
)
DAYS = Table(
    "Day plans",
    "Tagespläne",
    (
        NUMBER,
        Column("plan", "Day plan", "Tagesplan", 220),
        Column("time", "From", "ab", 49),
        Column("program", "Program", "Signalprogramm", 220),
    ),
)
WEEK = Table(
    "Week",
    "Wochenplan",
    (NUMBER, Column("day", "Day", "Tag", 120), Column("plan", "Day plan", "Tagesplan", 369)),
)
TABLES = (HEAD, GROUPS, PROGRAM, GREENS, STAGES, DAYS, WEEK)


def blocks(count: int, size: int) -> list[range]:
    """
    Cut a number of groups into blocks that fit on a page.

    Parameters
    ----------
    count : int
        How many groups.
    size : int
        How many fit.

    Returns
    -------
    list of range
        Their numbers.
    """
    return [range(begin, min(begin + size, count)) for begin in range(0, count, size)]


def matrix_note(rows: range, columns: range) -> str:
    """
    Write which part of the matrix a page shows.

    Parameters
    ----------
    rows, columns : range
        Numbers of the groups, from 0.

    Returns
    -------
    str
        Counted from 1.
    """
    return f"rows {rows[0] + 1} to {rows[-1] + 1}, columns {columns[0] + 1} to {columns[-1] + 1}"


def matrix_cell(columns: int) -> float:
    """
    Size the cells of a matrix.

    Parameters
    ----------
    columns : int
        How many.

    Returns
    -------
    float
        Side of a cell [pt].
    """
    return min(LARGEST_CELL, (WIDTH - 2 * MARGIN - GUTTER) / columns)


def matrix_corner() -> tuple[float, float]:
    """Upper left corner of the cells [pt]."""
    return MARGIN + GUTTER, MATRIX_NOTE - 10.0 - GUTTER
