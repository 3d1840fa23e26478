"""The NTCIP objects a timing plan is made of, and lists of their values as readable text."""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sim.errors import InputError, near_miss
from sim.signals.files import refuse_larger

if TYPE_CHECKING:
    from collections.abc import Container, Iterable, Iterator, Sequence

Value = int | bytes | str

INTEGER, OCTETS, OID = "INTEGER", "OCTET STRING", "OBJECT IDENTIFIER"
COLUMNS = ("order", "object", "oid", "type", "value", "unit", "note")
# The null identifier: an event of a day plan without an action.
NULL = "0.0"
_ASC, _GLOBAL = "1.3.6.1.4.1.1206.4.2.1", "1.3.6.1.4.1.1206.4.2.6"

# Object, identifier without index (A: the signal controller's node, G: the global node), type or range, unit, and for
# each index the object that tells how far it goes. Derived from NTCIP 1202 v03 / 1201 v03. Copyright AASHTO/ITE/NEMA.
_TABLE = """
dbCreateTransaction          G.2.1        1..6          -
dbVerifyStatus               G.2.6        1..3          -
dbVerifyError                G.2.7        octets        -
phaseWalk                    A.1.2.1.2    0..255        s     maxPhases
phasePedestrianClear         A.1.2.1.3    0..255        s     maxPhases
phaseMinimumGreen            A.1.2.1.4    0..255        s     maxPhases
phasePassage                 A.1.2.1.5    0..255        0.1s  maxPhases
phaseMaximum1                A.1.2.1.6    0..255        s     maxPhases
phaseMaximum2                A.1.2.1.7    0..255        s     maxPhases
phaseYellowChange            A.1.2.1.8    0..255        0.1s  maxPhases
phaseRedClear                A.1.2.1.9    0..255        0.1s  maxPhases
phaseAddedInitial            A.1.2.1.11   0..255        0.1s  maxPhases
phaseMaximumInitial          A.1.2.1.12   0..255        s     maxPhases
phaseDynamicMaxLimit         A.1.2.1.18   0..255        s     maxPhases
phaseStartup                 A.1.2.1.20   1..6          -     maxPhases
phaseOptions                 A.1.2.1.21   0..65535      -     maxPhases
phaseRing                    A.1.2.1.22   0..255        -     maxPhases
phaseConcurrency             A.1.2.1.23   octets        -     maxPhases
coordOperationalMode         A.4.1        0..255        -
coordCorrectionMode          A.4.2        1..5          -
coordMaximumMode             A.4.3        1..5          -
coordForceMode               A.4.4        1..3          -
patternCycleTime             A.4.7.1.2    0..255        s     maxPatterns
patternOffsetTime            A.4.7.1.3    0..255        s     maxPatterns
patternSplitNumber           A.4.7.1.4    1..255        -     maxPatterns
patternSequenceNumber        A.4.7.1.5    1..255        -     maxPatterns
patternCoordSyncPoint        A.4.7.1.6    1..8          -     maxPatterns
splitTime                    A.4.9.1.3    0..255        s     maxSplits maxPhases
splitMode                    A.4.9.1.4    1..8          -     maxSplits maxPhases
splitCoordPhase              A.4.9.1.5    0..1          -     maxSplits maxPhases
timebaseAscPattern           A.5.3.1.2    0..255        -     maxTimebaseAscActions
timebaseAscAuxiliaryFunction A.5.3.1.3    0..255        -     maxTimebaseAscActions
timebaseAscSpecialFunction   A.5.3.1.4    0..255        -     maxTimebaseAscActions
sequenceData                 A.7.3.1.3    octets        -     maxSequences maxRings
channelControlSource         A.8.2.1.2    0..255        -     maxChannels
channelControlType           A.8.2.1.3    1..6          -     maxChannels
overlapType                  A.9.2.1.2    1..10         -     maxOverlaps
overlapIncludedPhases        A.9.2.1.3    octets        -     maxOverlaps
overlapModifierPhases        A.9.2.1.4    octets        -     maxOverlaps
overlapTrailGreen            A.9.2.1.5    0..255        s     maxOverlaps
overlapTrailYellow           A.9.2.1.6    0..255        0.1s  maxOverlaps
overlapTrailRed              A.9.2.1.7    0..255        0.1s  maxOverlaps
timeBaseScheduleMonth        G.3.3.2.1.2  0..65535      -     maxTimeBaseScheduleEntries
timeBaseScheduleDay          G.3.3.2.1.3  0..255        -     maxTimeBaseScheduleEntries
timeBaseScheduleDate         G.3.3.2.1.4  0..4294967295 -     maxTimeBaseScheduleEntries
timeBaseScheduleDayPlan      G.3.3.2.1.5  0..255        -     maxTimeBaseScheduleEntries
dayPlanHour                  G.3.3.5.1.3  0..23         h     maxDayPlans maxDayPlanEvents
dayPlanMinute                G.3.3.5.1.4  0..59         min   maxDayPlans maxDayPlanEvents
dayPlanActionNumberOID       G.3.3.5.1.5  identifier    -     maxDayPlans maxDayPlanEvents
maxPhases                    A.1.1        2..255        -
maxPatterns                  A.4.5        1..253        -
maxSplits                    A.4.8        1..255        -
maxTimebaseAscActions        A.5.2        1..255        -
maxRings                     A.7.1        1..255        -
maxSequences                 A.7.2        1..255        -
maxChannels                  A.8.1        1..255        -
maxOverlaps                  A.9.1        0..255        -
maxTimeBaseScheduleEntries   G.3.3.1      1..65535      -
maxDayPlans                  G.3.3.3      1..255        -
maxDayPlanEvents             G.3.3.4      1..255        -
"""

