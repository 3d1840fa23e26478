"""RSMP command requests: judged by the official JSON Schemas and ranges, read back, and broken in many ways."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from jsonschema import Draft7Validator
from referencing import Registry, Resource
from referencing.jsonschema import DRAFT7

from sim.errors import InputError
from sim.export.gate import export_plan, file_findings
from sim.export.registry import find_format
from sim.export.rsmp import FORMAT
from sim.export.rsmp_read import RANGES, SECURITY_CODE
from sim.signals.lamps import lamps
from sim.signals.plan import DAYS, Plan, Schedule, Switch
from sim.signals.profile import load_profile

if TYPE_CHECKING:
    from collections.abc import Callable

SCHEMAS = Path(__file__).parent / "data" / "rsmp"


@pytest.fixture(scope="session")
def validators() -> list[Draft7Validator]:
    def stored(uri: str) -> Resource[Any]:
        text = (SCHEMAS / uri.removeprefix("https://rsmp.invalid/")).read_text(encoding="utf-8")
        return Resource.from_contents(json.loads(text), default_specification=DRAFT7)

    registry: Registry[Any] = Registry(retrieve=stored)
    return [
        Draft7Validator({"$ref": f"https://rsmp.invalid/{path}"}, registry=registry)
        for path in ("core/3.2.2/rsmp.json", "tlc/1.2.1/rsmp.json")
    ]


@pytest.fixture(scope="session")
def limits() -> dict[tuple[str, str], tuple[int, int]]:
    """Lowest and highest value of the arguments, as the SXL itself has them."""
    text = (SCHEMAS / "tlc/1.2.1/sxl.yaml").read_text(encoding="utf-8")
    found = {}
    for code, body in re.findall(r"^      (M\d{4}):\n((?:        .*\n|\n)+)", text, re.MULTILINE):
        for name, low, high in re.findall(
            r"^          (\w+):\n(?:            .*\n|\n)*?            min: (\d+)\n            max: (\d+)",
            body,
            re.MULTILINE,
        ):
            found[code, name] = (int(low), int(high))
    return found


def messages(content: bytes) -> list[dict[str, Any]]:
    return [json.loads(line) for line in content.decode().splitlines()]


def arguments(message: dict[str, Any]) -> dict[str, str]:
    return {entry["n"]: entry["v"] for entry in message["arg"]}


def test_the_official_schemas_and_ranges_accept_every_message(
    validators: list[Draft7Validator],
    limits: dict[tuple[str, str], tuple[int, int]],
    bochum_plan: Plan,
    cologne_plan: Plan,
    ring_plan: Plan,
) -> None:
    assert {code: limits[code, "status"] for code in RANGES} == RANGES
    ids = []
    for plan in (bochum_plan, cologne_plan, ring_plan):
        for content in FORMAT.write(plan).values():
            for message in messages(content):
                for validator in validators:
                    assert list(validator.iter_errors(message)) == []
                for name, value in arguments(message).items():
                    low, high = limits.get((message["arg"][0]["cCI"], name), (0, 0))
                    assert high == 0 or low <= int(value) <= high
                ids.append(message["mId"])
    assert len(ids) == len(set(ids))


def test_the_schemas_refuse_what_is_no_command(validators: list[Draft7Validator], ring_plan: Plan) -> None:
    # The validators must be able to refuse at all: references of theirs could lead nowhere.
    [content] = FORMAT.write(ring_plan).values()
    for change in ({"cO": "setCycle"}, {"v": "ninety"}, {"cCI": "M9999"}):
        message = messages(content)[0]
        message["arg"][0] |= change
        assert any(list(validator.iter_errors(message)) for validator in validators)
    assert list(validators[0].iter_errors(messages(content)[0] | {"mId": "1"}))


def test_the_commands_say_cycle_offset_and_schedule_in_the_order_of_sending(ring_plan: Plan) -> None:
    [(name, content)] = FORMAT.write(ring_plan).items()
    assert name == "Main-1st.jsonl"
    sent = [(message["arg"][0]["cCI"], arguments(message)) for message in messages(content)]
    code = {"securityCode": SECURITY_CODE}
    assert sent == [
        ("M0018", {"status": "100", "plan": "1"} | code),
        ("M0015", {"status": "25", "plan": "1"} | code),
        ("M0018", {"status": "100", "plan": "2"} | code),
        ("M0015", {"status": "60", "plan": "2"} | code),
        ("M0017", {"status": "1-2-0-0,1-1-6-0,1-2-20-0,2-2-0-0"} | code),
        ("M0016", {"status": "0-1,1-1,2-1,3-1,4-1,5-2,6-2"} | code),
        ("M0002", {"status": "False", "timeplan": "1"} | code),
    ]
    assert {message["cId"] for message in messages(content)} == {"Main & 1st"}


def test_a_plan_without_a_schedule_runs_its_first_program(bochum_plan: Plan) -> None:
    last = messages(FORMAT.write(bochum_plan)["R02.jsonl"])[-1]
    assert arguments(last) == {"status": "True", "timeplan": "1", "securityCode": SECURITY_CODE}


def test_cycle_offset_and_schedule_come_back(bochum_plan: Plan, cologne_plan: Plan, ring_plan: Plan) -> None:
    for plan in (bochum_plan, cologne_plan, ring_plan):
        files = FORMAT.write(plan)
        assert files == FORMAT.write(plan)
        # Another cycle, offset and schedule in the plan behind: what comes back is from the file.
        signals = tuple(
            signal.model_copy(
                update={
                    "programs": tuple(
                        program.model_copy(update={"cycle": 40, "offset": 39}) for program in signal.programs
                    )
                }
            )
            for signal in plan.signals
        )
        other = Schedule(day_plans={"work": (), "weekend": ()}, week={}) if plan.schedule else None
        behind = plan.model_copy(update={"signals": signals, "schedule": other})
        assert FORMAT.read(files, behind) == plan
        assert FORMAT.read(files, plan) == plan


def test_greens_are_those_of_the_controller(ring_plan: Plan) -> None:
    # No command carries greens: the file of a plan with other greens is the same, and the reader takes the plan's.
    signal = ring_plan.signals[0]
    programs = tuple(program.model_copy(update={"greens": program.greens[1:]}) for program in signal.programs)
    fewer = ring_plan.model_copy(update={"signals": (signal.model_copy(update={"programs": programs}),)})
    assert FORMAT.write(fewer) == FORMAT.write(ring_plan)
    back = FORMAT.read(FORMAT.write(fewer), ring_plan).signals[0]
    assert (lamps(back, back.programs[0]) == lamps(signal, signal.programs[0])).all()
    with pytest.raises(InputError, match="RSMP carries no greens"):
        FORMAT.read(FORMAT.write(ring_plan), None)


def test_the_gate_writes_a_folder(bochum_plan: Plan, ring_plan: Plan, tmp_path: Path) -> None:
    assert find_format("rsmp") is FORMAT
    paths = export_plan(bochum_plan, FORMAT, tmp_path / "a", load_profile("rilsa").limits)
    assert len(paths) == len(bochum_plan.signals)
    paths = export_plan(ring_plan, FORMAT, tmp_path / "b", load_profile("nema").limits)
    assert FORMAT.read({path.name: path.read_bytes() for path in paths}, ring_plan) == ring_plan


@pytest.mark.parametrize(
    ("old", "new", "finding"),
    [
        ('"v": "100"', '"v": "99"', "the cycle is 99 s, not 100 s"),
        ('"v": "25"', '"v": "26"', "the offset is 26 s, not 25 s"),
        ("1-1-6-0", "1-1-6-1", "the day schedule differs"),
        ("5-2,", "5-1,", "the day schedule differs"),
        ("Main & 1st", "Main", "signal 'Main' is not in the plan"),
        (SECURITY_CODE, "1234", "holds a security code"),
        ('"v": "False"', '"v": "True"', "M0002 must leave the choice"),
    ],
)
def test_a_fault_planted_in_the_file_is_found(ring_plan: Plan, old: str, new: str, finding: str) -> None:
    [(name, content)] = FORMAT.write(ring_plan).items()
    broken = content.decode().replace(old, new, -1 if old == "Main & 1st" else 1)
    assert broken.encode() != content
    found = [
        str(one)
        for one in file_findings(ring_plan, FORMAT, {name: broken.encode()}, load_profile("nema").limits)
    ]
    assert any(finding in one for one in found), found


def test_a_program_without_its_commands_is_found_missing(ring_plan: Plan) -> None:
    [(name, content)] = FORMAT.write(ring_plan).items()
    lines = content.splitlines(keepends=True)
    limits = load_profile("nema").limits
    (found,) = file_findings(ring_plan, FORMAT, {name: b"".join(lines[4:])}, limits)
    assert "no program both cycle" in found.text
    several = file_findings(ring_plan, FORMAT, {name: b"".join(lines[:2] + lines[4:])}, limits)
    assert any("the program is missing" in str(one) for one in several)


def with_program(plan: Plan, **change: int) -> Plan:
    signal = plan.signals[0]
    programs = (signal.programs[0].model_copy(update=change), *signal.programs[1:])
    return plan.model_copy(update={"signals": (signal.model_copy(update={"programs": programs}),)})


def many_days(plan: Plan) -> Plan:
    days = {f"d{k}": (Switch(time="00:00", program="day"),) for k in range(13)}
    return plan.model_copy(update={"schedule": Schedule(day_plans=days, week=dict.fromkeys(DAYS, "d1"))})


def unknown_program(plan: Plan) -> Plan:
    days = {"d": (Switch(time="00:00", program="peak"),)}
    return plan.model_copy(update={"schedule": Schedule(day_plans=days, week=dict.fromkeys(DAYS, "d"))})


def no_sunday(plan: Plan) -> Plan:
    days = {"d": (Switch(time="00:00", program="day"),)}
    return plan.model_copy(update={"schedule": Schedule(day_plans=days, week=dict.fromkeys(DAYS[:6], "d"))})


def empty_day(plan: Plan) -> Plan:
    return plan.model_copy(update={"schedule": Schedule(day_plans={"d": ()}, week=dict.fromkeys(DAYS, "d"))})


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda plan: with_program(plan, cycle=256), "program 'day' has a cycle of 256; RSMP takes 1 to 255"),
        (lambda plan: with_program(plan, cycle=300, offset=256), "a cycle of 300"),
        (
            lambda plan: with_program(plan, number=17),
            "'day' of day plan 'work' has the number 17; RSMP takes 1 to 16",
        ),
        (many_days, "day plan 'd12' has the place 13; RSMP takes 1 to 12"),
        (unknown_program, "day plan 'd' names program 'peak', which it does not have"),
        (no_sunday, "sunday has no day plan that exists"),
        (empty_day, "day plan 'd' is empty"),
    ],
)
def test_values_out_of_range_are_refused(ring_plan: Plan, change: Callable[[Plan], Plan], words: str) -> None:
    with pytest.raises(InputError, match=words) as caught:
        FORMAT.write(change(ring_plan))
    assert str(caught.value).startswith("signal 'Main & 1st'")


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "it is for 0 components"),
        (b"\xff", "not UTF-8 text"),
        (b"{", "line 1 is not valid JSON"),
        (b"[" * 100000, "line 1 is not valid JSON"),
        (b"[]", "line 1 is no RSMP command request"),
        (b'{"mType": "rSMsg", "type": "Alarm"}', "line 1 is no RSMP command request"),
        (b'{"mType":"rSMsg","type":"CommandRequest","cId":"x","arg":[]}', "has 0 commands"),
        (b'{"mType":"rSMsg","type":"CommandRequest","cId":"x","arg":[1]}', "is not of the form cCI"),
    ],
)
def test_what_is_no_command_file_is_refused_in_one_line(ring_plan: Plan, content: bytes, words: str) -> None:
    with pytest.raises(InputError, match=words) as caught:
        FORMAT.read({"x.jsonl": content}, ring_plan)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ('"v": "100"', '"v": "256"', "'256' is no whole number from 1 to 255"),
        ('"v": "100"', '"v": "-1"', "'-1' is no whole number"),
        ('"v": "100"', '"v": 100', "is not of the form cCI"),
        ("setOffset", "setCommands", "is none of M0018"),
        (
            '"n": "plan", "cO": "setOffset", "v": "2"',
            '"n": "plan", "cO": "setOffset", "v": "1"',
            "twice for plan 1",
        ),
        (
            '"n": "plan", "cO": "setOffset", "v": "2"',
            '"n": "plan", "cO": "setOffset", "v": "9"',
            "no program of the number 9",
        ),
        ('"n": "plan"', '"n": "status"', "argument 'status' is given twice"),
        ('"n": "plan"', '"n": "way"', "M0018 has the arguments securityCode, status, way"),
        ("1-1-6-0", "1-1-6", "not of the form table-plan-hour-minute"),
        ("1-1-6-0", "1-1-24-0", "'24' is no whole number from 0 to 23"),
        ("1-1-6-0", "1-0-6-0", "'0' is no whole number from 1 to 16"),
        ("1-1-6-0", "1-3-6-0", "has no program of the number 3"),
        ("1-1-6-0", "13-1-6-0", "'13' is no whole number from 1 to 12"),
        ("1-1-6-0", "4-1-6-0", "3 is missing"),
        ("5-2,", "5-3,", "table 3 does not exist"),
        ("5-2,", "5,", "not of the form day-table"),
        ("5-2,", "4-2,", "the day is given twice"),
    ],
)
def test_a_faulty_command_file_is_refused_in_one_line(
    ring_plan: Plan, old: str, new: str, words: str
) -> None:
    [(name, content)] = FORMAT.write(ring_plan).items()
    broken = content.decode().replace(old, new, 1)
    assert broken.encode() != content
    with pytest.raises(InputError, match=words) as caught:
        FORMAT.read({name: broken.encode()}, ring_plan)
    assert "\n" not in str(caught.value)


def test_all_signals_must_have_the_same_schedule(bochum_plan: Plan, ring_plan: Plan) -> None:
    signal = ring_plan.signals[0]
    both = ring_plan.model_copy(update={"signals": (signal, signal.model_copy(update={"id": "Second"}))})
    files = FORMAT.write(both)
    broken = files["Second.jsonl"].replace(b"1-1-6-0", b"1-1-7-0")
    with pytest.raises(InputError, match="has another schedule than Main-1st"):
        FORMAT.read(files | {"Second.jsonl": broken}, both)
    with pytest.raises(InputError, match="has another file, too"):
        FORMAT.read({"a": broken, "b": broken}, both)
    with pytest.raises(InputError, match="given both or not at all"):
        FORMAT.read(
            {"a": b"".join(line for line in broken.splitlines(keepends=True) if b"M0016" not in line)}, both
        )
    first = FORMAT.write(bochum_plan)["R01.jsonl"].replace(b'"True"', b'"False"')
    with pytest.raises(InputError, match="must set plan 1, the first"):
        FORMAT.read({"a": first}, bochum_plan)
    with pytest.raises(InputError, match="no file of RSMP commands"):
        FORMAT.read({}, both)
