"""NTCIP object lists: what they say, that they come back, and what they refuse."""

from __future__ import annotations

import csv
import io
import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sim.errors import InputError
from sim.export.format import loss
from sim.export.gate import export_plan, file_findings
from sim.export.ntcip import FORMAT
from sim.export.ntcip_objects import COLUMNS, OBJECTS, read_list, write_list
from sim.export.ntcip_settings import signal_settings
from sim.export.registry import find_format
from sim.signals.plan import SignalPlan
from sim.signals.profile import load_profile
from sim.signals.rings import Overlap, RingPhase, RingProgram

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from sim.signals.plan import Plan

NEMA, BASIC = load_profile("nema").limits, load_profile("basic").limits


@pytest.fixture(scope="module")
def lists(ring_plan: Plan) -> dict[str, bytes]:
    return FORMAT.write(ring_plan)


def changed(lists: dict[str, bytes], label: str, text: str) -> dict[str, bytes]:
    """Change one value in the only list."""
    ((name, content),) = lists.items()
    rows = list(csv.reader(io.StringIO(content.decode())))
    hits = [row for row in rows if row[2] == label]
    assert len(hits) == 1
    hits[0][4] = text
    out = io.StringIO()
    csv.writer(out, lineterminator="\n").writerows(rows)
    return {name: out.getvalue().encode()}


def oid(name: str, *index: int) -> str:
    return ".".join([OBJECTS[name].oid, *map(str, index or (0,))])


def only(plan: Plan, signal: SignalPlan) -> Plan:
    return plan.model_copy(update={"signals": (signal,), "schedule": None})


def remade(plan: Plan, **changes: Any) -> Plan:
    """Change the plan's one signal, group by group and program by program."""
    (signal,) = plan.signals
    return plan.model_copy(update={"signals": (signal.model_copy(update=changes),)})


def test_the_ring_plan_comes_back_as_it_was(ring_plan: Plan, lists: dict[str, bytes], tmp_path: Path) -> None:
    assert find_format("ntcip") is FORMAT
    assert file_findings(ring_plan, FORMAT, lists, NEMA) == []
    back = FORMAT.read(lists, ring_plan)
    assert back.schedule == ring_plan.schedule
    assert [p.offset for p in back.signals[0].programs] == [25, 60]
    (path,) = export_plan(ring_plan, FORMAT, tmp_path / "out", NEMA)
    assert path.name == "Main-1st.csv"
    assert path.read_bytes() == lists[path.name]
    assert FORMAT.write(ring_plan) == lists


def test_the_list_says_what_an_engineer_would_enter(lists: dict[str, bytes]) -> None:
    ((name, content),) = lists.items()
    found = {setting.label: setting.value for setting in read_list(content, name)}
    # Phase 2: 29 s of green, 4 s of yellow, 2 s of red clearance, and beside it 7 s of walk.
    assert found["splitTime.1.2"] == 35
    assert found["phaseYellowChange.2"] == 40
    assert found["phaseRedClear.2"] == 20
    assert found["phaseMinimumGreen.2"] == 5
    assert found["phaseWalk.2"] == 7
    assert found["phaseConcurrency.2"] == b"\5\6"
    assert found["sequenceData.1.1"] == b"\1\2\3\4"
    assert found["sequenceData.1.2"] == b"\5\6\7\10"
    # The first coordinated green, phase 2's, begins at second 20 of a program that begins at second 25 of the clock.
    assert found["splitCoordPhase.1.2"] == found["splitCoordPhase.1.6"] == 1
    assert found["patternOffsetTime.1"] == 45
    assert found["patternOffsetTime.2"] == 80
    assert found["patternCycleTime.1"] == 100
    assert [found[f"phaseOptions.{k}"] for k in (9, 16)] == [0, 0]
    assert [found[f"channelControlSource.{k}"] for k in (1, 9, 13)] == [1, 2, 0]
    assert [found[f"channelControlType.{k}"] for k in (1, 9)] == [2, 3]
    assert found["dayPlanActionNumberOID.1.2"] == f"{OBJECTS['timebaseAscPattern'].oid[:-2]}.1.2"
    assert found["timebaseAscPattern.2"] == 1
    first, *_, verify, normal = read_list(content, name)
    assert [first.value, verify.value, normal.value] == [2, 3, 1]


