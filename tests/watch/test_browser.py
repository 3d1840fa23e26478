"""The page in a real browser beside a real batch: every control used, nothing asked of a network, readable by everybody."""

from __future__ import annotations

import re
import shutil
import signal
import subprocess
import sys
from typing import TYPE_CHECKING, Any, Self

import pytest

from sim.evaluate.kpi import write_kpi
from sim.evaluate.results import read_rows

if TYPE_CHECKING:
    from pathlib import Path

    from sim.watch.server import Server

EVIL = "</script><img src=x onerror=\"document.title='broken'\">'\"\n\u202eäß"
PATIENCE = 240_000  # [ms] longest wait for something that does come


class Visit:
    """A page in the browser, and everything it should not have done."""

    def __init__(self, browser: Any, url: str, **options: Any) -> None:
        self.context = browser.new_context(**{"locale": "en-GB", **options})
        self.context.set_default_timeout(PATIENCE)
        self.page = self.context.new_page()
        self.faults: list[str] = []
        self.page.on("console", lambda message: self.faults.append(message.text))
        self.page.on("pageerror", lambda error: self.faults.append(str(error)))
        self.page.on("request", lambda request: self._asked(request.url, url))
        self.page.on("dialog", lambda dialog: self.faults.append(dialog.message))
        self.page.goto(url)

    def _asked(self, asked: str, url: str) -> None:
        if not asked.startswith(url):
            self.faults.append(asked)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.context.close()
        if error[0] is None:
            assert self.faults == []

    def text(self, selector: str) -> str:
        return str(self.page.locator(selector).inner_text())

    def wait(self, selector: str, text: str) -> None:
        self.page.locator(selector).filter(has_text=re.compile(text)).first.wait_for()


def url_of(server: Server) -> str:
    return f"http://127.0.0.1:{server.port}/"


def start(*arguments: object, **streams: Any) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "sim.cli.main", *map(str, arguments)]
    return subprocess.Popen(command, text=True, **streams)


def test_a_batch_is_watched_from_its_start_to_its_end(browser: Any, cross: Path, tmp_path: Path) -> None:
    out = tmp_path / "läuft"
    out.mkdir()
    watch = start("watch", out, "--port", 0, stdout=subprocess.PIPE)
    batch = None
    try:
        assert watch.stdout is not None
        url = watch.stdout.readline().split()[0]
        with Visit(browser, url) as visit:
            visit.wait("#headline", "Waiting for a batch")
            assert "läuft" in visit.text("#folder")
            batch = start(
                "run", cross / "short.toml", cross / "long.toml", "--jobs", 1, "--out", out, stdout=subprocess.DEVNULL
            )  # fmt: skip
            visit.wait("#results tbody tr", r"short.*0 of 2|short.*1 of 2|short.*2 of 2")
            visit.wait("#results tbody tr", r"short.*2 of 2")
            # The short runs are done, a long one is on its way and nobody waits for its end.
            visit.wait("#running tbody tr", "long")
            visit.wait("#headline", "4 of 8 runs done")
            visit.wait("#counts", "4 done, 1 running, 3 waiting, 0 failed")
            visit.wait("#map-note", r"vehicles under way, \d+ of them standing")
            coloured = visit.page.locator("#map-chart path[class^=class-]")
            coloured.first.wait_for(state="attached")
            for figure in ("vehicles", "sofar", "standing"):
                visit.page.locator("#map-figure").select_option(figure)
                assert coloured.count() > 0
            visit.page.locator("#map-show").select_option(index=1)
            before = visit.text("#map-note")
            visit.page.wait_for_function(
                "text => document.getElementById('map-note').textContent !== text", arg=before
            )

            visit.page.locator("#pause").click()
            visit.wait("#announce", "Paused")
            visit.page.wait_for_timeout(1500)
            still = visit.text("#running")
            batch.send_signal(signal.SIGINT)
            assert batch.wait(120) == 130
            visit.page.wait_for_timeout(1500)
            assert visit.text("#running") == still
            visit.page.locator("#pause").press("Enter")
            visit.wait("#headline", "Finished: 4 runs done")
            assert visit.page.locator("#running").is_hidden()
            visit.wait("#map-note", "mean over 2 finished runs")
        assert list((out / "tmp").iterdir()) == []
        assert not list((out / "runs").glob("*/watched")) + list((out / "runs").glob("*/live.json"))
    finally:
        watch.kill()
        watch.communicate()
        if batch is not None and batch.poll() is None:
            batch.kill()
            batch.wait()


