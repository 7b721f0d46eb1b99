"""Line formats of `seclog replay`: a log line in, events with their times out.

A reader returns a list of (seconds since the epoch, fields); an empty one for a line that it knows and that tells of no
event; None for a line that is none of its format's.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from seclog_handlers.access import AccessLog
from seclog_handlers.access.log import SPECIAL
from seclog_handlers.cli.replay_sshd import Sshd
from seclog_handlers.cli.replay_times import Clock
from seclog_handlers.detection.sigma.vocabulary import FIELDS
from seclog_handlers.errors import ConfigurationError

Events = list[tuple[float, dict[str, Any]]]
Reader = Callable[[str], Events | None]

# A line is looked at so far.
MAX_LINE = 16_384

_TIME_FIELDS = ("timestamp", "@timestamp", "time", "ts", "created", "asctime")
_ALERT = "security_alert"


class JsonLines:
    """Our own lines, or any JSON lines with a time.

    Args:
        clock: Reads the times.
        renames: Output field -> our field, for a policy that renames.
    """

    def __init__(self, clock: Clock, renames: Mapping[str, str]) -> None:
        self._clock = clock
        self._renames = dict(renames)
        self._loads = _loads()

    def __call__(self, line: str) -> Events | None:
        """Read one line."""
        if line[:1] != "{":
            return None
        try:
            fields = self._loads(line)
        except ValueError:
            return None
        if type(fields) is not dict:
            return None
        if self._renames:
            fields = {self._renames.get(name, name): value for name, value in fields.items()}
        when = self._when(fields)
        if when is None:
            return None
        return [] if fields.get("event_type") == _ALERT else [(when, fields)]

    def _when(self, fields: dict[str, Any]) -> float | None:
        for name in _TIME_FIELDS:
            if name in fields:
                return self._clock.any(fields[name])
        return None


def _loads() -> Callable[[str], Any]:
    try:
        import orjson  # noqa: PLC0415 - optional, three times as fast
    except ImportError:
        return json.loads
    loads: Callable[[str], Any] = orjson.loads
    return loads


# What stands in quotes, in which a backslash takes the next character's meaning.
_QUOTED = r'[^"\\]*(?:\\.[^"\\]*)*'
_ACCESS = re.compile(
    r'(?:\S{1,255}:\d{1,5} )?(?P<h>\S{1,255}) \S{1,64} (?P<u>[^\["]{1,256}?) \[(?P<t>[^\]]{20,26})\] '
    rf'"(?P<r>{_QUOTED})" (?P<s>\d{{3}}) (?P<B>\d{{1,18}}|-)'
    rf'(?: "(?P<f>{_QUOTED})" "(?P<a>{_QUOTED})")?(?: .*)?$',
    re.DOTALL,
)
# The same for nearly all lines, those without a backslash: one look instead of two, and no atoms. 32 -> 6 us a line.
_USUAL = re.compile(
    r'(\S{1,255}) \S{1,64} ([^\s\["]{1,256}) \[([^\]]{20,26})\] '
    r'"([A-Z]{1,32}) (/[^"? ]*)(?:\?([^" ]*))? HTTP/([0-9.]{1,4})" ([1-5][0-9][0-9]) ([0-9]{1,18}|-)'
    r'(?: "[^"]*" "([^"]*)")?(?: .*)?$',
    re.DOTALL,
)
_REQUEST = re.compile(r"(?P<m>[A-Za-z][A-Za-z_-]{0,31}) (?P<target>.*) (?P<H>HTTP/[\d.]{1,4})$", re.DOTALL)


class Access:
    """The common and the combined log format: nginx, Apache, gunicorn and most others.

    Args:
        clock: Reads the times.
        log: Makes events of requests, as it does in a running server.
    """

    def __init__(self, clock: Clock, log: AccessLog) -> None:
        self._clock = clock
        self._log = log

    def __call__(self, line: str) -> Events | None:
        """Read one line."""
        usual = _USUAL.match(line) if "\\" not in line else None
        if usual is not None:
            peer, user, stamp, method, path, query, version, code, size, agent = usual.groups()
            status = int(code)
            if status not in SPECIAL:
                when = self._clock.access(stamp)
                if when is None:
                    return None
                fields = self._log.alone(
                    status, method, path, _text(query), _text(peer), _text(user), _text(agent), version,
                )  # fmt: skip
                if fields is None:
                    return []
                if size != "-":
                    fields["response_size"] = int(size)
                return [(when, fields)]
        return self._any(line)

    def _any(self, line: str) -> Events | None:
        found = _ACCESS.match(line)
        if found is None:
            return None
        when = self._clock.access(found["t"])
        request = _REQUEST.match(found["r"])
        if when is None:
            return None
        if request is None:  # what no HTTP client sends: the server answered 400
            return []
        path, _, query = request["target"].partition("?")
        atoms = {
            "h": found["h"], "u": found["u"], "s": found["s"], "m": request["m"], "U": path, "q": query or "-",
            "H": request["H"], "a": found["a"] or "-", "B": found["B"],
        }  # fmt: skip
        fields = self._log.event({"name": "gunicorn.access", "args": atoms, "created": when})
        return [] if fields is None else [(when, fields)]


def _text(shown: str | None) -> str:
    return shown if shown and shown != "-" else ""


_UVICORN = re.compile(
    r"(?P<time>\[?\d{4}-\d\d-\d\d[T ][\d:.,]{8,18}(?:Z|[+-][\d:]{4,5})?\]?)[^\"]{0,80}? "
    r"(?P<client>[0-9A-Fa-f.:\[\]]{2,47}:\d{1,5}) - "
    r'"(?P<method>[A-Z]{1,32}) (?P<target>.*) HTTP/(?P<version>[\d.]{1,4})" (?P<status>\d{3})',
    re.DOTALL,
)


class Uvicorn:
    """uvicorn's access lines, with a time in front (its own format has none: `%(asctime)s` must be added).

    Args:
        clock: Reads the times.
        log: Makes events of requests.
    """

    def __init__(self, clock: Clock, log: AccessLog) -> None:
        self._clock = clock
        self._log = log

    def __call__(self, line: str) -> Events | None:
        """Read one line."""
        found = _UVICORN.match(line)
        when = self._clock.iso(found["time"].strip("[]")) if found else None
        if found is None or when is None:
            return None
        args = (found["client"], found["method"], found["target"], found["version"], int(found["status"]))
        fields = self._log.event({"name": "uvicorn.access", "args": args, "created": when})
        return [] if fields is None else [(when, fields)]


class Own:
    """A user's own lines.

    Args:
        clock: Reads the times.
        expression: A regular expression whose named groups are fields: ours, or Sigma's and ECS's names for them with
            `_` for `.`; `time` is the time.
        constants: Further fields of every event.
        form: The form of the time, for strptime; otherwise it is guessed.

    Raises:
        ConfigurationError: If the expression is none, or has no group `time`.
    """

    def __init__(self, clock: Clock, expression: str, constants: Mapping[str, Any], form: str | None = None) -> None:
        try:
            self._expression = re.compile(expression)
        except (re.error, OverflowError, RecursionError) as error:
            raise ConfigurationError(f"--regex {expression!r} is no regular expression: {error}.") from None
        groups = self._expression.groupindex
        if "time" not in groups:
            raise ConfigurationError(f"--regex {expression!r} has no group (?P<time>...): an event needs its time.")
        dotted = {name.replace(".", "_").replace("-", "_"): fields[0] for name, fields in FIELDS.items()}
        self._fields = {group: dotted.get(group, group) for group in groups if group != "time"}
        self._constants = dict(constants)
        self._clock, self._form = clock, form

    def __call__(self, line: str) -> Events | None:
        """Read one line."""
        found = self._expression.search(line)
        if found is None:
            return None
        text = found["time"] or ""
        when = self._clock.pattern(text, self._form) if self._form else self._clock.any(text)
        if when is None:
            return None
        values = {field: found[group] for group, field in self._fields.items() if found[group]}
        return [(when, {**self._constants, **values})]


FORMATS = ("json", "sshd", "access", "uvicorn")
# Other names for the same lines.
ALIASES = {"nginx": "access", "apache": "access", "combined": "access", "common": "access", "gunicorn": "access"}


def reader(name: str, clock: Clock, log: AccessLog, renames: Mapping[str, str]) -> Reader:
    """Return the reader of a named format."""
    readers: dict[str, Callable[[], Reader]] = {
        "json": lambda: JsonLines(clock, renames),
        "sshd": lambda: Sshd(clock),
        "access": lambda: Access(clock, log),
        "uvicorn": lambda: Uvicorn(clock, log),
    }
    return readers[ALIASES.get(name, name)]()


def recognised(lines: Iterable[str], make: Callable[[str], Reader]) -> str | None:
    """Return the name of the format that knows most of these lines; None if none knows any."""
    sample = list(lines)
    scores = {name: _known(sample, make(name)) for name in FORMATS}
    best = max(scores, key=lambda name: scores[name])
    return best if scores[best] else None


def _known(lines: Iterable[str], read: Reader) -> int:
    return sum(read(line[:MAX_LINE]) is not None for line in lines)


def constants(pairs: Iterable[str]) -> dict[str, Any]:
    """Return the fields of `NAME=VALUE` words; a value is JSON, or text.

    Raises:
        ConfigurationError: For a word without `=`.
    """
    found: dict[str, Any] = {}
    for pair in pairs:
        name, equals, value = pair.partition("=")
        if not equals or not name:
            raise ConfigurationError(f"--set {pair!r} must be NAME=VALUE, such as event_type=authentication.")
        try:
            found[name] = json.loads(value)
        except ValueError:
            found[name] = value
    return found
