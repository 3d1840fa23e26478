"""The server answers browsers on this machine, about fixed pages only; the command says in one line what is wrong."""

from __future__ import annotations

import http.client
import json
import os
import signal
import socket
import subprocess
import sys
from typing import TYPE_CHECKING
from urllib.parse import quote

import pytest

from sim.cli.main import invoke
from sim.watch.server import DATA, FILES, Server

if TYPE_CHECKING:
    from pathlib import Path

COMMAND = [sys.executable, "-m", "sim.cli.main", "watch"]


def ask(
    server: Server, path: str, host: str | None = None, **headers: str
) -> tuple[int, dict[str, str], bytes]:
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=60)
    connection.putrequest("GET", path, skip_host=True)
    connection.putheader("Host", host or f"127.0.0.1:{server.port}")
    for name, value in headers.items():
        connection.putheader(name.replace("_", "-"), value)
    connection.endheaders()
    answer = connection.getresponse()
    body = answer.read()
    connection.close()
    return answer.status, dict(answer.getheaders()), body


def test_every_page_has_its_type_and_a_strict_policy(server: Server) -> None:
    for path in [*FILES, *DATA]:
        status, headers, body = ask(server, path)
        assert (status, len(body) > 0) == (200, True)
        assert "default-src 'none'" in headers["Content-Security-Policy"]
        assert "unsafe" not in headers["Content-Security-Policy"]
        assert headers["X-Content-Type-Options"] == "nosniff"
    page = ask(server, "/")[2].decode()
    assert "http:" not in page
    assert "https:" not in page


def test_unchanged_answers_are_not_sent_again(server: Server) -> None:
    _, headers, body = ask(server, "/state")
    assert json.loads(body)["runs"]["done"] == 4
    status, _, rest = ask(server, "/state", If_None_Match=headers["ETag"])
    assert (status, rest) == (304, b"")
    assert ask(server, "/state", If_None_Match='"other"')[0] == 200


@pytest.mark.parametrize(
    "host", ["evil.example", "evil.example:{port}", "127.0.0.1", "127.0.0.1:1", "[::1]:{port}", "{ip}:{port}"]
)
def test_other_names_of_this_machine_are_refused(server: Server, host: str) -> None:
    name = host.format(port=server.port, ip="127.0.0.2")
    status, _, body = ask(server, "/state", host=name)
    assert status == 403
    assert b"delay" not in body
    assert ask(server, "/state", host=f"localhost:{server.port}")[0] == 200


def test_it_listens_on_loopback_only(server: Server) -> None:
    assert server.socket.getsockname()[0] == "127.0.0.1"


@pytest.mark.parametrize(
    "path",
    [
        "/../../etc/passwd", "/page/../folder.py", "//etc/passwd", "/%2e%2e/%2e%2e/etc/passwd", "/runs/", "/runs",
        "/index.html/..", "/state/..", "/watch.js/", "/page", "http://evil.example/",
    ],
)  # fmt: skip
def test_no_other_path_is_served(server: Server, path: str) -> None:
    status, _, body = ask(server, path)
    assert b"root:" not in body
    assert status == 404 or body == ask(server, "/")[2]


@pytest.mark.parametrize("show", ["../../etc", "*", "\x00", "a" * 5000, "%00", "🚦"])
def test_what_is_asked_for_names_no_file(server: Server, show: str) -> None:
    for page in ("/figures", "/network"):
        status, _, body = ask(server, f"{page}?show={quote(show)}")
        assert status == 200
        assert set(json.loads(body)) == {"fault"}


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "HEAD", "OPTIONS"])
def test_it_can_only_be_read(server: Server, method: str) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=60)
    connection.request(method, "/state")
    assert connection.getresponse().status == 501
    connection.close()


def test_nonsense_and_half_requests_do_not_end_it(server: Server) -> None:
    for request in (
        b"\r\n\r\n",
        b"GET\r\n\r\n",
        b"GET /state HTTP/9.9\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost",
        os.urandom(500),
    ):
        with socket.create_connection(("127.0.0.1", server.port)) as connection:
            connection.sendall(request)
    assert ask(server, "/state")[0] == 200


def error_of(capsys: pytest.CaptureFixture[str], code: int, *arguments: object) -> str:
    assert invoke(["watch", *map(str, arguments)]) == code
    (line,) = capsys.readouterr().err.splitlines()
    return line


def test_wrong_folders(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert "does not exist" in error_of(capsys, 2, tmp_path / "none")
    (tmp_path / "file").touch()
    assert "is a file" in error_of(capsys, 2, tmp_path / "file")
    assert "no result folder" in error_of(capsys, 2, tmp_path)
    assert "65535" in error_of(capsys, 2, tmp_path, "--port", "70000")


def test_port_in_use(server: Server, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    line = error_of(capsys, 3, folder, "--port", server.port)
    assert f"port {server.port} is in use" in line
    assert "--port" in line


def test_ctrl_c_ends_it(folder: Path) -> None:
    # What runs in the background of a script inherits that Ctrl-C is ignored.
    command = ["env", "--default-signal=INT", *COMMAND, folder, "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline().startswith("http://127.0.0.1:")
            process.send_signal(signal.SIGINT)
            out, err = process.communicate(timeout=60)
        finally:
            process.kill()
    assert (process.returncode, out) == (0, "")
    assert "batch goes on" in err
    assert "Traceback" not in err