def test_every_cologne_signal_comes_back_or_is_refused_with_its_reason(cologne_plan: Plan) -> None:
    back, refusals = 0, []
    for signal in cologne_plan.signals:
        plan = only(cologne_plan, signal)
        try:
            files = FORMAT.write(plan)
        except InputError as error:
            refusals.append((signal.id, str(error)))
            continue
        assert file_findings(plan, FORMAT, files, BASIC) == []
        back += 1
    assert (back, len(refusals)) == (4, 4)
    for signal_id, message in refusals:
        assert f"signal '{signal_id}'" in message
        assert "cannot be said as rings and barriers: group 'K" in message


def test_the_bochum_ring_is_refused_since_it_has_red_yellow(bochum_plan: Plan) -> None:
    for signal in bochum_plan.signals:
        with pytest.raises(InputError, match="red-yellow, which ring-barrier controllers do not have"):
            FORMAT.write(only(bochum_plan, signal))


@pytest.mark.parametrize(
    ("name", "index", "text", "words"),
    [
        ("splitTime", (1, 2), "36", "nema-"),
        ("splitTime", (1, 2), "12", "nema-"),
        ("phaseYellowChange", (2,), "35", "whole-seconds"),
        ("phaseYellowChange", (2,), "60", "shows something else"),
        ("phaseMinimumGreen", (2,), "40", "nema-split"),
        ("phaseWalk", (2,), "8", "shows something else"),
        ("phaseConcurrency", (1,), "05 06 07", "nema-concurrency"),
        ("phaseRing", (2,), "2", "nema-ring"),
        ("sequenceData", (1, 1), "02 01 03 04", "shows something else"),
        ("sequenceData", (1, 1), "02 03 04", "nema-ring"),
        ("sequenceData", (1, 1), "01 03 02 04", "nema-barrier"),
        ("patternOffsetTime", (1,), "46", "shows something else"),
        ("patternOffsetTime", (1,), "100", "offset"),
        ("patternCycleTime", (2,), "110", "nema-sum"),
        ("patternCoordSyncPoint", (1,), "4", "patternCoordSyncPoint.1 is not 3"),
        ("splitCoordPhase", (1, 2), "0", "nema-coordinated"),
        ("phaseOptions", (2,), "0", "which is not enabled"),
        ("channelControlSource", (1,), "2", "conflict"),
        ("channelControlSource", (14,), "2", "channel 14 is no group"),
        ("channelControlType", (1,), "6", "neither phase nor normal overlap"),
        ("dayPlanHour", (1, 2), "7", "schedule differs"),
        ("timebaseAscPattern", (1,), "1", "schedule differs"),
        ("timebaseAscPattern", (1,), "9", "calls no program"),
        ("timeBaseScheduleDay", (1,), "252", "a second time"),
        ("timeBaseScheduleDate", (1,), "2", "whole year"),
        ("timeBaseScheduleDayPlan", (1,), "3", "day plan 3"),
        ("coordOperationalMode", (), "1", "program 2 runs|schedule differs"),
    ],
)
def test_a_fault_planted_in_the_list_is_found(
    ring_plan: Plan, lists: dict[str, bytes], name: str, index: tuple[int, ...], text: str, words: str
) -> None:
    files = changed(lists, oid(name, *index), text)
    try:
        found = "; ".join(map(str, file_findings(ring_plan, FORMAT, files, NEMA)))
    except InputError as error:
        found = str(error)
    assert any(word in found for word in words.split("|")), found


