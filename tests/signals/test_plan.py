"""Plan files: what is written is read again, and what strangers send gets one clear line."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, NoReturn

import jsonschema
import numpy as np
import pytest
from plan_cases import safe_plan

from sim.errors import InputError
from sim.signals.files import write_whole
from sim.signals.plan import Plan, parse_plan, plan_schema, read_plan, write_plan

if TYPE_CHECKING:
    from pathlib import Path

GREEN = '{"group":"K1","begin":1,"end":20}'


def text(greens: str = GREEN, more: str = "", group: str = "") -> str:
    return (
        f'{{"format":"gruenband-plan","signals":[{{"id":"s","groups":[{{"name":"K1","minimum_green":5{group}}}],"programs":'
        f'[{{"id":"p","number":1,"cycle":90,"greens":[{greens}]}}]}}]{more}}}'
    )


def schedule(day_plans: str) -> str:
    return f',"schedule":{{"week":{{}},"day_plans":{day_plans}}}'


def refused(content: str) -> str:
    with pytest.raises(InputError) as error:
        parse_plan(content, "plan.json")
    line = str(error.value)
    assert line.startswith("plan.json")
    assert line.isprintable()
    assert len(line) < 2500
    return line


@pytest.mark.parametrize("case", range(20))
def test_round_trip_and_schema(tmp_path: Path, case: int) -> None:
    plan = safe_plan(np.random.default_rng([21, case]), ("rilsa", "nema", "basic")[case % 3])
    path = tmp_path / "new folder" / "plan ü.json"
    write_plan(plan, path)
    assert read_plan(path) == plan
    raw = json.loads(path.read_text(encoding="utf-8"))
    assert list(raw)[:3] == ["format", "version", "name"]
    jsonschema.Draft202012Validator(plan_schema()).validate(raw)
    write_plan(plan, tmp_path / "again.json")
    assert (tmp_path / "again.json").read_bytes() == path.read_bytes()


def test_the_schema_is_one_and_refuses_what_the_reader_refuses() -> None:
    schema = plan_schema()
    jsonschema.Draft202012Validator.check_schema(schema)
    validator = jsonschema.Draft202012Validator(schema)
    assert validator.is_valid(json.loads(text()))
    for bad in (text(more=',"colour":1'), text(GREEN.replace("20", "20.5")), text(GREEN.replace("20", "-1"))):
        assert not validator.is_valid(json.loads(bad))
        refused(bad)


@pytest.mark.parametrize("call", ["fsync", "chmod", "replace"])
def test_a_failed_write_leaves_the_old_file_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: str
) -> None:
    def full(*_: object) -> NoReturn:
        raise OSError(28, "No space left on device")

    path = tmp_path / "plan.json"
    write_whole(path, b"old")
    monkeypatch.setattr(os if call == "fsync" else type(path), call, full)
    with pytest.raises(OSError, match="No space"):
        write_whole(path, b"new")
    assert [file.name for file in tmp_path.iterdir()] == ["plan.json"]
    assert path.read_bytes() == b"old"


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (text()[:70], "is not valid JSON"),
        ("", "is not valid JSON"),
        ("[" * 200_000, "maximum recursion depth"),
        ('{"a":' * 100_000, "maximum recursion depth"),
        ("[1]", 'its "format" is not "gruenband-plan"'),
        (text(GREEN.replace("20", "9" * 100_000)), "Exceeds the limit"),
        (text(GREEN.replace("20", "9" * 4000)), "greens[0].end': must be at most 86400, not 999"),
        (text(GREEN.replace("20", "1e999")), "must be a whole number, not inf [whole-seconds]"),
        (text(GREEN.replace("20", "NaN")), "must be a whole number, not nan [whole-seconds]"),
        (
            text(GREEN.replace("20", "20.5")),
            "greens[0].end': must be a whole number, not 20.5 [whole-seconds]",
        ),
        (text(GREEN.replace("20", "true")), "must be a whole number, not true"),
        (text(more=',"name":"a","name":"b"'), "key 'name' stands twice in one object"),
        (text(GREEN.replace('"end"', '"end":5,"end"')), "key 'end' stands twice"),
        (text(more=',"a\\nb":1'), r"key 'a\nb': is unknown"),
        (text(more=f',"{"a" * 10**6}":1'), "…': is unknown"),
        (text(more=',"name":"a\\nb"'), "key 'name': must be text without line breaks"),
        (text(more=',"network":"a\\nb"'), "key 'network': must be text without line breaks"),
        (text(more=',"name":"\\ud800"'), "hex escape"),
        (text(",".join([GREEN] * 10**5)), "'greens' has 100000 entries; at most 10000"),
        (text(more="," + ",".join(f'"k{i}":1' for i in range(5000))), "an object has 5002 keys"),
        (text(",".join(['{"group":1}'] * 9000)), "greens[0].group': must be text in quotes, not 1"),
        (text(GREEN.replace("begin", "beginn")), "did you mean 'begin'?"),
        (text(group=',"speed":"fast"'), "groups[0].speed': must be a number, not 'fast'"),
        (
            text(more=schedule('{"a":[{"time":"24:00","program":"p"}]}')),
            "schedule.day_plans.a[0].time': must be a time from 00:00 to 23:59, not '24:00'",
        ),
        (text(more=schedule('{"a\\n":[]}')), r"schedule.day_plans.a\n"),
    ],
)
def test_hostile_files(content: str, words: str) -> None:
    assert words in refused(content)


def test_names_may_have_quotes_semicolons_and_umlauts() -> None:
    name = "Köln \"Süd\"; K1, 'a'"
    content = text(GREEN).replace('"K1"', json.dumps(name))
    assert parse_plan(content, "plan.json").signals[0].groups[0].name == name


def test_files_that_are_no_text(tmp_path: Path) -> None:
    path = tmp_path / "plan.json"
    with pytest.raises(InputError, match="cannot be read: No such file"):
        read_plan(path)
    path.write_bytes("Köln".encode("latin-1"))
    with pytest.raises(InputError, match="is not UTF-8 text"):
        read_plan(path)
    with pytest.raises(InputError, match="is no file"):
        read_plan(tmp_path)


def test_a_plan_is_never_changed() -> None:
    plan = parse_plan(text(), "plan.json")
    with pytest.raises(ValueError, match="frozen"):
        plan.name = "other"  # type: ignore[misc]
    assert isinstance(plan, Plan)
