"""
A generated city as flat arrays, of any number of signals: what a controller sees in one second, without SUMO.

Signals stand on a square grid. Each has four approaches of two lanes (through and right; left), eight groups, four
stages (two with permitted left turns, two for left turns alone) and ten vehicles an approach. Vehicles are drawn with a
seed, read by the kernel that reads those of a run, and the lamps are what the guard made of a minute of random wishes.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from sim.core.arrays import GREEN, OFF, PERMISSIVE, PROTECTED, Arrivals, Network, Signals, Storage
from sim.core.guard import new_signals, switch
from sim.core.sense import sense
from sim.core.travel import PACE, Memory, Routes, Vehicles, new_memory

SIDES, LANES, TURNS, STAGES = 4, 2, 3, 4  # sides clockwise; turns: right, through, left
GROUPS, MOVEMENTS = SIDES * LANES, SIDES * TURNS  # of one signal
VEHICLES = 10  # on each approach
SPEED, TURN_SPEED = 13.89, 8.0  # m/s
SPACE = 7.5  # m
LENGTHS = (150.0, 290.0)  # m, of an approach
HEADWAYS, CROSSINGS = (2.3, 1.96, 2.2), (12.0, 20.0, 25.0)  # s and m, by turn
YELLOW, RED_YELLOW, MINIMUM_GREEN, INTERGREEN, MAXIMUM_RED = 3, 1, 5, 5, 120  # s
REACH = 300.0  # m
MINUTE = 60
SHARES = (0.2, 0.6, 0.2)  # of the turns
SEED = 1


class City(NamedTuple):
    """One second of it."""

    network: Network
    signals: Signals
    arrivals: Arrivals
    storage: Storage
    waiting: np.ndarray


def whole(values: object) -> np.ndarray:
    """Give an array of the kernels' whole numbers."""
    return np.ascontiguousarray(values, np.int32)


def pointer(rows: int, size: int) -> np.ndarray:
    """Point at rows of one size."""
    return whole(np.arange(rows + 1) * size)


def exits_of(count: int) -> tuple[np.ndarray, int]:
    """
    Find the edge that each movement leads to, shape (signals, sides, turns), and the number of edges.

    Edge 4 s + d ends at signal s on side d. Those that leave the city come behind.
    """
    columns = int(np.ceil(np.sqrt(count)))
    number = np.arange(count)
    row, column = number // columns, number % columns
    neighbour = np.stack([number - columns, number + 1, number + columns, number - 1], axis=1)
    there = np.stack([row > 0, column < columns - 1, neighbour[:, 2] < count, column > 0], axis=1)
    there &= neighbour < count
    leaving = np.cumsum(~there.ravel()).reshape(there.shape) - 1 + SIDES * count
    opposite = (np.arange(SIDES) + 2) % SIDES
    edge = np.where(there, SIDES * neighbour + opposite, leaving)
    # Who comes from the north leaves to the right in the west, and to the left in the east.
    side = (np.arange(SIDES)[:, None] + np.array([3, 2, 1])) % SIDES
    return edge[:, side], SIDES * count + int((~there).sum())


def stage_table() -> np.ndarray:
    """Write what each stage shows each group of one signal."""
    shows = np.full((STAGES, SIDES, LANES), OFF, np.uint8)
    for axis in range(2):
        shows[2 * axis, axis::2] = (PROTECTED, PERMISSIVE)
        shows[2 * axis + 1, axis::2, 1] = PROTECTED
    return shows


