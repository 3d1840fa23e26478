"""Drives a controller over a trial street through the guard, and watches what it does."""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from sim.control.trial import TrialStreet
from sim.network.graph import RoadGraph
from sim.network.layout import Layout, lay_out
from sim.network.timing import TimingRules

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from numpy.typing import NDArray

    from sim.core.arrays import Arrivals, Network, Signals, Storage

# How long a stage may be wanted without being shown, beyond the slowest transition [s].
PATIENCE = 120
# So many wishes that changed too early are no accident, if they are more than those that were shown.
MANY = 20
# A scenario may begin at any time of day [s].
BEGIN = 25200.0


class TrialError(Exception):
    """The controller did something that ends its trial."""


@dataclass(frozen=True)
class Ground:
    """A network to try on."""

    name: str
    graph: RoadGraph
    layout: Layout

    def with_stages(self, stages: str) -> Ground:
        """
        Lay the network out with stages of another origin.

        Parameters
        ----------
        stages : str
            ``program`` or ``derived``.

        Returns
        -------
        Ground
            The same network.
        """
        return Ground(self.name, self.graph, lay_out(self.graph, TimingRules(), stages=stages))


@dataclass
class Record:
    """What a controller asked for, and the problems on the way."""

    wishes: list[NDArray[np.int32]] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)

    def first_difference(self, other: Record) -> int | None:
        """
        Find the first second in which two records differ.

        Parameters
        ----------
        other : Record
            Of a run that should be the same.

        Returns
        -------
        int or None
            The second; None if they are the same.
        """
        for second, (one, two) in enumerate(zip(self.wishes, other.wishes, strict=False)):
            if not np.array_equal(one, two):
                return second
        shorter = min(len(self.wishes), len(other.wishes))
        return None if len(self.wishes) == len(other.wishes) else shorter


def load_ground(path: Path) -> Ground:
    """
    Read a network to try on.

    Parameters
    ----------
    path : Path
        The net file.

    Returns
    -------
    Ground
        The network in both its forms.
    """
    graph = RoadGraph.from_file(path)
    return Ground(path.name.partition(".")[0], graph, lay_out(graph, TimingRules()))


def drive(controller: Any, ground: Ground, seconds: int, seed: int) -> Record:  # noqa: ANN401
    """
    Let a controller switch a network's signals through the guard.

    Parameters
    ----------
    controller : object
        The controller; it is reset first.
    ground : Ground
        The network.
    seconds : int
        How long [s].
    seed : int
        Of the random traffic.

    Returns
    -------
    Record
        Its wishes, second by second, up to the first problem.
    """
    from sim.core.guard import advance, new_signals  # noqa: PLC0415  (numba: start-up of the CLI)
    from sim.core.sense import waiting_groups  # noqa: PLC0415

    network = ground.layout.network
    signals = new_signals(network, np.zeros(len(ground.layout.signals), np.int32))
    street = TrialStreet(network, seed)
    patience = Patience(ground)
    record = Record()
    learn = getattr(controller, "watch", None)
    wish = signals.wanted.copy()
    try:
        guarded("reset()", lambda: controller.reset(network))
        for second in range(seconds):
            arrivals, storage = street.step(signals)
            signals.inside[:] = street.stands_inside()
            waiting = waiting_groups(network, signals, arrivals, storage)
            seen = BEGIN + second, network, signals, arrivals, storage
            if learn is not None:
                ask(f"second {second}: watch()", learn, *seen)
            if second % controller.interval == 0:
                answer = ask(f"second {second}: decide()", controller.decide, *seen)
                wish = read_wish(answer, ground, second)
            record.wishes.append(wish)
            advance(network, signals, wish, waiting)
            patience.look(signals)
    except TrialError as problem:
        record.problems.append(str(problem))
    return record


def ask(
    what: str,
    method: Callable[..., Any],
    now: float,
    network: Network,
    signals: Signals,
    *seen: Arrivals | Storage,
) -> Any:  # noqa: ANN401
    """
    Call a controller with what it may look at but not change.

    Parameters
    ----------
    what : str
        What is called, for the message.
    method : callable
        The method.
    now : float
        The time [s].
    network : Network
        The network.
    signals : Signals
        What is shown.
    *seen : Arrivals and Storage
        The traffic; it may count into these.

    Returns
    -------
    object
        What it returns.

    Raises
    ------
    TrialError
        If it raises, draws from a generator that others draw from too, or changes the network or the signals.
    """
    before = copy_arrays(network), copy_arrays(signals)
    answer = guarded(what, lambda: method(now, network, signals, *seen))
    refuse_changes(before, (network, signals), what)
    return answer


def guarded(what: str, call: Callable[[], Any]) -> Any:  # noqa: ANN401
    """
    Call a third party's code, watching the global random numbers.

    Parameters
    ----------
    what : str
        What is called, for the message.
    call : callable
        The call.

    Returns
    -------
    object
        What it returns.

    Raises
    ------
    TrialError
        If it raises, or draws from a generator that others draw from too.
    """
    before = global_random_state()
    try:
        answer = call()
    except Exception as fault:
        msg = f"{what} raised {describe(fault)}"
        raise TrialError(msg) from fault
    if global_random_state() != before:
        msg = f"{what} draws from the global random numbers; keep a generator of its own, seeded in reset()"
        raise TrialError(msg)
    return answer


def global_random_state() -> tuple[object, ...]:
    """
    Read the state of the generators that everybody shares.

    Returns
    -------
    tuple
        Equal as long as nobody draws from Python's or NumPy's.
    """
    state = np.random.get_state(legacy=False)["state"]  # noqa: NPY002  (to catch who uses it)
    return random.getstate(), state["key"].tobytes(), state["pos"]


