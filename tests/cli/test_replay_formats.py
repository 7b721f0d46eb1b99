from __future__ import annotations

import time
from datetime import timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seclog_handlers.access import AccessLog
from seclog_handlers.cli.replay_formats import FORMATS, Own, reader, recognised
from seclog_handlers.cli.replay_sshd import MAX_CONNECTIONS, Sshd
from seclog_handlers.cli.replay_times import Clock, zone
from seclog_handlers.errors import ConfigurationError


def clock(year: int = 2026) -> Clock:
    return Clock(timezone.utc, year)


def read(name: str, line: str) -> Any:
    return reader(name, clock(), AccessLog(), {})(line)


def sshd(text: str) -> dict[str, Any] | None:
    found = read("sshd", f"Nov 30 08:42:04 host sshd[22182]: {text}")
    return found[0][1] if found else None


FAILURES = [
    ("Failed password for root from 192.0.2.7 port 5 ssh2", "root", "192.0.2.7"),
    ("Failed password for invalid user a b from 2001:db8::7 port 5 ssh2", "a b", "2001:db8::7"),
    ("Failed keyboard-interactive/pam for bob from 192.0.2.7 port 5 ssh2", "bob", "192.0.2.7"),
    ("Invalid user admin from 192.0.2.7", "admin", "192.0.2.7"),
    ("Invalid user admin from 192.0.2.7 port 40", "admin", "192.0.2.7"),
    ("Invalid user  from 192.0.2.7", None, "192.0.2.7"),
    ("Invalid user x from 198.51.100.1 port 22 from 192.0.2.7 port 40", "x from 198.51.100.1 port 22", "192.0.2.7"),
    ("Received disconnect from 192.0.2.7: 3: com.jcraft.jsch.JSchException: Auth fail [preauth]", None, "192.0.2.7"),
    ("Received disconnect from 192.0.2.7 port 22:3: x: Auth fail [preauth]", None, "192.0.2.7"),
    ("User eve from 192.0.2.7 not allowed because not listed in AllowUsers", "eve", "192.0.2.7"),
    ("ROOT LOGIN REFUSED FROM 192.0.2.7 port 22", "root", "192.0.2.7"),
    (
        "error: maximum authentication attempts exceeded for root from 192.0.2.7 port 2 ssh2 [preauth]",
        "root",
        "192.0.2.7",
    ),
    ("error: PAM: Authentication failure for illegal user bob from 192.0.2.7", "bob", "192.0.2.7"),
    ("Failed publickey for invalid user bob from 192.0.2.7 port 5 ssh2: RSA SHA256:x", "bob", "192.0.2.7"),
    ("refused connect from host.example (192.0.2.7)", None, "192.0.2.7"),
    (
        "Disconnecting invalid user bob 192.0.2.7 port 5: Change of username or service not allowed: (a,b) -> (c,d)",
        "bob",
        "192.0.2.7",
    ),
]


@pytest.mark.parametrize(("text", "user", "host"), FAILURES)
def test_sshd_failures(text: str, user: str | None, host: str) -> None:
    """Each line in which sshd tells of a failure gives user and address; no user name forges an address."""
    event = sshd(text)

    assert event is not None
    assert (event["success"], event.get("username"), event["ip_address"]) == (False, user, host)


@pytest.mark.parametrize(
    "text",
    [
        "Connection closed by 192.0.2.7 [preauth]",
        "Received disconnect from 192.0.2.7: 11: Bye Bye [preauth]",
        "Failed publickey for bob from 192.0.2.7 port 5 ssh2",
        "Did not receive identification string from 192.0.2.7",
        "input_userauth_request: invalid user admin [preauth]",
        "pam_unix(sshd:auth): authentication failure; logname= uid=0 euid=0 tty=ssh ruser= rhost=192.0.2.7  user=root",
        "PAM 5 more authentication failures; logname= uid=0 euid=0 tty=ssh ruser= rhost=192.0.2.7  user=root",
        "Connection closed by authenticating user root 192.0.2.7 port 5 [preauth]",
        "User eve from 192.0.2.7 not allowed because shell /bin/none does not exist",
    ],
)
def test_sshd_lines_that_are_no_attempt(text: str) -> None:
    """Scans, ends of connections and keys that a client offers by itself are no failed login."""
    assert sshd(text) is None


