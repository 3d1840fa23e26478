"""
A traffic-signal controller's SNMP agent with the database transaction of NTCIP 1201, as a process of its own.

It knows nothing of the project: tables, ranges, consistency checks and the old plan it starts with are written after
NTCIP 1202 v03 and 1201 v03. It prints the UDP port it listens on and serves until it is ended.
"""

from __future__ import annotations

import argparse
import os
import socket
import sys
import time
from bisect import bisect_right
from typing import TYPE_CHECKING, Any

from pyasn1.codec.ber import decoder, encoder
from pysnmp.proto import api
from pysnmp.proto.api import verdec

if TYPE_CHECKING:
    from collections.abc import Iterator

ASC, GLOBAL = (1, 3, 6, 1, 4, 1, 1206, 4, 2, 1), (1, 3, 6, 1, 4, 1, 1206, 4, 2, 6)
STATE, STATUS, ERROR = (*GLOBAL, 2, 1, 0), (*GLOBAL, 2, 6, 0), (*GLOBAL, 2, 7, 0)
NORMAL, TRANSACTION, VERIFY, DONE = 1, 2, 3, 6
# Instead of a range.
OCTETS, OID = ("octets", None), ("oid", None)
Oid = tuple[int, ...]
Value = int | bytes | Oid
SIZES = {
    "phases": 16, "patterns": 3, "splits": 3, "rings": 4, "sequences": 2, "channels": 20, "overlaps": 16,
    "actions": 3, "entries": 18, "plans": 2, "events": 18,
}  # fmt: skip


