"""Which runs a batch consists of."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sim.evaluate.results import FLOOR_CONTROLLER

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sim.control.spec import ControllerSpec
    from sim.run import RunTask
    from sim.scenario.model import Scenario


def plan_batch(
    scenarios: Sequence[Scenario],
    controllers: Sequence[ControllerSpec] | None = None,
    seeds: Sequence[int] | None = None,
    scales: Sequence[float] | None = None,
) -> list[RunTask]:
    """
    List the runs of a batch: scenario x scale x seed x controller, and one floor run for each of the former.

    Parameters
    ----------
    scenarios : sequence of Scenario
        The traffic situations.
    controllers : sequence of ControllerSpec, optional
        Controllers for every scenario; None takes those that each scenario names.
    seeds : sequence of int, optional
        Seeds for every scenario; None takes those of each scenario.
    scales : sequence of float, optional
        Factors on the demand; None takes those of each scenario.

    Returns
    -------
    list of RunTask
        Every run once. All runs of a seed stand together, so that a batch that is cut short has complete
        comparisons on the seeds it reached.

    Raises
    ------
    InputError
        If a scenario names an unknown controller.
    """
    from sim.control.registry import parse_controller  # noqa: PLC0415  (loads the kernels)
    from sim.run import RunTask  # noqa: PLC0415

    floor = parse_controller(FLOOR_CONTROLLER)
    tasks: dict[tuple[str, str, int, float], RunTask] = {}
    for scenario in scenarios:
        chosen = (
            [parse_controller(text) for text in scenario.controllers] if controllers is None else controllers
        )
        content = scenario.model_dump_json()
        for scale in scenario.scales if scales is None else scales:
            for seed in scenario.seeds if seeds is None else seeds:
                for controller in (floor, *chosen):
                    task = RunTask(scenario=scenario, controller=controller, seed=seed, scale=scale)
                    tasks.setdefault((content, controller.to_json(), seed, scale), task)
    return list(tasks.values())
