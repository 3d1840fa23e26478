"""Pictures of a network and of a signal: lanes, stop lines, crossings, groups, intergreens, stages."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from sim.design.site import FREE, NEVER
from sim.export.picture import POINTS, short

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from sim.design.site import Site
    from sim.network.graph import RoadGraph
    from sim.network.meeting import Point

# Colours of lanes by who may use them, the first that fits.
LANES = (
    (("passenger", "truck", "delivery"), "#6e6e6e", "general traffic"),
    (("bus",), "#b0483a", "buses"),
    (("tram", "rail_urban", "rail"), "#7a4fa3", "trams"),
    (("bicycle",), "#c98a1b", "bicycles"),
    (("pedestrian",), "#b9c4cf", "pedestrians"),
)
HEADS = ("#0b6fb8", "#c23b22", "#2a8c4a", "#8a3ffc", "#b8860b", "#00838f", "#ad1457", "#5d4037")
GREEN, YIELDING, QUIET = "#138a36", "#8fd19e", "#d9d9d9"
# What is seen around the conflict area, how far back names stand [m], most names of signals on one picture.
MARGIN, BACK, MOST_NAMES = 22.0, 7.0, 150
STAGES_IN_A_ROW = 4


def draw_network(graph: RoadGraph) -> Figure:
    """
    Draw a whole network with its signals.

    Parameters
    ----------
    graph : RoadGraph
        The network.

    Returns
    -------
    Figure
        The picture.
    """
    from matplotlib.figure import Figure  # noqa: PLC0415  (start-up of the CLI)
    from matplotlib.lines import Line2D  # noqa: PLC0415

    shapes = [(lane, lane.getShape()) for edge in graph.net.getEdges() for lane in edge.getLanes()]
    box = _box([(p[0], p[1]) for _, shape in shapes for p in shape], 30.0)
    size = _fit(box, 11.0)
    figure = Figure(figsize=(size[0], size[1] + 0.5), facecolor="white")
    axes = figure.add_axes((0.0, 0.0, 1.0, size[1] / (size[1] + 0.5)))
    scale = _frame(axes, box, size)
    seen: dict[str, str] = {}
    for lane, shape in shapes:
        colour, what = _user(lane)
        seen[what] = colour
        axes.plot(
            [p[0] for p in shape],
            [p[1] for p in shape],
            color=colour,
            lw=max(float(lane.getWidth()) * scale * 0.85, 0.5),
            solid_capstyle="butt",
            zorder=1,
        )
    for name, signal in graph.signals.items():
        points = [graph.net.getNode(j).getCoord() for j in signal.junctions if graph.net.hasNode(j)]
        if not points:
            continue
        x, y = (sum(p[k] for p in points) / len(points) for k in (0, 1))
        axes.plot([x], [y], "o", color="#138a36", ms=5, mec="white", mew=0.8, zorder=4)
        if len(graph.signals) <= MOST_NAMES:
            axes.annotate(
                short(name, 18),
                (x, y),
                xytext=(4, 4),
                textcoords="offset points",
                fontsize=7,
                parse_math=False,
                zorder=5,
                bbox={"facecolor": "white", "edgecolor": "none", "alpha": 0.8, "pad": 0.6},
            )
    _scale_bar(axes, box)
    handles: list[Any] = [Line2D([], [], color=c, lw=3, label=what) for what, c in seen.items()]
    handles.append(Line2D([], [], color="#138a36", marker="o", lw=0, label="signal"))
    figure.legend(handles=handles, loc="upper right", ncols=len(handles), fontsize=7, frameon=False)
    title = f"{graph.path.name}  ·  {len(graph.signals)} signals"
    figure.text(0.01, 1 - 0.28 / (size[1] + 0.5), title, fontsize=11, weight="bold", parse_math=False)
    return figure


def draw_signal(graph: RoadGraph, site: Site, stages: Sequence[str]) -> Figure:
    """
    Draw a signal: its lanes with stop lines, crossings and groups, its intergreen matrix, its stages.

    Parameters
    ----------
    graph : RoadGraph
        The network.
    site : Site
        The signal.
    stages : sequence of str
        SUMO's state of each stage in order; may be empty.

    Returns
    -------
    Figure
        The picture.
    """
    from matplotlib.figure import Figure  # noqa: PLC0415  (start-up of the CLI)

    box = _box([p for stream in site.streams for p in stream.path], MARGIN)
    plan = _fit(box, 7.0)
    side = max(0.26 * len(site.heads) + 0.8, 2.2)
    columns = min(len(stages), STAGES_IN_A_ROW)
    width = max(plan[0] + side + 0.6, 2.6 * columns)
    near = _box([p for stream in site.streams for p in stream.path], 6.0)
    small = _fit(near, width / max(columns, 1) - 0.2) if columns else (0.0, 0.0)
    rows = math.ceil(len(stages) / STAGES_IN_A_ROW)
    below = rows * (small[1] + 0.35)
    above = 0.5
    height = above + max(plan[1], side + 0.5) + below + 0.2
    figure = Figure(figsize=(width, height), facecolor="white")
    top = height - above
    axes = figure.add_axes((0.1 / width, (top - plan[1]) / height, plan[0] / width, plan[1] / height))
    scale = _frame(axes, box, plan)
    _roads(axes, graph, site, scale)
    _paths(axes, site, scale)
    _names(axes, site)
    _scale_bar(axes, box)
    cell = figure.add_axes(
        ((plan[0] + 0.6) / width, (top - side - 0.3) / height, (side - 0.3) / width, (side - 0.3) / height)
    )
    _matrix(cell, site)
    for k, state in enumerate(stages):
        column, row = k % STAGES_IN_A_ROW, k // STAGES_IN_A_ROW
        left = 0.1 + column * (small[0] + 0.2)
        bottom = below - (row + 1) * (small[1] + 0.35) + 0.1
        one = figure.add_axes((left / width, bottom / height, small[0] / width, small[1] / height))
        _stage(one, site, state, _frame(one, near, small))
        one.set_title(f"stage (Phase) {k + 1}", fontsize=8, pad=2)
    figure.text(
        0.1 / width,
        1 - 0.3 / height,
        f"{graph.path.name}  ·  {site.id}",
        fontsize=11,
        weight="bold",
        parse_math=False,
    )
    return figure


def _box(points: Sequence[Point], margin: float) -> tuple[float, float, float, float]:
    xs, ys = [p[0] for p in points], [p[1] for p in points]
    return min(xs) - margin, min(ys) - margin, max(xs) + margin, max(ys) + margin


def _fit(box: tuple[float, float, float, float], longest: float) -> tuple[float, float]:
    """Give a picture's size [inch] whose longer side is given."""
    wide, high = box[2] - box[0], box[3] - box[1]
    factor = longest / max(wide, high)
    return max(wide * factor, 0.5), max(high * factor, 0.5)