class Tables:
    """All objects with an old plan in them: phases 2 and 6, then 4 and 8, in 60 s."""

    def __init__(self, sizes: dict[str, int]) -> None:
        self.values: dict[Oid, Value] = {}
        self.ranges: dict[Oid, tuple[Any, Any]] = {}
        self.fixed: set[Oid] = set()
        self.rows = {name: [(k,) for k in range(1, size + 1)] for name, size in sizes.items()}
        for node, size in (
            ((*ASC, 1, 1), "phases"), ((*ASC, 4, 5), "patterns"), ((*ASC, 4, 8), "splits"), ((*ASC, 5, 2), "actions"),
            ((*ASC, 7, 1), "rings"), ((*ASC, 7, 2), "sequences"), ((*ASC, 8, 1), "channels"),
            ((*ASC, 9, 1), "overlaps"), ((*GLOBAL, 3, 3, 1), "entries"), ((*GLOBAL, 3, 3, 3), "plans"),
            ((*GLOBAL, 3, 3, 4), "events"),
        ):  # fmt: skip
            self.scalar(node, sizes[size])
            self.fixed.add((*node, 0))
        self.phases()
        self.coordination()
        self.outputs()
        self.time_base()

    def scalar(self, node: Oid, value: Value, low: int = 0, high: int = 255) -> None:
        self.values[*node, 0], self.ranges[*node, 0] = value, (low, high)

    def column(
        self,
        node: Oid,
        rows: list[Oid],
        default: Value,
        span: tuple[Any, Any] = (0, 255),
        special: dict[Oid, Any] | None = None,
    ) -> None:
        for row in rows:
            self.values[*node, *row] = (special or {}).get(row, default)
            self.ranges[*node, *row] = span

    def pairs(self, one: str, other: str) -> list[Oid]:
        return [(*a, *b) for a in self.rows[one] for b in self.rows[other]]

    def phases(self) -> None:
        phase, rows = (*ASC, 1, 2, 1), self.rows["phases"]
        used = {(2,): 1, (4,): 1, (6,): 2, (8,): 2}
        old = {4: 6, 6: 25, 7: 25, 8: 30, 9: 20}
        for number in range(2, 20):
            self.column((*phase, number), rows, 0, special=dict.fromkeys(used, old.get(number, 0)))
        self.column((*phase, 20), rows, 2, (1, 6))
        self.column((*phase, 21), rows, 0, (0, 65535), dict.fromkeys(used, 1 | 1 << 7))
        self.column((*phase, 22), rows, 0, special=used)
        beside = {(2,): b"\6", (6,): b"\2", (4,): b"\10", (8,): b"\4"}
        self.column((*phase, 23), rows, b"", OCTETS, beside)

    def coordination(self) -> None:
        for number, value, low, high in ((1, 1, 0, 255), (2, 3, 1, 5), (3, 4, 1, 5), (4, 2, 1, 3)):
            self.scalar((*ASC, 4, number), value, low, high)
        for number, default, old, span in (
            (2, 0, 60, (0, 255)), (3, 0, 7, (0, 255)), (4, 1, 1, (1, 255)), (5, 1, 1, (1, 255)), (6, 3, 3, (1, 8)),
        ):  # fmt: skip
            self.column((*ASC, 4, 7, 1, number), self.rows["patterns"], default, span, {(1,): old})
        split, rows = (*ASC, 4, 9, 1), self.pairs("splits", "phases")
        self.column((*split, 3), rows, 0, special={(1, k): 30 for k in (2, 4, 6, 8)})
        self.column((*split, 4), rows, 2, (1, 8), {(1, k): 4 for k in (2, 4, 6, 8)})
        self.column((*split, 5), rows, 0, (0, 1), {(1, 2): 1, (1, 6): 1})
        order = {(1, 1): b"\2\4", (1, 2): b"\6\10"}
        self.column((*ASC, 7, 3, 1, 3), self.pairs("sequences", "rings"), b"", OCTETS, order)

    def outputs(self) -> None:
        heads = {(1,): 2, (2,): 4, (3,): 6, (4,): 8, (20,): 2}
        self.column((*ASC, 8, 2, 1, 2), self.rows["channels"], 0, special=heads)
        self.column((*ASC, 8, 2, 1, 3), self.rows["channels"], 1, (1, 6), dict.fromkeys(heads, 2))
        self.column((*ASC, 9, 2, 1, 2), self.rows["overlaps"], 2, (1, 10))
        for number in (3, 4):
            self.column((*ASC, 9, 2, 1, number), self.rows["overlaps"], b"", OCTETS)
        for number in (5, 6, 7):
            self.column((*ASC, 9, 2, 1, number), self.rows["overlaps"], 0)

    def time_base(self) -> None:
        for number in (2, 3, 4):
            self.column((*ASC, 5, 3, 1, number), self.rows["actions"], 0)
        entry, entries = (*GLOBAL, 3, 3, 2, 1), self.rows["entries"]
        # An entry and an event of the old plan that no new plan overwrites by chance.
        last = (18,)
        self.column((*entry, 2), entries, 0, (0, 65535), {last: 8190})
        self.column((*entry, 3), entries, 0, special={last: 254})
        # The mask of dates fills SNMP's 32-bit integer with its sign.
        self.column((*entry, 4), entries, 0, (-(1 << 31), (1 << 31) - 1), {last: -2})
        self.column((*entry, 5), entries, 0, special={last: 1})
        event, events = (*GLOBAL, 3, 3, 5, 1), self.pairs("plans", "events")
        self.column((*event, 3), events, 0, (0, 23), {(1, 18): 5})
        self.column((*event, 4), events, 0, (0, 59))
        self.column((*event, 5), events, (0, 0), OID, {(1, 18): (*ASC, 5, 3, 1, 1, 3)})


