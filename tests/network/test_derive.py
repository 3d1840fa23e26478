"""Stages from the conflicts: all that no other covers, none that a driver could not trust."""

from __future__ import annotations

import re
from dataclasses import replace
from functools import cache
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

from sim.core.arrays import OFF, PERMISSIVE, PROTECTED
from sim.errors import InputError
from sim.network import derive
from sim.network.derive import MOST_STAGES, offered_stages, pair_rules
from sim.network.graph import RoadGraph
from sim.network.layout import lay_out
from sim.network.timing import TimingRules

from .conftest import make, resco, rilsa
from .test_made_nets import TWIN_EDGES, TWINS, only

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from sim.network.parts import Signal

SHOWS = {"G": PROTECTED, "g": PERMISSIVE}
RESCO = [
    "cologne1",
    "cologne3",
    "cologne8",
    "ingolstadt1",
    "ingolstadt7",
    "ingolstadt21",
    "grid4x4",
    "arterial4x4",
]
BOCHUM = Path(__file__).parents[2] / "networks" / "bochum-ring" / "bochum-ring.net.xml"


@cache
def bochum() -> RoadGraph:
    return RoadGraph.from_file(next(BOCHUM.parent.glob(BOCHUM.name + "*")))


def rows_of(signal: Signal, states: Sequence[str]) -> np.ndarray:
    """Read what each state shows each group."""
    letters = [[SHOWS.get(state[g.links[0]], OFF) for g in signal.groups] for state in states]
    return np.array(letters, int).reshape(-1, len(signal.groups))


def fits(graph: RoadGraph, signal: Signal, row: Sequence[int]) -> bool:
    """Tell whether a stage keeps the rules, straight from the movements and the phases."""
    for i, one in enumerate(signal.groups):
        if row[i] == OFF:
            continue
        if not any(phase.state[one.links[0]] in "Gg" for phase in signal.phases) or not one.movements:
            return False
        for j, other in enumerate(signal.groups):
            if i == j or row[j] == OFF:
                continue
            pairs = [(a, b) for a in one.movements for b in other.movements]
            ours, theirs = (any(graph.gives_way(*p[::s]) for p in pairs) for s in (1, -1))
            together = any(
                p.state[one.links[0]] in "Gg" and p.state[other.links[0]] in "Gg" for p in signal.phases
            )
            if ours and row[i] == PROTECTED:
                return False
            if any(graph.foes(a, b) for a, b in pairs) and not (together and (ours or theirs)):
                return False
    return True


def check_derived(graph: RoadGraph) -> None:
    """Hold every derived stage of a graph against the rules and against the guard's matrix."""
    network = graph.to_arrays(stages="derived")
    for s, signal in enumerate(graph.signals.values()):
        stages = offered_stages(graph, signal)
        assert stages == offered_stages(graph, signal)
        rows = rows_of(signal, [stage.state for stage in stages])
        n = len(signal.groups)
        block = network.intergreen[network.matrix_ptr[s] : network.matrix_ptr[s + 1]].reshape(n, n)
        table = network.stage_shows[network.stage_matrix_ptr[s] : network.stage_matrix_ptr[s + 1]].reshape(
            -1, n
        )
        assert (table == rows).all()
        if derive.reason_for_program(graph, signal):
            assert stages == signal.stages
            continue
        assert len(rows) <= max(MOST_STAGES, n)
        assert len({tuple(row) for row in rows.tolist()}) == len(rows)
        assert all(len(stage.state) == signal.links for stage in stages)
        for row in rows:
            green = np.flatnonzero(row)
            assert len(green)
            assert (block[np.ix_(green, green)] == -1).all()
            assert fits(graph, signal, row)
            for i in range(n):
                for letter in (PERMISSIVE, PROTECTED):
                    more = [letter if k == i else shown for k, shown in enumerate(row)]
                    assert rank(letter) <= rank(row[i]) or not fits(graph, signal, more), (signal.id, row, i)
        program = rows_of(signal, [stage.state for stage in signal.stages])
        served = [bool(g.movements) and bool(program[:, i].any()) for i, g in enumerate(signal.groups)]
        assert ((rows != OFF).any(axis=0) == served).all()
        for row in program:
            green = (row != OFF) & served
            assert any((more[green] != OFF).all() for more in rows), (signal.id, row)


