"""Whole designs: safe by the check and by a second judge, loaded by SUMO without a warning, and as the engineer decides."""

from __future__ import annotations

import sys
import xml.etree.ElementTree as ET
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from sim.design.choices import Choices, SignalChoices, read_choices
from sim.design.demand import busiest_hour
from sim.design.files import with_programs, write_design
from sim.design.network import Design, design_network
from sim.design.report import write_report
from sim.errors import InputError
from sim.network.graph import RoadGraph
from sim.signals.lamps import lamps
from sim.signals.plan import read_plan
from sim.signals.profile import load_profile
from sim.signals.safety import check_plan

sys.path[:0] = [str(Path(__file__).parent), str(Path(__file__).parents[1] / "signals")]
from made_nets import GRID, warnings_of  # noqa: E402
from plan_monitor import judge  # noqa: E402

if TYPE_CHECKING:
    from collections.abc import Callable

RANDOM = (
    "--rand",
    "--rand.iterations",
    "5",
    "--rand.neighbor-dist4",
    "8",
    "--rand.random-lanenumber",
    "-L",
    "3",
)
LIGHTS = ("--default-junction-type", "traffic_light")
WALKS = ("--sidewalks.guess", "--crossings.guess")


@pytest.fixture(scope="module")
def design(crossroads: Path) -> Design:
    return design_network(crossroads)


def refuse_unsafe(design: Design) -> None:
    """Ask the rules, and a judge that shares no code with them."""
    assert check_plan(design.plan, load_profile("rilsa").limits) == []
    for signal in design.plan.signals:
        groups = [group for group in signal.groups if group.rest == "red"]
        matrix = {(cell.clearing, cell.entering): cell.seconds for cell in signal.intergreens}
        for program in signal.programs:
            shown = lamps(signal, program)[: len(groups)]
            found = judge(
                ["".join(map(chr, row)) for row in shown.tolist()],
                [group.name for group in groups],
                matrix,
                [group.minimum_green for group in groups],
                [group.yellow for group in groups],
            )
            assert found == set(), (signal.id, program.id)


@pytest.mark.parametrize(
    "options",
    [
        (*RANDOM, *LIGHTS, *WALKS, "--seed", "3"),
        (*RANDOM, *LIGHTS, "--default.bikelane-width", "1.5", *WALKS, "--seed", "4"),
        (*GRID, "-L", "1", "--lefthand", *WALKS),
        (*GRID, "-L", "2", "--default.speed", "27.8"),
        ("--spider", "--spider.arm-number", "5", "--spider.circle-number", "1", *LIGHTS, *WALKS),
        (*GRID, "-L", "2", "--no-internal-links"),
    ],
    ids=["random", "bicycles", "lefthand", "fast", "spider", "no internal lanes"],
)
def test_a_net_that_nobody_here_wrote(
    made: Callable[..., Path], tmp_path: Path, options: tuple[str, ...]
) -> None:
    design = design_network(made(*options))
    refuse_unsafe(design)
    write_design(design, tmp_path, "x")
    if "--no-internal-links" not in options:
        assert warnings_of(tmp_path / "x.net.xml") == []


def test_the_same_net_gives_the_same_files(crossroads: Path, design: Design, tmp_path: Path) -> None:
    write_design(design, tmp_path / "a", "x")
    write_design(design_network(crossroads), tmp_path / "b", "x")
    for file in sorted((tmp_path / "a").iterdir()):
        assert file.read_bytes() == (tmp_path / "b" / file.name).read_bytes()
    assert read_plan(tmp_path / "a" / "x.plan.json") == design.plan


def test_only_the_programs_of_the_net_change(crossroads: Path, design: Design) -> None:
    text = crossroads.read_bytes()
    back = with_programs(with_programs(text, design.plan, "am"), design.plan, "pm")
    kept = [e for e in ET.fromstring(back) if e.tag != "tlLogic"]  # noqa: S314 - our own net
    had = [e for e in ET.fromstring(text) if e.tag != "tlLogic"]  # noqa: S314
    assert [ET.tostring(e) for e in kept] == [ET.tostring(e) for e in had]


def test_the_net_runs_the_program_asked_for(design: Design, tmp_path: Path) -> None:
    write_design(design, tmp_path, "x", running="pm")
    assert {s.program for s in RoadGraph.from_file(tmp_path / "x.net.xml").signals.values()} == {"pm"}


def test_a_net_without_any_program_is_designed(crossroads: Path, tmp_path: Path, design: Design) -> None:
    root = ET.parse(crossroads)  # noqa: S314
    for logic in root.getroot().findall("tlLogic"):
        root.getroot().remove(logic)
    bare = tmp_path / crossroads.name
    root.write(bare)
    again = design_network(bare)
    assert again.plan.signals == design.plan.signals
    write_design(again, tmp_path / "out", "x")
    assert warnings_of(tmp_path / "out" / "x.net.xml") == []