def test_sshd_success_and_repetition() -> None:
    """Accepted is a success; `message repeated` stands for as many events."""
    repeated = "message repeated 3 times: [ Failed password for root from 192.0.2.7 port 5 ssh2]"

    assert sshd("Accepted publickey for bob from 192.0.2.7 port 5 ssh2: RSA SHA256:x")["success"] is True  # type: ignore[index]
    assert len(read("sshd", f"Nov 30 08:42:04 host sshd[1]: {repeated}")) == 3
    assert read("sshd", "Nov 30 08:42:04 host CRON[1]: session opened") == []
    assert read("sshd", "2026-11-30T08:42:04.5+00:00 host sshd[1]: Invalid user a from 192.0.2.7")[0][0] == 1796028124.5


PAM = "pam_unix(sshd:auth): authentication failure; logname= uid=0 euid=0 tty=ssh ruser= rhost=192.0.2.7  user=root"
FAILED = "Failed password for root from 192.0.2.7 port 5 ssh2"

# Lines of one connection each, and how many failures fail2ban 1.0.2 (fail2ban-regex, filter sshd) counts in them.
CONNECTIONS = [
    (["Invalid user bob from 192.0.2.7", PAM, "Failed password for invalid user bob from 192.0.2.7 port 5 ssh2"], 2),
    ([PAM, FAILED, PAM, FAILED, "Connection closed by authenticating user root 192.0.2.7 port 5 [preauth]"], 2),
    ([FAILED, "Disconnecting: Too many authentication failures for root [preauth]"], 2),
    ([FAILED, "error: maximum authentication attempts exceeded for root from 192.0.2.7 port 5 ssh2 [preauth]"], 2),
    (["User eve not allowed because account is locked", "Connection closed by 192.0.2.7 port 5 [preauth]"], 1),
    (["Disconnecting: Too many authentication failures for root [preauth]"], 0),
]


@pytest.mark.parametrize(("texts", "failures"), CONNECTIONS)
def test_sshd_counts_as_fail2ban_does(texts: list[str], failures: int) -> None:
    """A connection's lines are as many failures as for fail2ban, whose thresholds the rules have; all of its address."""
    lines = reader("sshd", clock(), AccessLog(), {})
    found = [event for text in texts for event in lines(f"Nov 30 08:42:04 host sshd[7]: {text}") or []]

    assert [event["ip_address"] for _, event in found] == ["192.0.2.7"] * failures


def test_sshd_remembers_a_bounded_number_of_connections() -> None:
    """A log of nothing but connections that never end costs no memory."""
    lines = Sshd(clock())
    for pid in range(3 * MAX_CONNECTIONS):
        lines(f"Nov 30 08:42:04 host sshd[{pid}]: {FAILED}")
        lines(f"Nov 30 08:42:04 host sshd[1{pid}]: User eve not allowed because account is locked")

    assert len(lines._hosts) == len(lines._waiting) == MAX_CONNECTIONS


HEADS = [
    ("Jul  1 10:00:00 host sshd[7]: ", 0.0),
    ("<38>Jul  1 10:00:00.25 host sshd-session[7]: ", 0.25),
    ("2026-07-01T12:00:00.250000+02:00 host sshd[7]: ", 0.25),
    ("2026-07-01T10:00:00+0000 host sshd[7]: ", 0.0),
    ("<38>1 2026-07-01T10:00:00.25Z host sshd 7 - - ", 0.25),
    ('<38>1 2026-07-01T10:00:00.25Z host sshd 7 ID1 [a@1 b="c"][d@1] \ufeff', 0.25),
    ("1782900000.250000 host sshd[7]: ", 0.25),
    ("Wed 2026-07-01 10:00:00 UTC host sshd[7]: ", 0.0),
]


