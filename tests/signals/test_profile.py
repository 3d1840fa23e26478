"""Profiles: shipped ones, own files, and what is wrong with those."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from plan_cases import LIMITS

from sim.errors import InputError
from sim.signals.profile import SHIPPED, load_profile

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize("name", SHIPPED)
def test_the_shipped_profiles_say_what_the_tests_expect(name: str) -> None:
    limits, expected = load_profile(name).limits, LIMITS[name]
    assert limits.cycle == expected.cycle
    assert (limits.minimum_green, limits.pedestrian_green) == (
        expected.minimum_green,
        expected.pedestrian_green,
    )
    assert (limits.walking_speed, limits.walk_to_middle) == (float(expected.walk), expected.to_middle)
    assert limits.minimum_red == expected.minimum_red
    for kind in ("vehicle", "bicycle", "tram"):
        assert limits.transitions(kind) == (expected.yellow[kind], expected.red_yellow[kind])


def test_an_own_file_gives_what_is_different(tmp_path: Path) -> None:
    path = tmp_path / "stadt.toml"
    path.write_text('extends = "rilsa"\nminimum_green = 10\ncycle = [60, 90]\n', encoding="utf-8")
    own, base = load_profile(str(path)), load_profile("rilsa").limits
    assert own.name == str(path)
    assert own.limits == base.model_copy(update={"minimum_green": 10, "cycle": (60, 90)})


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("cycle = [90, 30]", "key 'cycle': the lower limit 90 s is above the upper limit 30 s"),
        ("yellow = [5, 3]", "key 'yellow': the lower limit 5 s is above the upper limit 3 s"),
        ("bicycle_yellow = [5, 3]", "key 'bicycle_yellow': the lower limit"),
        ("yellow_at_speed = [[70, 5], [50, 3]]", "key 'yellow_at_speed': must rise from row to row"),
        ("yellow_at_speed = [[50, 3], [70, 6]]", "asks for more than the longest yellow of 5 s"),
        ("yellow_at_speed = [[nan, 3]]", "must be a finite number"),
        ("minimum_green = -1", "key 'minimum_green': must be at least 0"),
        ("minimum_green = 4.5", "key 'minimum_green': must be a whole number"),
        ("walking_speed = inf", "key 'walking_speed': must be a finite number"),
        ("walking_speed = 0.1", "key 'walking_speed': must be above 0.3"),
        ("minimum_gren = 5", "is unknown (did you mean 'minimum_green'?)"),
        ("cycle = [30]", "key 'cycle[1]': is missing"),
        ("conflicts = false", "is unknown"),
        ("minimum_green = 5\nminimum_green = 6", "is not valid TOML"),
        ("a = " + "[" * 20_000, "it is nested too deep"),
        (" " * 2_000_000, "is larger than 1,024 KiB"),
    ],
)
def test_faulty_files(tmp_path: Path, content: str, words: str) -> None:
    path = tmp_path / "own.toml"
    path.write_text(f'extends = "rilsa"\n{content}\n', encoding="utf-8")
    with pytest.raises(InputError) as error:
        load_profile(str(path))
    assert words in str(error.value)
    assert "\n" not in str(error.value)


def test_faulty_names(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="did you mean 'rilsa'"):
        load_profile("rilas")
    with pytest.raises(InputError, match="cannot be read: No such file"):
        load_profile(str(tmp_path / "none.toml"))
    with pytest.raises(InputError, match="cannot be read"):
        load_profile("~nobody-of-that-name/own.toml")
    (tmp_path / "own.toml").write_text('extends = "rilas"\n', encoding="utf-8")
    with pytest.raises(InputError, match="is no shipped profile; did you mean 'rilsa'"):
        load_profile(str(tmp_path / "own.toml"))
    (tmp_path / "own.toml").write_text("minimum_green = 5\n", encoding="utf-8")
    with pytest.raises(InputError, match="key 'cycle': is missing"):
        load_profile(str(tmp_path / "own.toml"))
