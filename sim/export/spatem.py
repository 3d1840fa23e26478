"""SPATEM messages (ETSI TS 103 301, ISO/TS 19091) to and from UPER bytes."""

from __future__ import annotations

from typing import Any, NamedTuple

from sim.errors import InputError

SPATEM_ID, PROTOCOL_VERSION = 4, 2
# Bit 5 of 16: fixedTimeOperation.
FIXED_TIME = (1 << 10, 16)
# Tenths of a second within the hour; 36001: not known.
HOUR_MARKS, NO_MARK = 36000, 36001


class Movement(NamedTuple):
    """What a signal group shows, and until which time mark of the hour [0.1 s]."""

    group: int
    event: str
    until: int


class Spatem(NamedTuple):
    """A message of one intersection: its id, the second of the hour, and all its groups."""

    intersection: int
    second: int
    movements: tuple[Movement, ...]


def encode_spatem(message: Spatem) -> bytes:
    """
    Encode a message.

    Parameters
    ----------
    message : Spatem
        The message; the hour is the first of the year.

    Returns
    -------
    bytes
        UPER.
    """
    spatem = _type()
    minute, second = divmod(message.second, 60)
    spatem.set_val(
        {
            "header": {
                "protocolVersion": PROTOCOL_VERSION,
                "messageID": SPATEM_ID,
                "stationID": message.intersection,
            },
            "spat": {
                "intersections": [
                    {
                        "id": {"id": message.intersection},
                        "revision": 0,
                        "status": FIXED_TIME,
                        "moy": minute,
                        "timeStamp": second * 1000,
                        "states": [_state(movement) for movement in message.movements],
                    }
                ]
            },
        }
    )
    return bytes(spatem.to_uper())


def _state(movement: Movement) -> dict[str, Any]:
    timing = {"minEndTime": movement.until}
    if movement.until != NO_MARK:
        timing["maxEndTime"] = movement.until
    return {
        "signalGroup": movement.group,
        "state-time-speed": [{"eventState": movement.event, "timing": timing}],
    }


def decode_spatem(content: bytes) -> Spatem:
    """
    Decode a message.

    Parameters
    ----------
    content : bytes
        UPER.

    Returns
    -------
    Spatem
        The message.

    Raises
    ------
    InputError
        If it is no SPATEM of one fixed-time intersection in the first hour of the year, with one event of a known end
        for each group.
    """
    spatem = _type()
    try:
        spatem.from_uper(content)
        value = spatem.get_val()
    # What the decoder raises on bytes that are no message is not documented: index, type, assertion, own errors.
    except Exception as error:
        msg = f"no SPATEM in UPER ({type(error).__name__})"
        raise InputError(msg) from error
    try:
        [state] = value["spat"]["intersections"]
        message = Spatem(
            state["id"]["id"],
            state["moy"] * 60 + state["timeStamp"] // 1000,
            tuple(_movement(entry) for entry in state["states"]),
        )
        same = encode_spatem(message) == content
    except (KeyError, ValueError) as error:
        msg = "a SPATEM without time, or with several intersections or events of a group"
        raise InputError(msg) from error
    if not same:
        # Nothing that is not looked at may differ: status, other time marks, advisory speeds, bytes at the end.
        msg = "a SPATEM that says more than the lamps of a fixed-time program and their ends"
        raise InputError(msg)
    return message


def _movement(entry: dict[str, Any]) -> Movement:
    [event] = entry["state-time-speed"]
    return Movement(entry["signalGroup"], event["eventState"], event["timing"]["minEndTime"])


def mark(second: int) -> int:
    """
    Give the time mark of a second.

    Parameters
    ----------
    second : int
        Since the begin of the hour [s], also of the next.

    Returns
    -------
    int
        Since the begin of its hour [0.1 s].
    """
    return second * 10 % HOUR_MARKS


def _type() -> Any:  # noqa: ANN401 (pycrate has no types)
    try:
        # Start-up must not pay for it, and it is an extra.
        from pycrate_asn1dir.ITS_IS import SPATEM_PDU_Descriptions  # noqa: PLC0415
    except ImportError as error:
        msg = "SPATEM needs pycrate: run pip install 'gruenband[v2x]'"
        raise InputError(msg) from error
    return SPATEM_PDU_Descriptions.SPATEM
