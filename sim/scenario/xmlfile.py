"""Reading XML files of strangers: no document type, no entities, plain or gzipped."""

from __future__ import annotations

import gzip
import xml.parsers.expat
from typing import IO, TYPE_CHECKING, TypeVar, cast
from xml.etree.ElementTree import Element, ParseError

from defusedxml import DefusedXmlException
from defusedxml.ElementTree import fromstring, iterparse

from sim.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

T = TypeVar("T")
_GZIP_MAGIC = b"\x1f\x8b"
# Files above this size are checked at their beginning only: loading a scenario must stay instant.
FULL_CHECK_BYTES = 64 * 2**20


def open_plain(path: Path) -> IO[bytes]:
    """
    Open a file that may be gzipped, whatever its name says.

    Parameters
    ----------
    path : Path
        The file.

    Returns
    -------
    file object
        The unpacked bytes.
    """
    with path.open("rb") as raw:
        packed = raw.read(2) == _GZIP_MAGIC
    return cast("IO[bytes]", gzip.open(path, "rb")) if packed else path.open("rb")


def root_tag(path: Path) -> str:
    """
    Read the name of the root element of an XML file.

    Parameters
    ----------
    path : Path
        The file, plain or gzipped.

    Returns
    -------
    str
        The tag of the root element.

    Raises
    ------
    InputError
        If the file cannot be read, is not XML, or declares a document type or entities.
    """
    return _guarded(path, _first_tag)


def check_well_formed(path: Path) -> None:
    """
    Check that an XML file is complete and well-formed.

    Parameters
    ----------
    path : Path
        The file, plain or gzipped; beyond 64 MiB only the beginning is looked at.

    Raises
    ------
    InputError
        If it is not.
    """
    root_tag(path)
    if path.stat().st_size <= FULL_CHECK_BYTES:
        # Entities can only be declared before the root element, where root_tag() has refused them, so the
        # plain parser is safe here; it is ten times as fast as the guarded one, which is written in Python.
        _guarded(path, _parse_through)


def read_tree(path: Path) -> Element:
    """
    Read a small XML file as a tree.

    Parameters
    ----------
    path : Path
        The file, plain or gzipped.

    Returns
    -------
    Element
        The root element.

    Raises
    ------
    InputError
        If the file cannot be read, is not XML, or declares a document type or entities.
    """
    return _guarded(path, _whole_tree)


def walk(path: Path, begin: Callable[[str, dict[str, str]], None], end: Callable[[str], None]) -> None:
    """
    Go through a large XML file element by element.

    Parameters
    ----------
    path : Path
        The file, plain or gzipped.
    begin : callable
        Called at the begin of each element with its name and attributes.
    end : callable
        Called at its end with its name.

    Raises
    ------
    InputError
        If the file cannot be read, is not XML, or declares a document type or entities.
    """
    root_tag(path)

    def through(file: IO[bytes]) -> None:
        parser = xml.parsers.expat.ParserCreate()
        parser.StartElementHandler, parser.EndElementHandler = begin, end
        parser.ParseFile(file)

    _guarded(path, through)


def read_attributes(path: Path, tag: str, wanted: Callable[[Element], bool]) -> list[dict[str, str]]:
    """
    Read the attributes of all elements of a kind, from a large file.

    Parameters
    ----------
    path : Path
        The file, plain or gzipped.
    tag : str
        Name of the elements.
    wanted : callable
        Tells which of them are kept.

    Returns
    -------
    list of dict
        The attributes of each.

    Raises
    ------
    InputError
        If the file cannot be read, is not XML, or declares a document type or entities.
    """

    def collect(file: IO[bytes]) -> list[dict[str, str]]:
        found = []
        for _, element in iterparse(file, forbid_dtd=True):
            if element.tag == tag and wanted(element):
                found.append(dict(element.attrib))
            element.clear()
        return found

    return _guarded(path, collect)


def parse_tree(content: bytes, source: str) -> Element:
    """
    Read XML that is in memory as a tree.

    Parameters
    ----------
    content : bytes
        The XML.
    source : str
        Where it comes from, for messages.

    Returns
    -------
    Element
        The root element.

    Raises
    ------
    InputError
        If it is not XML, or declares a document type or entities.
    """
    return _explained(source, lambda: _parsed(content))


def _parsed(content: bytes) -> Element:
    try:
        tree: Element = fromstring(content, forbid_dtd=True)
    except DefusedXmlException:
        raise
    except (LookupError, ValueError) as error:
        # So an unknown encoding is told.
        raise ParseError(str(error)) from error
    return tree


def _first_tag(file: IO[bytes]) -> str:
    for _, element in iterparse(file, events=("start",), forbid_dtd=True):
        return str(element.tag)
    msg = "no element found"
    raise ParseError(msg)


def _whole_tree(file: IO[bytes]) -> Element:
    return _parsed(file.read())


def _parse_through(file: IO[bytes]) -> None:
    xml.parsers.expat.ParserCreate().ParseFile(file)


def _guarded(path: Path, action: Callable[[IO[bytes]], T]) -> T:
    """Run an action on an open file and turn every way it can fail into one line."""

    def opened() -> T:
        with open_plain(path) as file:
            return action(file)

    try:
        return _explained(str(path), opened)
    except (EOFError, gzip.BadGzipFile) as error:
        msg = f"{path} is a broken gzip file: {error}"
        raise InputError(msg) from error
    except OSError as error:
        msg = f"{path} cannot be read: {error.strerror or error}"
        raise InputError(msg) from error


def _explained(source: str, action: Callable[[], T]) -> T:
    """Turn every way in which something is no XML for us into one line."""
    try:
        return action()
    except DefusedXmlException as error:
        msg = f"{source} declares a document type or entities (<!DOCTYPE ...>), which is refused; remove the declaration"
        raise InputError(msg) from error
    except (ParseError, xml.parsers.expat.ExpatError) as error:
        msg = f"{source} is not well-formed XML: {error}"
        raise InputError(msg) from error
