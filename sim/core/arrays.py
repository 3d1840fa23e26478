"""The layouts of the flat arrays that every kernel works on."""

from __future__ import annotations

from typing import NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

Int: TypeAlias = NDArray[np.int32]
Float: TypeAlias = NDArray[np.float64]
Byte: TypeAlias = NDArray[np.uint8]
Bits: TypeAlias = NDArray[np.int64]

# What a signal group shows.
RED, RED_YELLOW, GREEN, YELLOW = 0, 1, 2, 3

# What a stage asks of a group: red, green with right of way, green that must yield.
OFF, PROTECTED, PERMISSIVE = 0, 1, 2

# A vehicle of no known class, for which every lane is as good.
ANYBODY = -1

# What a vehicle with a priority asks of its signal: that its green does not end before it comes, that it also begins
# early, that its stage is shown whatever else is wanted.
NO_REQUEST, EXTEND, EARLY, FORCE = 0, 1, 2, 3

# Whom a group serves: people on foot, vehicles, or vehicles and others whom nobody sees (people on foot, who waits at a
# second stop line on the junction).
ON_FOOT, DRIVEN, SHARED = 0, 1, 2

# Who gives way to whom: the row to the column, and both drive into the same road.
MERGES = 2

# The demand of a pedestrian group for which somebody is known to stand (1: somebody may), that of a green group whose
# first vehicle has no room behind the signal, and that of a pedestrian group to which somebody comes over an island.
PRESSED, STUCK, COMING = 2, 3, 4

# What is left of a group on the junction: vehicles that stand, or such that move up to where they wait for the next gap.
STANDS, MOVES_UP = 1, 2

# A road shorter than this fills within a green: signals at its ends have to act as one [m].
SHORT_LINK = 60.0
# A link shorter than this holds three vehicles at most: who drives onto a full one stands on the junction [m].
TINY_LINK = 30.0
# A vehicle slower than this at red is a demand; a tail slower than this blocks the lane behind it [m/s].
SLOW = 2.0
# Space a standing vehicle takes [m], and what of it is the gap to the next [m].
SPACE = 7.5
GAP = 2.5
# Comfortable acceleration of SUMO's passenger car [m/s2].
ACCELERATION = 2.6


class Network(NamedTuple):
    """
    A road network's signals as flat arrays.

    Sizes: S signals, G groups, P stages, M movements, L stop-line lanes, W watched lanes, T turns. Groups and
    stages of one signal are contiguous. A ragged table is a pointer array (length n + 1) and a value array.
    """

    # Signals: S.
    group_ptr: Int  # (S+1) groups of signal s: group_ptr[s]:group_ptr[s+1]
    stage_ptr: Int  # (S+1) stages of signal s
    matrix_ptr: Int  # (S+1) n x n blocks of group pairs of signal s, row = clearing, column = entering group
    # Groups: G.
    yellow: Int  # (G) [s]
    red_yellow: Int  # (G) [s]
    minimum_green: Int  # (G) [s]
    minimum_red: Int  # (G) [s]
    maximum_red: Int  # (G) [s] of a waiting group, before the guard forces its stage
    group_vehicles: Byte  # (G) ON_FOOT, DRIVEN or SHARED
    # Pairs of groups of one signal: the sum of n*n over the signals.
    intergreen: Int  # end of green of the row to begin of green of the column [s]; -1: compatible
    # 1: compatible, but the row's movements give way to the column's (permissive); MERGES: into the same road
    yields: Byte
    # Stages: P.
    stage_matrix_ptr: Int  # (S+1) P_s x n blocks
    stage_shows: Byte  # stage x group: OFF, PROTECTED or PERMISSIVE
    stage_arrow: Byte  # stage x group: 1 where a red group may turn after a stop (SUMO's 's', green arrow)
    # Links: the characters of a signal's state, in SUMO's order
    link_ptr: Int  # (S+1)
    link_group: Int  # (links) group of the link
    dark: Byte  # (G) ASCII letter a group shows for ever ('o', 'O', ...); 0: it is switched
    # Movements: M.
    movement_signal: Int  # (M)
    movement_group: Int  # (M)
    movement_lane: Int  # (M) stop-line lane
    movement_exit: Int  # (M) watched lane it leads to
    movement_headway: Float  # (M) saturation headway [s]
    movement_crossing: Float  # (M) length of its path over the junction [m]
    movement_waits: (
        Int  # (M) watched lane on the junction where its permitted vehicles wait for a gap; -1: none
    )
    movement_store: Int  # (M) how many wait there [veh]
    movement_users: Bits  # (M) one bit for each class of vehicles that may drive it
    movement_walk: Int  # (M) pedestrian group that crosses the road it leads to; -1: none
    # Stop-line lanes: L.
    lane_watched: Int  # (L) the same lane among the watched lanes
    lane_signal: Int  # (L)
    lane_movement_ptr: Int  # (L+1)
    lane_movement: Int
    # Watched lanes: W. Stop-line lanes, what leads to them within the range, and what follows a signal
    watched_length: Float  # (W) [m]
    watched_speed: Float  # (W) [m/s]
    watched_edge: Int  # (W) edge number; -1: a lane on a junction
    watched_before: (
        Int  # (W) for a lane on a junction: the lane its vehicles come from; -1: another kind of lane
    )
    watched_after: (
        Int  # (W) for a lane on a junction: the lane its vehicles leave to; -1: another kind of lane
    )
    # Edges
    edge_ring: Int  # (edges) ring of short roads without signals that the edge is part of; -1: none
    ring_length: Float  # (rings) [m]
    # Turns: T, from one edge to the next through a signal.
    turn_movement_ptr: Int  # (T+1)
    turn_movement: Int
    # Which stop lines each watched lane leads to without a change of lanes
    ahead_ptr: Int  # (W+1)
    ahead_turn: Int  # the turn
    ahead_movement: Int  # the movement that serves it there


