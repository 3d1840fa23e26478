"""What all pictures share: names and their widths, and files that stay the same."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

from sim.errors import InputError

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

POINTS = 72.0
KINDS = ("svg", "png", "pdf")
# Longer names are cut in pictures [characters].
LONGEST_NAME = 40


def inches(axes: Axes) -> tuple[float, float]:
    """
    Measure the picture that axes are in.

    Parameters
    ----------
    axes : Axes
        The axes.

    Returns
    -------
    tuple of float
        Width and height [inch].
    """
    figure: Any = axes.get_figure(root=True)
    width, height = figure.get_size_inches()
    return float(width), float(height)


def no_formulas(axes: Axes) -> None:
    """
    Take dollar signs in the labels of axes for what they are.

    Parameters
    ----------
    axes : Axes
        The axes.
    """
    for tick in (*axes.xaxis.get_major_ticks(), *axes.yaxis.get_major_ticks()):
        tick.label1.set_parse_math(False)
        tick.label2.set_parse_math(False)


def short(name: str, longest: int = LONGEST_NAME) -> str:
    """
    Cut a name that is too long for a picture.

    Parameters
    ----------
    name : str
        The name.
    longest : int, optional
        What is left of it at most [characters].

    Returns
    -------
    str
        The name, or its begin and end.
    """
    tail = longest // 3
    return name if len(name) <= longest else f"{name[: longest - tail - 1]}…{name[-tail:]}"


def text_width(text: str, size: float) -> float:
    """
    Measure a text.

    Parameters
    ----------
    text : str
        The text.
    size : float
        Of the font [pt].

    Returns
    -------
    float
        Its width [pt].
    """
    from matplotlib.font_manager import FontProperties  # noqa: PLC0415  (start-up of the CLI)
    from matplotlib.textpath import text_to_path  # noqa: PLC0415

    font = FontProperties(family="DejaVu Sans", size=size)
    return float(text_to_path.get_text_width_height_descent(text, font, ismath=False)[0])


def render(figure: Figure, kind: str) -> bytes:
    """
    Make a file of a picture; the same picture gives the same bytes.

    Parameters
    ----------
    figure : Figure
        The picture.
    kind : str
        ``svg``, ``png`` or ``pdf``.

    Returns
    -------
    bytes
        Content of the file.

    Raises
    ------
    InputError
        If the kind is another one.
    """
    import matplotlib as mpl  # noqa: PLC0415  (start-up of the CLI)

    if kind not in KINDS:
        msg = f"no pictures of kind '{kind}'; known: {', '.join(KINDS)}"
        raise InputError(msg)
    metadata = {"svg": {"Date": None}, "pdf": {"CreationDate": None}, "png": {}}[kind]
    buffer = io.BytesIO()
    settings = {"font.family": "DejaVu Sans", "svg.hashsalt": "gruenband", "pdf.fonttype": 42}
    with mpl.rc_context(settings):
        figure.savefig(buffer, format=kind, dpi=150, metadata=metadata)
    return buffer.getvalue()
