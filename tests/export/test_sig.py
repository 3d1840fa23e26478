"""Vissig supply files: read by SUMO's converter of Vissim nets, by our own reader, and broken in many ways."""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import sumo

from sim.errors import InputError
from sim.export.gate import export_plan, file_findings
from sim.export.registry import find_format
from sim.export.sig import FORMAT
from sim.signals.lamps import lamps
from sim.signals.plan import Green, Group, Intergreen, Plan, Program, SignalPlan
from sim.signals.profile import load_profile

if TYPE_CHECKING:
    from types import ModuleType

    from numpy.typing import NDArray

# Signals of cologne8 with a yellow that turns green without red between.
WITHOUT_RED = {"256201389": "K3", "280120513": "K5", "32319828": "K2", "62426694": "K1"}


@pytest.fixture(scope="session")
def converter() -> ModuleType:
    path = Path(sumo.SUMO_HOME) / "tools/import/vissim/tls_vissimXML2SUMOnet_update.py"
    spec = importlib.util.spec_from_file_location("vissim_converter", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def single(plan: Plan, signal: SignalPlan) -> Plan:
    return plan.model_copy(update={"signals": (signal,), "schedule": None})


def foreign_states(converter: ModuleType, content: bytes, folder: Path) -> dict[str, NDArray[np.uint8]]:
    """Letters of each group in each second of each program, by SUMO's converter from file to signal tables."""
    path = folder / "one.sig"
    path.write_bytes(content)
    sequences, states, displays, programs = converter.parse_sig_file(str(path))
    names = {entry["id"]: entry["name"] for entry in programs if entry["id"] != "0"}
    # The converter keeps one green of each group; further ones are given to it as groups of their own.
    parts: dict[str, Any] = {}
    owner: dict[str, str] = {}
    for program, groups in states.items():
        parts[program] = {}
        for group, line in groups.items():
            for k in range(0, len(line["begins"]), 2):
                part = f"{group}.{k}"
                owner[part] = group
                parts[program][part] = line | {"begins": line["begins"][k : k + 2]}
    converter.compute_signal_tables(converter.get_sigseq_id_list(sequences, displays), parts, programs)
    times = converter.sigtable_split_time(parts, programs)
    converter.compute_sumo_signal_tables(times, parts, displays, converter.tls_state_vissim2SUMO)
    shown = {}
    for program, groups in parts.items():
        seconds = times[program]["duration"] // 1000
        rows = np.full((max(map(int, owner.values())), seconds.sum()), ord("r"), np.uint8)
        for part, line in groups.items():
            row = np.repeat(np.frombuffer(line["sumo_signal_table"].encode(), np.uint8), seconds)
            k = int(owner[part]) - 1
            rows[k] = np.where(row == ord("r"), rows[k], row)
        shown[names[program]] = rows
    return shown


def protected(shown: NDArray[np.uint8]) -> NDArray[np.uint8]:
    return np.where(shown == ord("G"), np.uint8(ord("g")), shown)


def assert_foreign_reader_agrees(converter: ModuleType, plan: Plan, folder: Path) -> None:
    for signal, content in zip(plan.signals, FORMAT.write(plan).values(), strict=True):
        shown = foreign_states(converter, content, folder)
        assert list(shown) == [program.id for program in signal.programs]
        for program in signal.programs:
            np.testing.assert_array_equal(shown[program.id], protected(lamps(signal, program)), signal.id)


def test_sumos_converter_reads_every_second_of_the_bochum_ring(
    converter: ModuleType, bochum_plan: Plan, tmp_path: Path
) -> None:
    assert_foreign_reader_agrees(converter, bochum_plan, tmp_path)


def test_sumos_converter_reads_every_second_of_both_ring_programs(
    converter: ModuleType, ring_plan: Plan, tmp_path: Path
) -> None:
    assert_foreign_reader_agrees(converter, ring_plan, tmp_path)


def test_sumos_converter_reads_every_second_of_cologne_where_red_follows_yellow(
    converter: ModuleType, cologne_plan: Plan, tmp_path: Path
) -> None:
    for signal in cologne_plan.signals:
        plan = single(cologne_plan, signal)
        if signal.id in WITHOUT_RED:
            with pytest.raises(
                InputError, match=f"'{signal.id}', program '0': group '{WITHOUT_RED[signal.id]}' shows no red"
            ):
                FORMAT.write(plan)
        else:
            assert_foreign_reader_agrees(converter, plan, tmp_path)


def odd_plan() -> Plan:
    """Two greens in a cycle, greens over its end, and a group that is always green."""
    groups = (
        Group(name='Ä "1" <&>', minimum_green=5, yellow=3, red_yellow=1),
        Group(name="K;2", minimum_green=5, yellow=4),
        Group(name="F1", kind="pedestrian", minimum_green=7),
        Group(name="K4", minimum_green=5, yellow=3),
    )
    greens = (
        Green(group=groups[0].name, begin=0, end=10),
        Green(group=groups[0].name, begin=30, end=38),
        Green(group="K;2", begin=50, end=20, permissive=True),
        Green(group="F1", begin=59, end=60),
        Green(group="F1", begin=20, end=27),
        Green(group="K4", begin=0, end=60),
    )
    program = Program(id="Früh", number=7, cycle=60, offset=59, switch=44, greens=greens)
    matrix = (
        Intergreen(clearing="F1", entering=groups[0].name, seconds=0),
        Intergreen(clearing=groups[0].name, entering="F1", seconds=3),
    )
    return Plan(signals=(SignalPlan(id="../A/B", groups=groups, intergreens=matrix, programs=(program,)),))


def test_sumos_converter_reads_two_greens_and_greens_over_the_end_of_the_cycle(
    converter: ModuleType, tmp_path: Path
) -> None:
    plan = odd_plan()
    signal = plan.signals[0]
    # The converter gives a permanent aspect no duration: the always green group stays out of its file.
    signal = signal.model_copy(
        update={
            "groups": signal.groups[:3],
            "programs": (signal.programs[0].model_copy(update={"greens": signal.programs[0].greens[:5]}),),
        }
    )
    assert_foreign_reader_agrees(converter, single(plan, signal), tmp_path)


def test_everything_the_format_carries_comes_back(
    bochum_plan: Plan, cologne_plan: Plan, ring_plan: Plan
) -> None:
    can = [signal for signal in cologne_plan.signals if signal.id not in WITHOUT_RED]
    for plan in (bochum_plan, cologne_plan.model_copy(update={"signals": tuple(can)}), ring_plan, odd_plan()):
        files = FORMAT.write(plan)
        assert files == FORMAT.write(plan)
        back = FORMAT.read(files, plan)
        assert back.schedule == plan.schedule
        for one, other in zip(plan.signals, back.signals, strict=True):
            assert other.groups == one.groups
            assert other.intergreens == one.intergreens
            for a, b in zip(one.programs, other.programs, strict=True):
                np.testing.assert_array_equal(lamps(other, b), lamps(one, a))
                assert b.model_copy(update={"greens": a.greens}) == a


def test_the_file_alone_gives_a_plan_of_protected_greens(bochum_plan: Plan, ring_plan: Plan) -> None:
    for plan in (bochum_plan, ring_plan, odd_plan()):
        alone = FORMAT.read(FORMAT.write(plan), None)
        for one, other in zip(plan.signals, alone.signals, strict=True):
            assert (other.id, len(other.programs)) == (one.id, len(one.programs))
            for a, b in zip(one.groups, other.groups, strict=True):
                assert (a.name, a.kind, a.yellow, a.red_yellow, a.minimum_green) == (
                    b.name,
                    b.kind,
                    b.yellow,
                    b.red_yellow,
                    b.minimum_green,
                )
            assert [(c.clearing, c.entering, c.seconds) for c in one.intergreens] == [
                (c.clearing, c.entering, c.seconds) for c in other.intergreens
            ]
            for a, b in zip(one.programs, other.programs, strict=True):
                assert (a.id, a.number, a.cycle, a.offset, a.switch) == (
                    b.id,
                    b.number,
                    b.cycle,
                    b.offset,
                    b.switch,
                )
                np.testing.assert_array_equal(protected(lamps(one, a)), protected(lamps(other, b)))


def test_the_gate_writes_a_folder_with_a_file_for_each_signal(bochum_plan: Plan, tmp_path: Path) -> None:
    assert find_format("sig") is FORMAT
    paths = export_plan(bochum_plan, FORMAT, tmp_path / "out", load_profile("rilsa").limits)
    assert [path.name for path in paths[:2]] == ["R01.sig", "R02.sig"]
    assert list(FORMAT.write(odd_plan())) == ["A-B.sig"]
    back = FORMAT.read({path.name: path.read_bytes() for path in paths}, bochum_plan)
    assert [signal.id for signal in back.signals] == [signal.id for signal in bochum_plan.signals]


@pytest.mark.parametrize(
    ("old", "new", "finding"),
    [
        (r'<cmd display="3" begin="\d+"', '<cmd display="3" begin="9000"', "group 'K1' shows something else"),
        ('offset="84000"', 'offset="85000"', "the offset is 85 s, not 84 s"),
        ('cycletime="90000"', 'cycletime="91000"', "the cycle is 91 s, not 90 s"),
        (r'(enteringsg="\d+" value=)"\d+"', r'\1"1000"', "the intergreen matrix differs"),
        ('<fixedstate display="4" duration="3000"', '<fixedstate display="4" duration="2000"', "group 'K1'"),
        (' name="R02"', ' name="R01"', "'R02': the signal is missing"),
    ],
)
def test_a_fault_planted_in_the_file_is_found(bochum_plan: Plan, old: str, new: str, finding: str) -> None:
    files = FORMAT.write(bochum_plan)
    text = files["R02.sig"].decode()
    broken = re.sub(old, new, text, count=0 if "fixedstate" in old else 1)
    assert broken != text
    files.pop("R01.sig")
    plan = bochum_plan.model_copy(update={"signals": bochum_plan.signals[1:]})
    if "R01" in new:
        plan = bochum_plan
    found = file_findings(plan, FORMAT, files | {"R02.sig": broken.encode()}, load_profile("rilsa").limits)
    assert any(finding in str(one) for one in found), found


@pytest.mark.parametrize(
    ("group", "words"),
    [
        (Group(name="K1", minimum_green=5, yellow=3, rest="arrow"), "group 'K1' rests 'arrow'"),
        (Group(name="K1", minimum_green=5, yellow=3, rest="off"), "group 'K1' rests 'off'"),
        (Group(name="K1", minimum_green=5, red_yellow=1), "group 'K1' has red-yellow but no yellow"),
    ],
)
def test_what_the_format_cannot_say_is_refused(group: Group, words: str) -> None:
    program = Program(id="1", number=1, cycle=60, greens=(Green(group="K1", begin=0, end=20),))
    plan = Plan(signals=(SignalPlan(id="A", groups=(group,), programs=(program,)),))
    with pytest.raises(InputError, match=words):
        FORMAT.write(plan)


def test_greens_whose_transitions_leave_no_red_are_refused() -> None:
    group = Group(name="K1", minimum_green=5, yellow=3, red_yellow=1)
    for begin in (22, 23, 24):
        greens = (Green(group="K1", begin=0, end=20), Green(group="K1", begin=begin, end=40))
        program = Program(id="1", number=1, cycle=60, greens=greens)
        plan = Plan(signals=(SignalPlan(id="A", groups=(group,), programs=(program,)),))
        with pytest.raises(InputError, match="shows no red after its green that ends at 20 s"):
            FORMAT.write(plan)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "not well-formed XML"),
        (b"<sc", "not well-formed XML"),
        (b"\xff\xfe\x00", "not well-formed XML"),
        (b'<?xml version="1.0" encoding="nope"?><sc/>', "not well-formed XML"),
        (b'<!DOCTYPE sc [<!ENTITY a "b">]><sc/>', "declares a document type"),
        (b"<net/>", "its root is <net>, not <sc>"),
        (b"<sc/>", "0 signal groups"),
        (b'<sc><sgs><sg id="1"/></sgs></sc>', "0 fixed-time programs"),
        (b'<sc><sgs><sg id="one"/></sgs></sc>', "<sg> has id='one', which is no whole number"),
    ],
)
def test_what_is_no_supply_file_is_refused_in_one_line(content: bytes, words: str) -> None:
    with pytest.raises(InputError, match=words) as caught:
        FORMAT.read({"x.sig": content}, None)
    assert "\n" not in str(caught.value)
    assert str(caught.value).startswith("x.sig")


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ('cycletime="90000"', 'cycletime="90500"', "90500 ms, which is no whole second"),
        ('cycletime="90000"', 'cycletime="0"', "a cycle of 0 s"),
        ('cycletime="90000"', 'cycletime="10000"', "not within the cycle of 10 s"),
        ('cycletime="90000"', 'cycletime="99999999999999999999"', "no whole number"),
        ('prog id="1"', 'prog id="999"', "has the number 999; 1 to 253"),
        ('intergreens="1"', 'intergreens="5"', "intergreen matrix 5, of which it has 0"),
        ('clearingsg="2"', 'clearingsg="9"', "names signal group 9, which does not exist"),
        ('<sg sg_id="2"', '<sg sg_id="1"', "names signal group 1, which it does not have, or names it twice"),
        ('signal_sequence="3"', 'signal_sequence="99"', "sequence 99 is not declared"),
        ('state="AMBER"', 'state="FLASHING_RED"', "display 4 shows 'FLASHING_RED'"),
        ('<fixedstate display="4" duration="3000" />', "", "the duration of AMBER is missing"),
        (
            '<fixedstate display="4" duration="3000"',
            '<fixedstate display="4" duration="89000"',
            "over before it began",
        ),
        ('<cmd display="3"', '<cmd display="1"', "green and red must alternate"),
        ('name="K2"', 'name="K1"', "two signal groups are called 'K1'"),
    ],
)
def test_a_faulty_supply_file_is_refused_in_one_line(
    bochum_plan: Plan, old: str, new: str, words: str
) -> None:
    plan = bochum_plan.model_copy(update={"signals": bochum_plan.signals[1:2]})
    [(name, content)] = FORMAT.write(plan).items()
    assert old in content.decode()
    broken = content.decode().replace(old, new, 1).encode()
    with pytest.raises(InputError, match=words) as caught:
        FORMAT.read({name: broken}, None)
    assert "\n" not in str(caught.value)


