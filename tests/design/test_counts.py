"""Demand from counts: the sheet, what is refused, and volumes that meet what was counted or a proof that none do."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
import sumolib
from defusedxml.ElementTree import parse
from hypothesis import given, settings
from hypothesis import strategies as st

from sim.design.counts import COLUMNS, Count, count_sheet, read_counts
from sim.design.fitting import MATCH, balance, fit_counts, geh, nearest
from sim.errors import InputError

sys.path.insert(0, str(Path(__file__).parent))
from made_nets import GRID

if TYPE_CHECKING:
    from collections.abc import Callable


@pytest.fixture(scope="module")
def town(made: Callable[..., Path]) -> Path:
    return made(*GRID, "-L", "2", "--no-turnarounds")


HEAD = "from,to,begin,end,vehicles\n"


def write(folder: Path, *rows: str, head: str = HEAD) -> Path:
    path = folder / "counts.csv"
    path.write_text(head + "".join(f"{row}\n" for row in rows), encoding="utf-8")
    return path


def test_the_sheet_lists_every_turn_once(town: Path) -> None:
    text, turns = count_sheet(town)
    lines = [line.split(",") for line in text.splitlines()]
    assert tuple(lines[0]) == COLUMNS
    assert len(lines) - 1 == turns == 12
    rows = [dict(zip(COLUMNS, line, strict=True)) for line in lines[1:]]
    assert {row["signal"] for row in rows} == {"A0"}
    assert {row["begin"] for row in rows} == {"07:00"}
    assert {(row["from"], row["arm"]) for row in rows} == {
        *(("left0A0", "W"), ("right0A0", "E"), ("top0A0", "N"), ("bottom0A0", "S")),
    }
    way = {(row["from"], row["to"]): row["turn"] for row in rows}
    assert way["left0A0", "A0top0"] == "left"
    assert way["left0A0", "A0right0"] == "straight"
    assert way["left0A0", "A0bottom0"] == "right"


def test_a_filled_sheet_is_read_as_it_was_written(town: Path, tmp_path: Path) -> None:
    text, _ = count_sheet(town)
    filled = text.replace("left0A0,A0top0,07:00,08:00,", "left0A0,A0top0,07:00,08:00,120")
    path = tmp_path / "sheet.csv"
    for written in (filled, "\ufeff" + filled.replace(",", ";")):
        path.write_text(written, encoding="utf-8")
        (count,) = read_counts(path, sumolib.net.readNet(str(town)))
        assert (count.source, count.target, count.begin, count.end) == (
            "left0A0",
            "A0top0",
            25200.0,
            28800.0,
        )
        assert count.hourly == count.vehicles == 120.0


def test_flows_meet_the_counts(town: Path, tmp_path: Path) -> None:
    table = write(
        tmp_path,
        "left0A0,,07:00,07:15,100",
        "left0A0,A0top0,07:00,07:15,20",
        "left0A0,,07:15,07:30,60",
        "A0right0,,07:15,07:30,80",
    )
    done = fit_counts(town, table)
    assert [one.volume for one in done.met] == pytest.approx([400, 80, 240, 320], abs=0.5)
    path = tmp_path / "a.rou.xml"
    path.write_text(done.text, encoding="utf-8")
    root = parse(path).getroot()
    assert root is not None
    routes = {route.get("id"): route.get("edges", "").split() for route in root.iter("route")}
    first = {}
    for flow in root.iter("flow"):
        rate = re.fullmatch(r"exp\(([\d.]+)\)", flow.get("period", ""))
        assert rate is not None
        if flow.get("begin") == "25200":
            assert flow.get("end") == "26100"
            first[tuple(routes[flow.get("route")])] = 3600.0 * float(rate[1])
    assert first["left0A0", "A0top0"] == pytest.approx(80, abs=0.5)
    assert sum(first.values()) == pytest.approx(400, abs=0.5)
    assert done == fit_counts(town, table)


FAULTS = [
    (["left0A0,A0left,07:00,08:00,9"], "no road 'A0left' for cars; did you mean 'A0left0'"),
    (["left0A0,top0A0,07:00,08:00,9"], "no car can turn from left0A0 to top0A0, only to A0bottom0"),
    (["left0A0,,07:00,08:00,many"], "line 2: 'many' is no number"),
    (["left0A0,,07:00,08:00,-1"], "line 2: '-1' is no number"),
    (["left0A0,,seven,08:00,9"], "line 2, begin: 'seven' is not a time"),
    (["left0A0,,nan,08:00,9"], "not a time of the day"),
    (["left0A0,,08:00,07:00,9"], "the end 07:00 is not after the begin 08:00"),
    (
        ["left0A0,,07:00,08:00,9", "left0A0,,07:00,08:00,9"],
        "line 3: left0A0 has a count .* in line 2 already",
    ),
    (["left0A0,,07:00,08:00,9", "top0A0,,07:30,08:00,9"], "07:00 to 08:00 and 07:30 to 08:00 overlap"),
    (["left0A0,,07:00,08:00,"], "holds no count"),
    (["left0A0,,07:00,08:00,0"], "all counts are zero"),
]


@pytest.mark.parametrize(("rows", "told"), FAULTS)
def test_a_faulty_table_is_one_line(town: Path, tmp_path: Path, rows: list[str], told: str) -> None:
    with pytest.raises(InputError, match=told) as caught:
        fit_counts(town, write(tmp_path, *rows))
    assert "\n" not in str(caught.value)
    assert "counts.csv" in str(caught.value)


def test_a_table_without_its_columns_is_refused(town: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="column end, vehicles is missing"):
        fit_counts(town, write(tmp_path, head="from,to,begin,count\n"))


def test_counts_that_nothing_meets_are_refused_with_the_difference(town: Path, tmp_path: Path) -> None:
    # All that drives into the town is 400 an hour, and 900 are to leave it on one road.
    ways = [f"{side}0A0,,07:00,08:00,100" for side in ("left", "right", "top", "bottom")]
    with pytest.raises(
        InputError, match=r"no traffic from end to end of the net meets the counts from 07:00 to 08:00"
    ) as caught:
        fit_counts(town, write(tmp_path, *ways, "A0right0,,07:00,08:00,900"))
    # Each road in may carry what still has a GEH of 5 to its count; one cannot turn back, so three of them count.
    found = re.search(r"A0right0 \(line 6\) counts 900, here (\d+) veh/h", str(caught.value))
    assert found is not None
    most = 3 * 156.64
    assert geh(most / 3, 100) == pytest.approx(MATCH, abs=0.01)
    assert float(found[1]) == pytest.approx(most, abs=1.0)
    assert f"{900 - float(found[1]):.0f} veh/h off at 1 of 5" in str(caught.value)


def counts_of(volumes: np.ndarray) -> list[Count]:
    return [Count(k, f"e{k}", "", 0.0, 3600.0, float(v)) for k, v in enumerate(volumes)]


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_what_some_traffic_made_is_met(data: st.DataObject) -> None:
    places, routes = data.draw(st.integers(1, 6)), data.draw(st.integers(1, 10))
    cells = st.lists(st.booleans(), min_size=places * routes, max_size=places * routes)
    table = np.array(data.draw(cells), float).reshape(places, routes)
    table = table[:, table.any(axis=0)]
    if table.size == 0:
        return
    drawn = st.lists(st.integers(0, 500), min_size=table.shape[1], max_size=table.shape[1])
    volumes = table @ np.array(data.draw(drawn), float)
    goal = nearest(table, counts_of(volumes))
    assert goal == pytest.approx(volumes, abs=1e-6)
    if goal.sum() > 0:
        shares = balance(table, goal, [1.0] * table.shape[1])
        assert (shares >= 0.0).all()
        for wanted, got in zip(goal, table @ shares, strict=True):
            assert geh(got, wanted) < 1.0


def test_balance_follows_the_pull() -> None:
    table = np.ones((1, 2))
    assert balance(table, np.array([300.0]), [2.0, 1.0]) == pytest.approx([200.0, 100.0])
