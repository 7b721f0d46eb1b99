from __future__ import annotations

import gzip
import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.cli.command import seclog

KEY = "k1:" + "a replay key of the tests"
RULE = {
    "name": "five",
    "where": {"event_type": "authentication", "success": False},
    "by": ["ip_address"],
    "count": 5,
    "within": 600,
}
SSHD = "Dec 31 23:59:{:02d} host sshd[{}]: Failed password for root from 203.0.113.7 port 22 ssh2"


def replayed(folder: Path, *words: str, stdin: str | None = None) -> subprocess.CompletedProcess[str]:
    (folder / "rules.json").write_text(json.dumps([RULE]))
    return seclog("replay", *words, "--rules", "rules.json", cwd=folder, stdin=stdin)


def objects(done: subprocess.CompletedProcess[str]) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """Return the alerts and the summary of `--json`."""
    found = [json.loads(line) for line in done.stdout.splitlines()]
    return found[:-1], found[-1]["summary"]


def failures(count: int, user: str = "bob", first: int = 0) -> str:
    """Return our own JSON lines."""
    return "".join(
        json.dumps({
            "timestamp": f"2026-03-01T10:00:{first + at:02d}.250Z", "level": "WARNING", "logger": "app", "message": "x",
            "service": "shop", "event_type": "authentication", "success": False, "username": user, "ip_address": "203.0.113.7",
        }) + "\n"
        for at in range(count)
    )  # fmt: skip


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "policy.ini").write_text(f"[seclog]\nservice = shop\npseudonyms.keys = {KEY}\n")
    return tmp_path


def test_own_lines_give_the_incidents(folder: Path) -> None:
    """The fifth failure opens, at its own time; the summary counts lines, events and incidents."""
    (folder / "app.log").write_text(failures(7))

    alerts, summary = objects(replayed(folder, "app.log", "--json"))

    assert [(alert["incident_state"], alert["created"]) for alert in alerts] == [("open", 1772359204.25)]
    assert (summary["lines"], summary["events"], summary["incidents"]) == (7, 7, 1)


def test_text_output_shows_timeline_incidents_and_counts(folder: Path) -> None:
    """Without --json a person sees when, what, who and how many."""
    (folder / "app.log").write_text(failures(7))

    text = replayed(folder, "app.log").stdout

    assert "2026-03-01 10:00:04  open" in text
    assert "Incidents: 1" in text
    assert "7 lines, 7 events, 0 lines not understood" in text


def test_twice_gives_the_same(folder: Path) -> None:
    """With the policy's keys two replays are equal to the byte, incident ids and tokens included."""
    (folder / "app.log").write_text(failures(9) + failures(9, "eve", 20))
    words = ("app.log", "--json", "--policy", "policy.ini")

    once = replayed(folder, *words)

    assert objects(once)[1]["incidents"] == 1
    assert once.stdout == replayed(folder, *words).stdout


def test_identities_are_tokens(folder: Path) -> None:
    """No name is printed; the tokens are those of the policy, and otherwise random, which is said."""
    (folder / "app.log").write_text(failures(6, "roberta"))

    keyed = replayed(folder, "app.log", "--json", "--policy", "policy.ini")
    random = replayed(folder, "app.log", "--json")

    assert "roberta" not in keyed.stdout + random.stdout
    assert "usr_k1_" in keyed.stdout
    assert "random" in random.stderr
    assert "random" not in keyed.stderr


def test_the_address_policy_holds(folder: Path) -> None:
    """What the policy hides in the live log is hidden here."""
    (folder / "policy.ini").write_text(f"[seclog]\npseudonyms.keys = {KEY}\nip = token\n")
    (folder / "app.log").write_text(failures(6))

    assert "203.0.113.7" not in replayed(folder, "app.log", "--json", "--policy", "policy.ini").stdout


def test_compare_shows_what_a_changed_threshold_does(folder: Path) -> None:
    """Three failures are an incident only with the change."""
    (folder / "app.log").write_text(failures(3))

    text = replayed(folder, "app.log", "--compare", "five.count=3").stdout
    _, summary = objects(replayed(folder, "app.log", "--compare", "five.count=3", "--json"))

    assert "0 incidents as they are, 1 with the change" in text
    assert (summary["incidents"], summary["compare"]["incidents"]) == (0, 1)
    assert [incident["rule"] for incident in summary["compare"]["new"]] == ["five"]


def test_compare_takes_the_built_in_pack(folder: Path) -> None:
    """A built-in rule is changed by its name."""
    (folder / "app.log").write_text(failures(3))

    done = seclog("replay", "app.log", "--compare", "brute_force_ip.count=3", "--json", cwd=folder)

    assert objects(done)[1]["compare"]["by_rule"] == {"brute_force_ip": 1}


@pytest.mark.parametrize("change", ["nothing", "five.count", "other.count=3", "five.count=zero"])
def test_a_change_that_cannot_be_is_refused(folder: Path, change: str) -> None:
    """A mistake is status 2 with a sentence, before anything is read."""
    done = replayed(folder, "none.log", "--compare", change)

    assert done.returncode == 2
    assert "Traceback" not in done.stderr


