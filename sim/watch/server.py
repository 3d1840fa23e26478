"""The server: a few fixed pages on loopback, for browsers on this machine only."""

from __future__ import annotations

import errno
import hashlib
import sys
from functools import cache
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib import resources
from socketserver import TCPServer
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

from sim.errors import EnvironmentFaultError, GruenbandError
from sim.report.pack import to_script
from sim.watch.folder import Folder
from sim.watch.maps import figures_of, network_of

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

LOOPBACK = "127.0.0.1"
# Nothing from elsewhere, nothing inside other pages, no script in the page itself.
HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self'; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-cache",
}
JSON = "application/json"
# What can be asked for: package, file in it, type. Nothing else of the disk is ever opened for a name in a request.
FILES = {
    "/": ("sim.watch", "page/index.html", "text/html; charset=utf-8"),
    "/texts.js": ("sim.watch", "page/texts.js", "text/javascript; charset=utf-8"),
    "/tables.js": ("sim.watch", "page/tables.js", "text/javascript; charset=utf-8"),
    "/map.js": ("sim.watch", "page/map.js", "text/javascript; charset=utf-8"),
    "/watch.js": ("sim.watch", "page/watch.js", "text/javascript; charset=utf-8"),
    "/icon.svg": ("sim.watch", "page/icon.svg", "image/svg+xml"),
    "/watch.css": ("sim.watch", "page/watch.css", "text/css; charset=utf-8"),
    "/style.css": ("sim.report", "style.css", "text/css; charset=utf-8"),
}


@cache
def _shipped(package: str, name: str) -> bytes:
    return resources.files(package).joinpath(name).read_bytes()


class Server(ThreadingHTTPServer):
    """
    A server of one result folder.

    Parameters
    ----------
    root : Path
        The folder.
    port : int
        Port on loopback; 0 for any that is free.

    Raises
    ------
    EnvironmentFaultError
        If the port cannot be had.
    """

    daemon_threads = True

    def __init__(self, root: Path, port: int) -> None:
        self.folder = Folder(root)
        try:
            super().__init__((LOOPBACK, port), _Handler)
        except OSError as error:
            reason = "is in use" if error.errno == errno.EADDRINUSE else f"cannot be used ({error.strerror})"
            msg = f"port {port} {reason}; choose another with --port, or any free one with --port 0"
            raise EnvironmentFaultError(msg) from error

    def server_bind(self) -> None:
        """Bind without asking a name server what this machine is called, as the standard library does."""
        TCPServer.server_bind(self)
        self.server_name, self.server_port = LOOPBACK, self.port

    @property
    def port(self) -> int:
        """Where it listens."""
        return int(self.server_address[1])

    def handle_error(self, request: Any, client_address: Any) -> None:  # noqa: ANN401
        """
        Keep still about browsers that went away in the middle of an answer.

        Parameters
        ----------
        request : socket
            The connection.
        client_address : tuple
            Whose it is.
        """
        if not isinstance(sys.exc_info()[1], ConnectionError):
            super().handle_error(request, client_address)


class _Handler(BaseHTTPRequestHandler):
    """One connection."""

    protocol_version = "HTTP/1.1"
    server_version = "gruenband"
    sys_version = ""
    timeout = 60  # [s] a connection may idle
    server: Server

    def do_GET(self) -> None:
        if not self._meant_for_us():
            text = "This address belongs to gruenband watch on 127.0.0.1 and answers to no other name.\n"
            self._answer(HTTPStatus.FORBIDDEN, text.encode(), "text/plain; charset=utf-8")
            return
        address = urlsplit(self.path)
        if address.path in FILES:
            package, name, kind = FILES[address.path]
            self._answer(HTTPStatus.OK, _shipped(package, name), kind)
        elif address.path in DATA:
            self._tell(DATA[address.path], parse_qs(address.query).get("show", [""])[0])
        else:
            self._answer(HTTPStatus.NOT_FOUND, b"There is no such page.\n", "text/plain; charset=utf-8")

    def _meant_for_us(self) -> bool:
        """Refuse other names for this machine: a page of a stranger could read us through one that it controls."""
        port = self.server.port
        names = {f"{LOOPBACK}:{port}", f"localhost:{port}"}
        hosts = self.headers.get_all("Host", [])
        return len(hosts) == 1 and hosts[0].lower() in names

    def _tell(self, data: Callable[[Folder, str], dict[str, Any]], show: str) -> None:
        try:
            told = data(self.server.folder, show)
        except (GruenbandError, OSError) as fault:
            told = {"fault": str(fault)}
        self._answer(HTTPStatus.OK, to_script(told).encode(), JSON)

    def _answer(self, status: HTTPStatus, body: bytes, kind: str) -> None:
        tag = f'"{hashlib.sha256(body).hexdigest()[:24]}"'
        if status is HTTPStatus.OK and self.headers.get("If-None-Match") == tag:
            status, body = HTTPStatus.NOT_MODIFIED, b""
        self.send_response(status)
        for name, value in HEADERS.items():
            self.send_header(name, value)
        self.send_header("ETag", tag)
        if status is not HTTPStatus.NOT_MODIFIED:
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002, ANN401
        """Keep the terminal free; the browser shows what it asks for."""


# A fault of one run is told in the answer, so that the page can show it.
DATA: dict[str, Callable[[Folder, str], dict[str, Any]]] = {
    "/state": lambda folder, _: folder.look().state,
    "/network": lambda folder, show: network_of(folder.store, folder.look(), show),
    "/figures": lambda folder, show: figures_of(folder.store, folder.look(), show),
}