def rank(letter: int) -> int:
    return {OFF: 0, PERMISSIVE: 1, PROTECTED: 2}[int(letter)]


def covers(one: Sequence[int], other: Sequence[int]) -> bool:
    return all(rank(a) >= rank(b) for a, b in zip(one, other, strict=True))


def all_by_trying(graph: RoadGraph, signal: Signal) -> set[tuple[int, ...]]:
    """Try every set of groups and letters, and keep those that no other covers."""
    fit = [
        row
        for row in product((OFF, PERMISSIVE, PROTECTED), repeat=len(signal.groups))
        if fits(graph, signal, row)
    ]
    return {row for row in fit if not any(other != row and covers(other, row) for other in fit)}


@pytest.mark.parametrize("name", RESCO)
def test_resco_maps(name: str) -> None:
    check_derived(resco(name))


@pytest.mark.parametrize("number", [1, 2, 3, 4])
def test_rilsa_examples(number: int) -> None:
    check_derived(rilsa(number))
    check_derived(rilsa(number, own=False))


def test_bochum_with_walkers_keeps_to_the_limit() -> None:
    graph = bochum()
    check_derived(graph)
    counts = [len(offered_stages(graph, signal)) for signal in graph.signals.values()]
    assert max(counts) == MOST_STAGES
    assert len(derive.maximal_cliques(graph, graph.signal("R07"))) > MOST_STAGES


def test_grid_with_crossings(grid: Path) -> None:
    graph = RoadGraph.from_file(grid)
    check_derived(graph)
    signal = graph.signal("A0")
    walkers = [i for i, g in enumerate(signal.groups) if g.pedestrian]
    rows = rows_of(signal, [stage.state for stage in offered_stages(graph, signal)])
    assert (rows[:, walkers] != PERMISSIVE).all()
    # Turning cars yield to walkers beside them, and no car crosses them straight on.
    assert (rows == PERMISSIVE).any()


@pytest.mark.parametrize("name", ["cologne1", "cologne3", "ingolstadt7"])
def test_nothing_is_missing_and_nothing_too_much(name: str) -> None:
    graph = resco(name)
    for signal in graph.signals.values():
        rows = rows_of(signal, [stage.state for stage in offered_stages(graph, signal)])
        assert {tuple(row) for row in rows.tolist()} == all_by_trying(graph, signal)


def test_cologne1_to_the_letter() -> None:
    (signal,) = resco("cologne1").signals.values()
    stages = offered_stages(resco("cologne1"), signal)
    assert [(stage.state, stage.duration, stage.phase) for stage in stages] == [
        *((stage.state, stage.duration, stage.phase) for stage in signal.stages),
        # One approach alone, and the left turn opposite where nobody comes.
        ("GGGGGrrrrrrrrggrrrrr", 0.0, -1),
        ("rrrggrrrrrGGGGGrrrrr", 0.0, -1),
        ("rrrrrGGGGGrrrrrrrrgg", 0.0, -1),
        ("rrrrrrrrggrrrrrGGGGG", 0.0, -1),
    ]


def test_a_permissive_pair_that_the_program_never_shows_is_not_invented() -> None:
    """In grid4x4 left turns have stages of their own: they never yield to oncoming traffic."""
    graph = resco("grid4x4")
    for signal in graph.signals.values():
        assert not any("g" in stage.state for stage in offered_stages(graph, signal))
        free, yields = pair_rules(graph, signal)
        assert not (free & yields).any()


def test_who_yields_in_a_derived_stage_yields_to_the_guard_too() -> None:
    graph = resco("cologne8")
    network = graph.to_arrays(stages="derived")
    for s, signal in enumerate(graph.signals.values()):
        n = len(signal.groups)
        told = network.yields[network.matrix_ptr[s] : network.matrix_ptr[s + 1]].reshape(n, n) != 0
        free, yields = pair_rules(graph, signal)
        assert (told == (free & yields)).all()


def test_transition_times_do_not_hang_on_the_stages() -> None:
    one, other = (resco("ingolstadt7").to_arrays(stages=stages) for stages in ("program", "derived"))
    for name in ("yellow", "red_yellow", "minimum_green", "maximum_red", "intergreen", "group_ptr", "dark"):
        assert np.array_equal(getattr(one, name), getattr(other, name))
    assert len(other.stage_shows) > len(one.stage_shows)


