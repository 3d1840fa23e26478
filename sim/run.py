"""One run: the loop of session, sensing, controller and guard."""

from __future__ import annotations

import gc
import json
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from sim import __version__
from sim.control.registry import build, find_kind, stages_of
from sim.control.spec import ControllerSpec
from sim.core.arrays import MOVES_UP, PRESSED, RED, STANDS
from sim.errors import InputError
from sim.live import Live
from sim.network.graph import RoadGraph
from sim.network.layout import Layout, lay_out
from sim.network.timing import TimingRules
from sim.observe.buttons import PushButtons
from sim.observe.observer import Observer
from sim.scenario import Scenario
from sim.scenario.arguments import sumo_arguments
from sim.scenario.demand import names_vehicles, written_turns
from sim.sumo.fleet import SumoFleet
from sim.sumo.recording import ENDLESS, RECORDER, record_lamps, record_pending, record_routes
from sim.sumo.scene import vehicle_classes
from sim.sumo.session import LOOK_EVERY, Session
from sim.sumo.statistics import read_statistics
from sim.sumo.version import sumo_version
from sim.trace import Trace, open_trace

if TYPE_CHECKING:
    from pathlib import Path

    from sim.core.arrays import Arrivals, Byte, Network, Signals, Storage
    from sim.network.parts import Movement, Signal
    from sim.sensing.view import FullView

Progress = Callable[[float, int], None]


@dataclass(frozen=True, slots=True)
class RunTask:
    """
    One cell of a batch.

    Parameters
    ----------
    scenario : Scenario
        What to simulate.
    controller : ControllerSpec
        Who decides.
    seed : int
        SUMO's random seed.
    scale : float
        Factor on the demand.
    gui : bool
        Show SUMO's window.
    keep_sumo_output : bool
        Keep SUMO's own files beside the results.
    trace : str
        A signal whose decisions are written down; empty: none.
    """

    scenario: Scenario
    controller: ControllerSpec
    seed: int
    scale: float
    gui: bool = False
    keep_sumo_output: bool = False
    trace: str = ""

    def to_json(self) -> str:
        """
        Write the task as JSON.

        Returns
        -------
        str
            One line.
        """
        return json.dumps(
            {
                "scenario": json.loads(self.scenario.model_dump_json()),
                "controller": json.loads(self.controller.to_json()),
                "seed": self.seed,
                "scale": self.scale,
                "gui": self.gui,
                "keep_sumo_output": self.keep_sumo_output,
                "trace": self.trace,
            },
            sort_keys=True,
        )

    @classmethod
    def from_json(cls, text: str) -> RunTask:
        """
        Read what `to_json` wrote.

        Parameters
        ----------
        text : str
            The JSON.

        Returns
        -------
        RunTask
            The task.
        """
        data = json.loads(text)
        return cls(
            Scenario.model_validate(data["scenario"]),
            ControllerSpec.from_json(json.dumps(data["controller"])),
            data["seed"],
            data["scale"],
            data["gui"],
            data["keep_sumo_output"],
            data["trace"],
        )


@dataclass
class Watch:
    """What the loop notes on the way."""

    gridlock_after: float
    longest_wait: float = 0.0
    gridlock_time: float | None = None
    running: int = 0
    control_seconds: float = 0.0
    steps: int = 0
    first_step: float = 0.0
    observer: Observer | None = None

    def observe(self) -> None:
        """Have the onlooker, if there is one, note the second that has just been simulated."""
        if self.observer is not None:
            self.observer.look()

    def look(self, session: Session) -> None:
        """
        Note the longest standstill, and since when there is one that may last for ever.

        Parameters
        ----------
        session : Session
            The simulation.
        """
        self.running, standing = session.standing()
        self.longest_wait = max(self.longest_wait, standing)
        if standing < self.gridlock_after:
            # A jam that dissolves is a long wait, not a gridlock.
            self.gridlock_time = None
        elif self.gridlock_time is None:
            self.gridlock_time = session.time


