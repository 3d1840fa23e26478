"""GMNS: frictionless checks the tables against the official schemas, and the lamps are worked out from them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from sim.errors import InputError
from sim.export.gate import export_plan, file_findings
from sim.export.gmns import FORMAT, TABLES
from sim.signals.lamps import lamps
from sim.signals.profile import load_profile
from sim.signals.ring_mapping import map_rings

if TYPE_CHECKING:
    from sim.signals.plan import Plan

BASIC = load_profile("basic").limits
SCHEMAS = Path(__file__).parent / "data" / "gmns"


def foreign(folder: Path, plan: Plan) -> dict[str, list[dict[str, Any]]]:
    """Read the tables by frictionless, with keys between them; the network's own movements are made up here."""
    from frictionless import Package, Resource

    movement = json.loads((SCHEMAS / "movement.schema.json").read_text(encoding="utf-8"))
    columns = [field["name"] for field in movement["fields"]]
    lines = [",".join(columns)]
    for signal in plan.signals:
        for group in signal.groups:
            name = f'"{signal.id}/{group.name}"'
            known = {"mvmt_id": name, "node_id": "1", "ib_link_id": "1", "ob_link_id": "2", "type": "thru"}
            lines.append(",".join(known.get(column, "") for column in columns))
    (folder / "movement.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    names = [*TABLES, "movement"]
    resources = []
    for name in names:
        schema = json.loads((SCHEMAS / f"{name}.schema.json").read_text(encoding="utf-8"))
        # Frictionless knows keys of known tables only; links and nodes are the network's.
        keys = [key for key in schema.get("foreignKeys", []) if key["reference"]["resource"] in names]
        schema["foreignKeys"] = [key for key in keys if name != "movement"]
        resources.append({"name": name, "path": f"{name}.csv", "schema": schema})
    package = Package.from_descriptor({"name": "plan", "resources": resources}, basepath=str(folder))
    report = package.validate()
    assert report.valid, report.flatten(["type", "message"])
    found: dict[str, list[dict[str, Any]]] = {}
    for name in names:
        resource = package.get_resource(name)
        assert isinstance(resource, Resource)
        found[name] = [row.to_dict() for row in resource.read_rows()]
    return found


def shown_by(tables: dict[str, list[dict[str, Any]]], plan_id: str) -> tuple[int, dict[str, list[str]]]:
    """Work out what each movement shows at each second of the clock; clearance counts as not green."""
    (plan,) = [row for row in tables["signal_timing_plan"] if str(row["timing_plan_id"]) == plan_id]
    cycle = int(plan["cycle_length"])
    phases = [row for row in tables["signal_timing_phase"] if str(row["timing_plan_id"]) == plan_id]
    begins: dict[int, int] = {}
    follows: dict[str, str] = {}
    for ring in {row["ring"] for row in phases}:
        order = sorted((r for r in phases if r["ring"] == ring), key=lambda r: (r["barrier"], r["position"]))
        at = 0
        for row, after in zip(order, order[1:] + order[:1], strict=True):
            begins[row["signal_phase_num"]] = at
            follows[row["timing_phase_id"]] = after["timing_phase_id"]
            at += int(row["max_green"] + row["clearance"])
        assert at == cycle
    shifts = set()
    for row in tables["signal_coordination"]:
        if str(row["timing_plan_id"]) == plan_id:
            assert row["coord_ref_to"] == "begin_of_green"
            shifts.add((int(row["offset"]) - begins[row["coord_phase"]]) % cycle)
    (shift,) = shifts
    rows: dict[str, list[str]] = {}
    by_id = {row["timing_phase_id"]: row for row in phases}
    serving = [row for row in tables["signal_phase_mvmt"] if row["timing_phase_id"] in by_id]
    for row in sorted(serving, key=lambda r: r["protection"] == "protected"):
        if row["protection"] == "rtor":
            continue
        phase = by_id[row["timing_phase_id"]]
        name = row["mvmt_id"].rsplit("/", 1)[1]
        line = rows.setdefault(name, ["r"] * cycle)
        length = int(phase["walk_time"] if name.startswith("F") else phase["max_green"])
        if any(
            o["timing_phase_id"] == follows[row["timing_phase_id"]]
            and o["mvmt_id"] == row["mvmt_id"]
            and o["protection"] != "rtor"
            for o in serving
        ):
            length += int(phase["clearance"])
        for t in range(length):
            at = (begins[phase["signal_phase_num"]] + shift + t) % cycle
            line[at] = "G" if row["protection"] == "protected" else "g"
    return cycle, rows


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


def check(plan: Plan, folder: Path) -> None:
    export_plan(plan, FORMAT, folder, BASIC)
    tables = foreign(folder, plan)
    for k, signal in enumerate(plan.signals, start=1):
        for program in signal.programs:
            cycle, rows = shown_by(tables, f"{k}-{program.number}")
            assert cycle == program.cycle
            want = np.roll(lamps(signal, program), program.offset, axis=1)
            for row, group in zip(want, signal.groups, strict=True):
                plain = bytes(row).decode().replace("y", "r").replace("s", "r")
                assert "".join(rows[group.name]) == plain, (signal.id, group.name)


def test_the_tables_are_valid_and_show_the_dual_ring_signal(ring_plan: Plan, tmp_path: Path) -> None:
    check(ring_plan, tmp_path)


def test_the_tables_show_every_signal_of_cologne_that_has_rings(cologne_plan: Plan, tmp_path: Path) -> None:
    plan = mapped(cologne_plan)
    assert len(plan.signals) == 4
    check(plan, tmp_path)


def test_what_has_no_rings_is_refused_by_name(bochum_plan: Plan, cologne_plan: Plan) -> None:
    for signal in bochum_plan.signals:
        with pytest.raises(InputError, match=f"signal '{signal.id}'.*red-yellow"):
            FORMAT.write(bochum_plan.model_copy(update={"signals": (signal,)}))
    with pytest.raises(InputError, match=r"signal '256201389'.*group 'K3'"):
        FORMAT.write(cologne_plan)


def test_names_with_quotes_line_up(ring_plan: Plan, tmp_path: Path) -> None:
    signal = ring_plan.signals[0].model_copy(update={"id": 'Königsallee; "Süd", 1'})
    plan = ring_plan.model_copy(update={"signals": (signal,)})
    assert file_findings(plan, FORMAT, FORMAT.write(plan), BASIC) == []


@pytest.mark.parametrize(
    ("table", "old", "new", "words"),
    [
        (
            "signal_timing_phase",
            "1-1-1,1-1,1,16,16,0,4",
            "1-1-1,1-1,1,15,15,0,5",
            "group 'K1' shows something else",
        ),
        ("signal_phase_mvmt", "/K1,,protected", "/K1,,permitted", "group 'K1' shows something else"),
        ("signal_coordination", "begin_of_green,45", "begin_of_green,46", "contradict"),
        ("signal_timing_phase", "1-1-1,1-1,1,16,16,0,4", "1-1-1,1-1,1,16,18,0,4", "green that varies"),
        ("signal_timing_phase", "1-1-1,1-1,1,16,16,0,4", "1-1-1,1-1,1,16,16,0,2", "clears less than"),
        ("signal_timing_phase", ",1,16,16,0", ",1,16.5,16.5,0", "no whole number"),
        ("signal_timing_plan", "1-1,Main & 1st", "1-1,Other", "is no signal of the plan"),
        ("signal_phase_mvmt", "/K1,,protected", "/K9,,protected", "neither is known"),
        ("signal_coordination", "begin_of_green", "begin_of_red", "not begin_of_green"),
        ("signal_controller", "controller_id", "id", "no column 'controller_id'"),
        ("signal_timing_plan", ",100", "", "not as many cells as columns"),
    ],
)
def test_a_fault_in_a_table_is_found(ring_plan: Plan, table: str, old: str, new: str, words: str) -> None:
    files = FORMAT.write(ring_plan)
    assert file_findings(ring_plan, FORMAT, files, BASIC) == []
    text = files[f"{table}.csv"].decode()
    assert old in text
    broken = files | {f"{table}.csv": text.replace(old, new, 1).encode()}
    try:
        found = "; ".join(map(str, file_findings(ring_plan, FORMAT, broken, BASIC)))
    except InputError as error:
        found = str(error)
    assert words in found
    assert "\n" not in found


@pytest.mark.parametrize("content", [b"", b"\xff\xfe", b'"', b"a;b\n1;2\n"])
@pytest.mark.parametrize("table", TABLES)
def test_what_is_no_table_is_refused(ring_plan: Plan, table: str, content: bytes) -> None:
    files = FORMAT.write(ring_plan) | {f"{table}.csv": content}
    with pytest.raises(InputError, match=rf"{table}\.csv"):
        FORMAT.read(files, ring_plan)


def test_a_missing_table_and_a_missing_plan_are_refused(ring_plan: Plan) -> None:
    files = FORMAT.write(ring_plan)
    with pytest.raises(InputError, match="give that plan"):
        FORMAT.read(files, None)
    del files["signal_coordination.csv"]
    with pytest.raises(InputError, match=r"signal_coordination\.csv is missing"):
        FORMAT.read(files, ring_plan)
