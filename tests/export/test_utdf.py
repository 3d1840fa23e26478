"""UTDF: what utdf2gmns, a reader of its own, makes of the files, and what foreign files become."""

from __future__ import annotations

import re
import warnings
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from sim.errors import InputError
from sim.export.gate import export_plan, file_findings
from sim.export.utdf import FORMAT
from sim.export.utdf_phases import columns
from sim.signals.lamps import lamps
from sim.signals.profile import load_profile
from sim.signals.ring_mapping import map_rings
from sim.signals.safety import check_plan

if TYPE_CHECKING:
    from sim.signals.plan import Plan, SignalPlan

BASIC = load_profile("basic").limits
BULLHEAD = Path(__file__).parent / "data" / "utdf" / "bullhead_seg4_UTDF_v8.csv"


def foreign(path: Path) -> dict[str, dict[str, Any]]:
    """Read phases and movements of each intersection by utdf2gmns."""
    with warnings.catch_warnings():
        # It uses what newer versions of pandas advise against.
        warnings.simplefilter("ignore")
        from utdf2gmns import UTDF2GMNS

        reader = UTDF2GMNS(str(path))
        reader.create_signal_control()
    return dict(reader.network_signal_control)


def shown_by(control: dict[str, Any], cycle: int) -> dict[str, list[str]]:
    """Work out what each movement shows at each second of the clock."""
    rows: dict[str, list[str]] = {}
    phases = {k: v for k, v in control.items() if k != "brp_info"}
    for phase in phases.values():
        for kind, letter in (("permitted", "g"), ("protected", "G")):
            for movement in phase.get(kind, []):
                row = rows.setdefault(movement, ["r"] * cycle)
                # An overlap stays green if a phase of the same ring that also serves it begins when this one ends.
                nexts = [
                    p
                    for p in phases.values()
                    if p["Start"] == phase["End"] and p["BRP"][1] == phase["BRP"][1]
                ]
                served = any(movement in p.get(k, []) for p in nexts for k in ("permitted", "protected"))
                begin, end = int(phase["Start"]), int(phase["End"])
                clearance = int(phase["Yellow"]) + int(phase["AllRed"])
                green = (end - begin) % cycle - (0 if served else clearance)
                for t in range(green):
                    row[(begin + t) % cycle] = letter
                for t in range(0 if served else int(phase["Yellow"])):
                    row[(begin + green + t) % cycle] = "y"
    return rows


def compare(signal: SignalPlan, number: int, control: dict[str, Any]) -> None:
    (program,) = [p for p in signal.programs if p.number == number]
    rows = shown_by(control, program.cycle)
    ring = map_rings(signal, program)
    want = np.roll(lamps(signal, program), program.offset, axis=1)
    chosen = columns(ring)
    assert set(rows) == set(chosen.values())
    for k, group in enumerate(signal.groups):
        if group.name in chosen:
            assert "".join(rows[chosen[group.name]]) == bytes(want[k]).decode().replace("s", "r")
    for phase in ring.phases:
        if phase.pedestrians:
            read = control[f"D{phase.number}"]
            assert (int(read["Walk"]), int(read["DontWalk"])) == (phase.walk, phase.pedestrian_clear)


def test_utdf2gmns_reads_the_dual_ring_signal_to_the_second(ring_plan: Plan, tmp_path: Path) -> None:
    paths = export_plan(ring_plan, FORMAT, tmp_path / "out", load_profile("nema").limits)
    assert [path.name for path in paths] == ["program-1.csv", "program-2.csv"]
    for number, path in enumerate(paths, start=1):
        compare(ring_plan.signals[0], number, foreign(path)["1"])


def test_utdf2gmns_reads_every_signal_of_cologne_that_has_rings(cologne_plan: Plan, tmp_path: Path) -> None:
    plan = mapped(cologne_plan)
    assert len(plan.signals) == 4
    (path,) = export_plan(plan, FORMAT, tmp_path, BASIC)
    control = foreign(path)
    for k, signal in enumerate(plan.signals, start=1):
        compare(signal, 1, control[str(k)])