@pytest.mark.parametrize(("head", "fraction"), HEADS)
def test_sshd_in_every_form_of_syslog(head: str, fraction: float) -> None:
    """syslog, its ISO form, RFC 5424 and the forms of journalctl give the same event and time."""
    ((when, event),) = read("sshd", head + FAILED)

    assert (when, event["ip_address"]) == (1782900000 + fraction, "192.0.2.7")


def test_sshd_of_old_systems() -> None:
    """Where PAM writes under its own name, into a file of its own, its line is the failure."""
    line = "Jun 15 02:04:59 combo sshd(pam_unix)[2]: authentication failure; logname= uid=0 rhost=192.0.2.7  user=root"

    assert read("sshd", line)[0][1]["username"] == "root"


ACCESS = '192.0.2.7 - {} [10/Oct/2025:13:55:36 -0700] "{}" {} 23'


def test_access_lines() -> None:
    """Common and combined lines give the event that the server's record gives; escaped quotes are no end."""
    combined = ACCESS.format("-", "GET /a?x=1 HTTP/1.1", 404) + ' "-" "a \\"b\\" c"'
    ((when, event),) = read("access", combined)

    assert when == 1760129736
    assert (event["event_type"], event["path"], event["status_code"], event["ip_address"]) == (
        "api_response",
        "/a",
        404,
        "192.0.2.7",
    )
    assert '"b' in event["user_agent"]
    assert read("access", ACCESS.format("bob", "GET /a HTTP/1.1", 401))[0][1]["event_type"] == "authentication"
    assert read("access", ACCESS.format("-", "\\x16\\x03\\x01", 400)) == []


def test_uvicorn_lines() -> None:
    """Access lines of uvicorn with a time in front."""
    line = '2026-01-02 03:04:05,678 INFO:     192.0.2.7:5000 - "POST /login HTTP/1.1" 401 Unauthorized'
    ((when, event),) = read("uvicorn", line)

    assert when == 1767323045.678
    assert (event["event_type"], event["success"], event["ip_address"]) == ("authentication", False, "192.0.2.7")


def test_renamed_fields_are_ours_again() -> None:
    """A policy that renames output fields is undone."""
    found = reader("json", clock(), AccessLog(), {"client": "ip_address"})(
        '{"timestamp": "2026-01-02T03:04:05Z", "client": "192.0.2.7"}'
    )

    assert found == [(1767323045.0, {"timestamp": "2026-01-02T03:04:05Z", "ip_address": "192.0.2.7"})]


def test_a_format_is_recognised_by_its_lines() -> None:
    """The format that knows most of the lines is taken; none if none knows any."""

    def make(name: str) -> Any:
        return reader(name, clock(), AccessLog(), {})

    assert recognised([ACCESS.format("-", "GET / HTTP/1.1", 200), "x"], make) == "access"
    assert recognised(['{"ts": 1}'], make) == "json"
    assert recognised(["x", ""], make) is None


@given(st.text(max_size=200))
def test_no_line_makes_a_reader_fail(line: str) -> None:
    """Whatever a line holds, a reader returns."""
    for name in FORMATS:
        read(name, line)


SEEDS = [
    "Nov 30 08:42:04 h sshd[1]: Failed password for " + "from " * 9,
    '1.1.1.1 - - [10/Oct/2025:13:55:36 -0700] "',
    "2026-01-02 03:04:05 a",
]