def test_files_and_plan_must_be_of_the_same_signals(ring_plan: Plan) -> None:
    files = FORMAT.write(ring_plan)
    [content] = files.values()
    with pytest.raises(InputError, match=r"two \.sig files are of signal 'Main & 1st'"):
        FORMAT.read({"a.sig": content, "b.sig": content}, ring_plan)
    with pytest.raises(InputError, match="is not in the plan"):
        FORMAT.read(files, odd_plan())
    with pytest.raises(InputError, match=r"no \.sig file"):
        FORMAT.read({}, None)


def test_a_supply_file_without_declared_displays_is_read() -> None:
    # Older files declare neither displays nor sequences and let groups use Vissig's own.
    content = b"""<sc id="10" name="">
      <sgs><sg id="1" name="K1" defaultSignalSequence="3"><defaultDurations/></sg></sgs>
      <progs><prog id="1" cycletime="60000" switchpoint="0" offset="0" intergreens="0" name=""><sgs>
        <sg sg_id="1" signal_sequence="3">
          <cmds><cmd display="1" begin="33000"/><cmd display="3" begin="5000"/></cmds>
          <fixedstates><fixedstate display="2" duration="1000"/><fixedstate display="4" duration="3000"/></fixedstates>
        </sg></sgs></prog></progs></sc>"""
    signal = FORMAT.read({"x.sig": content}, None).signals[0]
    assert (signal.id, signal.programs[0].id) == ("SC10", "1")
    assert signal.programs[0].greens == (Green(group="K1", begin=5, end=30),)
    assert (signal.groups[0].yellow, signal.groups[0].red_yellow) == (3, 1)
