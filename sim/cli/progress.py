"""What a batch shows while it works: bars on a terminal, one line per run in a pipe or log."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Self

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn
from rich.text import Text

from sim.batch.estimate import Estimate
from sim.batch.events import (
    BatchEvent,
    BatchPlanned,
    ClusterChanged,
    RunFailed,
    RunFinished,
    RunLost,
    RunProgress,
    RunResumed,
    RunStarted,
    StoreDamaged,
)

if TYPE_CHECKING:
    from types import TracebackType

    from sim.run import RunTask


def time_left(estimate: Estimate) -> str:
    """
    Spell the time left.

    Parameters
    ----------
    estimate : Estimate
        Of the batch.

    Returns
    -------
    str
        Nothing as long as it cannot be told.
    """
    seconds = estimate.seconds_left
    return "" if seconds is None else f"about {_spell(seconds)} left"


def _spell(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest:02d}" if hours else f"{minutes}:{rest:02d}"


def _name(task: RunTask) -> str:
    scale = "" if task.scale == 1.0 else f" scale {task.scale:g}"
    return f"{task.scenario.name} {task.controller.label} seed {task.seed}{scale}"


def _outcome(event: RunFinished) -> str:
    delay = "no traffic" if event.delay is None else f"delay {event.delay:.1f} s/veh"
    gridlock = ", GRIDLOCK" if event.gridlock else ""
    return f"{delay}{gridlock}, took {event.wall_seconds:.1f} s"


def _one_line(text: str) -> str:
    return " ".join(text.split())


class Lines:
    """One plain line per finished run on stderr."""

    def __init__(self) -> None:
        self._estimate = Estimate()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        sys.stderr.flush()

    def __call__(self, event: BatchEvent) -> None:
        """Show an event."""
        estimate = self._estimate
        estimate.note(event)
        match event:
            case BatchPlanned():
                done = f", {event.resumed} of them finished before" if event.resumed else ""
                self._write(f"{event.total} runs{done}")
            case RunFinished():
                self._count(f"done    {_name(event.task)}: {_outcome(event)}")
            case RunFailed():
                self._count(f"{event.status:<7} {_name(event.task)}: {_one_line(event.reason)}")
            case RunLost():
                self._write(f"lost    {_name(event.task)}: {_one_line(event.reason)}")
            case ClusterChanged():
                self._write(f"cluster: {event.message}")
            case StoreDamaged():
                self._write(f"warning: {event.message}")
            case _:
                pass

    def _count(self, text: str) -> None:
        estimate = self._estimate
        left = time_left(estimate)
        self._write(f"[{estimate.ended}/{estimate.total}] {text}{f', {left}' if left else ''}")

    @staticmethod
    def _write(text: str) -> None:
        sys.stderr.write(f"{text}\n")
        sys.stderr.flush()


class Bars:
    """A bar for every running job and one for the batch, on a terminal's stderr."""

    def __init__(self, console: Console | None = None) -> None:
        self._estimate = Estimate()
        self._progress = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            TextColumn("{task.percentage:>3.0f} %"),
            TextColumn("{task.fields[note]}"),
            console=console or Console(stderr=True, highlight=False),
            transient=True,
        )
        self._overall: TaskID | None = None
        self._bars: dict[str, TaskID] = {}

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._progress.stop()

    def __call__(self, event: BatchEvent) -> None:
        """Show an event."""
        self._estimate.note(event)
        match event:
            case BatchPlanned():
                self._overall = self._progress.add_task("all runs", total=max(1, event.total), note="")
            case RunStarted():
                self._bars[event.key] = self._progress.add_task(_name(event.task), total=1.0, note="starting")
            case RunProgress() if event.key in self._bars:
                note = f"{event.vehicles} vehicles"
                self._progress.update(self._bars[event.key], completed=event.fraction, note=note)
            case RunFinished():
                self._end(event.key)
                if event.gridlock:
                    self._say(f"gridlock: {_name(event.task)}: {_outcome(event)}", "yellow")
            case RunFailed():
                self._end(event.key)
                self._say(f"{event.status}: {_name(event.task)}: {_one_line(event.reason)}", "red")
            case RunLost():
                self._end(event.key)
                self._say(f"lost: {_name(event.task)}: {_one_line(event.reason)}", "yellow")
            case ClusterChanged():
                self._say(f"cluster: {event.message}", "cyan")
            case StoreDamaged():
                self._say(f"warning: {event.message}", "yellow")
            case RunResumed() | RunProgress():
                pass
        self._show_overall()

    def _end(self, key: str) -> None:
        bar = self._bars.pop(key, None)
        if bar is not None:
            self._progress.remove_task(bar)

    def _say(self, text: str, style: str) -> None:
        self._progress.console.print(Text(text, style=style), soft_wrap=True)

    def _show_overall(self) -> None:
        if self._overall is not None:
            estimate = self._estimate
            note = f"{estimate.ended} of {estimate.total} {time_left(estimate)}".rstrip()
            self._progress.update(self._overall, completed=estimate.work, note=note)


def progress_view() -> Bars | Lines:
    """
    Choose how to show a batch.

    Returns
    -------
    Bars or Lines
        Bars if stderr is a terminal that can redraw, else lines.
    """
    console = Console(stderr=True, highlight=False)
    return Bars(console) if console.is_terminal and not console.is_dumb_terminal else Lines()
