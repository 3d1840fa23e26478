"""Uploads to an SNMP agent with the transaction of NTCIP 1201, read back by net-snmp and by puresnmp."""

from __future__ import annotations

import asyncio
import os
import re
import shutil
import subprocess
import sys
import warnings
from typing import TYPE_CHECKING, Any, Literal

import pytest

from sim.errors import EnvironmentFaultError, InputError
from sim.export import snmp
from sim.export.ntcip import settings_of
from sim.export.ntcip_objects import OBJECTS, Setting, read_list, write_list
from sim.export.snmp import UploadFailedError, dry_run, upload
from sim.export.snmp_wire import (
    COMMUNITY_VARIABLE,
    Target,
    community_from_environment,
    community_from_file,
)
from sim.signals.lamps import lamps

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager
    from pathlib import Path

    from sim.signals.plan import Plan, Program, SignalPlan

    Found = dict[str, Any]
    Reader = Callable[[int], Found]
    Controller = Callable[..., AbstractContextManager[int]]

SECRET = "kreuzung-7"
A, G = "1.3.6.1.4.1.1206.4.2.1", "1.3.6.1.4.1.1206.4.2.6"


def target(port: int, **changes: Any) -> Target:
    return Target(**({"address": "127.0.0.1", "port": port, "community": SECRET, "timeout": 0.4} | changes))


def netsnmp(port: int) -> Found:
    """Walk the agent with net-snmp's command line, as another station."""
    if shutil.which("snmpwalk") is None:
        pytest.skip("net-snmp's snmpwalk is not installed (Debian package snmp)")
    command = [
        "snmpwalk",
        "-v1",
        "-c",
        "reader",
        "-One",
        "-Ox",
        "-t2",
        "-r3",
        f"127.0.0.1:{port}",
        "1.3.6.1.4.1.1206",
    ]
    out = subprocess.run(
        command, capture_output=True, text=True, check=True, env=os.environ | {"MIBS": ""}
    ).stdout
    found: Found = {}
    # Long octet strings go on in further lines.
    for line in re.sub(r"\n(?=[0-9A-F]{2} )", "", out).splitlines():
        if line.startswith("End of MIB"):
            continue
        oid, _, text = line.removeprefix(".").partition(" = ")
        kind, _, value = text.partition(": ")
        if kind == "INTEGER":
            found[oid] = int(value)
        elif kind == "OID":
            found[oid] = value.removeprefix(".")
        else:
            found[oid] = bytes.fromhex(value) if kind == "Hex-STRING" else value.strip('"').encode()
    return found


def puresnmp(port: int) -> Found:
    """Walk the agent with puresnmp, as another station."""
    from puresnmp import V2C, Client, PyWrapper

    async def walk() -> Found:
        client = PyWrapper(Client("127.0.0.1", V2C("reader"), port=port))
        return {str(bind.oid): bind.value async for bind in client.bulkwalk(["1.3.6.1.4.1.1206"], 50)}

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return asyncio.run(walk())