class Controller:
    def __init__(self, options: argparse.Namespace) -> None:
        self.options = options
        sizes = SIZES | {"phases": options.max_phases}
        tables = Tables(sizes)
        self.values, self.ranges, self.fixed = tables.values, tables.ranges, tables.fixed
        self.sizes = sizes
        if options.split_numbers_fixed:
            for k in range(1, sizes["patterns"] + 1):
                oid = (*ASC, 4, 7, 1, 4, k)
                self.values[oid] = k
                self.fixed.add(oid)
        self.order = sorted([*self.values, STATE, STATUS, ERROR])
        self.buffer: dict[Oid, Value] = {}
        self.state, self.owner, self.opened = NORMAL, b"", 0.0
        self.status, self.error, self.verifying = 1, b"", 0.0
        self.sets = self.commits = 0
        self.dead = False
        if options.busy:
            self.state, self.owner, self.opened = TRANSACTION, b"somebody else", time.monotonic() + 1e9

    def tick(self) -> None:
        if (
            self.options.timeout
            and self.state != NORMAL
            and time.monotonic() > self.opened + self.options.timeout
        ):
            self.state, self.buffer = NORMAL, {}
        if self.state == VERIFY and time.monotonic() >= self.verifying:
            self.state = DONE
            text = self.options.reject or self.check()
            self.status, self.error = (2, text.encode()) if text else (3, b"")

    def everything(self) -> dict[Oid, Value]:
        return self.values | {STATE: self.state, STATUS: self.status, ERROR: self.error}

    def set(self, binds: list[tuple[Oid, Value]], community: bytes) -> tuple[str, int]:
        """Carry out a SET; gives SNMP's error and its index."""
        self.sets += 1
        command = [value for oid, value in binds if oid == STATE]
        data = [(oid, value) for oid, value in binds if oid != STATE]
        for k, (oid, value) in enumerate(binds, 1):
            if oid == STATE:
                if not isinstance(value, int):
                    return "badValue", k
                continue
            if oid not in self.values:
                return "noSuchName", k
            if oid in self.fixed:
                return "readOnly", k
            if not fits(value, self.ranges[oid]):
                return "badValue", k
        if data:
            if self.state != TRANSACTION or community != self.owner:
                return "genErr", 1 if self.state == NORMAL else 0
            self.buffer.update(data)
        return self.command(command[0], community) if command else ("noError", 0)

    def command(self, value: int, community: bytes) -> tuple[str, int]:
        if self.state != NORMAL and community != self.owner:
            return "genErr", 0
        allowed = {
            NORMAL: {TRANSACTION},
            TRANSACTION: {VERIFY, NORMAL},
            VERIFY: set(),
            DONE: {NORMAL, TRANSACTION},
        }
        if value not in allowed[self.state]:
            return "badValue", 1
        if self.state == NORMAL:
            self.buffer, self.owner, self.opened = {}, community, time.monotonic()
        if self.state == DONE and value == NORMAL and self.status == 3:
            self.dead = bool(self.options.die)
            if self.options.die == "before":
                return "noError", 0
            self.commit()
        if value == NORMAL:
            self.buffer = {}
        if value == VERIFY:
            self.verifying = time.monotonic() + self.options.verify_takes
            self.status = 1
        self.state = value
        return "noError", 0

    def commit(self) -> None:
        self.commits += 1
        self.values |= self.buffer
        if self.options.corrupt and self.commits <= self.options.corrupt_times:
            oid = tuple(map(int, self.options.corrupt.split(".")))
            self.values[oid] += 1

    def check(self) -> str:
        """Look for what makes a database unfit, in the words of the standard's objects; empty if it is fit."""
        self.data = self.values | self.buffer
        rows = range(1, self.sizes["phases"] + 1)
        on = [k for k in rows if self.get(1, 2, 1, 21, k) & 1 and self.get(1, 2, 1, 22, k)]
        return next(iter((*self.unfit_phases(on), *self.unfit_channels(on), *self.unfit_patterns(on), "")))

    def get(self, *oid: int) -> Any:
        return self.data[*ASC, *oid]

    def unfit_phases(self, on: list[int]) -> Iterator[str]:
        for p in on:
            for other in self.get(1, 2, 1, 23, p):
                if other not in on or p not in self.get(1, 2, 1, 23, other):
                    yield f"phaseConcurrency.{p}: phase {other} is not concurrent in turn"
                if self.get(1, 2, 1, 22, p) == self.get(1, 2, 1, 22, other):
                    yield f"phaseConcurrency.{p}: phase {other} is in the same ring"
            if self.get(1, 2, 1, 8, p) < 30:
                yield f"phaseYellowChange.{p}: shorter than 3 s"

    def unfit_channels(self, on: list[int]) -> Iterator[str]:
        for k in range(1, self.sizes["channels"] + 1):
            source, kind = self.get(8, 2, 1, 2, k), self.get(8, 2, 1, 3, k)
            if source and kind in {2, 3} and source not in on:
                yield f"channelControlSource.{k}: phase {source} is not enabled"
            if source and kind == 4 and not set(self.get(9, 2, 1, 3, source)) <= set(on):
                yield f"channelControlSource.{k}: overlap {source} has a phase that is not enabled"

    def unfit_patterns(self, on: list[int]) -> Iterator[str]:
        for k in range(1, self.sizes["patterns"] + 1):
            cycle = self.get(4, 7, 1, 2, k)
            # Left-overs of former plans are not in use.
            if not cycle or (*ASC, 4, 7, 1, 2, k) not in self.buffer:
                continue
            if self.get(4, 7, 1, 3, k) >= cycle:
                yield f"patternOffsetTime.{k}: not below the cycle"
            split, sequence = self.get(4, 7, 1, 4, k), self.get(4, 7, 1, 5, k)
            for ring in range(1, self.sizes["rings"] + 1):
                order = list(self.get(7, 3, 1, 3, sequence, ring))
                if sorted(order) != [p for p in on if self.get(1, 2, 1, 22, p) == ring]:
                    yield f"sequenceData.{sequence}.{ring}: not the phases of the ring"
                if order and sum(self.get(4, 9, 1, 3, split, p) for p in order) != cycle:
                    yield f"splitTime.{split}: ring {ring} does not add up to the cycle of {cycle} s"
                if order and sum(self.get(4, 9, 1, 5, split, p) for p in order) != 1:
                    yield f"splitCoordPhase.{split}: ring {ring} has not one coordinated phase"
            for p in on:
                clear = self.get(1, 2, 1, 8, p) + self.get(1, 2, 1, 9, p)
                green = max(self.get(1, 2, 1, 4, p), self.get(1, 2, 1, 2, p) + self.get(1, 2, 1, 3, p))
                if 10 * self.get(4, 9, 1, 3, split, p) < 10 * green + clear:
                    yield f"splitTime.{split}.{p}: shorter than minimum green or walk, and clearance"


