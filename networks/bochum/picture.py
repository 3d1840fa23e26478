"""
Draw a net: the whole map, or sheets with every junction.

``python networks/bochum/picture.py NET --map OUT.png`` or ``--junctions FOLDER``.
"""

from __future__ import annotations

import argparse
import math
import xml.etree.ElementTree as ET
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable

GREY, RAIL, BIKE, WALK, BUS = "#6b7075", "#8a3b2a", "#3f7f4f", "#c9c4b4", "#7a5a9a"
AROUND = 45.0  # half the side of a junction's picture [m]


def draw_map(net: Path, out: Path) -> None:
    """
    Draw the whole net with its signals.

    Parameters
    ----------
    net : Path
        The net.
    out : Path
        Picture to write (PNG or SVG).
    """
    plt = _pyplot()
    root = ET.parse(net).getroot()  # noqa: S314 - our own net
    lanes = [lane for lane in _lanes(root) if not lane["internal"]]
    signals = [j for j in root.iter("junction") if j.get("type") == "traffic_light"]
    xs, ys = zip(*(p for lane in lanes for p in lane["shape"]), strict=True)
    wide, high = max(xs) - min(xs) + 200.0, max(ys) - min(ys) + 200.0
    scale = 11.0 / max(wide, high)
    figure, axes = plt.subplots(figsize=(max(4.0, wide * scale), max(4.0, high * scale)), dpi=100)
    for lane in lanes:
        if lane["kind"] != "walk":
            axes.plot(
                *zip(*lane["shape"], strict=True), color=lane["color"], linewidth=0.8, solid_capstyle="butt"
            )
    for junction in signals:
        x, y = float(junction.get("x", "0")), float(junction.get("y", "0"))
        axes.plot([x], [y], "o", color="#b00020", markersize=3.5)
        axes.annotate(junction.get("id", ""), (x, y), xytext=(4, 3), textcoords="offset points", fontsize=7)
    axes.set_aspect("equal")
    axes.axis("off")
    left, low = min(xs), min(ys) - 60.0
    axes.plot([left, left + 500.0], [low, low], color="black", linewidth=2)
    axes.annotate("500 m", (left, low), xytext=(0, 4), textcoords="offset points", fontsize=8)
    metadata = {"Software": None} if out.suffix == ".png" else {"Date": None}
    figure.savefig(out, bbox_inches="tight", metadata=metadata)
    plt.close(figure)


def draw_junctions(net: Path, folder: Path) -> list[Path]:
    """
    Draw every signalised junction, six on a sheet.

    Parameters
    ----------
    net : Path
        The net.
    folder : Path
        Where the sheets go.

    Returns
    -------
    list of Path
        The sheets.
    """
    plt = _pyplot()
    root = ET.parse(net).getroot()  # noqa: S314 - our own net
    lanes = list(_lanes(root))
    signals = [j for j in root.iter("junction") if j.get("type") == "traffic_light"]
    signals.sort(key=lambda j: j.get("id", ""))
    folder.mkdir(parents=True, exist_ok=True)
    sheets = []
    for first in range(0, len(signals), 6):
        figure, grid = plt.subplots(2, 3, figsize=(18, 12), dpi=80)
        for axes in grid.flat:
            axes.axis("off")
        for axes, junction in zip(grid.flat, signals[first : first + 6], strict=False):
            _draw_junction(axes, junction, lanes)
        sheet = folder / f"junctions-{first // 6 + 1}.png"
        figure.tight_layout()
        figure.savefig(sheet)
        plt.close(figure)
        sheets.append(sheet)
    return sheets


