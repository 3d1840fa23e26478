"""Data for the page's scripts: JSON that cannot leave its script element, large parts packed."""

from __future__ import annotations

import base64
import gzip
import hashlib
import json
import math

from markupsafe import Markup

# What could end a script element, or begin a comment in it.
_ESCAPES = {ord(c): f"\\u{ord(c):04x}" for c in "<>&"}


def to_script(data: object) -> Markup:
    """
    Write data as JSON for a script element.

    Parameters
    ----------
    data : object
        Dictionaries, lists, text, numbers.

    Returns
    -------
    Markup
        JSON without ``<``, ``>`` and ``&``; numbers that JSON does not know become null.
    """
    return Markup(_json(data).translate(_ESCAPES))  # noqa: S704  (escaped here)


def packed(data: object) -> str:
    """
    Write data as JSON, gzipped, in base64; the page unpacks it when it is looked at.

    Parameters
    ----------
    data : object
        Dictionaries, lists, text, numbers.

    Returns
    -------
    str
        ASCII letters; equal for equal data.
    """
    return base64.b64encode(gzip.compress(_json(data).encode("ascii"), 9, mtime=0)).decode("ascii")


def source_hash(text: str) -> str:
    """
    Compute what a Content-Security-Policy calls a script or a style sheet.

    Parameters
    ----------
    text : str
        Everything between the tags.

    Returns
    -------
    str
        ``'sha256-…'`` with its quotes.
    """
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode('ascii')}'"


def _json(data: object) -> str:
    try:
        return json.dumps(data, separators=(",", ":"), allow_nan=False)
    except ValueError:
        return json.dumps(_plain(data), separators=(",", ":"), allow_nan=False)


def _plain(value: object) -> object:
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, dict):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    return value
