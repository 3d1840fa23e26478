"""A small town as OpenStreetMap has it: two signals, one of them outside the district of Mitte."""

from __future__ import annotations

from xml.sax.saxutils import quoteattr

# Degrees of one street block, about 220 m.
STEP = 0.002
WEST, SOUTH = 7.2, 51.48


def town(*, signals: bool = True, broken: bool = False) -> str:
    """Write a grid of 5 by 3 nodes; the signals stand at the second and fourth node of the middle street."""
    lines = ['<?xml version="1.0" encoding="UTF-8"?>', '<osm version="0.6" generator="test">']
    number = {(i, j): 1 + i + 10 * j for i in range(5) for j in range(3)}
    lights = {(1, 1), (3, 1)} if signals else set()
    for (i, j), k in number.items():
        place = f'id="{k}" version="1" lat="{SOUTH + j * STEP:.6f}" lon="{WEST + i * STEP:.6f}"'
        if (i, j) in lights:
            lines.append(f'<node {place}><tag k="highway" v="traffic_signals"/></node>')
        else:
            lines.append(f"<node {place}/>")
    corners = {101: (-0.5, -0.5), 102: (2.0, -0.5), 103: (2.0, 2.5), 104: (-0.5, 2.5)}
    for k, (i, j) in corners.items():
        lines.append(f'<node id="{k}" version="1" lat="{SOUTH + j * STEP:.6f}" lon="{WEST + i * STEP:.6f}"/>')
    main = {"highway": "primary", "name": "Herner Straße", "lanes": "4", "maxspeed": "50"}
    side = {"highway": "secondary", "name": "Querstraße", "maxspeed": "50"}
    lines += _way(1001, [number[i, 1] for i in range(5)], main)
    lines += _way(1002, [number[1, j] for j in range(3)], side)
    lines += _way(1003, [number[3, j] for j in range(3)], side)
    lines += _way(1004, [101, 102, 103, *([] if broken else [104, 101])], {})
    lines += [
        '<relation id="1" version="1"><member type="way" ref="1004" role="outer"/>',
        '<tag k="type" v="boundary"/><tag k="boundary" v="administrative"/><tag k="name" v="Mitte"/></relation>',
        '<relation id="2" version="1"><member type="way" ref="9999" role="from"/>',
        '<member type="node" ref="12" role="via"/><member type="way" ref="1001" role="to"/>',
        '<tag k="type" v="restriction"/><tag k="restriction" v="no_left_turn"/></relation>',
        "</osm>",
    ]
    return "\n".join(lines) + "\n"


def _way(number: int, nodes: list[int], tags: dict[str, str]) -> list[str]:
    return [
        f'<way id="{number}" version="1">',
        *(f'<nd ref="{node}"/>' for node in nodes),
        *(f'<tag k="{key}" v={quoteattr(value)}/>' for key, value in tags.items()),
        "</way>",
    ]
