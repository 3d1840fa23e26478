"""One batch over many jobs that do not know each other: each takes its share."""

from __future__ import annotations

import re
from itertools import groupby
from typing import TYPE_CHECKING

from sim.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sim.run import RunTask


def parse_shard(text: str) -> tuple[int, int]:
    """
    Read which share of a batch to do.

    Parameters
    ----------
    text : str
        ``"I/N"``, I from 1 to N.

    Returns
    -------
    tuple of (int, int)
        I and N.

    Raises
    ------
    InputError
        If it is not of that form.
    """
    match = re.fullmatch(r"(\d{1,9})/(\d{1,9})", text, re.ASCII)
    if match is None:
        msg = f"--shard '{text}' is not of the form I/N, such as 1/4"
        raise InputError(msg)
    index, count = int(match[1]), int(match[2])
    if not 1 <= index <= count:
        msg = f"--shard {text}: the share is counted from 1 to N"
        raise InputError(msg)
    return index, count


def take_shard(tasks: Sequence[RunTask], index: int, count: int) -> list[RunTask]:
    """
    Take a share of a batch: the shares are disjoint, together they are the batch, and they cost about the same.

    The runs are dealt out like cards, sorted by controller, scenario and scale, so that of runs that cost the same
    no share has more than one more than another. Where the runs of a controller go up in whole rounds, the deal
    skips one share: else each share could get one scenario with all controllers.

    Parameters
    ----------
    tasks : sequence of RunTask
        The whole batch, the same in every job.
    index : int
        Which share, from 1.
    count : int
        How many shares.

    Returns
    -------
    list of RunTask
        In the order of the batch.
    """

    def controller(place: int) -> str:
        return tasks[place].controller.to_json()

    def cell(place: int) -> tuple[str, str, float, int]:
        task = tasks[place]
        return controller(place), task.scenario.name, task.scale, task.seed

    mine = []
    turn = 0
    for _, places in groupby(sorted(range(len(tasks)), key=cell), key=controller):
        hand = list(places)
        mine += [place for number, place in enumerate(hand) if (turn + number) % count == index - 1]
        turn += len(hand) + (len(hand) % count == 0)
    return [tasks[place] for place in sorted(mine)]