def _draw_junction(axes: Any, junction: ET.Element, lanes: Iterable[dict[str, Any]]) -> None:  # noqa: ANN401
    x, y = float(junction.get("x", "0")), float(junction.get("y", "0"))
    points = _points(junction.get("shape", ""))
    if points:
        axes.fill(*zip(*points, strict=True), color="#e3e3e0", zorder=0)
    for lane in lanes:
        if all(math.hypot(px - x, py - y) > 2.2 * AROUND for px, py in lane["shape"]):
            continue
        if lane["kind"] == "area":
            axes.fill(*zip(*lane["shape"], strict=True), color=WALK, alpha=0.6, zorder=1)
        elif lane["kind"] == "crossing":
            _band(axes, lane, "white", 0.9, 3)
            _band(axes, lane, "#d9a300", 0.5, 3)
        elif lane["internal"]:
            axes.plot(*zip(*lane["shape"], strict=True), color=lane["color"], linewidth=1.1, zorder=4)
        else:
            _band(axes, lane, lane["color"], 0.75, 2)
            (ax, ay), (bx, by) = lane["shape"][-2:]
            if math.hypot(bx - x, by - y) < AROUND and lane["kind"] != "walk":
                size = max(0.1, math.hypot(bx - ax, by - ay))
                axes.annotate(lane["turns"], (bx - 6 * (bx - ax) / size, by - 6 * (by - ay) / size),
                              color="white", fontsize=7, ha="center", va="center", zorder=5)  # fmt: skip
    axes.set_xlim(x - AROUND, x + AROUND)
    axes.set_ylim(y - AROUND, y + AROUND)
    axes.set_aspect("equal")
    axes.set_title(junction.get("id", ""))


def _band(axes: Any, lane: dict[str, Any], color: str, alpha: float, order: int) -> None:  # noqa: ANN401
    half = lane["width"] / 2.0 - 0.1
    left, right = [], []
    shape = lane["shape"]
    for number, (px, py) in enumerate(shape):
        (ax, ay), (bx, by) = shape[max(0, number - 1)], shape[min(len(shape) - 1, number + 1)]
        size = math.hypot(bx - ax, by - ay) or 1.0
        nx, ny = -(by - ay) / size, (bx - ax) / size
        left.append((px + nx * half, py + ny * half))
        right.append((px - nx * half, py - ny * half))
    axes.fill(*zip(*left, *right[::-1], strict=True), color=color, alpha=alpha, zorder=order, linewidth=0)


def _lanes(root: ET.Element) -> Iterable[dict[str, Any]]:
    turns: dict[tuple[str, str], str] = {}
    for connection in root.iter("connection"):
        key = (connection.get("from", ""), connection.get("fromLane", ""))
        turns[key] = "".join(sorted(set(turns.get(key, "") + connection.get("dir", ""))))
    for edge in root.iter("edge"):
        function = edge.get("function", "")
        for lane in edge.iter("lane"):
            allow = lane.get("allow", "")
            kind = {"walkingarea": "area", "crossing": "crossing"}.get(function, "car")
            if kind == "car" and allow:
                first = allow.split()[0]
                kind = {"pedestrian": "walk", "bicycle": "cycle", "tram": "tram"}.get(first, "bus")
            yield {
                "shape": _points(lane.get("shape", "")),
                "width": float(lane.get("width", "3.2")),
                "internal": function == "internal",
                "kind": kind,
                "color": {"walk": WALK, "cycle": BIKE, "tram": RAIL, "bus": BUS}.get(kind, GREY),
                "turns": turns.get((edge.get("id", ""), lane.get("index", "")), ""),
            }


def _points(text: str) -> list[tuple[float, float]]:
    return [(float(p.split(",")[0]), float(p.split(",")[1])) for p in text.split()]


def _pyplot() -> Any:  # noqa: ANN401
    import matplotlib as mpl  # noqa: PLC0415

    mpl.use("Agg")
    from matplotlib import pyplot as plt  # noqa: PLC0415

    return plt


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("net", type=Path)
    parser.add_argument("--map", type=Path)
    parser.add_argument("--junctions", type=Path)
    wish = parser.parse_args()
    if wish.map:
        draw_map(wish.net, wish.map)
    if wish.junctions:
        print("\n".join(map(str, draw_junctions(wish.net, wish.junctions))))
