from __future__ import annotations

import gzip
import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from seclog_handlers.redaction import Redactor
from tests.cli.command import ROOT, python, seclog

KEYS = "k1:" + "a" * 32
SECRET = "hunter2-Zx"
TEXT = f"2026-11-23 07:00:01 INFO shop: started\n2026-11-23 07:00:02 WARNING login failed, password={SECRET}\nbye\n"
CLEAN = TEXT.replace(SECRET, "[REDACTED]")


@pytest.fixture
def log(tmp_path: Path) -> Path:
    path = tmp_path / "app.log"
    path.write_text(TEXT)
    return path


def test_a_file_goes_to_standard_output(log: Path, tmp_path: Path) -> None:
    """Secrets go, everything else stays to the byte; the original is untouched; the summary is on stderr."""
    done = seclog("redact", "app.log", cwd=tmp_path)

    assert (done.returncode, done.stdout) == (0, CLEAN)
    assert log.read_text() == TEXT
    assert "1 file, 3 lines" in done.stderr
    assert "password  1" in done.stderr


@pytest.mark.parametrize("words", [(), ("-",), ("-o", "-")])
def test_standard_input_is_read(words: tuple[str, ...], tmp_path: Path) -> None:
    """Without a file, or with `-`, it is a filter in a pipe."""
    assert seclog("redact", *words, cwd=tmp_path, stdin=TEXT).stdout == CLEAN


@pytest.mark.parametrize("jobs", ["1", "2", "9"])
def test_files_go_to_a_folder(jobs: str, tmp_path: Path) -> None:
    """Each clean file keeps its name, its mode and its compression; nothing else is left there."""
    (tmp_path / "a.log").write_text(TEXT)
    (tmp_path / "a.log").chmod(0o640)
    for number in range(3):
        (tmp_path / f"{number}.gz").write_bytes(gzip.compress(TEXT.encode()) * 2)

    done = seclog("redact", "a.log", "0.gz", "1.gz", "2.gz", "-o", "new/clean", "-j", jobs, cwd=tmp_path)

    clean = tmp_path / "new" / "clean"
    assert done.returncode == 0, done.stderr
    assert sorted(os.listdir(clean)) == ["0.gz", "1.gz", "2.gz", "a.log"]
    assert (clean / "a.log").read_text() == CLEAN
    assert (clean / "a.log").stat().st_mode & 0o777 == 0o640
    assert gzip.decompress((clean / "2.gz").read_bytes()).decode() == CLEAN * 2
    assert "4 files, 21 lines" in done.stderr
    assert "password  7" in done.stderr


def test_gzip_is_known_by_its_content(tmp_path: Path) -> None:
    """A rotated file that is compressed under another name, or comes from standard input, is read."""
    (tmp_path / "app.log.1").write_bytes(gzip.compress(TEXT.encode()))

    assert seclog("redact", "app.log.1", cwd=tmp_path).stdout == CLEAN


@pytest.mark.parametrize("jobs", ["1", "2"])
def test_json_lines_have_the_tokens_of_live_logging(jobs: str, tmp_path: Path) -> None:
    """What redact makes of a file is what the policy would have written: the same tokens in the same places."""
    (tmp_path / "keys").write_text(KEYS)
    (tmp_path / "policy.ini").write_text("[seclog]\nservice = shop\npseudonyms.keys = file:keys\nmode = redact\n")
    extra = {
        "username": "Bob@example.com", "user_id": 4711, "session_id": "abc123", "note": "for Bob@example.com and 4711",
        "nested": {"username": "carol", "password": SECRET, "list": ["carol", 1]}, "password": SECRET, "path": "/u/4711",
    }  # fmt: skip
    program = (
        "import json, logging, sys; from seclog_handlers import JsonFormatter, SecurityHandler\n"
        "out = logging.StreamHandler(sys.stdout); out.setFormatter(JsonFormatter())\n"
        f"extra = json.loads({json.dumps(extra)!r})\n"
        "logging.getLogger().addHandler(SecurityHandler(target=out, policy='policy.ini'))\n"
        "logging.getLogger('shop').error('hello carol', extra=extra)\n"
    )
    live = json.loads(python("-c", program, cwd=tmp_path).stdout)
    raw = {name: live[name] for name in ("timestamp", "level", "logger")} | {
        "message": "hello carol",
        "service": "shop",
        **extra,
    }
    (tmp_path / "a.log").write_text(json.dumps(raw) + "\n")
    (tmp_path / "b.log").write_text("")

    done = seclog("redact", "a.log", "b.log", "-o", "clean", "-j", jobs, "--config", "policy.ini", cwd=tmp_path)

    line = (tmp_path / "clean" / "a.log").read_text()
    assert done.returncode == 0, done.stderr
    assert json.loads(line) == live
    assert list(json.loads(line)) == list(raw)
    assert ": " not in line.replace("hello carol", "")


