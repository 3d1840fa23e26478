"""The page in a real browser: every control used, nothing asked of a network, readable by everybody."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self

import pytest

from sim.evaluate.kpi import write_kpi
from sim.evaluate.results import read_rows
from sim.report.page import build_page

if TYPE_CHECKING:
    from pathlib import Path

SIZES = {"phone": (360, 740), "desk": (1600, 1000)}


@pytest.fixture(scope="module")
def file(page: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("page") / "report.html"
    place.write_text(page, encoding="utf-8")
    return place


class Visit:
    """A page in the browser, and everything it should not have done."""

    def __init__(self, browser: Any, file: Path, **options: Any) -> None:
        self.context = browser.new_context(**{"locale": "en-GB", **options})
        self.page = self.context.new_page()
        self.faults: list[str] = []
        self.page.on("console", lambda message: self.faults.append(message.text))
        self.page.on("pageerror", lambda error: self.faults.append(str(error)))
        self.page.on("request", lambda request: self._asked(request.url))
        self.page.on("dialog", lambda dialog: self.faults.append(dialog.message))
        self.page.goto(file.as_uri())
        self.drawn()

    def _asked(self, url: str) -> None:
        if not url.startswith("file:"):
            self.faults.append(url)

    def drawn(self) -> None:
        self.page.wait_for_selector("#queue-chart > *")
        self.page.wait_for_timeout(100)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.context.close()
        if error[0] is None:
            assert self.faults == []


def text(page: Any, selector: str) -> str:
    return str(page.locator(selector).inner_text())


def column(page: Any, number: int) -> list[str]:
    return [str(c) for c in page.locator(f"#results tbody tr > :nth-child({number})").all_inner_texts()]


def test_tables_sort_by_mouse_and_keyboard(browser: Any, file: Path) -> None:
    with Visit(browser, file) as visit:
        page = visit.page
        head = page.locator("#results th").nth(2)
        head.locator("button").click()
        assert head.get_attribute("aria-sort") == "descending"
        down = [float(value) for value in column(page, 3)]
        assert down == sorted(down, reverse=True)
        page.keyboard.press("Enter")
        assert head.get_attribute("aria-sort") == "ascending"
        assert [float(value) for value in column(page, 3)] == down[::-1]
        page.locator("#results th").nth(1).locator("button").press("Space")
        assert head.get_attribute("aria-sort") == "none"
        assert [name.split()[0] for name in column(page, 2)] == ["actuated", "program"]


def test_definitions_show_on_hover_and_focus_and_go(browser: Any, file: Path) -> None:
    with Visit(browser, file) as visit:
        page = visit.page
        button = page.locator("#results button[data-term=delay]").first
        button.hover()
        assert "every vehicle scheduled" in text(page, "#tip")
        page.keyboard.press("Escape")
        assert page.locator("#tip").is_hidden()
        page.locator("#results button[data-term=floor]").first.focus()
        assert "every signal is green" in text(page, "#tip")
        page.locator("[data-language=de]").first.click()
        page.locator("#results button[data-term=floor]").first.focus()
        assert "alle Signale Grün" in text(page, "#tip")


def test_language_changes_words_numbers_and_charts(browser: Any, file: Path) -> None:
    with Visit(browser, file, locale="de-DE") as visit:
        page = visit.page
        assert page.locator("html").get_attribute("lang") == "de"
        assert "Das Ergebnis" in text(page, "main")
        assert "The answer" not in text(page, "main")
        assert "," in column(page, 3)[0]
        assert "Startwert" in text(page, "#seeds-caption")
        page.locator("[data-language=en]").first.click()
        visit.drawn()
        assert "The answer" in text(page, "main")
        assert "." in column(page, 3)[0]
        assert "seed" in text(page, "#map-caption")
        assert page.locator("[data-language=en]").first.get_attribute("aria-pressed") == "true"


def test_every_control_of_the_pictures(browser: Any, file: Path) -> None:
    with Visit(browser, file) as visit:
        page = visit.page
        for radio in page.locator("#seeds input[type=radio]").all():
            radio.check()
            assert page.locator("#seeds-chart circle").count() == 6
        page.locator("#runs summary").click()
        # The table is filled when the browser tells that it was opened, a moment after the click.
        page.locator("#runs-table tbody tr").nth(5).wait_for()
        assert page.locator("#runs-table tbody tr").count() == 6
        page.locator("#runs-table th button").nth(2).click()

        seen = set()
        for controller in ("actuated", "program"):
            page.locator("#view-controller").select_option(label=controller)
            visit.drawn()
            for figure in ("road_delay", "saturation", "quality"):
                page.locator(f"input[name=map-figure][value={figure}]").check()
                page.wait_for_timeout(100)
                assert page.locator("#map-chart path[class^=class-]").count() >= 6
            assert page.locator("#map-chart .letters text").count() >= 6
            assert controller in text(page, "#map-caption")
            page.locator("#map-table-box").evaluate("box => { box.open = true; }")
            page.wait_for_selector("#map-table tbody tr")
            seen.add(text(page, "#map-table"))
        assert len(seen) == 2

        before = page.locator("#map-chart svg").get_attribute("viewBox")
        for press in ("in", "west", "east", "north", "south", "out"):
            page.locator(f"#map-{press}").click()
        page.locator("#map-in").click()
        assert page.locator("#map-chart svg").get_attribute("viewBox") != before
        page.locator("#map-whole").click()
        page.wait_for_timeout(100)
        assert page.locator("#map-chart svg").get_attribute("viewBox") == before

        for road in page.locator("#corridor-choice option").all_inner_texts():
            page.locator("#corridor-choice").select_option(label=road)
            page.wait_for_timeout(100)
            assert page.locator("#corridor-chart rect.green").count() > 2
        page.locator("#corridor-time").fill("0")
        page.locator("#corridor summary").click()
        assert page.locator("#corridor-table tbody tr").count() >= 2

        for signal in page.locator("#signal-choice option").all_inner_texts():
            page.locator("#signal-choice").select_option(label=signal)
            visit.drawn()
            assert page.locator("#timing-chart rect.lamp").count() > 4
            assert page.locator("#purdue-chart .arrivals").count() == 1
            for group in page.locator("#group-choice option").all_inner_texts():
                page.locator("#group-choice").select_option(label=group)
            assert page.locator("#queue-legend li").count() >= 2
        page.locator("#signal-time").fill("0")
        page.locator("#signal summary").click()
        assert page.locator("#signal-table table").count() == 2
        page.locator("#provenance summary").click()


@pytest.mark.parametrize("size", SIZES)
def test_nothing_is_wider_than_the_window(browser: Any, file: Path, size: str) -> None:
    width, height = SIZES[size]
    with Visit(browser, file, viewport={"width": width, "height": height}) as visit:
        assert visit.page.evaluate("document.documentElement.scrollWidth") == width
        for chart in visit.page.locator(".chart svg").all():
            assert chart.bounding_box()["width"] <= width


def test_summary_prints_on_one_page(browser: Any, file: Path, tmp_path: Path) -> None:
    pdfium = pytest.importorskip("pypdfium2")
    with Visit(browser, file) as visit:
        visit.page.pdf(path=str(tmp_path / "print.pdf"), prefer_css_page_size=True)
    with pdfium.PdfDocument(tmp_path / "print.pdf") as document:
        pages = [document[k].get_textpage().get_text_range() for k in range(len(document))]
        sizes = {tuple(round(x) for x in document[k].get_size()) for k in range(len(document))}
    assert sizes == {(595, 842)}
    (summary,) = [text for text in pages if "In plain words" in text]
    assert "How sure?" in summary
    assert "not from measurements" in summary
    assert "One row per situation" not in summary


@pytest.mark.parametrize("language", ["en", "de"])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_no_barrier_that_axe_knows(browser: Any, file: Path, language: str, scheme: str) -> None:
    axe = pytest.importorskip("axe_playwright_python.sync_playwright")
    # The checker injects itself, which the page's own policy would refuse.
    with Visit(browser, file, bypass_csp=True, color_scheme=scheme) as visit:
        visit.page.locator(f"[data-language={language}]").first.click()
        for details in visit.page.locator("details").all():
            details.evaluate("box => { box.open = true; }")
        visit.drawn()
        found = axe.Axe().run(visit.page).response
    assert len(found["passes"]) > 20
    assert [(v["id"], v["impact"], v["nodes"][0]["html"]) for v in found["violations"]] == []


def test_hostile_names_are_shown_and_do_nothing(browser: Any, folder: Path, tmp_path: Path) -> None:
    evil = "</script><img src=x onerror=\"document.title='broken'\">'\"\n\u202eäß"
    for row in read_rows(folder):
        if row["controller"] == "actuated":
            write_kpi(row | {"controller": evil}, folder / "runs" / row["run_key"] / "kpi.parquet")
    place = tmp_path / "evil.html"
    place.write_text(build_page(folder), encoding="utf-8")
    with Visit(browser, place) as visit:
        page = visit.page
        page.locator("#view-controller").select_option(index=1)
        visit.drawn()
        page.locator("#runs summary").click()
        assert page.locator("img").count() == 0
        assert page.title() == "Grünband: copy"
        assert "<img src=x" in text(page, "#answer")
        for caption in ("#map-caption", "#corridor-caption", "#seeds-caption"):
            assert "<img src=x" in text(page, caption)
            assert not set("\u202e\u2066") & set(text(page, caption))


def test_a_page_without_scripts_still_tells_the_answer(browser: Any, file: Path) -> None:
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(file.as_uri())
    assert "better than" in text(page, "#answer")
    assert page.locator("#results tbody tr").count() == 2
    context.close()