def test_every_control_of_a_finished_folder(browser: Any, server: Server) -> None:
    with Visit(browser, url_of(server)) as visit:
        page = visit.page
        visit.wait("#map-note", "mean over 2 finished runs")
        for figure in ("spillback", "flow", "delay"):
            page.locator("#map-figure").select_option(figure)
            assert page.locator("#map-legend li").count() == 7
        assert page.locator("#map-chart path[class^=class-]").count() > 4
        page.locator("#map-box summary").press("Enter")
        page.locator("#map-edges tbody tr").nth(4).wait_for()
        values = [float(cell) for cell in page.locator("#map-edges tbody td:last-child").all_inner_texts()]
        assert values == sorted(values, reverse=True)
        svg = page.locator("#map-chart svg")
        before = svg.get_attribute("viewBox")
        for press in ("in", "west", "east", "north", "south", "out"):
            at = svg.get_attribute("viewBox")
            page.locator(f"#map-{press}").click()
            assert svg.get_attribute("viewBox") != at
        box = svg.bounding_box()
        page.mouse.move(box["x"] + 50, box["y"] + 50)
        page.mouse.down()
        page.mouse.move(box["x"] + 90, box["y"] + 90)
        page.mouse.up()
        assert svg.get_attribute("viewBox") != before
        page.locator("#map-whole").press("Space")
        assert svg.get_attribute("viewBox") == before
        page.locator("#map-show").select_option(index=1)
        page.locator("[data-language=de]").click()
        assert "Fertig: 4 Läufe" in visit.text("#headline")
        assert "Steuerung" in visit.text("#results")
        assert "," in visit.text("#results tbody td:nth-child(4)")
        assert "Mittel über 2" in visit.text("#map-note")
        assert page.locator("html").get_attribute("lang") == "de"
        page.locator("[data-language=en]").click()
        assert "Results so far" in visit.text("main")


def test_the_language_is_the_browsers(browser: Any, server: Server) -> None:
    with Visit(browser, url_of(server), locale="de-AT") as visit:
        visit.wait("#headline", "Fertig")


def test_hostile_names_and_damage_are_shown_and_do_nothing(
    browser: Any, folder: Path, server: Server
) -> None:
    rows = [row for row in read_rows(folder) if row["controller"] == "program"]
    evil = {"status": "failed", "reason": EVIL, "scenario": EVIL, "controller": EVIL}
    write_kpi(rows[0] | evil, folder / "runs" / rows[0]["run_key"] / "kpi.parquet")
    bad = folder / "runs" / "<b>bad"
    bad.mkdir()
    (bad / "kpi.parquet").write_bytes(b"PAR1")
    with Visit(browser, url_of(server)) as visit:
        visit.wait("#failures tbody", "onerror")
        visit.wait("#faults", "<b>bad")
        assert visit.page.locator("#results tbody tr").count() == 2
        assert visit.page.locator("main img, main script, main b").count() == 0
        assert visit.page.title() == "100 % – Grünband watch"
        assert "\u202e" not in visit.text("main")
        visit.wait("#map-note", "one finished run")
        shutil.rmtree(folder / "runs")
        visit.wait("#headline", "Waiting for a batch")


def test_a_server_that_is_gone_is_told(browser: Any, folder: Path) -> None:
    watch = start("watch", folder, "--port", 0, stdout=subprocess.PIPE)
    assert watch.stdout is not None
    visit = Visit(browser, watch.stdout.readline().split()[0])
    visit.wait("#headline", "Finished")
    watch.kill()
    watch.communicate()
    visit.wait("#lost", "does not answer")
    visit.context.close()


@pytest.mark.parametrize("width", [360, 768, 1600])
def test_nothing_is_wider_than_the_window(browser: Any, server: Server, width: int) -> None:
    with Visit(browser, url_of(server), viewport={"width": width, "height": 800}) as visit:
        visit.wait("#map-note", "mean over 2")
        assert visit.page.evaluate("document.documentElement.scrollWidth") == width


@pytest.mark.parametrize(("language", "scheme"), [("en", "light"), ("de", "dark")])
def test_no_barrier_that_axe_knows(browser: Any, server: Server, language: str, scheme: str) -> None:
    axe = pytest.importorskip("axe_playwright_python.sync_playwright")
    # The checker injects itself, which the page's own policy would refuse.
    with Visit(browser, url_of(server), bypass_csp=True, color_scheme=scheme) as visit:
        visit.wait("#map-note", "mean over 2")
        visit.page.locator(f"[data-language={language}]").click()
        visit.page.locator("#map-box").evaluate("box => { box.open = true; }")
        visit.page.locator("#map-edges tbody tr").nth(4).wait_for()
        visit.page.locator("#pause").click()
        found = axe.Axe().run(visit.page).response
    assert len(found["passes"]) > 20
    assert [(v["id"], v["impact"], v["nodes"][0]["html"]) for v in found["violations"]] == []