def clock_states(found: Found, pattern: int, channels: int) -> list[str]:
    """Reconstruct what the channels show in each second of the clock, from objects alone."""
    cycle, offset, split, sequence = (found[f"{A}.4.7.1.{k}.{pattern}"] for k in (2, 3, 4, 5))
    rings = [list(found.get(f"{A}.7.3.1.3.{sequence}.{ring}", b"")) for ring in range(1, 5)]
    at, following = {}, {}
    for order in rings:
        second = 0
        for k, phase in enumerate(order):
            at[phase], following[phase] = second, order[(k + 1) % len(order)]
            second += found[f"{A}.4.9.1.3.{split}.{phase}"]
    assert found[f"{A}.4.7.1.6.{pattern}"] == 3
    first = min(at[phase] for phase in at if found[f"{A}.4.9.1.5.{split}.{phase}"])
    shown = []
    for channel in range(1, channels + 1):
        row = ["r"] * cycle
        source, kind = found[f"{A}.8.2.1.2.{channel}"], found[f"{A}.8.2.1.3.{channel}"]
        parents = {2: [source], 3: [source]}.get(kind) or list(found[f"{A}.9.2.1.3.{source}"])
        for phase in parents:
            begin = offset - first + at[phase]
            yellow, red = (found[f"{A}.1.2.1.{k}.{phase}"] / 10 for k in (8, 9))
            whole = found[f"{A}.4.9.1.3.{split}.{phase}"]
            green = int(whole - yellow - red)
            spell = "G" * green + "y" * int(yellow) + "r" * int(red)
            if kind == 3:
                spell = "G" * found[f"{A}.1.2.1.2.{phase}"]
            elif kind == 4 and following[phase] in parents:
                spell = "G" * whole
            for k, letter in enumerate(spell):
                if letter != "r":
                    row[(begin + k) % cycle] = letter
        shown.append("".join(row))
    return shown


def plan_states(signal: SignalPlan, program: Program) -> list[str]:
    """Tell what the plan shows in each second of the clock; which greens give way is no matter of a controller."""
    letters = {"g": "G", "G": "G", "y": "y"}
    return [
        "".join(
            letters.get(chr(row[(t - program.offset) % program.cycle]), "r") for t in range(program.cycle)
        )
        for row in lamps(signal, program)
    ]


def mapping(plan: Plan) -> Iterator[tuple[SignalPlan, list[Setting]]]:
    """List the signals that have rings and barriers."""
    for signal in plan.signals:
        try:
            yield signal, settings_of(plan, signal)
        except InputError:
            continue


@pytest.mark.parametrize(("reader", "version"), [(netsnmp, "1"), (puresnmp, "2c")])
def test_an_uploaded_ring_plan_read_by_a_foreign_client_shows_what_the_plan_shows(
    ring_plan: Plan, reader: Reader, version: Literal["1", "2c"], controller: Controller
) -> None:
    (signal,) = ring_plan.signals
    with controller() as port:
        report = upload(settings_of(ring_plan, signal), target(port, version=version))
        found = reader(port)
    for program in signal.programs:
        assert clock_states(found, program.number, len(signal.groups)) == plan_states(signal, program)
    assert found[f"{A}.1.2.1.8.2"] == 40  # tenths of a second
    assert found[f"{A}.4.9.1.3.1.2"] == 35  # seconds
    assert found[f"{A}.4.1.0"] == 0  # the schedule decides
    # Monday to Friday, then Saturday and Sunday: bit 1 is Sunday.
    assert [found[f"{G}.3.3.2.1.3.{k}"] for k in (1, 2)] == [124, 130]
    assert found[f"{G}.3.3.2.1.4.1"] == -2  # dates 1 to 31, the sign bit included
    events = [(found[f"{G}.3.3.5.1.3.1.{k}"], found[f"{G}.3.3.5.1.5.1.{k}"]) for k in (1, 2, 3)]
    patterns = [found[oid.replace(f"{A}.5.3.1.1.", f"{A}.5.3.1.2.")] for _, oid in events]
    assert [hour for hour, _ in events] == [0, 6, 20]
    assert patterns == [2, 1, 2]
    assert str(report).startswith("the new plan is in force")


def test_cologne_signals_with_rings_are_shown_as_planned(cologne_plan: Plan, controller: Controller) -> None:
    tried = 0
    for signal, settings in mapping(cologne_plan):
        with controller() as port:
            upload(settings, target(port))
            found = puresnmp(port)
            if tried == 0 and shutil.which("snmpwalk"):
                assert netsnmp(port) == found
        for program in signal.programs:
            assert clock_states(found, program.number, len(signal.groups)) == plan_states(signal, program)
        assert found[f"{A}.4.1.0"] == signal.programs[0].number
        tried += 1
    assert tried == 4


