"""Plans taken from nets show, second by second, what the nets' programs say."""

from __future__ import annotations

import gzip
import re
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

import pytest

from sim.errors import InputError
from sim.network.graph import RoadGraph
from sim.run import timing_rules
from sim.scenario import load_scenario
from sim.signals.extract import extract_plan
from sim.signals.lamps import lamps, link_states
from sim.signals.profile import load_profile
from sim.signals.safety import check_plan

if TYPE_CHECKING:
    from sim.signals.plan import Plan

NETS = [
    f"resco-{name}"
    for name in ("cologne1", "cologne3", "cologne8", "ingolstadt1", "ingolstadt7", "ingolstadt21")
]
NETS += ["resco-grid4x4", "rilsa-1", "rilsa-2", "rilsa-3", "rilsa-4", "bochum-ring-am"]


@cache
def extracted(name: str) -> tuple[Plan, dict[tuple[str, str], tuple[str, list[str]]]]:
    """Extract a plan, and read the programs of the files without the road graph."""
    scenario = load_scenario(name)
    graph = RoadGraph.from_file(scenario.network, scenario.additional)
    programs = {}
    for file in (scenario.network, *scenario.additional):
        content = Path(file).read_bytes()
        root = ET.fromstring(gzip.decompress(content) if content[:2] == b"\x1f\x8b" else content)  # noqa: S314
        for logic in root.iter("tlLogic"):
            states = [
                p.get("state", "")
                for p in logic.iter("phase")
                for _ in range(int(float(p.get("duration", "0"))))
            ]
            programs[logic.get("id", ""), logic.get("programID", "")] = (logic.get("offset", "0"), states)
    return extract_plan(graph, timing_rules(scenario), name), programs


@pytest.mark.parametrize("name", NETS)
def test_lamps_are_those_of_the_net(name: str) -> None:
    plan, programs = extracted(name)
    assert plan.signals
    for signal in plan.signals:
        program = signal.programs[0]
        offset, states = programs[signal.id, program.id]
        assert program.cycle == len(states)
        assert (program.offset - float(offset)) % program.cycle == 0
        links = sorted(link.index for group in signal.groups for link in group.links)
        drawn = link_states(signal, lamps(signal, program))
        for second, (have, want) in enumerate(zip(drawn, states, strict=True)):
            assert [have[k] for k in links] == [want[k] for k in links], (signal.id, second)
        # What belongs to no group leads nowhere.
        assert links == list(range(len(links)))


@pytest.mark.parametrize("name", NETS)
def test_what_of_them_is_safe_as_it_stands(name: str) -> None:
    plan, _ = extracted(name)
    rules = {finding.rule for finding in check_plan(plan, load_profile("basic").limits)}
    # In rilsa-3 a left turn ends in the second in which its opponent begins.
    assert rules == ({"intergreen"} if name == "rilsa-3" else set())
    # Most of the world knows no red-yellow.
    german = {finding.rule for finding in check_plan(plan, load_profile("rilsa").limits)}
    assert german == set() if name == "bochum-ring-am" else "red-yellow" in german


def test_two_lamps_outside_green_are_no_plan() -> None:
    with pytest.raises(
        InputError, match="group K7 shows 'r', 's' outside its greens, where a plan has one lamp"
    ):
        extracted("resco-arterial4x4")


@pytest.mark.parametrize(
    ("pattern", "replacement", "words"),
    [
        (r'duration="\d+"', 'duration="5000"', "its cycle is .* s; 1 to 3600 s"),
        (r'duration="\d+"', 'duration="1000000000"', "its cycle is .* s; 1 to 3600 s"),
        (r'duration="\d+"', 'duration="7.5"', r"phase 0 lasts 7.5 s, not whole seconds \[whole-seconds\]"),
        (r'(type="static" programID="0") offset="0"', r'\1 offset="0.5"', "the offset is 0.5 s, not whole"),
        (r'programID="0"', f'programID="{"p" * 300}"', "key 'id': .*at most 200 characters"),
        (r'(<phase duration="\d+" +state="[^"]+")', r'\1 next="0"', "which is no fixed cycle"),
    ],
)
def test_programs_that_are_no_fixed_time_plans(
    tmp_path: Path, pattern: str, replacement: str, words: str
) -> None:
    scenario = load_scenario("resco-cologne1")
    text = Path(scenario.network).read_text(encoding="utf-8")
    begin, end = text.index("<tlLogic"), text.index("</tlLogic>")
    changed = re.sub(pattern, replacement, text[begin:end])
    assert changed != text[begin:end]
    path = tmp_path / "net.net.xml"
    path.write_text(text[:begin] + changed + text[end:], encoding="utf-8")
    graph = RoadGraph.from_file(path)
    with pytest.raises(
        InputError, match=f"signal 'GS_cluster_357187_359543': program .* is no fixed-time plan: .*{words}"
    ) as error:
        extract_plan(graph, timing_rules(scenario), "plan")
    assert "\n" not in str(error.value)


def test_a_name_that_no_plan_may_have_is_told_in_one_line() -> None:
    scenario = load_scenario("resco-cologne1")
    graph = RoadGraph.from_file(scenario.network, scenario.additional)
    with pytest.raises(InputError, match=r"net\.xml: key 'name': String should have at most 200 characters"):
        extract_plan(graph, timing_rules(scenario), "x" * 201)