def test_volumes_decide_the_split_and_the_left_turns(crossroads: Path, design: Design) -> None:
    name = "A0"
    site = design.signals[name].site
    turns = {(s.source, s.target): s for s in site.streams if not s.on_foot}
    main = next(iter(turns.values())).source
    heavy = {turn: 900.0 if turn[0] == main and not s.turns else 60.0 for turn, s in turns.items()}
    busy = design_network(crossroads, {"am": heavy})
    signal = busy.signals[name]
    lane = max(signal.judges["am"].lanes(signal.timed["am"].rows), key=lambda one: one.saturation)
    assert lane.saturation < 0.9
    left = {turn: 400.0 if s.direction == "l" else 500.0 for turn, s in turns.items()}
    crowded = design_network(crossroads, {"am": left}).signals[name]
    assert any(turn.protected and "> " in turn.reason for turn in crowded.turns)
    quiet = design_network(crossroads, {"am": dict.fromkeys(turns, 50.0)}).signals[name]
    assert quiet.turns
    assert not any(turn.protected for turn in quiet.turns)


def test_the_report_says_what_is_assumed(design: Design) -> None:
    text = write_report(design)
    for word in ("assumed from lanes", "Intergreens [s]", "| stage |", "QSV", "permissive"):
        assert word in text


def test_a_design_file_decides(crossroads: Path, design: Design, tmp_path: Path) -> None:
    name = "A0"
    turn = design.signals[name].site.heads[design.signals[name].turns[0].head].name
    path = tmp_path / "choices.toml"
    path.write_text(f'cycle = {{ am = 80 }}\n[signal."{name}"]\nprotected = ["{turn}"]\noffset = 7\n')
    decided = design_network(crossroads, None, path)
    refuse_unsafe(decided)
    assert decided.plan.signal(name).programs[0].cycle == 80
    assert {p.offset for p in decided.plan.signal(name).programs} == {7}
    assert decided.signals[name].turns[0].protected


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("cycle = 20", "cycle"),
        ("cycles = 90", "cycles"),
        ("cycle = { am = 80, morning = 90 }", "no program 'morning'"),
        ("[signal.X9]\noffset = 3", "no such signal"),
        ('[signal."A0"]\nprotected = ["K99"]', "no group 'K99'"),
        ('[signal."A0"]\nstages = [["K1"]]', "in no stage"),
        ("cycle = ", "not valid TOML"),
    ],
)
def test_a_faulty_design_file_is_one_line(crossroads: Path, tmp_path: Path, text: str, told: str) -> None:
    path = tmp_path / "choices.toml"
    path.write_text(text)
    with pytest.raises(InputError, match=told) as caught:
        design_network(crossroads, None, path)
    assert "\n" not in str(caught.value)


def test_conflicting_stages_are_refused(crossroads: Path, design: Design) -> None:
    name = "A0"
    every = tuple(head.name for head in design.signals[name].site.heads)
    choices = Choices(signal={name: SignalChoices(stages=(every,))})
    with pytest.raises(InputError, match="conflict"):
        design_network(crossroads, None, choices)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("<net/>", "not a readable SUMO network"),
        ("<html/>", "not a SUMO network"),
        ('<!DOCTYPE a [<!ENTITY b "c">]><net>&b;</net>', "document type"),
        ("<net", "not well-formed"),
    ],
)
def test_what_is_no_network_is_refused(tmp_path: Path, text: str, told: str) -> None:
    path = tmp_path / "bad.net.xml"
    path.write_text(text)
    with pytest.raises(InputError, match=told) as caught:
        design_network(path)
    assert "\n" not in str(caught.value)


def test_a_net_without_signals_is_refused(made: Callable[..., Path]) -> None:
    with pytest.raises(InputError, match="no road signal"):
        design_network(made("--grid", "--grid.number", "2", "--default-junction-type", "priority"))


def test_a_crossing_without_a_signal_is_told(crossroads: Path, tmp_path: Path) -> None:
    root = ET.parse(crossroads)  # noqa: S314
    for link in root.getroot().iter("connection"):
        if link.get("to", "").startswith(":A0_c0"):
            link.attrib.pop("tl")
            link.attrib.pop("linkIndex")
    root.write(tmp_path / "x.net.xml")
    design = design_network(tmp_path / "x.net.xml")
    refuse_unsafe(design)
    assert any(":A0_c0 has no signal link" in doubt for doubt in design.signals["A0"].doubts)


def test_the_source_is_not_overwritten(crossroads: Path, design: Design) -> None:
    with pytest.raises(InputError, match="would be overwritten"):
        write_design(design, crossroads.parent, crossroads.name.partition(".")[0])


def test_the_busiest_hour() -> None:
    quarters = [{("a", "b"): volume} for volume in (100.0, 400.0, 500.0, 600.0, 500.0, 100.0)]
    assert busiest_hour(quarters) == {("a", "b"): 500.0}
    assert busiest_hour([]) == {}


def test_an_empty_design_file_says_nothing(tmp_path: Path) -> None:
    (tmp_path / "empty.toml").write_text("")
    assert read_choices(tmp_path / "empty.toml") == Choices()