def test_what_the_old_plan_had_beyond_the_new_one_is_without_effect(
    ring_plan: Plan, controller: Controller
) -> None:
    with controller() as port:
        before = puresnmp(port)
        report = upload(settings_of(ring_plan, ring_plan.signals[0]), target(port))
        after = puresnmp(port)
    beyond = {"channelControlSource.20", "timeBaseScheduleDay.18", "dayPlanActionNumberOID.1.18"}
    assert {setting.label for setting in report.cleared} == beyond
    assert before[f"{G}.3.3.2.1.3.18"] == 254
    assert after[f"{G}.3.3.2.1.3.18"] == 0
    assert after[f"{A}.8.2.1.2.20"] == 0


def test_the_backup_brings_the_old_plan_back(ring_plan: Plan, controller: Controller) -> None:
    with controller() as port:
        before = puresnmp(port)
        report = upload(settings_of(ring_plan, ring_plan.signals[0]), target(port))
        assert puresnmp(port) != before
        backup = read_list(write_list(report.backup), "backup.csv")
        upload(backup, target(port))
        assert without_status(puresnmp(port)) == without_status(before)


def without_status(found: Found) -> Found:
    """Leave out what is of no effect outside a transaction."""
    return {oid: value for oid, value in found.items() if not oid.startswith(f"{G}.2.")}


@pytest.mark.parametrize(
    ("version", "fault"),
    [
        ("1", ("--drop-every", "3")),
        ("2c", ("--drop-every", "3")),
        ("1", ("--mute-every", "2")),
        ("2c", ("--mute-every", "3")),
        ("1", ("--garbage",)),
    ],
)
def test_lost_packets_and_noise_are_survived(
    ring_plan: Plan, fault: tuple[str, ...], version: Literal["1", "2c"], controller: Controller
) -> None:
    (signal,) = ring_plan.signals
    with controller(*fault) as port:
        upload(settings_of(ring_plan, signal), target(port, timeout=0.06, retries=12, version=version))
        found = puresnmp(port)
    program = signal.programs[0]
    assert clock_states(found, program.number, len(signal.groups)) == plan_states(signal, program)


FAULTS = {
    "busy": (("--busy",), "the controller is busy, its dbCreateTransaction is 2 (transaction)"),
    "rejected": (
        ("--reject", "splitTime.1: too\nshort"),
        "dbVerifyStatus is 2, dbVerifyError 'splitTime.1: too short'",
    ),
    "silent in the middle": (("--silent-after", "9"), "no answer to 4 requests"),
    "silent at once": (("--silent-after", "1"), "no answer to 4 requests"),
    "given up": (("--timeout", "0.01"), "is refused with genErr"),
    "never done": (("--verify-takes", "60"), "dbCreateTransaction is 3 (verify) instead of 6 (done)"),
    "too small": (("--max-phases", "6"), "the controller's maxPhases is 6"),
    "split numbers fixed": (("--split-numbers-fixed",), "patternSplitNumber.1 is refused with"),
    "corrupt": (("--corrupt", f"{A}.4.7.1.3.1"), "patternOffsetTime.1 reads 46 after the commit"),
}


@pytest.mark.parametrize(
    ("fault", "reader"), [*((fault, puresnmp) for fault in FAULTS), ("rejected", netsnmp)]
)
def test_after_any_fault_the_old_plan_is_in_force_and_the_message_says_so(
    ring_plan: Plan, fault: str, reader: Reader, controller: Controller
) -> None:
    options, words = FAULTS[fault]
    with controller(*options) as port:
        before = reader(port)
        with pytest.raises(UploadFailedError) as caught:
            upload(settings_of(ring_plan, ring_plan.signals[0]), target(port, timeout=0.1), verify_wait=0.5)
        after = reader(port)
    assert without_status(after) == without_status(before)
    message = str(caught.value)
    assert words in message
    assert "the old plan is in force" in message
    assert "\n" not in message
    assert SECRET not in message
    assert caught.value.in_force == "old"
    assert caught.value.exit_code == 4
    # A busy controller's transaction is not ours to end; one that is silent or still checks cannot be left.
    still = {"busy": 2, "silent in the middle": 2, "silent at once": 2, "never done": 3}
    assert after[f"{G}.2.1.0"] == still.get(fault, 1)


