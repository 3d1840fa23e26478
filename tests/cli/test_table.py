"""The result table and the progress of a batch."""

from __future__ import annotations

import io
from types import SimpleNamespace
from typing import Any, cast

import pytest
from rich.console import Console

from sim.batch.estimate import Estimate
from sim.batch.events import BatchPlanned, RunFailed, RunFinished, RunProgress, RunStarted
from sim.cli import table
from sim.cli.progress import Bars, Lines, time_left
from sim.run import RunTask  # noqa: TC001


def row(controller: str, delay: float | None, done: int = 3, **values: Any) -> dict[str, Any]:
    base = {
        "scenario": "a",
        "scenario_key": "k",
        "controller": controller,
        "scale": 1.0,
        "runs": 3,
        "done": done,
    }
    numbers = {"delay": delay, "delay_sd": 1.0, "control_delay": delay, "floor": 2.0, "gridlocks": 0}
    return base | numbers | values


def task(controller: str = "program", seed: int = 1) -> RunTask:
    return cast(
        "RunTask",
        SimpleNamespace(
            scenario=SimpleNamespace(name="a"),
            controller=SimpleNamespace(label=controller),
            seed=seed,
            scale=1.5,
        ),
    )


def test_the_best_is_found_per_scenario_and_scale() -> None:
    rows = [
        row("x", 30.0),
        row("y", 20.0),
        row("x", 5.0, scale=2.0),
        row("y", 6.0, scale=2.0),
        row("x", 1, scenario="b"),
    ]
    assert table.best_rows(rows) == {1, 2}


def test_there_is_no_best_where_runs_are_missing() -> None:
    assert table.best_rows([row("x", 30.0), row("y", 20.0, done=2)]) == set()
    assert table.best_rows([row("x", 30.0), row("y", 20.0, runs=2, done=2)]) == set()
    assert table.best_rows([row("x", 30.0), row("y", None, done=0)]) == set()


def test_the_piped_table_is_never_cut(capsys: pytest.CaptureFixture[str]) -> None:
    failure = {
        "status": "timeout",
        "scenario": "a",
        "controller": "y",
        "seed": 2,
        "scale": 1.0,
        "reason": "[3 s]\nx",
    }
    table.print_results([row("x" * 60, 30.0), row("y", 20.25, delay_sd=None)], [failure])
    lines = capsys.readouterr().out.splitlines()
    assert "x" * 60 in lines[1]
    assert lines[2].split()[3:5] == ["*", "20.2"]
    assert lines[-1] == "timeout: a y seed 2 scale 1: [3 s] x"


@pytest.mark.parametrize(("width", "titles"), [(60, "delay seeds"), (200, "longest stops waiting")])
def test_a_narrow_terminal_keeps_what_matters(
    monkeypatch: pytest.MonkeyPatch, width: int, titles: str
) -> None:
    console = Console(file=io.StringIO(), width=width, force_terminal=True, no_color=True, markup=False)
    monkeypatch.setattr(table, "make_console", lambda: console)
    table.print_results([row("x", 30.0), row("y", 20.0)], [])
    text = cast("io.StringIO", console.file).getvalue()
    assert all(title in text for title in titles.split())
    assert ("Not shown for want of width" in text) == (width == 60)


def test_what_nobody_looked_for_has_no_column(capsys: pytest.CaptureFixture[str]) -> None:
    table.print_results([row("x", 30.0), row("y", 20.0)], [])
    plain = capsys.readouterr().out
    assert "conflicts:" not in plain
    assert "walk wait" not in plain
    # No pedestrians: conflicts alone. One of two runs looked: the other one has a dash.
    table.print_results([row("x", 30.0), row("y", 20.0, conflicts=0.25)], [])
    titles, first, second = capsys.readouterr().out.splitlines()[:3]
    assert "conflicts" in titles
    assert "walk wait" not in titles
    assert "0.25" in second
    assert "0.25" not in first


def test_the_time_left_is_told_from_the_work_done() -> None:
    now = [100.0]
    estimate = Estimate(lambda: now[0])
    estimate.note(BatchPlanned(12, 2))
    assert time_left(estimate) == ""
    estimate.note(RunStarted("k", task(), 1))
    now[0] = 130.0
    estimate.note(RunFinished("k", task(), 30.0, 10.0, gridlock=False))
    assert time_left(estimate) == "about 4:30 left"
    estimate.note(RunStarted("l", task(), 1))
    estimate.note(RunProgress("l", task(), 0.5, 40))
    assert time_left(estimate) == "about 2:50 left"
    assert (estimate.ended, estimate.total) == (3, 12)


def test_lines_for_a_log(capsys: pytest.CaptureFixture[str]) -> None:
    with Lines() as view:
        view(BatchPlanned(3, 1))
        view(RunStarted("k", task(), 1))
        view(RunProgress("k", task(), 0.5, 7))
        view(RunFinished("k", task(), 1.25, 9.87, gridlock=True))
        view(RunFailed("l", task("max-pressure", 2), "timeout", "longer than\n3 s"))
    lines = capsys.readouterr().err.splitlines()
    assert lines[0] == "3 runs, 1 of them finished before"
    assert lines[1].startswith(
        "[2/3] done    a program seed 1 scale 1.5: delay 9.9 s/veh, GRIDLOCK, took 1.2 s"
    )
    assert lines[2] == "[3/3] timeout a max-pressure seed 2 scale 1.5: longer than 3 s"


def test_bars_for_a_terminal() -> None:
    console = Console(file=io.StringIO(), width=100, force_terminal=True, no_color=True)
    with Bars(console) as view:
        view(BatchPlanned(2, 0))
        view(RunStarted("k", task(), 1))
        view(RunProgress("k", task(), 0.5, 7))
        view._progress.refresh()
        view(RunFailed("k", task(), "failed", "[no] route"))
    text = cast("io.StringIO", console.file).getvalue()
    assert "all runs" in text
    assert "a program seed 1 scale 1.5" in text
    assert "50 %" in text
    assert "7 vehicles" in text
    assert "failed: a program seed 1 scale 1.5: [no] route" in text
