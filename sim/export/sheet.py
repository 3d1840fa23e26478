"""Signal timing sheets as PDF: groups, bar charts, intergreen matrix and day schedule, to print and to sign."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any, NoReturn

from sim.errors import InputError
from sim.export import sheet_layout as lay
from sim.export.drawing import matrix_axes, program_axes
from sim.export.format import Format
from sim.export.picture import short, text_width
from sim.export.sheet_read import read_sheet
from sim.signals.lamps import seconds_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sim.signals.plan import Plan, Program, Schedule, SignalPlan

# Bars of a chart, their height, and what stands above and below them [pt].
CHART_BLOCK, CHART_ROW, CHART_ABOVE, CHART_BELOW = 40, 13.0, 30.0, 72.0


def write_sheet(plan: Plan) -> dict[str, bytes]:
    """
    Write the sheets of all signals of a plan.

    Parameters
    ----------
    plan : Plan
        The plan.

    Returns
    -------
    dict
        One PDF; the same plan gives the same bytes.

    Raises
    ------
    InputError
        If a name has characters that the font lacks, or is too long for its column.
    """
    import matplotlib as mpl  # noqa: PLC0415  (start-up of the CLI)
    from matplotlib.backends.backend_pdf import PdfPages  # noqa: PLC0415

    buffer = io.BytesIO()
    about = {"Title": f"Signal timing sheets: {plan.name}", "Creator": "Grünband", "Producer": "matplotlib"}
    # Fonts of type 42 keep the letters, so that the numbers can be read back from what is printed.
    settings = {"font.family": "DejaVu Sans", "pdf.fonttype": 42, "text.usetex": False}
    with mpl.rc_context(settings), PdfPages(buffer, metadata={**about, "CreationDate": None}) as pages:
        writer = _Writer(pages, plan)
        for signal in plan.signals:
            _write_signal(writer, signal)
        if plan.schedule is not None:
            _write_schedule(writer, plan.schedule)
        writer.finish()
    return {"sheet.pdf": buffer.getvalue()}


def _write_signal(writer: _Writer, signal: SignalPlan) -> None:
    writer.begin_page(signal.id)
    writer.table(
        lay.GROUPS,
        [
            (
                k + 1,
                group.name,
                group.kind,
                group.minimum_green,
                group.yellow,
                group.red_yellow,
                group.rest,
                "" if group.speed is None else repr(group.speed),
                "" if group.crossing is None else repr(group.crossing),
                len(group.links),
            )
            for k, group in enumerate(signal.groups)
        ],
    )
    for program in signal.programs:
        _write_program(writer, signal, program)
    count = len(signal.groups)
    labels = [f"{k + 1}  {short(group.name, lay.GUTTER_NAME)}" for k, group in enumerate(signal.groups)]
    for rows in lay.blocks(count, lay.MATRIX_BLOCK):
        for columns in lay.blocks(count, lay.MATRIX_BLOCK):
            writer.begin_page(signal.id)
            writer.matrix(signal, rows, columns, labels)


def _write_program(writer: _Writer, signal: SignalPlan, program: Program) -> None:
    number = signal.number()
    writer.begin_page(signal.id)
    writer.table(lay.PROGRAM, [(program.id, program.number, program.cycle, program.offset, program.switch)])
    for rows in lay.blocks(len(signal.groups), CHART_BLOCK):
        writer.chart(signal, program, rows)
    writer.table(
        lay.GREENS,
        [
            (
                k + 1,
                number[green.group] + 1,
                green.group,
                green.begin,
                green.end,
                len(seconds_of(green.begin, green.end, program.cycle)),
                lay.GIVES_WAY if green.permissive else "",
            )
            for k, green in enumerate(program.greens)
        ],
    )
    stages = [
        (s + 1, " ".join(str(number[name] + 1) for name in stage[begin : begin + lay.STAGE_CHUNK]))
        for s, stage in enumerate(program.stages)
        for begin in range(0, len(stage), lay.STAGE_CHUNK)
    ]
    if stages:
        writer.table(lay.STAGES, stages)


def _write_schedule(writer: _Writer, schedule: Schedule) -> None:
    writer.begin_page("")
    entries = [(name, entry) for name, entries in schedule.day_plans.items() for entry in entries]
    writer.table(
        lay.DAYS, [(k + 1, name, entry.time, entry.program) for k, (name, entry) in enumerate(entries)]
    )
    writer.table(lay.WEEK, [(k + 1, day, name) for k, (day, name) in enumerate(schedule.week.items())])


class _Writer:
    """Fills pages from top to bottom."""

    def __init__(self, pages: Any, plan: Plan) -> None:  # noqa: ANN401  (matplotlib is untyped)
        from matplotlib.font_manager import FontProperties, findfont, get_font  # noqa: PLC0415

        self._pages = pages
        self._plan = plan
        self._letters = get_font(findfont(FontProperties(family="DejaVu Sans"))).get_charmap()
        self._figure: Any = None
        self._signal = ""
        self._count = 0
        self._y = 0.0

    def begin_page(self, signal: str) -> None:
        """Begin a page with its head."""
        from matplotlib.figure import Figure  # noqa: PLC0415  (start-up of the CLI)

        self.finish()
        self._figure = Figure(figsize=(lay.WIDTH / 72, lay.HEIGHT / 72), facecolor="white")
        self._signal = signal
        self._count += 1
        self._y = lay.HEIGHT - 42.0
        self._rows(lay.HEAD, [(signal, self._plan.name, self._plan.network, self._count)])

    def finish(self) -> None:
        """Hand the page over."""
        if self._figure is not None:
            self._pages.savefig(self._figure)
            self._figure = None

    def table(self, table: lay.Table, rows: Sequence[tuple[object, ...]]) -> None:
        """Write a table, on several pages if it is long."""
        rest = list(rows)
        while True:
            room = int((self._y - lay.MARGIN - lay.FIRST_ROW) / lay.ROW_PITCH)
            if room < min(len(rest), 3):
                self.begin_page(self._signal)
                continue
            self._rows(table, rest[:room])
            rest = rest[room:]
            if not rest:
                return

    def _rows(self, table: lay.Table, rows: Sequence[tuple[object, ...]]) -> None:
        edges = table.edges()
        self._text(lay.MARGIN, self._y, table.title, lay.TITLE_SIZE, weight="bold")
        right = lay.MARGIN + text_width(table.title, lay.TITLE_SIZE) * 1.12 + 8.0
        self._text(right, self._y, table.german, 7.5, color="#555555")
        for column, left in zip(table.columns, edges, strict=False):
            self._text(left, self._y - 12.0, column.head, 6.0, weight="bold")
            self._text(left, self._y - 18.5, column.german, 5.0, color="#555555")
        self._line(edges[0], edges[-1], self._y - 21.5, 0.8)
        y = self._y - lay.FIRST_ROW
        for row in rows:
            for column, left, value in zip(table.columns, edges, row, strict=False):
                if value != "":
                    self._cell(table, column, left, y, str(value))
            self._line(edges[0], edges[-1], y - 3.2, 0.25)
            y -= lay.ROW_PITCH
        self._y = y - 16.0

    def _cell(self, table: lay.Table, column: lay.Column, left: float, y: float, text: str) -> None:
        lacking = [letter for letter in text if ord(letter) not in self._letters]
        if lacking:
            self._refuse(table, column, text, f"the character {lacking[0]!r} is not in the font DejaVu Sans")
        if text != text.strip():
            self._refuse(table, column, text, "space at its begin or end cannot be seen on paper; remove it")
        size = min(lay.CELL_SIZE, lay.CELL_SIZE * (column.width - 4.0) / text_width(text, lay.CELL_SIZE))
        if size < lay.SMALLEST:
            self._refuse(table, column, text, "it does not fit into its column; shorten it")
        self._text(left, y, text, size)

    def _refuse(self, table: lay.Table, column: lay.Column, text: str, why: str) -> NoReturn:
        where = f"signal '{self._signal}': " if self._signal else ""
        msg = f"{where}the sheet's table '{table.title}' cannot say {column.key} '{text}': {why}"
        raise InputError(msg)

    def _text(self, x: float, y: float, text: str, size: float, **style: Any) -> None:  # noqa: ANN401
        self._figure.text(x / lay.WIDTH, y / lay.HEIGHT, text, fontsize=size, parse_math=False, **style)

    def _line(self, left: float, right: float, y: float, width: float) -> None:
        from matplotlib.lines import Line2D  # noqa: PLC0415  (start-up of the CLI)

        ends = [left / lay.WIDTH, right / lay.WIDTH], [y / lay.HEIGHT, y / lay.HEIGHT]
        self._figure.add_artist(Line2D(*ends, lw=width, color="#444444"))

    def _axes(self, left: float, bottom: float, width: float, height: float) -> Any:  # noqa: ANN401
        box = (left / lay.WIDTH, bottom / lay.HEIGHT, width / lay.WIDTH, height / lay.HEIGHT)
        return self._figure.add_axes(box)

    def chart(self, signal: SignalPlan, program: Program, rows: range) -> None:
        """Draw the bars of some groups."""
        height = CHART_ROW * len(rows)
        if self._y - CHART_ABOVE - height - CHART_BELOW < lay.MARGIN:
            self.begin_page(self._signal)
        bottom = self._y - CHART_ABOVE + 12.0 - height
        left = lay.MARGIN + lay.GUTTER
        axes = self._axes(left, bottom, lay.WIDTH - lay.MARGIN - left, height)
        labels = [f"{k + 1}  {short(signal.groups[k].name, lay.GUTTER_NAME)}" for k in rows]
        program_axes(axes, signal, program, rows, labels)
        self._y = bottom - CHART_BELOW

    def matrix(self, signal: SignalPlan, rows: range, columns: range, labels: Sequence[str]) -> None:
        """Draw a part of the intergreen matrix, always at the same place."""
        self._text(lay.MARGIN, lay.MATRIX_TOP, lay.MATRIX_TITLE, lay.TITLE_SIZE, weight="bold")
        right = lay.MARGIN + text_width(lay.MATRIX_TITLE, lay.TITLE_SIZE) * 1.12 + 8.0
        self._text(right, lay.MATRIX_TOP, f"{lay.MATRIX_GERMAN} [s]", 7.5, color="#555555")
        self._text(lay.MARGIN, lay.MATRIX_NOTE, lay.matrix_note(rows, columns), 6.5)
        clear = "rows clear (räumen), columns enter (einfahren); empty: no conflict (verträglich)"
        self._text(lay.MARGIN + 160.0, lay.MATRIX_NOTE, clear, 6.5)
        side = lay.matrix_cell(len(columns))
        left, top = lay.matrix_corner()
        axes = self._axes(left, top - side * len(rows), side * len(columns), side * len(rows))
        matrix_axes(axes, signal, rows, columns, labels)


FORMAT = Format(
    name="sheet",
    title="Printable signal timing sheets (Signalzeitenpläne), PDF",
    suffix=".pdf",
    carries=frozenset(
        (
            "greens",
            "permissive",
            "yellow",
            "red-yellow",
            "rest",
            "offset",
            "programs",
            "schedule",
            "switch",
            "intergreens",
            "minimum-green",
            "stages",
            "kind",
            "crossing",
        )
    ),
    write=write_sheet,
    read=read_sheet,
    reads_alone=True,
)