@pytest.mark.parametrize(
    ("options", "in_fact", "words"),
    [
        (("--die", "before"), "old", "the command to commit was not answered"),
        (("--die", "after"), "new", "the command to commit was not answered"),
        (("--corrupt", f"{A}.4.7.1.3.1", "--corrupt-times", "2"), "mixed", "take the signal out of service"),
    ],
)
def test_what_is_not_known_is_not_claimed(
    ring_plan: Plan, options: tuple[str, ...], in_fact: str, words: str, controller: Controller
) -> None:
    (signal,) = ring_plan.signals
    with controller(*options) as port:
        before = puresnmp(port)
        with pytest.raises(UploadFailedError, match=words) as caught:
            upload(settings_of(ring_plan, signal), target(port, timeout=0.1))
        after = puresnmp(port)
    assert "which plan is in force is not known" in str(caught.value)
    assert caught.value.in_force == "unknown"
    assert {setting.label for setting in caught.value.backup} >= {"splitTime.1.2", "patternOffsetTime.1"}
    differing = {
        oid for oid, value in before.items() if after[oid] != value and not oid.startswith(f"{G}.2.")
    }
    if in_fact == "new":
        assert clock_states(after, 1, len(signal.groups)) == plan_states(signal, signal.programs[0])
    else:
        assert differing == ({f"{A}.4.7.1.3.1"} if in_fact == "mixed" else set())


def test_whoever_stops_an_upload_leaves_no_transaction_open(
    ring_plan: Plan, monkeypatch: pytest.MonkeyPatch, controller: Controller
) -> None:
    with controller() as port:
        before = puresnmp(port)
        monkeypatch.setattr(snmp._Upload, "_verify", interrupt)
        with pytest.raises(KeyboardInterrupt):
            upload(settings_of(ring_plan, ring_plan.signals[0]), target(port))
        assert puresnmp(port) == before


def interrupt(job: object) -> None:
    raise KeyboardInterrupt


def test_a_transaction_that_ends_by_itself_after_the_check_leaves_the_old_plan(
    ring_plan: Plan, controller: Controller
) -> None:
    with controller("--verify-takes", "0.5", "--timeout", "0.4") as port:
        before = puresnmp(port)
        with pytest.raises(UploadFailedError, match="the old plan is in force"):
            upload(settings_of(ring_plan, ring_plan.signals[0]), target(port))
        assert without_status(puresnmp(port)) == without_status(before)


def test_an_unsafe_database_is_found_by_the_controller_itself(
    ring_plan: Plan, controller: Controller
) -> None:
    settings = [
        Setting(s.name, s.index, 85, s.note) if s.label == "patternCycleTime.1" else s
        for s in settings_of(ring_plan, ring_plan.signals[0])
    ]
    with controller() as port:
        before = puresnmp(port)
        with pytest.raises(UploadFailedError, match="ring 1 does not add up to the cycle of 85 s"):
            upload(settings, target(port))
        assert without_status(puresnmp(port)) == without_status(before)


def test_fixed_split_numbers_are_compared_instead_of_set(ring_plan: Plan, controller: Controller) -> None:
    (signal,) = ring_plan.signals
    with controller("--split-numbers-fixed") as port:
        upload(settings_of(ring_plan, signal), target(port), split_numbers_fixed=True)
        found = puresnmp(port)
    program = signal.programs[1]
    assert clock_states(found, program.number, len(signal.groups)) == plan_states(signal, program)


