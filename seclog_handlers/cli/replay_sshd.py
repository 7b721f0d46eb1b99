"""sshd's lines of `seclog replay`: which of them are logins and failures, as fail2ban's own filter counts them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from seclog_handlers.cli.replay_times import Clock

Events = list[tuple[float, dict[str, Any]]]

# `message repeated N times`: more is no attempt of a person's tool within one syslog interval.
MAX_REPEATED = 1000
# Connections whose address is remembered, for lines that do not say it.
MAX_CONNECTIONS = 4096

# `Nov 30 06:39:00 host sshd[22116]: text`; an ISO 8601 time or seconds since the epoch in front; journalctl's forms.
_SYSLOG = re.compile(
    r"(?:<\d{1,3}>(?:1 )?)?(?P<time>[A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d(?:\.\d{1,9})?"
    r"|(?:[A-Z][a-z]{2} )?\d{4}-\d\d-\d\d[T ][\d:.,]{8,18}(?:Z| UTC|[+-][\d:]{4,5})?|\d{10}\.\d{3,9}) "
    r"\S{1,255} (?P<program>[\w./-]{1,64}(?:\(\w{1,32}\))?)(?:\[(?P<pid>\d{1,10})\])?: ",
)
# RFC 5424: `<38>1 2026-01-02T03:04:05.678901+01:00 host sshd 22116 - - text`.
_RFC5424 = re.compile(
    r"<\d{1,3}>1 (?P<time>\d{4}-\d\d-\d\dT[\d:.]{8,18}(?:Z|[+-][\d:]{4,5})) "
    r"\S{1,255} (?P<program>[\w./-]{1,48}) (?P<pid>\d{1,10}|-) \S{1,32} (?:-|(?:\[[^\]]{0,1024}\]){1,8}) \ufeff?",
)
_REPEATED = re.compile(r"message repeated (\d{1,9}) times: \[ ?(.*)\]$", re.DOTALL)

_PORT = r"(?: (?:port \d{1,5}|on \S{1,255}|\[preauth\])){0,3}\s*"
# Nearly all attempts in one look: the name has no space in it, so it ends where it ends. 6 -> 3 us a line.
_USUAL = re.compile(
    r"([A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d) \S{1,255} sshd[\w./-]{0,60}\[(\d{1,10})\]: "
    r"(Failed|Accepted) ([\w/-]{1,64}) for (?:(invalid|illegal) user )?(\S*) from (\S{1,255}) "
    r"port \d{1,5}(?: ssh\d?)?(?:: [\w-]{1,64} [\w:+/=.-]{1,256})?$",
)
# The name comes from the attacker: it ends at the last ` from `.
_ATTEMPT = re.compile(
    r"(?P<what>Failed|Accepted) (?P<method>[\w/-]{1,64}) for (?P<invalid>invalid user |illegal user )?"
    r"(?P<user>.*) from (?P<host>\S{1,255})(?: port \d{1,5})?(?: ssh\d?)?(?:: .*)?\s*$",
    re.DOTALL,
)
_INVALID = re.compile(
    rf"(?:[iI]nvalid|[iI]llegal) user (?P<user>.*?) ?from (?P<host>\S{{1,255}}){_PORT}$", re.DOTALL,
)  # fmt: skip
_FAILURES = re.compile(
    r"(?:User (?P<user>.*) from (?P<host>\S{1,255}) not allowed because (?!shell ).*"
    r"|(?:error: )?ROOT LOGIN REFUSED FROM (?P<root>\S{1,255}).*"
    r"|(?:error: )?maximum authentication attempts exceeded for (?:invalid user )?(?P<tired>.*) from "
    r"(?P<tired_host>\S{1,255}).*"
    r"|(?:error: |fatal: )?(?:PAM: )?authentication (?:failure|error|failed) for (?:illegal user |invalid user )?"
    r"(?P<pam>.*) from (?P<pam_host>\S{1,255})(?: via \S{1,255})?" + _PORT + r"|(?:error: |fatal: )?(?:PAM: )?"
    r"user not known to the underlying authentication module for (?:illegal user |invalid user )?"
    r"(?P<unknown>.*) from (?P<unknown_host>\S{1,255})" + _PORT + r"|refused connect from \S{1,255} "
    r"\((?P<refused>[^\s)]{1,255})\).*"
    r"|(?:error: )?Received disconnect from (?P<left>[^\s:]{1,255}|[0-9a-fA-F:.]{2,64}?)(?: port \d{1,5})?"
    r": ?3: .*: Auth fail.*"
    r"|Disconnecting(?: from)? (?:invalid|authenticating) user (?P<changed>.*) (?P<changed_host>\S{1,255}) port "
    r"\d{1,5}: ?Change of username or service not allowed.*)$",
    re.DOTALL | re.IGNORECASE,
)
_FAILURE_STARTS = (
    "User ", "ROOT LOGIN", "maximum", "error: ", "fatal: ", "Received disconnect", "refused connect", "Disconnecting",
    "PAM: ", "Authentication ", "authentication ",
)  # fmt: skip
# Lines without the address, of a connection whose other lines have it.
_HOSTLESS = re.compile(
    r"(?:error: )?Disconnecting: Too many authentication failures(?: for (?P<user>.*?))?(?: \[preauth\])?\s*$"
    r"|User (?P<locked>.*) not allowed because account is locked.*$",
    re.DOTALL,
)
# PAM's line of old systems, in a file of its own; that of `pam_unix(sshd:auth)` stands beside sshd's own.
_OLD_PAM = re.compile(
    r"authentication failure; .{0,256}?rhost=(?P<host>\S{1,255})(?: +user=(?P<user>\S{0,255}))?.*$", re.DOTALL,
)  # fmt: skip
# No failures, but they say whose the connection is.
_NEUTRAL = re.compile(
    r"(?:Connection from |(?:Connection (?:closed|reset)|Disconnected) (?:by|from) "
    r"(?:(?:invalid|authenticating) user .* )?|(?:error: )?Received disconnect from "
    r"|pam_\w{1,32}\(sshd:auth\): .*rhost=)"
    r"(?P<host>[0-9a-fA-F:.]{2,64}?)(?:[ :]|$)",
    re.DOTALL,
)
_NEUTRAL_STARTS = ("Connection ", "Disconnected ", "Received ", "error: Rec", "pam_")

_HOSTS = ("host", "root", "tired_host", "pam_host", "unknown_host", "refused", "left", "changed_host")
_USERS = ("user", "tired", "pam", "unknown", "changed")
# Clients try keys by themselves before they ask for a password.
_KEY = "publickey"


class Sshd:
    """sshd in syslog, its ISO form, RFC 5424 or journalctl's (auth.log, secure).

    A line counts as a failure if it does for fail2ban's sshd filter, whose thresholds the rules have: `Invalid user`
    and the `Failed password` after it are two, PAM's line beside sshd's own is none. Unlike there, `message repeated N
    times` is N, and PAM's lines count where the system logs them alone.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        # Process of a connection -> its address, or the user of a failure that waits for it.
        self._hosts: dict[str, str] = {}
        self._waiting: dict[str, str] = {}

    def __call__(self, line: str) -> Events | None:
        """Read one line."""
        usual = _USUAL.match(line)
        if usual is not None:
            stamp, pid, what, method, invalid, user, host = usual.groups()
            when = self._clock.syslog(stamp)
            if when is not None:
                return self._usual(when, pid, _attempted(what, method, invalid, user, host))
        return self._any(line)

    def _usual(self, when: float, pid: str, fields: dict[str, Any]) -> Events:
        _put(self._hosts, pid, fields["ip_address"])
        if self._waiting:
            self._waiting.pop(pid, None)
        return [] if fields.get("auth_method") == _KEY and not fields["success"] else [(when, fields)]

    def _any(self, line: str) -> Events | None:
        head = _SYSLOG.match(line) or _RFC5424.match(line)
        if head is None:
            return None
        stamp, program, pid = head.group("time", "program", "pid")
        if not program.startswith("sshd"):
            return []
        when = self._when(stamp)
        if when is None:
            return None
        text, times = line[head.end() :], 1
        if text.startswith("message repeated"):
            repeated = _REPEATED.match(text.rstrip())
            if repeated:
                text, times = repeated[2], min(int(repeated[1]), MAX_REPEATED)
        fields = _old_pam(text) if program.endswith(")") else self._event(text, pid or "")
        return [] if fields is None else [(when, fields)] * times

    def _when(self, stamp: str) -> float | None:
        if "0" <= stamp[0] <= "9":
            return float(stamp) if stamp[10:11] == "." else self._clock.iso(stamp)
        if stamp[4:8].isdigit():  # `Tue 2026-01-02 03:04:05 UTC`
            return self._clock.iso(stamp[4:].replace(" UTC", "Z"))
        return self._clock.syslog(stamp)

    def _event(self, text: str, pid: str) -> dict[str, Any] | None:
        fields = _attempt(text) or _failure(text)
        if fields is not None:
            if pid:
                _put(self._hosts, pid, fields["ip_address"])
                self._waiting.pop(pid, None)
            return None if fields.get("auth_method") == _KEY and not fields["success"] else fields
        return self._of_connection(text, pid) if pid else None

    def _of_connection(self, text: str, pid: str) -> dict[str, Any] | None:
        """Join lines of one connection: one says the failure, another the address."""
        if text.startswith(("Disconnecting: ", "error: Disc", "User ")):
            found = _HOSTLESS.match(text)
            if found is None:
                return None
            user = found["user"] or found["locked"] or ""
            host = self._hosts.get(pid)
            if host is not None:
                return _login(user, host, success=False)
            _put(self._waiting, pid, user)
            return None
        found = _NEUTRAL.match(text) if text.startswith(_NEUTRAL_STARTS) else None
        if found is None:
            return None
        _put(self._hosts, pid, found["host"])
        user_waiting = self._waiting.pop(pid, None)
        return None if user_waiting is None else _login(user_waiting, found["host"], success=False)


