"""What a batch tells while it works, and what it returns."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from sim.run import RunTask


@dataclass(frozen=True, slots=True)
class BatchPlanned:
    """The batch begins: how many runs there are and how many of them are done already."""

    total: int
    resumed: int


@dataclass(frozen=True, slots=True)
class RunResumed:
    """A run was found finished and is not done again."""

    key: str
    task: RunTask


@dataclass(frozen=True, slots=True)
class RunStarted:
    """A run has got its own process."""

    key: str
    task: RunTask
    pid: int


@dataclass(frozen=True, slots=True)
class RunProgress:
    """A run goes on: simulated share of the window in [0, 1], vehicles in the network."""

    key: str
    task: RunTask
    fraction: float
    vehicles: int


@dataclass(frozen=True, slots=True)
class RunFinished:
    """A run is in the store; `delay` [s/veh] is None where no vehicle was scheduled."""

    key: str
    task: RunTask
    wall_seconds: float
    delay: float | None
    gridlock: bool


@dataclass(frozen=True, slots=True)
class RunFailed:
    """A run ended without a result; its row says why, and the next batch tries it again."""

    key: str
    task: RunTask
    status: Literal["failed", "timeout"]
    reason: str


@dataclass(frozen=True, slots=True)
class RunLost:
    """A run's worker in a cluster has gone; the run will be done again by another."""

    key: str
    task: RunTask
    reason: str


@dataclass(frozen=True, slots=True)
class ClusterChanged:
    """One line on a cluster: workers that came, went or were refused, or that none is there yet."""

    message: str


@dataclass(frozen=True, slots=True)
class StoreDamaged:
    """A run directory of the output folder cannot be read and counts as not run; one line that says which."""

    message: str


BatchEvent = (
    BatchPlanned
    | RunResumed
    | RunStarted
    | RunProgress
    | RunFinished
    | RunFailed
    | RunLost
    | ClusterChanged
    | StoreDamaged
)


@dataclass(frozen=True, slots=True)
class BatchResult:
    """
    How a batch ended.

    The counts are in runs, floor runs included: `planned` is the sum of the others unless `interrupted`.
    """

    planned: int
    resumed: int
    done: int
    failed: int
    timeouts: int
    interrupted: bool

    @property
    def complete(self) -> bool:
        """Whether every planned run has a result."""
        return self.resumed + self.done == self.planned
