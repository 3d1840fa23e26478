"""One plain sentence per fault of a file with settings or a plan."""

from __future__ import annotations

import reprlib
import types
import typing
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, ValidationError

from sim.errors import near_miss

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pydantic_core import ErrorDetails

_MUST_BE = {
    "bool_parsing": "true or false",
    "bool_type": "true or false",
    "dict_type": "a table",
    "finite_number": "a finite number",
    "float_parsing": "a number",
    "float_type": "a number",
    "int_from_float": "a whole number",
    "int_parsing": "a whole number",
    "int_type": "a whole number",
    "model_type": "a table",
    "model_attributes_type": "a table",
    "path_type": "a path in quotes",
    "string_pattern_mismatch": "letters, digits, '.', '_' and '-', beginning with a letter or digit",
    "string_type": "text in quotes",
    "tuple_type": "a list",
}
_WHOLE = {"missing": "is missing", "too_short": "is empty"}
_BOUNDS = {
    "greater_than": ("gt", "above"),
    "greater_than_equal": ("ge", "at least"),
    "less_than": ("lt", "below"),
}
_BOUNDS["less_than_equal"] = ("le", "at most")
TIME_OF_DAY = r"^([01]\d|2[0-3]):[0-5]\d$"
_PATTERNS = {TIME_OF_DAY: "a time from 00:00 to 23:59"}
_SHOWN_CHARACTERS = 40
# Enough of a value to fill that, however large the value is.
_SHORT = reprlib.Repr()
_SHORT.maxstring = _SHORT.maxlong = _SHORT.maxother = 5 * _SHOWN_CHARACTERS


@dataclass(frozen=True)
class Fault:
    """
    One fault of a file.

    ``environment`` marks a fault of the machine (a package that is not installed) and not of the file.
    """

    key: str
    text: str
    environment: bool = False

    def __str__(self) -> str:
        return f"key '{self.key}': {self.text}"


def describe(error: ValidationError, model: type[BaseModel], most: int | None = None) -> list[Fault]:
    """
    Turn the findings of pydantic into faults a traffic engineer can act on.

    Parameters
    ----------
    error : ValidationError
        All findings.
    model : type of BaseModel
        The model that was validated, which tells what keys exist.
    most : int, optional
        How many findings are looked at; all if not given.

    Returns
    -------
    list of Fault
        One fault per key and cause.
    """
    faults: dict[tuple[str, str], Fault] = {}
    for detail in error.errors(include_url=False)[:most]:
        key, owner, inside_union = _locate(detail["loc"], model)
        text = _timing_text(detail) if inside_union else _text(detail, key, owner)
        faults.setdefault((key, text), Fault(key, text))
    found = list(faults.values())
    # pydantic counts only the good items of a list, and so calls a list of bad ones empty as well.
    return [
        fault
        for fault in found
        if fault.text != _WHOLE["too_short"]
        or not any(item.key.startswith(f"{fault.key}[") for item in found)
    ]


def _locate(loc: Iterable[int | str], model: type[BaseModel]) -> tuple[str, type[BaseModel], bool]:
    """Spell the place of a finding as a dotted key and find the model that owns it."""
    key = ""
    owner: type[BaseModel] = model
    annotation: Any = model
    inside_union = False
    for part in loc:
        annotation = _bare(annotation)
        inside = typing.get_origin(annotation)
        if isinstance(part, int):
            key += f"[{part}]"
            if inside is tuple:
                annotation = typing.get_args(annotation)[0]
        elif isinstance(annotation, type) and issubclass(annotation, BaseModel):
            owner = annotation
            key += f".{_plain(part)}" if key else _plain(part)
            field = owner.model_fields.get(part)
            annotation = field.annotation if field else None
        elif inside in {typing.Union, types.UnionType}:
            inside_union = True  # pydantic names the branch of the union here, which is no key
        else:
            key += f".{_plain(part)}"
            if inside is dict:
                annotation = typing.get_args(annotation)[1]
    return key, owner, inside_union


def _bare(annotation: Any) -> Any:  # noqa: ANN401 - what types are made of has no type
    """Take away what says nothing about the keys within: notes, and that there may be nothing."""
    if typing.get_origin(annotation) is typing.Annotated:
        return _bare(typing.get_args(annotation)[0])
    if typing.get_origin(annotation) in {typing.Union, types.UnionType}:
        some = [arg for arg in typing.get_args(annotation) if arg is not type(None)]
        return _bare(some[0]) if len(some) == 1 else annotation
    return annotation


def _plain(part: str) -> str:
    """Cut a key that a stranger chose to one short line."""
    text = part if part.isprintable() else repr(part)[1:-1]
    return text if len(text) <= _SHOWN_CHARACTERS else f"{text[: _SHOWN_CHARACTERS - 1]}…"


def _timing_text(detail: ErrorDetails) -> str:
    return f"must be 'program' or a number of seconds from 0 to 30, not {_shown(detail['input'])}"


def _text(detail: ErrorDetails, key: str, owner: type[BaseModel]) -> str:
    kind, context = detail["type"], detail.get("ctx", {})
    if kind == "extra_forbidden":
        hint = near_miss(key.rpartition(".")[2], owner.model_fields).removeprefix("; ")
        return f"is unknown ({hint})"
    if kind == "value_error":
        return str(context["error"])
    if kind in _WHOLE:
        return _WHOLE[kind]
    rule = str(detail["msg"])
    if kind == "literal_error":
        rule = f"must be {context['expected']}"
    elif kind == "string_pattern_mismatch" and context["pattern"] in _PATTERNS:
        rule = f"must be {_PATTERNS[context['pattern']]}"
    elif kind in _BOUNDS:
        bound, word = _BOUNDS[kind]
        rule = f"must be {word} {context[bound]:g}"
    elif kind in _MUST_BE:
        rule = f"must be {_MUST_BE[kind]}"
    return f"{rule}, not {_shown(detail['input'])}"


def _shown(value: object) -> str:
    text = str(value).lower() if isinstance(value, bool) else _SHORT.repr(value)
    text = " ".join(text.split())
    return text if len(text) <= _SHOWN_CHARACTERS else f"{text[: _SHOWN_CHARACTERS - 1]}…"
