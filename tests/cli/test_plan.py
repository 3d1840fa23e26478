"""``gruenband plan``, ``check`` and ``export`` as an engineer calls them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from sim.signals.plan import read_plan

if TYPE_CHECKING:
    from conftest import Call


@pytest.fixture
def ring(tmp_path: Path, call: Call) -> Path:
    path = tmp_path / "ring.json"
    answer = call("plan", "extract", "bochum-ring-am", "--out", path)
    assert (answer.code, answer.out) == (0, "")
    assert answer.err == f"{path}: 13 signals, 13 programs, 183 groups\n"
    return path


def test_the_ring_is_safe_and_exported_with_its_losses_told(ring: Path, tmp_path: Path, call: Call) -> None:
    answer = call("check", ring)
    assert answer.code == 0
    assert "Safe by profile rilsa" in answer.out
    answer = call("export", ring, "--format", "csv", "--out", tmp_path / "csv")
    assert answer.code == 0
    written = [Path(line) for line in answer.out.splitlines()]
    assert len(written) == 13
    assert all(path.is_file() for path in written)
    assert "csv has no place for: " in answer.err
    assert "the intergreen matrix" in answer.err
    answer = call("export", ring, "-f", "csv", "-o", tmp_path / "csv", "--json")
    assert [Path(path) for path in json.loads(answer.out)["files"]] == written


def test_an_unsafe_plan_is_refused_and_nothing_is_left(ring: Path, tmp_path: Path, call: Call) -> None:
    raw = json.loads(ring.read_text(encoding="utf-8"))
    signal = raw["signals"][0]
    green = signal["programs"][0]["greens"][0]
    green["end"] = (green["end"] + 30) % signal["programs"][0]["cycle"]
    ring.write_text(json.dumps(raw), encoding="utf-8")
    answer = call("check", ring)
    assert answer.code == 1
    assert f"signal '{signal['id']}'" in answer.out
    assert "[conflict]" in answer.out
    rows = [json.loads(line) for line in call("check", ring, "--json").out.splitlines()]
    assert {"rule", "signal", "program", "groups", "second", "text"} == set(rows[0])
    assert "conflict" in {row["rule"] for row in rows}
    answer = call("export", ring, "--format", "csv", "--out", tmp_path / "csv")
    assert answer.code == 1
    assert "is not exported" in answer.error
    assert "[conflict]" in answer.error
    assert not (tmp_path / "csv").exists()


def test_a_network_is_checked_as_it_stands(call: Call) -> None:
    answer = call("check", "rilsa-3", "--profile", "basic")
    assert answer.code == 1
    assert "group 'K3' begins 0 s after the end of 'K7'" in answer.out
    assert "FGSV, RiLSA 2015" in answer.out


def test_webster_makes_a_safe_plan(tmp_path: Path, call: Call) -> None:
    path = tmp_path / "webster.json"
    assert call("plan", "extract", "bochum-ring-am", "-c", "fixed-webster", "--out", path).code == 0
    assert call("check", path).code == 0
    assert {signal.programs[0].id for signal in read_plan(path).signals} == {"gruenband"}


def test_show_prints_greens_and_matrix_and_draws(ring: Path, tmp_path: Path, call: Call) -> None:
    answer = call("plan", "show", ring, "--signal", "R05")
    assert answer.code == 0
    assert "Signal R05, program" in answer.out
    assert "intergreen matrix" in answer.out
    picture = tmp_path / "R05.svg"
    answer = call("plan", "show", ring, "--signal", "R05", "--picture", picture)
    assert answer.code == 0
    assert picture.read_text(encoding="utf-8").startswith("<?xml")
    assert "choose it with --signal" in call("plan", "show", ring, "--picture", picture).error
    assert "did you mean 'R05'" in call("plan", "show", ring, "--signal", "R5").error


def test_a_written_file_is_imported_again(ring: Path, tmp_path: Path, call: Call) -> None:
    assert call("export", ring, "-f", "csv", "-o", tmp_path / "csv").code == 0
    assert (
        "add --network NET or --plan"
        in call("plan", "import", tmp_path / "csv", "-f", "csv", "-o", ring).error
    )
    back = tmp_path / "back.json"
    assert call("plan", "import", tmp_path / "csv", "-f", "csv", "--plan", ring, "-o", back).code == 0
    assert call("check", back).code == 0
    assert read_plan(back).signals == read_plan(ring).signals


def test_list_names_every_format_with_what_it_drops(call: Call) -> None:
    rows = [json.loads(line) for line in call("export", "--list", "--json").out.splitlines()]
    assert {"csv", "sumo", "ntcip", "utdf", "gmns", "sig", "rsmp", "sheet"} <= {row["name"] for row in rows}
    assert all(not set(row["carries"]) & set(row["drops"]) for row in rows)
    text = call("export", "--list").out
    assert "the intergreen matrix" in text


def test_the_schema_is_printed(call: Call) -> None:
    schema = json.loads(call("plan", "schema").out)
    assert schema["title"] == "Grünband timing plan"
    assert "signals" in schema["required"]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("plan",), "Missing command"),
        (("export", "plan.json"), "--format and --out missing"),
        (("export", "plan.json", "-f", "cvs", "-o", "x"), "did you mean 'csv'"),
        (("check", "plan.json"), "plan.json cannot be read"),
        (("check", "rilsa-1", "--profile", "rilza"), "did you mean 'rilsa'"),
        (("plan", "extract", "rilsa-1", "-c", "horizon", "-o", "x.json"), "has no fixed plan"),
        (("plan", "extract", "rilsa-9", "-o", "x.json"), "did you mean"),
        (
            ("plan", "import", "nowhere.csv", "-f", "csv", "--plan", "nowhere.json", "-o", "x"),
            "nowhere.json cannot be read",
        ),
    ],
)
def test_wrong_input_is_one_line(arguments: tuple[str, ...], words: str, call: Call) -> None:
    answer = call(*arguments)
    assert answer.code == 2
    assert words in answer.error


def test_two_files_of_one_name_are_not_taken_for_one(ring: Path, tmp_path: Path, call: Call) -> None:
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "x.csv").write_text("x", encoding="utf-8")
    files = [tmp_path / folder / "x.csv" for folder in ("a", "b")]
    answer = call("plan", "import", *files, "-f", "csv", "--plan", ring, "-o", tmp_path / "back.json")
    assert answer.code == 2
    assert "two of the files are called x.csv" in answer.error


def test_a_profile_of_ones_own_is_called_by_its_file(tmp_path: Path, call: Call) -> None:
    own = tmp_path / "rilsa.toml"
    own.write_text('extends = "basic"\n', encoding="utf-8")
    answer = call("check", "resco-cologne1", "--profile", own)
    assert answer.code == 0
    assert f"Safe by profile {own}" in answer.out


def test_a_folder_with_other_files_is_refused(ring: Path, tmp_path: Path, call: Call) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "old.csv").write_text("x", encoding="utf-8")
    answer = call("export", ring, "-f", "csv", "-o", tmp_path / "out")
    assert answer.code == 2
    assert "old.csv" in answer.error
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["old.csv"]
