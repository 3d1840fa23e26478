"""SNMP v1 and v2c with one controller: requests, answers, lost packets; and who may be talked to with which community."""

from __future__ import annotations

import ipaddress
import os
import socket
import stat
import time
from dataclasses import dataclass, field
from itertools import count
from typing import TYPE_CHECKING, Any, Literal, Self

from sim.errors import EnvironmentFaultError, GruenbandError, InputError
from sim.export.ntcip_objects import INTEGER, OBJECTS, OCTETS, Setting

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path
    from types import TracebackType

    from sim.export.ntcip_objects import Value

COMMUNITY_VARIABLE = "GRUENBAND_NTCIP_COMMUNITY"
# Objects in a packet: with identifiers of 20 octets well below the 484 octets that every SNMP station takes.
_PER_PACKET = 8
# SNMP's integers have 32 bits and a sign; the mask of dates uses all of them.
_SIGN, _WRAP = 1 << 31, 1 << 32
# Names of the error codes in RFC 3416.
ERRORS = (
    "noError",
    "tooBig",
    "noSuchName",
    "badValue",
    "readOnly",
    "genErr",
    "noAccess",
    "wrongType",
    "wrongLength",
    "wrongEncoding",
    "wrongValue",
    "noCreation",
    "inconsistentValue",
    "resourceUnavailable",
    "commitFailed",
    "undoFailed",
    "authorizationError",
    "notWritable",
    "inconsistentName",
)


@dataclass(frozen=True)
class Target:
    """
    A controller and how to talk to it.

    Parameters
    ----------
    address : str
        Name or IP address.
    port : int
        UDP port; 161 by custom, 501 on many NTCIP devices.
    community : str
        SNMP community; kept out of every message.
    version : {"1", "2c"}
        Of SNMP.
    timeout : float
        How long an answer may take [s].
    retries : int
        How often a request is sent again.
    allow_remote : bool
        Whether it may be another machine than this one.
    """

    address: str
    port: int
    community: str = field(repr=False)
    version: Literal["1", "2c"] = "1"
    timeout: float = 2.0
    retries: int = 3
    allow_remote: bool = False

    def __str__(self) -> str:
        return f"controller {self.address} port {self.port}"


class NoAnswerError(GruenbandError):
    """The controller does not answer (exit code 4)."""


class RefusedError(GruenbandError):
    """
    The controller answers with an error (exit code 4).

    Parameters
    ----------
    status : str
        SNMP's name of the error.
    setting : Setting or None
        The object it is about, if told.
    resent : bool
        The request was sent more than once, so that an earlier one may have been carried out.
    """

    def __init__(self, status: str, setting: Setting | None, *, resent: bool) -> None:
        super().__init__(f"{setting.label if setting else 'the request'} is refused with {status}")
        self.status = status
        self.setting = setting
        self.resent = resent


def community_from_environment() -> str:
    """
    Take the community from the environment.

    Returns
    -------
    str
        The community.

    Raises
    ------
    InputError
        If the variable is not set.
    """
    community = os.environ.get(COMMUNITY_VARIABLE, "")
    if not community:
        msg = f"the SNMP community is not known; set {COMMUNITY_VARIABLE}, or give a file that only you can read"
        raise InputError(msg)
    return community


def community_from_file(path: Path) -> str:
    """
    Take the community from a file that nobody else can read.

    Parameters
    ----------
    path : Path
        Text of one line.

    Returns
    -------
    str
        The community.

    Raises
    ------
    InputError
        If the file cannot be read, others may read it, or it is not one line.
    """
    try:
        with path.open("rb") as file:
            mode = os.fstat(file.fileno()).st_mode
            content = file.read(1024)
    except OSError as error:
        msg = f"{path} cannot be read: {error.strerror or error}"
        raise InputError(msg) from error
    if not stat.S_ISREG(mode) or mode & 0o177:
        msg = f"{path} has the mode {stat.S_IMODE(mode):o}; a community is kept in a file of mode 600 (chmod 600 {path})"
        raise InputError(msg)
    lines = content.decode("utf-8", errors="replace").split("\n")
    if not lines[0].strip() or any(lines[1:]) or "\ufffd" in lines[0]:
        msg = f"{path} is not one line with the SNMP community"
        raise InputError(msg)
    return lines[0].strip()


