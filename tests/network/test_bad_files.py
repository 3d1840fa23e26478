"""Files that are missing, broken, hostile or something else: one line each that says what and where."""

from __future__ import annotations

import gzip
from typing import TYPE_CHECKING

import pytest

from sim.errors import InputError
from sim.network.graph import RoadGraph

if TYPE_CHECKING:
    from pathlib import Path

BOMB = """<?xml version="1.0"?>
<!DOCTYPE net [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;"><!ENTITY c SYSTEM "file:///etc/passwd">]>
<net version="1.20">&b;&c;</net>"""


def refusal(path: Path, *additional: Path) -> str:
    with pytest.raises(InputError) as caught:
        RoadGraph.from_file(path, additional)
    text = str(caught.value)
    assert "\n" not in text
    assert str(additional[0] if additional else path) in text
    return text


def test_missing_files(crossing: Path, tmp_path: Path) -> None:
    assert "no such network file" in refusal(tmp_path / "gone.net.xml")
    assert "no such additional file" in refusal(crossing, tmp_path / "gone.add.xml")
    assert "no such network file" in refusal(tmp_path)


def test_broken_nets(crossing: Path, tmp_path: Path) -> None:
    broken = tmp_path / "broken.net.xml"
    text = crossing.read_text(encoding="utf-8")
    for content, words in (
        (text[: len(text) // 2], "not well-formed XML"),
        ("", "not well-formed XML"),
        ("no XML", "not well-formed XML"),
        ("<routes><vehicle/></routes>", "its root is <routes>"),
        ('<net version="1.20"/>', "has no edge"),
        (text.replace('incLanes="', 'incLines="'), "not a readable SUMO network"),
        (text.replace('from="wc"', 'from="gone"'), "not a readable SUMO network (KeyError: 'gone')"),
        (text.replace('speed="13.89"', 'speed="fast"'), "could not convert string to float"),
    ):
        broken.write_text(content, encoding="utf-8")
        assert words in refusal(broken)
    broken.write_bytes(bytes(range(256)))
    assert "not well-formed XML" in refusal(broken)
    broken.write_bytes(gzip.compress(text.encode())[:-200])
    assert "cannot be read" in refusal(broken)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
def test_entities_are_refused(crossing: Path, tmp_path: Path, encoding: str) -> None:
    net, additional = tmp_path / "bomb.net.xml", tmp_path / "bomb.add.xml"
    net.write_bytes(BOMB.replace('"1.0"', f'"1.0" encoding="{encoding}"').encode(encoding))
    additional.write_bytes(net.read_bytes().replace(b"<net ", b"<add "))
    assert "document type" in refusal(net)
    assert "document type" in refusal(crossing, additional)
    # A long comment before it does not hide it.
    net.write_text(BOMB.replace("<!DOCTYPE", f"<!--{'x' * 100_000}-->\n<!DOCTYPE"), encoding="utf-8")
    assert "document type" in refusal(net)


def test_unknown_signal_is_answered_with_a_hint(crossing: Path) -> None:
    graph = RoadGraph.from_file(crossing)
    with pytest.raises(InputError, match="no signal 'C'"):
        graph.signal("C")