def mapped(plan: Plan) -> Plan:
    kept = []
    for signal in plan.signals:
        try:
            map_rings(signal, signal.programs[0])
        except InputError:
            continue
        program = signal.programs[0].model_copy(update={"offset": 7 * len(kept) + 5})
        kept.append(signal.model_copy(update={"programs": (program,)}))
    return plan.model_copy(update={"signals": tuple(kept)})


def test_what_has_no_rings_is_refused_by_name(bochum_plan: Plan, cologne_plan: Plan) -> None:
    for signal in bochum_plan.signals:
        with pytest.raises(InputError, match=f"signal '{signal.id}'.*red-yellow"):
            FORMAT.write(bochum_plan.model_copy(update={"signals": (signal,)}))
    with pytest.raises(InputError, match=r"signal '256201389'.*group 'K3'"):
        FORMAT.write(cologne_plan)


def test_a_name_with_a_comma_is_refused(ring_plan: Plan) -> None:
    signal = ring_plan.signals[0].model_copy(update={"id": "Main, 1st"})
    with pytest.raises(InputError, match="signal 'Main, 1st': UTDF has no place for commas"):
        FORMAT.write(ring_plan.model_copy(update={"signals": (signal,)}))


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("Yellow,1,3,4,3,4,3,4,3,4", "Yellow,1,4,4,3,4,3,4,3,4", "group 'K1' shows something else"),
        ("Phase1,1,3,8,,7,4,,5,2,,1,6", "Phase1,1,3,8,,7,4,,5,2,,1,2", "[nema-"),
        ("Walk,1,,7", "Walk,1,,8", "group 'F2' shows something else"),
    ],
)
def test_the_gate_finds_a_fault_in_the_file(ring_plan: Plan, old: str, new: str, words: str) -> None:
    files = FORMAT.write(ring_plan)
    assert file_findings(ring_plan, FORMAT, files, BASIC) == []
    text = files["program-1.csv"].decode()
    assert old in text
    # A yellow of its own in one program only would be refused before the lamps are compared.
    plan = ring_plan.model_copy(
        update={
            "signals": (
                ring_plan.signals[0].model_copy(update={"programs": ring_plan.signals[0].programs[:1]}),
            ),
            "schedule": None,
        }
    )
    found = file_findings(plan, FORMAT, {"program-1.csv": text.replace(old, new).encode()}, BASIC)
    assert any(words in str(finding) for finding in found)


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("Offset,1,45", "Offset,1,44", "Offset is 44 s, but by the starts .* first green begins at 45 s"),
        ("Start,1,25,45", "Start,1,25,46", "Start of D1 is 25 s, but by the phases before it in its ring"),
        ("UTDFVERSION,8", "UTDFVERSION,7", "UTDF version '7'"),
        ("[Phases]", "[Faces]", r"section \[Phases\] is missing"),
        ("Cycle Length,1,100", "Cycle Length,1,99.5", "Cycle Length is 99.5 s, not whole seconds"),
        ("Cycle Length,1,100", "Cycle Length,1,nan", "not a number of seconds"),
        ("Cycle Length,1,100", "Cycle Length,1,0", "1 to 3600 s"),
        ("BRP,1,111", "BRP,1,x11", "BRP of D1 is 'x11'"),
        ("Reference Phase,1,206", "Reference Phase,1,999", "names no phase"),
        ("Referenced To,1,3", "Referenced To,1,9", "Referenced To is '9'"),
        ("Main & 1st", "Elsewhere", "0 signals are called 'Main & 1st'"),
        ("Phase1,1,3", "Phase1,1,one", "NBL: 'one' is no phase number"),
        ("Phase1,1,3", 'Phase1,1,"3', "not valid CSV|no phase number"),
    ],
)
def test_faulty_files_are_refused_in_one_line(ring_plan: Plan, old: str, new: str, words: str) -> None:
    files = FORMAT.write(ring_plan)
    text = files["program-1.csv"].decode()
    assert old in text
    with pytest.raises(InputError, match=words) as caught:
        FORMAT.read(files | {"program-1.csv": text.replace(old, new, 1).encode()}, ring_plan)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("content", [b"", b"\xff\xfe\x00", b"a;b\n1;2\n", b'"'])