def build_network(count: int, draw: np.random.Generator) -> Network:
    """Lay the streets out."""
    edge, edges = exits_of(count)
    movements = MOVEMENTS * count
    stop_lanes = SIDES * LANES * count
    into = np.array([0, 0, 1])  # right and through begin and end on the right lane
    number = np.arange(movements).reshape(count, SIDES, TURNS)
    approach = SIDES * np.arange(count)[:, None, None] + np.arange(SIDES)[:, None]
    lane = LANES * approach + into
    exit_lane = LANES * edge + into
    side = np.repeat(np.arange(SIDES), LANES)
    left = np.tile(np.arange(LANES), SIDES) == 1
    meets = (side[:, None] - side) % 2 == 1
    oncoming = (side[:, None] - side) % SIDES == 2
    shows = stage_table().reshape(STAGES, GROUPS)
    outer = LANES * edges
    nowhere = np.full(outer, -1)
    lengths = np.repeat(draw.uniform(*LENGTHS, edges), LANES)
    # Lanes have two movements and one, in turn, and the movements stand in the order of the lanes.
    ends = whole(np.concatenate([[0], np.cumsum(np.tile([2, 1], stop_lanes // LANES))]))

    def each(value: object, size: int = GROUPS, kind: type = np.int32) -> np.ndarray:
        return np.tile(np.broadcast_to(np.asarray(value, kind), size), count)

    return Network(
        group_ptr=pointer(count, GROUPS),
        stage_ptr=pointer(count, STAGES),
        matrix_ptr=pointer(count, GROUPS * GROUPS),
        yellow=each(YELLOW),
        red_yellow=each(RED_YELLOW),
        minimum_green=each(MINIMUM_GREEN),
        minimum_red=each(1),
        maximum_red=each(MAXIMUM_RED),
        group_vehicles=each(1, kind=np.uint8),
        intergreen=each(np.where(meets, INTERGREEN, -1).ravel(), GROUPS * GROUPS),
        yields=each((oncoming & left[:, None] & ~left).ravel(), GROUPS * GROUPS, np.uint8),
        stage_matrix_ptr=pointer(count, shows.size),
        stage_shows=each(shows.ravel(), shows.size, np.uint8),
        stage_arrow=np.zeros(count * shows.size, np.uint8),
        link_ptr=pointer(count, MOVEMENTS),
        link_group=whole(lane.ravel()),  # one group for each lane, in the same order
        dark=each(0, kind=np.uint8),
        movement_signal=whole(np.repeat(np.arange(count), MOVEMENTS)),
        movement_group=whole(lane.ravel()),
        movement_lane=whole(lane.ravel()),
        movement_exit=whole(exit_lane.ravel()),
        movement_headway=each(HEADWAYS * SIDES, MOVEMENTS, np.float64),
        movement_crossing=each(CROSSINGS * SIDES, MOVEMENTS, np.float64),
        # The lane over the junction is where who turns left waits for a gap.
        movement_waits=whole(
            np.where(np.tile([False, False, True], movements // TURNS), outer + np.arange(movements), -1)
        ),
        movement_store=each((0, 0, 2) * SIDES, MOVEMENTS),
        movement_users=np.ones(movements, np.int64),
        movement_walk=np.full(movements, -1, np.int32),
        lane_watched=whole(np.arange(stop_lanes)),
        lane_signal=whole(np.repeat(np.arange(count), SIDES * LANES)),
        lane_movement_ptr=ends,
        lane_movement=whole(number.ravel()),
        watched_length=np.concatenate([lengths, each(CROSSINGS * SIDES, MOVEMENTS, np.float64)]),
        watched_speed=np.concatenate(
            [np.full(outer, SPEED), each((TURN_SPEED, SPEED, TURN_SPEED) * SIDES, MOVEMENTS, np.float64)]
        ),
        watched_edge=whole(np.concatenate([np.arange(outer) // LANES, np.full(movements, -1)])),
        watched_before=whole(np.concatenate([nowhere, lane.ravel()])),
        watched_after=whole(np.concatenate([nowhere, exit_lane.ravel()])),
        edge_ring=whole(np.full(edges, -1)),
        ring_length=np.zeros(0),
        turn_movement_ptr=pointer(movements, 1),
        turn_movement=whole(number.ravel()),
        # Nothing is seen upstream of the lanes that end at a stop line.
        ahead_ptr=whole(np.concatenate([ends, np.full(outer + movements - stop_lanes, ends[-1])])),
        ahead_turn=whole(number.ravel()),
        ahead_movement=whole(number.ravel()),
    )


def switch_for_a_minute(network: Network, draw: np.random.Generator) -> Signals:
    """Let the guard carry out random wishes, so that signals stand in every part of a stage and a transition."""
    count = len(network.group_ptr) - 1
    signals = new_signals(network, whole(draw.integers(0, STAGES, count)))
    waiting = (draw.random(len(network.yellow)) < 0.5).astype(np.uint8)
    letters = np.zeros(len(network.link_group), np.uint8)
    wish = signals.wanted.copy()
    for _ in range(MINUTE):
        # A wish is kept for 20 s on the average.
        wish = np.where(draw.random(count) < 0.05, whole(draw.integers(0, STAGES, count)), wish)
        switch(network, signals, wish, waiting, letters)
    return signals


def place_vehicles(network: Network, signals: Signals, draw: np.random.Generator) -> tuple[Vehicles, Memory]:
    """Put queues at the red stop lines and vehicles that drive behind them."""
    approaches = SIDES * (len(network.group_ptr) - 1)
    turn = draw.choice(TURNS, (approaches, VEHICLES), p=SHARES)
    left = turn == TURNS - 1
    # In each row the vehicles stand in their order from the stop line, whatever their lane.
    rank = np.where(left, np.cumsum(left, axis=1), np.cumsum(~left, axis=1)) - 1
    lane = LANES * np.arange(approaches)[:, None] + left
    red = signals.shown[: LANES * approaches] != GREEN  # one group for each stop lane
    queue = (draw.integers(0, VEHICLES, LANES * approaches) * red)[lane]
    stands = rank < queue
    members = np.where(left, left.sum(axis=1, keepdims=True), (~left).sum(axis=1, keepdims=True))
    tail = 1.0 + SPACE * np.minimum(queue, members)
    length = network.watched_length[lane]
    spread = np.sort(draw.random((approaches, VEHICLES)), axis=1)
    distance = np.where(stands, 1.0 + SPACE * rank, tail + (length - tail) * spread)
    speed = np.where(stands, 0.0, draw.uniform(5.0, SPEED, stands.shape))
    movement = TURNS * np.arange(approaches)[:, None] + turn
    n = approaches * VEHICLES
    vehicles = Vehicles(
        whole(np.arange(n)), whole(lane.ravel()), (length - distance).ravel().copy(), speed.ravel().copy()
    )
    memory = new_memory(n)
    # One route for each movement, with the same number.
    memory.route[:] = movement.ravel()
    memory.place[:] = memory.turn[:] = memory.halt[:] = -1
    memory.length[:], memory.pace[:], memory.worth[:] = SPACE - 2.5, PACE, 1.0
    memory.reach[:], memory.users[:] = REACH, 1
    return vehicles, memory


def routes_of(network: Network) -> Routes:
    """Write one route of two edges for each movement."""
    movements = len(network.movement_lane)
    before = network.lane_watched[network.movement_lane]
    lanes = np.stack([before, network.movement_exit], axis=1).ravel()
    turn = np.stack([np.arange(movements), np.full(movements, -1)], axis=1)
    length, nothing = network.watched_length[lanes], np.zeros(2 * movements)
    return Routes(
        pointer(movements, 2),
        network.watched_edge[lanes].copy(),
        whole(turn.ravel()),
        length,
        nothing,
        length / SPEED,
        nothing,
        np.stack([network.movement_crossing / TURN_SPEED, np.zeros(movements)], axis=1).ravel(),
    )


def build_city(count: int) -> City:
    """Build one second of a city of so many signals, the same for the same number."""
    from sim.core.sense import waiting_groups

    draw = np.random.default_rng(SEED)
    network = build_network(count, draw)
    signals = switch_for_a_minute(network, draw)
    vehicles, memory = place_vehicles(network, signals, draw)
    routes, strays = routes_of(network), whole(np.zeros(len(vehicles.slot)))
    # The second time nobody is new any more.
    for _ in range(2):
        arrivals, storage = sense(network, routes, vehicles, memory, REACH, strays)
    if strays.any() or len(arrivals.movement) != len(vehicles.slot):
        msg = "some vehicles of the city are not on their way to a stop line"
        raise AssertionError(msg)
    return City(network, signals, arrivals, storage, waiting_groups(network, signals, arrivals, storage))