def test_a_controller_with_fewer_phases_takes_a_plan_that_needs_no_more(
    ring_plan: Plan, controller: Controller
) -> None:
    (signal,) = ring_plan.signals
    with controller("--max-phases", "8") as port:
        report = upload(settings_of(ring_plan, signal), target(port))
    assert [setting.label for setting in report.skipped] == [f"phaseOptions.{k}" for k in range(9, 17)]


def test_nobody_listens(controller: Controller) -> None:
    with controller() as port:
        pass
    settings = [Setting("phaseWalk", (1,), 7)]
    with pytest.raises(
        UploadFailedError, match=r"no answer to 2 requests of 0\.1 s each; the old plan is in force"
    ):
        upload(settings, target(port, timeout=0.1, retries=1))


def test_a_wrong_community_is_no_answer(controller: Controller) -> None:
    with controller() as port, pytest.raises(UploadFailedError, match="no answer") as caught:
        upload([Setting("phaseWalk", (1,), 7)], target(port, community="wrong", timeout=0.1, retries=0))
    assert "wrong" not in str(caught.value)


@pytest.mark.parametrize("address", ["192.0.2.1", "2001:db8::1"])
def test_other_machines_need_a_flag(address: str) -> None:
    with pytest.raises(InputError, match="is another machine"):
        upload([Setting("phaseWalk", (1,), 7)], target(161, address=address))


def test_what_cannot_be_set_is_refused_before_anything_is_sent() -> None:
    for settings, words in (
        ([], "the list sets nothing"),
        ([Setting("maxPhases", (), 8)], "is no part of a plan"),
        ([Setting("phaseWalk", (1,), 256)], r"phaseWalk.1 is 256 s; 0 to 255 s \[nema-range\]"),
    ):
        with pytest.raises(InputError, match=words):
            upload(settings, target(161))
    with pytest.raises(InputError, match="port 70000"):
        upload([Setting("phaseWalk", (1,), 7)], target(70000))
    with pytest.raises(InputError, match="there is no address"):
        upload([Setting("phaseWalk", (1,), 7)], target(161, address="no such\nhost"))


def test_without_pysnmp_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pysnmp.proto", None)
    with pytest.raises(EnvironmentFaultError, match=r"pip install 'gruenband\[ntcip\]'"):
        upload([Setting("phaseWalk", (1,), 7)], target(161))


def test_a_dry_run_names_every_set(ring_plan: Plan) -> None:
    settings = settings_of(ring_plan, ring_plan.signals[0])
    lines = dry_run(settings)
    assert len(lines) == len(settings)
    assert lines[0] == f"SET {G}.2.1.0 INTEGER 2  dbCreateTransaction.0"
    assert f"SET {A}.1.2.1.8.2 INTEGER 40  phaseYellowChange.2" in lines
    assert lines[-1].endswith("INTEGER 1  dbCreateTransaction.0")
    assert all(line.split()[1].startswith(tuple(entry.oid for entry in OBJECTS.values())) for line in lines)


def test_the_community_comes_from_the_environment_or_a_private_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(COMMUNITY_VARIABLE, raising=False)
    with pytest.raises(InputError, match=f"set {COMMUNITY_VARIABLE}"):
        community_from_environment()
    monkeypatch.setenv(COMMUNITY_VARIABLE, SECRET)
    assert community_from_environment() == SECRET
    path = tmp_path / "community"
    path.write_text(f"{SECRET}\n")
    path.chmod(0o644)
    with pytest.raises(InputError, match=r"mode 644.*chmod 600"):
        community_from_file(path)
    path.chmod(0o600)
    assert community_from_file(path) == SECRET
    assert SECRET not in repr(target(161))
    for content in (b"", b"a\nb\n", b"\xff\n"):
        path.write_bytes(content)
        with pytest.raises(InputError, match="not one line"):
            community_from_file(path)
    with pytest.raises(InputError, match="cannot be read"):
        community_from_file(tmp_path)