def test_what_is_no_utdf_file_is_refused(content: bytes) -> None:
    with pytest.raises(InputError, match=r"x\.csv "):
        FORMAT.read({"x.csv": content}, None)


def test_every_truncation_is_read_or_refused(ring_plan: Plan) -> None:
    content = FORMAT.write(ring_plan)["program-1.csv"]
    for cut in range(0, len(content), 37):
        with suppress(InputError):
            FORMAT.read({"x.csv": content[:cut]}, None)


def whole_seconds(text: str) -> str:
    """Round Bullhead's timings, which have tenths, to whole seconds, keeping rings, splits and starts consistent."""
    lines = text.splitlines()
    nodes = [line.split(",")[1] for line in lines if line.startswith("BRP,")]
    # Greens by position of a ring: two phases on each side of the barrier.
    given = {"1": 0, "2": 12, "3": 42, "4": 57, "5": 0, "6": 12, "7": 42, "8": 57}
    ends = {"1": 12, "2": 42, "3": 57, "4": 80, "5": 12, "6": 42, "7": 57, "8": 80}
    out = []
    for line in lines:
        cells = line.split(",")
        if (
            cells[0] in {"Start", "End", "Yellow", "AllRed", "MinGreen"}
            and len(cells) > 2
            and cells[1] in nodes
        ):
            times = {"Start": given, "End": ends}.get(cells[0])
            value = {"Yellow": "4", "AllRed": "1", "MinGreen": "5"}.get(cells[0], "")
            cells[2:] = [str(times[str(k)] % 80) if times else value for k in range(1, 9)]
        elif cells[0] == "Cycle Length":
            cells[2] = "80"
        elif cells[0] == "Offset" and len(cells) == 3:
            cells[2] = "12"
        out.append(",".join(cells))
    return "\n".join(out)


def test_a_foreign_file_with_tenths_of_seconds_is_refused_by_place() -> None:
    with pytest.raises(InputError, match=r"intersection 39: Cycle Length is 73\.2 s, not whole seconds"):
        FORMAT.read({"bullhead.csv": BULLHEAD.read_bytes()}, None)


def test_a_foreign_file_in_whole_seconds_becomes_a_plan_that_lacks_the_walks_only(tmp_path: Path) -> None:
    text = BULLHEAD.read_text(encoding="utf-8")
    # Intersections of eight phases; the others leave a ring empty.
    full = [m[1] for m in re.finditer(r"^BRP,(\d+),111,112,211,212,121,122,221,222$", text, re.MULTILINE)]
    assert full
    text = whole_seconds(text)
    plan = FORMAT.read({"bullhead.csv": text.encode()}, None)
    signal = plan.signal("39")
    assert signal is not None
    assert [g.name for g in signal.groups if g.kind == "vehicle"] == [
        *("NBL", "NBT", "SBL", "SBT", "EBL", "EBT", "WBL", "WBT")
    ]
    cells = {(c.clearing, c.entering): c.seconds for c in signal.intergreens}
    # Phases 5 and 2 serve NBL and NBT, 1 and 6 SBL and SBT: across rings they run together.
    assert ("NBL", "NBT") not in cells
    assert cells[("NBT", "SBL")] == cells[("NBL", "SBT")] == cells[("NBT", "EBT")] == 5
    assert (signal.programs[0].cycle, signal.programs[0].offset) == (80, 12)
    # UTDF does not tell how long the walks are, and without that nobody knows whether they are cleared.
    findings = check_plan(plan, BASIC)
    assert {finding.rule for finding in findings} == {"pedestrian-clearance"}
    assert all("is not given" in finding.text for finding in findings)
    path = tmp_path / "whole.csv"
    path.write_text(text, encoding="utf-8")
    rows = shown_by(foreign(path)["39"], 80)
    want = np.roll(lamps(signal, signal.programs[0]), 12, axis=1)
    for k, group in enumerate(signal.groups):
        if group.name in rows:
            assert "".join(rows[group.name]) == bytes(want[k]).decode().replace("s", "r")
