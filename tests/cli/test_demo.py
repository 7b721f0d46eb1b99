from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from seclog_handlers.cli import demo, story
from tests.cli.command import ROOT, seclog

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory) -> Any:
    return seclog("demo", cwd=tmp_path_factory.mktemp("demo"))


def test_the_story_sets_off_every_expected_alert(played: Any) -> None:
    """Status 0 says that each expected rule opened an incident and that nothing planted can be read."""
    assert played.returncode == 0, played.stdout + played.stderr
    assert all(f" {rule}: " in played.stdout for rule in story.EXPECTED)
    assert "should have opened" not in played.stdout


def test_each_alert_says_what_who_and_how_often(played: Any) -> None:
    """An alert is shown with severity, rule, group as token, count and MITRE id."""
    lines = played.stdout.splitlines()

    opened = [number for number, line in enumerate(lines) if "success_after_failures: suspicious" in line]
    assert len(opened) == 1
    assert "CRITICAL" in lines[opened[0]]
    assert "who username=usr_k" in lines[opened[0] + 1]
    assert "count 6" in lines[opened[0] + 1]
    assert "T1110" in lines[opened[0] + 1]


def test_a_pair_shows_the_difference(played: Any) -> None:
    """One call is shown as it was made, as an unprotected formatter writes it, and as this pack writes it."""
    rows = {line.split()[0]: line for line in played.stdout.splitlines() if line.startswith("   ")}

    assert story.PASSWORDS[0] in rows["call"]
    assert story.BEARER in rows["without"]
    assert not [secret for secret in (*story.SECRETS, "alice") if secret in rows["with"]]


def test_the_output_is_plain_and_ends_with_a_summary(played: Any) -> None:
    """No escape codes off a terminal; the summary counts records, lines, alerts and what leaked."""
    assert "\x1b" not in played.stdout
    assert f"{len(story.SECRETS)} planted, 0 readable" in played.stdout
    assert f"{sum(len(chapter.calls) for chapter in story.CHAPTERS)} log calls" in played.stdout
    assert played.stderr == ""


def test_json_prints_the_raw_lines(tmp_path: Path) -> None:
    """With --json stdout has nothing but the log's lines, and the summary is on stderr."""
    done = seclog("demo", "--json", cwd=tmp_path)

    events = [json.loads(line) for line in done.stdout.splitlines()]
    rules = {event["rule"] for event in events if event.get("event_type") == "security_alert"}
    assert done.returncode == 0
    assert set(story.EXPECTED) <= rules
    assert not [text for text in story.SECRETS if text in done.stdout]
    assert "Summary" in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_a_missing_alert_is_status_1(tmp_path: Path) -> None:
    """With the rules switched off the demo fails and names what is missing."""
    done = seclog("demo", "--speed", "600", cwd=tmp_path, SECLOG_MODE="redact")

    assert done.returncode == 1
    assert "flood_ip should have opened an incident" in done.stdout


def test_a_leak_is_status_1(tmp_path: Path) -> None:
    """With the pack switched off the demo says that secrets are readable: its check is a real one."""
    done = seclog("demo", "--speed", "600", cwd=tmp_path, SECLOG_MODE="off")

    assert done.returncode == 1
    assert "planted, 0 readable" not in done.stdout


def test_it_plays_the_example_as_it_is_shipped() -> None:
    """The file is the repository's own, or the copy that the wheel carries beside the command."""
    assert demo.example_path().read_bytes() == (ROOT / demo.EXAMPLE).read_bytes()


def test_short_names_inside_random_tokens_are_no_leak() -> None:
    """Only whole words count, also in what JSON escapes."""
    played = demo.Played(lines=['{"a": "usr_k1_annabcdef", "b": "\\u0061nna2"}'])

    assert played.leaked(["anna"]) == []
    assert played.leaked(["anna2"]) == ["anna2"]


def test_the_story_lasts_a_minute_and_never_goes_back() -> None:
    """The calls are in order and within the minute."""
    times = [call.at for chapter in story.CHAPTERS for call in chapter.calls]

    assert times == sorted(times)
    assert times[-1] <= story.LENGTH_S
