"""The RiLSA formula by hand, for every kind of traffic."""

from __future__ import annotations

from dataclasses import replace

import pytest

from sim.design.intergreen import intergreen
from sim.design.streams import Stream

ACROSS = ((20.0, -10.0), (20.0, 10.0))


def stream(kind: str = "vehicle", path: object = ((0.0, 0.0), (40.0, 0.0)), direction: str = "s") -> Stream:
    return Stream(0, 0, "n", "a", "a_0", "b", direction, kind, path)  # type: ignore[arg-type]


CAR = stream(path=ACROSS)


def test_the_textbook_example() -> None:
    """s_0 = 20 m, s_e = 10 m, straight: 3 + 26/10 - 10/11.1 = 4.7, so 5 s."""
    assert intergreen(stream(), CAR) == 5


@pytest.mark.parametrize(
    ("clearing", "seconds"),
    [
        (stream(direction="l"), 5),  # 2 + 26/7 - 0.9 = 4.81
        (stream(direction="L"), 5),  # a bend: the slower of 4.7 and 4.81
        (stream("bicycle"), 6),  # 1 + 20/4 - 0.9 = 5.1
        (stream("tram"), 8),  # 3 + 50/10 - 0.9 = 7.1
        (replace(stream(), buses=True), 6),  # 3 + 32/10 - 0.9 = 5.3
    ],
)
def test_each_kind_has_its_own_speed_and_length(clearing: Stream, seconds: int) -> None:
    assert intergreen(clearing, CAR) == seconds


def test_pedestrians_clear_the_whole_crossing() -> None:
    """15 m at 1.2 m/s are 12.5 s; the car that enters needs 5 m / 11.1 m/s = 0.45 s: 12.05, so 13 s."""
    crossing = stream("pedestrian", ((0.0, 5.0), (15.0, 5.0)), "p")
    assert intergreen(crossing, stream(path=((3.0, 0.0), (3.0, 20.0)))) == 13


def test_pedestrians_enter_at_once() -> None:
    """3 + (20 + 6)/10 = 5.6, and nothing is taken off."""
    assert intergreen(stream(), stream("pedestrian", ACROSS, "p")) == 6


def test_it_is_never_negative() -> None:
    """2 + 6/7 - 60/11.1 = -2.5."""
    clearing = stream(path=((0.0, 0.0), (40.0, 0.0)), direction="r")
    assert intergreen(clearing, stream(path=((0.0, -60.0), (0.0, 10.0)))) == 0