def test_other_stages_than_these_two_are_refused() -> None:
    with pytest.raises(InputError, match="no stages 'derivd'; did you mean 'derived'"):
        lay_out(resco("cologne1"), TimingRules(), stages="derivd")


def test_a_signal_with_one_group(convert: Callable[..., Path], tmp_path: Path) -> None:
    nodes = """<nodes><node id="c" x="0" y="0" type="traffic_light"/><node id="w" x="-200" y="0"/>
    <node id="e" x="200" y="0"/></nodes>"""
    net = convert(nodes=nodes, edges='<edge id="wc" from="w" to="c"/><edge id="ce" from="c" to="e"/>')
    program = tmp_path / "own.add.xml"
    program.write_text(
        '<additional><tlLogic id="c" programID="own" type="static" offset="0"><phase duration="30" state="G"/>'
        '<phase duration="3" state="y"/><phase duration="9" state="r"/></tlLogic></additional>',
        encoding="utf-8",
    )
    graph = RoadGraph.from_file(net, [program])
    check_derived(graph)
    assert [stage.state for stage in offered_stages(graph, graph.signal("c"))] == ["G"]


def far_crossings(convert: Callable[..., Path], count: int) -> RoadGraph:
    """Have one signal control several plain crossings that no road joins."""
    nodes, edges = "", ""
    for k in range(count):
        at = 1000 * k
        nodes += f'<node id="c{k}" x="{at}" y="0" type="traffic_light" tl="all"/>'
        for arm, x, y in (("w", -200, 0), ("e", 200, 0), ("n", 0, 200), ("s", 0, -200)):
            nodes += f'<node id="{arm}{k}" x="{at + x}" y="{y}"/>'
            edges += f'<edge id="{arm}{k}i" from="{arm}{k}" to="c{k}" numLanes="2"/>'
            edges += f'<edge id="{arm}{k}o" from="c{k}" to="{arm}{k}" numLanes="2"/>'
    return RoadGraph.from_file(convert("--no-turnarounds", nodes=f"<nodes>{nodes}</nodes>", edges=edges))


# Of seven crossings with four approaches each any four go together with any others: 16,384 stages.
@pytest.mark.parametrize("count", [4, 7])
def test_many_groups_are_bounded(convert: Callable[..., Path], count: int) -> None:
    graph = far_crossings(convert, count)
    check_derived(graph)
    signal = graph.signal(only(graph))
    assert len(signal.groups) == 4 * count
    assert 4 <= len(offered_stages(graph, signal)) <= MOST_STAGES
    rows = rows_of(signal, [stage.state for stage in offered_stages(graph, signal)])
    assert (rows == PROTECTED).any(axis=0).all()


def test_the_limit_gives_way_where_each_stage_serves_another_group() -> None:
    (signal,) = resco("cologne1").signals.values()
    groups = tuple(signal.groups[0] for _ in range(MOST_STAGES + 8))
    signal = replace(signal, groups=groups)
    alone = [frozenset({(i, PROTECTED)}) for i in range(len(groups))]
    weaker = [frozenset({(i, PERMISSIVE)}) for i in range(len(groups))]
    assert derive.choose(signal, alone) == alone
    assert derive.choose(signal, weaker[:10] + alone) == alone
    assert derive.choose(signal, weaker + alone[:10]) == weaker[10:] + alone[:10]
    assert derive.choose(signal, alone[:4] + weaker[:4]) == alone[:4] + weaker[:4]


def test_ids_with_umlauts(convert: Callable[..., Path]) -> None:
    nodes = """<nodes><node id="Köln" x="0" y="0" type="traffic_light"/><node id="Süd" x="0" y="-200"/>
    <node id="Öst" x="200" y="0"/><node id="Wäst" x="-200" y="0"/><node id="Nörd" x="0" y="200"/></nodes>"""
    arms = ("Süd", "Öst", "Wäst", "Nörd")
    edges = "".join(
        f'<edge id="{a}straße" from="{a}" to="Köln"/><edge id="{a}gasse" from="Köln" to="{a}"/>' for a in arms
    )
    graph = RoadGraph.from_file(convert("--no-turnarounds", nodes=nodes, edges=edges))
    check_derived(graph)
    assert list(graph.signals) == ["Köln"]
    assert len(offered_stages(graph, graph.signal("Köln"))) > 1