def test_sshd_without_a_year_turns_over(folder: Path) -> None:
    """The year is that of the first line; after December comes the next one."""
    lines = [SSHD.format(56 + at, at) for at in range(4)]
    lines.append("Jan  1 00:00:01 host sshd[9]: Failed password for root from 203.0.113.7 port 22 ssh2")
    (folder / "auth.log").write_text("\n".join(lines) + "\n")

    alerts, summary = objects(replayed(folder, "auth.log", "--year", "2025", "--json"))

    assert alerts[0]["last_seen"] == "2026-01-01T00:00:01.000Z"
    assert summary["formats"] == {"auth.log": "sshd"}


def test_times_without_a_zone_take_the_one_given(folder: Path) -> None:
    """--tz moves them."""
    (folder / "auth.log").write_text("\n".join(SSHD.format(at, at) for at in range(5)))

    alerts, _ = objects(replayed(folder, "auth.log", "--year", "2025", "--tz", "Europe/Berlin", "--json"))

    assert alerts[0]["last_seen"] == "2025-12-31T22:59:04.000Z"


def test_gzip_and_standard_input(folder: Path) -> None:
    """What begins as gzip does is decompressed; `-` reads standard input."""
    (folder / "app.log.1.gz").write_bytes(gzip.compress(failures(3).encode()))

    done = replayed(folder, "app.log.1.gz", "-", "--json", stdin=failures(3, first=5))

    assert objects(done)[1]["incidents"] == 1


def test_access_lines_become_events(folder: Path) -> None:
    """A 401 at a login path is a failed login, as in a running server."""
    line = '203.0.113.7 - - [10/Oct/2025:13:55:{:02d} +0200] "POST /login?next=/ HTTP/1.1" 401 12 "-" "curl/8"\n'
    (folder / "access.log").write_text("".join(line.format(at) for at in range(6)))

    alerts, summary = objects(replayed(folder, "access.log", "--json"))

    assert summary["formats"] == {"access.log": "access"}
    assert alerts[0]["last_seen"] == "2025-10-10T11:55:04.000Z"


def test_lines_of_ones_own(folder: Path) -> None:
    """Named groups are fields, --set adds the others, --time-format reads the time."""
    (folder / "own.log").write_text("".join(f"01.02.2026 10:00:0{at} NOPE bob@203.0.113.7\n" for at in range(6)))

    done = replayed(
        folder, "own.log", "--json", "--regex", r"^(?P<time>\S+ \S+) NOPE (?P<user_name>\w+)@(?P<source_ip>\S+)",
        "--time-format", "%d.%m.%Y %H:%M:%S", "--set", "event_type=authentication", "--set", "success=false",
    )  # fmt: skip

    alerts, _ = objects(done)
    assert alerts[0]["group"] == {"ip_address": "203.0.113.7"}
    assert alerts[0]["last_seen"] == "2026-02-01T10:00:04.000Z"


def test_alerts_in_the_log_are_no_events(folder: Path) -> None:
    """The live log's own alerts are not judged again."""
    alert = {"timestamp": "2026-03-01T10:00:00.000Z", "event_type": "security_alert", "severity": "HIGH"}
    (folder / "app.log").write_text(json.dumps(alert) + "\n")

    _, summary = objects(replayed(folder, "app.log", "--json"))

    assert (summary["events"], summary["not_understood"]) == (0, 0)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("none.log",), "none.log"),
        (("odd.log",), "--regex"),
        (("odd.log", "--tz", "Moon/Base"), "Moon/Base"),
        (("odd.log", "--regex", "("), "no regular expression"),
        (("odd.log", "--regex", "x"), "?P<time>"),
        (("odd.log", "--set", "a=b"), "--regex"),
        (("odd.log", "--policy", "none.ini"), "none.ini"),
    ],
)
def test_what_cannot_be_done_is_said(folder: Path, words: tuple[str, ...], said: str) -> None:
    """Status 2 and a sentence, no traceback."""
    (folder / "odd.log").write_text("nothing that anybody knows\n")

    done = replayed(folder, *words)

    assert done.returncode == 2
    assert said in done.stderr
    assert "Traceback" not in done.stderr


def test_a_damaged_archive_is_read_as_far_as_it_goes(folder: Path) -> None:
    """What came before the damage counts; the status says that something was lost."""
    packed = gzip.compress((failures(9) * 200).encode())
    (folder / "app.log.gz").write_bytes(packed[: len(packed) - 40])

    done = replayed(folder, "app.log.gz", "--json")

    assert done.returncode == 2
    assert "app.log.gz" in done.stderr
    assert "Traceback" not in done.stderr


def test_nothing_but_the_report_goes_to_stdout(folder: Path) -> None:
    """No bar where there is no terminal."""
    (folder / "app.log").write_text(failures(3))

    done = replayed(folder, "app.log", "--policy", "policy.ini")

    assert done.stderr == ""