def test_a_second_pass_changes_nothing(tmp_path: Path) -> None:
    """Clean files are left as they are, whatever wrote them."""
    (tmp_path / "keys").write_text(KEYS)
    lines = [
        json.dumps({"username": "bob", "session_id": "abc123", "m": f"bob password={SECRET}"}),
        f"username=bob {SECRET}",
        TEXT,
    ]
    (tmp_path / "app.log").write_text("\n".join(lines))
    seclog("redact", "app.log", "-o", "one", "--keys", "file:keys", cwd=tmp_path)

    again = seclog("redact", "one/app.log", "--check", "--keys", "file:keys", cwd=tmp_path)

    assert again.returncode == 0, again.stdout


@pytest.mark.parametrize("jobs", ["1", "2"])
def test_tokens_without_a_key_are_one_in_a_run(jobs: str, tmp_path: Path) -> None:
    """Without a key tokens are random, but the same person has the same one in all files of a run."""
    for name in ("a.log", "b.log"):
        (tmp_path / name).write_text('{"username":"bob"}\n')

    seclog("redact", "a.log", "b.log", "-o", "clean", "-j", jobs, cwd=tmp_path)

    a, b = ((tmp_path / "clean" / name).read_text() for name in ("a.log", "b.log"))
    assert a == b
    assert "bob" not in a


def test_renamed_fields_and_the_address_policy_count(tmp_path: Path) -> None:
    """`fields` of the policy says what identities are called in the file, `ip` what becomes of addresses."""
    (tmp_path / "keys").write_text(KEYS)
    (tmp_path / "p.ini").write_text("[seclog]\npseudonyms.keys = file:keys\nfields.username = who\nip = truncate\n")
    (tmp_path / "a.log").write_text('{"who":"bob","ip_address":"203.0.113.7","m":"bob at 203.0.113.7"}\n')
    token = seclog("pseudonym", "bob", "--config", "p.ini", cwd=tmp_path).stdout.strip()

    done = seclog("redact", "a.log", "--config", "p.ini", cwd=tmp_path)

    assert json.loads(done.stdout) == {"who": token, "ip_address": "203.0.113.0/24", "m": f"{token} at 203.0.113.0/24"}


def test_policy_rules_apply(tmp_path: Path) -> None:
    """Keys, patterns and the censor of the policy are those of the run."""
    (tmp_path / "p.ini").write_text(
        "[seclog]\nredact.keys = plate\nredact.patterns = JOB-\\d{4}\nredact.censor = <gone>\n"
    )

    done = seclog("redact", "--config", "p.ini", cwd=tmp_path, stdin='{"plate":"B-XY 12"}\nran JOB-1234\n')

    assert done.stdout == '{"plate":"<gone>"}\nran <gone>\n'


def test_check_finds_and_writes_nothing(log: Path, tmp_path: Path) -> None:
    """`--check` says file, line and kind, never the secret, and exits with 1."""
    done = seclog("redact", "--check", "app.log", cwd=tmp_path)

    assert (done.returncode, done.stdout) == (1, "app.log:2: password\n")
    assert SECRET not in done.stderr
    assert os.listdir(tmp_path) == ["app.log"]


