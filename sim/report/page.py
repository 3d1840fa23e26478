"""Puts the page together: texts and tables by the template, data for its scripts, one file without a network."""

from __future__ import annotations

import datetime as dt
import shlex
from importlib import resources
from typing import TYPE_CHECKING, Any

from markupsafe import Markup, escape

from sim import __version__
from sim.errors import InputError, near_miss
from sim.evaluate.pairing import write_spans
from sim.evaluate.results import RUNS
from sim.report.answer import answers
from sim.report.diagrams import draw_all
from sim.report.pack import source_hash, to_script
from sim.report.pictures import SAFETY_COLUMNS, TURN_COLUMNS
from sim.report.plain import plain_words
from sim.report.runs import gather, is_kind
from sim.report.words import LANGUAGES, Words, count, name, say, table, write_number

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from sim.report.runs import Row, Situation

# Columns of the table of results with their digits after the point.
RESULT_COLUMNS = (
    ("delay", 1),
    ("control_delay", 1),
    ("floor", 1),
    ("stops", 2),
    ("waiting", 1),
    ("longest_wait", 0),
    ("mean_speed", 1),
    ("undeparted", 1),
    ("gridlocks", 0),
    ("seeds", 0),
)
# What the page calls the figures of a turn that share their name with one of a whole run.
TURN_TERMS = {"delay": "turn_delay", "longest_wait": "turn_wait"}
# The same for the figures of safety of a signal.
SAFETY_TERMS = {"conflicts": "signal_conflicts", "hard_braking": "signal_braking"}
# Figures whose seeds can be looked at one by one.
SEED_FIGURES = ("delay", "control_delay", "stops", "waiting", "longest_wait", "undeparted")
# Columns of the table of modes, safety and emissions; what no run has is left out.
MODE_COLUMNS = (
    ("delay_person", 1),
    ("delay_pedestrian", 1),
    ("delay_bicycle", 1),
    ("delay_tram", 1),
    ("delay_bus", 1),
    ("delay_car", 1),
    ("delay_truck", 1),
    ("pedestrian_wait", 1),
    ("conflicts", 3),
    ("hard_braking", 3),
    ("red_running", 2),
    ("co2", 0),
    ("fuel", 0),
    ("nox", 2),
    ("pmx", 3),
)
MAP_FIGURES = ("road_delay", "saturation", "quality")
SCRIPTS = ("core", "draw", "seeds", "view", "map", "signals", "corridor", "start")
SECTIONS = (
    "answer",
    "plain",
    "results",
    "seeds",
    "map",
    "corridor",
    "signal",
    "queues",
    "modes",
    "definitions",
    "provenance",
)
# Those that need a network.
PICTURES = frozenset({"map", "corridor", "signal", "queues"})


