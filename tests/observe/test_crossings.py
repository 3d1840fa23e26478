"""How long people wait at crossings, and before which one they stand."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sim.core.bodies import STANDING
from sim.observe.crossings import Kerbs, edges_on_foot
from sim.sumo.scene import Scene
from sim.sumo.session import Session

if TYPE_CHECKING:
    from pathlib import Path


def test_who_decides_for_the_other_crossing_of_a_corner_waits_before_that_one(
    junction: Path, tmp_path: Path
) -> None:
    """On the way to the opposite corner SUMO's walkers take whichever crossing opens first, and change their minds."""
    demand = tmp_path / "d.rou.xml"
    persons = "".join(
        f'<person id="p{k}" type="w" depart="{7 * k}" departPos="10"><walk from="CE" to="NC"/></person>'
        for k in range(30)
    )
    demand.write_text(f'<routes><vType id="w" vClass="pedestrian"/>{persons}</routes>', encoding="utf-8")
    session = Session(
        ["-n", str(junction), "-r", str(demand), "--no-step-log", "true"], tmp_path / "errors.log"
    )
    with session.until_done():
        session.step()
        scene = Scene(session)
        on_foot, crossings = edges_on_foot(scene.names)
        kerbs = Kerbs(scene, {}, crossings)
        since: dict[str, float] = {}
        before: dict[str, str] = {}
        left: dict[str, tuple[str, float]] = {}  # the first of two crossings for most of them
        changes = 0
        for _ in range(400):
            session.step()
            walkers = scene.walkers(on_foot)
            kerbs.look(session.time, walkers, {})
            standing = set()
            for person, edge, speed in walkers:
                if edge in crossings:
                    if person in since:
                        left.setdefault(person, (edge, session.time - since[person]))
                    continue
                if person not in since and (speed >= STANDING or scene.next_edge(person) not in crossings):
                    continue
                since.setdefault(person, session.time)
                ahead = scene.next_edge(person)
                if person not in left:
                    standing.add(ahead)
                    changes += int(before.get(person, ahead) != ahead)
                    before[person] = ahead
            assert standing <= kerbs.waiting()
        rows = kerbs.finish(session.time, {})
    assert changes > 0
    assert {(person, *at) for person, at in left.items()} <= {(row[0], row[3], row[5]) for row in rows}