def test_unknown_conflicts_leave_the_stages_of_the_program(crossing: Path, tmp_path: Path) -> None:
    bare = tmp_path / "bare.net.xml"
    bare.write_text(re.sub(r"<request [^>]*/>", "", crossing.read_text(encoding="utf-8")), encoding="utf-8")
    graph = RoadGraph.from_file(bare)
    signal = graph.signal("c")
    assert offered_stages(graph, signal) == signal.stages
    (doubt,) = graph.doubts
    assert doubt.text.endswith("; asked for derived stages, it keeps the program's")


def test_stop_lines_one_behind_the_other_leave_the_stages_of_the_program(
    convert: Callable[..., Path],
) -> None:
    graph = RoadGraph.from_file(convert("--tls.join", "--no-turnarounds", nodes=TWINS, edges=TWIN_EDGES))
    signal = graph.signal(only(graph))
    assert offered_stages(graph, signal) == signal.stages
    (doubt,) = graph.doubts
    assert doubt.kind == "joined"
    assert doubt.text.endswith("; asked for derived stages, it keeps the program's")


def test_who_yields_to_somebody_without_a_signal_gets_no_more_right_of_way(
    crossing: Path, tmp_path: Path
) -> None:
    """A left turn that the program shows g for ever, and oncoming traffic that no signal stops."""
    text = crossing.read_text(encoding="utf-8")
    graph = RoadGraph.from_file(crossing)
    left = next(k for k, m in enumerate(graph.movements) if m.direction == "l" and m.from_edge == "wc")
    free = [m for k, m in enumerate(graph.movements) if graph.gives_way(left, k) and m.from_edge == "ec"]
    group = next(g for g in graph.signal("c").groups if left in g.movements)
    (state,) = {
        letter
        for stage in offered_stages(graph, graph.signal("c"))
        for letter in stage.state[group.links[0]]
        if letter == "G"
    }
    assert state == "G"
    for m in free:
        # The oncoming lanes lose their signal; their links stay and control nothing.
        text = text.replace(f' tl="c" linkIndex="{m.link}"', "")
    net = tmp_path / "free.net.xml"
    net.write_text(text, encoding="utf-8")
    graph = RoadGraph.from_file(net)
    (left,) = (k for k, m in enumerate(graph.movements) if m.direction == "l" and m.from_edge == "wc")
    assert graph.yields_outside(left)
    letters = {stage.state[graph.movements[left].link] for stage in offered_stages(graph, graph.signal("c"))}
    assert letters == {"g", "r"}


def test_a_green_arrow_stands_only_beside_greens_of_the_program(convert: Callable[..., Path]) -> None:
    graph = RoadGraph.from_file(convert("--no-turnarounds", kind="traffic_light_right_on_red"))
    check_derived(graph)
    signal = graph.signal("c")
    stages = offered_stages(graph, signal)
    assert any("s" in stage.state for stage in stages)
    for stage in stages:
        green = {i for i, letter in enumerate(stage.state) if letter in "Gg"}
        for i, letter in enumerate(stage.state):
            if letter == "s":
                beside = [p.state for p in signal.phases if p.state[i] == "s"]
                assert all(any(state[j] in "Gg" for state in beside) for j in green)


def test_left_hand_traffic_has_the_same_number_of_stages(convert: Callable[..., Path]) -> None:
    counts = set()
    for options in ((), ("--lefthand",)):
        graph = RoadGraph.from_file(convert("--no-turnarounds", *options))
        check_derived(graph)
        counts.add(len(offered_stages(graph, graph.signal("c"))))
    assert len(counts) == 1


def test_random_networks(tmp_path: Path) -> None:
    for seed in ("3", "5"):
        options = ["--rand", "--rand.iterations", "25", "--rand.random-lanenumber", "-L", "3", "--seed", seed]
        net = make(
            "netgenerate", tmp_path / f"{seed}.net.xml", *options, "--tls.guess", "--tls.guess.threshold", "5"
        )
        check_derived(RoadGraph.from_file(net))
