"""Real servers as subprocesses on loopback, requests full of secrets, and what the log says afterwards."""

from __future__ import annotations

import base64
import http.client
import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.support import free_port

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

REPO = Path(__file__).parents[2]
DOCS = REPO / "docs"
EXAMPLES = REPO / "examples"
PATIENCE = 90  # seconds, for a start or a stop on a busy machine

PASSWORD = "Correct-Horse-" + "7Battery"
TOKEN = "f3b1c9" + "a8d7e6054b3c2d1e0f9a8b7c"
SESSION = "9d8c7b" + "6a5f4e3d2c1b0a99887766"
API_KEY = "q7w6e5" + "r4t3y2u1i0o9p8a7s6d5"
BASIC_PASSWORD = "Open-" + "Sesame42"
BASIC = base64.b64encode(f"bob:{BASIC_PASSWORD}".encode()).decode()
SECRETS = (PASSWORD, TOKEN, SESSION, API_KEY, BASIC_PASSWORD, BASIC)

HEADERS = {
    "Authorization": f"Basic {BASIC}",
    "Cookie": f"sessionid={SESSION}; theme=dark",
    "X-Api-Key": API_KEY,
    "User-Agent": "shop-client/1.0",
}
QUERY = f"user=bob&password={PASSWORD}&access_token={TOKEN}"

_BLOCK = re.compile(r"<!-- file: (\S+) -->\n```\w+\n(.*?)```", re.DOTALL)


def recipes(page: str) -> dict[str, str]:
    """Return the files that a page of docs/ shows, by their names."""
    return dict(_BLOCK.findall((DOCS / page).read_text(encoding="utf-8")))


def environment(**more: str) -> dict[str, str]:
    """Return an environment in which the checkout and its examples are importable, and pseudonyms have a key."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("SECLOG", "COVERAGE"))}
    path = os.pathsep.join([str(REPO), str(EXAMPLES)])
    return {
        **kept,
        "PYTHONPATH": path,
        "PYTHONDONTWRITEBYTECODE": "1",
        "SECLOG_KEYS": "k1:" + "0123456789abcdef" * 2,
        **more,
    }


class Program:
    """A subprocess with a session of its own, whose output goes to files; `stop` leaves nothing of it behind."""

    def __init__(self, command: Sequence[str], folder: Path, env: Mapping[str, str]) -> None:
        self.folder = folder
        self.port = 0
        with (folder / "stdout.txt").open("wb") as out, (folder / "stderr.txt").open("wb") as err:
            self.process = subprocess.Popen(
                [sys.executable, "-m", *command], cwd=folder, stdout=out, stderr=err, stdin=subprocess.DEVNULL,
                env=environment(**env), start_new_session=True,
            )  # fmt: skip

    @property
    def stdout(self) -> str:
        return (self.folder / "stdout.txt").read_text(encoding="utf-8")

    @property
    def stderr(self) -> str:
        return (self.folder / "stderr.txt").read_text(encoding="utf-8", errors="replace")

    def wait_for_port(self, port: int) -> None:
        self.port = port
        for _ in self._patience():
            assert self.process.poll() is None, f"the server ended: {self.stdout}\n{self.stderr}"
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    return
        raise AssertionError(f"nobody listens: {self.stdout}\n{self.stderr}")

    def wait_for_text(self, text: str, name: str = "stdout.txt") -> None:
        for _ in self._patience():
            path = self.folder / name
            if path.exists() and text in path.read_text(encoding="utf-8", errors="replace"):
                return
        raise AssertionError(f"no {text!r} in {name}: {self.stdout}\n{self.stderr}")

    def _patience(self) -> Iterator[None]:
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            yield
            time.sleep(0.05)

    def get(self, path: str, headers: Mapping[str, str] | None = None) -> http.client.HTTPResponse:
        """Send one request on a connection of its own and read the whole answer."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE)
        try:
            connection.request("GET", path, headers={**HEADERS, **(headers or {}), "Connection": "close"})
            response = connection.getresponse()
            response.body = response.read()  # type: ignore[attr-defined]
            return response
        finally:
            connection.close()

    def attack(self, times: int = 5) -> None:
        """Fail to log in, with every kind of secret in the request."""
        for _ in range(times):
            assert self.get(f"/login?{QUERY}").status == 401

    def stop(self) -> None:
        """End the program, then kill whatever is left of its session."""
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(PATIENCE)
            except subprocess.TimeoutExpired:
                pass
        try:
            os.killpg(self.process.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        self.process.wait(PATIENCE)

    def lines(self, name: str = "stdout.txt") -> list[dict[str, Any]]:
        """Return every line of an output, each of which must be one JSON object."""
        return [json.loads(line) for line in (self.folder / name).read_text(encoding="utf-8").splitlines()]

    def events(self, event_type: str, **wanted: Any) -> list[dict[str, Any]]:
        """Return the events of a type with these values."""
        found = [line for line in self.lines() if line.get("event_type") == event_type]
        return [line for line in found if all(line.get(name) == value for name, value in wanted.items())]

    def opened(self) -> list[dict[str, Any]]:
        """Return the alerts that opened an incident."""
        return self.events("security_alert", incident_state="open")


def leaks(folder: Path, secrets: Sequence[str] = SECRETS) -> list[str]:
    """Name every file that contains a secret."""
    found = []
    for path in folder.rglob("*"):
        if path.is_file():
            content = path.read_bytes()
            found += [f"{path.name}: {secret}" for secret in secrets if secret.encode() in content]
    return found


class Launcher:
    """Starts programs in one folder each and remembers them."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.programs: list[Program] = []

    def write(self, files: Mapping[str, str]) -> None:
        for name, text in files.items():
            (self.folder / name).write_text(text, encoding="utf-8")

    def run(self, *command: str, **env: str) -> Program:
        program = Program(command, self.folder, env)
        self.programs.append(program)
        return program

    def gunicorn(self, app: str, *switches: str, **env: str) -> Program:
        pytest.importorskip("gunicorn", reason="gunicorn is not installed")
        from gunicorn.config import KNOWN_SETTINGS

        port = free_port()
        if any(setting.name == "control_socket" for setting in KNOWN_SETTINGS):
            switches = ("--no-control-socket", *switches)
        # A gevent worker that is told to stop while it boots is only killed after this many seconds.
        switches = ("--graceful-timeout", "3", *switches)
        program = self.run("gunicorn", "--bind", f"127.0.0.1:{port}", *switches, app, **env)
        program.wait_for_port(port)
        return program

    def uvicorn(self, app: str, *switches: str, **env: str) -> Program:
        pytest.importorskip("uvicorn", reason="uvicorn is not installed")
        port = free_port()
        program = self.run("uvicorn", "--port", str(port), *switches, app, **env)
        program.wait_for_port(port)
        return program

    def stop(self) -> None:
        for program in self.programs:
            program.stop()