def copy_arrays(table: Network | Signals) -> list[NDArray[Any]]:
    """
    Copy a tuple of arrays.

    Parameters
    ----------
    table : Network or Signals
        The arrays.

    Returns
    -------
    list of ndarray
        Copies.
    """
    return [column.copy() for column in table]


def refuse_changes(
    before: tuple[list[NDArray[Any]], list[NDArray[Any]]], after: tuple[Network, Signals], what: str
) -> None:
    """
    Refuse a controller that writes into what it is given.

    Parameters
    ----------
    before : tuple
        Copies of the arrays.
    after : tuple of Network and Signals
        The arrays themselves.
    what : str
        What was called, for the message.

    Raises
    ------
    TrialError
        Naming the first array changed.
    """
    tables: tuple[Network | Signals, ...] = after
    for copies, table in zip(before, tables, strict=True):
        for old, (name, new) in zip(copies, table._asdict().items(), strict=True):
            if not np.array_equal(old, new):
                kind = type(table).__name__.lower()
                msg = f"{what} changes {kind}.{name}, which is not its own; work on a copy"
                raise TrialError(msg)


def read_wish(answer: Any, ground: Ground, second: int) -> NDArray[np.int32]:  # noqa: ANN401
    """
    Take a controller's answer as one stage for each signal.

    Parameters
    ----------
    answer : object
        What ``decide`` returned.
    ground : Ground
        The network.
    second : int
        For the message.

    Returns
    -------
    ndarray
        Shape (S), a copy.

    Raises
    ------
    TrialError
        If it is of another shape or type, or a stage does not exist.
    """
    wish = np.asarray(answer)
    signals = len(ground.layout.signals)
    if wish.shape != (signals,) or wish.dtype.kind not in "iu":
        msg = (
            f"second {second}: decide() returned {wish.dtype} of shape {wish.shape}; one whole number for each of "
            f"{signals} signals is needed, shape ({signals},)"
        )
        raise TrialError(msg)
    stages = np.diff(ground.layout.network.stage_ptr)
    for s in np.flatnonzero((stages > 0) & ((wish < 0) | (wish >= stages))):
        msg = (
            f"signal {ground.layout.signals[s]}, second {second}: stage {wish[s]} is wanted, out of range 0 to "
            f"{stages[s] - 1}; the guard would refuse it for ever"
        )
        raise TrialError(msg)
    return wish.astype(np.int32)


class Patience:
    """
    Watches whether wishes come true: one that changes before the guard can carry it out is refused for ever.

    Parameters
    ----------
    ground : Ground
        The network.
    """

    def __init__(self, ground: Ground) -> None:
        network = ground.layout.network
        self._ground = ground
        signals = len(ground.layout.signals)
        self._wish = np.full(signals, -1)
        # A wish counts from the second it changes; one of which the guard took a part for a long wait does not.
        self._held = np.zeros(signals, np.int64)
        self._shown = np.ones(signals, np.bool_)
        self.granted = np.zeros(signals, np.int64)
        self.dropped = np.zeros(signals, np.int64)
        slowest = int(network.minimum_green.max(initial=0)) + int(network.intergreen.max(initial=0))
        self._limit = PATIENCE + slowest + int(network.red_yellow.max(initial=0))

    def look(self, signals: Signals) -> None:
        """
        Note which wishes are new and which are shown.

        Parameters
        ----------
        signals : Signals
            The state.

        Raises
        ------
        TrialError
            If a stage is wanted on and on and never shown, or most wishes change before they could be.
        """
        from sim.core.arrays import GREEN, OFF  # noqa: PLC0415  (numba: start-up of the CLI)

        table = self._ground.layout.network
        for s, wanted in enumerate(signals.wanted):
            # Where there is one stage or none, every wish is the same.
            if table.stage_ptr[s + 1] - table.stage_ptr[s] < 2:
                continue
            if wanted != self._wish[s]:
                self.dropped[s] += not self._shown[s]
                self._wish[s], self._held[s], self._shown[s] = wanted, 0, False
                self._complain_of_change(s)
            groups = slice(table.group_ptr[s], table.group_ptr[s + 1])
            size = groups.stop - groups.start
            row = table.stage_matrix_ptr[s] + wanted * size
            greens = table.stage_shows[row : row + size] != OFF
            if not self._shown[s] and (signals.shown[groups][greens] == GREEN).all():
                self._shown[s] = True
                self.granted[s] += 1
            if signals.forced[s] >= 0:
                self._shown[s] = True
            self._held[s] += not self._shown[s]
            if self._held[s] > self._limit:
                msg = (
                    f"signal {self._ground.layout.signals[s]}: stage {wanted} was wanted for {self._held[s]} s and never "
                    "shown; its groups cannot be green together"
                )
                raise TrialError(msg)

    def _complain_of_change(self, s: int) -> None:
        if self.dropped[s] >= MANY and self.dropped[s] > self.granted[s]:
            total = self.dropped[s] + self.granted[s]
            msg = (
                f"signal {self._ground.layout.signals[s]}: {self.dropped[s]} of {total} wishes changed before they could "
                "be shown, so the guard refuses them for ever; hold a wish until its groups are green"
            )
            raise TrialError(msg)


def describe(fault: Exception) -> str:
    """
    Put an exception into one line.

    Parameters
    ----------
    fault : Exception
        What was raised.

    Returns
    -------
    str
        Its class and words.
    """
    return f"{type(fault).__name__}: {' '.join(str(fault).split())}"