def test_check_is_content_with_clean_files(tmp_path: Path) -> None:
    """Clean lines, loosely written JSON among them, are status 0."""
    (tmp_path / "app.log").write_text(CLEAN + '{ "status" : 200 }\n')

    assert seclog("redact", "--check", "app.log", cwd=tmp_path).returncode == 0


def test_check_sees_a_key_that_is_there_twice(tmp_path: Path) -> None:
    """Parsers take the last one, people read the first one."""
    done = seclog("redact", "--check", cwd=tmp_path, stdin=f'{{"password":"{SECRET}","password":null}}\n')

    assert (done.returncode, done.stdout) == (1, "-:1: duplicate key\n")


@pytest.mark.parametrize("words", [("-o", "."), ("-o", ".", "--force"), ("-o", "link"), ("-o", "hard", "--force")])
def test_an_original_is_never_replaced(words: tuple[str, ...], log: Path, tmp_path: Path) -> None:
    """An output that is an input, by whatever name, is refused before anything is written."""
    (tmp_path / "link").symlink_to(".")
    (tmp_path / "hard").mkdir()
    (tmp_path / "hard" / "app.log").hardlink_to(log)

    done = seclog("redact", "app.log", *words, cwd=tmp_path)

    assert done.returncode == 2
    assert "is one of the inputs" in done.stderr
    assert log.read_text() == TEXT


def test_appending_to_the_input_is_refused(log: Path, tmp_path: Path) -> None:
    """`seclog redact app.log >> app.log` would never end."""
    with log.open("ab") as out:
        done = subprocess.run(
            [sys.executable, "-m", "seclog_handlers.cli", "redact", str(log)],
            stdout=out, stderr=subprocess.PIPE, cwd=ROOT, timeout=60, check=False,
        )  # fmt: skip

    assert done.returncode == 2
    assert log.read_text() == TEXT


def test_an_existing_file_is_replaced_by_force_only(log: Path, tmp_path: Path) -> None:
    """Somebody's file in the folder is no place to write to, unless they say so."""
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "app.log").write_text("mine")

    refused = seclog("redact", "app.log", "-o", "out", cwd=tmp_path)
    kept = (tmp_path / "out" / "app.log").read_text()
    forced = seclog("redact", "app.log", "-o", "out", "--force", cwd=tmp_path)

    assert (refused.returncode, kept, forced.returncode) == (2, "mine", 0)
    assert (tmp_path / "out" / "app.log").read_text() == CLEAN


@pytest.mark.parametrize(
    "words",
    [
        ("a/x.log", "b/x.log", "-o", "out"), ("-", "-o", "out"), ("app.log", "-o", "app.log"), ("app.log", "app.log", "-j", "2"),
        ("app.log", "-j", "0"), ("--check", "app.log", "-o", "out"), ("app.log", "--config", "missing.ini"), ("app.log", "--keys", "file:missing"),
    ],
)  # fmt: skip
def test_what_cannot_be_meant_is_refused(words: tuple[str, ...], log: Path, tmp_path: Path) -> None:
    """Two inputs for one name, a nameless input, a file for a folder, ...: status 2, one sentence, nothing written."""
    done = seclog("redact", *words, cwd=tmp_path)

    assert (done.returncode, done.stdout) == (2, "")
    assert "Traceback" not in done.stderr
    assert os.listdir(tmp_path) == ["app.log"]


@pytest.mark.parametrize("jobs", ["1", "2"])
def test_a_bad_file_does_not_stop_the_others(jobs: str, log: Path, tmp_path: Path) -> None:
    """A missing, unreadable or damaged input is said, has no output, and the rest is done; the status is 2."""
    (tmp_path / "cut.gz").write_bytes(gzip.compress(os.urandom(200_000))[:-500])
    (tmp_path / "folder").mkdir()

    done = seclog("redact", "cut.gz", "missing", "folder", "app.log", "-o", "out", "-j", jobs, cwd=tmp_path)

    assert done.returncode == 2
    assert "Traceback" not in done.stderr
    assert all(name in done.stderr for name in ("cut.gz", "missing", "folder", "3 files not done"))
    assert os.listdir(tmp_path / "out") == ["app.log"]


