"""SPATEM messages: decoded by asn1tools, read back, and broken in many ways."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import asn1tools
import numpy as np
import pytest

from sim.errors import InputError
from sim.export import v2x
from sim.export.gate import export_plan, file_findings
from sim.export.registry import find_format
from sim.export.spatem import NO_MARK, Movement, Spatem, decode_spatem, encode_spatem
from sim.export.v2x import FORMAT
from sim.signals.lamps import lamps
from sim.signals.plan import Green, Group, Plan, Program, SignalPlan
from sim.signals.profile import load_profile

if TYPE_CHECKING:
    from numpy.typing import NDArray

LETTERS = {
    "protectedMovementAllowed": "G",
    "permissiveMovementAllowed": "g",
    "preMovement": "u",
    "permissiveClearance": "y",
    "protectedClearance": "y",
    "stopAndRemain": "r",
    "stopThenProceed": "s",
    "dark": "O",
    "cautionConflictingTraffic": "o",
}


@pytest.fixture(scope="session")
def decoder() -> Any:
    return asn1tools.compile_files(str(Path(__file__).parent / "data" / "spatem.asn1"), "uper")


def decoded(decoder: Any, text: str) -> dict[str, Any]:
    message = decoder.decode("Message", bytes.fromhex(text))
    # The excerpt describes every bit: what it encodes is what it was given.
    assert decoder.encode("Message", message).hex() == text
    return message


def assert_decoder_agrees(decoder: Any, plan: Plan) -> None:
    """Compare every second of every program, and the end of every lamp, with the plan."""
    for number, (signal, content) in enumerate(
        zip(plan.signals, FORMAT.write(plan).values(), strict=True), start=1
    ):
        raw = json.loads(content)
        assert raw["groups"] == {group.name: k for k, group in enumerate(signal.groups, start=1)}
        for program, entry in zip(signal.programs, raw["programs"], strict=True):
            want = lamps(signal, program)
            messages = [decoded(decoder, text) for text in entry["spatem"]]
            assert len(messages) == program.cycle
            for t, message in enumerate(messages):
                [state] = message["spat"]["intersections"]
                assert (message["protocolVersion"], message["messageID"]) == (2, 4)
                assert state["status"] == (b"\x04\x00", 16)
                assert (state["id"]["id"], state["moy"] * 60 + state["timeStamp"] / 1000) == (number, t)
                assert [one["signalGroup"] for one in state["states"]] == list(
                    range(1, len(signal.groups) + 1)
                )
                shown = "".join(LETTERS[one["events"][0]["eventState"]] for one in state["states"])
                assert shown == bytes(want[:, (t - program.offset) % program.cycle]).decode(), (signal.id, t)
                for k, one in enumerate(state["states"]):
                    assert_end(want[k], (t - program.offset) % program.cycle, t, one["events"][0]["timing"])


def assert_end(row: NDArray[np.uint8], second: int, clock: int, timing: dict[str, int]) -> None:
    ahead = np.roll(row, -second)
    changes = np.flatnonzero(ahead != ahead[0])
    if len(changes):
        end = (clock + int(changes[0])) * 10 % 36000
        assert timing == {"minEndTime": end, "maxEndTime": end}
    else:
        assert timing == {"minEndTime": NO_MARK}


def odd_plan(cycle: int = 60) -> Plan:
    """All rests, permissive and protected greens with their yellows, greens over the end, an always green group."""
    groups = (
        Group(name='Ä "1"', minimum_green=5, yellow=3, red_yellow=1),
        Group(name="K2", minimum_green=5, yellow=3, rest="arrow"),
        Group(name="K3", minimum_green=5, yellow=3, rest="off"),
        Group(name="F1", kind="pedestrian", minimum_green=5, rest="blinking"),
        Group(name="K4", minimum_green=5, yellow=3),
        Group(name="K5", minimum_green=5, rest="off"),
    )
    greens = (
        Green(group=groups[0].name, begin=50, end=5, permissive=True),
        Green(group=groups[0].name, begin=20, end=30),
        Green(group="K2", begin=0, end=40),
        Green(group="K3", begin=10, end=cycle),
        Green(group="F1", begin=20, end=27),
        Green(group="K4", begin=0, end=cycle),
    )
    program = Program(id="Früh", number=7, cycle=cycle, offset=59, greens=greens)
    return Plan(signals=(SignalPlan(id="../A/B", groups=groups, programs=(program,)),))


def test_asn1tools_decodes_every_second_of_the_bochum_ring(decoder: Any, bochum_plan: Plan) -> None:
    assert_decoder_agrees(decoder, bochum_plan)


def test_asn1tools_decodes_every_second_of_cologne8(decoder: Any, cologne_plan: Plan) -> None:
    assert_decoder_agrees(decoder, cologne_plan)


def test_asn1tools_decodes_both_ring_programs(decoder: Any, ring_plan: Plan) -> None:
    assert_decoder_agrees(decoder, ring_plan)


def test_asn1tools_decodes_every_lamp_a_plan_can_show(decoder: Any) -> None:
    assert_decoder_agrees(decoder, odd_plan())
    raw = json.loads(next(iter(FORMAT.write(odd_plan()).values())))
    events = {
        one["events"][0]["eventState"]
        for text in raw["programs"][0]["spatem"]
        for one in decoded(decoder, text)["spat"]["intersections"][0]["states"]
    }
    assert events == set(LETTERS)


def test_ends_beyond_the_hour_count_from_the_next(decoder: Any) -> None:
    signal = odd_plan(cycle=3600).signals[0]
    shown = v2x._by_clock(lamps(signal, signal.programs[0]), 59)
    text = encode_spatem(v2x._messages(1, shown)[3599]).hex()
    # Clock second 3599: second 3540 of the program; K2's green begins with the next cycle, at clock second 59.
    [state] = decoded(decoder, text)["spat"]["intersections"]
    assert (state["moy"], state["timeStamp"]) == (59, 59000)
    assert state["states"][1]["events"][0]["timing"] == {"minEndTime": 590, "maxEndTime": 590}


def test_the_plan_comes_back(bochum_plan: Plan, ring_plan: Plan) -> None:
    # Greens come from the messages: those of the plan behind do not matter.
    for plan in (bochum_plan.model_copy(update={"signals": bochum_plan.signals[:1]}), ring_plan, odd_plan()):
        files = FORMAT.write(plan)
        assert files == FORMAT.write(plan)
        signals = tuple(
            signal.model_copy(
                update={
                    "programs": tuple(
                        program.model_copy(update={"cycle": 40, "greens": (), "offset": program.offset})
                        for program in signal.programs
                    )
                }
            )
            for signal in plan.signals
        )
        back = FORMAT.read(files, plan.model_copy(update={"signals": signals}))
        for one, other in zip(plan.signals, back.signals, strict=True):
            for a, b in zip(one.programs, other.programs, strict=True):
                np.testing.assert_array_equal(lamps(other, b), lamps(one, a))
    with pytest.raises(InputError, match="give the plan that was exported"):
        FORMAT.read(files, None)


def test_the_gate_writes_a_folder(ring_plan: Plan, tmp_path: Path) -> None:
    assert find_format("v2x") is FORMAT
    [path] = export_plan(ring_plan, FORMAT, tmp_path / "out", load_profile("nema").limits)
    assert path.name == "Main-1st.json"
    assert FORMAT.read({path.name: path.read_bytes()}, ring_plan) == ring_plan


def changed(plan: Plan, **change: Any) -> Plan:
    signal = plan.signals[0]
    programs = (signal.programs[0].model_copy(update=change), *signal.programs[1:])
    return plan.model_copy(update={"signals": (signal.model_copy(update={"programs": programs}),)})


def test_a_fault_planted_in_the_messages_is_found(ring_plan: Plan) -> None:
    limits = load_profile("nema").limits
    # Messages of a program that is shifted by a second, and of one with another green, are sound in themselves.
    for plan, finding in (
        (changed(ring_plan, offset=26), "shows something else"),
        (
            changed(ring_plan, greens=(*ring_plan.signals[0].programs[0].greens[:-1],)),
            "group 'F8' shows something else",
        ),
        (changed(ring_plan, cycle=101), "the cycle is 101 s, not 100 s"),
    ):
        found = file_findings(ring_plan, FORMAT, FORMAT.write(plan), limits)
        assert any(finding in str(one) for one in found), found
    [(name, content)] = FORMAT.write(ring_plan).items()
    raw = json.loads(content)
    raw["programs"].pop()
    found = file_findings(ring_plan, FORMAT, {name: json.dumps(raw).encode()}, limits)
    assert any("the program is missing" in str(one) for one in found)


def test_an_end_that_is_not_when_the_lamp_changes_is_refused(ring_plan: Plan) -> None:
    [(name, content)] = FORMAT.write(ring_plan).items()
    raw = json.loads(content)
    messages = raw["programs"][0]["spatem"]
    first = decode_spatem(bytes.fromhex(messages[0]))
    later = first.movements[0]._replace(until=first.movements[0].until + 10)
    messages[0] = encode_spatem(first._replace(movements=(later, *first.movements[1:]))).hex()
    with pytest.raises(InputError, match="an end in the messages is not when the lamp changes"):
        FORMAT.read({name: json.dumps(raw).encode()}, ring_plan)


def test_transitions_must_be_those_of_the_plan(ring_plan: Plan) -> None:
    signal = ring_plan.signals[0]
    groups = (signal.groups[0].model_copy(update={"yellow": 5}), *signal.groups[1:])
    other = ring_plan.model_copy(update={"signals": (signal.model_copy(update={"groups": groups}),)})
    with pytest.raises(InputError, match="group 'K1' has another yellow or rest than in the plan"):
        FORMAT.read(FORMAT.write(other), ring_plan)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "not valid JSON"),
        (b"\xff", "not valid JSON in UTF-8"),
        (b"[" * 100000, "not valid JSON"),
        (b"[]", "no file of SPATEM messages"),
        (b'{"format": "gruenband-spatem"}', "or it is incomplete"),
        (b'{"format": "gruenband-spatem", "signal": "x", "programs": [1]}', "signal 'x' is not in the plan"),
    ],
)
def test_what_is_no_file_of_messages_is_refused_in_one_line(
    ring_plan: Plan, content: bytes, words: str
) -> None:
    with pytest.raises(InputError, match=words) as caught:
        FORMAT.read({"x.json": content}, ring_plan)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("message", "words"),
    [
        ("", "no SPATEM in UPER"),
        ("zz", "second 0: non-hexadecimal"),
        ("0204", "no SPATEM in UPER"),
        ("00" * 40, "second 0: "),
        ("ff" * 400, "second 0: "),
        (encode_spatem(Spatem(1, 0, (Movement(1, "dark", 5),))).hex(), r"the signal groups are \[1\]"),
        (encode_spatem(Spatem(1, 0, (Movement(1, "dark", 5),))).hex() + "00", "says more than the lamps"),
    ],
)
def test_a_faulty_message_is_refused_in_one_line(message: str, words: str) -> None:
    plan = odd_plan()
    [(name, content)] = FORMAT.write(plan).items()
    raw = json.loads(content)
    raw["programs"][0]["spatem"][0] = message
    with pytest.raises(InputError, match=words) as caught:
        FORMAT.read({name: json.dumps(raw).encode()}, plan)
    assert "\n" not in str(caught.value)


def test_without_pycrate_the_user_learns_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pycrate_asn1dir.ITS_IS", None)
    with pytest.raises(InputError, match=r"pip install 'gruenband\[v2x\]'"):
        FORMAT.write(odd_plan())


def test_files_must_be_of_the_plan() -> None:
    plan = odd_plan()
    [content] = FORMAT.write(plan).values()
    raw = json.loads(content)
    faults = (
        ({"groups": {"K1": 1}}, "its signal groups are not those of signal '../A/B'"),
        ({"intersection": 2}, "a clock or id is wrong"),
        ({"intersection": None}, "a clock or id is wrong"),
        ({"programs": [raw["programs"][0] | {"number": 9}]}, "has no such program"),
        ({"programs": [raw["programs"][0] | {"spatem": []}]}, "has 0 messages"),
        (
            {"programs": [raw["programs"][0] | {"spatem": raw["programs"][0]["spatem"][1:]}]},
            "a clock or id is wrong",
        ),
    )
    for change, words in faults:
        with pytest.raises(InputError, match=words):
            FORMAT.read({"x.json": json.dumps(raw | change).encode()}, plan)
    with pytest.raises(InputError, match="has another file, too"):
        FORMAT.read({"a": content, "b": content}, plan)
    with pytest.raises(InputError, match="no file of SPATEM messages to read"):
        FORMAT.read({}, plan)
