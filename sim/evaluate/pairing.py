"""Which run of HEAD belongs to which run of BASE, and why one has no partner."""

from __future__ import annotations

import re
from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sim.errors import InputError, near_miss
from sim.evaluate.baseline import number, printable

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

Row = dict[str, Any]
Key = tuple[str, str, float]  # scenario, controller, scale

# What may differ between two runs that one folder holds for the same cell and seed.
_TELLING = ("scenario_key", "sumo_version", "package_version", "platform", "controller_id", "controller_spec")


@dataclass(frozen=True, slots=True)
class Pairing:
    """
    The runs of a cell, side by side.

    Parameters
    ----------
    pairs : dict
        Seed to the rows of BASE and HEAD, both done, in the order of the seeds.
    faults : tuple of str
        Seeds that BASE has and HEAD has not.
    notes : tuple of str
        What else is to be known.
    problem : str
        Why the cell must not be compared; empty if it may.
    """

    pairs: dict[int, tuple[Row, Row]]
    faults: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    problem: str = ""


def cells_of(rows: Iterable[Row], controller: str | None, side: str) -> dict[Key, list[Row]]:
    """
    Sort runs by cell.

    Parameters
    ----------
    rows : iterable of dict
        Runs of one side.
    controller : str, optional
        Only this one, by its label (``horizon:class=grid``) or with its version (``horizon-v1:class=grid``).
    side : str
        What to call the side.

    Returns
    -------
    dict
        Rows by scenario, controller and scale, in that order, scales before controllers.

    Raises
    ------
    InputError
        If the controller does not occur.
    """
    rows = list(rows)
    chosen = [row for row in rows if controller is None or controller in _names(row)]
    if not chosen:
        known = {row["controller"] for row in rows}
        msg = f"{side} has no runs of the controller '{controller}'{near_miss(controller or '', known)}"
        raise InputError(msg)
    short = _without_folders({str(row["controller"]) for row in chosen})
    cells: dict[Key, list[Row]] = defaultdict(list)
    for row in sorted(
        chosen, key=lambda row: (row["scenario"], float(row["scale"]), row["controller"], row["seed"])
    ):
        cells[row["scenario"], short[row["controller"]], float(row["scale"])].append(row)
    return dict(cells)


def _without_folders(labels: set[str]) -> dict[str, str]:
    """Shorten ``plan:file=/my/checkout/plan.json``: a baseline made elsewhere names another folder for the same file."""
    short = {label: re.sub(r"=[^,=]*/", "=", label) for label in labels}
    names = list(short.values())
    return {label: name if names.count(name) == 1 else label for label, name in short.items()}


def match(base: Iterable[Key], head: Iterable[Key], *, across: bool, same: bool) -> list[tuple[Key, Key]]:
    """
    Say which cells belong together.

    Parameters
    ----------
    base, head : iterable of key
        Cells of both sides.
    across : bool
        Compare every controller of HEAD with every one of BASE, instead of each with itself.
    same : bool
        Both sides are the same runs: a controller is then not compared with itself.

    Returns
    -------
    list of (key, key)
        Cell of BASE and cell of HEAD, which may be missing there.
    """
    if not across:
        return [(key, key) for key in base]
    controllers = dict.fromkeys(key[1] for key in head)
    return [
        (key, (key[0], controller, key[2]))
        for key in base
        for controller in controllers
        if not (same and controller == key[1])
    ]


