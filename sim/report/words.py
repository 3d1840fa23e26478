"""The words of the report in both its languages, and numbers as each language writes them."""

from __future__ import annotations

import math
import re
import tomllib
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any

from markupsafe import Markup, escape

LANGUAGES = ("en", "de")
# A narrow space that does not break.
# What must not stand alone at the begin of a line.
_UNIT = re.compile(r"\} (s|%|Sekunden|seconds)\b")
_THIN = "\N{NARROW NO-BREAK SPACE}"


@dataclass(frozen=True, slots=True)
class Number:
    """A figure in a sentence, with its digits after the point; None is written as a dash."""

    value: float | None
    digits: int = 1
    sign: bool = False


@dataclass(frozen=True, slots=True)
class Words:
    """A phrase in both languages, already escaped."""

    en: Markup
    de: Markup

    def __html__(self) -> str:
        """Write both; the style sheet shows the one of the page's language."""
        if self.en == self.de:
            return self.en
        return f'<span class="t" lang="en">{self.en}</span><span class="t" lang="de">{self.de}</span>'


@cache
def table(name: str) -> dict[str, dict[str, str]]:
    """
    Read a table of texts that ships with the package.

    Parameters
    ----------
    name : str
        File name in ``sim/report`` without ``.toml``.

    Returns
    -------
    dict of str to dict
        The fields of each entry, ``en`` and ``de`` among them.
    """
    return tomllib.loads(resources.files("sim.report").joinpath(f"{name}.toml").read_text(encoding="utf-8"))


def say(key: str, **values: Any) -> Words:  # noqa: ANN401  (whatever a sentence names)
    """
    Fill a text of ``texts.toml``.

    Parameters
    ----------
    key : str
        Its key.
    **values : str or int or Number or Words
        What stands in its braces; text from files is escaped.

    Returns
    -------
    Words
        The sentence in both languages.
    """
    entry = table("texts")[key]
    en, de = (
        _fill(entry[language], {name: _spell(value, language) for name, value in values.items()})
        for language in LANGUAGES
    )
    return Words(en, de)


def name(text: object) -> Markup:
    """
    Write a name from a file, kept apart from the direction of the text around it.

    Parameters
    ----------
    text : object
        The name.

    Returns
    -------
    Markup
        An escaped ``<bdi>``.
    """
    return Markup("<bdi>{}</bdi>").format(" ".join(str(text).split()))


def join(parts: list[Words], separator: str = " ") -> Words:
    """
    Put phrases behind one another.

    Parameters
    ----------
    parts : list of Words
        The phrases.
    separator : str, optional
        What stands between two.

    Returns
    -------
    Words
        The whole.
    """
    glue = escape(separator)
    return Words(glue.join(part.en for part in parts), glue.join(part.de for part in parts))


def count(what: str, number: int) -> Words:
    """
    Write a number with its noun.

    Parameters
    ----------
    what : str
        ``situations``, ``controllers`` or ``seeds``.
    number : int
        How many.

    Returns
    -------
    Words
        The phrase.
    """
    return say(f"{what}-one") if number == 1 else say(f"{what}-many", count=number)


def write_number(value: float | None, digits: int, language: str, sign: bool = False) -> str:  # noqa: FBT001, FBT002
    """
    Write a number as a language does.

    Parameters
    ----------
    value : float or None
        The number; None becomes a dash.
    digits : int
        Digits after the point.
    language : str
        ``de`` has a decimal comma.
    sign : bool, optional
        Write a plus too.

    Returns
    -------
    str
        The text, with a true minus.
    """
    if value is None or not math.isfinite(value):
        return "–"
    text = f"{value:{'+' if sign else ''},.{digits}f}".replace("-", "−")
    return text.replace(",", _THIN).replace(".", ",") if language == "de" else text


def _fill(text: str, values: dict[str, Markup]) -> Markup:
    bound = _UNIT.sub("}\N{NO-BREAK SPACE}\\1", text)
    return Markup(bound).format(**values)  # noqa: S704  (our own texts, the values are escaped)


def _spell(value: object, language: str) -> Markup:
    if isinstance(value, Words):
        return value.de if language == "de" else value.en
    if isinstance(value, Number):
        return escape(write_number(value.value, value.digits, language, value.sign))
    return escape(value)
