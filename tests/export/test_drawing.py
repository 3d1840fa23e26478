"""Pictures: what is drawn is what the lamps show."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from defusedxml.ElementTree import fromstring
from matplotlib.colors import to_hex

from sim.errors import InputError
from sim.export.drawing import BARS, draw_matrix, draw_program
from sim.export.picture import KINDS, render, short
from sim.signals.lamps import lamps

if TYPE_CHECKING:
    from sim.signals.plan import Plan, SignalPlan


def drawn_bars(signal: SignalPlan) -> np.ndarray:
    """Put the bars of the picture back on a grid of seconds, by their colours and hatches."""
    program = signal.programs[0]
    (axes,) = draw_program(signal, program).axes
    grid = np.zeros((len(signal.groups), program.cycle), np.uint8)
    letters = {(colour, hatch): letter for letter, (colour, hatch, _) in BARS.items()}
    for bars in axes.collections:
        if bars.get_facecolor().size == 0:
            continue
        letter = letters[to_hex(bars.get_facecolor()[0]), bars.get_hatch() or ""]
        for path in bars.get_paths():
            (left, low), (right, high) = path.vertices.min(axis=0), path.vertices.max(axis=0)
            grid[round((low + high) / 2), round(left) : round(right)] = letter
    return grid


def test_the_bars_are_the_lamps(bochum_plan: Plan, cologne_plan: Plan, ring_plan: Plan) -> None:
    for signal in (*bochum_plan.signals[:2], *cologne_plan.signals[:1], *ring_plan.signals):
        shown = lamps(signal, signal.programs[0])
        shown[~np.isin(shown, list(BARS))] = 0
        assert (drawn_bars(signal) == shown).all()


def test_begin_and_end_of_every_green_stand_at_the_bars(bochum_plan: Plan) -> None:
    signal = bochum_plan.signals[8]
    (axes,) = draw_program(signal, signal.programs[0]).axes
    numbers = {part for text in axes.texts for part in text.get_text().split("–")}
    assert {str(green.begin) for green in signal.programs[0].greens} <= numbers
    assert {str(green.end) for green in signal.programs[0].greens} <= numbers


def test_the_matrix_has_the_seconds_in_their_cells(ring_plan: Plan) -> None:
    (signal,) = ring_plan.signals
    (axes,) = draw_matrix(signal).axes
    number = signal.number()
    cells = {
        (int(text.get_position()[1]), int(text.get_position()[0])): int(text.get_text())
        for text in axes.texts
    }
    assert cells == {(number[c.clearing], number[c.entering]): c.seconds for c in signal.intergreens}


def test_pictures_are_files_that_stay_the_same(ring_plan: Plan) -> None:
    (signal,) = ring_plan.signals
    for kind, magic in zip(KINDS, (b"<?xml", b"\x89PNG", b"%PDF"), strict=True):
        one, other = (render(draw_matrix(signal), kind) for _ in range(2))
        assert one == other
        assert one.startswith(magic)
    assert fromstring(render(draw_program(signal, signal.programs[0]), "svg")).tag.endswith("svg")
    with pytest.raises(InputError, match="known: svg, png, pdf"):
        render(draw_matrix(signal), "gif")


def test_a_dollar_sign_is_no_formula_and_long_names_are_cut(ring_plan: Plan) -> None:
    (signal,) = ring_plan.signals
    groups = (signal.groups[0].model_copy(update={"name": "$x$ " + "Fußgänger " * 10}), *signal.groups[1:])
    greens = tuple(
        green.model_copy(update={"group": groups[0].name}) if green.group == signal.groups[0].name else green
        for green in signal.programs[0].greens
    )
    program = signal.programs[0].model_copy(update={"greens": greens})
    named = signal.model_copy(update={"groups": groups, "intergreens": (), "programs": (program,)})
    for figure in (draw_program(named, program), draw_matrix(named)):
        render(figure, "png")
        labels = figure.axes[0].get_yticklabels()
        assert not any(label.get_parse_math() for label in labels)
        assert labels[0].get_text() == short(groups[0].name)
        assert len(labels[0].get_text()) == 40