class Arrivals(NamedTuple):
    """
    What a controller knows of the traffic: vehicles in the order they reach each stop line.

    Sorted by lane, then in the order they will reach the stop line. Any source (full view, loops, connected vehicles)
    delivers this form.
    """

    lane_ptr: Int  # (L+1)
    movement: Int  # (n)
    earliest: Float  # (n) earliest arrival at the stop line, from now [s]
    distance: Float  # (n) to the stop line [m]
    speed: Float  # (n) [m/s]
    weight: Float  # (n) how many vehicles the entry stands for
    entered: Int  # (M) vehicles that came into view of their movement since the last reading
    vehicle: Int  # (n) number that stays with a vehicle while it is in view
    onward: Int  # (n) movement it will use at the signal after the next; -1: none
    onward_time: Float  # (n) free travel time between the two stop lines [s]
    barred: Byte  # (n) 1: behind the signal it would drive onto a ring that is about to lock
    worth: Float  # (n) what a second of the delay of each vehicle of the entry weighs; 1 without a weight or priority
    request: Byte  # (n) what it asks of its signals: NO_REQUEST, EXTEND, EARLY or FORCE


class Storage(NamedTuple):
    """How full the watched lanes are."""

    vehicles: Int  # (W) vehicles on the lane
    room: Float  # (W) from the lane's begin to the rear of its last vehicle [m]
    tail_speed: Float  # (W) of that vehicle [m/s]
    taken: (
        Float  # (W) length that vehicles on the lane, and on the junction before it, need when they stand [m]
    )


class Signals(NamedTuple):
    """What the guard knows and shows, second by second."""

    shown: Byte  # (G) RED, RED_YELLOW, GREEN or YELLOW
    since: Int  # (G) seconds in the state shown
    cleared: Int  # (G) seconds since the last end of green
    letter: Byte  # (G) PROTECTED or PERMISSIVE while green
    wanted: Int  # (S) stage wanted, local number
    forced: Int  # (S) stage forced by maximum red, -1 if none
    # (G) seconds a group has waited at red with a demand; and goes on through a green in which somebody stood all the time
    waited: Int
    inside: Byte  # (G) STANDS or MOVES_UP: vehicles of the group are left on the junction; 0 where nothing is known
    held: Byte  # (G) 1: to be red, whatever stage is wanted, until its maximum red is over
    called: Byte  # (G) demand of the last second: 0, 1, PRESSED or STUCK
