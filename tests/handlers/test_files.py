"""SharedFileHandler: one file, several processes."""

from __future__ import annotations

import logging
import logging.config
import os
import threading
from pathlib import Path

import pytest

import seclog_handlers as pack
from seclog_handlers.handlers import files
from tests.support import record

PROCESSES, LINES = 8, 150


def shared(path: Path | str) -> pack.SharedFileHandler:
    handler = pack.SharedFileHandler(str(path))
    handler.setFormatter(logging.Formatter("%(message)s"))
    return handler


def write_from_processes(handler: logging.Handler, length: int) -> None:
    """Let forked children write lines, each of one letter."""
    children = []
    for number in range(PROCESSES):
        child = os.fork()
        if not child:
            try:
                for line in range(LINES):
                    handler.handle(record(chr(ord("a") + number) * (length + line)))
            finally:
                os._exit(0)
        children.append(child)
    for child in children:
        os.waitpid(child, 0)


def torn(text: str, length: int) -> int:
    """Count what is no whole line of one letter."""
    whole = {chr(ord("a") + number) * (length + line) for number in range(PROCESSES) for line in range(LINES)}
    lines = text.splitlines()
    return len(whole ^ set(lines)) + len(lines) - len(set(lines))


@pytest.mark.parametrize("opened", [False, True])
def test_processes_that_share_a_file_tear_no_line(tmp_path: Path, opened: bool) -> None:
    """Lines of 10 kB from eight processes are whole, whether the file was opened before the fork or after."""
    handler = shared(tmp_path / "app.log")
    if opened:
        handler.handle(record("a" * 10_000))

    write_from_processes(handler, 10_000)

    text = (tmp_path / "app.log").read_text()
    assert torn(text.removeprefix("a" * 10_000 + "\n") if opened else text, 10_000) == 0


class Drain(threading.Thread):
    """Reads a pipe to its end."""

    def __init__(self, descriptor: int) -> None:
        super().__init__()
        self.descriptor, self.parts = descriptor, []
        self.start()

    def run(self) -> None:
        while part := os.read(self.descriptor, 1 << 20):
            self.parts.append(part)

    def text(self) -> str:
        self.join(60)
        return b"".join(self.parts).decode()


@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
@pytest.mark.parametrize("locks", [True, False])
def test_processes_that_share_a_pipe_tear_no_line(locks: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """Lines longer than PIPE_BUF are whole on a pipe too; without the lock (the saboteur) they are not."""
    if not locks:
        monkeypatch.setattr(files, "_lock", lambda descriptor, operation: True)
    reading, writing = os.pipe()
    handler = shared(f"/dev/fd/{writing}")
    drain = Drain(reading)

    write_from_processes(handler, 10_000)
    os.close(writing)
    handler.close()

    assert (torn(drain.text(), 10_000) == 0) is locks
    os.close(reading)


def test_a_renamed_file_is_left_for_a_new_one(tmp_path: Path) -> None:
    """After logrotate renamed the file, the next line is in a new one, and none is lost."""
    path = tmp_path / "app.log"
    handler = shared(path)
    handler.handle(record("one"))
    path.rename(tmp_path / "app.log.1")

    handler.handle(record("two"))
    path.unlink()
    handler.handle(record("three"))

    assert (tmp_path / "app.log.1").read_text() == "one\n"
    assert path.read_text() == "three\n"


def test_rotation_under_load_loses_nothing(tmp_path: Path) -> None:
    """Files renamed again and again while processes write hold every line, whole."""
    path = tmp_path / "app.log"
    handler = shared(path)
    children = []
    for number in range(4):
        child = os.fork()
        if not child:
            for line in range(500):
                handler.handle(record(f"{number}-{line}"))
            os._exit(0)
        children.append(child)
    for rotation in range(30):
        if path.exists():
            path.rename(tmp_path / f"app.log.{rotation}")
    for child in children:
        os.waitpid(child, 0)

    lines = [line for file in tmp_path.iterdir() for line in file.read_text().splitlines()]
    assert sorted(lines) == sorted(f"{number}-{line}" for number in range(4) for line in range(500))


def test_a_closed_handler_opens_again(tmp_path: Path) -> None:
    """A handler that a framework closed writes on, at the end of the same file."""
    handler = shared(tmp_path / "app.log")
    handler.handle(record("one"))
    handler.close()

    handler.handle(record("two"))
    handler.close()

    assert (tmp_path / "app.log").read_text() == "one\ntwo\n"


def test_what_cannot_be_encoded_is_escaped(tmp_path: Path) -> None:
    """A lone surrogate costs no line."""
    handler = shared(tmp_path / "app.log")

    handler.handle(record("a\ud800b"))

    assert (tmp_path / "app.log").read_bytes() == b"a\\ud800b\n"


def test_the_file_is_not_for_everybody(tmp_path: Path) -> None:
    """A new log file is readable by its owner and group."""
    handler = shared(tmp_path / "app.log")

    handler.handle(record("one"))

    assert (tmp_path / "app.log").stat().st_mode & 0o777 & ~0o640 == 0


def test_an_ini_file_can_name_it(tmp_path: Path) -> None:
    """`class = seclog_handlers.SharedFileHandler` with `args = ("app.log",)` is all that an INI needs."""
    (tmp_path / "logging.ini").write_text(
        "[loggers]\nkeys = root\n[handlers]\nkeys = out\n[formatters]\nkeys = json\n"
        "[logger_root]\nhandlers = out\n[formatter_json]\nclass = seclog_handlers.JsonFormatter\n"
        f'[handler_out]\nclass = seclog_handlers.SharedFileHandler\nargs = ("{tmp_path}/app.log",)\nformatter = json\n',
    )
    logging.config.fileConfig(str(tmp_path / "logging.ini"), disable_existing_loggers=False)

    logging.getLogger().warning("hello")

    assert '"message":"hello"' in (tmp_path / "app.log").read_text()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["nowhere/app.log"], "there is no folder"),
        ([""], "must be the path of a file"),
        ([7], "must be the path of a file"),
        (["."], "is a folder"),
        (["app.log", "w"], "only appends"),
        (["app.log", "a", "utf-99"], "Python does not know"),
    ],
)
def test_what_cannot_work_stops_the_start(arguments: list[object], words: str) -> None:
    """A wrong argument is one error when the configuration is loaded."""
    with pytest.raises(pack.ConfigurationError, match=words):
        pack.SharedFileHandler(*arguments)


def test_says_where_the_lines_go(tmp_path: Path) -> None:
    """The repr names the file."""
    assert repr(shared(tmp_path / "app.log")) == f"<SharedFileHandler {tmp_path}/app.log (NOTSET)>"