def run(
    task: RunTask, directory: Path, progress: Progress | None = None, additional: Sequence[Path] = ()
) -> RoadGraph:
    """
    Simulate a task and write what came out of it.

    Parameters
    ----------
    task : RunTask
        What to run.
    directory : Path
        An empty folder; ``run.json`` and SUMO's ``tripinfo.xml`` are written into it.
    progress : callable, optional
        Called about once a second with the share simulated and the vehicles in the network. The run can then also
        be looked at, see :mod:`sim.live`.
    additional : sequence of Path, optional
        More additional files for SUMO, such as detectors; they must not change what happens.

    Returns
    -------
    RoadGraph
        The network, for whoever computes figures of it.

    Raises
    ------
    InputError
        If the network or the demand cannot be used.
    RunFailedError
        If SUMO stops.
    """
    started = time.perf_counter()
    scenario = task.scenario
    kind = find_kind(task.controller.id)
    controller = build(task.controller)
    graph = RoadGraph.from_file(scenario.network, scenario.additional)
    refuse_never_green(graph, scenario)
    rules = timing_rules(scenario)
    extra: list[Path] = []
    if kind.in_sumo:
        extra = controller.programs(graph, rules, scenario, directory)
    recorded = scenario.outputs.signals and not kind.internal
    if recorded:
        extra = [*extra, record_lamps(graph.signals, directory)]
    options = sumo_arguments(scenario, task.seed, task.scale, directory, [*extra, *additional])
    options += getattr(controller, "options", ())
    if recorded:
        options = record_routes(options, directory)
    session = Session(options, directory / "sumo-errors.log", gui=task.gui)
    watch = Watch(scenario.gridlock_after)
    ticker = Ticker(scenario.begin, scenario.end, progress, Live(directory, session))
    with session.until_done(ENDLESS if recorded else ""):
        # Where nobody gives way there is nothing to say about safety.
        if scenario.outputs.safety and not kind.internal:
            watch.observer = Observer(session)
        watch.first_step = time.perf_counter() - started
        if kind.in_sumo:
            run_in_sumo(session, controller, scenario, watch, ticker)
        else:
            from sim.control.warm import compile_together  # noqa: PLC0415  (start-up of the CLI)

            compile_together(task.controller)
            layout = lay_out(graph, rules, watched_range(scenario, controller), stages_of(controller))
            street = Street(graph, layout)
            with open_trace(task.trace, layout, controller, directory) as trace, kept_objects():
                run_adaptive(session, controller, street, scenario, watch, ticker, trace)
        seen = {"classes": vehicle_classes(session)}
        if watch.observer is not None:
            seen |= watch.observer.finish(directory)
        if recorded:
            record_pending(session.pending(), directory)
    wall = time.perf_counter() - started
    result: dict[str, Any] = {
        "begin": scenario.begin,
        "end": scenario.end,
        "gridlock": watch.gridlock_time is not None,
        "gridlock_time": watch.gridlock_time,
        "longest_wait": watch.longest_wait,
        "steps": watch.steps,
        "wall_seconds": round(wall, 3),
        "start_seconds": round(watch.first_step, 3),
        "control_seconds": round(watch.control_seconds, 3),
        "sumo_version": sumo_version(),
        "package_version": __version__,
        "vehicles_in_demand": names_vehicles(scenario.demand),
        "occupancy": scenario.occupancy.model_dump(),
        **seen,
        **read_statistics(directory / "statistics.xml"),
    }
    (directory / "run.json").write_text(json.dumps(result, indent=1, sort_keys=True))
    if not task.keep_sumo_output:
        for pattern in ("sumo-errors.log", "statistics.xml", "programs.add.xml", RECORDER, "user-*.xml"):
            for path in directory.glob(pattern):
                path.unlink()
    return graph


class Ticker:
    """
    Reports progress about once a second of wall time.

    Parameters
    ----------
    begin, end : float
        The window [s].
    progress : callable or None
        Where to report.
    live : Live, optional
        The run for those who look at it.
    """

    def __init__(self, begin: float, end: float, progress: Progress | None, live: Live | None = None) -> None:
        self._begin = begin
        self._span = max(end - begin, 1.0)
        self._progress = progress
        self._live = live
        self._last = time.perf_counter()

    def tick(self, now: float, running: int) -> None:
        """
        Report if a second has passed.

        Parameters
        ----------
        now : float
            Simulated time [s].
        running : int
            Vehicles in the network.
        """
        if self._progress is None:
            return
        wall = time.perf_counter()
        if wall - self._last >= 1.0:
            self._last = wall
            self._progress((now - self._begin) / self._span, running)
            if self._live is not None:
                self._live.tell(now)


@dataclass(frozen=True)
class Street:
    """A network in both its forms."""

    graph: RoadGraph
    layout: Layout


def run_in_sumo(
    session: Session,
    controller: Any,  # noqa: ANN401
    scenario: Scenario,
    watch: Watch,
    ticker: Ticker,
) -> None:
    """
    Let SUMO switch the lamps itself.

    Parameters
    ----------
    session : Session
        The simulation.
    controller : object
        Its ``on_start`` and ``on_departed`` are called.
    scenario : Scenario
        The window.
    watch : Watch
        Notes.
    ticker : Ticker
        Progress.
    """
    controller.on_start(session)
    each_step = controller.on_departed is not None
    # As many seconds at once as nobody wants to see.
    stride = LOOK_EVERY if watch.observer is None else 1
    now = session.time
    while now < scenario.end:
        session.step(0.0 if each_step else min(now + stride, scenario.end))
        now = session.time
        if (now - scenario.begin) % 1.0 == 0.0:
            watch.observe()
        if each_step:
            controller.on_departed(session)
        watch.steps += 1
        due = (now if each_step else now - scenario.begin) % LOOK_EVERY == 0
        if due or (now >= scenario.end and not each_step):
            watch.look(session)
            ticker.tick(now, watch.running)


