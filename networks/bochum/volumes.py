"""Daily volumes of the streets (volumes.csv) and what they mean for the edges of a network."""

from __future__ import annotations

import csv
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING

from city import HERE

if TYPE_CHECKING:
    from collections.abc import Iterator

    from city import Link
    from lay import Plan

# Share of the daily volume in each hour of the day [%], assumed; 9 % in the peak hours is the middle of the usual
# 8 to 10 %.
HOURS = (0.8, 0.5, 0.4, 0.4, 0.8, 2.2, 5.4, 9.0, 7.0, 5.0, 5.1, 5.2,
         5.3, 5.4, 6.0, 7.2, 9.0, 7.4, 5.5, 4.2, 2.9, 2.4, 1.8, 1.1)  # fmt: skip
# Which flows an hour has: "am" towards the centre, "pm" back, "off" even.
PATTERNS = {"am": range(5, 10), "pm": range(15, 19), "off": (*range(5), *range(10, 15), *range(19, 24))}
DESIGN_SHARE = 0.09  # of the daily volume: the peak hour, to which every pattern is sampled [-]


@dataclass(frozen=True)
class Count:
    """The stated volume of one direction of a street."""

    edge: str
    daily: float  # [veh/24 h] in this direction over the whole day
    morning: float  # factor on half the cross-section in the morning peak: 2 x share of this direction [-]
    source: str

    def hourly(self, pattern: str) -> float:
        """
        State the volume of the design hour.

        Parameters
        ----------
        pattern : str
            Key of PATTERNS.

        Returns
        -------
        float
            [veh/h].
        """
        factor = {"am": self.morning, "pm": 2.0 - self.morning, "off": 1.0}[pattern]
        return self.daily * DESIGN_SHARE * factor


def pattern_of(hour: int) -> str:
    """
    Tell which flows an hour has.

    Parameters
    ----------
    hour : int
        Hour of the day.

    Returns
    -------
    str
        Key of PATTERNS.
    """
    return next(name for name, hours in PATTERNS.items() if hour in hours)


def gates(plan: Plan) -> dict[str, tuple[Count | None, Count | None]]:
    """
    State what enters and leaves at the ends of a network.

    Parameters
    ----------
    plan : Plan
        The network.

    Returns
    -------
    dict of str to (Count, Count)
        Edge into the network and edge out of it, by the end's node; None where there is no such edge or no car.
    """
    found: dict[str, tuple[Count | None, Count | None]] = {}
    stated = {count.edge: count for count in all_counts(plan)}
    for end in plan.ends:
        into = next((e.id for e in plan.edges if e.tail == end and e.indices("car")), "")
        out = next((e.id for e in plan.edges if e.head == end and e.indices("car")), "")
        if into or out:
            found[end] = (stated.get(into), stated.get(out))
    return found


def all_counts(plan: Plan) -> list[Count]:
    """
    Place the stated volumes on the edges of a network.

    Parameters
    ----------
    plan : Plan
        The network.

    Returns
    -------
    list of Count
        One per direction of every link that a row of volumes.csv covers.
    """
    rows = list(_rows())
    found = []
    edges = {edge.id for edge in plan.edges}
    order = _order(plan)
    for link in dict.fromkeys(edge.link for edge in plan.edges if edge.indices("car")):
        row = _covering(link, rows, order)
        if row is None:
            sys.exit(f"volumes.csv has no volume for {link.street} between {link.a} and {link.b}")
        daily, share, source = float(row["daily"]), float(row["morning_share_b_to_a"]), row["source"]
        a, b = (name.removeprefix(f"{link.street}_") for name in (link.a, link.b))
        names = (f"{link.street}_{a}_{b}", f"{link.street}_{b}_{a}")
        outward = not link.stub or link.a in plan.signals
        if link.stub:
            names = (f"{link.street}_out", f"{link.street}_in") if outward else (f"{link.street}_in", "")
        if link.oneway:  # all of it in the one direction
            found.append(Count(names[0], daily, 1.0, source))
            continue
        half = daily / 2.0
        found += [
            Count(names[0], half, 2.0 - 2.0 * share, source),
            Count(names[1], half, 2.0 * share, source),
        ]
    unknown = [count.edge for count in found if count.edge not in edges]
    if unknown:
        sys.exit(f"no edge {', '.join(unknown)}")
    return found


def _rows() -> Iterator[dict[str, str]]:
    with (HERE / "volumes.csv").open(encoding="utf-8", newline="") as file:
        yield from csv.DictReader(file)


def _order(plan: Plan) -> dict[str, list[tuple[str, str]]]:
    """Links of every street of the whole city, in its order."""
    order: dict[str, list[tuple[str, str]]] = {}
    for link in plan.city.links:
        order.setdefault(link.street, []).append((link.a, link.b))
    return order


def _covering(
    link: Link, rows: list[dict[str, str]], order: dict[str, list[tuple[str, str]]]
) -> dict[str, str] | None:
    a, b = (name.removeprefix(f"{link.street}_") for name in (link.a, link.b))
    links = order[link.street]
    number = links.index((a, b))
    for row in rows:
        if row["street"] != link.street:
            continue
        if not row["a"]:
            return row
        first = next(i for i, (one, _) in enumerate(links) if one == row["a"])
        last = max(i for i, (_, other) in enumerate(links) if other == row["b"])
        if first <= number <= last:
            return row
    return None