def test_lists_of_strangers_are_refused_in_one_line(ring_plan: Plan, lists: dict[str, bytes]) -> None:
    ((name, content),) = lists.items()
    lines = content.split(b"\n")
    faulty = {
        "is not UTF-8": content.replace(b"walk", b"w\xe4lk", 1),
        "its first line is not order,object": b"hello\n",
        "no CSV table": content + b'"open',
        "lines are missing or moved": b"\n".join(lines[:5] + lines[6:]),
        "has 3 fields, not 7": b"\n".join([*lines[:2], b"2,phaseWalk,x"]),
        "no object 'phaseWalks'; did you mean 'phaseWalk'": content.replace(b"phaseWalk,", b"phaseWalks,", 1),
        "is no identifier of phaseWalk": content.replace(
            b",1.3.6.1.4.1.1206.4.2.1.1.2.1.2.1,", b",1.3.\xc2\xb2,", 1
        ),
        "phaseWalk.1 is 256 s; 0 to 255 s [nema-range]": changed(lists, oid("phaseWalk", 1), "256")[name],
        "is not a whole number": changed(lists, oid("phaseWalk", 1), "-1")[name],
        "is not pairs of hexadecimal digits": changed(lists, oid("phaseConcurrency", 1), "5,6")[name],
        "is not an identifier with dots": changed(lists, oid("dayPlanActionNumberOID", 1, 1), "a.b")[name],
        "is INTEGER, not 'Gauge32'": content.replace(b"INTEGER,0,s", b"Gauge32,0,s", 1),
        "is set twice": content.replace(
            b"phaseWalk,1.3.6.1.4.1.1206.4.2.1.1.2.1.2.2", b"phaseWalk,1.3.6.1.4.1.1206.4.2.1.1.2.1.2.1"
        ),
        "has 2 indices, not 1": content.replace(b"1.1.2.1.2.1,", b"1.1.2.1.2.1.1,", 1),
        "patternCycleTime.1 is missing": b"\n".join(lines[:3]),
    }
    for words, wrong in faulty.items():
        with pytest.raises(InputError) as caught:
            FORMAT.read({name: wrong}, ring_plan)
        assert words in str(caught.value)
        assert "\n" not in str(caught.value)
    with pytest.raises(InputError, match="give the plan that names"):
        FORMAT.read(lists, None)
    with pytest.raises(InputError, match="is the list of no signal"):
        FORMAT.read({"other.csv": content}, ring_plan)
    with pytest.raises(InputError, match="is missing"):
        FORMAT.read({}, ring_plan)


@settings(max_examples=200, deadline=None)
@given(
    st.binary(max_size=300)
    | st.lists(st.text(max_size=12), min_size=7, max_size=7).map(
        lambda row: (",".join(COLUMNS) + "\n" + ",".join(row)).encode()
    )
)
def test_any_bytes_are_a_list_or_an_input_error(content: bytes) -> None:
    try:
        found = write_list(read_list(content, "list.csv"))
    except InputError as error:
        found = str(error).encode()
    assert found


def test_programs_must_share_what_a_controller_has_once(ring_plan: Plan) -> None:
    (signal,) = ring_plan.signals
    day, night = signal.programs
    longer = tuple(
        green.model_copy(update={"end": green.end + 1}) if green.group == "F2" else green
        for green in night.greens
    )
    plan = remade(ring_plan, programs=(day, night.model_copy(update={"greens": longer})))
    words = "phase 2 has the walk 7 in program 'day' and 8 in program 'night'; a controller has one for all programs"
    with pytest.raises(InputError, match=words):
        FORMAT.write(plan)


