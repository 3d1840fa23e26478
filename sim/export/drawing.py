"""Pictures of a program (signal timing plan, Signalzeitenplan) and of the intergreen matrix (Zwischenzeitenmatrix)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from sim.export.picture import POINTS, inches, no_formulas, short, text_width
from sim.signals.lamps import GREEN, PERMISSIVE, RED_YELLOW, YELLOW, lamps, runs

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from numpy.typing import NDArray

    from sim.signals.plan import Program, SignalPlan

# Height of the row of a group, and what stands above and below the rows [inch].
ROW, ABOVE, BELOW = 0.21, 0.85, 0.75
CELL = 0.27
LABEL = 6.5
# Width of a digit of the labels in parts of their size; DejaVu Sans has 0.636.
DIGIT = 0.64
# Fill, hatch, and how thick in parts of the row, for each lamp that is drawn as a bar.
BARS: dict[int, tuple[str, str, float]] = {
    GREEN: ("#1f9d3f", "", 0.62),
    PERMISSIVE: ("#b7e3bf", "////", 0.62),
    YELLOW: ("#ffd21f", "", 0.62),
    RED_YELLOW: ("#ffd21f", "xxxx", 0.62),
}
# Colour and dashes of the thin line of a group that rests.
LINES = {
    ord("r"): ("#d0021b", "-"),
    ord("s"): ("#d0021b", (0, (6, 2, 1, 2))),
    ord("O"): ("#888888", ":"),
    ord("o"): ("#c79a00", (0, (3, 3))),
}
LEGEND = (
    (GREEN, "green"),
    (PERMISSIVE, "green that gives way"),
    (YELLOW, "yellow"),
    (RED_YELLOW, "red-yellow"),
    (ord("r"), "red"),
    (ord("s"), "red with arrow"),
    (ord("O"), "off"),
    (ord("o"), "blinking"),
)


def draw_program(signal: SignalPlan, program: Program) -> Figure:
    """
    Draw the timing plan of a program.

    Parameters
    ----------
    signal : SignalPlan
        The signal.
    program : Program
        One of its programs.

    Returns
    -------
    Figure
        As high as the groups need.
    """
    from matplotlib.figure import Figure  # noqa: PLC0415  (start-up of the CLI)

    names = [short(group.name) for group in signal.groups]
    left = 0.35 + max(text_width(name, 8.0) for name in names) / POINTS
    width, height = left + 8.6, ABOVE + BELOW + ROW * len(names)
    figure = Figure(figsize=(width, height), facecolor="white")
    axes = figure.add_axes(
        (left / width, BELOW / height, (width - left - 0.3) / width, 1 - (ABOVE + BELOW) / height)
    )
    program_axes(axes, signal, program, range(len(names)), names)
    figure.text(
        0.15 / width,
        1 - 0.22 / height,
        f"{short(signal.id)}  ·  {short(program.id)}",
        fontsize=11,
        weight="bold",
        va="center",
        parse_math=False,
    )
    figure.text(
        0.15 / width, 1 - 0.42 / height, program_line(program), fontsize=8, va="center", parse_math=False
    )
    return figure


def program_line(program: Program) -> str:
    """
    Write what stands over the drawing of a program.

    Parameters
    ----------
    program : Program
        The program.

    Returns
    -------
    str
        Number, cycle, offset and switch second.
    """
    return (
        f"program (Signalprogramm) {program.number}    cycle (Umlaufzeit) t_U = {program.cycle} s    "
        f"offset (Versatz) = {program.offset} s    switch second (Umschaltpunkt) = {program.switch}"
    )


def program_axes(
    axes: Axes, signal: SignalPlan, program: Program, rows: Sequence[int], labels: Sequence[str]
) -> None:
    """
    Draw a program on axes whose size is fixed: one bar a group, begin (An) and end (Ab) of its greens at the bar.

    Parameters
    ----------
    axes : Axes
        Where to draw.
    signal : SignalPlan
        The signal.
    program : Program
        One of its programs.
    rows : sequence of int
        Numbers of the groups to draw.
    labels : sequence of str
        What stands before their bars.
    """
    shown = lamps(signal, program)[list(rows)]
    count, cycle = shown.shape
    box = axes.get_position()
    page = inches(axes)
    per_second = float(box.width * page[0]) * POINTS / cycle
    row = float(box.height * page[1]) * POINTS / count
    axes.set_xlim(0, cycle)
    axes.set_ylim(count - 0.5, -0.5)
    for k in range(count):
        _draw_row(axes, k, shown[k])
        _label_greens(axes, k, shown[k], per_second, min(LABEL, 0.55 * row))
    axes.axvline(program.switch, color="#3050c0", lw=0.9, ls=(0, (4, 2)), zorder=4)
    _time_axis(axes, cycle)
    size = min(8.0, 0.72 * row)
    axes.set_yticks(range(count), labels, fontsize=size)
    no_formulas(axes)
    axes.tick_params(axis="y", length=0)
    _legend(axes, {int(letter) for letter in np.unique(shown)}, BELOW * 0.62 * POINTS)


def _draw_row(axes: Axes, k: int, row: NDArray[np.uint8]) -> None:
    for letter in np.unique(row).tolist():
        for begin, end in _pieces(row == letter):
            if letter in BARS:
                colour, hatch, thick = BARS[letter]
                axes.broken_barh(
                    [(begin, end - begin)],
                    (k - thick / 2, thick),
                    facecolor=colour,
                    edgecolor="#222222",
                    hatch=hatch,
                    linewidth=0.5,
                    zorder=3,
                )
            else:
                colour, dashes = LINES[letter]
                axes.plot(
                    [begin, end], [k, k], color=colour, ls=dashes, lw=1.1, zorder=2, solid_capstyle="butt"
                )


def _pieces(mask: NDArray[np.bool_]) -> list[tuple[int, int]]:
    """Cut the runs of a cycle where the cycle ends."""
    cycle = len(mask)
    pieces = []
    for begin, length in runs(mask):
        pieces.append((begin, min(begin + length, cycle)))
        if begin + length > cycle:
            pieces.append((0, begin + length - cycle))
    return pieces


def _label_greens(axes: Axes, k: int, row: NDArray[np.uint8], per_second: float, size: float) -> None:
    """Write begin and end into the bars, or beside them where they are too short."""
    cycle = len(row)
    for letter, colour in ((GREEN, "white"), (PERMISSIVE, "black")):
        for begin, length in runs(row == letter):
            if length == cycle:
                continue
            end = (begin + length - 1) % cycle + 1
            an, ab = str(begin), str(end)
            room = size * DIGIT * len(an + ab) + 6.0
            style: dict[str, Any] = {"fontsize": size, "va": "center_baseline", "zorder": 6}
            if letter == PERMISSIVE:
                style["bbox"] = {"facecolor": BARS[letter][0], "edgecolor": "none", "pad": 0.4}
            inset = 2.0 / per_second
            # A bar across the end of the cycle is drawn as two, with one number in each.
            across = begin + length > cycle
            space, need = (min(cycle - begin, end), room / 2) if across else (length, room)
            if space * per_second >= need:
                axes.text(begin + inset, k, an, color=colour, ha="left", **style)
                axes.text(end - inset, k, ab, color=colour, ha="right", **style)
            else:
                _label_beside(axes, k, row, (begin, end, per_second), style)


def _label_beside(
    axes: Axes, k: int, row: NDArray[np.uint8], at: tuple[int, int, float], style: dict[str, Any]
) -> None:
    begin, end, per_second = at
    cycle = len(row)
    style["bbox"] = {"facecolor": "white", "edgecolor": "none", "pad": 0.3}
    text = f"{begin}–{end}"
    free = end
    while free < cycle and row[free] in BARS:
        free += 1
    inset = 3.0 / per_second
    if (cycle - free) * per_second >= style["fontsize"] * DIGIT * len(text) + 6.0:
        axes.text(free + inset, k, text, color="black", ha="left", **style)
        return
    free = begin
    while free > 0 and row[free - 1] in BARS:
        free -= 1
    axes.text(free - inset, k, text, color="black", ha="right", **style)


def _time_axis(axes: Axes, cycle: int) -> None:
    step = next(s for s in (5, 10, 20, 50, 100, 200, 500) if cycle / s <= 30 or s == 500)
    ticks = list(range(0, cycle + 1, step))
    if ticks[-1] != cycle:
        # The cycle is always written; a tick too near to it is not.
        ticks = [tick for tick in ticks if cycle - tick > step / 2] + [cycle]
    axes.set_xticks(ticks, [str(tick) for tick in ticks], fontsize=7)
    axes.tick_params(axis="x", top=True, labeltop=True, direction="out", length=4, pad=2)
    if cycle <= 200:
        # Two hundred ticks of matplotlib's own take a second; two line collections do not.
        height = float(axes.get_position().height * inches(axes)[1]) * POINTS
        for edge, outer in ((0.0, -2.0 / height), (1.0, 1.0 + 2.0 / height)):
            axes.vlines(
                range(cycle + 1),
                edge,
                outer,
                transform=axes.get_xaxis_transform(),
                color="black",
                lw=0.5,
                clip_on=False,
            )
    axes.grid(axis="x", which="major", color="#d8d8d8", lw=0.5, zorder=0)
    axes.set_axisbelow(True)


def _legend(axes: Axes, letters: set[int], below: float) -> None:
    from matplotlib.lines import Line2D  # noqa: PLC0415  (start-up of the CLI)
    from matplotlib.patches import Patch  # noqa: PLC0415

    handles: list[Any] = []
    for letter, text in LEGEND:
        if letter in letters and letter in BARS:
            colour, hatch, _ = BARS[letter]
            handles.append(Patch(facecolor=colour, edgecolor="#222222", hatch=hatch, lw=0.5, label=text))
        elif letter in letters:
            colour, dashes = LINES[letter]
            handles.append(Line2D([], [], color=colour, ls=dashes, lw=1.1, label=text))
    handles.append(Line2D([], [], color="#3050c0", lw=0.9, ls=(0, (4, 2)), label="switch second"))
    height = float(axes.get_position().height * inches(axes)[1]) * POINTS
    axes.legend(
        handles=handles,
        loc="center left",
        bbox_to_anchor=(0.0, -below / height),
        ncols=len(handles),
        fontsize=7,
        frameon=False,
        borderpad=0,
        borderaxespad=0,
        columnspacing=1.2,
        handlelength=2.0,
        title="Time in the cycle [s]; numbers at the bars: begin (An), end (Ab) of green",
        title_fontsize=7,
        alignment="left",
    )


def draw_matrix(signal: SignalPlan) -> Figure:
    """
    Draw the intergreen matrix of a signal: rows clear, columns enter, an empty cell means no conflict.

    Parameters
    ----------
    signal : SignalPlan
        The signal.

    Returns
    -------
    Figure
        As large as the groups need.
    """
    from matplotlib.figure import Figure  # noqa: PLC0415  (start-up of the CLI)

    names = [short(group.name) for group in signal.groups]
    gutter = 0.45 + max(text_width(name, 8.0) for name in names) / POINTS
    side = CELL * len(names)
    # The heading needs its width too, over whatever small matrix.
    width, height = max(gutter + side + 0.2, 4.6), 0.75 + gutter + side + 0.15
    figure = Figure(figsize=(width, height), facecolor="white")
    axes = figure.add_axes((gutter / width, 0.15 / height, side / width, side / height))
    matrix_axes(axes, signal, range(len(names)), range(len(names)), names)
    for text, y, size, weight in (
        (short(signal.id), 0.22, 11, "bold"),
        ("intergreen matrix (Zwischenzeitenmatrix) [s]", 0.42, 8, "normal"),
        ("rows clear (räumen), columns enter (einfahren)", 0.58, 7, "normal"),
    ):
        figure.text(
            0.15 / width,
            1 - y / height,
            text,
            fontsize=size,
            weight=weight,
            va="center",
            parse_math=False,
        )
    return figure


def matrix_axes(
    axes: Axes, signal: SignalPlan, rows: Sequence[int], columns: Sequence[int], labels: Sequence[str]
) -> None:
    """
    Draw a part of an intergreen matrix on axes, one unit a cell.

    Parameters
    ----------
    axes : Axes
        Where to draw.
    signal : SignalPlan
        The signal.
    rows, columns : sequence of int
        Numbers of the clearing and entering groups.
    labels : sequence of str
        What every group of the signal is called at the edges.
    """
    number = signal.number()
    cell = float(axes.get_position().height * inches(axes)[1]) * POINTS / len(rows)
    size = min(8.0, 0.55 * cell)
    axes.set_xlim(0, len(columns))
    axes.set_ylim(len(rows), 0)
    for i, a in enumerate(rows):
        for j, b in enumerate(columns):
            if a == b:
                axes.fill([j, j + 1, j + 1, j], [i, i, i + 1, i + 1], color="#c9c9c9", lw=0, zorder=1)
                axes.plot([j, j + 1], [i, i + 1], color="#777777", lw=0.6, zorder=2)
    places = {(number[c.clearing], number[c.entering]): c.seconds for c in signal.intergreens}
    for i, a in enumerate(rows):
        for j, b in enumerate(columns):
            if (a, b) in places:
                text = str(places[a, b])
                fit = min(size, cell / (DIGIT * len(text) + 0.4))
                axes.text(j + 0.5, i + 0.5, text, ha="center", va="center_baseline", fontsize=fit, zorder=3)
    axes.set_xticks(
        [j + 0.5 for j in range(len(columns))],
        [labels[b] for b in columns],
        rotation=90,
        fontsize=size,
    )
    axes.set_yticks([i + 0.5 for i in range(len(rows))], [labels[a] for a in rows], fontsize=size)
    no_formulas(axes)
    axes.tick_params(length=0, top=True, labeltop=True, bottom=False, labelbottom=False, pad=3)
    for i in range(len(rows) + 1):
        axes.axhline(i, color="#555555", lw=0.9 if i % 5 == 0 else 0.4, zorder=2, clip_on=False)
    for j in range(len(columns) + 1):
        axes.axvline(j, color="#555555", lw=0.9 if j % 5 == 0 else 0.4, zorder=2, clip_on=False)