@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize("seed", SEEDS)
def test_readers_do_not_backtrack(name: str, seed: str) -> None:
    """Twice the line costs about twice the time."""

    def cost(line: str) -> float:
        best = float("inf")
        for _ in range(5):
            begin = time.thread_time()
            read(name, line)
            best = min(best, time.thread_time() - begin)
        return best

    for filler in ("from 1.1.1.1 ", '\\"', " ", "a", '" "', "[", "1.1.1.1:1 - "):
        short, long = seed + filler * (8000 // len(filler)), seed + filler * (16000 // len(filler))
        assert cost(long) < 5 * cost(short) + 0.005, filler


def test_own_lines_need_a_time() -> None:
    """An expression without the group `time` is refused."""
    with pytest.raises(ConfigurationError, match="time"):
        Own(clock(), "x", {})


TIMES = [
    ("2026-01-02T03:04:05.678Z", 1767323045.678),
    ("2026-01-02T03:04:05Z", 1767323045.0),
    ("2026-01-02 03:04:05,678", 1767323045.678),
    ("2026-01-02T03:04:05+02:00", 1767315845.0),
    ("2026-01-02T03:04:05.123456789-0130", 1767328445.123456),
    ("1767323045.5", 1767323045.5),
    (1767323045, 1767323045.0),
    (1767323045678, 1767323045.678),
    ("Jan  2 03:04:05", 1767323045.0),
    ("02/Jan/2026:03:04:05 +0000", 1767323045.0),
]


@pytest.mark.parametrize(("text", "expected"), TIMES)
def test_times_in_all_forms(text: Any, expected: float) -> None:
    """Whatever form a log has, the second is right; twice gives the same."""
    reading = clock()

    assert reading.any(text) == pytest.approx(expected, abs=1e-6)
    assert reading.any(text) == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize(
    "text", ["", "yesterday", "2026-13-01T00:00:00Z", "Feb 30 00:00:00", True, None, [], "nan", "1e400"]
)
def test_what_is_no_time(text: Any) -> None:
    """Anything else is none."""
    assert clock().any(text) is None


def test_the_year_follows_the_months() -> None:
    """A turn of the year is seen, also backwards for a late line."""
    reading = clock(2025)
    stamps = ["Dec 31 23:59:59", "Jan  1 00:00:01", "Dec 31 23:59:58", "Jan  1 00:00:02"]

    found = [reading.syslog(stamp) for stamp in stamps]

    assert found == [1767225599.0, 1767225601.0, 1767225598.0, 1767225602.0]


def test_zones() -> None:
    """Names and offsets are zones; anything else is an error."""
    assert zone("+02:30").utcoffset(None) == timedelta(hours=2, minutes=30)
    assert zone("utc") is timezone.utc
    for name in ("Nowhere/At all", "+25:00", "../etc"):
        with pytest.raises(ConfigurationError):
            zone(name)


WORDS = st.sampled_from(["-", "bob", "192.0.2.7", "a:80", "2001:db8::7", "", "x y", 'q"', "from", "\\", "invalid", "é"])


@given(
    st.lists(WORDS, min_size=2, max_size=4),
    st.sampled_from(["GET", "get", "M-SEARCH", ""]),
    st.sampled_from(["/", "/a?b=1&c", "/a?", "/?-", "-", "*", "/a b", "/x\\x22", "http://h/a?b", "/é?ü"]),
    st.sampled_from(["200", "404", "401", "403", "429", "099", "700", "500"]),
    st.sampled_from(["12", "-", "", "1234567890123456789"]),
    st.sampled_from(["", ' "-" "curl/8"', ' "r" "-"', ' "r" "a\\"b"', ' "r" "x" extra', ' "r"', ' "é" "ü" "z"']),
)
def test_the_usual_access_line_is_read_like_any(front, method, target, status, size, rest):
    """The short way through an access line gives what the long one gives."""
    line = f'{" ".join(front)} [10/Oct/2025:13:55:36 +0000] "{method} {target} HTTP/1.1" {status} {size}{rest}'

    assert read("access", line) == reader("access", clock(), AccessLog(), {})._any(line)


@given(
    st.sampled_from(["Failed", "Accepted"]),
    st.sampled_from(["password", "publickey", "keyboard-interactive/pam"]),
    st.sampled_from(["", "invalid user ", "illegal user "]),
    WORDS,
    WORDS,
    st.sampled_from(["", " port 22", " port 22 ssh2", " port 22 ssh2: RSA SHA256:x", " port 1 ssh2: x from y", " z"]),
    st.sampled_from(["sshd", "sshd-session", "cron", "sshd(pam_unix)"]),
)
def test_the_usual_sshd_line_is_read_like_any(what, method, invalid, user, host, rest, program):
    """The short way through an attempt gives what the long one gives."""
    line = f"Nov 30 08:42:04 host {program}[22182]: {what} {method} for {invalid}{user} from {host}{rest}"

    assert read("sshd", line) == Sshd(clock())._any(line)
