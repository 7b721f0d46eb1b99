"""A TCP server on loopback that answers as a script says and keeps its requests; waiting for conditions."""

from __future__ import annotations

import json
import socket
import socketserver
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from seclog_handlers.handlers.alerts.orphans import waiting_lines
from seclog_handlers.handlers.alerts.spool import SUFFIX
from tests.support import free_port as closed_port
from tests.support import until

__all__ = ["black_hole", "closed_port", "serving", "status", "until", "waiting"]

Answer = Callable[[socket.socket, "Request"], None]


class Request:
    """One HTTP request as it came in."""

    def __init__(self, line: str, headers: dict[str, str], body: bytes) -> None:
        self.line = line
        self.headers = headers
        self.body = body
        self.at = time.monotonic()
        self.wall = time.time()

    def json(self) -> Any:
        return json.loads(self.body)


class Server(socketserver.ThreadingTCPServer):
    """Answers the n-th request with the n-th answer of its script, and any later one with the last."""

    allow_reuse_address = True
    daemon_threads = True

    def __init__(self, script: tuple[Answer, ...]) -> None:
        self.script = list(script)
        self.requests: list[Request] = []
        self.accepted: list[Request] = []
        self.connections = 0
        self.lock = threading.Lock()
        self.released = threading.Event()
        super().__init__(("127.0.0.1", 0), Handler)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}/hook"

    def incidents(self) -> list[tuple[str, str]]:
        """(incident_id, status) of every alert in every request that was answered with success, in order."""
        with self.lock:
            bodies = [request.json() for request in self.accepted]
        return [(alert["annotations"]["incident_id"], alert["status"]) for body in bodies for alert in body["alerts"]]

    def handle_error(self, request: Any, client_address: Any) -> None:
        pass


class Handler(socketserver.BaseRequestHandler):
    server: Server

    def handle(self) -> None:
        server = self.server
        with server.lock:
            server.connections += 1
        request = read_request(self.request)
        if request is None:
            return
        with server.lock:
            answer = server.script[min(len(server.requests), len(server.script) - 1)]
            server.requests.append(request)
            if getattr(answer, "succeeds", False):
                server.accepted.append(request)
        answer(self.request, request)


def read_request(connection: socket.socket) -> Request | None:
    data = b""
    while b"\r\n\r\n" not in data:
        part = connection.recv(65536)
        if not part:
            return None
        data += part
    head, _, body = data.partition(b"\r\n\r\n")
    lines = head.decode("latin-1").split("\r\n")
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines[1:])}
    while len(body) < int(headers.get("content-length", 0)):
        body += connection.recv(65536)
    return Request(lines[0], headers, body)


def status(code: int, *headers: str) -> Answer:
    """Answer with a status."""

    def answer(connection: socket.socket, request: Request) -> None:
        lines = [f"HTTP/1.1 {code} X", "Content-Length: 2", "Connection: close", *headers]
        connection.sendall("\r\n".join(lines).encode() + b"\r\n\r\nok")

    answer.succeeds = 200 <= code < 300  # type: ignore[attr-defined]
    return answer


def reset(connection: socket.socket, request: Request) -> None:
    """Begin an answer, then reset the connection."""
    connection.sendall(b"HTTP/1.1 20")
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\0\0\0\0\0\0\0")
    connection.close()


def half_close(connection: socket.socket, request: Request) -> None:
    """Say nothing and close the sending half."""
    connection.shutdown(socket.SHUT_WR)
    connection.recv(1)


def garbage(connection: socket.socket, request: Request) -> None:
    """Answer something that is no HTTP."""
    connection.sendall(b"\x15\x03\x03\x00\x02\x02\x28" * 10)


def trickle(connection: socket.socket, request: Request) -> None:
    """Answer byte by byte, without end."""
    connection.sendall(b"HTTP/1.1 ")
    try:
        while True:
            connection.sendall(b"x")
            time.sleep(0.05)
    except OSError:
        pass


def silence(connection: socket.socket, request: Request) -> None:
    """Never answer."""
    while connection.recv(65536):
        pass


@contextmanager
def serving(*script: Answer) -> Iterator[Server]:
    """A server with a script; success counts as accepted."""
    server = Server(script or (status(200),))
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.released.set()
        server.shutdown()
        server.server_close()


@contextmanager
def black_hole() -> Iterator[int]:
    """A port that takes connections into its backlog and never answers."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(64)
        yield int(listener.getsockname()[1])


def waiting(spool: str | Path) -> int:
    """How many alerts wait in a spool."""
    files = [path for path in Path(spool).glob("*/*") if path.suffix == SUFFIX]
    return sum(len(waiting_lines(path, path.parent)) for path in files)