def resolve(target: Target) -> tuple[socket.AddressFamily, tuple[Any, ...]]:
    """
    Find the address of a controller and whether it may be used.

    Parameters
    ----------
    target : Target
        The controller.

    Returns
    -------
    tuple
        Address family and socket address.

    Raises
    ------
    InputError
        If there is no such address, or it is another machine and that is not allowed.
    """
    if not 1 <= target.port <= 65535:
        msg = f"port {target.port} is outside 1 to 65535"
        raise InputError(msg)
    if target.version not in {"1", "2c"}:
        msg = f"SNMP version '{target.version}' is not supported; 1 or 2c"
        raise InputError(msg)
    try:
        found = socket.getaddrinfo(target.address, target.port, type=socket.SOCK_DGRAM)
    except (OSError, UnicodeError) as error:
        msg = f"there is no address {target.address!r}: {error}"
        raise InputError(msg) from error
    family, _, _, _, address = found[0]
    if not target.allow_remote and not ipaddress.ip_address(str(address[0]).split("%")[0]).is_loopback:
        msg = f"{target.address} is another machine; --remote (allow_remote) is needed to reach one"
        raise InputError(msg)
    return family, address


class Wire:
    """
    A conversation with one controller; use it in a ``with`` statement.

    Parameters
    ----------
    target : Target
        The controller.

    Raises
    ------
    EnvironmentFaultError
        If pysnmp is not installed.
    """

    def __init__(self, target: Target) -> None:
        try:
            from pyasn1.codec.ber import decoder, encoder  # noqa: PLC0415 - an extra; slow to import
            from pyasn1.error import PyAsn1Error  # noqa: PLC0415
            from pysnmp.proto import api  # noqa: PLC0415
            from pysnmp.proto.error import ProtocolError  # noqa: PLC0415
        except ImportError as error:
            msg = "pysnmp is not installed; install Grünband with its extra: pip install 'gruenband[ntcip]'"
            raise EnvironmentFaultError(msg) from error
        self.target = target
        self._encode, self._decode = encoder.encode, decoder.decode
        self._garbage = (PyAsn1Error, ProtocolError, ValueError, TypeError, IndexError, AttributeError)
        self._protocol: Any = api.PROTOCOL_MODULES[0 if target.version == "1" else 1]
        self._numbers = count(int.from_bytes(os.urandom(3), "big") + 1)
        family, address = resolve(target)
        self._socket = socket.socket(family, socket.SOCK_DGRAM)
        try:
            # Packets of other stations are no answers.
            self._socket.connect(address)
        except OSError as error:
            self._socket.close()
            msg = f"{target} cannot be reached: {error.strerror or error}; nothing was sent"
            raise NoAnswerError(msg) from error

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._socket.close()

    def get(self, wanted: Sequence[Setting]) -> list[Setting]:
        """
        Read objects.

        Parameters
        ----------
        wanted : sequence of Setting
            Objects and rows; their values do not matter.

        Returns
        -------
        list of Setting
            The same with the controller's values.

        Raises
        ------
        NoAnswerError
            If the controller does not answer.
        RefusedError
            If it has no such object, or one of another type.
        """
        found: list[Setting] = []
        for k in range(0, len(wanted), _PER_PACKET):
            part = wanted[k : k + _PER_PACKET]
            values = self._exchange("GetRequestPDU", part)
            for setting, value in zip(part, values, strict=True):
                found.append(Setting(setting.name, setting.index, self._plain(setting, value), setting.note))
        return found

    def set(self, settings: Sequence[Setting]) -> None:
        """
        Set objects.

        Parameters
        ----------
        settings : sequence of Setting
            Objects and values.

        Raises
        ------
        NoAnswerError
            If the controller does not answer.
        RefusedError
            If it refuses a value.
        """
        for k in range(0, len(settings), _PER_PACKET):
            self._exchange("SetRequestPDU", settings[k : k + _PER_PACKET])

    def _exchange(self, kind: str, settings: Sequence[Setting]) -> list[Any]:
        """Send a request, again if no answer comes, and give the values of the answer."""
        proto = self._protocol
        binds = [
            (setting.oid, self._coded(setting) if kind.startswith("Set") else proto.null)
            for setting in settings
        ]
        pdu = getattr(proto, kind)()
        proto.apiPDU.set_defaults(pdu)
        number = next(self._numbers)
        proto.apiPDU.set_request_id(pdu, number)
        proto.apiPDU.set_varbinds(pdu, binds)
        message = proto.Message()
        proto.apiMessage.set_defaults(message)
        proto.apiMessage.set_community(message, self.target.community)
        proto.apiMessage.set_pdu(message, pdu)
        packet = self._encode(message)
        for attempt in range(self.target.retries + 1):
            answer = self._answer(packet, number)
            if answer is None:
                continue
            status, index, found = answer
            if status:
                setting = settings[index - 1] if 1 <= index <= len(settings) else None
                name = ERRORS[status] if 0 <= status < len(ERRORS) else f"error {status}"
                raise RefusedError(name, setting, resent=attempt > 0)
            if [str(oid) for oid, _ in found] != [setting.oid for setting in settings]:
                msg = "an answer about other objects"
                raise RefusedError(msg, None, resent=attempt > 0)
            return [value for _, value in found]
        msg = f"no answer to {self.target.retries + 1} requests of {self.target.timeout:g} s each"
        raise NoAnswerError(msg)

    def _answer(self, packet: bytes, number: int) -> tuple[int, int, list[tuple[Any, Any]]] | None:
        """Wait for the answer of that number; others are late or not ours."""
        proto = self._protocol
        until = time.monotonic() + self.target.timeout
        try:
            self._socket.send(packet)
            while (left := until - time.monotonic()) > 0:
                self._socket.settimeout(left)
                raw = self._socket.recv(65535)
                try:
                    message, _ = self._decode(raw, asn1Spec=proto.Message())
                    pdu = proto.apiMessage.get_pdu(message)
                    if int(proto.apiPDU.get_request_id(pdu)) != number:
                        continue
                    return (
                        int(proto.apiPDU.get_error_status(pdu)),
                        int(proto.apiPDU.get_error_index(pdu, muteErrors=True)),
                        list(proto.apiPDU.get_varbinds(pdu)),
                    )
                except self._garbage:
                    continue
        except TimeoutError:
            return None
        except OSError:
            # The port is closed: nobody answers sooner, but somebody may later.
            time.sleep(max(until - time.monotonic(), 0.0))
        return None

    def _coded(self, setting: Setting) -> Any:  # noqa: ANN401 - pysnmp has no types
        value = setting.value
        if isinstance(value, int):
            return self._protocol.Integer(value - _WRAP if value >= _SIGN else value)
        if isinstance(value, bytes):
            return self._protocol.OctetString(value)
        return self._protocol.ObjectIdentifier(value)

    def _plain(self, setting: Setting, coded: Any) -> Value:  # noqa: ANN401 - pysnmp has no types
        proto, entry = self._protocol, OBJECTS[setting.name]
        want = {INTEGER: proto.Integer, OCTETS: proto.OctetString}.get(entry.kind, proto.ObjectIdentifier)
        if coded.tagSet != want.tagSet:
            # In version 2c an object that is missing is an answer, not an error.
            kind = type(coded).__name__
            status = "noSuchName" if kind.startswith("NoSuch") else f"an answer of type {kind}"
            raise RefusedError(status, setting, resent=False)
        if entry.kind == INTEGER:
            number = int(coded)
            return number + _WRAP if number < 0 and entry.high >= _SIGN else number
        return bytes(coded) if entry.kind == OCTETS else str(coded)
