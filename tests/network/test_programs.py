"""Programs in all the ways SUMO takes them, and those it does not take."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from sim.errors import InputError
from sim.network.graph import RoadGraph
from sim.network.nema import NemaPhase, ring_sides, unroll
from sim.network.timing import TimingRules, derive_timing, shown_time, usual_yellow

from .test_real_nets import check

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


def group_at(graph: RoadGraph, link: int) -> int:
    return next(i for i, g in enumerate(graph.signal("c").groups) if link in g.links)


@pytest.fixture
def letters(crossing: Path) -> tuple[str, str]:
    """The two greens that netconvert writes for the plain crossing."""
    return tuple(stage.state for stage in RoadGraph.from_file(crossing).signal("c").stages)


@pytest.fixture
def load(crossing: Path, tmp_path: Path) -> Callable[..., RoadGraph]:
    def read(*programs: str, inside: bool = False) -> RoadGraph:
        net, files = crossing, []
        if inside:
            text = crossing.read_text(encoding="utf-8")
            net = tmp_path / "net.net.xml"
            net.write_text(
                re.sub("<tlLogic.*</tlLogic>", "".join(programs), text, flags=re.DOTALL), encoding="utf-8"
            )
        else:
            for k, program in enumerate(programs):
                files.append(tmp_path / f"{k}.add.xml")
                files[-1].write_text(f"<additional>{program}</additional>", encoding="utf-8")
        return RoadGraph.from_file(net, files)

    return read


def logic(phases: str, name: str = "x", kind: str = "static", head: str = "") -> str:
    return f'<tlLogic id="c" type="{kind}" programID="{name}" offset="0" {head}>{phases}</tlLogic>'


def phase(state: str, duration: float | None = 10, more: str = "") -> str:
    given = "" if duration is None else f'duration="{duration}"'
    return f'<phase {given} state="{state}" {more}/>'


def yellow(state: str) -> str:
    return state.replace("G", "y").replace("g", "y")


def red(state: str) -> str:
    return "r" * len(state)


def refusal(load: Callable[..., RoadGraph], *programs: str, inside: bool = False) -> str:
    with pytest.raises(InputError) as caught:
        load(*programs, inside=inside)
    text = str(caught.value)
    assert "\n" not in text
    return text


def test_last_program_loaded_runs(load: Callable[..., RoadGraph], letters: tuple[str, str]) -> None:
    one, other = (
        logic(phase(state) + phase(yellow(state), 3), name) for state, name in zip(letters, "pq", strict=True)
    )
    assert load(one, other).signal("c").program == "q"
    assert load(other, one).signal("c").program == "p"
    assert load(one, other, inside=True).signal("c").program == "q"


def test_program_without_phases_only_moves_the_one_it_names(
    load: Callable[..., RoadGraph], letters: tuple[str, str]
) -> None:
    graph = load('<tlLogic id="c" programID="0" offset="33"/>')
    assert (graph.signal("c").offset, len(graph.signal("c").stages)) == (33.0, 2)
    graph = load(logic(phase(letters[0])), '<tlLogic id="c" programID="0" offset="33"/>')
    assert (graph.signal("c").program, graph.signal("c").offset) == ("x", 0.0)


def test_signal_switched_off(load: Callable[..., RoadGraph]) -> None:
    graph = load('<tlLogic id="c" type="static" programID="off" offset="0"/>')
    assert not graph.signals
    assert "switched off" in graph.doubts[0].text


def test_program_for_another_signal(load: Callable[..., RoadGraph], letters: tuple[str, str]) -> None:
    graph = load(logic(phase(letters[0])).replace('id="c"', 'id="d"'))
    assert list(graph.signals) == ["c"]
    assert [d.signal for d in graph.doubts] == ["d"]


def test_programs_switched_by_the_clock(load: Callable[..., RoadGraph]) -> None:
    waut = '<WAUT id="w" refTime="0" startProg="0"/><wautJunction wautID="w" junctionID="c"/>'
    assert [d.kind for d in load(waut).doubts] == ["several programs"]


def test_red_yellow_and_all_red(load: Callable[..., RoadGraph], letters: tuple[str, str]) -> None:
    a, b = letters
    lead = [state.replace("G", "u").replace("g", "u") for state in letters]
    rows = phase(a, 20) + phase(yellow(a), 3) + phase(red(a), 2) + phase(lead[1], 1)
    rows += phase(b, 15) + phase(yellow(b), 3) + phase(red(b), 4) + phase(lead[0], 1)
    graph = load(logic(rows))
    check(graph)
    signal = graph.signal("c")
    assert [stage.state for stage in signal.stages] == [a, b]
    timing = derive_timing(graph, signal, TimingRules())
    assert set(timing.yellow) == {3}
    assert set(timing.red_yellow) == {1}
    i, j = group_at(graph, a.index("G")), group_at(graph, b.index("G"))
    assert (timing.intergreen[i, j], timing.intergreen[j, i]) == (6, 8)


def test_given_yellow_keeps_the_all_red_of_the_program(
    load: Callable[..., RoadGraph], letters: tuple[str, str]
) -> None:
    a, b = letters
    rows = "".join(phase(s, 20) + phase(yellow(s), 3) + phase(red(s), 2) for s in letters)
    graph = load(logic(rows))
    signal = graph.signal("c")
    i, j = group_at(graph, a.index("G")), group_at(graph, b.index("G"))
    for rules, expected in (
        (TimingRules(), 5),
        (TimingRules(yellow=5), 7),
        (TimingRules(all_red=0), 3),
        (TimingRules(yellow=4, all_red=1), 5),
    ):
        assert derive_timing(graph, signal, rules).intergreen[i, j] == expected


def test_fractions_are_rounded_up(load: Callable[..., RoadGraph], letters: tuple[str, str]) -> None:
    a, b = letters
    rows = "".join(phase(s, 20.5) + phase(yellow(s), 2.5) + phase(red(s), 1.7) for s in letters)
    graph = load(logic(rows))
    signal = graph.signal("c")
    timing = derive_timing(graph, signal, TimingRules())
    assert signal.cycle == pytest.approx(49.4)
    assert set(timing.yellow) == {3}
    # 4.2 s in the program: never less.
    assert timing.intergreen[group_at(graph, a.index("G")), group_at(graph, b.index("G"))] == 5


def test_short_phase_that_staggers_ends_is_no_stage(
    load: Callable[..., RoadGraph], letters: tuple[str, str]
) -> None:
    a, b = letters
    early = a.replace("g", "r")
    rows = phase(a, 20) + phase(early, 4) + phase(yellow(a), 3) + phase(b, 20) + phase(yellow(b), 3)
    assert [s.state for s in load(logic(rows)).signal("c").stages] == [a, b]
    rows = rows.replace(phase(early, 4), phase(early, 12))
    assert [s.state for s in load(logic(rows)).signal("c").stages] == [a, early, b]


def test_group_that_is_green_only_beside_a_yellow(
    load: Callable[..., RoadGraph], letters: tuple[str, str]
) -> None:
    """Some program is never still while the left turns are green; they still get a stage."""
    a, b = letters
    through = a.replace("g", "r")
    turn = "".join("g" if x == "g" else "y" if x == "G" else x for x in a)
    rows = phase(through, 20) + phase(turn, 6) + phase(yellow(a), 3) + phase(b, 20) + phase(yellow(b), 3)
    graph = load(logic(rows))
    check(graph)
    assert [s.state for s in graph.signal("c").stages] == [through, turn.replace("y", "r"), b]
    assert "stage from a transition" in {d.kind for d in graph.doubts}


def test_branches_of_a_program(load: Callable[..., RoadGraph], letters: tuple[str, str]) -> None:
    """With next, the gap is taken along the branches and not down the list."""
    a, b = letters
    rows = phase(a, 20, 'next="1 4"') + phase(yellow(a), 3, 'next="2"') + phase(b, 20, 'next="3"')
    rows += phase(yellow(b), 3, 'next="5"') + phase(yellow(a), 4, 'next="2"') + phase(red(a), 6, 'next="0"')
    graph = load(logic(rows))
    timing = derive_timing(graph, graph.signal("c"), TimingRules())
    i, j = group_at(graph, a.index("G")), group_at(graph, b.index("G"))
    assert timing.yellow[i] == 4
    assert timing.intergreen[i, j] == 4
    assert timing.intergreen[j, i] == 9


def test_yellow_across_the_end_of_the_cycle(load: Callable[..., RoadGraph], letters: tuple[str, str]) -> None:
    a, b = letters
    rows = phase(yellow(b), 1) + phase(a, 20) + phase(yellow(a), 3) + phase(b, 20) + phase(yellow(b), 2)
    signal = load(logic(rows)).signal("c")
    assert shown_time(signal.phases, b.index("G"), frozenset("y")) == 3.0


def test_missing_yellow_comes_from_the_permitted_speed(
    load: Callable[..., RoadGraph], letters: tuple[str, str]
) -> None:
    graph = load(logic("".join(phase(s, 20) + phase(red(s), 5) for s in letters)))
    assert {d.kind for d in graph.doubts} == {"no yellow"}
    timing = derive_timing(graph, graph.signal("c"), TimingRules())
    assert set(timing.yellow) == {3}
    assert set(timing.intergreen.ravel()) == {-1, 5}
    assert [usual_yellow(v / 3.6) for v in (30, 50, 60, 70)] == [3, 3, 4, 5]


def test_both_with_right_of_way_is_doubtful(load: Callable[..., RoadGraph], letters: tuple[str, str]) -> None:
    rows = "".join(phase(s.replace("g", "G"), 20) + phase(yellow(s), 3) for s in letters)
    assert {d.kind for d in load(logic(rows)).doubts} == {"both with right of way"}


def test_only_yielding_greens(load: Callable[..., RoadGraph], letters: tuple[str, str]) -> None:
    rows = "".join(phase(s.replace("G", "g"), 20) + phase(yellow(s), 3) for s in letters)
    graph = load(logic(rows))
    check(graph)
    assert len(graph.signal("c").stages) == 2
    assert graph.to_arrays().yields.any()


def test_night_program_is_left_as_it_is(load: Callable[..., RoadGraph], letters: tuple[str, str]) -> None:
    graph = load(logic(phase("o" * len(letters[0]), 60)))
    check(graph)
    assert not graph.signal("c").stages
    assert {d.kind for d in graph.doubts} == {"no stage"}
    assert set(graph.to_arrays().dark) == {ord("o")}


def test_movement_without_green_is_named(load: Callable[..., RoadGraph], letters: tuple[str, str]) -> None:
    a = letters[0]
    doubts = load(logic(phase(a, 20) + phase(yellow(a), 3))).doubts
    dead = [d.text for d in doubts if d.kind == "never green"]
    assert dead
    assert all("program 'x'" in text and "->" in text for text in dead)


def test_duration_from_the_bounds(load: Callable[..., RoadGraph], letters: tuple[str, str]) -> None:
    a, b = letters
    bounds = 'minDur="5" maxDur="45"'
    rows = phase(a, None, bounds) + phase(yellow(a), 3) + phase(b, None, bounds) + phase(yellow(b), 3)
    for inside in (True, False):
        graph = load(logic(rows, kind="actuated"), inside=inside)
        assert [stage.duration for stage in graph.signal("c").stages] == [25.0, 25.0]
        assert any("which SUMO 1.28 refuses" in d.text for d in graph.doubts)


def test_phase_without_time_is_no_stage(load: Callable[..., RoadGraph], letters: tuple[str, str]) -> None:
    a, b = letters
    rows = (
        phase(a, 20)
        + phase(yellow(a), 3)
        + phase(b, 20)
        + phase(yellow(b), 3)
        + phase(a.replace("g", "G"), 0)
    )
    graph = load(logic(rows))
    assert [stage.state for stage in graph.signal("c").stages] == [a, b]
    assert any("no time" in d.text for d in graph.doubts)


def test_programs_that_are_refused(load: Callable[..., RoadGraph], letters: tuple[str, str]) -> None:
    a = letters[0]
    for rows, words in (
        (phase(a[:3]), f"states of 3 letters for {len(a)} links"),
        (phase(a) + phase(a + "r"), f"states have {len(a)} and {len(a) + 1} letters"),
        (phase(a[:-1] + "x"), "phase 0 shows 'x'"),
        (phase(a, None), "phase 0 has no duration"),
        (phase(a, "soon"), 'duration="soon" is not a number'),
        (phase(a, 5, 'next="7"'), "followed by a phase that does not exist"),
        (phase(a, 5, 'next="b"'), "not a list of phase numbers"),
    ):
        for inside in (True, False):
            text = refusal(load, logic(rows), inside=inside)
            assert words in text
            assert "signal 'c': program 'x'" in text
            assert ("net.net.xml" if inside else "0.add.xml") in text


def test_longer_state_than_links_is_taken(load: Callable[..., RoadGraph], letters: tuple[str, str]) -> None:
    graph = load(logic("".join(phase(s + "rr", 20) + phase(yellow(s) + "rr", 3) for s in letters)))
    check(graph)
    assert [d.kind for d in graph.doubts] == ["empty link"]


def test_nema_program_of_netconvert(convert: Callable[..., Path]) -> None:
    graph = RoadGraph.from_file(convert("--no-turnarounds", "--tls.default-type", "NEMA"))
    check(graph)
    signal = graph.signal("c")
    assert signal.kind == "NEMA"
    assert len(signal.stages) == 2
    for stage in signal.stages:
        assert stage.state.count("G") >= 4
    assert set(derive_timing(graph, signal, TimingRules()).intergreen.ravel()) == {-1, 5}
    assert "NEMA" in graph.doubts[0].text


def test_nema_program_that_cannot_be_read(load: Callable[..., RoadGraph], letters: tuple[str, str]) -> None:
    rings = '<param key="ring1" value="1,2"/><param key="ring2" value="5,6"/>'
    graph = load(logic(phase(letters[0], 99, 'name="2"') + rings, kind="NEMA"))
    assert not graph.signals
    assert "left to SUMO" in graph.doubts[0].text
    assert "(1, 5, 6)" in graph.doubts[0].text


def test_eight_phases_in_two_rings() -> None:
    """The example of SUMO's manual: 1+5 and 2+6 before the barrier, 3+7 and 4+8 behind it."""
    states = dict(zip(range(1, 9), ["Grrr", "rGrr", "rrGr", "rrrG"] * 2, strict=True))
    phases = {n: NemaPhase(n, state, 20.0, 3.0, 2.0) for n, state in states.items()}
    params = {"ring1": "1,2,3,4", "ring2": "5,6,7,8", "barrierPhases": "2,6", "barrier2Phases": "4,8"}
    rows = unroll(phases, params)
    assert [row.state for row in rows[:3]] == ["Grrr", "yrrr", "rrrr"]
    assert [row.duration for row in rows] == [20.0, 3.0, 2.0] * 4


def test_ramp_with_one_phase_behind_the_barrier() -> None:
    states = {1: "srrrrrrGGrrr", 2: "srrrrrrrrGGG", 4: "GGGGGrrrrrrr", 6: "srrrrGGrrrrr"}
    phases = {n: NemaPhase(n, state, 20.0, 4.0, 1.0) for n, state in states.items()}
    params = {"ring1": "1,2,0,4", "ring2": "0,6,0,4", "barrierPhases": "2,6", "barrier2Phases": "4,4"}
    greens = [row.state for row in unroll(phases, params) if row.duration == 20.0]
    assert greens == ["srrrrGGGGrrr", "srrrrGGrrGGG", "GGGGGrrrrrrr"]
    # Phase 6 goes on while ring 1 moves from 1 to 2.
    assert unroll(phases, params)[1].state == "srrrrGGyyrrr"


def test_ring_split_at_its_barriers() -> None:
    assert ring_sides("3,4,1,2", {2, 4}) == [[3, 4], [1, 2]]
    assert ring_sides("2,3,4,1", {2, 4}) == [[1, 2], [3, 4]]
    assert ring_sides("0,6,0,8", {6, 8}) == [[6], [8]]
    assert ring_sides("1,2", set()) == [[1, 2]]