def _frame(axes: Axes, box: tuple[float, float, float, float], size: tuple[float, float]) -> float:
    """Set the limits and give points per metre."""
    axes.set_xlim(box[0], box[2])
    axes.set_ylim(box[1], box[3])
    axes.set_aspect("equal")
    axes.set_axis_off()
    return float(min(size[0] / (box[2] - box[0]), size[1] / (box[3] - box[1])) * POINTS)


def _user(lane: Any) -> tuple[str, str]:  # noqa: ANN401  (sumolib is untyped)
    for users, colour, what in LANES:
        if any(lane.allows(user) for user in users):
            return colour, what
    return "#d0d0d0", "nobody"


def _roads(axes: Axes, graph: RoadGraph, site: Site, scale: float) -> None:
    nodes = {stream.node for stream in site.streams}
    for name in sorted(nodes):
        if not graph.net.hasNode(name):
            continue
        node = graph.net.getNode(name)
        shape = node.getShape()
        if len(shape) > 2:
            axes.fill([p[0] for p in shape], [p[1] for p in shape], color="#c9c9c9", zorder=1, lw=0)
        for edge in (*node.getIncoming(), *node.getOutgoing()):
            for lane in edge.getLanes():
                points = lane.getShape()
                axes.plot(
                    [p[0] for p in points],
                    [p[1] for p in points],
                    color=_lighter(_user(lane)[0]),
                    lw=float(lane.getWidth()) * scale * 0.93,
                    solid_capstyle="butt",
                    zorder=1.5,
                )
    for lane in sorted({stream.lane for stream in site.streams if not stream.on_foot}):
        shape, wide = graph.net.getLane(lane).getShape(), float(graph.net.getLane(lane).getWidth()) / 2.0
        (ax, ay), (bx, by) = shape[-2][:2], shape[-1][:2]
        far = math.hypot(bx - ax, by - ay) or 1.0
        nx, ny = -(by - ay) / far * wide, (bx - ax) / far * wide
        axes.plot(
            [bx - nx, bx + nx], [by - ny, by + ny], color="black", lw=1.8, zorder=4, solid_capstyle="butt"
        )


def _lighter(colour: str) -> str:
    parts = [int(colour[k : k + 2], 16) for k in (1, 3, 5)]
    return "#" + "".join(f"{round(255 - (255 - part) * 0.45):02x}" for part in parts)


def _paths(axes: Axes, site: Site, scale: float) -> None:
    for k, head in enumerate(site.heads):
        for s in head.streams:
            path = site.streams[s].path
            xs, ys = [p[0] for p in path], [p[1] for p in path]
            if head.on_foot:
                axes.plot(xs, ys, color="white", lw=3.0 * scale, solid_capstyle="butt", zorder=2)
                axes.plot(
                    xs,
                    ys,
                    color="#556",
                    lw=2.6 * scale,
                    ls=(0, (0.18, 0.18)),
                    dash_capstyle="butt",
                    zorder=2.1,
                )
            else:
                colour = HEADS[k % len(HEADS)]
                axes.plot(xs, ys, color=colour, lw=1.1, zorder=3)
                _arrow(axes, path, colour)