@contextmanager
def kept_objects() -> Iterator[None]:
    """Spare the search for garbage what is there now: among a network's many objects it costs some percent of a run."""
    gc.freeze()
    try:
        yield
    finally:
        gc.unfreeze()


def run_adaptive(
    session: Session,
    controller: Any,  # noqa: ANN401
    street: Street,
    scenario: Scenario,
    watch: Watch,
    ticker: Ticker,
    trace: Trace | None = None,
) -> None:
    """
    Sense, decide and switch, second by second.

    Parameters
    ----------
    session : Session
        The simulation.
    controller : object
        Has ``interval`` [s] and ``decide``.
    street : Street
        The network.
    scenario : Scenario
        The window.
    watch : Watch
        Notes.
    ticker : Ticker
        Progress.
    trace : Trace, optional
        Where the decisions of a signal are written down.
    """
    from sim.control.priority import heed  # noqa: PLC0415  (start-up of the CLI)
    from sim.core.guard import new_signals, render, switch  # noqa: PLC0415

    network, layout = street.layout.network, street.layout
    signals = new_signals(network, np.zeros(len(layout.signals), np.int32))
    view = new_view(session, controller, street, scenario)
    controller.reset(network)
    session.watch(layout.watched)
    buttons = PushButtons(session, street.graph, layout, pressed=scenario.pedestrians.call == "button")
    letters = np.zeros(len(network.link_group), np.uint8)
    render(network, signals, letters)
    shown = letters.copy()
    bounds = network.link_ptr.tolist()
    signal_of = np.repeat(np.arange(len(layout.signals)), np.diff(network.link_ptr))
    for s in np.flatnonzero(np.diff(network.stage_ptr)).tolist():
        session.show(layout.signals[s], bytes(shown[bounds[s] : bounds[s + 1]]).decode())
    wish = signals.wanted.copy()
    asked, vacated = np.zeros((2, len(network.yellow)), np.uint8)
    now = session.time
    per_second = max(1, round(1.0 / scenario.step_length))
    # A controller may want to see more often than it decides; who has a priority is not kept waiting for its decisions.
    watch_every = 1 if scenario.priorities else getattr(controller, "watch_every", controller.interval)
    learn = getattr(controller, "watch", lambda *_: None)
    second = 0
    while now < scenario.end:
        for _ in range(per_second):
            session.step()
        now = session.time
        watch.observe()
        begun = time.perf_counter()
        if second % watch_every == 0:
            arrivals, storage = view.see(session)
            waiting = note_demand(network, signals, arrivals, storage)
            buttons.press(now, waiting)
            learn(now, network, signals, arrivals, storage)
        if second % controller.interval == 0:
            wish = controller.decide(now, network, signals, arrivals, storage)
        heeded, granted = heed(network, signals, arrivals, wish, weighs=getattr(controller, "weighs", False))
        if trace is not None and second % controller.interval == 0:
            trace.note(now, signals, arrivals, heeded, granted)
        note_inside(session, layout, signals, asked, vacated)
        asked = switch(network, signals, heeded, waiting, letters)
        changed = np.flatnonzero(letters != shown)
        if len(changed) > 0:
            for s in np.unique(signal_of[changed]).tolist():
                session.show(layout.signals[s], bytes(letters[bounds[s] : bounds[s + 1]]).decode())
            shown[:] = letters
        second += 1
        watch.steps += 1
        watch.control_seconds += time.perf_counter() - begun
        if second % LOOK_EVERY == 0:
            watch.look(session)
            ticker.tick(now, watch.running)


def new_view(session: Session, controller: Any, street: Street, scenario: Scenario) -> FullView:  # noqa: ANN401
    """
    Open the eyes of a controller.

    Parameters
    ----------
    session : Session
        The simulation.
    controller : object
        May have a ``reach`` [m].
    street : Street
        The network.
    scenario : Scenario
        Its sensing, rules of priority and weights.

    Returns
    -------
    FullView
        What it sees, and how much everybody matters.
    """
    from sim.control.priority import Priorities  # noqa: PLC0415  (start-up of the CLI)
    from sim.sensing.view import FullView  # noqa: PLC0415

    weights, ranking = scenario.mode_weights(), None
    if scenario.priorities or set(weights.values()) != {1.0}:
        ranking = Priorities(SumoFleet(session), scenario.rules(), weights)
    reach = float(getattr(controller, "reach", scenario.sensing.range))
    return FullView(street.graph, street.layout, reach, ranking)


