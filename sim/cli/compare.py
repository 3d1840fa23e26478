"""``gruenband compare``: is HEAD worse than BASE, and how sure is that."""

from __future__ import annotations

import dataclasses
import json
import sys
from pathlib import Path  # noqa: TC003 - typer reads the annotation at run time
from typing import TYPE_CHECKING, Annotated, Any

import typer

from sim.cli.options import Debug, Json, refuse

if TYPE_CHECKING:
    from sim.evaluate.comparison import Cell, Comparison


def compare_command(  # noqa: PLR0913, PLR0917 - one argument per option
    base: Annotated[Path, typer.Argument(metavar="BASE", help="Result folder, or a baseline file.")],
    head: Annotated[
        Path | None,
        typer.Argument(
            metavar="[HEAD]",
            help="Result folder, or a baseline file; BASE itself if --base-controller is given.",
            show_default=False,
        ),
    ] = None,
    base_controller: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="Compare every controller of HEAD with this one of BASE."),
    ] = None,
    head_controller: Annotated[
        str | None, typer.Option(metavar="NAME", help="Look only at this controller of HEAD.")
    ] = None,
    metric: Annotated[
        str, typer.Option(help="Figure to compare, any column of 'gruenband results'.")
    ] = "delay",
    tolerance: Annotated[
        str,
        typer.Option(
            help="Difference that does not matter: in the figure's unit, or in per cent of BASE (2%)."
        ),
    ] = "0",
    markdown: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write Markdown for a pull request.")
    ] = None,
    junit: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write JUnit XML for a CI system.")
    ] = None,
    as_json: Json = False,
    debug: Debug = False,  # noqa: ARG001 - main.invoke() looks at it
) -> int:
    """
    Compare two result folders, seed by seed, and fail if traffic became worse.

    Exit code 1 if a cell (scenario, controller, demand scale) is worse, or cells or seeds of BASE are missing in HEAD.
    'gruenband results DIR --baseline FILE' writes a baseline file.
    """
    from sim.evaluate.comparison import Question, Tolerance, compare

    if head is None and base_controller is None:
        refuse(
            "HEAD is missing; name a second folder, or compare controllers of one folder with --base-controller NAME"
        )
    other = base if head is None else head
    question = Question(metric, Tolerance.parse(tolerance), base_controller, head_controller)
    before = _read(base)
    after = before if other == base else _read(other)
    comparison = compare(before, after, question, (str(base), str(other)))
    _write_files(comparison, markdown, junit)
    if as_json:
        sys.stdout.write(json.dumps(_plain(comparison), ensure_ascii=False, allow_nan=False, indent=1) + "\n")
    else:
        from sim.cli.compare_table import show_comparison

        show_comparison(comparison)
    return 0 if comparison.passed else 1


def _read(path: Path) -> list[dict[str, Any]]:
    from sim.cli.options import warn
    from sim.evaluate.baseline import read_runs

    return read_runs(path, warn)


def _write_files(comparison: Comparison, markdown: Path | None, junit: Path | None) -> None:
    from sim.signals.files import write_whole

    if markdown is not None:
        from sim.evaluate.markdown import to_markdown

        write_whole(markdown, to_markdown(comparison).encode())
    if junit is not None:
        from sim.evaluate.junit import to_junit

        write_whole(junit, to_junit(comparison))


def _plain(comparison: Comparison) -> dict[str, Any]:
    question = comparison.question
    return {
        "passed": comparison.passed,
        "base": comparison.base,
        "head": comparison.head,
        "metric": question.metric,
        "more_is_better": question.more_is_better,
        "tolerance": str(question.tolerance),
        "mismatches": comparison.mismatches,
        "notes": comparison.notes,
        "cells": [_plain_cell(cell) for cell in comparison.cells],
    }


def _plain_cell(cell: Cell) -> dict[str, Any]:
    found = dataclasses.asdict(cell.finding)
    for private in ("p_within", "sign"):
        del found[private]
    return {
        "scenario": cell.scenario,
        "controller": cell.controller,
        "base_controller": cell.base_controller,
        "scale": cell.scale,
        "failed": cell.failed,
        **found,
        "relative": cell.relative,
        "of_control_delay": cell.share,
        "faults": cell.faults,
        "notes": cell.notes,
        "seeds": list(cell.values),
    }
