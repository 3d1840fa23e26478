"""Reads a SUMO network, and the programs that additional files put over it."""

from __future__ import annotations

import gzip
from typing import IO, TYPE_CHECKING, Any, NoReturn, Protocol
from xml.parsers import expat

from defusedxml import DTDForbidden

from sim.errors import InputError
from sim.network.book import ProgramBook

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

_GZIP_MAGIC = b"\x1f\x8b"


class Handler(Protocol):
    """What hears of the elements of a file."""

    def startElement(self, name: str, attrs: Mapping[str, str]) -> None:  # noqa: N802  (SAX's name)
        """
        Hear that an element begins.

        Parameters
        ----------
        name : str
            Its tag.
        attrs : mapping
            Its attributes.
        """

    def endElement(self, name: str) -> None:  # noqa: N802  (SAX's name)
        """
        Hear that an element ends.

        Parameters
        ----------
        name : str
            Its tag.
        """


class NetHandler:
    """
    Reads a net: programs with our own eyes, since sumolib's stop at a phase without a duration, the rest with its.

    Parameters
    ----------
    book : ProgramBook
        Where programs are noted.
    """

    def __init__(self, book: ProgramBook) -> None:
        from sumolib.net import NetReader  # noqa: PLC0415

        self.book = book
        self.root = ""
        self.reader = NetReader(withInternal=True, withFoes=True, withPedestrianConnections=True)

    def startElement(self, name: str, attrs: Mapping[str, str]) -> None:  # noqa: N802
        """
        Hear that an element begins.

        Parameters
        ----------
        name : str
            Its tag.
        attrs : mapping
            Its attributes.
        """
        self.root = self.root or name
        if not self.book.begin(name, attrs):
            self.reader.startElement(name, attrs)

    def endElement(self, name: str) -> None:  # noqa: N802
        """
        Hear that an element ends.

        Parameters
        ----------
        name : str
            Its tag.
        """
        if not self.book.end(name):
            self.reader.endElement(name)


class ProgramHandler:
    """
    Reads the programs of an additional file and nothing else.

    Parameters
    ----------
    book : ProgramBook
        Where programs are noted.
    """

    def __init__(self, book: ProgramBook) -> None:
        self.book = book

    def startElement(self, name: str, attrs: Mapping[str, str]) -> None:  # noqa: N802
        """
        Hear that an element begins.

        Parameters
        ----------
        name : str
            Its tag.
        attrs : mapping
            Its attributes.
        """
        self.book.begin(name, attrs)

    def endElement(self, name: str) -> None:  # noqa: N802
        """
        Hear that an element ends.

        Parameters
        ----------
        name : str
            Its tag.
        """
        self.book.end(name)


def read_net(path: Path) -> tuple[Any, ProgramBook]:
    """
    Read a network with programs, junction-internal lanes and right-of-way matrices.

    Parameters
    ----------
    path : Path
        A ``.net.xml``, plain or gzipped.

    Returns
    -------
    tuple of sumolib.net.Net and ProgramBook
        The network and its programs.

    Raises
    ------
    InputError
        If the file is missing or not a SUMO network.
    """
    if not path.is_file():
        msg = f"{path}: no such network file; check the path in the scenario"
        raise InputError(msg)
    book = ProgramBook(str(path))
    handler = NetHandler(book)
    try:
        parse(path, handler)
        if handler.root == "net":
            handler.reader.endDocument()
    except InputError:
        raise
    except Exception as fault:
        msg = f"{path}: not a readable SUMO network ({type(fault).__name__}: {fault}); rebuild it with netconvert"
        raise InputError(msg) from fault
    if handler.root != "net":
        msg = f"{path}: not a SUMO network, its root is <{handler.root}>; name a .net.xml"
        raise InputError(msg)
    net = handler.reader.getNet()
    if not net.getEdges(withInternal=False):
        msg = f"{path}: the network has no edge; rebuild it with netconvert"
        raise InputError(msg)
    return net, book


def read_programs(additional: Iterable[Path], book: ProgramBook) -> None:
    """
    Read the signal programs in additional files; SUMO runs the one loaded last.

    Parameters
    ----------
    additional : iterable of Path
        Additional files, in the order in which SUMO loads them.
    book : ProgramBook
        The network's programs; changed in place.

    Raises
    ------
    InputError
        If a file is missing or not XML, or a program cannot be read.
    """
    for path in additional:
        book.source = str(path)
        if not path.is_file():
            msg = f"{path}: no such additional file; check the path in the scenario"
            raise InputError(msg)
        parse(path, ProgramHandler(book))


def parse(path: Path, handler: Handler) -> None:
    """
    Read an XML file of a stranger; a document type is refused, since its entities can read other files.

    Parameters
    ----------
    path : Path
        The file, plain or gzipped, whatever its name says.
    handler : Handler
        Hears of its elements.

    Raises
    ------
    InputError
        If the file cannot be read, is not XML, or declares a document type.
    """
    parser = expat.ParserCreate()
    parser.StartElementHandler = handler.startElement
    parser.EndElementHandler = handler.endElement
    parser.StartDoctypeDeclHandler = _refuse
    try:
        with path.open("rb") as raw:
            packed = raw.read(len(_GZIP_MAGIC)) == _GZIP_MAGIC
            raw.seek(0)
            stream: IO[bytes] | gzip.GzipFile = gzip.GzipFile(fileobj=raw) if packed else raw
            parser.ParseFile(stream)
    except DTDForbidden as fault:
        msg = (
            f"{path}: declares a document type or entities, which is refused; remove the <!DOCTYPE ...> part"
        )
        raise InputError(msg) from fault
    except expat.ExpatError as fault:
        msg = f"{path}: not well-formed XML ({fault}); write the file again"
        raise InputError(msg) from fault
    except (OSError, EOFError) as fault:
        msg = f"{path}: cannot be read ({fault}); check the file"
        raise InputError(msg) from fault


def _refuse(name: str, system: str | None, public: str | None, _inner: int) -> NoReturn:
    raise DTDForbidden(name, system, public)