def watched_range(scenario: Scenario, controller: Any) -> float:  # noqa: ANN401
    """
    Tell how far upstream of stop lines lanes are watched.

    Parameters
    ----------
    scenario : Scenario
        What it says of sensing, and whether anybody has a priority.
    controller : object
        May have a ``reach``.

    Returns
    -------
    float
        Distance [m].
    """
    from sim.sensing.view import UPSTREAM  # noqa: PLC0415  (start-up of the CLI)

    seen = max(scenario.sensing.range, float(getattr(controller, "reach", 0.0)))
    return max(seen, UPSTREAM) if scenario.priorities else seen


def note_demand(network: Network, signals: Signals, arrivals: Arrivals, storage: Storage) -> Byte:
    """
    Note for the guard which groups are held, and find those that somebody waits for.

    Parameters
    ----------
    network : Network
        The network.
    signals : Signals
        Its ``held`` is set.
    arrivals : Arrivals
        The vehicles.
    storage : Storage
        Room behind the signals.

    Returns
    -------
    Byte
        Shape (G), 1 for a group with a demand.
    """
    from sim.core.held import held_groups  # noqa: PLC0415  (start-up of the CLI)
    from sim.core.sense import waiting_groups  # noqa: PLC0415

    # To hand a kernel its arrays costs more than what it does: most streets have no ring, and seconds nobody at a button.
    if len(network.ring_length) > 0 or (signals.called == PRESSED).any():
        signals.held[:] = held_groups(network, signals, arrivals, storage)
    else:
        signals.held[:] = 0
    return waiting_groups(network, signals, arrivals, storage)


def note_inside(session: Session, layout: Layout, signals: Signals, asked: Byte, vacated: Byte) -> None:
    """
    Note for the guard which groups' vehicles still stand on the junction, or move up to where they wait for the next gap.

    Parameters
    ----------
    session : Session
        The simulation.
    layout : Layout
        The network.
    signals : Signals
        Its ``inside`` is set.
    asked : ndarray
        Shape (groups), 1 for groups that the guard asks for.
    vacated : ndarray
        Shape (groups), 1 for those of them that nobody is left of; changed in place.
    """
    stood = signals.inside.copy()
    signals.inside[:] = 0
    vacated &= asked
    for group in np.flatnonzero(asked > vacated).tolist():
        somebody, stands = session.on_lanes(layout.paths[group])
        # Who stood where nobody waits for a gap has most of his way over the junction before him.
        if stands or (stood[group] and session.on_lanes(layout.direct[group])[0]):
            signals.inside[group] = STANDS
        elif stood[group] and session.on_lanes(layout.to_gap[group])[0]:
            signals.inside[group] = MOVES_UP
        # Nobody comes any more at red: no need to ask again before the next green.
        vacated[group] = not somebody and signals.shown[group] == RED


def timing_rules(scenario: Scenario) -> TimingRules:
    """
    Take the transition times a scenario asks for.

    Parameters
    ----------
    scenario : Scenario
        The scenario.

    Returns
    -------
    TimingRules
        The rules.
    """
    given = scenario.signals

    def number(value: float | str) -> float | None:
        return None if isinstance(value, str) else float(value)

    return TimingRules(
        yellow=number(given.yellow),
        all_red=number(given.all_red),
        red_yellow=number(given.red_yellow),
        minimum_green=given.minimum_green,
        maximum_red=given.maximum_red,
        maximum_walk_wait=scenario.pedestrians.maximum_wait,
    )


def refuse_never_green(graph: RoadGraph, scenario: Scenario) -> None:
    """
    Refuse a demand that uses a movement which its signal never shows green.

    Parameters
    ----------
    graph : RoadGraph
        The network.
    scenario : Scenario
        The demand; only turns that are written out can be checked before the run.

    Raises
    ------
    InputError
        Naming signal, movement and program.
    """
    dead: dict[tuple[str, str], tuple[Signal, Movement]] = {}
    for signal in graph.signals.values():
        for group in signal.groups:
            if not set(group.column) & set("GgsoO"):
                for number in group.movements:
                    m = graph.movements[number]
                    dead.setdefault((m.from_edge, m.to_edge), (signal, m))
    for signal in graph.signals.values():
        for group in signal.groups:
            if set(group.column) & set("GgsoO"):
                for number in group.movements:
                    # Another lane serves the same turn.
                    dead.pop((graph.movements[number].from_edge, graph.movements[number].to_edge), None)
    if not dead:
        return
    for path in scenario.demand:
        turns = written_turns(path)
        for turn, (signal, m) in dead.items():
            if turn in turns:
                msg = (
                    f"{graph.path}: signal '{signal.id}': movement {m.name} (link {m.link}) has no green in program "
                    f"'{signal.program}', but {path.name} sends vehicles there; give it a green or close the lane"
                )
                raise InputError(msg)
