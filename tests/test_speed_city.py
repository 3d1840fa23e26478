"""The generated city that speed is measured on is one that today's kernels take."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pytest

BENCHMARKS = Path(__file__).resolve().parents[1] / "benchmarks"


def test_every_vehicle_of_the_city_is_on_its_way_to_a_stop_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    from city import VEHICLES, build_city

    city = build_city(4)
    assert len(city.network.group_ptr) == 4 + 1
    assert len(city.arrivals.movement) == 4 * 4 * VEHICLES
    assert len(city.waiting) == len(city.network.yellow)
    assert city.waiting.any()