def test_values_outside_their_objects_are_refused(ring_plan: Plan) -> None:
    (signal,) = ring_plan.signals
    day, night = signal.programs
    slow = [
        green.model_copy(update={"end": green.end + 200}) if green.group in {"K4", "K8"} else green
        for green in day.greens
    ]
    programs = (day.model_copy(update={"cycle": 300, "greens": tuple(slow)}), night)
    with pytest.raises(InputError, match=r"the cycle is 300 s; 10 to 255 s \[nema-range\]"):
        FORMAT.write(remade(ring_plan, programs=programs))
    quick = tuple(g.model_copy(update={"yellow": 2}) if g.name == "K2" else g for g in signal.groups)
    with pytest.raises(
        InputError, match=r"phaseYellowChange.2 is 20 0.1s; 30 to 255 0.1s in NEMA TS 2 \[nema-range\]"
    ):
        FORMAT.write(remade(ring_plan, groups=quick))


def ring_of(phases: list[RingPhase], overlaps: Sequence[Overlap] = (), **changes: Any) -> RingProgram:
    base = RingProgram("s", "p", 7, 60, 0, tuple(phases), tuple(overlaps), (1,), 0)
    return replace(base, **changes)


def one_ring() -> list[RingPhase]:
    return [
        RingPhase(1, 1, 1, 1, 20, 4, 1, 5, ("A",)),
        RingPhase(2, 1, 1, 2, 30, 4, 1, 5, ("B",)),
    ]


def signal_of(*names: str) -> SignalPlan:
    groups = [{"name": name, "minimum_green": 5, "yellow": 4} for name in names]
    programs = [{"id": "p", "number": 7, "cycle": 60, "greens": []}]
    return SignalPlan.model_validate_json(json.dumps({"id": "s", "groups": groups, "programs": programs}))


def test_an_overlap_has_its_parents_and_a_channel() -> None:
    found = {
        setting.label: setting.value
        for setting in signal_settings(
            signal_of("A", "B", "C"), [ring_of(one_ring(), [Overlap(1, "C", (1, 2))])], None
        )
    }
    assert found["overlapIncludedPhases.1"] == b"\1\2"
    assert found["overlapTrailGreen.1"] == 0
    assert (found["channelControlSource.3"], found["channelControlType.3"]) == (1, 4)
    assert found["overlapIncludedPhases.2"] == b""
    assert found["coordOperationalMode.0"] == 7
    assert found["phaseConcurrency.1"] == b""


def test_a_group_of_two_phases_has_no_channel() -> None:
    phases = [replace(phase, groups=(*phase.groups, "C")) for phase in one_ring()]
    with pytest.raises(InputError, match="group 'C' is served by several phases"):
        signal_settings(signal_of("A", "B", "C"), [ring_of(phases)], None)


def test_names_of_any_kind_come_back(ring_plan: Plan) -> None:
    (signal,) = ring_plan.signals
    names = {group.name: f'=K"ö;, {k}' for k, group in enumerate(signal.groups)}

    def renamed(part: Any) -> dict[str, str]:
        return {
            key: names.get(value, value) for key, value in part.model_dump().items() if isinstance(value, str)
        }

    strange = signal.model_copy(
        update={
            "id": "../ä" * 49,
            "groups": tuple(g.model_copy(update={"name": names[g.name]}) for g in signal.groups),
            "intergreens": tuple(c.model_copy(update=renamed(c)) for c in signal.intergreens),
            "programs": tuple(
                p.model_copy(update={"greens": tuple(g.model_copy(update=renamed(g)) for g in p.greens)})
                for p in signal.programs
            ),
        }
    )
    plan = ring_plan.model_copy(update={"signals": (strange,)})
    files = FORMAT.write(plan)
    (name,) = files
    assert len(name.encode()) <= 255
    assert "/" not in name
    assert file_findings(plan, FORMAT, files, NEMA) == []


def test_what_is_lost_is_told(ring_plan: Plan) -> None:
    told = loss(FORMAT, ring_plan)
    assert "the intergreen matrix" in told
    assert "the day schedule" not in told


def test_a_list_is_written_as_it_is_read(lists: dict[str, bytes]) -> None:
    ((name, content),) = lists.items()
    assert write_list(read_list(content, name)) == content