def fits(value: Value, span: tuple[Any, Any]) -> bool:
    if span in {OCTETS, OID}:
        return isinstance(value, bytes if span == OCTETS else tuple)
    return isinstance(value, int) and span[0] <= value <= span[1]


V1_ERRORS = {"noError": 0, "noSuchName": 2, "badValue": 3, "readOnly": 4, "genErr": 5}
V2_ERRORS = V1_ERRORS | {"noSuchName": 11, "badValue": 10, "readOnly": 17}


def plain(value: Any) -> Value:
    name = type(value).__name__
    if "ObjectIdentifier" in name or "ObjectName" in name:
        return tuple(value)
    return bytes(value) if "Octet" in name else int(value)


def coded(proto: Any, value: Value) -> Any:
    if isinstance(value, bytes):
        return proto.OctetString(value)
    return proto.ObjectIdentifier(value) if isinstance(value, tuple) else proto.Integer(value)


def answer(controller: Controller, raw: bytes, communities: set[bytes]) -> bytes | None:
    version = verdec.decode_message_version(raw)
    proto = api.PROTOCOL_MODULES[version]
    message, _ = decoder.decode(raw, asn1Spec=proto.Message())
    community = bytes(proto.apiMessage.get_community(message))
    if community not in communities:
        return None
    request = proto.apiMessage.get_pdu(message)
    reply = proto.apiMessage.get_response(message)
    response = proto.apiMessage.get_pdu(reply)
    binds = [(tuple(oid), value) for oid, value in proto.apiPDU.get_varbinds(request)]
    bulk = version and request.isSameTypeWith(proto.GetBulkRequestPDU())
    status, index, found = "noError", 0, list(binds)
    if request.isSameTypeWith(proto.SetRequestPDU()):
        status, index = controller.set([(oid, plain(value)) for oid, value in binds], community)
    else:
        data = controller.everything()
        found = []
        following = not bulk and not request.isSameTypeWith(proto.GetRequestPDU())
        order = controller.order
        if bulk:
            place = bisect_right(order, binds[0][0])
            oids = order[place : place + int(proto.apiBulkPDU.get_max_repetitions(request))]
            found = [(oid, coded(proto, data[oid])) for oid in oids] or [(binds[0][0], proto.EndOfMibView())]
        for k, (oid, _) in enumerate([] if bulk else binds, 1):
            at = oid
            if following:
                place = bisect_right(order, oid)
                at = order[place] if place < len(order) else None
            if at in data:
                found.append((at, coded(proto, data[at])))
            elif version:
                found.append((oid, proto.EndOfMibView() if following else proto.NoSuchInstance()))
            else:
                status, index, found = "noSuchName", k, binds
                break
    proto.apiPDU.set_varbinds(response, found)
    proto.apiPDU.set_error_status(response, (V2_ERRORS if version else V1_ERRORS)[status])
    proto.apiPDU.set_error_index(response, index)
    return encoder.encode(reply)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--drop-every", type=int, default=0, help="lose every n-th request")
    parser.add_argument(
        "--mute-every", type=int, default=0, help="carry out every n-th request, lose its answer"
    )
    parser.add_argument("--busy", action="store_true", help="another station's transaction is open")
    parser.add_argument("--reject", default="", help="find this fault in every database")
    parser.add_argument(
        "--silent-after", type=int, default=0, help="after so many SETs answer nobody who writes"
    )
    parser.add_argument("--timeout", type=float, default=0.0, help="give a transaction up after so long [s]")
    parser.add_argument("--verify-takes", type=float, default=0.05, help="time for the check [s]")
    parser.add_argument("--corrupt", default="", help="store one too much in this object at a commit")
    parser.add_argument("--corrupt-times", type=int, default=1, help="at so many commits")
    parser.add_argument(
        "--die", choices=("before", "after"), help="be silent from a commit on, not heeded or heeded"
    )
    parser.add_argument("--split-numbers-fixed", action="store_true", help="patternSplitNumber is read-only")
    parser.add_argument("--garbage", action="store_true", help="send noise before every answer")
    parser.add_argument("--max-phases", type=int, default=SIZES["phases"])
    options = parser.parse_args()
    communities = {os.environ.get("AGENT_COMMUNITY", "administrator").encode(), b"reader"}
    controller = Controller(options)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as channel:
        channel.bind(("127.0.0.1", 0))
        sys.stdout.write(f"{channel.getsockname()[1]}\n")
        sys.stdout.flush()
        requests = 0
        while True:
            raw, station = channel.recvfrom(65535)
            # Who only reads is a witness, whom no fault concerns.
            witness = b"reader" in raw[:20]
            requests += not witness
            if not witness and options.drop_every and requests % options.drop_every == 0:
                continue
            if not witness and options.silent_after and controller.sets >= options.silent_after:
                continue
            if not witness and controller.dead:
                continue
            controller.tick()
            reply = answer(controller, raw, communities)
            muted = controller.dead or (options.mute_every and requests % options.mute_every == 0)
            if reply is None or (muted and not witness):
                continue
            if options.garbage and not witness:
                channel.sendto(b"\x30\x82noise", station)
                channel.sendto(reply[:-3], station)
            channel.sendto(reply, station)


if __name__ == "__main__":
    main()