# What makes a row of no effect. Rows beyond a plan are written so, or what was there before would go on.
CLEAR: dict[str, Value] = {
    "phaseOptions": 0,
    "sequenceData": b"",
    "channelControlSource": 0,
    "overlapIncludedPhases": b"",
    "dayPlanActionNumberOID": NULL,
    "timeBaseScheduleDay": 0,
}

# How far rows without a use are cleared in the file; an upload goes on to the end of the controller's tables.
CLEAR_TO = {
    "phaseOptions": 16,
    "sequenceData": 4,
    "channelControlSource": 16,
    "overlapIncludedPhases": 16,
    "dayPlanActionNumberOID": 16,
    "timeBaseScheduleDay": 16,
}


@dataclass(frozen=True, slots=True)
class NtcipObject:
    """
    An object of the standards.

    Parameters
    ----------
    name : str
        Its name.
    oid : str
        Its identifier without index.
    kind : str
        SNMP type.
    low, high : int
        Range of an integer.
    unit : str
        ``s``, ``0.1s`` or another; empty if it has none.
    limits : tuple of str
        For each index the object that tells how far it goes; empty for a single value.
    """

    name: str
    oid: str
    kind: str
    low: int
    high: int
    unit: str
    limits: tuple[str, ...]


def _objects() -> Iterable[NtcipObject]:
    for line in _TABLE.strip().splitlines():
        name, place, span, unit, *limits = line.split()
        oid = place.replace("A", _ASC).replace("G", _GLOBAL)
        kind = {"octets": OCTETS, "identifier": OID}.get(span, INTEGER)
        low, high = map(int, span.split("..")) if kind == INTEGER else (0, 0)
        yield NtcipObject(name, oid, kind, low, high, unit.replace("-", ""), tuple(limits))


OBJECTS = {entry.name: entry for entry in _objects()}


@dataclass(frozen=True, slots=True)
class Setting:
    """
    A value that an object of a controller is set to.

    Parameters
    ----------
    name : str
        The object, a key of `OBJECTS`.
    index : tuple of int
        Its row; empty for a single value.
    value : int, bytes or str
        Integer, octets, or object identifier with dots.
    note : str
        For the reader.
    """

    name: str
    index: tuple[int, ...]
    value: Value
    note: str = ""

    @property
    def key(self) -> tuple[str, tuple[int, ...]]:
        """Object and row."""
        return self.name, self.index

    @property
    def oid(self) -> str:
        """Identifier with index."""
        return ".".join([OBJECTS[self.name].oid, *map(str, self.index or (0,))])

    @property
    def label(self) -> str:
        """Name with index, as people write it."""
        return ".".join([self.name, *map(str, self.index or (0,))])

    @property
    def text(self) -> str:
        """Value as the file has it; octets as hexadecimal pairs."""
        return self.value.hex(" ") if isinstance(self.value, bytes) else str(self.value)


def cleared(name: str, rows: tuple[int, ...], used: Container[int], note: str) -> Iterator[Setting]:
    """
    Clear the rows of a table that a plan does not use.

    Parameters
    ----------
    name : str
        Key of `CLEAR`.
    rows : tuple of int
        Index before the last one.
    used : container of int
        Rows in use.
    note : str
        For the reader.

    Yields
    ------
    Setting
        One for each row.
    """
    for row in range(1, CLEAR_TO[name] + 1):
        if row not in used:
            yield Setting(name, (*rows, row), CLEAR[name], note)