def pair(base: Sequence[Row], head: Sequence[Row], metric: str) -> Pairing:
    """
    Pair the runs of a cell by their seeds.

    Parameters
    ----------
    base, head : sequence of dict
        Rows of the cell, also of runs without result.
    metric : str
        The figure to compare.

    Returns
    -------
    Pairing
        The pairs, and what is missing.
    """
    before, clash_before = _by_seed(base, "BASE")
    after, clash_after = _by_seed(head, "HEAD")
    problem = clash_before or clash_after or _other_traffic(before, after)
    pairs = {seed: (before[seed], after[seed]) for seed in sorted(before) if seed in after}
    reasons: dict[str, list[int]] = defaultdict(list)
    for seed in sorted(before.keys() - after.keys()):
        reasons[_why_missing(seed, head)].append(seed)
    for seed, (one, other) in list(pairs.items()):
        if number(one.get(metric)) is not None and number(other.get(metric)) is None:
            reasons[f"no {metric}"].append(seed)
            del pairs[seed]
    faults = tuple(f"{spell_seeds(seeds)} missing in HEAD ({reason})" for reason, seeds in reasons.items())
    notes = []
    extra = sorted(after.keys() - before.keys())
    if extra:
        notes.append(f"{spell_seeds(extra)} of HEAD not in BASE, not used")
    versions = [sorted({str(row.get("controller_id")) for row in side.values()}) for side in (before, after)]
    labels = {row["controller"] for row in (*base, *head)}
    if versions[0] != versions[1] and before and after and len(labels) == 1:
        notes.append(f"{', '.join(versions[0])} in BASE, {', '.join(versions[1])} in HEAD")
    return Pairing(pairs, faults, tuple(notes), problem)


def spell_seeds(seeds: Sequence[int]) -> str:
    """
    Write seeds as on the command line.

    Parameters
    ----------
    seeds : sequence of int
        In ascending order.

    Returns
    -------
    str
        ``seed 4`` or ``seeds 1-3,7``.
    """
    return f"seed{'s' if len(seeds) > 1 else ''} {write_spans(seeds)}"


def write_spans(numbers: Sequence[int]) -> str:
    """
    Write whole numbers as ``1-10,15``.

    Parameters
    ----------
    numbers : sequence of int
        In ascending order, each once.

    Returns
    -------
    str
        What ``--seeds`` takes.
    """
    spans: list[list[int]] = []
    for one in numbers:
        if spans and one == spans[-1][-1] + 1:
            spans[-1][1:] = [one]
        else:
            spans.append([one])
    return ",".join("-".join(map(str, span)) for span in spans)


def _names(row: Row) -> set[str]:
    """List what the user may call a controller: with or without its version."""
    label = str(row["controller"])
    _, colon, params = label.partition(":")
    return {label, f"{row.get('controller_id')}{colon}{params}"}


def _by_seed(rows: Sequence[Row], side: str) -> tuple[dict[int, Row], str]:
    """Take the one finished run of each seed; a seed with two results is a clash, which nobody can decide."""
    done: dict[int, dict[str, Row]] = defaultdict(dict)
    for row in rows:
        if row["status"] == "done":
            done[row["seed"]][str(row.get("run_key"))] = row
    for seed, results in done.items():
        if len(results) > 1:
            differ = [
                f"{key} {' and '.join(sorted(values))}"
                for key in _TELLING
                if len(values := {str(row.get(key)) for row in results.values()}) > 1
            ]
            keys = " and ".join(sorted(results))
            why = "; ".join(differ) or "with equal settings"
            return (
                {},
                f"seed {seed} has {len(results)} results in {side} (run keys {keys}: {why}); use one folder each",
            )
    return {seed: next(iter(results.values())) for seed, results in done.items()}, ""


def _other_traffic(before: Mapping[int, Row], after: Mapping[int, Row]) -> str:
    keys = [sorted({str(row.get("scenario_key")) for row in side.values()}) for side in (before, after)]
    if not before or not after or (keys[0] == keys[1] and len(keys[0]) == 1):
        return ""
    return (
        f"the scenario's content differs: scenario_key {', '.join(keys[0])} in BASE, {', '.join(keys[1])} in HEAD; "
        "its network, demand or settings changed, so run or write BASE anew"
    )


def _why_missing(seed: int, head: Sequence[Row]) -> str:
    for row in head:
        if row["seed"] == seed:
            return f"{row['status']}: {printable(str(row.get('reason') or 'no reason given'))}"
    return "not run"
