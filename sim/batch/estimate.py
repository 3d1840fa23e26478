"""How long a batch still takes."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from sim.batch.events import (
    BatchEvent,
    BatchPlanned,
    RunFailed,
    RunFinished,
    RunLost,
    RunProgress,
    RunResumed,
    RunStarted,
)

if TYPE_CHECKING:
    from collections.abc import Callable


class Estimate:
    """
    The time left, from the work that was done since the batch began; a run counts 1.

    Parameters
    ----------
    clock : callable, optional
        Tells the time [s].
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._begin = clock()
        self.total = 0
        self.finished = 0
        self.resumed = 0
        self._told = 0
        self._running: dict[str, float] = {}

    def note(self, event: BatchEvent) -> None:
        """
        Take an event into account.

        Parameters
        ----------
        event : BatchEvent
            What happened.
        """
        match event:
            case BatchPlanned():
                self.total, self.resumed, self._told = event.total, event.resumed, 0
                self._begin = self._clock()
            case RunStarted():
                self._running[event.key] = 0.0
            case RunProgress():
                self._running[event.key] = event.fraction
            case RunFinished() | RunFailed():
                self._running.pop(event.key, None)
                self.finished += 1
            case RunResumed():
                # Those of the plan are told again one by one; one more was done by another batch meanwhile.
                self._told += 1
                self.resumed = max(self.resumed, self._told)
            case RunLost():
                self._running.pop(event.key, None)
            case _:
                pass

    @property
    def ended(self) -> int:
        """Runs that need no more work, whether done now or before."""
        return self.finished + self.resumed

    @property
    def work(self) -> float:
        """The same with the shares of the running ones."""
        return self.ended + sum(self._running.values())

    @property
    def seconds_left(self) -> float | None:
        """The time left [s], or None as long as it cannot be told."""
        now_done = self.work - self.resumed
        if now_done < 0.02 or self.total <= self.ended:
            return None
        return (self._clock() - self._begin) / now_done * (self.total - self.work)
