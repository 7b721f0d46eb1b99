from __future__ import annotations

import base64
import os
from pathlib import Path

import pytest

from seclog_handlers.cli import init
from tests.cli.command import checked, codes, python, seclog

LOAD = (
    "import logging, logging.config\n"
    "logging.config.fileConfig({path!r}, disable_existing_loggers=False)\n"
    "logging.getLogger('app').warning('login failed for %s', 'bob', extra={{'event_type': 'authentication',"
    " 'username': 'bob', 'success': False, 'password': 'hunter2-x'}})\n"
)


@pytest.mark.parametrize("stack", init.STACKS)
def test_the_starter_is_clean(stack: str, tmp_path: Path) -> None:
    """What init writes passes check behind the stack that it was written for, and without a hint."""
    done = seclog("init", "--stack", stack, cwd=tmp_path)

    assert done.returncode == 0, done.stdout
    for hint in ((), ("--server", stack)):
        report = checked("logging.ini", *hint, cwd=tmp_path)
        assert (codes(report), report["error"], report["status"]) == (set(), None, 0)


def test_the_starter_works_from_any_folder(tmp_path: Path) -> None:
    """Its paths are absolute: it loads wherever the server starts, and writes redacted lines."""
    seclog("init", "project % 'x'" if (tmp_path / "project % 'x'").mkdir() is None else "", cwd=tmp_path)
    path = tmp_path / "project % 'x'" / "logging.ini"

    done = python("-c", LOAD.format(path=str(path)), cwd=Path("/"))

    assert done.returncode == 0, done.stderr
    assert '"service":"project % \'x\'"' in done.stdout.replace(": ", ":")
    assert "usr_k" in done.stdout
    assert "bob" not in done.stdout
    assert "hunter2" not in done.stdout + done.stderr


def test_the_key_is_private_and_random(tmp_path: Path) -> None:
    """The key file has mode 600 whatever the umask, and 32 bytes that differ each time."""
    keys = []
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        seclog("init", name, cwd=tmp_path)
        path = tmp_path / name / init.KEY_FILE
        assert os.stat(path).st_mode & 0o777 == 0o600
        identifier, _, key = path.read_text().strip().partition(":")
        assert identifier == "k1"
        keys.append(base64.b64decode(key, validate=True))

    assert [len(key) for key in keys] == [32, 32]
    assert keys[0] != keys[1]


def test_the_output_does_not_show_the_key(tmp_path: Path) -> None:
    """A terminal's scrollback is no place for a key."""
    done = seclog("init", cwd=tmp_path)

    key = (tmp_path / init.KEY_FILE).read_text().strip().partition(":")[2]
    assert key not in done.stdout + done.stderr


def test_nothing_is_overwritten(tmp_path: Path) -> None:
    """An existing configuration stops the command before anything is written."""
    (tmp_path / "logging.ini").write_text("mine")

    done = seclog("init", cwd=tmp_path)

    assert done.returncode == init.EXISTS
    assert (tmp_path / "logging.ini").read_text() == "mine"
    assert not (tmp_path / init.KEY_FILE).exists()


def test_a_dangling_link_is_not_followed(tmp_path: Path) -> None:
    """A link of that name counts as existing, so that nobody can choose where init writes."""
    (tmp_path / "logging.ini").symlink_to(tmp_path / "elsewhere")

    done = seclog("init", cwd=tmp_path)

    assert done.returncode == init.EXISTS
    assert not (tmp_path / "elsewhere").exists()


def test_an_existing_key_is_used(tmp_path: Path) -> None:
    """A key that is there already stays what it is."""
    (tmp_path / init.KEY_FILE).write_text("k7:0123456789abcdef0123456789abcdef")

    done = seclog("init", cwd=tmp_path)

    assert done.returncode == 0
    assert "kept as it is" in done.stdout
    assert (tmp_path / init.KEY_FILE).read_text() == "k7:0123456789abcdef0123456789abcdef"


@pytest.mark.parametrize("folder", ["missing", "a,b"])
def test_a_folder_that_cannot_be_used_is_said(folder: str, tmp_path: Path) -> None:
    """A missing folder, or a name that an INI list cannot carry, is one clear sentence."""
    (tmp_path / "a,b").mkdir()

    done = seclog("init", folder, cwd=tmp_path)

    assert done.returncode == init.REFUSED
    assert "Nothing can be written" in done.stdout
    assert done.stderr == ""


@pytest.mark.parametrize(
    ("name", "text", "stack"),
    [
        ("manage.py", "", "django"),
        ("gunicorn.conf.py", "", "gunicorn"),
        ("Procfile", "web: uvicorn app:app", "uvicorn"),
        ("requirements.txt", "flask\ngunicorn==27\n", "gunicorn"),
    ],
)
def test_the_stack_is_found_from_files(name: str, text: str, stack: str, tmp_path: Path) -> None:
    """A project's own files say what it runs on."""
    (tmp_path / name).write_text(text)

    assert init.detect(tmp_path)[0] == stack


def test_a_plain_program_is_what_is_left(tmp_path: Path) -> None:
    """With no file and no server installed, the starter is for one program."""
    program = f"from pathlib import Path; from seclog_handlers.cli import init; print(init.detect(Path({str(tmp_path)!r}))[0])"

    done = python("-S", "-c", program, cwd=tmp_path)

    assert done.stdout.strip() == "plain", done.stderr


@pytest.mark.parametrize(
    ("stack", "words"),
    [
        ("gunicorn", "gunicorn --log-config"),
        ("uvicorn", "uvicorn --log-config"),
        ("django", "LOGGING_CONFIG = None"),
        ("plain", "logging.config.fileConfig("),
    ],
)
def test_the_next_steps_fit_the_stack(stack: str, words: str, tmp_path: Path) -> None:
    """The command ends by saying how to start the program with the file."""
    steps = "\n".join(init.next_steps(init.plan(tmp_path, stack)))

    assert words in steps
    assert f"--server {stack}" in steps


def test_two_at_once_write_one(tmp_path: Path) -> None:
    """A file that appears between the look and the writing is not replaced either."""
    starter = init.plan(tmp_path, "plain")
    (tmp_path / init.KEY_FILE).write_text("another's")

    with pytest.raises(FileExistsError):
        init.write(starter)

    assert (tmp_path / init.KEY_FILE).read_text() == "another's"