def range_fault(setting: Setting) -> str:
    """
    Check a value against the range of its object.

    Parameters
    ----------
    setting : Setting
        The value.

    Returns
    -------
    str
        What is wrong, or empty.
    """
    entry = OBJECTS[setting.name]
    if len(setting.index) != len(entry.limits):
        return f"{setting.label} has {len(setting.index)} indices, not {len(entry.limits)} [nema-range]"
    most = 65535 if entry.limits == ("maxTimeBaseScheduleEntries",) else 255
    if any(not 1 <= number <= most for number in setting.index):
        return f"{setting.label} has an index outside 1 to {most} [nema-range]"
    want: type = {INTEGER: int, OCTETS: bytes, OID: str}[entry.kind]
    if not isinstance(setting.value, want):
        return f"{setting.label} is no {entry.kind} [nema-range]"
    if isinstance(setting.value, int) and not entry.low <= setting.value <= entry.high:
        unit = f" {entry.unit}" if entry.unit else ""
        return f"{setting.label} is {setting.value}{unit}; {entry.low} to {entry.high}{unit} [nema-range]"
    if isinstance(setting.value, bytes) and len(setting.value) > 255:
        return f"{setting.label} has {len(setting.value)} octets; at most 255 [nema-range]"
    return ""


def write_list(settings: Sequence[Setting]) -> bytes:
    """
    Write a list as text.

    Parameters
    ----------
    settings : sequence of Setting
        In the order they are set.

    Returns
    -------
    bytes
        CSV in UTF-8.
    """
    text = io.StringIO()
    rows = csv.writer(text, lineterminator="\n")
    rows.writerow(COLUMNS)
    for k, setting in enumerate(settings, 1):
        entry = OBJECTS[setting.name]
        rows.writerow([k, setting.name, setting.oid, entry.kind, setting.text, entry.unit, setting.note])
    return text.getvalue().encode()


def read_list(content: bytes, source: str) -> list[Setting]:
    """
    Read a list.

    Parameters
    ----------
    content : bytes
        The file.
    source : str
        Its name, for messages.

    Returns
    -------
    list of Setting
        In order.

    Raises
    ------
    InputError
        If it is no such list, a value is out of range, or an object is set twice.
    """
    refuse_larger(content, source)
    try:
        rows = list(csv.reader(io.StringIO(content.decode(), newline=""), strict=True))
    except UnicodeDecodeError as error:
        msg = f"{source} is not UTF-8 text (byte {error.start}); export it again"
        raise InputError(msg) from error
    except csv.Error as error:
        msg = f"{source} is no CSV table: {error}; export it again"
        raise InputError(msg) from error
    if not rows or tuple(rows[0]) != COLUMNS:
        msg = f"{source} is no NTCIP object list: its first line is not {','.join(COLUMNS)}"
        raise InputError(msg)
    settings = []
    seen = set()
    for k, row in enumerate(rows[1:], 1):
        where = f"{source}, order {k}"
        setting = _setting(row, k, where)
        if setting.key in seen and setting.name != "dbCreateTransaction":
            msg = f"{where}: {setting.label} is set twice"
            raise InputError(msg)
        seen.add(setting.key)
        settings.append(setting)
    return settings


def _setting(row: list[str], order: int, where: str) -> Setting:
    if len(row) != len(COLUMNS):
        msg = f"{where}: the line has {len(row)} fields, not {len(COLUMNS)}; export the file again"
        raise InputError(msg)
    number, name, oid, kind, text, _, note = row
    if number != str(order):
        msg = f"{where}: the line says order '{number[:20]}'; lines are missing or moved"
        raise InputError(msg)
    if name not in OBJECTS:
        msg = f"{where}: no object '{name[:60]}'{near_miss(name[:60], OBJECTS)}"
        raise InputError(msg)
    entry = OBJECTS[name]
    tail = oid.removeprefix(f"{entry.oid}.").split(".")
    if not all(_is_number(part) for part in tail):
        msg = f"{where}: '{oid[:80]}' is no identifier of {name}, which is {entry.oid} and its index"
        raise InputError(msg)
    if kind != entry.kind:
        msg = f"{where}: {name} is {entry.kind}, not '{kind[:30]}'"
        raise InputError(msg)
    index = tuple(map(int, tail))
    if not entry.limits and index == (0,):
        index = ()
    setting = Setting(name, index, _value(entry, text, where), note)
    if setting.oid != oid:
        msg = f"{where}: '{oid[:80]}' is not the identifier of {setting.label}, {setting.oid}"
        raise InputError(msg)
    fault = range_fault(setting)
    if fault:
        msg = f"{where}: {fault}"
        raise InputError(msg)
    return setting


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) <= 10


def _value(entry: NtcipObject, text: str, where: str) -> Value:
    if entry.kind == INTEGER and _is_number(text):
        return int(text)
    if entry.kind == OID and len(text) <= 255 and all(_is_number(part) for part in text.split(".")):
        return ".".join(str(int(part)) for part in text.split("."))
    if entry.kind == OCTETS:
        try:
            return bytes.fromhex(text)
        except ValueError:
            pass
    shape = {INTEGER: "a whole number", OID: "an identifier with dots", OCTETS: "pairs of hexadecimal digits"}
    msg = f"{where}: the value '{text[:60]}' of {entry.name} is not {shape[entry.kind]}"
    raise InputError(msg)