def build_page(
    folder: Path,
    language: str | None = None,
    base: str | None = None,
    on_fault: Callable[[str], None] | None = None,
) -> str:
    """
    Build the report of a result folder.

    Parameters
    ----------
    folder : Path
        Output folder of a batch.
    language : str, optional
        ``de`` or ``en`` at first sight; by default that of the reader's browser. The page holds both.
    base : str, optional
        Controller that the others are compared with; by default the net's own programs, else the first.
    on_fault : callable, optional
        Called with one line for everything that could not be used; the page lists the same lines.

    Returns
    -------
    str
        HTML that needs nothing else.

    Raises
    ------
    InputError
        If the folder holds no runs, or none of the named controller.
    """
    faults: list[str] = []

    def note(line: str) -> None:
        line = " ".join(line.split())
        faults.append(line)
        if on_fault is not None:
            on_fault(line)

    situations, rows = gather(folder, base, note)
    _require(base, situations)
    for situation in situations:
        for cell in situation.cells:
            cell.summary["seeds"] = len(cell.done)
    gallery = draw_all(folder, situations, note)
    pictures = [situation for situation in situations if situation.number in gallery.nets]
    found = answers(situations)
    plain, left_out = plain_words(situations, found)
    present = {
        key
        for situation in situations
        for cell in situation.cells
        for key, value in cell.summary.items()
        if value is not None
    }
    mode_columns = [column for column in MODE_COLUMNS if column[0] in present]
    seed_figures = [key for key in (*SEED_FIGURES, *(key for key, _ in MODE_COLUMNS)) if key in present]
    script = "\n".join(_read("js", f"{part}.js") for part in SCRIPTS)
    style = _read("style.css")
    definitions = table("definitions")
    context: dict[str, Any] = {
        "language": language,
        "title": folder.resolve().name or "results",
        "facts": {"package": __version__},
        "lead": _lead(situations, rows),
        "sections": (
            *(("faults",) if faults else ()),
            *(s for s in SECTIONS if (pictures or s not in PICTURES) and (mode_columns or s != "modes")),
        ),
        "faults": faults,
        "answers": found,
        "plain": plain,
        "plain_left_out": left_out,
        "situations": situations,
        "best": {number for item in found for number in item.best},
        "result_columns": RESULT_COLUMNS,
        "mode_columns": mode_columns,
        "seed_figures": seed_figures,
        "definitions": definitions,
        "provenance": _provenance(folder, rows),
        "data": to_script(_data(situations, gallery.nets, seed_figures)),
        "parts": gallery.parts,
        "pictures": pictures,
        "left_out": gallery.left_out,
        "map_figures": MAP_FIGURES,
        "policy": {"scripts": source_hash(script), "styles": source_hash(style)},
        "script": _verbatim(script),
        "style": _verbatim(style),
        "say": say,
        "name": name,
        "named": _named,
        "unit": _unit,
        "defined": lambda key: _both(definitions[key]["en"], definitions[key]["de"]),
        "number": lambda value, digits: write_number(value, digits, language or "en"),
    }
    return str(_template().render(context))


def _template() -> Any:  # noqa: ANN401  (jinja2 is imported here alone: it costs the CLI's help 0.05 s)
    import jinja2  # noqa: PLC0415

    environment = jinja2.Environment(autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=False)
    return environment.from_string(_read("page.html.j2"))


def _read(*parts: str) -> str:
    return resources.files("sim.report").joinpath(*parts).read_text(encoding="utf-8")


def _verbatim(source: str) -> Markup:
    """Let our own script or style sheet through as it stands; it must not end its element."""
    if "</" in source:
        msg = "a script or style sheet of the report holds '</', which would end it"
        raise ValueError(msg)
    return Markup(source)  # noqa: S704  (ships with the package)


def _both(en: str, de: str) -> Words:
    return Words(escape(en), escape(de))


def _named(key: str) -> Words:
    entry = table("definitions")[key]
    return _both(entry["name_en"], entry["name_de"])


def _unit(key: str) -> Words | None:
    entry = table("definitions")[key]
    return _both(entry["unit"], entry.get("unit_de", entry["unit"])) if entry["unit"] else None


def _require(base: str | None, situations: list[Situation]) -> None:
    if base is None:
        return
    known = {cell.controller for situation in situations for cell in situation.cells}
    ids = {str(cell.summary["controller_id"]) for situation in situations for cell in situation.cells}
    if not any(is_kind(text, base) for text in known | ids):
        msg = f"no run of controller '{base}' in this folder{near_miss(base, known)}"
        raise InputError(msg)


def _lead(situations: list[Situation], rows: list[Row]) -> Words:
    controllers = {cell.controller for situation in situations for cell in situation.cells}
    versions = sorted({str(row["sumo_version"]) for row in rows if row["sumo_version"]})
    return say(
        "lead",
        runs=len(rows),
        situations=count("situations", len(situations)),
        controllers=count("controllers", len(controllers)),
        sumo=", ".join(versions) or "–",
    )


