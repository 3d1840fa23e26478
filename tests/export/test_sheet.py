"""Timing sheets: what PDFium reads on the page is the plan, and the gate sees when it is not."""

from __future__ import annotations

import io
import re
from typing import Any

import pypdfium2 as pdfium
import pytest
from pypdf import PdfReader, PdfWriter
from pypdf.generic import DecodedStreamObject, NameObject

from sim.errors import InputError
from sim.export import sheet_layout as lay
from sim.export.gate import file_findings
from sim.export.sheet import FORMAT
from sim.signals.lamps import lamps
from sim.signals.plan import Green, Group, Intergreen, Plan, Program, SignalPlan
from sim.signals.profile import load_profile

BASIC = load_profile("basic").limits
GREEN_ROW = re.compile(r"(\d+) (\d+) (.+?) (\d+) (\d+) (\d+)( gives way)?")


def first(plan: Plan, count: int) -> Plan:
    """Keep the first signals: a page takes half a second."""
    return plan.model_copy(update={"signals": plan.signals[:count]})


def large_plan() -> Plan:
    groups = tuple(
        Group(
            name=f"Fußgänger Süd $x$ {k}" if k % 7 == 0 else f"K{k}",
            minimum_green=5,
            yellow=3,
            red_yellow=1,
            rest="off" if k % 5 == 0 else "red",
        )
        for k in range(40)
    )
    greens = tuple(
        Green(group=group.name, begin=(k * 7) % 90, end=(k * 7 + 20) % 90 or 90, permissive=k % 6 == 0)
        for k, group in enumerate(groups)
    )
    matrix = tuple(
        Intergreen(clearing=groups[i].name, entering=groups[j].name, seconds=(i * j) % 14)
        for i in range(40)
        for j in range(40)
        if i != j and (i + j) % 3
    )
    program = Program(id="Frühspitze", number=3, cycle=90, offset=12, switch=85, greens=greens)
    return Plan(
        name="groß",
        signals=(SignalPlan(id="Große Kreuzung", groups=groups, intergreens=matrix, programs=(program,)),),
    )


def pages_by_pdfium(content: bytes) -> list[Any]:
    document = pdfium.PdfDocument(content)
    return [document[k].get_textpage() for k in range(len(document))]


def foreign_greens(content: bytes) -> dict[tuple[str, str], list[tuple[int, str, int, int, bool]]]:
    """Read the greens of each signal and program from the lines that PDFium sees."""
    found: dict[tuple[str, str], list[tuple[int, str, int, int, bool]]] = {}
    program = ""
    for page in pages_by_pdfium(content):
        lines = page.get_text_range().splitlines()
        at = lines.index("Signal timing sheet Signaltechnische Unterlage")
        signal = cell(page, lay.MARGIN, lay.HEIGHT - 42.0 - lay.FIRST_ROW, lay.HEAD.columns[0].width)
        for k, line in enumerate(lines[at:]):
            if line == "Umschaltpunkt":
                program = re.sub(r" \d+ \d+ \d+ \d+$", "", lines[at + k + 1])
        if "Greens Freigabezeiten" in lines:
            rows = lines[lines.index("Greens Freigabezeiten") :]
            rows = (
                rows[: rows.index("Stage order Phasenfolge")] if "Stage order Phasenfolge" in rows else rows
            )
            for line in rows:
                match = GREEN_ROW.fullmatch(line)
                if match:
                    _, group, name, begin, end, _, yields = match.groups()
                    row = (int(group), name, int(begin), int(end), bool(yields))
                    found.setdefault((signal, program), []).append(row)
    return found


def cell(page: Any, left: float, baseline: float, width: float, height: float = 9.0) -> str:
    return page.get_text_bounded(left - 0.5, baseline - 2.5, left + width - 0.5, baseline + height).strip()


@pytest.mark.parametrize("name", ["bochum_plan", "cologne_plan", "ring_plan"])
def test_pdfium_reads_the_lamps_of_every_second(name: str, request: pytest.FixtureRequest) -> None:
    plan = first(request.getfixturevalue(name), 4)
    content = FORMAT.write(plan)["sheet.pdf"]
    found = foreign_greens(content)
    for signal in plan.signals:
        for program in signal.programs:
            rows = found[signal.id, program.id]
            assert all(signal.groups[number - 1].name == group for number, group, *_ in rows)
            greens = tuple(
                Green(group=group, begin=begin, end=end, permissive=yields)
                for _, group, begin, end, yields in rows
            )
            printed = lamps(signal, program.model_copy(update={"greens": greens}))
            assert (printed == lamps(signal, program)).all()
    assert len(found) == sum(len(signal.programs) for signal in plan.signals)


def test_pdfium_reads_the_intergreen_matrix(ring_plan: Plan) -> None:
    (signal,) = ring_plan.signals
    number = signal.number()
    (page,) = [
        page
        for page in pages_by_pdfium(FORMAT.write(ring_plan)["sheet.pdf"])
        if lay.MATRIX_TITLE in page.get_text_range()
    ]
    left, top = lay.matrix_corner()
    side = lay.matrix_cell(len(signal.groups))
    printed = {}
    for a in range(len(signal.groups)):
        for b in range(len(signal.groups)):
            x, y = left + b * side, top - (a + 1) * side
            text = page.get_text_bounded(x + 0.5, y + 0.5, x + side - 0.5, y + side - 0.5).strip()
            if text:
                printed[a, b] = int(text)
    assert printed == {(number[c.clearing], number[c.entering]): c.seconds for c in signal.intergreens}