def _arrow(axes: Axes, path: Sequence[Point], colour: str) -> None:
    axes.annotate(
        "",
        xy=path[-1],
        xytext=path[-2],
        zorder=3.1,
        arrowprops={"arrowstyle": "-|>", "color": colour, "lw": 1.1, "shrinkA": 0, "shrinkB": 0},
    )


def _names(axes: Axes, site: Site) -> None:
    for k, head in enumerate(site.heads):
        lanes: dict[str, tuple[Point, Point]] = {}
        for s in head.streams:
            stream = site.streams[s]
            lanes[stream.lane] = (stream.path[0], stream.path[1])
        for begin, then in lanes.values():
            far = math.dist(begin, then) or 1.0
            # Behind the stop line; of a crossing in its middle.
            way = math.dist(begin, then) / 2.0 if head.on_foot else -BACK
            x = begin[0] + (then[0] - begin[0]) / far * way
            y = begin[1] + (then[1] - begin[1]) / far * way
            axes.text(
                x,
                y,
                head.name,
                fontsize=7.5,
                weight="bold",
                color="black" if head.on_foot else HEADS[k % len(HEADS)],
                ha="center",
                va="center",
                zorder=6,
                clip_on=True,
                bbox={"facecolor": "white", "edgecolor": "none", "alpha": 0.85, "pad": 0.8},
            )


def _scale_bar(axes: Axes, box: tuple[float, float, float, float]) -> None:
    wide = box[2] - box[0]
    length = next(s for s in (5000, 2000, 1000, 500, 200, 100, 50, 20, 10, 5, 1) if s <= wide / 4 or s == 1)
    x, y = box[0] + wide * 0.03, box[1] + (box[3] - box[1]) * 0.03
    axes.plot([x, x + length], [y, y], color="black", lw=1.5, zorder=7, solid_capstyle="butt")
    axes.text(x + length / 2, y, f"{length} m", fontsize=7, ha="center", va="bottom", zorder=7)


def _matrix(axes: Axes, site: Site) -> None:
    n = len(site.heads)
    names = [head.name for head in site.heads]
    axes.set_xlim(0, n)
    axes.set_ylim(n, 0)
    axes.set_aspect("equal")
    for i in range(n):
        for j in range(n):
            if i == j:
                colour = "#555555"
            elif site.relation[i, j] == NEVER:
                colour = "#f6c7c1"
            elif site.relation[i, j] != FREE or site.relation[j, i] != FREE:
                colour = "#fbeebd"
            else:
                colour = "#ffffff"
            axes.fill([j, j + 1, j + 1, j], [i, i, i + 1, i + 1], color=colour, lw=0)
            if site.intergreen[i, j] >= 0:
                axes.text(j + 0.5, i + 0.5, str(site.intergreen[i, j]), fontsize=7, ha="center", va="center")
    for k in range(n + 1):
        axes.plot([0, n], [k, k], color="#999", lw=0.4)
        axes.plot([k, k], [0, n], color="#999", lw=0.4)
    axes.set_xticks([k + 0.5 for k in range(n)], names, fontsize=6.5, rotation=90)
    axes.set_yticks([k + 0.5 for k in range(n)], names, fontsize=6.5)
    axes.tick_params(length=0, top=True, labeltop=True, bottom=False, labelbottom=False)
    axes.set_xlabel(
        "intergreens (Zwischenzeiten) [s]: rows clear, columns enter\nred: never together; yellow: one gives way",
        fontsize=6.5,
    )


def _stage(axes: Axes, site: Site, state: str, scale: float) -> None:
    for head in site.heads:
        for s in head.streams:
            stream = site.streams[s]
            letter = state[stream.link] if stream.link < len(state) else "r"
            xs, ys = [p[0] for p in stream.path], [p[1] for p in stream.path]
            going = letter in "Gg"
            colour = (GREEN if letter == "G" else YIELDING) if going else QUIET
            if head.on_foot:
                dashes = (0, (1.0, 0.6)) if going else "-"
                axes.plot(xs, ys, color=colour, lw=max(2.0 * scale, 1.5), ls=dashes, zorder=2 + going)
            else:
                axes.plot(xs, ys, color=colour, lw=1.6 if going else 0.7, zorder=2 + going)
                if going:
                    _arrow(axes, stream.path, colour)
    for head in site.heads:
        if any(state[site.streams[s].link : site.streams[s].link + 1] in {"G", "g"} for s in head.streams):
            begin = site.streams[head.streams[0]].path[0]
            axes.text(
                begin[0],
                begin[1],
                head.name,
                fontsize=6,
                ha="center",
                va="center",
                zorder=6,
                clip_on=True,
                bbox={"facecolor": "white", "edgecolor": "none", "alpha": 0.8, "pad": 0.3},
            )