def _provenance(folder: Path, rows: list[Row]) -> list[tuple[Words, Any]]:
    times = []
    for row in rows:
        try:
            times.append((folder / RUNS / str(row["run_key"]) / "kpi.parquet").stat().st_mtime)
        except OSError:
            continue  # told by read_results already, or a copied folder under another name
    stamps = (
        [
            dt.datetime.fromtimestamp(t, dt.UTC).strftime("%Y-%m-%d %H:%M UTC")
            for t in (min(times), max(times))
        ]
        if times
        else []
    )
    seeds = sorted({int(row["seed"]) for row in rows if row["seed"] is not None})
    facts: list[tuple[Words, Any]] = [
        (say("provenance-sumo"), ", ".join(sorted({str(row["sumo_version"] or "?") for row in rows})) or "–"),
        (
            say("provenance-package"),
            ", ".join(sorted({str(row["package_version"] or "?") for row in rows})) or "–",
        ),
        (say("provenance-folder"), name(folder)),
        (say("provenance-seeds"), write_spans(seeds) or "–"),
        (say("provenance-dates"), say("provenance-from", first=stamps[0], last=stamps[1]) if stamps else "–"),
        (say("provenance-made"), dt.datetime.now(dt.UTC).strftime("%Y-%m-%d %H:%M UTC")),
    ]
    facts += [(say("provenance-again"), command) for command in _commands(folder, rows)]
    return facts


def _commands(folder: Path, rows: list[Row]) -> list[Markup]:
    """Write the commands that make the runs of each scenario, and this page, again."""
    commands = []
    for scenario in sorted({str(row["scenario"]) for row in rows}):
        own = [row for row in rows if str(row["scenario"]) == scenario]
        words = ["gruenband", "run", scenario]
        for controller in dict.fromkeys(str(row["controller"]) for row in own):
            words += ["--controller", controller]
        seeds = sorted({int(row["seed"]) for row in own if row["seed"] is not None})
        words += ["--seeds", write_spans(seeds)] if seeds else []
        scales = sorted({float(row["scale"]) for row in own if row["scale"] is not None})
        words += ["--scale", ",".join(f"{scale:g}" for scale in scales)] if scales else []
        words += ["--out", str(folder)]
        commands.append(Markup("<code>{}</code>").format(shlex.join(words)))
    return [*commands, Markup("<code>{}</code>").format(shlex.join(["gruenband", "report", str(folder)]))]


def _data(situations: list[Situation], nets: dict[int, int], figures: list[str]) -> dict[str, Any]:
    """Collect what the scripts of the page draw from."""
    columns = ("seed", "status", "gridlock", "run_key", *figures)
    texts = {
        key: {lang: entry[lang] for lang in LANGUAGES}
        for key, entry in table("texts").items()
        if key.startswith("chart-")
    }
    names = {
        key: {
            "en": entry["name_en"],
            "de": entry["name_de"],
            "unit_en": entry["unit"],
            "unit_de": entry.get("unit_de", entry["unit"]),
        }
        for key, entry in table("definitions").items()
    }
    return {
        "texts": texts,
        "names": names,
        "runColumns": columns,
        "digits": dict((*RESULT_COLUMNS, *MODE_COLUMNS)),
        "turnColumns": [[TURN_TERMS.get(column, column), digits] for column, digits in TURN_COLUMNS],
        "safetyColumns": [[SAFETY_TERMS.get(column, column), digits] for column, digits in SAFETY_COLUMNS],
        "situations": [
            {
                "title": situation.title,
                "net": nets.get(situation.number),
                "cells": [
                    {
                        "number": cell.number,
                        "name": " ".join(cell.controller.split()),
                        "shown": cell.shown["seed"] if cell.shown else None,
                        "runs": [[_short(row.get(column)) for column in columns] for row in cell.runs],
                        "reasons": {
                            row["run_key"]: " ".join(str(row["reason"]).split())
                            for row in cell.runs
                            if row["reason"]
                        },
                    }
                    for cell in situation.cells
                ],
            }
            for situation in situations
        ],
    }


def _short(value: Any) -> Any:  # noqa: ANN401
    return float(f"{value:.5g}") if isinstance(value, float) else value
