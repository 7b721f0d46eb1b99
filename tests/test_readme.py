"""What the README shows is what happens."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
# What differs from run to run.
VARYING = re.compile(r'usr_k\w+|(?<="timestamp":")[^"]*')


def block(language: str) -> str:
    found = re.search(rf"```{language}\n(.*?)```", README, re.DOTALL)
    assert found
    return found.group(1)


def run(folder: Path, repeat: int = 1) -> list[str]:
    (folder / "logging.ini").write_text(block("ini"), encoding="utf-8")
    script = (
        "import logging, logging.config\n"
        "logging.config.fileConfig('logging.ini', disable_existing_loggers=False)\n"
        "logger = logging.getLogger('shop.login')\n" + block("python") * repeat
    )
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", script],
        capture_output=True, text=True, cwd=folder, timeout=150, env={"PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout.splitlines()


def test_the_line_after_is_what_the_ini_and_the_call_give(tmp_path: Path) -> None:
    """The first screen is true, byte for byte, time and random tokens aside."""
    (line,) = run(tmp_path)

    shown = "".join(block("json").splitlines())
    assert json.loads(VARYING.sub("", line)) == json.loads(VARYING.sub("", shown))


def test_the_fifth_line_is_followed_by_an_alert(tmp_path: Path) -> None:
    """The claim under the example holds."""
    lines = [json.loads(line) for line in run(tmp_path, repeat=5)]

    assert [line["message"] for line in lines if line.get("event_type") == "security_alert"] == [
        "suspicious_authentication_pattern",
    ]
    assert "hunter2" not in json.dumps(lines)


def test_the_example_ini_loads_as_it_stands(tmp_path: Path) -> None:
    """logging.ini.example works under another name in another folder and alerts after the fifth failed login."""
    (tmp_path / "other.cfg").write_text((ROOT / "logging.ini.example").read_text(encoding="utf-8"))
    script = (
        "import logging, logging.config\n"
        "logging.config.fileConfig('other.cfg', disable_existing_loggers=False)\n"
        "event = {'event_type': 'authentication', 'username': 'bob', 'success': False, 'ip_address': '203.0.113.7'}\n"
        "for _ in range(5): logging.getLogger('app').info('password=%s', 'hunter2', extra=event)\n"
    )

    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", script],
        capture_output=True, text=True, cwd=tmp_path, timeout=150, env={"PYTHONPATH": str(ROOT)},
    )  # fmt: skip

    lines = [json.loads(line) for line in done.stdout.splitlines()]
    assert (done.returncode, done.stderr) == (0, "")
    assert [line["level"] for line in lines] == ["WARNING"] * 5 + ["ERROR"]
    assert lines[5]["event_type"] == "security_alert"
    assert "hunter2" not in done.stdout


@pytest.mark.parametrize("marker", ["command: demo", "command: tests"])
def test_the_readme_has_the_commands_that_ci_runs(marker: str) -> None:
    """.ci/run takes its commands from the README by these markers."""
    found = re.search(rf"<!-- {marker} -->\n```sh\n(.*?)```", README, re.DOTALL)

    assert found
    assert found.group(1).startswith("python3 -m venv .venv")


def test_the_documented_policy_keys_are_the_keys() -> None:
    """docs/configuration.md names every key of the policy and no other."""
    from seclog_handlers.policy import _FREE, _KEYS, _NAMED

    table = (ROOT / "docs" / "configuration.md").read_text(encoding="utf-8").split("## Policy")[1]
    documented = set(
        re.findall(r"`([a-z_]+(?:\.[A-Za-z_.]+)?)`", "".join(re.findall(r"^\| (.*?) \|", table, re.MULTILINE)))
    )

    shown = {name for name in documented if ".NAME." not in name}
    assert shown == {*_KEYS, *(f"{head}.NAME" for head in _FREE)}
    for head, parts in _NAMED.items():
        row = next(line for line in table.splitlines() if line.startswith(f"| `{head}.NAME."))
        cell = row.split("|")[1]
        assert set(re.findall(r"[.]([a-z]+)`", cell)) == set(parts)