def test_the_paper_alone_gives_the_plan(bochum_plan: Plan, ring_plan: Plan) -> None:
    assert FORMAT.write(ring_plan) == FORMAT.write(ring_plan)
    for plan in (first(bochum_plan, 1), ring_plan, large_plan()):
        files = FORMAT.write(plan)
        back = FORMAT.read(files, None)
        assert back.schedule == plan.schedule
        for one, other in zip(plan.signals, back.signals, strict=True):
            assert [g.model_copy(update={"links": ()}) for g in one.groups] == list(other.groups)
            assert one.programs == other.programs
            assert {(c.clearing, c.entering): c.seconds for c in one.intergreens} == {
                (c.clearing, c.entering): c.seconds for c in other.intergreens
            }
        # With the plan beside it the links and entering ways come back too.
        with_links = FORMAT.read(files, plan)
        assert [s.groups for s in with_links.signals] == [s.groups for s in plan.signals]


def test_the_gate_passes_what_is_written(bochum_plan: Plan, ring_plan: Plan) -> None:
    plan = first(bochum_plan, 1)
    assert file_findings(plan, FORMAT, FORMAT.write(plan), load_profile("rilsa").limits) == []
    assert file_findings(ring_plan, FORMAT, FORMAT.write(ring_plan), load_profile("nema").limits) == []


def tampered(content: bytes, page: int, old: bytes, new: bytes) -> bytes:
    """Change letters in a page's drawing, as a PDF editor does."""
    writer = PdfWriter(clone_from=PdfReader(io.BytesIO(content)))
    data = writer.pages[page].get_contents().get_data()
    assert data.count(old) >= 1
    at = data.rindex(old)
    stream = DecodedStreamObject()
    stream.set_data(data[:at] + new + data[at + len(old) :])
    writer.pages[page][NameObject("/Contents")] = writer._add_object(stream)
    out = io.BytesIO()
    writer.write(out)
    return out.getvalue()


def test_a_signal_whose_groups_do_not_conflict_has_an_empty_matrix_on_paper(cologne_plan: Plan) -> None:
    alone = [signal for signal in cologne_plan.signals if signal.compatible]
    assert alone
    plan = cologne_plan.model_copy(update={"signals": (alone[0],)})
    files = FORMAT.write(plan)
    assert file_findings(plan, FORMAT, files, load_profile("basic").limits) == []
    assert FORMAT.read(files, None).signals[0].compatible
    # A plan that says nothing of it is not made safe by paper.
    silent = plan.model_copy(update={"signals": (alone[0].model_copy(update={"compatible": False}),)})
    assert "matrix" in {f.rule for f in file_findings(silent, FORMAT, files, load_profile("basic").limits)}


def test_the_gate_sees_a_number_that_was_changed_in_the_file(ring_plan: Plan) -> None:
    content = FORMAT.write(ring_plan)["sheet.pdf"]
    changed = tampered(content, 1, b"(\x004) ", b"(\x003) ")
    try:
        findings = file_findings(ring_plan, FORMAT, {"sheet.pdf": changed}, BASIC)
    except InputError as refused:
        assert "sheet.pdf" in str(refused)  # noqa: PT017
    else:
        assert findings


def test_the_gate_sees_the_sheet_of_another_plan(ring_plan: Plan) -> None:
    (signal,) = ring_plan.signals
    greens = list(signal.programs[0].greens)
    greens[2] = greens[2].model_copy(update={"end": greens[2].end + 1})
    program = signal.programs[0].model_copy(update={"greens": tuple(greens)})
    other = ring_plan.model_copy(
        update={"signals": (signal.model_copy(update={"programs": (program, signal.programs[1])}),)}
    )
    findings = file_findings(ring_plan, FORMAT, FORMAT.write(other), BASIC)
    assert any(f.rule == "file" and f.groups == (greens[2].group,) for f in findings)


@pytest.mark.parametrize(
    ("update", "words"),
    [
        ({"id": "漢字"}, "'漢' is not in the font"),
        ({"id": " Ring"}, "cannot be seen on paper"),
        ({"id": "x" * 200}, "shorten it"),
    ],
)
def test_what_paper_cannot_say_is_refused(update: dict[str, str], words: str, ring_plan: Plan) -> None:
    signal = ring_plan.signals[0].model_copy(update=update)
    with pytest.raises(InputError, match=re.escape(words)):
        FORMAT.write(ring_plan.model_copy(update={"signals": (signal,)}))


@pytest.mark.parametrize("content", [b"", b"%PDF-1.4", b"%PDF-1.4\nnonsense" * 50, b"PK\x03\x04"])
def test_other_files_are_named(content: bytes) -> None:
    with pytest.raises(InputError, match=r"x\.pdf"):
        FORMAT.read({"x.pdf": content}, None)


def test_a_pdf_that_is_no_sheet_is_named(ring_plan: Plan) -> None:
    writer = PdfWriter()
    writer.add_blank_page(200, 200)
    out = io.BytesIO()
    writer.write(out)
    with pytest.raises(InputError, match="has no head of a signal timing sheet"):
        FORMAT.read({"x.pdf": out.getvalue()}, None)
    content = FORMAT.write(ring_plan)["sheet.pdf"]
    with pytest.raises(InputError):
        FORMAT.read({"x.pdf": content[: len(content) // 2]}, None)
    with pytest.raises(InputError, match="one PDF"):
        FORMAT.read({}, None)
