"""``gruenband events``: the event log of a run."""

from __future__ import annotations

import csv
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from conftest import Call


def test_a_run_is_logged_as_a_controller_would(cross: Path, tmp_path: Path, call: Call) -> None:
    answer = call("events", cross, "--out", tmp_path / "log")
    assert answer.code == 0
    names = [line.rpartition("/")[2] for line in answer.out.splitlines()]
    assert {"events.csv", "detector_config.csv"} <= set(names)
    with (tmp_path / "log" / "events.csv").open(encoding="utf-8", newline="") as file:
        codes = {row["EventId"] for row in csv.DictReader(file)}
    # Begin of green, yellow, end of yellow, a vehicle comes to a detector and leaves it.
    assert {"1", "8", "9", "82", "81"} <= codes


def test_wrong_input_is_one_line(cross: Path, tmp_path: Path, call: Call) -> None:
    (tmp_path / "file").write_text("x", encoding="utf-8")
    answer = call("events", cross, "--out", tmp_path / "file")
    assert answer.code == 2
    assert "file" in answer.error
    assert call("events", cross, "--out", tmp_path / "x", "-c", "horizom").code == 2