@contextmanager
def waiting_for_writers(folder: Path, pipes: int, *words: str) -> Iterator[subprocess.Popen[str]]:
    """A run over so many pipes whose writers have written a few lines and stay; `words` are further arguments."""
    fifos = [folder / f"{number}.log" for number in range(pipes)]
    for fifo in fifos:
        os.mkfifo(fifo)
    # A runner of tests that is a background job itself has SIGINT ignored, and hands that down.
    program = (
        "import signal, sys; signal.signal(signal.SIGINT, signal.default_int_handler)\n"
        "from seclog_handlers.cli import main; sys.exit(main(sys.argv[1:]))"
    )
    running = subprocess.Popen(
        [sys.executable, "-c", program, "redact", *(fifo.name for fifo in fifos), *words, "-o", "out"],
        cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, env={**os.environ, "PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    with running, ExitStack() as opened:
        opened.callback(running.kill)
        for fifo in fifos:  # read and write: that waits for nobody
            writer = opened.enter_context(open(os.open(fifo, os.O_RDWR), "wb", buffering=0))
            writer.write(TEXT.encode())
        yield running


def parts(folder: Path) -> list[Path]:
    return list((folder / "out").glob(".*.part"))


@pytest.mark.parametrize("jobs", ["1", "2"])
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_stopped_run_leaves_nothing_behind(jobs: str, number: signal.Signals, tmp_path: Path) -> None:
    """Stopped as soon as a file was begun, it leaves no part of one, and no process."""
    with waiting_for_writers(tmp_path, 2, "-j", jobs) as running:
        while not parts(tmp_path):
            assert running.poll() is None
            time.sleep(0.001)
        running.send_signal(number)
        running.communicate(timeout=150)

    assert running.returncode == (130 if number == signal.SIGINT else 143)
    assert os.listdir(tmp_path / "out") == []


def test_a_signal_during_a_fork_is_not_lost(tmp_path: Path) -> None:
    """An exception in a hook of os.fork is printed and forgotten: a Ctrl-C there ends the run all the same."""
    program = (
        "import os, signal, sys\n"
        "signal.signal(signal.SIGINT, signal.default_int_handler)\n"
        "os.register_at_fork(after_in_parent=lambda: os.kill(os.getpid(), signal.SIGINT))\n"
        "from seclog_handlers.cli import main; sys.exit(main(sys.argv[1:]))"
    )
    (tmp_path / "a.log").write_text(TEXT)
    os.mkfifo(tmp_path / "b.log")

    done = python("-c", program, "redact", "a.log", "b.log", "-o", "out", "-j", "2", cwd=tmp_path)

    assert (done.returncode, done.stderr) == (130, "")
    assert parts(tmp_path) == []


def test_a_killed_process_is_said(tmp_path: Path) -> None:
    """A worker that is killed costs its file only, of which nothing stays behind."""
    (tmp_path / "b.log").write_text(TEXT)
    with waiting_for_writers(tmp_path, 1, "b.log", "-j", "2") as running:
        while not (begun := list((tmp_path / "out").glob(".0.log.*.part"))):
            assert running.poll() is None
            time.sleep(0.001)
        os.kill(int(begun[0].name.split(".")[-2]), signal.SIGKILL)
        errors = running.communicate(timeout=150)[1]

    assert running.returncode == 2
    assert "'0.log' was not done" in errors
    assert os.listdir(tmp_path / "out") == ["b.log"]
    assert (tmp_path / "out" / "b.log").read_text() == CLEAN


def test_bytes_that_are_no_utf_8_survive(tmp_path: Path) -> None:
    """Latin-1, NUL, CR LF, a missing last line end: everything but the secret is the same byte."""
    raw = b"caf\xe9 \x00\xff ok\r\n\r\npassword=" + SECRET.encode() + b' \xfe\r\n{"m":"caf\xe9"}\n\n\xf0\x9f last'
    (tmp_path / "app.log").write_bytes(raw)

    seclog("redact", "app.log", "-o", "out", cwd=tmp_path)

    assert (tmp_path / "out" / "app.log").read_bytes() == raw.replace(SECRET.encode(), b"[REDACTED]")


@pytest.mark.parametrize("size", [262_143, 262_145, 1_500_000, 5_000_000])
def test_a_long_line_is_cut_as_the_engine_cuts_it(size: int, tmp_path: Path) -> None:
    """A line over 256 kB is what Redactor.text makes of it, however long it is; its neighbours are whole."""
    line = (f"word password={SECRET} é " * (size // 20))[:size]
    (tmp_path / "app.log").write_text(f"before\n{line}\nafter\n", encoding="utf-8")

    done = seclog("redact", "app.log", cwd=tmp_path)

    assert done.stdout.split("\n") == ["before", Redactor().text(line), "after", ""]


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="reads the peak of memory from Linux's /proc")
def test_memory_does_not_grow_with_the_file(tmp_path: Path) -> None:
    """300 MB of one single line, and many lines, stay under 200 MB of memory."""
    with (tmp_path / "app.log").open("w") as out:
        for _ in range(300):
            out.write("a " * 500_000)
        out.write("\n")
        for number in range(100_000):
            out.write(f"line {number} of a file that has many of them, of no interest to anybody at all\n")
    # Not ru_maxrss, which a child inherits from the process that started it.
    program = (
        "import re; from seclog_handlers.cli import main\n"
        "main(['redact', 'app.log', '-o', 'out'])\n"
        "print(re.search(r'VmHWM:\\s+(\\d+) kB', open('/proc/self/status').read())[1])\n"
    )

    done = python("-c", program, cwd=tmp_path)

    assert int(done.stdout) * 1024 < 200e6, done.stderr


def test_lines_pass_as_they_arrive(tmp_path: Path) -> None:
    """In a pipe a line comes out before the next one goes in."""
    running = subprocess.Popen(
        [sys.executable, "-m", "seclog_handlers.cli", "redact"],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=ROOT,
    )  # fmt: skip
    assert running.stdin is not None
    assert running.stdout is not None
    for _ in range(2):
        running.stdin.write(TEXT.encode())
        running.stdin.flush()

        assert [running.stdout.readline().decode() for _ in range(3)] == CLEAN.splitlines(keepends=True)
    running.communicate(timeout=150)


@pytest.mark.parametrize("rich", [True, False])
def test_a_bar_is_drawn_on_a_terminal_only(rich: bool, log: Path, tmp_path: Path) -> None:
    """On a terminal there is a bar, with rich or without, which is gone at the end; elsewhere there is none."""
    import pty

    hidden = tmp_path / "hidden"
    hidden.mkdir()
    if not rich:
        (hidden / "rich.py").write_text("raise ImportError")
    log.write_text(TEXT * 3_000)
    ours, theirs = pty.openpty()
    running = subprocess.Popen(
        [sys.executable, "-m", "seclog_handlers.cli", "redact", str(log), "-o", str(tmp_path / "out")],
        stdout=subprocess.DEVNULL, stderr=theirs, cwd=ROOT,
        env={**os.environ, "TERM": "xterm", "PYTHONPATH": os.pathsep.join((str(hidden), str(ROOT)))},
    )  # fmt: skip
    os.close(theirs)
    shown = b""
    try:
        while chunk := os.read(ours, 4096):
            shown += chunk
    except OSError:
        pass  # the other side has closed
    running.wait(timeout=150)
    os.close(ours)

    assert running.returncode == 0
    assert re.search(rb"[#%\xe2].*[kM]B", shown.split(b"1 file")[0])
    assert b"\x1b[2K" in shown or b"\x1b[K" in shown
    assert b"9000 lines" in shown
    assert "\r" not in seclog("redact", str(log), "-o", "two", cwd=tmp_path).stderr