def _put(known: dict[str, str], pid: str, text: str) -> None:
    if len(known) >= MAX_CONNECTIONS and pid not in known:
        del known[next(iter(known))]
    known[pid] = text


def _attempt(text: str) -> dict[str, Any] | None:
    if text.startswith(("Failed ", "Accepted ")):
        found = _ATTEMPT.match(text)
        if found is None:
            return None
        return _attempted(*found.group("what", "method", "invalid", "user", "host"))
    if text.startswith(("Invalid ", "Illegal ", "invalid ", "illegal ")):
        found = _INVALID.match(text)
        return None if found is None else _login(found["user"], found["host"], success=False)
    return None


def _attempted(what: str, method: str, invalid: str | None, user: str, host: str) -> dict[str, Any]:
    # A key that is offered for a user that is none is a guess; any other client's first try.
    shown = "key" if method == _KEY and invalid else method
    return _login(user, host, success=what == "Accepted", method=shown)


def _failure(text: str) -> dict[str, Any] | None:
    found = _FAILURES.match(text) if text.startswith(_FAILURE_STARTS) else None
    if found is None:
        return None
    host = next(found[name] for name in _HOSTS if found[name])
    user = next((found[name] for name in _USERS if found[name]), "root" if found["root"] else "")
    return _login(user, host, success=False)


def _old_pam(text: str) -> dict[str, Any] | None:
    found = _OLD_PAM.match(text)
    return None if found is None else _login(found["user"] or "", found["host"], success=False)


def _login(user: str, host: str, *, success: bool, method: str = "") -> dict[str, Any]:
    fields: dict[str, Any] = {"event_type": "authentication", "success": success, "ip_address": host, "source": "sshd"}
    user = user.strip()
    if user:
        fields["username"] = user
    if method:
        fields["auth_method"] = method.partition("/")[0]
    return fields
