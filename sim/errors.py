"""The errors a user can meet: one line each, and an exit code that a script can test."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

# So many known words are listed; more would be longer than a line that is read.
MOST_KNOWN = 40


class GruenbandError(Exception):
    """Any fault that a user is told about in one line: what, where, what to do."""

    exit_code = 4


class InputError(GruenbandError):
    """The user's files, names or options are wrong (exit code 2)."""

    exit_code = 2


class EnvironmentFaultError(GruenbandError):
    """The machine is not fit for the work: SUMO missing or of another version, disk full, no permission (exit code 3)."""

    exit_code = 3


class RunFailedError(GruenbandError):
    """A simulation run ended without a result (exit code 4)."""

    exit_code = 4


def near_miss(word: str, known: Iterable[str]) -> str:
    """
    Say which known word the user probably meant.

    Parameters
    ----------
    word : str
        What the user wrote.
    known : iterable of str
        The words that exist.

    Returns
    -------
    str
        ``"; did you mean 'x'?"``, or the known words if none is near, the first of them if there are many.
    """
    words = sorted(known)
    near = difflib.get_close_matches(word, words, n=1, cutoff=0.6)
    if near:
        return f"; did you mean '{near[0]}'?"
    more = f" and {len(words) - MOST_KNOWN} more" if len(words) > MOST_KNOWN else ""
    return f"; known: {', '.join(words[:MOST_KNOWN])}{more}" if words else ""
